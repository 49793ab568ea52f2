"""The station at the other end of UART1, in the board's virtual time: SMP (mcumgr) over the serial line.

For the bench and for tests, where time must be the board's own. In the field, and on the ptys of a live board, any SMP
client does the same (smpclient, mcumgr); framing is smp's.

Commands of group 64, the firmware's own, are described in firmware_images/app/smp_yima.c.
"""

import hashlib
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import cbor2
from smp import packet
from smp.exceptions import SMPException
from smp.header import Header

from yima.firmware_images.session import Signer, bench_signer
from yima.hwsim.board.emulator import Outcome
from yima.hwsim.board.errors import BoardError
from yima.hwsim.board.layout import STATION
from yima.validator.texts import Text

READ, WRITE = 0, 2
GROUP_OS, GROUP_IMAGE, GROUP_YIMA = 0, 1, 64
_CHUNK = 1024  # of an image or of parameters in one request
_SESSION = 4
_ACCESS_DENIED = 11
_ANSWER_MS = 4000.0  # erasing and copying included
_HEADER = 8


@dataclass(frozen=True, slots=True)
class Record:
    """One entry of the device's log. data: the trip record. chain: the log's chain value behind it."""

    number: int
    data: bytes
    chain: bytes


class Wire(Protocol):
    """What a station needs of a board at its other end."""

    def feed(self, uart: int, data: bytes, /) -> None:
        """Bytes on a UART."""

    def run(self, ms: float, /, *, until: bytes, uart: int = ...) -> Outcome:
        """Lets time pass."""


class PowerGoneError(Exception):
    """The board does not answer any more: power was cut, or it halted."""


def framed(operation: int, group: int, command: int, body: dict[str, Any], sequence: int = 0) -> bytes:
    """A request of SMP version 2 as it goes over the line."""
    payload = cbor2.dumps(body)
    head = bytes([operation | 0x08, 0]) + len(payload).to_bytes(2, "big") + group.to_bytes(2, "big")
    return b"".join(packet.encode(head + bytes([sequence, command]) + payload))


class Station:
    """One station. `seen` collects what the board did meanwhile. signer: signs a session as soon as the device says
    that it needs one; default: the TEST key."""

    def __init__(self, board: Wire, *, signer: Signer | None = None) -> None:
        self._board = board
        self._signer = signer or bench_signer()
        self._sequence = 0
        self._line = b""
        self.seen: list[Outcome] = []

    def ask(self, operation: int, group: int, command: int, body: dict[str, Any]) -> dict[str, Any]:
        """One request and its answer. Raises BoardError for an error answer or none, PowerGoneError."""
        found = self._exchange(operation, group, command, body)
        if found.get("rc") == _ACCESS_DENIED:
            self.open_session(self._signer)
            found = self._exchange(operation, group, command, body)
        if found.get("rc") or found.get("err"):
            raise _refused(f"{group}/{command}", str(found))
        return found

    def open_session(self, signer: Signer) -> None:
        """Signs the device's challenge."""
        asked = self._exchange(READ, GROUP_YIMA, _SESSION, {})
        answer = signer.answer(asked["challenge"], asked["terminal"], asked["environment"])
        opened = self._exchange(WRITE, GROUP_YIMA, _SESSION, answer)
        if opened.get("err"):
            raise _refused(f"{GROUP_YIMA}/{_SESSION}", str(opened))

    def _exchange(self, operation: int, group: int, command: int, body: dict[str, Any]) -> dict[str, Any]:
        self._sequence = (self._sequence + 1) % 256
        self._board.feed(STATION, framed(operation, group, command, body, self._sequence))
        answer = self._answer()
        try:
            header = Header.loads(answer[:_HEADER])
            found = cbor2.loads(answer[_HEADER:])
        except (ValueError, AssertionError, cbor2.CBORError) as error:
            raise _refused(f"{group}/{command}", f"no answer of SMP: {error}") from error
        if header.sequence != self._sequence or not isinstance(found, dict):
            raise _refused(f"{group}/{command}", "an answer to something else")
        return found

    def _answer(self) -> bytes:
        decoder = packet.decode()
        next(decoder)
        waited = 0.0
        while waited < _ANSWER_MS:
            outcome = self._board.run(20, until=b"\n", uart=STATION)
            waited += 20
            self.seen.append(outcome)
            if outcome.state != "running":
                raise PowerGoneError(outcome.state)
            self._line += outcome.sent.get(STATION, b"")
            while b"\n" in self._line:
                line, _, self._line = self._line.partition(b"\n")
                try:
                    decoder.send(line + b"\n")
                except StopIteration as complete:
                    return bytes(complete.value)
                except (ValueError, struct.error, SMPException) as error:
                    raise _refused("station", f"no line of SMP: {error}") from error
        raise _refused("station", "no answer")

    def time(self) -> str:
        """The device's clock as it says it."""
        return str(self.ask(READ, GROUP_OS, 4, {})["datetime"])

    def set_time(self, unix_s: int) -> None:
        """Sets the device's clock."""
        text = datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        self.ask(WRITE, GROUP_OS, 4, {"datetime": text})

    def place(self, **where: int) -> dict[str, Any]:
        """Tells a bus where it is: line, stop, direction; what holds then."""
        return self.ask(WRITE, GROUP_YIMA, 5, where)

    def state(self) -> dict[str, Any]:
        """What the device says of itself."""
        return self.ask(READ, GROUP_YIMA, 0, {})

    def images(self) -> list[dict[str, Any]]:
        """The images in the slots."""
        found: list[dict[str, Any]] = self.ask(READ, GROUP_IMAGE, 0, {})["images"]
        return found

    def upload(self, image: bytes) -> None:
        """Uploads an image into the slot that is not running, to be tried when `try_image` says so."""
        offset = 0
        while offset < len(image):
            body: dict[str, Any] = {"off": offset, "data": image[offset : offset + _CHUNK]}
            if offset == 0:
                body |= {"image": 1, "len": len(image), "sha": hashlib.sha256(image).digest()}
            offset = int(self.ask(WRITE, GROUP_IMAGE, 1, body)["off"])

    def erase(self) -> None:
        """Erases the slot that is not running."""
        self.ask(WRITE, GROUP_IMAGE, 5, {})

    def try_image(self, digest: bytes) -> None:
        """Asks for an image to be started once."""
        self.ask(WRITE, GROUP_IMAGE, 0, {"hash": digest, "confirm": False})

    def confirm(self) -> None:
        """Confirms the running image."""
        self.ask(WRITE, GROUP_IMAGE, 0, {"confirm": True})

    def reset(self) -> Outcome:
        """Restarts the device; returns when it is ready again, or when it is not running any more."""
        self.ask(WRITE, GROUP_OS, 5, {})
        outcome = self._board.run(5000, until=b"ready terminal")
        self.seen.append(outcome)
        self._line = b""
        if outcome.state != "running":
            raise PowerGoneError(outcome.state)
        return outcome

    def send_parameters(self, parameters: bytes) -> int:
        """Sends parameters; returns the version that is in force then."""
        offset, answer = 0, {}
        while offset < len(parameters):
            body: dict[str, Any] = {"off": offset, "data": parameters[offset : offset + _CHUNK]}
            if offset == 0:
                body["len"] = len(parameters)
            answer = self.ask(WRITE, GROUP_YIMA, 1, body)
            offset = int(answer["off"])
        return int(answer["active"])

    def records(self, first: int = 0) -> list[Record]:
        """All kept records from number `first` on; what no answer holds is put together."""
        found: list[Record] = []
        begun = b""
        while batch := self.ask(READ, GROUP_YIMA, 2, {"from": first, "off": len(begun)})["records"]:
            for entry in batch:
                begun += entry["d"]
                if len(begun) >= entry.get("len", 0):
                    found.append(Record(entry["n"], begun, entry["h"]))
                    first, begun = entry["n"] + 1, b""
        return found

    def acknowledge(self, record: Record) -> int:
        """Says that everything up to this record is kept; returns how far that is now."""
        return int(self.ask(WRITE, GROUP_YIMA, 3, {"n": record.number, "h": record.chain})["ack"])


def _refused(what: str, why: str) -> BoardError:
    return BoardError(
        what, Text(f"the device refused: {why}", f"设备拒绝：{why}"), Text("See its status line", "请看状态行")
    )
