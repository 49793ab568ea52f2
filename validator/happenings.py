"""What a device tells: each presentation as it went, and what happens besides."""

from dataclasses import dataclass
from enum import StrEnum

from yima.validator.errors import YimaError
from yima.validator.judging import GateContext, Moment, Reason, Verdict
from yima.validator.judging.loop import GateAnswer
from yima.validator.packages import Label
from yima.validator.ports import JournalKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Tap:
    """One presentation, as it went.

    key: its entry's name, None if none was written. gate: what it did, None where it was not told to open. read_ms:
    first to last byte; judge_us, journal_ms, gate_ms: the steps; total_ms: last byte to the gate's command being out.
    faults: what the reader mended. trouble: why the record or the gate failed, if one did. asked_ms: how long the
    code's issuer was waited for.
    """

    key: JournalKey | None
    at: int
    time_trusted: bool
    verdict: Verdict
    gate: GateAnswer | None
    read_ms: float
    judge_us: float
    journal_ms: float
    gate_ms: float
    total_ms: float
    payload_length: int
    faults: tuple[str, ...] = ()
    trouble: YimaError | None = None
    asked_ms: float = 0.0


class Happening(StrEnum):
    """What a device tells besides taps."""

    READER_LOST = "reader_lost"
    READER_BACK = "reader_back"
    READER_SILENT = "reader_silent"
    JOURNAL_TROUBLE = "journal_trouble"
    JOURNAL_BACK = "journal_back"
    JOURNAL_ROOM_TROUBLE = "journal_room_trouble"
    JOURNAL_ROOM_BACK = "journal_room_back"
    OLDER_JOURNAL_SENT = "older_journal_sent"
    GATE_TROUBLE = "gate_trouble"
    REVERSED = "reversed"
    PASSAGE = "passage"
    CLOCK = "clock"
    SERVICE = "service"
    UPLOAD_TROUBLE = "upload_trouble"
    UPLOAD_BACK = "upload_back"
    ACKNOWLEDGED = "acknowledged"
    QUARANTINED = "quarantined"
    PARAMETERS_CHANGED = "parameters_changed"
    PARAMETERS_UNCHANGED = "parameters_unchanged"
    PARAMETERS_TROUBLE = "parameters_trouble"
    DENY_LIST_CHANGED = "deny_list_changed"
    DENY_LIST_UNCHANGED = "deny_list_unchanged"
    DENY_LIST_TROUBLE = "deny_list_trouble"
    RESOLVER_TROUBLE = "resolver_trouble"
    USES_TROUBLE = "uses_trouble"
    USES_BACK = "uses_back"
    CLOCK_TROUBLE = "clock_trouble"
    PLACE = "place"
    PLACE_UNKNOWN = "place_unknown"
    PLACE_TROUBLE = "place_trouble"
    PLACE_BACK = "place_back"
    METRICS_TROUBLE = "metrics_trouble"
    CONSOLE_TROUBLE = "console_trouble"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something happened. error: the trouble; through: the cursor after an answer; rejected: {sequence: why}.

    version: of the parameters or the deny-list now in force; waiting: parameters that wait for their time.
    reason: why nobody rides, with SERVICE; None: in service.
    moment: with CLOCK, what the clock shows and whether it is believed; expected: what it should show, unix seconds.
    place: with PLACE, where the bus is from now on; with PLACE_UNKNOWN, where no fare is known.
    tap: with REVERSED and PASSAGE, the tap's sequence; gate: what the gate did.
    """

    happening: Happening
    error: YimaError | None = None
    through: int | None = None
    rejected: dict[int, str] | None = None
    version: int | None = None
    waiting: tuple[Label, ...] = ()
    reason: Reason | None = None
    moment: Moment | None = None
    expected: int | None = None
    tap: int | None = None
    gate: GateAnswer | None = None
    place: GateContext | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A run, at its end. taps: presentations; recorded: entries made of them; reversed: rides that the gate did not
    open for; acknowledged: the cursor; pending: entries beyond it."""

    taps: int
    recorded: int
    reversed: int
    acknowledged: int
    pending: int
