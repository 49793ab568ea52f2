"""`python -m benchmarks.clearing`: a region cleared from stores to files; what it costs, and whether it holds.

What it does, each in a new folder, and what must hold, else it ends with 1 and says what does not:
- A region of --taps taps is made and cleared, and measured: postings sum to 0; every ride is billed once; each
  difference between gate and centre has a named cause; subsidy by funder reconciles; the result is the truth.
  --region DIR: in its place one that `yima centre example` made, for making takes longer than clearing; it is kept.
- A small region is cleared twice, then with every batch sent three times and the process killed at every commit, then
  on Spark where there is one: the same bytes each time. --no-kills: without the killing, which takes minutes.
Seconds depend on what else the machine does: processor seconds stand beside them.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from benchmarks.clearing_figures import differing, figures
from benchmarks.clearing_runs import content, killed_at_every_commit, measured
from benchmarks.measurement import machine
from yima.sdk.centre.clearing.engine import ENGINES
from yima.sdk.centre.clearing.engine.spark import missing
from yima.sdk.centre.clearing.folder import STORES, WORKSPACE
from yima.sdk.centre.example.journeys import Shares
from yima.sdk.centre.example.making import TAPS_LEAST, make_example
from yima.sdk.centre.example.sending import send_again
from yima.sdk.cli.arguments import WholeNumber
from yima.validator.texts import Text, say

_TIMES = 3
# So that a few hundred taps have some of everything.
_ODD = Shares(
    expired=0.02, companion=0.03, reversed=0.03, not_passed=0.02, two_gates=0.03, damaged=0.05, wrong_fare=0.02,
    missing_exit=0.1, missing_entry=0.1, other_entry=0.05, unreadable_entry=0.05, over_time=0.03, late=0.1,
    duplicates=0.05, two_cities=0.01, disputes=0.05,
)  # fmt: skip
Say = Callable[[str], None]


def _large(folder: Path, arguments: argparse.Namespace, tell: Say) -> tuple[dict[str, object], list[str]]:
    if arguments.region is None:
        tell(say(Text("making the region", "生成区域")))
        make_example(folder, arguments.taps, arguments.seed, days=arguments.days)
    region = json.loads((folder / "example.json").read_bytes())
    taps = region["asked"]["taps"]
    tell(say(Text("clearing it", "清算中")))
    run = measured(folder, engine=arguments.engine, memory=arguments.memory)
    found, wrong = figures(folder)
    steps = run["steps"]
    assert isinstance(steps, dict)
    whole = {key: round(sum(step[key] for step in steps.values()), 2) for key in ("s", "cpu_s")}
    by_tap = {name: round(step["cpu_s"] / taps * 1e6, 1) for name, step in steps.items()}
    return {"taps": taps, "made": region["made"], **run, "whole": whole, "cpu_us_per_tap": by_tap, **found}, wrong


def _small(base: Path, arguments: argparse.Namespace, tell: Say) -> tuple[dict[str, object], list[str]]:
    first = base / "first"
    make_example(first, arguments.small, arguments.seed, days=1, shares=_ODD)
    folders = {name: _copy(first, base / name) for name in ("second", "thrice", "spark")}
    tell(say(Text("clearing a small region twice", "小区域清算两次")))
    found: dict[str, object] = {"taps": arguments.small}
    measured(first)
    _, wrong = figures(first)
    measured(folders["second"])
    pairs = {"the_same_bytes_twice": (first, folders["second"])}
    if arguments.kills:
        tell(say(Text("killing it at every commit", "在每次提交处终止进程")))
        _send_thrice(first, folders["thrice"])
        killed = _copy(folders["thrice"], base / "killed")
        measured(folders["thrice"])
        found["killed"] = killed_at_every_commit(killed)
        pairs["the_same_bytes_killed_at_every_commit"] = (folders["thrice"], killed)
        _, more = figures(killed)
        found["billed_once_sent_three_times_and_killed_at_every_commit"] = not more
        wrong += more
    lacks = missing() if arguments.spark else None
    if lacks is not None:
        found["the_same_bytes_on_spark"] = str(lacks)
    elif arguments.spark:
        tell(say(Text("clearing it on Spark", "在 Spark 上清算")))
        measured(folders["spark"], engine="spark")
        pairs["the_same_bytes_on_spark"] = (first, folders["spark"])
    for name, (one, other) in pairs.items():
        others = differing(content(one), content(other))
        found[name] = not others
        wrong += [f"{name}: not so, in {others[:5]}"] if others else []
    return found, wrong


def _copy(folder: Path, to: Path) -> Path:
    shutil.copytree(folder, to, ignore=shutil.ignore_patterns(WORKSPACE))
    return to


def _send_thrice(folder: Path, to: Path) -> None:
    """In place of the stores: new ones, filled by the collector's own code."""
    shutil.rmtree(to / STORES)
    (to / STORES).mkdir()
    for path in sorted((folder / STORES).glob("*.db")):
        send_again(path, to / STORES / path.name, times=_TIMES)


def main() -> int:
    """Measures and prints; 1 if something does not hold."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.clearing", description="a region from stores to files 从采集库到清算文件"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object 输出 JSON")
    parser.add_argument("--taps", type=WholeNumber(TAPS_LEAST, 100_000_000), default=20_000, metavar="N")
    parser.add_argument("--days", type=WholeNumber(1, 28), default=3, metavar="D")
    parser.add_argument("--seed", type=WholeNumber(0, 1 << 62), default=1, metavar="S")
    parser.add_argument("--small", type=WholeNumber(TAPS_LEAST, 10_000), default=TAPS_LEAST, metavar="N")
    parser.add_argument("--engine", choices=ENGINES, default="duckdb", help="for the large region 执行引擎")
    parser.add_argument("--memory", default="2GB", metavar="SIZE", help="of DuckDB DuckDB 内存上限")
    parser.add_argument("--kills", action=argparse.BooleanOptionalAction, default=True, help="see above 终止测试")
    parser.add_argument("--spark", action=argparse.BooleanOptionalAction, default=True, help="compare 与 Spark 比对")
    parser.add_argument("--region", type=Path, metavar="DIR", help="an example not cleared yet 尚未清算的示例目录")
    parser.add_argument("--directory", type=Path, metavar="DIR", help="where it works, 3 KB a tap 工作目录")
    arguments = parser.parse_args()
    if arguments.region is not None and not (arguments.region / "example.json").is_file():
        parser.error(f"{arguments.region}: no example; make one with yima centre example 不是示例目录")
    if arguments.region is not None and (arguments.region / WORKSPACE).exists():
        parser.error(f"{arguments.region / WORKSPACE}: cleared already; remove it 已清算，请先删除")
    status = Console(stderr=True).status("")
    with tempfile.TemporaryDirectory(prefix="yima-clearing-", dir=arguments.directory) as name, status:
        base = Path(name)
        large, wrong = _large(arguments.region or base / "large", arguments, status.update)
        shutil.rmtree(base / "large", ignore_errors=True)
        small, more = _small(base, arguments, status.update)
        found = {"machine": machine(base), "engine": arguments.engine, **large, "small": small}
    found["does_not_hold"] = wrong + more
    if arguments.json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
    else:
        for key, value in found.items():
            print(f"{key:34}{value}")
    return 1 if wrong + more else 0


if __name__ == "__main__":
    sys.exit(main())
