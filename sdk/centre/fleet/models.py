"""What the collector's interface takes and answers. Times are unix seconds, sums fen, bytes hex or base64."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from yima.sdk.centre.fleet.cases import Decision, Kind
from yima.sdk.centre.fleet.devices import State, Verb
from yima.sdk.centre.fleet.versions import Duty

Name = Annotated[str, Field(pattern="^[A-Za-z0-9._-]{1,64}$", description="a device's name")]
PublicKey = Annotated[str, Field(pattern="^[0-9a-fA-F]{64}$", description="Ed25519, 64 hex digits")]
Why = Annotated[str, Field(min_length=1, max_length=400, description="the reason; it is kept")]


class Answer(BaseModel):
    """Rows of the tables."""

    model_config = ConfigDict(extra="ignore", from_attributes=True)


class Said(BaseModel):
    """What a caller says."""

    model_config = ConfigDict(extra="forbid")


class Enrol(Said):
    """A device that may send."""

    device: Name
    key: PublicKey
    why: Annotated[str, Field(max_length=400)] = ""


class Rotate(Said):
    """Another key for it."""

    key: PublicKey
    why: Annotated[str, Field(max_length=400)] = ""


class Ended(Said):
    """Why it is revoked or released."""

    why: Why


class Settle(Said):
    """What is decided about a case."""

    decision: Decision = Field(description="PAY or WITHHOLD")
    why: Why


class DeviceRow(Answer):
    """A name that is taken."""

    device: str
    key: str
    state: State
    since: int
    heard_at: int = Field(default=0, description="when its newest batch came; 0: none did")


class Devices(Answer):
    """Names, in their order."""

    items: list[DeviceRow]


class LogRow(Answer):
    """Something that was done to a name."""

    number: int
    at: int
    device: str
    verb: Verb
    key: str
    who: str
    why: str


class Log(Answer):
    """Oldest first."""

    items: list[LogRow]


class CaseRow(Answer):
    """A record that somebody has to decide about."""

    number: int
    kind: Kind
    why: str
    device: str
    epoch: int
    sequence: int
    hash: str
    other: str = Field(description="the tap that stands against it; empty: none")
    at: int
    fare_fen: int
    opened: int
    decision: Decision


class CasesPage(Answer):
    """Cases in the order in which they were opened."""

    items: list[CaseRow]


class DecidedRow(Answer):
    """A decision about a case."""

    number: int
    at: int
    who: str
    decision: Decision
    why: str


class CaseWhole(CaseRow):
    """A case with its record and all that was decided about it."""

    record: dict[str, Any] = Field(description="as docs/facts.md names them, the account masked")
    decisions: list[DecidedRow]


class RunningRow(Answer):
    """A device and the newest version that it was seen with."""

    device: str
    version: int
    since: int
    seen: int


class Versions(Answer):
    """By device."""

    items: list[RunningRow]


class ProofRow(Answer):
    """Whether a device had a version in time."""

    device: str
    duty: Duty
    since: int
    days: int


class Proofs(Answer):
    """By device, every enrolled one."""

    items: list[ProofRow]


class RecordRow(Answer):
    """A record as it came."""

    device: str
    epoch: int
    sequence: int
    received: int
    form: int
    content: str = Field(description="base64: facts and body; of form 1 the trip record")
    previous: str
    hash: str
    rejected: str | None
    conflict: bool


class Records(Answer):
    """Records in the order in which they were stored. next: where to go on; more: at once."""

    items: list[RecordRow]
    next: str
    more: bool
