"""The typed Python face of the core: Validator, Verdict, Reason.

Rules it keeps:
- The core judges; nothing here decides anything about a code.
- `Reason` is made from the core's own table, so there is no second list to keep.
- Values are frozen; a Verdict may be kept, compared and logged (accounts come out masked, the code stays out of repr).
- A Validator is used by one thread at a time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import EnumMeta, IntEnum, StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from validator import _core
from validator.parameters import MODE_NUMBERS, Mode, Parameters
from validator.texts import Text

__all__ = [
    "GateContext",
    "Mode",
    "Moment",
    "Reason",
    "Stage",
    "StageResult",
    "Validator",
    "Verdict",
    "masked",
]

_OFFSETS = {name: (offset, offset + size) for name, _, offset, size, _ in _core.CODE_LAYOUT}
_CARD_ACCOUNT = slice(*_OFFSETS["CARD_ACCOUNT"])
_ORGANISATION = slice(*_OFFSETS["ORGANISATION"])


class Stage(IntEnum):
    """The order of judging."""

    FORMAT = 0
    CERTIFICATE = 1
    ISSUER_SIGNATURE = 2
    RIDER_SIGNATURE = 3
    TIME = 4
    PERMISSION = 5
    REPETITION = 6


class StageResult(StrEnum):
    """How one stage ended."""

    NOT_REACHED = "not reached"
    PASSED = "passed"
    FAILED = "failed"


class _ReasonType(EnumMeta):
    if TYPE_CHECKING:
        # Members come from the core's table at import, so a checker cannot know their names.
        def __getattr__(cls, name: str) -> "Reason": ...


class Reason(IntEnum, metaclass=_ReasonType):
    """Why a code was accepted or refused: `Reason.ACCEPTED`, `Reason.CAP_ZERO`, ... see core/reasons.def."""

    vars().update({name: number for number, name, *_ in _core.REASONS})

    @property
    def case(self) -> int | None:
        """The test lab's case number, which terminals show; None where the lab has none."""
        return _ROWS[self][2] or None

    @property
    def stage(self) -> Stage | None:
        """The stage that gives it; None for a reason of the device's own."""
        stage = _ROWS[self][3]
        return Stage(stage) if stage < len(Stage) else None

    @property
    def english(self) -> str:
        """What it says, in English."""
        return _ROWS[self][4]

    @property
    def chinese(self) -> str:
        """What it says, in Chinese."""
        return _ROWS[self][5]

    @property
    def text(self) -> Text:
        """What it says, in both languages."""
        return Text(self.english, self.chinese)


_ROWS = {row[0]: row for row in _core.REASONS}
_REASONS = {int(reason): reason for reason in Reason}
_RESULTS = tuple(StageResult)
_STAGES: dict[bytes, Mapping[Stage, StageResult]] = {}


def _stages(results: bytes) -> Mapping[Stage, StageResult]:
    """The mapping for one pattern of results; there are fewer than twenty, so each is made once."""
    stages = _STAGES.get(results)
    if stages is None:
        stages = MappingProxyType({stage: _RESULTS[result] for stage, result in zip(Stage, results, strict=True)})
        _STAGES[results] = stages
    return stages


def masked(account: str) -> str:
    """An account fit for displays and logs: first and last four characters, the rest `*`."""
    account = account.strip()
    return account[:4] + "*" * (len(account) - 8) + account[-4:] if len(account) > 8 else "*" * len(account)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The moment of a presentation.

    unix_s: wall clock, unix seconds UTC. tick_ms: milliseconds of any monotonic clock, used for debounce only.
    trusted: whether the device knows the time; if not, a good code is refused with TIME_UNTRUSTED.
    """

    unix_s: int
    tick_ms: int
    trusted: bool = True

    @classmethod
    def at(cls, unix_s: int) -> "Moment":
        """A trusted moment whose tick is the wall clock's."""
        return cls(unix_s=unix_s, tick_ms=unix_s * 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateContext:
    """Where the gate stands. city: administrative division code, 320500 is Suzhou; 0: not told."""

    mode: Mode
    city: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer to one presentation.

    family: what kind of code it was. fare_fen: what the ride costs in fen, 0 when refused. again: the same presentation
    as a moment ago: show the answer again, record nothing. digest: names the code's content, however often it is signed
    anew; None until the rider's signature verified.
    """

    accepted: bool
    reason: Reason
    family: str
    stages: Mapping[Stage, StageResult]
    fare_fen: int
    again: bool
    digest: bytes | None
    code: bytes = field(repr=False)

    @property
    def case(self) -> int | None:
        """The test lab's case number of the reason."""
        return self.reason.case

    @property
    def account_masked(self) -> str:
        """The card account, first and last four digits; empty if the format is wrong. Unverified before that stage."""
        if self.stages[Stage.FORMAT] is not StageResult.PASSED:
            return ""
        return masked(self.code[_CARD_ACCOUNT].hex().rstrip("f"))

    @property
    def organisation(self) -> str | None:
        """Field 6, 8 digits; None if the format is wrong. Means something once the certificate stage has passed."""
        if self.stages[Stage.FORMAT] is not StageResult.PASSED:
            return None
        return self.code[_ORGANISATION].hex()


class Validator:
    """One gate's judge with its short memory."""

    def __init__(
        self,
        parameters: Parameters,
        gate: GateContext,
        *,
        replay_capacity: int = 4096,
        table_bytes: int = 1 << 20,
        kernel: str | None = None,
    ) -> None:
        """Prepares a judge. Changing parameters means making another and calling `remember`.

        replay_capacity: accepted codes remembered, rounded up to a multiple of 8. table_bytes: memory for precomputed
        tables of issuers that are seen often. kernel: SM2 arithmetic by name, for tests; default the machine's best.
        """
        self._core = _core.Validator(
            parameters.image, MODE_NUMBERS[gate.mode], gate.city, replay_capacity, table_bytes, kernel
        )
        self._judge = self._core.judge

    def judge(self, code: bytes, now: Moment | int) -> Verdict:
        """Judges one payload of any length; every sequence of bytes has a verdict.

        now: a Moment, or trusted unix seconds.
        """
        if isinstance(now, Moment):
            answer = self._judge(code, now.unix_s, now.tick_ms, now.trusted)
        else:
            answer = self._judge(code, now, now * 1000, True)
        reason, accepted, family, again, stages, fare_fen, digest = answer
        return Verdict(
            accepted=accepted,
            reason=_REASONS[reason],
            family=_core.FAMILIES[family],
            stages=_STAGES.get(stages) or _stages(stages),
            fare_fen=fare_fen,
            again=again,
            digest=digest,
            code=code,
        )

    def retract(self, verdict: Verdict) -> None:
        """Takes back what an accepted verdict left in the memory: its record could not be made durable."""
        if verdict.accepted and not verdict.again and verdict.digest is not None:
            self._core.retract(verdict.digest)

    def remember(self, code: bytes, accepted_at: int, now: int) -> bool:
        """After a restart: puts an accepted code from the journal into the memory again, unverified.

        Returns False if the bytes are no ministry code, or can matter no more at `now` (unix seconds).
        """
        return self._core.remember(code, accepted_at, now)

    def idle(self) -> bool:
        """For idle time: does at most one piece of useful work of about a millisecond; True if it did."""
        return self._core.idle()

    @property
    def evicted_live(self) -> int:
        """Accepted codes forgotten while still valid: not 0 means replay_capacity is too small."""
        return self._core.evicted_live
