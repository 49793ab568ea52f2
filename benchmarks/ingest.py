"""`python -m benchmarks.ingest`: what a collector takes, from devices that sign their batches, over HTTP.

What the numbers are:
- `burst`: so many devices come at once with --entries each. All are acknowledged in the end; `p99_s` is of every
  answer, the 503 of those that are to come again included. `held` and `twice` are counted in the store afterwards.
- Devices are enrolled before, and the poller has an auditor's key, as in a city.
- `batches_of_100`, `batches_of_1`: durable records a second with --at-once devices, as long as each has something to
  send or waits because it was told to; `seconds` is until the last has sent all. The same again with a poller that asks
  for everything that can be got, without a pause.
- The generator runs on the same processors. Beside each rate stand processor seconds a thousand records of collector,
  database and generator: on a busy machine those are what to compare. It reports and never judges.
- A collector is `yima collect` in a process of its own, its files on the disk of --directory, every sync included. On
  PostgreSQL there may be several, as there is one a core in a city: --collectors. Devices are dealt out to them, and
  each has a poller. `collector` seconds are those of all, `collector_peak_mib` is of the largest.
"""

import argparse
import asyncio
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from itertools import chain
from pathlib import Path

from benchmarks.collector import Service
from benchmarks.ingest_load import Device, Outcome, devices, poll, send
from benchmarks.measurement import machine
from benchmarks.postgres import Cluster, cluster
from benchmarks.processes import cpu_s, peak_mib
from yima.hwsim.latency import percentile
from yima.sdk.centre.interfaces.keys import Role, make_key
from yima.sdk.cli.arguments import WholeNumber
from yima.validator.system.posix import processors

AT_ONCE = {100: 64, 1: 256}
"""Devices that send at the same time, by the entries of their batches: few have a backlog, many have a ride."""


class Store:
    """Where the trips go: a file below a folder, or a database of a server that was started for this. reader: a key of
    those in the file `readers`."""

    def __init__(self, kind: str, directory: Path, at_end: ExitStack) -> None:
        self.directory = directory
        self.server: Cluster | None = at_end.enter_context(cluster()) if kind == "postgresql" else None
        self._count = 0
        self.readers = directory / "readers.toml"
        _, self.reader = make_key(self.readers, Role.AUDITOR, "", since=20260101)

    def new(self) -> str:
        """The --store of an empty one."""
        self._count += 1
        if self.server is None:
            return str(self.directory / f"{self._count}.db")
        return self.server.make(f"trips{self._count}")

    def cpu_s(self) -> float:
        """Of the database's own processes."""
        return cpu_s(self.server.pid) if self.server else 0.0

    def held(self, store: str) -> tuple[int, int]:
        """Entries, and how many of them are there twice."""
        query = "SELECT count(*), count(*) - count(DISTINCT device || ' ' || epoch || ' ' || sequence) FROM entries"
        if self.server is None:
            with closing(sqlite3.connect(store)) as connection:
                row = connection.execute(query).fetchone()
        else:
            import psycopg  # noqa: PLC0415 - an extra

            with psycopg.connect(store) as connected:
                row = connected.execute(query).fetchone()
        return row[0], row[1]


def measured(
    store: Store, found: Sequence[Device], *, at_once: int, collectors: int = 1, polled: bool = False
) -> dict[str, object]:
    """Sends all that the devices have to so many collectors on a new store."""
    where = store.new()
    listed = store.directory / "devices.txt"
    listed.write_text("".join(f"{device.name} {device.key}\n" for device in found), encoding="ascii")
    enrol = ["centre", "devices", "enrol", where, "--from", str(listed)]
    subprocess.run([sys.executable, "-m", "yima.sdk.cli.main", *enrol], check=True, stdout=subprocess.DEVNULL)
    services = list[Service]()

    def cpu() -> tuple[float, float, float]:
        return sum(cpu_s(one.pid) for one in services), store.cpu_s(), time.process_time()

    try:
        for number in range(collectors):
            log = store.directory / f"collector-{number}.log"
            services.append(Service(where, log, "--readers", str(store.readers)))
        before = cpu()
        key = store.reader if polled else None
        answers, polls = asyncio.run(_sent(found, services, at_once=at_once, polled_with=key))
        spent = [after - was for was, after in zip(before, cpu(), strict=True)]
        memory = max(peak_mib(one.pid) for one in services)
    finally:
        for one in services:
            one.stop()
    held, twice = store.held(where)
    if answers.wrong:
        raise SystemExit(f"{len(answers.wrong)} wrong answers, such as {answers.wrong[0]}")
    latency = sorted(chain.from_iterable(answers.latency_s.values()))
    is_sustained = len(found[0].requests) > 1
    rate = answers.busy_records / answers.busy_s if is_sustained else answers.records / answers.seconds
    parts = ("collector", "database", "generator")
    return {
        "records": answers.records,
        "held": held,
        "twice": twice,
        "seconds": round(answers.seconds, 2),
        "records_per_s": round(rate),
        "cpu_s_per_1000": {name: round(s * 1000 / answers.records, 3) for name, s in zip(parts, spent, strict=True)},
        "answers": {str(status): len(each) for status, each in sorted(answers.latency_s.items())},
        "p50_s": round(percentile(latency, 50), 3),
        "p99_s": round(percentile(latency, 99), 3),
        "p99_s_of": {str(status): round(percentile(sorted(each), 99), 3) for status, each in answers.latency_s.items()},
        "collector_peak_mib": round(memory),
        **({"polls": polls} if polled else {}),
    }


async def _sent(
    found: Sequence[Device], services: Sequence[Service], *, at_once: int, polled_with: str | None
) -> tuple[Outcome, int]:
    done = asyncio.Event()
    places = [(one.host, one.port) for one in services]
    asked = places if polled_with else []
    polling = [asyncio.create_task(poll(*place, found[0].name, polled_with, done)) for place in asked]
    answers = await send(found, places, at_once=at_once)
    done.set()
    return answers, sum(await asyncio.gather(*polling))


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ingest", description="what a collector takes 测量采集端的接收能力"
    )
    parser.add_argument("--store", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument(
        "--devices", type=WholeNumber(1, 10_000), default=1000, metavar="N", help="of the burst 突发终端数"
    )
    parser.add_argument("--entries", type=WholeNumber(1, 1000), default=100, metavar="N", help="of each 每台条数")
    parser.add_argument(
        "--records", type=WholeNumber(100, 10_000_000), default=100_000, metavar="N", help="sustained 持续"
    )
    parser.add_argument(
        "--at-once", type=WholeNumber(1, 1000), metavar="N",
        help="devices; 64 that have fallen behind, 256 with a ride each 同时发送终端数",
    )  # fmt: skip
    parser.add_argument(
        "--collectors", type=WholeNumber(1, 64), metavar="N",
        help="on one store; one, on PostgreSQL one a core 采集进程数，PostgreSQL 默认每核一个",
    )  # fmt: skip
    parser.add_argument("--only", choices=("burst", "100", "1"), help="one of the three 只测一项")
    parser.add_argument("--json", action="store_true", help="one JSON object 输出 JSON")
    parser.add_argument("--directory", type=Path, metavar="DIR", help="where the store is 存储目录")
    said = parser.parse_args()
    collectors = said.collectors or (processors() if said.store == "postgresql" else 1)
    if said.store == "sqlite" and collectors > 1:
        parser.error("--collectors: SQLite's store is one collector's; ask for PostgreSQL SQLite 仅支持一个采集进程")
    out: dict[str, object] = {}
    with ExitStack() as at_end:
        directory = Path(at_end.enter_context(tempfile.TemporaryDirectory(prefix="yima-ingest-", dir=said.directory)))
        out["machine"] = machine(directory)
        store = Store(said.store, directory, at_end)
        if said.only in (None, "burst"):
            found = devices(said.devices, 1, said.entries)
            out["burst"] = measured(store, found, at_once=said.devices, collectors=collectors)
        for size, many in AT_ONCE.items():
            if said.only in (None, str(size)):
                at_once = said.at_once or many
                batches = max(1, said.records // (at_once * size) // (1 if size > 1 else 5))
                found = devices(at_once, batches, size)
                for name, polled in ((f"batches_of_{size}", False), (f"batches_of_{size}_polled", True)):
                    out[name] = measured(store, found, at_once=at_once, collectors=collectors, polled=polled)
        out["machine"] = {**machine(directory), "store": said.store, "collectors": collectors}
    if said.json:
        print(json.dumps(out, ensure_ascii=False, indent=1))
    else:
        for name, value in out.items():
            print(f"{name:22}{value}")


if __name__ == "__main__":
    main()
