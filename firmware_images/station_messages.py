"""The messages of SMP group 64, ours, as classes for `SMPClient.request`: app/smp_yima.c describes them."""

from enum import IntEnum

from pydantic import BaseModel, ConfigDict, Field
from smp import error, message

GROUP = 64


class Refusal(IntEnum):
    """Why group 64 refused; the status line says more."""

    OK = 0
    REFUSED = 1
    NO_CLOCK = 2
    NO_RECORD = 3
    OTHER_RECORD = 4
    FLASH = 5
    NO_KEY = 6
    OLD_CHALLENGE = 7
    SIGNATURE = 8


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

    parameters, waiting: versions in force and waiting for its time, waits, unix seconds; 0: none.
    unix: its clock; trusted: whether it believes it. next: number of the next record; ack: the last acknowledged; lost:
    how many behind it cannot be read any more. room: blocks of the log that can still be opened. slot: that runs, 0 or
    1. serving: whether taps can be accepted. session: the role of the one that is open, 0: none. refused: commands and
    sessions since the start. faults: since power came; fault: the newest.
    """

    _GROUP_ID = GROUP
    _COMMAND_ID = 0
    product: str
    software: str
    terminal: str
    environment: str
    parameters: int
    waiting: int = 0
    waits: int = 0
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
    session: int
    refused: int
    faults: int
    fault: DeviceFault | None = None


class StateRead(message.ReadRequest, _Group):
    """Asks for State."""

    _GROUP_ID = GROUP
    _COMMAND_ID = 0
    _Response = State


class ParametersTaken(message.WriteResponse):
    """So many bytes are there. With the last: active, the version in force; waiting, the one that waits, 0: none."""

    _GROUP_ID = GROUP
    _COMMAND_ID = 1
    off: int
    active: int | None = None
    waiting: int = 0


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


class Placed(message.WriteResponse):
    """Where the bus is from now on; direction: 0 none, 1 entry, 2 exit."""

    _GROUP_ID = GROUP
    _COMMAND_ID = 5
    line: int
    stop: int
    direction: int


class PlaceWrite(message.WriteRequest, _Group):
    """Where the bus is: numbers of the fare tables, 0: at none; what is left out stays."""

    _GROUP_ID = GROUP
    _COMMAND_ID = 5
    _Response = Placed
    line: int | None = None
    stop: int | None = None
    direction: int | None = None


class Challenge(message.ReadResponse):
    """To be signed, with the terminal's id and environment (1 production, 2 test)."""

    _GROUP_ID = GROUP
    _COMMAND_ID = 4
    challenge: bytes
    terminal: str
    environment: int


class ChallengeRead(message.ReadRequest, _Group):
    """Asks for a challenge; the one before it is void."""

    _GROUP_ID = GROUP
    _COMMAND_ID = 4
    _Response = Challenge


class Session(message.WriteResponse):
    """The session that is open now; role and minutes 0: none."""

    _GROUP_ID = GROUP
    _COMMAND_ID = 4
    role: int
    minutes: int


class SessionWrite(message.WriteRequest, _Group):
    """The answer to a challenge; minutes 0, and nothing else: the session ends."""

    _GROUP_ID = GROUP
    _COMMAND_ID = 4
    _Response = Session
    minutes: int
    role: int | None = None
    challenge: bytes | None = None
    signature: bytes | None = None
