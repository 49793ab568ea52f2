"""The station's side of the link: what a station or a service laptop says to the firmware over its second UART.

Images, reset and time are mcumgr's own commands, so any tool that speaks SMP over serial will do (smpclient here).
Group 64 is ours: state, parameters in, records out with acknowledgement; app/smp_yima.c describes it. Its requests are
classes for `SMPClient.request`.

Rules it keeps:
- A record is acknowledged only after the caller has kept it: `records` hands out, `acknowledge` is called by hand.
- An acknowledgement carries the record's chain value: the device refuses one for a record that the station has not.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from types import TracebackType

import cbor2
from pydantic import BaseModel, ConfigDict, Field
from smp import error, message
from smp.exceptions import SMPException
from smp.image_management import ImageState
from smpclient import SMPClient
from smpclient.exceptions import SMPClientException, SMPUploadError
from smpclient.generics import SMPRequest, TEr1, TEr2, TRep, success
from smpclient.requests.image_management import ImageStatesRead, ImageStatesWrite
from smpclient.requests.os_management import DateTimeWrite, ResetWrite
from smpclient.transport import SMPTransportDisconnected
from smpclient.transport.serial import SMPSerialTransport

from yima.validator.errors import Kind, YimaError
from yima.validator.texts import Text

__all__ = ["Refusal", "Station", "StationError"]

GROUP = 64
CHUNK = 1024
"""Bytes of parameters in one request; the firmware takes 2048 bytes with everything around them."""
_NOT_SMP = (ValueError, TypeError, AssertionError, cbor2.CBORError, SMPException)
"""What smp and smpclient let through when an answer is none."""


class StationError(YimaError):
    """The device refused, or did not answer."""

    kind = Kind.DEVICE


class Refusal(IntEnum):
    """Why group 64 refused; the status line says more."""

    OK = 0
    REFUSED = 1
    NO_CLOCK = 2
    NO_RECORD = 3
    OTHER_RECORD = 4
    FLASH = 5


class _ErrorV1(error.ErrorV1):
    _GROUP_ID = GROUP


class _ErrorV2(error.ErrorV2[Refusal]):
    _GROUP_ID = GROUP


class _Group:
    _ErrorV1 = _ErrorV1
    _ErrorV2 = _ErrorV2


class DeviceFault(BaseModel):
    """What the newest fault since power came left. kind: STACK, HARD, MEMORY, BUS, USAGE or INTERRUPT. cause, hard: the
    processor's CFSR and HFSR. pc: where, 0 if that is not known."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: str
    cause: int
    hard: int
    pc: int


class State(message.ReadResponse):
    """How the device stands.

    unix: its clock; trusted: whether it believes it. next: number of the next record; ack: the last acknowledged; lost:
    how many behind it cannot be read any more. room: blocks of the log that can still be opened. slot: that runs, 0 or
    1. serving: whether taps can be accepted. faults: since power came; fault: the newest.
    """

    _GROUP_ID = GROUP
    _COMMAND_ID = 0
    product: str
    software: str
    terminal: str
    environment: str
    parameters: int
    signed: bool
    unix: int
    trusted: bool
    next: int
    ack: int
    room: int
    lost: int
    taps: int
    slot: int
    serving: bool
    faults: int
    fault: DeviceFault | None = None


class StateRead(message.ReadRequest, _Group):
    """Asks for State."""

    _GROUP_ID = GROUP
    _COMMAND_ID = 0
    _Response = State


class ParametersTaken(message.WriteResponse):
    """So many bytes are there; active: the version now in force, once all have come."""

    _GROUP_ID = GROUP
    _COMMAND_ID = 1
    off: int
    active: int | None = None


class ParametersWrite(message.WriteRequest, _Group):
    """One piece of a parameter package, in order. len: of the whole, with the first piece."""

    _GROUP_ID = GROUP
    _COMMAND_ID = 1
    _Response = ParametersTaken
    off: int
    data: bytes
    len: int | None = None


class Record(BaseModel):
    """n: its number. d: the entry, or a piece of it from `off` on; len: of the whole. h: the log's chain value behind
    it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    n: int
    d: bytes
    h: bytes
    off: int = 0
    len: int | None = None


class Lost(BaseModel):
    """Numbers from `start` to `end`, both with it, whose entries the device cannot read any more."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    start: int = Field(alias="from")
    end: int = Field(alias="to")


class Records(message.ReadResponse):
    """Records as many as fit; none: there are no more. lost: as far as these go."""

    _GROUP_ID = GROUP
    _COMMAND_ID = 2
    next: int
    ack: int
    records: list[Record]
    lost: list[Lost] = Field(default_factory=list)


class RecordsRead(message.ReadRequest, _Group):
    """Asks for records from number `start` on; off: where in the first, of which a piece is there already."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, serialize_by_alias=True, validate_by_name=True, validate_by_alias=True
    )
    _GROUP_ID = GROUP
    _COMMAND_ID = 2
    _Response = Records
    start: int = Field(alias="from")
    off: int = 0


class Acknowledged(message.WriteResponse):
    """Up to and with this number the device may forget."""

    _GROUP_ID = GROUP
    _COMMAND_ID = 3
    ack: int


class AcknowledgeWrite(message.WriteRequest, _Group):
    """All records up to n are kept; h: its chain value."""

    _GROUP_ID = GROUP
    _COMMAND_ID = 3
    _Response = Acknowledged
    n: int
    h: bytes


class Station:
    """A connection to one device. Use with `async with`; every method raises StationError if the device refuses."""

    def __init__(self, port: str | Path, *, timeout_s: float = 10.0) -> None:
        self._port = str(port)
        self._client = SMPClient(SMPSerialTransport(), self._port, timeout_s=timeout_s)

    async def __aenter__(self) -> "Station":
        await self._client.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.disconnect()

    async def state(self) -> State:
        """How the device stands."""
        return await self._ask(StateRead())

    async def set_clock(self, unix_s: int) -> None:
        """Sets the real-time clock, unix seconds UTC."""
        await self._ask(DateTimeWrite(datetime=datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")))

    async def records(self, start: int = 0) -> AsyncIterator[Record]:
        """Every record kept, from number `start` on, in order and whole, also what no answer holds. Numbers that do not
        ascend, and pieces that do not follow, end it as a refusal does."""
        begun = b""
        while True:
            answer = await self._ask(RecordsRead.model_validate({"from": start, "off": len(begun)}))
            for record in answer.records:
                if record.n < start:
                    raise self._refused(f"records: number {record.n} where {start} or a later one belongs")
                if record.len is not None and (record.off != len(begun) or not record.d):
                    raise self._refused(f"records: a piece of {record.n} that does not follow")
                begun += record.d
                if len(begun) < (record.len or 0):
                    continue
                yield Record(n=record.n, d=begun, h=record.h)
                start, begun = record.n + 1, b""
            if not answer.records:
                return

    async def lost(self, start: int = 0) -> list[Lost]:
        """Ranges of numbers from `start` on that the device cannot hand out any more; at most the first few."""
        found: list[Lost] = []
        while True:
            answer = await self._ask(RecordsRead.model_validate({"from": start}))
            found += answer.lost
            if not answer.records:
                return found
            start = answer.records[-1].n + 1

    async def acknowledge(self, record: Record) -> int:
        """All up to this record are kept; returns the number now acknowledged."""
        return (await self._ask(AcknowledgeWrite(n=record.n, h=record.h))).ack

    async def send_parameters(self, package: bytes) -> int:
        """Sends a parameter package (or, to a test device, a bare image); returns the version now in force."""
        offset = 0
        while True:
            piece = package[offset : offset + CHUNK]
            answer = await self._ask(ParametersWrite(off=offset, data=piece, len=None if offset else len(package)))
            if answer.active is not None:
                return answer.active
            if not offset < answer.off < len(package):
                raise self._refused(f"parameters stopped at {answer.off} of {len(package)} bytes")
            offset = answer.off

    async def update(self, image: bytes) -> None:
        """Uploads an image into the slot that does not run and marks it to be tried at the next start."""
        try:
            async for _ in self._client.upload(image):
                pass
        except SMPUploadError as error:
            said = error.args[0] if error.args else error
            raise self._refused(said if isinstance(said, str) else _reason(said)) from error
        states = (await self._ask(ImageStatesRead())).images
        waiting = next((state for state in states if not state.active), None)
        if waiting is None:
            raise self._refused("the image is not there after the upload")
        await self._ask(ImageStatesWrite(hash=waiting.hash))

    async def images(self) -> list[ImageState]:
        """What lies in the slots."""
        return (await self._ask(ImageStatesRead())).images

    async def confirm(self) -> None:
        """The running image is good: it stays."""
        await self._ask(ImageStatesWrite(confirm=True))

    async def reset(self) -> None:
        """Starts the device anew."""
        await self._ask(ResetWrite())

    async def _ask(self, request: SMPRequest[TRep, TEr1, TEr2]) -> TRep:
        try:
            answer = await self._client.request(request)
        except (TimeoutError, SMPClientException, SMPTransportDisconnected) as error:
            raise self._refused(str(error)) from error
        except _NOT_SMP as error:
            raise self._refused(f"no answer of SMP: {error}") from error
        if success(answer):
            return answer
        raise self._refused(_reason(answer))

    def _refused(self, what: str) -> StationError:
        return StationError(
            self._port,
            Text(f"the device refused or did not answer: {what}", f"设备拒绝或没有应答：{what}"),
            Text("Its status line (third UART) says why", "原因见状态口（第三路 UART）"),
        )


def _reason(answer: object) -> str:
    """The code's name of an answer that is an error, in either version of SMP."""
    code = getattr(getattr(answer, "err", answer), "rc", None)
    return code.name if isinstance(code, IntEnum) else str(answer)
