"""`python -m benchmarks.board`: what a tap costs on the emulated board, in instructions, exactly.

Rules it keeps:
- The firmware is built here, by the pinned compiler, and run on codes that are kept (board-codes.json): same sources,
  same counts. board.json holds them, and docs/board.md shows them; `--check` fails on any difference, `--renew` writes
  both anew.
- Milliseconds are a model and say so: one instruction a cycle at the clock rate named.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.pages import ROOT, write_between
from yima.hwsim.board.cost_report import chart, whole_page
from yima.hwsim.board.costs import PARTS, Tap
from yima.hwsim.board.measurement import RATES_MHZ, Measured, measure_codes, model_ms
from yima.hwsim.board.workshop import ORGANISATION, PLATFORM
from yima.sdk.page import check_place
from yima.validator.errors import YimaError
from yima.validator.parameters import from_mapping
from yima.validator.texts import Text, say

RECORD = Path(__file__).with_name("board.json")
CODES = Path(__file__).with_name("board-codes.json")
PAGE = ROOT / "docs" / "board.md"
BEGIN, END = "<!-- cost of a tap: made by python -m benchmarks.board --renew -->", "<!-- end of cost -->"
_LOG_WIDTH = 120


def count(directory: Path) -> Measured:
    """Builds the bus validator and counts. Raises YimaError."""
    kept: dict[str, Any] = json.loads(CODES.read_text(encoding="utf-8"))
    parameters = from_mapping(
        {
            "environment": "test",
            "version": 1,
            "fares": {"bus": 200},
            "roots": [{"certificate": kept["root"]}],
            "whitelist": [{"organisation": ORGANISATION, "platform": PLATFORM}],
        },
        source=CODES.name,
    )
    codes = [bytes.fromhex(code) for code in kept["codes"]]
    return measure_codes(directory, parameters, codes, kept["clock"])


def figures(measured: Measured) -> dict[str, Any]:
    """What `--json` prints and board.json keeps."""
    costs = measured.costs
    return {
        "instructions_per_tap_known_issuer": costs.known_issuer.instructions,
        "instructions_per_tap_new_issuer": costs.new_issuer.instructions,
        "flash_bytes": measured.flash_bytes,
        "ram_bytes": measured.ram_bytes,
        "boot_instructions": costs.boot,
        "flash_operations_per_tap": costs.known_issuer.flash_operations,
        "parts_known_issuer": _tap_parts(costs.known_issuer),
        "parts_new_issuer": _tap_parts(costs.new_issuer),
        "instructions_last_byte_to_gate": {
            "known_issuer": costs.known_issuer.to_gate,
            "new_issuer": costs.new_issuer.to_gate,
        },
        "model_ms_at_one_instruction_a_cycle": {
            f"{rate}_mhz": {
                "known_issuer": round(model_ms(costs.known_issuer.instructions, rate), 2),
                "new_issuer": round(model_ms(costs.new_issuer.instructions, rate), 2),
            }
            for rate in RATES_MHZ
        },
    }


def _tap_parts(tap: Tap) -> dict[str, int]:
    return {part.name: tap.parts[part.name] for part in PARTS if part.of_tap}


def page_table(found: dict[str, Any]) -> str:
    """The table of docs/board.md. found: as `figures` gives it."""
    new, known = found["parts_new_issuer"], found["parts_known_issuer"]
    rows = [(part.text.en, new[part.name], known[part.name]) for part in PARTS if part.of_tap]
    rows.append(("**the tap**", found["instructions_per_tap_new_issuer"], found["instructions_per_tap_known_issuer"]))
    lines = ["| instructions | new issuer | known issuer |", "|---|---:|---:|"]
    lines += [f"| {what} | {first:,} | {second:,} |" for what, first, second in rows]
    for rate, model in found["model_ms_at_one_instruction_a_cycle"].items():
        mhz = rate.removesuffix("_mhz")
        lines.append(f"| model, ms at {mhz} MHz | {model['new_issuer']:.2f} | {model['known_issuer']:.2f} |")
    return "\n".join(lines) + "\n"


def differences(kept: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """Each figure that is not what was kept, as a line for people."""
    names = sorted(kept.keys() | found.keys())
    return [f"{name}: {kept.get(name)} -> {found.get(name)}" for name in names if kept.get(name) != found.get(name)]


def main() -> int:
    """Counts and prints. Status 1 if --check finds a difference, 2 if it cannot count."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.board",
        description="counts a tap's instructions on the emulated board 统计仿真板上一次刷码的指令数",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object 输出 JSON")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="fail on any difference to board.json 与记录不符即失败")
    mode.add_argument("--renew", action="store_true", help="write board.json and the page anew 更新记录与文档")
    parser.add_argument("--chart", type=Path, metavar="FILE", help="also draw the parts, as SVG 输出 SVG 图")
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="also write table and chart, as HTML 输出 HTML 报告"
    )
    arguments = parser.parse_args()
    try:
        for place in filter(None, (arguments.chart, arguments.report)):
            check_place(place, Text("Choose another file", "请另选文件"))
        with tempfile.TemporaryDirectory(prefix="yima-board-") as directory:
            measured = count(Path(directory))
    except YimaError as error:
        print(error, file=sys.stderr)
        return 2
    found = figures(measured)
    if arguments.json:
        print(json.dumps(found, indent=1))
    else:
        _show(measured, found)
    if arguments.chart:
        arguments.chart.write_text(chart(measured) + "\n", encoding="utf-8")
    if arguments.report:
        arguments.report.write_text(whole_page(measured), encoding="utf-8")
    if arguments.renew:
        RECORD.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        write_between(PAGE, BEGIN, END, page_table(found))
    if arguments.check and (lines := differences(json.loads(RECORD.read_text(encoding="utf-8")), found)):
        print("\n".join(lines), file=sys.stderr)
        remedy = Text(
            "If it is meant: python -m benchmarks.board --renew", "若在预期之内：python -m benchmarks.board --renew"
        )
        print(say(remedy), file=sys.stderr)
        return 1
    return 0


def _show(measured: Measured, found: dict[str, Any]) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _LOG_WIDTH
    costs = measured.costs
    table = Table(box=None, padding=(0, 2))
    table.add_column(say(Text("instructions", "指令数")))
    for heading in (Text("new issuer", "新机构"), Text("known issuer", "已知机构")):
        table.add_column(say(heading), justify="right")
    for part in PARTS:
        values = (f"{tap.parts[part.name]:,}" for tap in (costs.new_issuer, costs.known_issuer))
        table.add_row(say(part.text), *values, style="" if part.of_tap else "dim")
    totals = (f"{tap.instructions:,}" for tap in (costs.new_issuer, costs.known_issuer))
    table.add_row(say(Text("a tap (without the dim lines)", "一次刷码（不含灰色行）")), *totals, style="bold")
    for rate, model in found["model_ms_at_one_instruction_a_cycle"].items():
        title = Text(f"model, ms at {rate.replace('_mhz', ' MHz')}", f"模型，{rate.replace('_mhz', ' MHz')} 毫秒")
        table.add_row(say(title), str(model["new_issuer"]), str(model["known_issuer"]))
    console.print(table)
    sizes = f"flash {measured.flash_bytes:,}  RAM {measured.ram_bytes:,}"
    console.print(f"{sizes}  boot {costs.boot:,}  flash operations a tap {costs.known_issuer.flash_operations}")


if __name__ == "__main__":
    sys.exit(main())
