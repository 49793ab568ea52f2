"""The centre at work in processes of their own: measured, or killed at every commit."""

import hashlib
import multiprocessing
import os
import resource
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from pathlib import Path

from yima.sdk.centre.clearing.day import STEPS, Centre
from yima.sdk.centre.clearing.folder import WORKSPACE, CentreFolder
from yima.sdk.centre.example.making import settlement_days

_MIB = 1024  # KiB, in which the kernel counts


class Clock:
    """Seconds and processor seconds by step; a step's progress says what it is at."""

    def __init__(self) -> None:
        self.steps: dict[str, list[float]] = {}
        self._at = ""
        self._since = (0.0, 0.0)

    def step(self, name: str, *_: int) -> None:
        """From here on it is another step."""
        now = time.perf_counter(), time.process_time()
        if self._at:
            spent = self.steps.setdefault(self._at, [0.0, 0.0])
            spent[0] += now[0] - self._since[0]
            spent[1] += now[1] - self._since[1]
        self._at, self._since = name, now


def clear(folder: Path, *, engine: str, memory: str, on_commit: Callable[[str], None] | None = None) -> Clock:
    """Every step of every day, from stores to files."""
    clock = Clock()
    clock.step("start")
    with Centre(CentreFolder(folder), engine=engine, memory=memory, on_commit=on_commit) as centre:
        clock.step("ingest")
        centre.ingest()
        for day in settlement_days(folder):
            for step in STEPS:
                clock.step("checks" if step == "rides" else step)
                centre.run(step, day, clock.step if step == "rides" else _quiet)
        clock.step("")
    return clock


def _quiet(step: str, done: int, of: int) -> None:
    pass


def measured(folder: Path, *, engine: str = "duckdb", memory: str = "2GB") -> dict[str, object]:
    """The same in a process of its own: seconds and processor seconds by step, the most memory it had at once. Engines
    that are processes beside it (Spark's) are not counted."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_measure, args=(theirs, folder, engine, memory))
    process.start()
    theirs.close()
    try:
        found: dict[str, object] = ours.recv()
    except EOFError:
        process.join()
        raise SystemExit(f"clearing ended with {process.exitcode}") from None
    process.join()
    return found


def _measure(out: Connection, folder: Path, engine: str, memory: str) -> None:
    clock = clear(folder, engine=engine, memory=memory)
    steps = {name: {"s": round(wall, 2), "cpu_s": round(cpu, 2)} for name, (wall, cpu) in clock.steps.items()}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    out.send({"steps": steps, "peak_rss_mib": peak // _MIB})


def killed_at_every_commit(folder: Path, *, memory: str = "500MB") -> int:
    """Clears a folder in processes each of which is killed right after a commit at which none was killed before, until
    one comes to the end. Returns how many were killed."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    killed: set[str] = set()
    while True:
        name = _until_killed(context, folder, memory, killed)
        if name is None:
            return len(killed)
        killed.add(name)


def _until_killed(context: BaseContext, folder: Path, memory: str, killed: set[str]) -> str | None:
    ours, theirs = context.Pipe()
    process = context.Process(target=_die_at_a_new_commit, args=(theirs, folder, memory, killed))  # type: ignore[attr-defined]
    process.start()
    theirs.close()
    try:
        name: str | None = ours.recv()
    except EOFError:
        raise SystemExit("clearing ended by itself, and not well") from None
    process.join()
    if process.exitcode != (0 if name is None else -signal.SIGKILL):
        raise SystemExit(f"clearing ended with {process.exitcode}")
    return name


def _die_at_a_new_commit(out: Connection, folder: Path, memory: str, killed: set[str]) -> None:
    def on_commit(name: str) -> None:
        if name not in killed:
            out.send(name)
            os.kill(os.getpid(), signal.SIGKILL)

    clear(folder, engine="duckdb", memory=memory, on_commit=on_commit)
    out.send(None)


def content(folder: Path) -> dict[str, str]:
    """Everything that a centre made in a folder: a digest by path."""
    base = folder / WORKSPACE
    return {
        str(path.relative_to(base)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(base.rglob("*"))
        if path.is_file() and path.name != "lock" and "scratch" not in path.relative_to(base).parts
    }
