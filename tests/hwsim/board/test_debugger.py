"""A debugger on the emulated board: gdb itself on a live one, and a run that stops do not change."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from yima.hwsim.board.costs import functions
from yima.hwsim.board.emulator import Board
from yima.hwsim.board.errors import BoardError
from yima.hwsim.board.layout import PIN_GATE
from yima.hwsim.board.workshop import Firmware, World, equip
from yima.hwsim.processes import Process, Processes

GDB = "gdb-multiarch"
PATIENCE_S = 60.0
TOLERANCE_S = 20  # of codes from the future, in the bench's parameters
needs_gdb = pytest.mark.skipif(shutil.which(GDB) is None, reason="gdb-multiarch is not installed")


class Bench:
    """`yima board run --gdb`, and debuggers for it."""

    def __init__(self, folder: Path, board: Process, elf: Path, port: int) -> None:
        self._board = board
        self._elf = elf
        self.scanner = folder / "scanner"
        self.port = port
        self.said = ""
        self._debuggers: list[subprocess.Popen[str]] = []

    def until(self, wanted: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """The board's first event that is wanted; the status line goes to `said`."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if event := self._board.said(0.1):
                self.said += event.get("status", "")
                if wanted(event):
                    return event
        raise AssertionError(self.said)

    def status(self, wanted: str) -> None:
        """Waits for a text on the status line."""
        if wanted not in self.said:
            self.until(lambda _: wanted in self.said)

    def debugger(self, *commands: str) -> "subprocess.Popen[str]":
        """gdb with these commands behind `target remote`."""
        words = [GDB, "-nx", "-batch", "-ex", f"target remote :{self.port}"]
        for command in commands:
            words += ["-ex", command]
        debugger = subprocess.Popen(
            [*words, str(self._elf)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._debuggers.append(debugger)
        return debugger

    def close(self) -> None:
        """Ends every debugger that is left."""
        for debugger in self._debuggers:
            if debugger.poll() is None:
                debugger.kill()
                debugger.communicate()

    def ended(self) -> bool:
        """Waits for the board to end by itself."""
        end = time.monotonic() + PATIENCE_S
        while self._board.running() and time.monotonic() < end:
            time.sleep(0.05)
        return not self._board.running()

    def scan(self, code: bytes) -> None:
        """A code from the scanner."""
        line = os.open(self.scanner, os.O_WRONLY | os.O_NOCTTY)
        os.write(line, code)
        os.close(line)


def said(debugger: "subprocess.Popen[str]") -> str:
    """What a debugger said until it ended."""
    text, _ = debugger.communicate(timeout=PATIENCE_S)
    return text


@pytest.fixture
def bench(tmp_path: Path, firmware: Firmware, world: World) -> Iterator[Bench]:
    flash = tmp_path / "flash"
    equip(flash, firmware.image, world.parameters)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with Processes() as processes:
        words = ["board", "run", "--json", "--flash", str(flash), "--link", f"scanner={tmp_path / 'scanner'}"]
        board = processes.start("yima board run", [*words, "--gdb", str(port)])
        made = Bench(tmp_path, board, firmware.slot_a.elf, port)
        assert made.until(lambda event: "paths" in event)["paths"]["gdb"] == f"127.0.0.1:{port}"
        yield made
        made.close()
        if board.running():
            board.stop(PATIENCE_S)


@needs_gdb
def test_gdb_stops_in_a_tap_looks_steps_and_lets_the_gate_open(bench: Bench, world: World) -> None:
    assert bench.said == ""  # it waits at its first instruction
    session = bench.debugger(
        "info registers pc", "break device_tap", "continue", "bt", "info registers r1 xpsr", "x/2i $pc",
        "stepi", "step", "next", "set {int}0x2001bff0 = 0x12345678", "x/xw 0x2001bff0", "set {int}0x10200 = 0",
        "delete", "break gate_open", "continue", "bt", "finish", "detach",
    )  # fmt: skip
    bench.status("ready terminal")
    code = world.code(1, int(time.time()))
    bench.scan(code)
    text = said(session)
    assert re.search(r"pc +0x1[0-9a-f]{4} +0x1[0-9a-f]{4} <reset>", text), text
    assert re.search(r"Breakpoint 1, .*device_tap .*app/device\.c:\d+", text), text
    assert re.search(r"#\d+ +firmware_main \(\) at firmware_images/app/main\.c", text), text
    assert re.search(rf"r1 +{len(code):#x}", text), text
    assert "0x2001bff0" in text and "0x12345678" in text
    assert "Cannot access memory at address 0x10200" in text  # flash has its controller
    assert re.search(r"Breakpoint 2, .*gate_open .*", text), text
    assert re.search(r"#1 .* carry_out ", text), text
    assert re.search(r"device\.c:\d+\n\d+\s+if \(gate_open\(", text), text  # `finish` is back in carry_out
    bench.until(lambda event: event.get("pins", 0) & PIN_GATE)
    bench.status("name=ACCEPTED")


@needs_gdb
def test_ctrl_c_stops_the_board_and_whoever_comes_again_finds_it(bench: Bench, world: World) -> None:
    session = bench.debugger("continue", "info registers pc", "detach")
    bench.status("ready terminal")
    session.send_signal(signal.SIGINT)
    text = said(session)
    assert "Program received signal SIGINT" in text
    assert re.search(r"pc +0x1[0-9a-f]{4} ", text), text

    again = said(bench.debugger("break tick", "continue", "bt", "stepi", "delete", "detach"))
    assert re.search(r"Breakpoint 1, .*tick", again), again
    assert "<signal handler called>" in again  # the caller is found through the exception's frame

    dropped = bench.debugger("break tick", "continue", "continue", "shell kill -9 $PPID")
    said(dropped)
    bench.scan(world.code(2, int(time.time())))  # a debugger that is gone leaves no breakpoints
    bench.until(lambda event: event.get("pins", 0) & PIN_GATE)
    bench.status("name=ACCEPTED")


@needs_gdb
@pytest.mark.slow
def test_the_real_time_clock_goes_on_while_the_board_stands(bench: Bench, world: World) -> None:
    """Else a code that was made meanwhile would be from the future: 20 seconds are tolerated."""
    session = bench.debugger("break device_idle", "continue", "shell sleep 5", "delete", "detach")
    said(session)
    bench.status("ready terminal")
    bench.scan(world.code(4, int(time.time()) + TOLERANCE_S - 2))
    bench.status("name=ACCEPTED")


@needs_gdb
def test_whoever_is_no_debugger_stops_nothing_and_makes_room(bench: Bench, world: World) -> None:
    with socket.create_connection(("127.0.0.1", bench.port)) as stranger:
        stranger.sendall(b"GET / HTTP/1.1\r\n\r\n" + b"$" + b"x" * 100_000)
        stranger.settimeout(PATIENCE_S)
        with pytest.raises((ConnectionError, AssertionError)):
            assert stranger.recv(1) != b""
    with socket.create_connection(("127.0.0.1", bench.port)):
        said(bench.debugger("detach"))  # the silent one is sent away
    bench.status("ready terminal")
    with socket.create_connection(("127.0.0.1", bench.port)) as stranger:
        stranger.sendall(os.urandom(2000).replace(b"$", b"#"))
        bench.scan(world.code(3, int(time.time())))
        bench.status("name=ACCEPTED")


@needs_gdb
def test_one_debugger_at_a_time_and_kill_is_power_off(bench: Bench) -> None:
    session = bench.debugger("continue")
    bench.status("ready terminal")
    refused = said(bench.debugger("info registers"))
    assert re.search("connection closed|reset by peer|Broken pipe", refused), refused
    session.kill()
    session.communicate()
    said(bench.debugger("kill"))
    assert bench.until(lambda event: "state" in event)["state"] == "off"
    assert bench.ended()


def test_a_port_that_is_taken_is_named(tmp_path: Path, firmware: Firmware) -> None:
    equip(tmp_path / "flash", firmware.image, None)
    with socket.create_server(("127.0.0.1", 0)) as taken, Board(tmp_path / "flash") as board:
        port = taken.getsockname()[1]
        board.power_on()
        with pytest.raises(BoardError, match=f"port {port} of 127.0.0.1 cannot be had for gdb"):
            board.live(lambda _: False, gdb=port)


def test_stops_change_no_count_no_byte_and_no_moment(tmp_path: Path, firmware: Firmware, world: World) -> None:
    """To the instruction: counts, the moments of pins, flash and RAM are those of the run without a debugger."""
    flash, code = tmp_path / "flash", tmp_path / "code"
    equip(flash, firmware.image, world.parameters)
    code.write_bytes(world.code(1))
    places = functions(firmware.slot_a.elf)
    image, base = firmware.slot_a.image, 0x10200

    def it_blocks(name: str) -> list[int]:
        first, size = places[name]
        return [at for at in range(first, first + size, 2) if image[at - base + 1] == 0xBF and image[at - base] & 0xF]

    starts = [places[name][0] for name in ("reset", "device_tap", "yima_judge", "yima_log_append", "gate_open")]
    interrupts = [places[name][0] for name in ("tick", "scanner_received")]
    its = [at + 2 for name in ("device_tap", "framing_feed", "yima_judge") for at in it_blocks(name)]
    long_block = sum(places["fe_mul"]) - 40

    def plan(breakpoints: list[int], steps: int, stops: int) -> dict[str, Any]:
        return {"breakpoints": breakpoints, "steps": steps, "stops": stops}

    plays = {
        "no debugger": None,
        "it only listens": plan([], 0, 1),
        "at functions": plan(starts, 9, 10**9),
        "through interrupts": plan(interrupts, 9, 500),
        "a boot by steps": plan([places["reset"][0]], 10**9, 500),
        "a tap by steps": plan([places["device_tap"][0]], 10**9, 1500),
        "amid a long block": plan([long_block, long_block + 4], 2, 500),
        "amid IT blocks": plan(its, 2, 500),
        "over sleep": plan([places["port_wait"][0]], 30, 500),
    }
    script = Path(__file__).with_name("stops.py")
    command = [sys.executable, str(script), str(flash), str(code), json.dumps(plays)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True, env=environment)
    played = json.loads(done.stdout)
    plain = played["no debugger"]["did"]
    assert "name=ACCEPTED" in plain["status"]
    for name, play in played.items():
        assert play["did"] == plain, name
    stops = {name: play["stops"] for name, play in played.items()}
    assert stops["no debugger"] == stops["it only listens"] == 0
    assert stops["at functions"] >= 5 * 9
    assert [stops[name] for name in list(plays)[3:7]] == [500, 500, 1500, 500]
    assert len(played["a tap by steps"]["places"]) > 500
    assert stops["amid IT blocks"] > 20
    handlers = {
        address for name in ("tick", "scanner_received", "status_sent") for address in range(*_range(places[name]))
    }
    assert not handlers & set(played["over sleep"]["places"])  # a step does an interrupt as a whole
    assert not set(its) & set(played["amid IT blocks"]["places"])  # a stop waits for the end of such a block


def _range(place: tuple[int, int]) -> tuple[int, int]:
    first, size = place
    return first, first + size
