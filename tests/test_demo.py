"""The demonstration as a whole, as a newcomer types it: real processes, from the phone's screen to the collector."""

import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.entries import taps_of
from yima.sdk.centre.collector.store import Store
from yima.validator.state import look_at_journal

COMMAND = [sys.executable, "-m", "yima.sdk.cli.main", "demo"]
DEVICES = ("bus-1", "gate-1")
BOARD_INSTALLED = all(importlib.util.find_spec(name) for name in ("unicorn", "elftools", "imgtool", "smp", "ziglang"))

CENTRE_INSTALLED = all(importlib.util.find_spec(name) for name in ("duckdb", "pyarrow"))


def environment(temporary: Path, language: str = "en") -> dict[str, str]:
    return {**os.environ, "YIMA_LANG": language, "TMPDIR": str(temporary)}


def processes_naming(path: Path) -> list[str]:
    """Command lines of running processes that name a path."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it has just ended
            continue
        if str(path) in words:
            found.append(words)
    return found


@pytest.mark.slow
def test_twenty_taps_reach_the_collector_through_a_cut_network(tmp_path: Path) -> None:
    temporary = tmp_path / "t"
    temporary.mkdir()
    arguments = [
        "--taps",
        "20",
        "--fast",
        "--keep",
        "--out",
        str(tmp_path / "out"),
        "--svg",
        str(tmp_path / "demo.svg"),
    ]
    done = subprocess.run(
        [*COMMAND, *arguments], env=environment(temporary), capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for words in (
        "network cut",
        "network restored",
        "✓ Accepted 请通行",
        "✗ Code already used 二维码已使用",
        "✗ The gate did not open, nothing was charged",
        "the same code, after reset",
        "= Accepted 请通行",
        "Verdicts by reason",
        "Fares by rule",
        "suzhou-bus",
        "shanghai-metro-1",
        "last byte or frame to gate command",
        "every tap accounted for",
    ):
        assert words in done.stdout
    assert "\x1b" not in done.stdout  # no terminal, no escape codes
    report = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<svg" in report
    _, heading, section = report.partition("A tap on the gate controller")
    assert heading
    if BOARD_INSTALLED:
        assert "instructions a tap" in done.stdout
        assert "rider&#x27;s signature" in section
        assert "known issuer: a later code" in section
    else:
        assert ".[board,firmware]" in done.stdout
        assert ".[board,firmware]" in section
    _, heading, section = report.partition("Who owes whom")
    assert heading
    if CENTRE_INSTALLED:
        assert "all signatures checked again" in done.stdout
        assert "Suzhou&#x27;s buses" in section and "¥0.00" in section
    else:
        assert ".[centre]" in done.stdout
        assert ".[centre]" in section
    assert "Accepted" in (tmp_path / "demo.svg").read_text(encoding="utf-8")

    (kept,) = temporary.glob("yima-demo-*")
    assert str(kept) in done.stdout
    store = Store(kept / "trips.db")
    held = {journey.device: journey for journey in store.journeys()}
    store.close()
    assert set(held) == set(DEVICES)
    recorded = 0
    for device in DEVICES:
        journal = look_at_journal(kept / device)
        assert journal.verify() == journal.last_sequence() == journal.acknowledged() == held[device].acknowledged
        recorded += len(taps_of({entry.key.sequence: entry.content for entry in journal.entries(0, 10_000)}))
        journal.close()
    held_still = done.stdout.count("the phone is held still")
    held_anew = done.stdout.count("this machine stood still")  # a record of the code come back, and of a fresh one
    assert recorded == 20 - held_still + 2 * held_anew
    assert processes_naming(temporary) == []


@pytest.fixture
def hearing_ctrl_c() -> Iterator[None]:
    """What a shell starts in the background ignores SIGINT, and so would all that it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.slow
@pytest.mark.usefixtures("hearing_ctrl_c")
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.long)]
)
def test_ended_half_way_it_leaves_no_process_and_no_file(tmp_path: Path, number: signal.Signals, status: int) -> None:
    temporary = tmp_path / "t"
    temporary.mkdir()
    demo = subprocess.Popen(
        [*COMMAND, "--out", str(tmp_path / "out")],
        env={**environment(temporary, "zh"), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert demo.stdout is not None
    for line in demo.stdout:
        if "请通行" in line:
            break
    assert len(processes_naming(temporary)) == 3
    demo.send_signal(number)
    demo.communicate(timeout=90)
    assert demo.returncode == status
    deadline = time.monotonic() + 90
    while processes_naming(temporary) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processes_naming(temporary) == []
    assert list(temporary.iterdir()) == []


def test_help_says_what_the_exit_status_means() -> None:
    done = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, timeout=200, check=True)
    assert "exit status" in done.stdout
    assert "--taps" in done.stdout
