"""The station's side of the link: what a station or a service laptop says to the firmware over its second UART.

Images, reset and time are mcumgr's own commands, so any tool that speaks SMP over serial will do (smpclient here).
Group 64 is ours: state, parameters in, records out with acknowledgement, sessions (station_messages.py).

Rules it keeps:
- A record is acknowledged only after the caller has kept it: `records` hands out, `acknowledge` is called by hand.
- An acknowledgement carries the record's chain value: the device refuses one for a record that the station has not.
- A session is opened when the device says that it needs one, and ended by whoever opened it: the wire stays closed.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from types import TracebackType

import cbor2
from smp.error import MGMT_ERR
from smp.exceptions import SMPException
from smp.image_management import ImageState
from smpclient import SMPClient
from smpclient.exceptions import SMPClientException, SMPUploadError
from smpclient.generics import SMPRequest, TEr1, TEr2, TRep, success
from smpclient.requests.image_management import ImageStatesRead, ImageStatesWrite
from smpclient.requests.os_management import DateTimeWrite, ResetWrite
from smpclient.transport import SMPTransport, SMPTransportDisconnected
from smpclient.transport.serial import SMPSerialTransport

from yima.firmware_images.session import CHALLENGE_BYTES, ENVIRONMENTS, TERMINAL_MAX, Signer
from yima.firmware_images.station_messages import (
    AcknowledgeWrite,
    ChallengeRead,
    Lost,
    ParametersWrite,
    PlaceWrite,
    Record,
    RecordsRead,
    Refusal,
    Session,
    SessionWrite,
    State,
    StateRead,
)
from yima.validator.errors import Kind, YimaError
from yima.validator.journal.form import ENTRY_MAX
from yima.validator.system.serial_line import REFUSALS
from yima.validator.texts import Text

__all__ = ["Refusal", "Station", "StationError"]

_NOT_YET = 1
"""The image number of an upload that is not tried before a command says so."""
CHUNK = 1024
"""Bytes of parameters in one request; the firmware takes 2048 bytes with everything around them."""
_NOT_SMP = (ValueError, TypeError, AssertionError, cbor2.CBORError, SMPException, SMPClientException)
"""What smp and smpclient let through when an answer is none."""
_FAILED: tuple[type[Exception], ...] = (*_NOT_SMP, *REFUSALS, SMPTransportDisconnected)
"""And when there is no answer, or no line any more."""
_FAREWELL_S = 2.0
"""How long the end of a session is waited for where something has gone wrong before."""
logging.getLogger("smpclient").addHandler(logging.NullHandler())  # what it logs, an error of ours says
_NOT_LET_IN = (MGMT_ERR.EACCESSDENIED.name, "NO_KEY", "SIGNATURE")


class StationError(YimaError):
    """The device refused, or did not answer."""

    kind = Kind.DEVICE


class Station:
    """A connection to one device. Use with `async with`; every method raises StationError if the device refuses.

    signer: signs a session as soon as one is needed, which ends with the connection, after an error as well if the
    device still answers. None: what needs one is refused.
    transport: the way to the device; None: the serial port of that name.
    """

    def __init__(
        self,
        port: str | Path,
        *,
        signer: Signer | None = None,
        timeout_s: float = 10.0,
        transport: SMPTransport | None = None,
    ) -> None:
        self._port = str(port)
        self._signer = signer
        self._is_mine = False
        self._client = SMPClient(transport or SMPSerialTransport(), self._port, timeout_s=timeout_s)

    async def __aenter__(self) -> "Station":
        try:
            await self._client.connect()
        except _FAILED as error:
            await self._client.disconnect()
            raise self._unopened() if isinstance(error, TimeoutError) else self._failed(error) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._is_mine and kind is None:
                await self.end_session()
            elif self._is_mine and kind is not GeneratorExit:  # in which nothing can be waited for
                with contextlib.suppress(Exception):  # what went wrong before is what is to be told
                    async with asyncio.timeout(_FAREWELL_S):
                        await self.end_session()
        finally:
            await self._client.disconnect()

    async def open_session(self, signer: Signer) -> Session:
        """Opens a session that outlives this connection: other programs may go on at the same wire."""
        asked = await self._said(ChallengeRead())
        if len(asked.challenge) != CHALLENGE_BYTES or len(asked.terminal.encode()) > TERMINAL_MAX:
            raise self._refused("a challenge that is none")
        if asked.environment not in ENVIRONMENTS.values():
            raise self._refused(f"environment {asked.environment} is none")
        answer = signer.answer(asked.challenge, asked.terminal, asked.environment)
        return await self._said(SessionWrite.model_validate(answer))

    async def end_session(self) -> None:
        """Ends whatever session is open."""
        await self._said(SessionWrite(minutes=0))
        self._is_mine = False

    async def state(self) -> State:
        """How the device stands."""
        return await self._ask(StateRead())

    async def set_clock(self, unix_s: int) -> None:
        """Sets the real-time clock, unix seconds UTC."""
        await self._ask(DateTimeWrite(datetime=datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")))

    async def place(
        self, *, line: int | None = None, stop: int | None = None, direction: int | None = None
    ) -> tuple[int, int, int]:
        """Tells a bus where it is: line and stop of the fare tables, 0: at none; direction 0 none, 1 entry, 2 exit.

        None: as before. Returns what holds now. A metro gate refuses; a start goes back to the settings.
        """
        placed = await self._ask(PlaceWrite(line=line, stop=stop, direction=direction))
        return placed.line, placed.stop, placed.direction

    async def records(self, start: int = 0) -> AsyncIterator[Record]:
        """Every record kept, from number `start` on, in order and whole, also what no answer holds. Numbers that do not
        ascend, pieces that do not follow, and what is no entry (1 to 65536 bytes) end it as a refusal does."""
        begun = b""
        while True:
            answer = await self._ask(RecordsRead.model_validate({"from": start, "off": len(begun)}))
            for record in answer.records:
                if record.n < start:
                    raise self._refused(f"records: number {record.n} where {start} or a later one belongs")
                if record.len is not None and (record.off != len(begun) or not record.d):
                    raise self._refused(f"records: a piece of {record.n} that does not follow")
                begun += record.d
                if not 0 < max(len(begun), record.len or 0) <= ENTRY_MAX:
                    raise self._refused(f"records: {record.n} has no bytes, or more than {ENTRY_MAX}")
                if len(begun) < (record.len or 0):
                    continue
                yield Record(n=record.n, d=begun, h=record.h)
                start, begun = record.n + 1, b""
            if not answer.records:
                return

    async def lost(self, start: int = 0) -> list[Lost]:
        """Ranges of numbers from `start` on that the device cannot hand out any more; at most the first few. Each
        number is in one of them: a range before a record that an answer had no room for is in the next answer too."""
        found: list[Lost] = []
        known = start - 1
        while True:
            answer = await self._ask(RecordsRead.model_validate({"from": start}))
            for one in answer.lost:
                if one.end > known:
                    found.append(one.model_copy(update={"start": max(one.start, known + 1)}))
                    known = one.end
            if not answer.records:
                return found
            if answer.records[-1].n < start:
                raise self._refused(f"records: number {answer.records[-1].n} where {start} or a later one belongs")
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

    async def upload(self, image: bytes) -> None:
        """Uploads an image into the slot that does not run; `try_image` says that it is to be started."""
        if self._signer:
            await self._open_mine(self._signer)
        try:
            async for _ in self._client.upload(image, slot=_NOT_YET):
                pass
        except SMPUploadError as error:
            said = error.args[0] if error.args else error
            raise self._refused(said if isinstance(said, str) else _reason(said)) from error
        except _FAILED as error:
            raise self._failed(error) from error

    async def update(self, image: bytes) -> None:
        """Uploads an image into the slot that does not run and marks it to be tried at the next start."""
        await self.upload(image)
        states = (await self._ask(ImageStatesRead())).images
        waiting = next((state for state in states if not state.active), None)
        if waiting is None or waiting.hash is None:
            raise self._refused("the image is not there after the upload")
        await self.try_image(bytes(waiting.hash))

    async def try_image(self, digest: bytes) -> None:
        """The image of that digest is tried at the next start."""
        await self._ask(ImageStatesWrite(hash=digest))

    async def images(self) -> list[ImageState]:
        """What lies in the slots."""
        return (await self._ask(ImageStatesRead())).images

    async def confirm(self) -> None:
        """The running image is good: it stays."""
        await self._ask(ImageStatesWrite(confirm=True))

    async def reset(self) -> None:
        """Starts the device anew."""
        await self._ask(ResetWrite())
        self._is_mine = False

    async def _open_mine(self, signer: Signer) -> None:
        await self.open_session(signer)
        self._is_mine = True

    async def _ask(self, request: SMPRequest[TRep, TEr1, TEr2]) -> TRep:
        answer = await self._answer(request)
        if self._signer and getattr(answer, "rc", None) == MGMT_ERR.EACCESSDENIED:
            await self._open_mine(self._signer)
            answer = await self._answer(request)
        return self._good(answer)

    async def _said(self, request: SMPRequest[TRep, TEr1, TEr2]) -> TRep:
        return self._good(await self._answer(request))

    async def _answer(self, request: SMPRequest[TRep, TEr1, TEr2]) -> TRep | TEr1 | TEr2:
        try:
            return await self._client.request(request)
        except _FAILED as error:
            raise self._failed(error) from error

    def _good(self, answer: TRep | TEr1 | TEr2) -> TRep:
        if success(answer):
            return answer
        raise self._refused(_reason(answer))

    def _unopened(self) -> StationError:
        return StationError(
            self._port,
            Text("this port cannot be opened", "无法打开该串口"),
            Text(
                "Check its name and cable, that you may open it and that no other program has it",
                "请检查名称与连线、打开权限，以及是否被其他程序占用",
            ),
        )

    def _failed(self, error: Exception) -> StationError:
        """What the libraries raised, without their words: those are whole requests and frames."""
        problem = Text("the line broke off", "连接已中断")
        if isinstance(error, TimeoutError):
            problem = Text("the device does not answer", "设备没有应答")
        elif isinstance(error, _NOT_SMP):
            problem = Text("what came is no answer of SMP", "收到的不是 SMP 应答")
        remedy = Text(
            "Check the cable, that the device runs and that this is its second UART",
            "请检查连线、设备是否运行，以及是否接在其第二路 UART",
        )
        return StationError(self._port, problem, remedy)

    def _refused(self, what: str) -> StationError:
        remedy = Text("Its status line (third UART) says why", "原因见状态口（第三路 UART）")
        if what in _NOT_LET_IN:
            remedy = Text(
                "Sign a session with a key that the device's settings name: yima station --key FILE",
                "请用设备设置中登记的密钥签署会话：yima station --key FILE",
            )
        return StationError(
            self._port, Text(f"the device refused or did not answer: {what}", f"设备拒绝或没有应答：{what}"), remedy
        )


def _reason(answer: object) -> str:
    """The code's name of an answer that is an error, in either version of SMP."""
    code = getattr(getattr(answer, "err", answer), "rc", None)
    return code.name if isinstance(code, IntEnum) else str(answer)
