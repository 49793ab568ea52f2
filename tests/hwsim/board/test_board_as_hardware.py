"""A whole `yima run` with the board as its hardware, `--reader board:SOCKET --gate board:SOCKET`: both real processes.

The board has no parameters, so its own firmware is out of service and never opens; the host judges, records and drives
the board's pins.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.entries import reason_of, taps_of
from yima.hwsim.board.layout import PIN_GATE, PIN_GREEN, PIN_OUT_OF_SERVICE, PIN_RED
from yima.hwsim.board.workshop import Firmware
from yima.hwsim.processes import Process, ProcessError, Processes
from yima.validator.journal.kept import code_of
from yima.validator.judging import Reason
from yima.validator.state import look_at_journal

PATIENCE_S = 60.0
CODES = 3
Event = dict[str, Any]


def yima(*words: str) -> None:
    """A `yima` command that must succeed."""
    command = [sys.executable, "-m", "yima.sdk.cli.main", *words]
    subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE_S)


def until(process: Process, wanted: Callable[[Event], object], seen: list[Event] | None = None) -> Event:
    """The first event that is wanted; those before it, and it, go to `seen`."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        event = process.said(0.1)
        if event is not None:
            if seen is not None:
                seen.append(event)
            if wanted(event):
                return event
    raise AssertionError(f"{process.name} never said it: {seen}")


class Bench:
    """A folder with a flashed board, codes and parameters that are good for each other, and a host's state."""

    def __init__(self, folder: Path, processes: Processes) -> None:
        self._folder = folder
        self._processes = processes
        self.control, self.scanner = folder / "control", folder / "scanner"
        self.state = folder / "state"
        self.codes = [(folder / "bench" / f"code-{number:03}.bin").read_bytes() for number in range(1, CODES + 1)]

    def board(self) -> Process:
        """`yima board run`, up."""
        words = ["board", "run", "--json", "--flash", str(self._folder / "flash")]
        words += ["--control", str(self.control), "--link", f"scanner={self.scanner}"]
        board = self._processes.start("yima board run", words)
        said = ""

        def ready(event: Event) -> bool:
            nonlocal said
            said += event.get("status", "")
            return "ready terminal" in said

        until(board, ready)
        return board

    def host(self) -> Process:
        """`yima run` on it, started."""
        hardware = f"board:{self.control}"
        words = ["run", "--json", "--reader", hardware, "--gate", hardware, "--state", str(self.state)]
        words += ["--params", str(self._folder / "bench" / "params.toml"), "--device", "host-1"]
        return self._processes.start("yima run", words)

    def show(self, code: bytes) -> None:
        """A scanner reads a code: its bytes come into the board's UART0."""
        line = os.open(self.scanner, os.O_WRONLY | os.O_NOCTTY)
        assert os.write(line, code) == len(code)
        os.close(line)

    def recorded(self) -> list[tuple[Reason, bytes | None]]:
        """What the host's journal holds: the reason and the code of each tap; its chain is checked."""
        journal = look_at_journal(self.state)
        entries = {entry.key.sequence: entry.content for entry in journal.entries(0, 100)}
        assert journal.verify() == len(entries)
        found = [(Reason(reason_of(entry)), code_of(entry)) for entry in taps_of(entries).values()]
        journal.close()
        return found


@pytest.fixture
def bench(firmware: Firmware) -> Iterator[Bench]:
    """A socket's path is short, so this is no folder of pytest's."""
    with tempfile.TemporaryDirectory(prefix="yima-bench-") as name, Processes() as processes:
        folder = Path(name)
        (folder / "image").write_bytes(firmware.image)
        yima("board", "flash", str(folder / "image"), "--flash", str(folder / "flash"))
        yima("issue", "--out", str(folder / "bench"), "--count", str(CODES), "--validity", "1200")
        with (folder / "bench" / "params.toml").open("a") as parameters:
            parameters.write("[limits]\ndebounce_ms = 100\n")  # over before the board's pins have fallen
        yield Bench(folder, processes)


def is_tap(event: Event) -> bool:
    return bool(event["event"] == "tap")


@pytest.mark.slow
def test_the_host_judges_what_the_boards_scanner_reads_and_drives_the_boards_gate(bench: Bench) -> None:
    board, host = bench.board(), bench.host()
    assert until(host, lambda event: event["event"] == "started")["gate"] == f"board:{bench.control}"
    seen: list[Event] = []

    bench.show(bench.codes[0])
    tap = until(host, is_tap)
    assert (tap["accepted"], tap["reason"], tap["fare_fen"], tap["trouble"]) == (True, "ACCEPTED", 200, None)
    opened = until(board, lambda event: event.get("host_pins"), seen)["host_pins"]
    assert opened & (PIN_GATE | PIN_GREEN | PIN_RED) == PIN_GATE | PIN_GREEN
    until(board, lambda event: event.get("host_pins") == 0, seen)

    bench.show(bench.codes[0])
    tap = until(host, is_tap)
    assert (tap["accepted"], tap["reason"], tap["again"], tap["trouble"]) == (False, "REPEATED", False, None)
    refused: list[Event] = []
    until(board, lambda event: event.get("host_pins"), refused)
    until(board, lambda event: event.get("host_pins") == 0, refused)
    driven = [event["host_pins"] for event in refused if "host_pins" in event]
    assert driven[0] & PIN_RED
    assert not any(pins & (PIN_GATE | PIN_GREEN) for pins in driven)

    own = [event["pins"] for event in seen + refused if "pins" in event]  # the firmware's
    assert all(pins & PIN_OUT_OF_SERVICE and not pins & (PIN_GATE | PIN_GREEN | PIN_RED) for pins in own)
    assert not any("tap " in event.get("status", "") for event in seen + refused), "the scanner is the host's"
    host.stop(PATIENCE_S)
    board.stop(PATIENCE_S)
    assert bench.recorded() == [(Reason.ACCEPTED, bench.codes[0]), (Reason.REPEATED, bench.codes[0])]
    assert not bench.control.exists()


@pytest.mark.slow
def test_a_board_that_was_killed_is_named_and_taken_up_again_when_it_is_back(bench: Bench) -> None:
    board, host = bench.board(), bench.host()
    until(host, lambda event: event["event"] == "started")
    bench.show(bench.codes[0])
    assert until(host, is_tap)["trouble"] is None

    # With the process of its emulator, which has a group of its own: nobody is left to tidy up.
    found = subprocess.run(["pgrep", "-P", str(board.pid)], capture_output=True, text=True, check=True).stdout
    emulators = [int(word) for word in found.split()]
    for emulator in emulators:
        os.kill(emulator, signal.SIGSTOP)
    os.killpg(board.pid, signal.SIGKILL)
    for emulator in emulators:
        os.kill(emulator, signal.SIGKILL)
    lost = until(host, lambda event: event["event"] == "reader_lost")
    assert lost["thing"] == f"board:{bench.control}"
    assert lost["problem"] == "the board is gone"
    assert "yima board run --control" in lost["remedy"]
    with pytest.raises(ProcessError):
        until(board, lambda event: False)
    assert bench.control.is_socket()
    assert host.running()

    board = bench.board()
    until(host, lambda event: event["event"] == "reader_back")
    for code in bench.codes[1:]:
        bench.show(code)
        tap = until(host, is_tap)
        assert (tap["accepted"], tap["trouble"]) == (True, None)
        assert until(board, lambda event: event.get("host_pins"))["host_pins"] & PIN_GATE
        until(board, lambda event: event.get("host_pins") == 0)
    host.stop(PATIENCE_S)
    assert bench.recorded() == [(Reason.ACCEPTED, code) for code in bench.codes]


@pytest.mark.slow
def test_a_host_without_its_board_does_not_start_and_says_what_to_do(bench: Bench) -> None:
    host = bench.host()
    with pytest.raises(ProcessError, match=r"(?s)status 4.*board:.*no board answers there.*yima board run --control"):
        until(host, is_tap)
