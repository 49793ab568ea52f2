"""`yima conform`: a folder of vectors against the real core."""

import argparse
import json
from pathlib import Path

from yima.sdk import conform
from yima.validator.shown import shown

HELP = "run a folder of conformance vectors; exit 1 if one differs 运行一致性测试向量"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """DIR [--json]"""
    parser.add_argument("folder", type=Path, metavar="DIR", help="one JSON file a vector 测试向量文件夹")
    parser.add_argument("--json", action="store_true", help="one JSON object 输出 JSON")


def run(arguments: argparse.Namespace) -> int:
    """0 all agree, 1 one differs; a folder that cannot be judged is a VectorError (2)."""
    outcomes = list(conform.run(conform.load_folder(arguments.folder)))
    differing = [outcome for outcome in outcomes if not outcome.agrees]
    if arguments.json:
        document = {
            "vectors": len(outcomes),
            "agree": len(outcomes) - len(differing),
            "differ": len(differing),
            "results": [_object(outcome) for outcome in outcomes],
        }
        print(json.dumps(document, ensure_ascii=False, indent=1))
    else:
        for outcome in outcomes:
            print(_line(outcome))
        print(
            f"{len(outcomes)} vectors 向量, {len(outcomes) - len(differing)} agree 一致, {len(differing)} differ 不一致"
        )
    return 1 if differing else 0


def _object(outcome: conform.Outcome) -> dict[str, object]:
    vector, verdict = outcome.vector, outcome.verdict
    return {
        "file": vector.file,
        "case": vector.case,
        "title": vector.title,
        "agrees": outcome.agrees,
        "expected": {"accepted": vector.accepted, "case": vector.expected_case},
        "found": {"accepted": verdict.accepted, "case": verdict.case, "reason": verdict.reason.name},
    }


def _line(outcome: conform.Outcome) -> str:
    vector, verdict = outcome.vector, outcome.verdict
    found = _answer(verdict.accepted, verdict.case)
    line = f"{'ok  ' if outcome.agrees else 'DIFF'}  {shown(vector.file):16} {found:14} {shown(vector.title)}"
    return line if outcome.agrees else f"{line}\n      expected 应为 {_answer(vector.accepted, vector.expected_case)}"


def _answer(accepted: bool, case: int | None) -> str:
    return "accepted" if accepted else f"refused {case or '-'}"
