"""`python -m benchmarks.latency`: from a code's last byte to the gate's command, between separate processes.

What the numbers are:
- A scanner (this process) writes all of a code but its last byte into a pty, rests, then writes the last byte and waits
  for a line from the gate: `yima run` with the console gate, one process, on a state directory of its own.
- `echo` is a bare program that answers the last byte with a line: what pty, pipe and scheduler take by themselves.
  `flush` does one write of 1 KB and one fdatasync in between: what the disk takes. The three take turns, code by code,
  so that a machine's load falls on all of them.
- Each is done on tmpfs (/dev/shm) and on the disk of --directory. `steps`: the device's own figures of the same taps.
- Codes come some forty times as fast as riders do, so the memory of used codes is made for that.
- Every answer is checked: a refusal ends the benchmark. Only where the machine stalled in the midst of a code, which
  the device then rightly takes for two, it is shown again. The benchmark reports and never judges.
"""

import argparse
import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.measurement import machine
from yima.hwsim.latency import percentile
from yima.hwsim.pseudo_terminal import PseudoTerminal
from yima.sdk.cli.arguments import WholeNumber
from yima.sdk.issuer import Issuer, make_issuer, make_rider, make_root
from yima.validator.texts import Text, say

_WARM = 80  # codes before it counts: the issuer becomes known and earns its table
_REST_S = 0.004  # between two codes, and before the last byte
_STALLED_S = 0.02  # before the last byte: then a device may hold what came for all
_TRIES = 5
_PARAMETERS = """
environment = "test"
version = 1
[fares]
bus = 200
[limits]
taps_per_minute = 6000
[[roots]]
certificate = "{root}"
[[whitelist]]
organisation = "00083010"
platform = "50083010"
"""


class Peer:
    """A program at the other end of a pty, and the pipe on which it says that it is done."""

    def __init__(self, at_end: ExitStack, words: Sequence[str], *, says: str, out: Path) -> None:
        line = PseudoTerminal()
        at_end.callback(line.close)
        self._master = line.master
        read, write = os.pipe()
        at_end.callback(os.close, read)
        given = [word.replace("{port}", line.path) for word in words]
        with out.open("wb") as stdout:
            self._process = subprocess.Popen([sys.executable, "-m", *given], stdout=stdout, stderr=write)
        os.close(write)
        at_end.callback(self._end)
        self._says = says.encode()
        self._out = read
        self._ready = selectors.DefaultSelector()
        at_end.callback(self._ready.close)
        self._ready.register(read, selectors.EVENT_READ)

    def tap(self, code: bytes) -> float:
        """Milliseconds from the last byte to the answer."""
        for _ in range(_TRIES):
            if (value := self._tapped(code)) is not None:
                return value
            while self._ready.select(1):  # what is said of its parts
                os.read(self._out, 4096)
        raise RuntimeError(f"this machine stalled in the midst of {_TRIES} codes: measure on one that has less to do")

    def _tapped(self, code: bytes) -> float | None:
        first = time.monotonic()
        os.write(self._master, code[:-1])
        time.sleep(_REST_S)
        begun = time.perf_counter_ns()
        stalled = time.monotonic() - first >= _STALLED_S
        os.write(self._master, code[-1:])
        if not self._ready.select(20):
            raise RuntimeError(f"no answer from {self._process.args!r}")
        ended = time.perf_counter_ns()
        answer = b""
        while not answer.endswith(b"\n"):
            answer += os.read(self._out, 4096)
        if not answer.startswith(self._says):
            if stalled:
                return None
            raise RuntimeError(f"it answered {answer!r}")
        return (ended - begun) / 1e6

    def _end(self) -> None:
        self._process.terminate()
        self._process.wait(30)


def measured(directory: Path, rounds: int) -> dict[str, object]:
    """The three, taking turns, with everything they write in `directory`."""
    root = make_root()
    issuer = make_issuer(root)
    (directory / "city.toml").write_text(_PARAMETERS.format(root=root.certificate.hex()), encoding="utf-8")
    times: dict[str, list[float]] = {"echo": [], "flush": [], "ours": []}
    taps = directory / "taps.json"
    with ExitStack() as at_end:
        size = str(len(next(_codes(issuer, 1))))
        run = ["yima.sdk.cli.main", "run", "--reader", "serial:{port}", "--params", str(directory / "city.toml")]
        peers = {
            "echo": Peer(at_end, ["benchmarks.latency_peers", "{port}", size], says=".", out=directory / "echo"),
            "flush": Peer(
                at_end,
                ["benchmarks.latency_peers", "{port}", size, str(directory / "file")],
                says=".",
                out=directory / "flush",
            ),
            "ours": Peer(at_end, [*run, "--state", str(directory / "state"), "--json"], says="OPEN", out=taps),
        }
        _until(lambda: b"started" in taps.read_bytes())
        for number, code in enumerate(_codes(issuer, rounds + _WARM)):
            for name, peer in peers.items():
                value = peer.tap(code)
                if number >= _WARM:
                    times[name].append(value)
                time.sleep(_REST_S)
    lines = [json.loads(line) for line in taps.read_text(encoding="utf-8").splitlines()]
    own = [line for line in lines if line["event"] == "tap" and line["accepted"]][_WARM:]
    steps = {name: [line[name] for line in own] for name in ("journal_ms", "gate_ms", "total_ms")}
    steps["judge_ms"] = [line["judge_us"] / 1000 for line in own]
    found: dict[str, object] = {name: _spread(values) for name, values in times.items()}
    return found | {"steps": {name: _spread(values) for name, values in steps.items()}}


def _spread(values: list[float]) -> dict[str, object]:
    ordered = sorted(values)
    found = {f"p{name}_ms": round(percentile(ordered, at), 3) for name, at in (("50", 50), ("99", 99), ("999", 99.9))}
    return {"size": len(ordered), **found}


def _codes(issuer: Issuer, count: int) -> Iterator[bytes]:
    for number in range(count):
        now = int(time.time())
        rider = make_rider(
            issuer,
            payment_account="TEST-BENCH",
            card_account=f"98{number:018}",
            platform="50083010",
            authorised_until=now + 86400,
        )
        yield rider.code(now)


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError("the device did not start")
        time.sleep(0.05)


@contextmanager
def _place(parent: Path | None) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="yima-latency-", dir=parent) as name:
        yield Path(name)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.latency",
        description="last byte to gate command between processes, beside a bare echo and a bare flush"
        " 末字节到闸机命令的延迟，与裸回显、裸落盘对照",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object 输出 JSON")
    parser.add_argument(
        "--rounds", type=WholeNumber(1, 100_000), default=1000, metavar="N", help="taps, default 1000 次数"
    )
    parser.add_argument("--directory", type=Path, metavar="DIR", help="a folder on the disk to measure 磁盘目录")
    arguments = parser.parse_args()
    found: dict[str, object] = {}
    for place, parent in (("tmpfs", Path("/dev/shm")), ("disk", arguments.directory)):
        with Console(stderr=True).status(say(Text("measuring", "测量中"))), _place(parent) as directory:
            found[place] = {"machine": machine(directory), **measured(directory, arguments.rounds)}
    if arguments.json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
    else:
        _show(found)


def _show(found: dict[str, object]) -> None:
    table = Table(box=None, padding=(0, 2))
    for heading in ("", "", "p50 ms", "p99 ms", "p99.9 ms"):
        table.add_column(heading, justify="right" if "ms" in heading else "left")
    for place, there in found.items():
        assert isinstance(there, dict)
        rows = {name: there[name] for name in ("echo", "flush", "ours")} | there["steps"]
        for name, values in rows.items():
            table.add_row(place, name, *(f"{values[key]:.3f}" for key in ("p50_ms", "p99_ms", "p999_ms")))
    Console(highlight=False).print(table)


if __name__ == "__main__":
    main()
