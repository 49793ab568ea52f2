"""The device: the loop of a tap, from the reader's bytes to the gate, and everything that must hold around it.

Rules it keeps:

- Durable before open: the gate is told to open only after `journal.append` has returned. Refused taps are recorded too.
- If the journal cannot record, the verdict is taken back and the gate refuses (CANNOT_RECORD); the next tap tries anew.
- The same presentation again (`verdict.again`) shows the answer again: nothing is recorded, nothing moves.
- A tap is judged as of the moment its last byte came, however long the device was busy.
- A code that only its issuer can verify is asked about before the record is made, for no longer than its deadline.
- A reader that is gone, a gate that does not listen, a collector that is away: told, tried again; the device lives on.
- Whatever a port raises or answers is its trouble, told, and never the end of the loop (guarding.guards); a thread that
  dies is told and begun again.
- After a restart, and when parameters change, the memory of used codes is filled again from the journal.
"""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from yima.validator.errors import GateError, JournalError, ReaderError, YimaError
from yima.validator.guarding import guards
from yima.validator.guarding.watched import ThreadState
from yima.validator.journal.caring import Caretaker
from yima.validator.journal.kept import kept_tap
from yima.validator.journal.offline import offline_refusal
from yima.validator.journal.older import OlderEntry
from yima.validator.judging import Moment, Reason, Validator, Verdict
from yima.validator.judging.record import Terminal, tap_entry
from yima.validator.ports import Clock, Gate, Journal, JournalKey, Reader, Reading, Uplink
from yima.validator.resolvers.resolving import RISK_WINDOW_S, Resolving
from yima.validator.uplink.sender import BatchPolicy, Sender

POLL_S = 0.2  # how long one wait for a payload lasts, and so how soon a stop is noticed
REOPEN_S = 3.0  # between two attempts to open a reader that is gone
LAST_UPLOAD_S = 2.0  # what a stop allows for the last batches
REFILL_S = 3600  # by how much a clock may be wrong before codes that are over matter; the core drops what is over
DEBOUNCE_MS = 2000  # a good code turned away for the device's sake and seen again within it is the same presentation
LATE_MAX_NS = 60_000_000_000  # a reading older than this has a wrong time, not a long wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Tap:
    """One presentation, as it went.

    key: its record's name, None if none was written. read_ms: first to last byte; judge_us, journal_ms, gate_ms: the
    steps; total_ms: last byte to the gate's command being out. faults: what the reader mended. trouble: why the record
    or the gate failed, if one did. asked_ms: how long the code's issuer was waited for.
    """

    key: JournalKey | None
    at: int
    time_trusted: bool
    verdict: Verdict
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
    JOURNAL_TROUBLE = "journal_trouble"
    JOURNAL_BACK = "journal_back"
    JOURNAL_ROOM_TROUBLE = "journal_room_trouble"
    JOURNAL_ROOM_BACK = "journal_room_back"
    OLDER_JOURNAL_SENT = "older_journal_sent"
    GATE_TROUBLE = "gate_trouble"
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
    CLOCK_TROUBLE = "clock_trouble"
    METRICS_TROUBLE = "metrics_trouble"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something happened. error: the trouble; through: the cursor after an answer; rejected: {sequence: why}.

    version: of the parameters or the deny-list now in force.
    """

    happening: Happening
    error: YimaError | None = None
    through: int | None = None
    rejected: dict[int, str] | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A run, at its end. taps: presentations; recorded: records made; acknowledged: the cursor; pending: beyond it."""

    taps: int
    recorded: int
    acknowledged: int
    pending: int


class Upkeep(Protocol):
    """What the judge needs between taps, so that it judges by what is in force. Neither call may take long."""

    def look(self, now: Moment) -> Validator | None:
        """A judge to go on with, if it is another one."""

    def refusal(self, now: Moment) -> Reason | None:
        """Why no one may ride now, whatever the code."""


class Device:
    """One validator at one gate. It owns what it is given and closes all of it when `run` ends.

    on_tap is called on the device's thread after the gate; on_notice on it or on the uplink's. reopen opens the reader
    anew when it is gone; without it `run` ends with the ReaderError. A reader that says of itself `exhausted` (files)
    ends the run as `stop` does. upkeep may hand over another judge between taps, and say why no one may ride now.
    resolving asks about codes that only their issuer can verify; without it they are refused. older: accepted taps of a
    journal of the older form, whose codes may still be shown.
    """

    def __init__(
        self,
        *,
        reader: Reader,
        validator: Validator,
        journal: Journal,
        gate: Gate,
        uplink: Uplink | None = None,
        clock: Clock,
        terminal: Terminal,
        on_tap: Callable[[Tap], None] | None = None,
        on_notice: Callable[[Notice], None] | None = None,
        reopen: Callable[[], Reader] | None = None,
        batches: BatchPolicy | None = None,
        upkeep: Upkeep | None = None,
        resolving: Resolving | None = None,
        older: Sequence[OlderEntry] = (),
    ) -> None:
        self._on_tap = guards.harmless(on_tap or (lambda tap: None))
        self._on_notice = guards.harmless(on_notice or (lambda notice: None))
        self._reader: Reader | None = guards.guarded_reader(reader)
        self._validator = validator
        self._journal = journal = guards.guarded_journal(journal)
        self._gate = guards.guarded_gate(gate)
        self._clock = clock = guards.GuardedClock(clock, lambda error: self._tell(Happening.CLOCK_TROUBLE, error))
        self._terminal = terminal
        self._reopen = reopen and guards.guarded_opening(reopen)
        self._upkeep = upkeep and guards.GuardedUpkeep(
            upkeep, lambda error: self._tell(Happening.PARAMETERS_TROUBLE, error)
        )
        self._next: Validator | None = None
        self._refill_told = ""
        self._resolving = resolving or Resolving({})
        self._older = older
        self._resolving.on_trouble = lambda error: self._tell(Happening.RESOLVER_TROUBLE, error)
        self._turned_away = (b"", 0)
        self._taps = 0
        self._recorded = 0
        self._journal_fails = False
        self._run_number = 0
        self._caretaker = Caretaker(
            journal.care,
            on_trouble=lambda error: self._tell(Happening.JOURNAL_ROOM_TROUBLE, error),
            on_recovered=lambda: self._tell(Happening.JOURNAL_ROOM_BACK),
        )
        self._sender = uplink and Sender(
            journal=journal,
            uplink=guards.guarded_uplink(uplink),
            policy=batches or BatchPolicy(),
            now=lambda: clock.now().unix_s,
            on_trouble=lambda error: self._tell(Happening.UPLOAD_TROUBLE, error),
            on_recovered=lambda: self._tell(Happening.UPLOAD_BACK),
            on_answer=self._answered,
        )

    @property
    def validator(self) -> Validator:
        """The judge that is in force."""
        return self._validator

    @property
    def threads(self) -> tuple[ThreadState, ...]:
        """How the threads stand that it looks after."""
        return (self._caretaker.thread, *((self._sender.thread,) if self._sender else ()))

    def refill(self, judge: Validator | None = None) -> int:
        """Puts accepted codes that could still be shown into the judge's memory of used codes (None: the one in force);
        returns how many still count. Raises JournalError."""
        judge = judge or self._validator
        now = self._newest_time()
        taps = [kept_tap(entry) for entry in self._older]
        taps += [kept_tap(entry) for entry in self._journal.used_codes(now - REFILL_S)]
        return sum(judge.remember(tap.code, tap.at, now) for tap in taps if tap and tap.code)

    def _newest_time(self) -> int:
        return max(self._clock.now().unix_s, self._journal.newest_trusted_at() or 0)

    def run(self, stop: threading.Event) -> Summary:
        """Takes taps until `stop` is set, then finishes: the tap in hand, a last upload, everything closed.

        Raises ReaderError if the reader is gone and cannot be opened again, JournalError if the journal cannot be read
        at the start.
        """
        with ExitStack() as at_end:
            at_end.callback(self._journal.close)
            at_end.callback(self._gate.close)
            at_end.callback(self._close_reader)
            at_end.callback(self._resolving.close)
            at_end.callback(self._caretaker.stop)
            if self._sender:
                at_end.callback(self._sender.stop, LAST_UPLOAD_S)
            self._caretaker.start()
            self._run_number = self._journal.run() + 1
            since = self._newest_time() - RISK_WINDOW_S
            self._resolving.refill(self._validator, lambda: (*self._older, *self._journal.used_codes(since)))
            self.refill()
            if self._sender:
                self._sender.start()
            while not stop.is_set() and not (self._reader is not None and self._reader.exhausted):
                self._keep_up()
                reading = self._read(stop)
                if reading is not None:
                    self._tap(reading)
                elif self._reader is not None:
                    self._validator.idle()
            self._close_reader()
            if self._sender:
                self._sender.stop(LAST_UPLOAD_S)
            acknowledged = self._journal.acknowledged()
            return Summary(
                taps=self._taps,
                recorded=self._recorded,
                acknowledged=acknowledged,
                pending=self._journal.last_sequence() - acknowledged,
            )

    def _read(self, stop: threading.Event) -> Reading | None:
        try:
            if self._reader is not None:
                return self._reader.read(POLL_S)
            if self._reopen is not None:
                self._reader = self._reopen()
                self._tell(Happening.READER_BACK)
        except ReaderError as error:
            if self._reopen is None:
                raise
            if self._reader is not None:
                self._tell(Happening.READER_LOST, error)
                self._close_reader()
            stop.wait(REOPEN_S)
        return None

    def _tap(self, reading: Reading) -> None:
        begun = time.monotonic_ns()
        moment = _as_of(self._clock.now(), begun - reading.last_ns)
        verdict = self._unless_out_of_service(self._validator.judge(reading.payload, moment), moment)
        judged = time.monotonic_ns()
        settled = self._resolving.settled(self._validator, verdict, moment)
        if settled is not verdict:  # while its issuer was asked, the device may have gone out of service
            verdict = self._unless_out_of_service(settled, moment)
        asked = time.monotonic_ns()
        key, trouble = None, None
        if not verdict.again:
            verdict, key, trouble = self._record(verdict, moment)
        recorded = time.monotonic_ns()
        try:
            if verdict.again:
                self._gate.show_again(verdict)
            elif verdict.accepted:
                self._gate.open(verdict)
            else:
                self._gate.refuse(verdict)
        except GateError as error:
            trouble = trouble or error
            self._tell(Happening.GATE_TROUBLE, error)
        done = time.monotonic_ns()
        if key and self._sender:
            self._sender.appended()
        self._taps += 1
        self._on_tap(
            Tap(
                key=key,
                at=moment.unix_s,
                time_trusted=moment.trusted,
                verdict=verdict,
                read_ms=(reading.last_ns - reading.first_ns) / 1e6,
                judge_us=(judged - begun) / 1e3,
                journal_ms=(recorded - asked) / 1e6,
                gate_ms=(done - recorded) / 1e6,
                total_ms=(done - reading.last_ns) / 1e6,
                payload_length=len(reading.payload),
                faults=reading.faults,
                trouble=trouble,
                asked_ms=(asked - judged) / 1e6,
            )
        )

    def _keep_up(self) -> None:
        """Goes on with another judge if there is one; what was used stays used."""
        self._caretaker.look()
        if self._sender:
            self._sender.look()
        self._next = (self._upkeep and self._upkeep.look(self._clock.now())) or self._next
        if self._next is None:
            return
        try:  # until its memory is filled, the one before goes on
            self.refill(self._next)
        except JournalError as error:
            if str(error) != self._refill_told:
                self._refill_told = str(error)
                self._tell(Happening.JOURNAL_TROUBLE, error)
        else:
            self._validator, self._next, self._refill_told = self._next, None, ""

    def _unless_out_of_service(self, verdict: Verdict, moment: Moment) -> Verdict:
        asks = verdict.reason is Reason.NEEDS_RESOLVER and not verdict.again
        reason = self._refusal(moment) if verdict.accepted or asks else None
        if reason is None:
            return verdict
        if asks:
            return self._validator.settle(verdict, moment, reason)
        # Taken back, it is not used up; so the core does not know it again while it stays in view.
        self._validator.retract(verdict)
        code, seen_ms = self._turned_away
        again = code == verdict.code and moment.tick_ms - seen_ms < DEBOUNCE_MS
        self._turned_away = verdict.code, moment.tick_ms
        return replace(verdict.refused(reason), again=again)

    def _refusal(self, moment: Moment) -> Reason | None:
        reason = self._upkeep.refusal(moment) if self._upkeep else None
        return reason or offline_refusal(self._journal, self._validator.offline_max_s, moment)

    def _record(self, verdict: Verdict, moment: Moment) -> tuple[Verdict, JournalKey | None, YimaError | None]:
        """Makes the entry durable; if that fails, the verdict becomes a refusal."""
        try:
            record_id = _record_id(self._terminal.terminal, moment, self._journal.next_sequence())
            entry = tap_entry(
                self._validator, verdict,
                terminal=self._terminal, record_id=record_id, moment=moment, run=self._run_number,
            )  # fmt: skip
            key = self._journal.append(entry)
        except JournalError as error:
            self._validator.retract(verdict)
            self._journal_fails = True
            self._tell(Happening.JOURNAL_TROUBLE, error)
            return verdict.refused(Reason.CANNOT_RECORD), None, error
        self._recorded += 1
        self._resolving.recorded(self._validator, verdict, moment)
        if self._journal_fails:
            self._journal_fails = False
            self._tell(Happening.JOURNAL_BACK)
        return verdict, key, None

    def _answered(self, through: int, rejected: dict[int, str]) -> None:
        self._on_notice(Notice(happening=Happening.ACKNOWLEDGED, through=through))
        if rejected:
            self._on_notice(Notice(happening=Happening.QUARANTINED, through=through, rejected=rejected))

    def _tell(self, happening: Happening, error: YimaError | None = None) -> None:
        self._on_notice(Notice(happening=happening, error=error))

    def _close_reader(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()


def _as_of(now: Moment, late_ns: int) -> Moment:
    """The moment a reading came: a device kept busy by a slow disk must not take its queue for later presentations."""
    if not 0 < late_ns < LATE_MAX_NS:
        return now
    return replace(
        now,
        unix_s=now.unix_s - late_ns // 1_000_000_000,
        tick_ms=max(0, now.tick_ms - late_ns // 1_000_000),
    )


def _record_id(terminal: str, moment: Moment, sequence: int) -> str:
    """Terminal, yyyyMMddHHmmss (UTC) and sequence, as terminals in the field form it (tag 0005)."""
    return f"{terminal}{datetime.fromtimestamp(moment.unix_s, UTC):%Y%m%d%H%M%S}{sequence:08}"
