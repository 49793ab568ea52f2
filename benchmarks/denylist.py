"""`python -m benchmarks.denylist`: a deny-list of national size, from the CSV to a look-up. It never judges.

What the numbers are:
- Every look-up is timed by itself, a call from Python into the core with an account picked at random, timer and call
  included; `timer` is the same with a call that does nothing.
- Misses lie next to what is listed: same issuer, neighbouring number.
- `open_cold`: the file has just been thrown out of the page cache; `first`: the look-up after that, from the disk.
- The answers are checked; a wrong one ends the benchmark.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.measurement import Series, machine, timed
from yima.hwsim.latency import spread
from yima.sdk.cli.arguments import WholeNumber
from yima.sdk.parameters.deny_source import read_csv
from yima.sdk.parameters.denylist import Changes, Range, accounts_of, build
from yima.validator.deny.denylist import DenyList
from yima.validator.texts import Text, say

_ISSUERS = 30
_BLOCK = 1000  # accounts in a range
_INCREMENTS = 4
_COLD_ROUNDS = 20
_GOALS = {"hit": 1.0, "miss": 1.0, "range": 1.0, "open": 10_000.0, "open_cold": 10_000.0}  # microseconds, at the median


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.denylist",
        description="builds, opens and asks a deny-list of national size 测量全国规模黑名单",
    )
    parser.add_argument("--accounts", type=WholeNumber(100, 100_000_000), default=10_000_000, metavar="N")
    parser.add_argument("--ranges", type=WholeNumber(1, 100_000), default=1000, metavar="N")
    parser.add_argument("--look-ups", type=WholeNumber(10, 1_000_000), default=100_000, metavar="N")
    parser.add_argument("--directory", type=Path, metavar="DIR", help="where files are written 文件目录")
    parser.add_argument("--json", action="store_true", help="one JSON object 输出 JSON")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="yima-deny-", dir=arguments.directory) as temporary:
        bench = Bench(Path(temporary), arguments.accounts, arguments.ranges, arguments.look_ups)
        there = machine(Path(temporary))
        with Console(stderr=True).status(say(Text("measuring", "测量中"))):
            bench.make()
            found = list(bench.measure())
    if arguments.json:
        shown = [series.as_mapping() for series in found]
        print(json.dumps({"machine": there, "list": bench.made, "series": shown}, ensure_ascii=False, indent=1))
    else:
        _show(there, bench.made, found)


@dataclass(slots=True)
class Bench:
    """One list to measure. made: what it is and how long each step took, filled by make()."""

    directory: Path
    accounts: int
    ranges: int
    look_ups: int
    made: dict[str, float] = field(default_factory=dict)

    @property
    def _path(self) -> Path:
        return self.directory / "national.ymd"

    def make(self) -> None:
        """Writes the CSV, reads it, builds the file and its increments."""
        source = self.directory / "national.csv"
        with source.open("w", encoding="utf-8") as file:
            file.write("account,last\n")
            file.write(_packed(_listed(np.arange(self.accounts))).hex("\n", 10))
            file.writelines(f"\n{first.hex()},{last.hex()}" for first, last in map(_range, range(self.ranges)))
        with self._noted("read_csv_s"):
            changes = read_csv(source)
        with self._noted("build_s"):
            image = build(changes, environment="test", version=1, issued_at=1)
        with self._noted("write_s"), self._path.open("wb") as output:
            output.write(image)
            output.flush()
            os.fsync(output.fileno())
        source.unlink()
        self.made |= {"accounts": changes.denied.size, "ranges": len(changes.denied_ranges), "bytes": len(image)}
        self.made["bytes_an_account"] = round((len(image) - 20 * self.ranges) / self.accounts, 3)
        with self._noted("verify_s"):
            DenyList.open(self._path).verify()

    @contextmanager
    def _noted(self, name: str) -> Iterator[None]:
        begun = time.perf_counter()
        yield
        self.made[name] = round(time.perf_counter() - begun, 2)

    def measure(self) -> Iterator[Series]:
        """Every series, one after the other."""
        opened = timed(DenyList.open, [self._path] * 200)
        yield Series(name="open", what=Text("open, file in memory", "打开（已缓存）"), values_us=opened)
        yield from self._cold()
        chance = np.random.default_rng(1)
        hits = _rows(_listed(chance.integers(0, self.accounts, self.look_ups)))
        misses = _rows(_listed(chance.integers(0, self.accounts, self.look_ups)) + np.array([0, 1], dtype=np.uint64))
        blocks = chance.integers(0, self.ranges, self.look_ups)
        inside = [(int.from_bytes(_range(int(block))[0]) + 1).to_bytes(10) for block in blocks]
        plain = DenyList.open(self._path).core.has
        layered = DenyList(self._path.read_bytes(), *self._increments()).core.has
        yield Series(name="timer", what=Text("the timer alone", "仅计时"), values_us=timed(bool, hits))
        yield self._asked("hit", Text("account on the list", "名单内账户"), plain, hits, expected=True)
        yield self._asked("miss", Text("neighbouring account", "相邻账户（不在名单）"), plain, misses, expected=False)
        yield self._asked("range", Text("account in a range", "号段内账户"), plain, inside, expected=True)
        yield self._asked(
            "miss_increments",
            Text(f"neighbouring account, {_INCREMENTS} increments", f"相邻账户，{_INCREMENTS} 个增量"),
            layered,
            misses,
            expected=False,
        )

    def _cold(self) -> Iterator[Series]:
        account = _packed(_listed(np.array([self.accounts // 2])))
        opens: list[float] = []
        firsts: list[float] = []
        for _ in range(_COLD_ROUNDS):
            with self._path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            begun = time.perf_counter_ns()
            core = DenyList.open(self._path).core
            opened = time.perf_counter_ns()
            _agrees(core.has(account), expected=True)
            opens.append((opened - begun) / 1000)
            firsts.append((time.perf_counter_ns() - opened) / 1000)
            del core  # pages that are mapped stay in the cache
        yield Series(name="open_cold", what=Text("open, from disk", "打开（冷）"), values_us=tuple(opens))
        yield Series(
            name="first_cold", what=Text("first look-up, from disk", "首次查询（冷）"), values_us=tuple(firsts)
        )

    def _increments(self) -> list[bytes]:
        """Each adds a thousand accounts, those of other issuers, and takes some off."""
        files: list[bytes] = []
        base = DenyList.open(self._path)
        full = self._path.read_bytes()
        for number in range(_INCREMENTS):
            start = self.accounts + 1000 * number
            added = _rows(_listed(np.arange(start, start + 1000)))
            taken = _rows(_listed(np.arange(100 * number, 100 * number + 10) % self.accounts))
            changes = Changes(denied=accounts_of(added), allowed=accounts_of(taken))
            files.append(build(changes, environment="test", version=2 + number, issued_at=2 + number, base=base))
            base = DenyList(full, *files)
        return files

    def _asked(
        self, name: str, what: Text, has: Callable[[bytes], bool], accounts: list[bytes], *, expected: bool
    ) -> Series:
        for account in accounts:
            _agrees(has(account), expected=expected)
        return Series(name=name, what=what, values_us=timed(has, accounts))


def _agrees(answer: bool, *, expected: bool) -> None:
    if answer is not expected:
        raise RuntimeError("the list gave a wrong answer")


def _listed(number: NDArray[np.integer]) -> NDArray[np.uint64]:
    """The number-th account on the list, as (issuer's 8 digits, 12 digits); the last digit is even."""
    issuers = np.uint64(31040000) + np.uint64(13) * (number.astype(np.uint64) % np.uint64(_ISSUERS))
    serials = np.uint64(2) * (number.astype(np.uint64) // np.uint64(_ISSUERS))
    return np.stack([issuers, serials], axis=-1)


def _packed(accounts: NDArray[np.uint64]) -> bytes:
    """Packed digits, 10 bytes an account."""
    packed = np.empty((len(accounts), 10), dtype=np.uint8)
    for byte in range(10):
        part, last = (accounts[:, 0], 3) if byte < 4 else (accounts[:, 1], 9)
        two = part // np.uint64(100 ** (last - byte)) % np.uint64(100)
        packed[:, byte] = (two // np.uint64(10) << np.uint64(4)) | two % np.uint64(10)
    return packed.tobytes()


def _rows(accounts: NDArray[np.uint64]) -> list[bytes]:
    packed = _packed(accounts)
    return [packed[at : at + 10] for at in range(0, len(packed), 10)]


def _range(number: int) -> Range:
    """A block of numbers of an issuer that has no accounts of its own on the list."""
    first = f"31990000{2 * _BLOCK * number:012}"
    last = f"31990000{2 * _BLOCK * number + _BLOCK - 1:012}"
    return bytes.fromhex(first), bytes.fromhex(last)


def _show(there: dict[str, object], made: dict[str, float], found: list[Series]) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 110
    for name, value in {**there, **made}.items():
        console.print(f"{name:20}{value}", style="dim")
    table = Table(box=None, padding=(0, 2))
    table.add_column(say(Text("what", "项目")))
    for heading in ("values 次数", "p50 µs", "p99 µs", "max µs", "goal 目标 p50"):
        table.add_column(heading, justify="right")
    for series in found:
        values = spread(series.values_us)
        goal = f"< {_GOALS[series.name]:g}" if series.name in _GOALS else ""
        numbers = (f"{value:.2f}" for value in (values.p50, values.p99, values.most))
        table.add_row(say(series.what), str(values.size), *numbers, goal)
    console.print()
    console.print(table)


if __name__ == "__main__":
    main()
