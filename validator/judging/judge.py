"""The typed Python face of the core: Validator, Verdict, Reason.

Rules it keeps:
- The core judges; nothing here decides anything about a code.
- `Reason` is made from the core's own table, so there is no second list to keep.
- Values are frozen; a Verdict may be kept, compared and logged (accounts come out masked, the code stays out of repr).
- A Validator is used by one thread at a time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import EnumMeta, IntEnum, StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from yima.validator import _core
from yima.validator.errors import ParametersError
from yima.validator.judging.applied import FUNDERS, AppliedRule, RuleKind
from yima.validator.judging.family_fields import LAB_FAMILIES, card_account, organisation
from yima.validator.judging.place import Direction, GateContext, Moment
from yima.validator.parameters.dearest import dearest_ride_fen
from yima.validator.parameters.family_rules import read as read_family_rules
from yima.validator.parameters.image import MODE_NUMBERS
from yima.validator.parameters.loading import Parameters
from yima.validator.parameters.rules import Mode
from yima.validator.texts import Text

if TYPE_CHECKING:
    from yima.validator.deny.denylist import DenyList

__all__ = [
    "Direction",
    "GateContext",
    "Mode",
    "Moment",
    "Reason",
    "Stage",
    "StageResult",
    "Transaction",
    "Validator",
    "Verdict",
    "Vouched",
    "masked",
]


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


class Transaction(IntEnum):
    """What an accepted tap was, as metro uploads number it; NONE at a gate without direction, and when refused."""

    NONE = 0
    ENTRY = 1
    EXIT = 2
    OVER_TIME_EXIT = 3


class Vouched(IntEnum):
    """Who stands behind an accepted code. NOBODY: its issuer could not be reached, it was accepted at risk."""

    HERE = 0
    ISSUER = 1
    NOBODY = 2


DIRECTIONS = {Direction.NONE: 0, Direction.ENTRY: 1, Direction.EXIT: 2}
_TRANSACTIONS = tuple(Transaction)
_VOUCHED = tuple(Vouched)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer to one presentation.

    family: what kind of code it was. fare_fen: what the ride costs in fen, 0 when refused. again: the same presentation
    as a moment ago: show the answer again, record nothing; was_accepted then tells what it was, and accepted is False,
    so that nothing opens twice. digest: names the code's content, however often it is signed
    anew; None until the rider's signature verified. gross_fen: the fare before reductions and surcharges. rules: what
    set the fare, in order; their effects sum to it.

    What the code says, believed once its signatures are: account, 10 bytes, and account_type, once the format passed;
    good_until: the last unix second at which it can be accepted; issuer_city, by the whitelist; entry_at (unix s),
    entry_station, entry_line: by the issuer's own data, at an exit. 0 and None: not told. raw: the core's own value.
    """

    accepted: bool
    reason: Reason
    family: str
    stages: Mapping[Stage, StageResult]
    fare_fen: int
    again: bool
    digest: bytes | None
    code: bytes = field(repr=False)
    transaction: Transaction = Transaction.NONE
    vouched: Vouched = Vouched.HERE
    gross_fen: int = 0
    rules: tuple[AppliedRule, ...] = ()
    account: bytes | None = field(default=None, repr=False)
    account_type: int = 0
    issuer_city: int = 0
    good_until: int = 0
    entry_at: int = 0
    entry_station: int = 0
    entry_line: int = 0
    was_accepted: bool = False
    raw: bytes = field(default=b"", repr=False, compare=False)

    def refused(self, reason: Reason) -> "Verdict":
        """The same presentation, turned away by the device for a reason of its own."""
        return replace(
            self, accepted=False, reason=reason, fare_fen=0, gross_fen=0, rules=(),
            transaction=Transaction.NONE, vouched=Vouched.HERE,
        )  # fmt: skip

    @property
    def rule(self) -> str:
        """The names of the rules that set the fare, joined by `+`; ASCII."""
        return "+".join(rule.name for rule in self.rules if rule.name)

    @property
    def case(self) -> int | None:
        """The test lab's case number of the reason; None for families that the lab does not test."""
        return self.reason.case if self.family in LAB_FAMILIES else None

    @property
    def account_masked(self) -> str:
        """The card account, first and last four digits; empty if the format is wrong. Unverified before that stage."""
        if self.stages[Stage.FORMAT] is not StageResult.PASSED:
            return ""
        return masked(card_account(self.family, self.code))

    @property
    def organisation(self) -> str | None:
        """Field 6, 8 digits; None where there is none. Means something once the certificate stage has passed."""
        if self.stages[Stage.FORMAT] is not StageResult.PASSED:
            return None
        return organisation(self.family, self.code)


def _rule(row: tuple[int, int, int, int, int, str]) -> AppliedRule:
    number, kind, fen, funder, funder_id, name = row
    return AppliedRule(
        number=number, kind=RuleKind(kind), fen=fen, funder=FUNDERS[funder], funder_id=funder_id, name=name
    )


def verdict_of(code: bytes, answer: "_core.VerdictTuple") -> Verdict:
    """The core's answer to a code as a value."""
    (
        reason, accepted, family, again, stages, fare_fen, digest, transaction, vouched, gross_fen, rules, account,
        account_type, issuer_city, good_until, entry_at, entry_station, entry_line, was_accepted, raw,
    ) = answer  # fmt: skip
    return Verdict(
        accepted=accepted,
        reason=_REASONS[reason],
        family=_core.FAMILIES[family],
        stages=_STAGES.get(stages) or _stages(stages),
        fare_fen=fare_fen,
        again=again,
        digest=digest,
        code=code,
        transaction=_TRANSACTIONS[transaction],
        vouched=_VOUCHED[vouched],
        gross_fen=gross_fen,
        rules=tuple(map(_rule, rules)),
        account=account,
        account_type=account_type,
        issuer_city=issuer_city,
        good_until=good_until,
        entry_at=entry_at,
        entry_station=entry_station,
        entry_line=entry_line,
        was_accepted=was_accepted,
        raw=raw,
    )


class Memory(NamedTuple):
    """The memory of used codes.

    used: codes in it. most: that it can hold. refused: good codes turned away because it was full of such that could
    still be shown. lost_until: a refill was larger than the memory; until this unix second nobody rides.
    """

    used: int
    most: int
    refused: int
    lost_until: int


class Validator:
    """One gate's judge with its short memory.

    families: what its parameters say of other codes. offline_max_s: for how long the device may be without its
    collector, 0: any time; for the device to keep. dearest_ride_fen: what a ride may come to where nothing is charged
    at the entry; 0 where no ride is taken at risk.
    """

    def __init__(
        self,
        parameters: Parameters,
        gate: GateContext,
        *,
        memory_entries: int = 0,
        table_bytes: int = 1 << 20,
        kernel: str | None = None,
        deny: "DenyList | None" = None,
    ) -> None:
        """Prepares a judge.

        memory_entries: used codes remembered; 0: as many as the parameters need, fewer raise ValueError. table_bytes:
        memory for precomputed tables of issuers that are seen often. kernel: SM2 arithmetic by name, for tests; the
        machine's best otherwise. deny: see set_deny.
        """
        self.core = _core.Validator(
            parameters.image, MODE_NUMBERS[gate.mode], gate.city, memory_entries, table_bytes, kernel,
            gate.line, gate.station, DIRECTIONS[gate.direction], gate.operator,
        )  # fmt: skip
        self._judge = self.core.judge
        self.gate = gate
        self._take(parameters)
        self.set_deny(deny)

    def judge(self, code: bytes, now: Moment | int) -> Verdict:
        """Judges one payload of any length; every sequence of bytes has a verdict.

        now: a Moment, or trusted unix seconds.
        """
        if isinstance(now, Moment):
            answer = self._judge(code, now.unix_s, now.tick_ms, now.trusted)
        else:
            answer = self._judge(code, now, now * 1000, True)
        return verdict_of(code, answer)

    def settle(self, verdict: Verdict, now: Moment, reason: Reason, vouched: Vouched = Vouched.HERE) -> Verdict:
        """Completes a verdict with the reason NEEDS_RESOLVER: ACCEPTED and who vouched, or why it is refused.

        What comes back is the answer of this presentation from now on; an accepted code shown again is a repeat. Raises
        ValueError for a verdict that is not the last one of `judge` with that reason.
        """
        answer = self.core.settle(
            verdict.code, verdict.digest or b"", now.unix_s, now.tick_ms, now.trusted, reason, vouched
        )
        return verdict_of(verdict.code, answer)

    def facts(self, verdict: Verdict, now: Moment, run: int) -> bytes:
        """The facts of a tap that this validator judged, as an entry begins with them (yima.validator.journal.facts).

        verdict: as it was in the end. run: how often the device has started. Raises ValueError for a verdict that no
        core gave.
        """
        return self.core.facts(verdict.raw, verdict.reason, now.unix_s, now.tick_ms, now.trusted, run)

    def refusal(self, verdict: Verdict, now: Moment, run: int) -> bytes:
        """The whole entry of a refused tap: its facts, and what is kept of the payload. Otherwise as `facts`."""
        return self.core.facts(verdict.raw, verdict.reason, now.unix_s, now.tick_ms, now.trusted, run, verdict.code)

    def retract(self, verdict: Verdict) -> None:
        """Takes back what an accepted verdict left in the memory: its record could not be made durable."""
        if verdict.accepted and not verdict.again and verdict.digest is not None:
            self.core.retract(verdict.digest)

    def use(self, parameters: Parameters) -> None:
        """Goes over to other parameters from the next code on; what was used stays used."""
        self.core.use(parameters.image)
        self._take(parameters)

    def _take(self, parameters: Parameters) -> None:
        self.families = read_family_rules(parameters.image)
        self.offline_max_s = parameters.limits.offline_max_s
        takes_risks = any(row.at_risk_rides for row in self.families.resolved)
        self.dearest_ride_fen = dearest_ride_fen(parameters.image, self.gate.mode) if takes_risks else 0
        self._environment = parameters.environment

    def remember(self, entry: bytes) -> bool:
        """After a restart, entry by entry in the order of the journal: an accepted tap is used, a reversal undoes it.

        Returns whether the entry was one of these. Nothing is verified, and no clock is asked.
        """
        return self.core.remember(entry)

    def remember_code(self, code: bytes, accepted_at: int) -> bool:
        """The same for a code of a record without facts. Returns False if the bytes are no code that is judged here."""
        return self.core.remember_code(code, accepted_at)

    def set_deny(self, deny: "DenyList | None") -> None:
        """Denies the accounts of this list, beside the parameters' own, from the next code on; None: no such list.

        Raises ParametersError for a list of the other environment (test, production).
        """
        if deny is not None and deny.environment != self._environment:
            raise ParametersError(
                "deny-list",
                Text(
                    f"is of environment {deny.environment}, the parameters are of {self._environment}",
                    f"名单环境为 {deny.environment}，参数环境为 {self._environment}",
                ),
                Text("Never mix test and production", "测试与生产不可混用"),
            )
        self.core.set_deny(None if deny is None else deny.core)

    def idle(self) -> bool:
        """For idle time: does at most one piece of useful work of about a millisecond; True if it did."""
        return self.core.idle()

    @property
    def memory(self) -> Memory:
        """How full the memory of used codes is."""
        return Memory(*self.core.memory)
