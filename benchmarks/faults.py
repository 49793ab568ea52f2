"""`python -m benchmarks.faults`: everything that goes wrong between devices and a collector, and what was lost by it.

What the table is:
- Devices with real journals, keys and senders send to `yima collect` through a network that drops, delays, doubles,
  reorders and cuts. Meanwhile collectors are killed, the store is restored from an older copy, its disk takes no more
  bytes, devices are re-flashed, and one record in 500 is rubbish.
- `records`: those that a fault could have harmed; of the wire, the batch that it struck; of the others, all there are.
  `lost`: not in the store in the end under their own hash. `doubled`: there twice, or their bytes under another name.
- In the end every device has been told that all is held, and the store holds that and nothing else.
- With --store postgresql two collectors share the database and a batch goes to either; the server itself is killed in
  place of the restored copy and the full disk. It exits with 1 where anything was lost or doubled.
"""

import argparse
import json
import random
import resource
import shutil
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from benchmarks.collector import Service
from benchmarks.faults_devices import Device, hurry
from benchmarks.faults_proxy import Proxy, Span
from benchmarks.measurement import machine
from benchmarks.postgres import Cluster, cluster
from yima.sdk.cli.arguments import WholeNumber

KILLED, RESTORED, FULL, SERVER = "collector killed", "restored from a backup", "disk full", "database killed"
FLASHED, POISON = "device re-flashed", "poison record"
FULL_S = 0.5
DOWN_S = 0.2


class Centre:
    """The store and the collectors on it."""

    def __init__(self, kind: str, directory: Path, at_end: ExitStack) -> None:
        self._directory = directory
        self._server: Cluster | None = at_end.enter_context(cluster(directory)) if kind == "postgresql" else None
        self.store = self._server.make("trips") if self._server else str(directory / "trips.db")
        self._backup = directory / "backup"
        self._services = [self._new(number) for number in range(2 if self._server else 1)]
        at_end.callback(self._stop)

    def targets(self) -> list[tuple[str, int]]:
        """Where to send to."""
        return [(service.host, service.port) for service in self._services]

    @property
    def kinds(self) -> tuple[str, ...]:
        """What can happen here."""
        return (KILLED, SERVER) if self._server else (KILLED, RESTORED, FULL)

    def suffer(self, kind: str) -> None:
        """One of them."""
        if kind == KILLED:
            number = random.randrange(len(self._services))
            self._services[number].kill()
            if self._server is None:
                self._copy(Path(self.store), self._backup)  # what a power cut would leave is a backup
            self._services[number] = self._new(number)
        elif kind == RESTORED:
            self._services[0].kill()
            if self._backup.exists():
                self._copy(self._backup / "trips.db", self._directory)
            self._services[0] = self._new(0)
        elif kind == FULL:
            pid = self._services[0].pid
            before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, before[1]))
            time.sleep(FULL_S)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
        elif self._server is not None:
            self._server.kill()
            time.sleep(DOWN_S)
            self._server.start()

    def rows(self) -> Iterator[tuple[str, int, int, bytes, str | None]]:
        """Device, epoch, sequence, hash and why it was refused, of all that is held."""
        query = "SELECT device, epoch, sequence, hash, rejected FROM entries"
        if self._server is None:
            with closing(sqlite3.connect(self.store)) as connection:
                yield from connection.execute(query)
        else:
            import psycopg  # noqa: PLC0415 - an extra

            with psycopg.connect(self.store) as connected, connected.cursor("rows") as cursor:
                yield from cursor.execute(query)

    def _new(self, number: int) -> Service:
        return Service(self.store, self._directory / f"collector-{number}.log", "--bench")

    def _copy(self, store: Path, to: Path) -> None:
        to.mkdir(exist_ok=True)
        for suffix in ("", "-wal", "-shm"):
            (to / f"trips.db{suffix}").unlink(missing_ok=True)
        for suffix in ("", "-wal"):
            source = store.with_name(f"trips.db{suffix}")
            if source.exists():
                shutil.copyfile(source, to / source.name)

    def _stop(self) -> None:
        for service in self._services:
            service.stop()


def suffered(
    centre: Centre, devices: Sequence[Device], proxy: Proxy, *, system: int, seed: int, patience_s: float
) -> Counter[str]:
    """Lets the devices send until all is acknowledged, with so many faults of the centre on the way; how many of each
    kind there were. SystemExit when it takes longer than patience_s."""
    chosen = random.Random(seed)
    kinds = [centre.kinds[number % len(centre.kinds)] for number in range(system)]
    chosen.shuffle(kinds)
    total, counts = sum(device.journals[0].last for device in devices), Counter[str]()
    by = time.monotonic() + patience_s
    for device in devices:
        device.start(proxy.url)
    while not all(device.is_done and device.flashed for device in devices) or kinds:
        if time.monotonic() > by:
            raise SystemExit("not all was acknowledged in time")
        reached = sum(device.journals[0].file.acknowledged() for device in devices)
        if kinds and reached >= total * 0.9 * sum(counts.values()) / (sum(counts.values()) + len(kinds)):
            kind = kinds.pop()
            centre.suffer(kind)
            counts[kind] += 1
        elif not kinds:  # an older copy of the store may need what a device that is flashed has no longer
            for device in devices:
                if device.is_done and not device.flashed:
                    device.flash(centre.store, proxy.url)
                    counts[FLASHED] += 1
        time.sleep(0.1)
    proxy.calm()
    time.sleep(1.0)  # what was to come late has come
    return counts


def compared(centre: Centre, devices: Sequence[Device]) -> tuple[dict[tuple[str, int], set[int]], list[Span], int]:
    """By journal the sequences that are lost; what is there twice; poison that was not refused, or good that was."""
    held: dict[tuple[str, int], dict[int, tuple[bytes, bool]]] = {}
    doubled: list[Span] = []
    seen: set[bytes] = set()
    for device, epoch, sequence, digest, rejected in centre.rows():
        journal = held.setdefault((device, epoch), {})
        if sequence in journal or bytes(digest) in seen:
            doubled.append(Span(device, epoch, sequence, sequence))
        journal[sequence] = (bytes(digest), rejected is not None)
        seen.add(bytes(digest))
    lost: dict[tuple[str, int], set[int]] = {}
    misjudged = 0
    for one in (journal for device in devices for journal in device.journals):
        there = held.pop((one.device, one.epoch), {})
        for entry in one.entries():
            sequence = entry.key.sequence
            digest, refused = there.pop(sequence, (b"", False))
            if digest != entry.hash:
                lost.setdefault((one.device, one.epoch), set()).add(sequence)
            misjudged += refused != (sequence in one.poisoned)
        doubled += [Span(one.device, one.epoch, sequence, sequence) for sequence in there]
    doubled += [Span(*key, sequence, sequence) for key, rows in held.items() for sequence in rows]
    return lost, doubled, misjudged


def table(
    wire: dict[str, list[Span]], counts: Counter[str], devices: Sequence[Device], found: tuple[Any, ...]
) -> list[dict[str, object]]:
    """A row a kind of fault, and their sum."""
    lost, doubled, _ = found
    journals = [journal for device in devices for journal in device.journals]
    total, all_lost = sum(one.last for one in journals), sum(map(len, lost.values()))
    poison = sum(len(one.poisoned) for one in journals)
    rows: list[dict[str, object]] = []
    for kind, spans in wire.items():
        struck = {(span.device, span.epoch, number) for span in spans for number in range(span.first, span.last + 1)}
        gone = sum((device, epoch, number) in struck for (device, epoch), some in lost.items() for number in some)
        twice = sum((span.device, span.epoch, span.first) in struck for span in doubled)
        rows.append({"fault": kind, "injected": len(spans), "records": len(struck), "lost": gone, "doubled": twice})
    for kind, count in sorted(counts.items()):
        rows.append({"fault": kind, "injected": count, "records": total, "lost": all_lost, "doubled": len(doubled)})
    poisoned = {(one.device, one.epoch): set(one.poisoned) for one in journals}
    gone = sum(len(some & poisoned[journal]) for journal, some in lost.items())
    rows.append({"fault": POISON, "injected": poison, "records": poison, "lost": gone, "doubled": 0})
    injected = sum(map(len, wire.values())) + sum(counts.values()) + poison
    rows.append({"fault": "all", "injected": injected, "records": total, "lost": all_lost, "doubled": len(doubled)})
    return rows


def main() -> None:
    """Injects, compares, prints."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.faults", description="what is lost when things go wrong 故障注入：丢失与重复"
    )
    parser.add_argument("--store", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--devices", type=WholeNumber(2, 1000), default=100, metavar="N", help="终端数")
    parser.add_argument("--records", type=WholeNumber(100, 10_000_000), default=1_000_000, metavar="N", help="记录数")
    parser.add_argument("--system", type=WholeNumber(0, 1000), default=60, metavar="N", help="of the centre 中心故障数")
    parser.add_argument("--chance", type=WholeNumber(0, 90), default=50, metavar="PERCENT", help="a request 每次请求")
    parser.add_argument("--seed", type=WholeNumber(0, 1 << 31), default=1, metavar="N")
    parser.add_argument("--patience", type=WholeNumber(10, 86400), default=7200, metavar="SECONDS")
    parser.add_argument("--json", action="store_true", help="one JSON object 输出 JSON")
    parser.add_argument("--directory", type=Path, metavar="DIR", help="where journals and store are 目录")
    said = parser.parse_args()
    hurry()
    with ExitStack() as at_end:
        directory = Path(at_end.enter_context(tempfile.TemporaryDirectory(prefix="yima-faults-", dir=said.directory)))
        directory.chmod(0o755)  # PostgreSQL runs as another user
        begun = time.perf_counter()
        per = max(2, said.records // said.devices)
        devices = []
        for number in range(said.devices):
            parts = (per // 2, per - per // 2) if number % 2 else (per,)
            devices.append(Device(directory / f"gate-{number}", f"gate-{number}", number, parts))
            at_end.callback(devices[-1].close)
        centre = Centre(said.store, directory, at_end)
        proxy = at_end.enter_context(Proxy(centre.targets, chance=said.chance / 100, seed=said.seed))
        counts = suffered(centre, devices, proxy, system=said.system, seed=said.seed, patience_s=float(said.patience))
        found = compared(centre, devices)
        rows = table(proxy.faults, counts, devices, found)
        seconds = time.perf_counter() - begun
        answers = {str(status): count for status, count in sorted(proxy.answers.items())}
        there = {**machine(directory), "store": said.store, "seed": said.seed, "seconds": round(seconds)}
    if said.json:
        print(
            json.dumps(
                {"machine": there, "faults": rows, "answers": answers, "misjudged": found[2]},
                ensure_ascii=False,
                indent=1,
            )
        )
    else:
        lines: list[list[object]] = [list(rows[0]), *(list(row.values()) for row in rows)]
        for values in lines:
            print(f"{values[0]!s:24}" + "".join(f"{value!s:>12}" for value in values[1:]))
        print(f"answers: {answers}; judged wrongly: {found[2]}; {seconds:.0f} s")
    sys.exit(int(bool(found[0] or found[1] or found[2])))


if __name__ == "__main__":
    main()
