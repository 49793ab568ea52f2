"""The firmware's own device.c on the machine at hand (device_host.c): flash in memory, everything else the test's."""

import _ctypes
import ctypes
import itertools
import os
import shutil
from pathlib import Path
from typing import Any

import cbor2
from smpclient.transport import SMPTransport

from yima.firmware_images.build import ROOT
from yima.firmware_images.host_build import host_library
from yima.firmware_images.provision import Settings, parameters_copy, settings_copy
from yima.firmware_images.session import Signer, bench_signer
from yima.hwsim.board.layout import FLASH_HIGH, FLASH_LOW, PARAMETERS, SETTINGS
from yima.hwsim.board.log_reader import FoundLog, read_log

FLASH_FROM, FLASH_END = FLASH_LOW, FLASH_HIGH
PARTS = (
    *("device", "gate", "parameters_flash", "flash_writer", "settings", "status", "sha256", "cbor", "image"),
    *("smp", "smp_os", "smp_image", "smp_yima", "smp_session", "session"),
)
_COUNT = itertools.count()
DEFINES = ("YIMA_PRODUCT_METRO_GATE", "YIMA_ENVIRONMENT=2", 'YIMA_VERSION="host"')


NAME = "device.so"


def built(folder: Path) -> None:
    """Builds the library anew."""
    core = sorted(path.relative_to(ROOT) for path in (ROOT / "validator" / "core").glob("*.c"))
    app = [f"firmware_images/app/{part}.c" for part in PARTS]
    host_library([*core, *app, "tests/firmware_images/device_host.c"], folder / NAME, defines=DEFINES)


class HostTransport(SMPTransport):
    """The station's wire to a HostBoard, for smpclient."""

    def __init__(self, board: "HostBoard") -> None:
        self._board = board
        self._answer = b""

    @property
    def mtu(self) -> int:
        """Bytes of a request."""
        return 2048

    async def connect(self, address: str, timeout_s: float) -> None:
        """It is always there."""

    async def disconnect(self) -> None:
        """It stays."""

    async def send(self, data: bytes) -> None:
        """One message of SMP."""
        self._answer = self._board.answer(data)

    async def receive(self) -> bytes:
        """Its answer."""
        return self._answer

    async def send_and_receive(self, data: bytes) -> bytes:
        """Both."""
        await self.send(data)
        return await self.receive()


class HostBoard:
    """A metro gate. A start loads the library anew, so that nothing but the flash outlives a power cut."""

    def __init__(self, library: Path, settings: Settings, parameters: bytes) -> None:
        self._path = library
        self._refuses = self._gate_fails = False
        self._library = self._loaded()
        mapped = self._library.host_flash()  # another board of this process may have had it
        ctypes.memset(FLASH_FROM, 0xFF, FLASH_END - FLASH_FROM)
        assert mapped in (0, 1)
        for at, data in ((SETTINGS[0], settings_copy(settings)), (PARAMETERS[0], parameters_copy(parameters))):
            ctypes.memmove(at, data, len(data))

    def _loaded(self) -> ctypes.CDLL:
        copy = self._path.with_name(f"device-{os.getpid()}-{next(_COUNT)}.so")  # a known name is not loaded anew
        shutil.copy(self._path, copy)
        library = ctypes.CDLL(str(copy))
        copy.unlink()
        library.host_said.restype = ctypes.c_void_p
        library.smp_answer.restype = ctypes.c_size_t
        library.host_clock.argtypes = (ctypes.c_uint32, ctypes.c_uint64)
        return library

    def start(self, unix_s: int, tick_ms: int) -> None:
        """Power on."""
        _ctypes.dlclose(self._library._handle)
        self._library = self._loaded()
        self.refuse_flash(self._refuses)
        self.fail_gate(self._gate_fails)
        self.clock(unix_s, tick_ms)
        self._library.host_start()

    def clock(self, unix_s: int, tick_ms: int) -> None:
        """What the clocks show from now on."""
        self._library.host_clock(unix_s, tick_ms)

    def turn(self) -> None:
        """One turn of the main loop in which nothing has come."""
        self._library.host_turn()

    def tap(self, payload: bytes) -> None:
        """A payload from the scanner."""
        self._library.device_tap(payload, len(payload))

    def enter(self) -> None:
        """Somebody steps into the passage, or tries to."""
        self._library.host_passage(1)

    def leave(self) -> None:
        """And leaves it behind the gate."""
        self._library.host_passage(0)

    def walk(self) -> None:
        """Somebody goes through the passage, or tries to."""
        self.enter()
        self.leave()

    def fail_gate(self, fails: bool) -> None:
        """Whether the gate's mechanism says that it cannot open."""
        self._gate_fails = fails
        self._library.host_gate_fault(int(fails))

    def confirm(self, unix_s: int) -> None:
        """The station says what time it is."""
        assert self._library.device_set_clock(unix_s)

    def take(self, parameters: bytes) -> int:
        """The station hands over parameters; 0: they were refused, 1: they are in force, 2: they wait."""
        return int(self._library.host_parameters(parameters, len(parameters)))

    def take_part(self, parameters: bytes, size: int) -> None:
        """The station begins with parameters of so many bytes, and goes away."""
        assert self._library.host_parameters_part(parameters, len(parameters), size)

    def put(self, at: int, data: bytes) -> None:
        """Writes into flash as a factory does."""
        ctypes.memmove(at, data, len(data))

    def runs_slot(self, number: int) -> None:
        """Which slot's image runs."""
        self._library.host_runs_slot(number)

    def ask(self, operation: int, group: int, command: int, body: dict[str, Any]) -> dict[str, Any]:
        """A request of SMP version 2 and the answer's map."""
        payload = cbor2.dumps(body)
        head = bytes([operation | 8, 0]) + len(payload).to_bytes(2) + group.to_bytes(2) + bytes([1, command])
        found: dict[str, Any] = cbor2.loads(self.answer(head + payload)[8:])
        return found

    def answer(self, message: bytes) -> bytes:
        """The answer to a message of SMP."""
        answer = ctypes.create_string_buffer(2048)
        size = self._library.smp_answer(message, len(message), answer)
        return answer.raw[:size]

    def open_session(self, signer: Signer | None = None) -> dict[str, Any]:
        """Signs a challenge, with the TEST key if no other is given; the answer's map."""
        asked = self.ask(0, 64, 4, {})
        answer = (signer or bench_signer()).answer(asked["challenge"], asked["terminal"], asked["environment"])
        return self.ask(2, 64, 4, answer)

    def flash(self) -> bytes:
        """The whole flash as it is, from address 0 on."""
        return bytes(FLASH_FROM) + ctypes.string_at(FLASH_FROM, FLASH_END - FLASH_FROM)

    def said(self) -> str:
        """What the status line has said since the last question."""
        size = ctypes.c_uint32()
        at = self._library.host_said(ctypes.byref(size))
        return ctypes.string_at(at, size.value).decode()

    def refuse_flash(self, refuses: bool) -> None:
        """Whether the flash takes nothing from now on."""
        self._refuses = refuses
        self._library.host_flash_refuses(int(refuses))

    def cut_flash(self, operation: int, bits: int = 0) -> None:
        """Power goes at that flash operation of those to come, from 0; a unit that is programmed has so many of its 64
        bits. Nothing is written from then on until the next start."""
        self._library.host_flash_cut(operation, bits)

    def acknowledge(self, number: int) -> None:
        """The station has everything up to this entry."""
        assert self._library.host_acknowledge(number)

    def append(self, entry: bytes) -> None:
        """An entry as it lies in the log of a device with older firmware."""
        assert self._library.host_append(entry, len(entry))

    @property
    def room(self) -> int:
        """Blocks of the log that can still be opened."""
        return int(self._library.host_room())

    @property
    def stands(self) -> tuple[bool, bool]:
        """(the sign says that riders are served, the clock is believed)."""
        return bool(self._library.host_in_service()), bool(self._library.host_time_trusted())

    @property
    def is_open(self) -> bool:
        """Whether the gate is held open."""
        return bool(self._library.host_gate_is_open())

    @property
    def astray(self) -> int:
        """Calls at the wrong time, and ways that are in no table."""
        return int(self._library.host_astray())

    def told(self) -> list[dict[str, str]]:
        """The taps that the status line has told of since the last question."""
        lines = self.said().splitlines()
        return [dict(word.split("=", 1) for word in line.split()[1:]) for line in lines if line.startswith("tap ")]

    @property
    def log(self) -> FoundLog:
        """The log, as an independent reader finds it."""
        return read_log(self.flash())
