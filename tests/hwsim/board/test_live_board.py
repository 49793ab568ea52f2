"""The board at the host's pace: `yima board flash` and `run`, UARTs as ptys, and `board:` as reader and gate."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import MappingProxyType

import pytest

from yima.firmware_images.image import read
from yima.firmware_images.session import bench_signer
from yima.hwsim.board.backend import open_gate, open_reader
from yima.hwsim.board.workshop import Firmware, World
from yima.hwsim.cli import board as verb
from yima.validator.errors import GateError, ReaderError
from yima.validator.judging import Reason, Verdict
from yima.validator.system.posix import ending_with_us

PATIENCE_S = 60.0


class Running:
    """`yima board run` in a process of its own."""

    def __init__(self, flash: Path, *words: str) -> None:
        program = (
            "import argparse, sys; from yima.hwsim.cli import board; p = argparse.ArgumentParser();"
            "board.add_arguments(p); sys.exit(board.run(p.parse_args(sys.argv[1:])))"
        )
        self.process = subprocess.Popen(
            ending_with_us([sys.executable, "-c", program, "run", "--flash", str(flash), "--json", *words]),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,
        )
        self.said = ""

    def until(self, wanted: Callable[[dict[str, object]], bool]) -> dict[str, object]:
        """The first event that is wanted; status text is collected in `said`."""
        assert self.process.stdout
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end and (line := self.process.stdout.readline()):
            event: dict[str, object] = json.loads(line)
            self.said += str(event.get("status", ""))
            if wanted(event):
                return event
        raise AssertionError(self.said)

    def status(self, wanted: str) -> None:
        if wanted not in self.said:
            self.until(lambda _: wanted in self.said)

    def stop(self, *, group: bool = False) -> int:
        if group:
            os.killpg(self.process.pid, signal.SIGTERM)
        else:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=200)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe:
                pipe.close()
        return status


@pytest.fixture
def flashed(tmp_path: Path, firmware: Firmware, world: World) -> Path:
    """A flash file made by `yima board flash`."""
    import argparse

    image, parameters, flash = tmp_path / "image", tmp_path / "gate.toml", tmp_path / "flash"
    image.write_bytes(firmware.image)
    parameters.write_text(
        'environment = "test"\nversion = 1\n[fares]\nbus = 200\n'
        f'[[roots]]\ncertificate = "{world.root.certificate.hex()}"\n'
        '[[whitelist]]\norganisation = "00083010"\nplatform = "50083010"\n'
    )
    parser = argparse.ArgumentParser()
    verb.add_arguments(parser)
    words = ["flash", str(image), "--flash", str(flash), "--parameters", str(parameters)]
    assert verb.run(parser.parse_args(words)) == 0
    return flash


@pytest.fixture
def running(flashed: Path) -> Iterator[Callable[..., Running]]:
    boards: list[Running] = []

    def start(*words: str) -> Running:
        boards.append(Running(flashed, *words))
        return boards[-1]

    yield start
    for board in boards:
        if board.process.poll() is None:
            board.stop()


@pytest.mark.slow
def test_a_code_written_to_the_scanners_pty_opens_the_gate(
    running: Callable[..., Running], world: World, tmp_path: Path
) -> None:
    link = tmp_path / "scanner"
    board = running("--link", f"scanner={link}")
    board.status("ready terminal=bench-1")
    line = os.open(link, os.O_WRONLY | os.O_NOCTTY)
    os.write(line, world.code(1, int(time.time())))
    board.until(lambda event: bool(int(str(event.get("pins", 0))) & 1))
    board.status("name=ACCEPTED")
    os.close(line)
    assert board.stop() == 0
    assert not link.exists()


@pytest.mark.slow
def test_a_signal_to_the_whole_group_is_power_off_too(running: Callable[..., Running]) -> None:
    """`timeout`, a terminal and systemd signal the group: the emulator died first, and `run` said "no word"."""
    board = running()
    board.status("ready")
    assert board.stop(group=True) == 0


@pytest.mark.slow
def test_the_hosts_device_uses_the_boards_scanner_and_pins(
    running: Callable[..., Running], world: World, tmp_path: Path
) -> None:
    control, link = tmp_path / "control", tmp_path / "scanner"
    board = running("--control", str(control), "--link", f"scanner={link}")
    board.status("ready terminal")
    reader, gate = open_reader(str(control)), open_gate(str(control))
    code = world.code(1, int(time.time()))
    line = os.open(link, os.O_WRONLY | os.O_NOCTTY)
    os.write(line, code)
    reading = reader.read(10)
    assert reading is not None
    assert reading.payload == code
    gate.open(_verdict())
    assert int(str(board.until(lambda event: "host_pins" in event)["host_pins"])) & 1
    gate.refuse(_verdict(Reason.CODE_EXPIRED))
    board.until(lambda event: event.get("host_pins") == 0)
    os.close(line)
    board.stop()
    with pytest.raises(ReaderError, match="the board is gone"):
        while reader.read(5) is None:
            pass
    with pytest.raises(GateError, match="the board is gone"):
        gate.open(_verdict())
    reader.close()
    gate.close()


def test_a_board_that_is_not_there_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match="yima board run --control"):
        open_reader(str(tmp_path / "nobody"))
    with pytest.raises(GateError, match="yima board run --control"):
        open_gate(str(tmp_path / "nobody"))


def _verdict(reason: Reason = Reason.ACCEPTED) -> Verdict:
    return Verdict(
        accepted=reason is Reason.ACCEPTED,
        reason=reason,
        family="ministry",
        stages=MappingProxyType({}),
        fare_fen=0,
        again=False,
        digest=None,
        code=b"",
    )


@pytest.mark.slow
@pytest.mark.long
def test_smpclient_updates_the_board_over_the_stations_pty(
    running: Callable[..., Running], firmware: Firmware, tmp_path: Path
) -> None:
    """A tool that knows nothing of sessions does its work in one that is open."""
    transport = pytest.importorskip("smpclient.transport.serial")
    from smpclient import SMPClient
    from smpclient.requests.image_management import ImageStatesWrite
    from smpclient.requests.os_management import ResetWrite

    from yima.firmware_images.station import Station

    link = tmp_path / "station"
    board = running("--link", f"station={link}")
    board.status("ready terminal")

    async def session() -> None:
        async with Station(link) as station:
            await station.open_session(bench_signer())

    async def update() -> None:
        await session()
        async with SMPClient(transport.SMPSerialTransport(), str(link), timeout_s=10) as client:
            async for _ in client.upload(firmware.update):
                pass
            await client.request(ImageStatesWrite(hash=read(firmware.update).digest))
            await client.request(ResetWrite())
            board.until(lambda event: "starts slot B" in str(event.get("note")))
            board.said = ""
            board.status("ready terminal")
        await session()
        async with SMPClient(transport.SMPSerialTransport(), str(link), timeout_s=10) as client:
            await client.request(ImageStatesWrite(confirm=True))

    asyncio.run(update())
    board.status("image confirmed")


def test_nothing_but_the_child_process_loads_the_emulator() -> None:
    """Unicorn is under the GPL: see docs/decisions/0015."""
    root = Path(__file__).parents[3]
    places = [path for name in ("validator", "sdk", "hwsim", "firmware_images") for path in (root / name).rglob("*.py")]
    importing = {
        name: {
            path.name for path in places if re.search(rf"^\s*(from|import) {name}\b", path.read_text(), re.MULTILINE)
        }
        for name in (
            "unicorn",
            *(rf"yima\.hwsim\.board\.{name}" for name in ("engine", "machine", "debugger", "live", "child")),
        )
    }
    assert list(importing.values()) == [
        {"engine.py"},
        {"machine.py"},
        {"child.py", "live.py", "debugger.py"},
        {"live.py"},
        {"child.py"},
        set(),
    ]
