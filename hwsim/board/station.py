"""The station at the other end of UART1, in the board's virtual time: the one client (firmware_images.station), with
the board as its wire.

For the bench and for tests, where time must be the board's own. In the field, and on the ptys of a live board, the same
client has a serial port.
"""

import asyncio
import struct
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import cbor2
from smp import packet
from smp.exceptions import SMPException
from smp.header import Header
from smpclient.transport import SMPTransport

from yima.firmware_images import station
from yima.firmware_images.session import Signer, bench_signer
from yima.firmware_images.station_messages import Record as Sent
from yima.firmware_images.station_messages import State
from yima.hwsim.board.emulator import Outcome
from yima.hwsim.board.errors import BoardError
from yima.hwsim.board.layout import STATION
from yima.validator.texts import Text

READ, WRITE = 0, 2
GROUP_OS, GROUP_IMAGE, GROUP_YIMA = 0, 1, 64
_ACCESS_DENIED = 11
_ANSWER_MS = 4000.0  # erasing and copying included
_HEADER = 8
_MESSAGE_MAX = 2048
_T = TypeVar("_T")


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


def message(operation: int, group: int, command: int, body: dict[str, Any], sequence: int = 0) -> bytes:
    """A request of SMP version 2."""
    payload = cbor2.dumps(body)
    head = bytes([operation | 0x08, 0]) + len(payload).to_bytes(2, "big") + group.to_bytes(2, "big")
    return head + bytes([sequence, command]) + payload


def framed(operation: int, group: int, command: int, body: dict[str, Any]) -> bytes:
    """The same as it goes over the line."""
    return b"".join(packet.encode(message(operation, group, command, body)))


class BoardLine(SMPTransport):
    """The board's line as smpclient wants a way to a device. seen: what the board did meanwhile."""

    def __init__(self, board: Wire) -> None:
        self._board = board
        self._line = b""
        self.seen: list[Outcome] = []

    @property
    def mtu(self) -> int:
        """Bytes of a request."""
        return _MESSAGE_MAX

    async def connect(self, address: str, timeout_s: float) -> None:
        """It is always there."""

    async def disconnect(self) -> None:
        """It stays."""

    async def send(self, data: bytes) -> None:
        """One message of SMP goes onto the line."""
        self._board.feed(STATION, b"".join(packet.encode(data)))

    async def receive(self) -> bytes:
        """The message that comes back. Raises BoardError for what is none, PowerGoneError."""
        return self.answer()

    async def send_and_receive(self, data: bytes) -> bytes:
        """Both."""
        await self.send(data)
        return self.answer()

    def restart(self) -> Outcome:
        """Waits until the device is ready again. Raises PowerGoneError."""
        outcome = self._board.run(5000, until=b"ready terminal")
        self.seen.append(outcome)
        self._line = b""
        if outcome.state != "running":
            raise PowerGoneError(outcome.state)
        return outcome

    def answer(self) -> bytes:
        """The next message from the device."""
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
                    raise _refused(f"no line of SMP: {error}") from error
        raise _refused("no answer")


class Station:
    """One station; every method is the client's, and lets the board's time pass until it is answered. Raises BoardError
    if the device refuses, PowerGoneError. `seen` collects what the board did meanwhile. signer: signs a session as soon
    as the device says that it needs one; default: the TEST key."""

    def __init__(self, board: Wire, *, signer: Signer | None = None) -> None:
        self._line = BoardLine(board)
        self._signer = signer or bench_signer()
        self._client = station.Station("station", signer=self._signer, transport=self._line)
        self._sequence = 0
        self.seen = self._line.seen

    def ask(self, operation: int, group: int, command: int, body: dict[str, Any]) -> dict[str, Any]:
        """Any request, as no client need have it, and its answer's map."""
        found = self._exchange(operation, group, command, body)
        if found.get("rc") == _ACCESS_DENIED:
            self.open_session(self._signer)
            found = self._exchange(operation, group, command, body)
        if found.get("rc") or found.get("err"):
            raise _refused(str(found))
        return found

    def _exchange(self, operation: int, group: int, command: int, body: dict[str, Any]) -> dict[str, Any]:
        self._sequence = (self._sequence + 1) % 256
        answer = _done(self._line.send_and_receive(message(operation, group, command, body, self._sequence)))
        try:
            header = Header.loads(answer[:_HEADER])
            found = cbor2.loads(answer[_HEADER:])
        except (ValueError, AssertionError, cbor2.CBORError) as error:
            raise _refused(f"no answer of SMP: {error}") from error
        if header.sequence != self._sequence or not isinstance(found, dict):
            raise _refused("an answer to something else")
        return found

    def open_session(self, signer: Signer) -> None:
        """Signs the device's challenge."""
        _done(self._client.open_session(signer))

    def time(self) -> str:
        """The device's clock as it says it."""
        return str(self.ask(READ, GROUP_OS, 4, {})["datetime"])

    def set_time(self, unix_s: int) -> None:
        """Sets the device's clock."""
        _done(self._client.set_clock(unix_s))

    def place(self, **where: int) -> dict[str, Any]:
        """Tells a bus where it is: line, stop, direction; what holds then."""
        return self.ask(WRITE, GROUP_YIMA, 5, where)

    def state(self) -> dict[str, Any]:
        """What the device says of itself."""
        return _done(self._client.state()).model_dump(include=set(State.__annotations__), exclude_none=True)

    def upload(self, image: bytes) -> None:
        """Uploads an image into the slot that is not running, to be tried when `try_image` says so."""
        _done(self._client.upload(image))

    def erase(self) -> None:
        """Erases the slot that is not running."""
        self.ask(WRITE, GROUP_IMAGE, 5, {})

    def try_image(self, digest: bytes) -> None:
        """Asks for an image to be started once."""
        _done(self._client.try_image(digest))

    def confirm(self) -> None:
        """Confirms the running image."""
        _done(self._client.confirm())

    def reset(self) -> Outcome:
        """Restarts the device; returns when it is ready again."""
        _done(self._client.reset())
        return self._line.restart()

    def send_parameters(self, parameters: bytes) -> int:
        """Sends parameters; returns the version that is in force then."""
        return _done(self._client.send_parameters(parameters))

    def records(self, first: int = 0) -> list[Record]:
        """All kept records from number `first` on."""

        async def all_of_them() -> list[Record]:
            return [Record(one.n, one.d, one.h) async for one in self._client.records(first)]

        return _done(all_of_them())

    def acknowledge(self, record: Record) -> int:
        """Says that everything up to this record is kept; returns how far that is now."""
        return _done(self._client.acknowledge(Sent(n=record.number, d=b"", h=record.chain)))


def _done(work: Coroutine[Any, Any, _T]) -> _T:
    """What comes of it; time passes on the board alone."""
    try:
        return asyncio.run(work)
    except station.StationError as error:
        raise BoardError(error.thing, error.problem, error.remedy) from error


def _refused(why: str) -> BoardError:
    return BoardError(
        "station", Text(f"the device refused: {why}", f"设备拒绝：{why}"), Text("See its status line", "请看状态行")
    )
