"""`yima centre evidence`: bundles of evidence that another centre sent, checked without it and without its store."""

import argparse
from pathlib import Path

from yima.sdk.centre.clearing.disputes.checking import check_evidence
from yima.sdk.centre.clearing.taps.parameters import load_folder
from yima.sdk.centre.collector.enrolment import read_all_keys
from yima.validator.errors import YimaError
from yima.validator.outside import bytes_of, json_of
from yima.validator.shown import shown, shown_json
from yima.validator.texts import Text, say

_BUNDLE_MAX = 256 << 20  # bytes: batches, each of which a collector has taken


class BundleError(YimaError):
    """A file that cannot be read as a bundle."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares its arguments."""
    parser.add_argument("bundles", type=Path, nargs="+", metavar="FILE", help="evidence-….json 证据文件")
    parser.add_argument(
        "--devices",
        type=Path,
        metavar="FILE",
        help="`device hexkey` a line; left out: any key may have signed 终端公钥",
    )
    parser.add_argument(
        "--parameters", type=Path, metavar="DIR", help="what gates were given: codes are judged again 参数文件夹"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line 输出 JSON 行")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    keys = read_all_keys(arguments.devices) if arguments.devices else None
    published = load_folder(arguments.parameters) if arguments.parameters else None
    status = 0
    for path in arguments.bundles:
        wrong = check_evidence(_read(path), keys=keys, published=published)
        status = 1 if wrong else status
        if arguments.json:
            print(shown_json({"bundle": str(path), "holds": not wrong, "wrong": [why.en for why in wrong]}))
            continue
        print(f"{'✗' if wrong else '✓'} {path.name}  {'' if wrong else say(Text('holds', '证据成立'))}".rstrip())
        for why in wrong:
            print(f"    {shown(say(why))}")
    return status


def _read(path: Path) -> object:
    try:
        return json_of(bytes_of(path, _BUNDLE_MAX))
    except (OSError, ValueError) as error:
        raise BundleError(
            path,
            Text(f"cannot be read as a bundle: {error}", f"无法作为证据读取：{error}"),
            Text(
                "Name an evidence-….json out of a centre's answers/ folder",
                "请指定清分中心 answers/ 文件夹中的 evidence-….json",
            ),
        ) from error
