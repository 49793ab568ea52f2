"""`python -m benchmarks.journals`: a journal of many entries: to append to it, to open it, to find used codes in it.

What the numbers are:
- Entries are taps of the size that rides have, half a minute apart, appended without a flush so that a million fit into
  a minute; `append` is then everything but the disk. `open`, `used_codes` (of the last hour) and `care` are done again
  and again on what lies there.
- Processor time stands beside the clock's: on a shared machine it is the one to compare. It never judges.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from benchmarks.measurement import machine
from yima.hwsim.latency import percentile
from yima.sdk.cli.arguments import WholeNumber
from yima.validator.journal import SegmentJournal
from yima.validator.journal.facts import TapFacts, write
from yima.validator.journal.files import FolderFiles
from yima.validator.judging import Direction, Mode, Transaction, Vouched
from yima.validator.texts import Text, say

_EVERY_S = 29
_BEGIN = 1_790_000_000
_RECORD = bytes(range(256)) * 2 + bytes(108)
_ROUNDS = 10


class _Unflushed(FolderFiles):
    """Nobody cuts the power of a benchmark."""

    def flush(self, name: str) -> None:
        """Leaves it to the system."""


def _entry(number: int) -> bytes:
    at = _BEGIN + number * _EVERY_S
    facts = TapFacts(
        at=at, trusted=True, run=1, tick_ms=number, reason=0, family=1, mode=Mode.METRO, direction=Direction.EXIT,
        transaction=Transaction.EXIT, vouched=Vouched.HERE, account_type=1, city=320500, operator=1, line=1, station=7,
        issuer_city=310000, gross_fen=500, fare_fen=500, parameters_version=1, parameters_digest=bytes(16),
        deny_version=0, digest=number.to_bytes(32), account=number.to_bytes(10), good_until=at + 120, entry_at=at - 900,
        entry_station=3, entry_line=1, rules=(),
    )  # fmt: skip
    return write(facts) + _RECORD


def measured(folder: Path, count: int) -> dict[str, object]:
    """Fills a journal in `folder` and measures on it. Milliseconds; append: microseconds."""
    journal = SegmentJournal(folder, "bench", epoch_for_new=1, files=_Unflushed(folder))
    appends = []
    for number in range(1, count + 1):
        entry = _entry(number)
        begun = time.perf_counter_ns()
        journal.append(entry)
        appends.append((time.perf_counter_ns() - begun) / 1000)
    journal.acknowledge(count * 99 // 100, {})
    journal.close()
    appends.sort()
    series: dict[str, list[tuple[float, float]]] = {"open": [], "used_codes": [], "care": []}
    found = 0
    for _ in range(_ROUNDS):
        opened: list[SegmentJournal] = []
        series["open"].append(_timed(lambda: opened.append(SegmentJournal(folder, "bench", epoch_for_new=1))))  # noqa: B023
        [journal] = opened
        since = (journal.newest_trusted_at() or 0) - 3600
        codes: list[bytes] = []
        series["used_codes"].append(_timed(lambda: codes.extend(journal.used_codes(since))))  # noqa: B023
        series["care"].append(_timed(journal.care))
        found = len(codes)
        journal.close()
    return {
        "entries": count,
        "segments": len(list(folder.glob("*.seg"))),
        "codes_found": found,
        "append_us": {"p50": round(percentile(appends, 50), 2), "p99": round(percentile(appends, 99), 2)},
        **{
            f"{name}_ms": {"p50": _median([wall for wall, _ in values]), "p50_cpu": _median([cpu for _, cpu in values])}
            for name, values in series.items()
        },
    }


def _timed(work: Callable[[], None]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return (time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000


def _median(values: list[float]) -> float:
    return round(percentile(sorted(values), 50), 2)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.journals", description="a journal of many entries 测量大量条目的日志"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object 输出 JSON")
    parser.add_argument("--entries", type=WholeNumber(1000, 100_000_000), default=1_000_000, metavar="N")
    parser.add_argument("--directory", type=Path, metavar="DIR", help="where it is written, 1 KB an entry 日志目录")
    arguments = parser.parse_args()
    status = Console(stderr=True).status(say(Text("measuring", "测量中")))
    with tempfile.TemporaryDirectory(prefix="yima-journal-", dir=arguments.directory) as name, status:
        found = {"machine": machine(Path(name)), **measured(Path(name), arguments.entries)}
    if arguments.json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
    else:
        for key, value in found.items():
            print(f"{key:14}{value}")


if __name__ == "__main__":
    main()
