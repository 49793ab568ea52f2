"""The device: carries out what the loop of a tap says, with real ports, and tells what came of it.

What to do next is decided by the core's loop (yima.validator.judging.loop); here is what that takes:

- An entry goes into the journal, and only what is durable there is reported as recorded.
- A gate that answers that it did not open, or does not answer, is told to the loop, which reverses the ride.
- A tap is judged as of the moment its last byte came, however long the device was busy.
- A code that only its issuer can verify is asked about for no longer than its deadline.
- A reader that is gone, a gate that does not listen, a collector that is away: told, tried again; the device lives on.
- The memory of used codes is filled from the journal whenever the loop asks for it.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from yima.validator.errors import GateError, GateShutError, JournalError, ParametersError, ReaderError, YimaError
from yima.validator.guarding import guards
from yima.validator.guarding.watched import ThreadState
from yima.validator.happenings import Happening, Notice, Summary, Tap
from yima.validator.journal.backlog import Backlog
from yima.validator.journal.caring import Caretaker
from yima.validator.journal.facts import OutcomeFacts, TimeFacts, parse
from yima.validator.journal.kept import kept_tap
from yima.validator.journal.older import OlderEntry
from yima.validator.judging import Validator
from yima.validator.judging.loop import STATES, GateAnswer, Step, TapLoop
from yima.validator.judging.record import Terminal
from yima.validator.parameters import Parameters
from yima.validator.places.placing import Placing
from yima.validator.ports import Clock, Gate, Journal, Reader, Reading, Uplink
from yima.validator.resolvers.resolving import RISK_WINDOW_S, Resolving
from yima.validator.stopwatch import Stopwatch
from yima.validator.system.posix import give_way
from yima.validator.uplink.sender import BatchPolicy, Sender

POLL_S = 0.2  # how long one wait for a payload lasts, and so how soon a stop is noticed
REOPEN_S = 3.0  # between two attempts to open a reader that is gone
LAST_UPLOAD_S = 2.0  # what a stop allows for the last batches
LATE_MAX_NS = 60_000_000_000  # a reading older than this has a wrong time, not a long wait
NEVER_SET_S = 86400  # a clock within the first day of 1970 has never been set, or cannot be read
OPENED_MAX = 8  # YIMA_OPENED_MAX: so many rides that were let in does the loop keep in mind


class Device:
    """One validator at one gate. It owns what it is given and closes all of it when `run` ends.

    on_tap is called on the device's thread after the gate; on_notice on it or on another. reopen opens the reader anew
    when it is gone; without it `run` ends with the ReaderError. A reader that is exhausted (files) ends the run as
    `stop` does. upkeep may hand over other parameters between taps. resolving asks about codes that only their issuer
    can verify; without it they are refused. not_before: unix seconds; no time before it is right. confirmed_by: whoever
    says that the clock is right at the start, whatever the journal says. older: accepted taps of a journal of the older
    form, whose codes may still be shown. placing: hears where the bus is; without it the gate stands still.
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
        upkeep: guards.Upkeep | None = None,
        resolving: Resolving | None = None,
        not_before: int = 0,
        confirmed_by: str = "",
        older: Sequence[OlderEntry] = (),
        placing: Placing | None = None,
    ) -> None:
        self._on_tap = guards.harmless(on_tap or (lambda tap: None))
        self._on_notice = guards.harmless(on_notice or (lambda notice: None))
        self._reader: Reader | None = guards.guarded_reader(reader)
        self._validator = validator
        self._journal = journal = guards.guarded_journal(journal)
        self._gate = gate = guards.guarded_gate(gate)
        self._clock = clock = guards.GuardedClock(clock, lambda error: self._tell(Happening.CLOCK_TROUBLE, error))
        self._reopen = reopen and guards.guarded_opening(reopen)
        self._upkeep = upkeep and guards.GuardedUpkeep(
            upkeep, lambda error: self._tell(Happening.PARAMETERS_TROUBLE, error)
        )
        self._resolving = resolving or Resolving({})
        self._resolving.on_trouble = lambda error: self._tell(Happening.RESOLVER_TROUBLE, error)
        self._confirmed_by = confirmed_by
        self._older = tuple(older)
        self._placing = placing
        self._caretaker = Caretaker(
            journal.care,
            on_trouble=lambda error: self._tell(Happening.JOURNAL_ROOM_TROUBLE, error),
            on_recovered=lambda: self._tell(Happening.JOURNAL_ROOM_BACK),
        )
        self._taps = self._recorded = self._reversed = 0
        self._begun = self._appended = False
        # Taps whose riders have not gone through yet; of more the loop has forgotten the oldest.
        self._opened: deque[int] = deque(maxlen=OPENED_MAX)
        self._watch = Stopwatch()
        newest = max((entry.at for entry in self._older), default=0)
        self._loop = TapLoop(
            validator,
            terminal,
            run=journal.run() + 1,
            senses_passage=gate.senses_passage,
            not_before=max(not_before, journal.newest_trusted_at() or newest, NEVER_SET_S),
        )
        self._backlog = Backlog(journal, self._loop)
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
        """The judge."""
        return self._validator

    @property
    def time_trusted(self) -> bool:
        """Whether it believes its clock, as of the last tap or moment."""
        return self._loop.now.trusted

    @property
    def threads(self) -> tuple[ThreadState, ...]:
        """How the threads stand that it looks after."""
        others = (part.thread for part in (self._sender, self._placing) if part)
        return (self._caretaker.thread, *others)

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
            if self._placing:
                at_end.callback(self._placing.stop)
                self._placing.start(self._on_notice)
            if self._sender:
                at_end.callback(self._sender.stop, LAST_UPLOAD_S)
            self._caretaker.start()
            self._begin()
            if self._sender:
                self._sender.start()
            while not stop.is_set() and not (self._reader is not None and self._reader.exhausted):
                self._moment()
                reading = self._read(stop)
                if reading is not None:
                    self._tap(reading)
                elif self._reader is not None:
                    self._validator.idle()
            self._close_reader()
            self._passages()
            if self._sender:
                self._sender.stop(LAST_UPLOAD_S)
            acknowledged = self._journal.acknowledged()
            return Summary(
                taps=self._taps,
                recorded=self._recorded,
                reversed=self._reversed,
                acknowledged=acknowledged,
                pending=self._journal.last_sequence() - acknowledged,
            )

    def _begin(self) -> None:
        self._look_at_the_clock()
        if self._confirmed_by:
            self.confirm_time(self._confirmed_by)
        self._begun = True
        self._carry_out(self._loop.parameters(self._upkeep.until() if self._upkeep else 0))

    def confirm_time(self, by: str) -> None:
        """Somebody of that name (ASCII) says that the clock is right now. On the device's own thread."""
        now = self._clock.now()
        self._carry_out(self._loop.confirm(now.unix_s, now.tick_ms, is_signed=False, by=by))

    def _moment(self) -> None:
        """What is due between two taps."""
        self._caretaker.look()
        if self._sender:
            self._sender.look()
        parameters = self._upkeep.look(self._loop.now) if self._upkeep else None
        if parameters is not None and self._upkeep:
            self._use(parameters, self._upkeep.until())
        if self._placing:
            self._placing.move(self._loop)
        self._backlog.look(self._validator.offline_max_s)
        self._look_at_the_clock()
        self._passages()

    def _look_at_the_clock(self) -> None:
        now = self._clock.now()
        self._carry_out(self._loop.moment(now.unix_s, now.tick_ms, self._journal.next_sequence()))

    def _use(self, parameters: Parameters, until: int) -> None:
        try:
            self._validator.use(parameters)
        except ParametersError as error:
            self._tell(Happening.PARAMETERS_TROUBLE, error)
        else:
            self._carry_out(self._loop.parameters(until))

    def _passages(self) -> None:
        """What the gate says of riders who were let in, in their order."""
        if not self._gate.senses_passage:
            return
        try:
            for passed in self._gate.passages():
                if self._opened:
                    answer = GateAnswer.PASSED if passed else GateAnswer.NOT_PASSED
                    self._carry_out(self._loop.gate(self._opened.popleft(), answer))
        except GateError as error:
            self._tell(Happening.GATE_TROUBLE, error)

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
        watch = self._watch = Stopwatch()
        if self._placing:
            self._placing.move(self._loop)
        now, late_ns = self._clock.now(), begun - reading.last_ns
        late_ms = late_ns // 1_000_000 if 0 < late_ns < LATE_MAX_NS else 0
        number = self._journal.next_sequence()
        step = self._loop.reading(reading.payload, now.unix_s, now.tick_ms, late_ms, number)
        judged = time.monotonic_ns()
        self._carry_out(step)
        done = time.monotonic_ns()
        self._taps += 1
        moment = self._loop.now
        self._on_tap(
            Tap(
                key=watch.key,
                at=moment.unix_s,
                time_trusted=moment.trusted,
                verdict=self._loop.verdict,
                gate=watch.gate,
                read_ms=(reading.last_ns - reading.first_ns) / 1e6,
                judge_us=(judged - begun) / 1e3,
                journal_ms=watch.journal_ns / 1e6,
                gate_ms=watch.gate_ns / 1e6,
                total_ms=(done - reading.last_ns) / 1e6,
                payload_length=len(reading.payload),
                faults=reading.faults,
                trouble=watch.trouble,
                asked_ms=watch.ask_ns / 1e6,
            )
        )

    # ---- the steps -------------------------------------------------------------------------------------------------

    def _carry_out(self, step: Step) -> None:
        """Carries out what the loop says, until it says nothing more."""
        while step is not Step.NOTHING:
            match step:
                case Step.RECORD:
                    step = self._record()
                case Step.OPEN:
                    step = self._open()
                case Step.REFUSE | Step.SHOW_AGAIN:
                    step = self._show(step)
                case Step.ASK:
                    step = self._ask()
                case Step.REFILL:
                    step = self._refill()
                case Step.SERVICE:
                    self._on_notice(Notice(happening=Happening.SERVICE, reason=self._loop.reason))
                    step = self._loop.done()
        if self._appended and self._sender:  # a thread that wakes earlier runs before the gate does
            self._sender.appended()
        self._appended = False

    def _record(self) -> Step:
        entry, is_tap = self._loop.entry, STATES[self._loop.state.state] == "RECORDING"
        begun = time.monotonic_ns()
        try:
            key = self._journal.append(entry)
        except JournalError as error:
            self._watch.trouble = error
            self._backlog.failed()
            self._tell(Happening.JOURNAL_TROUBLE, error)
            return self._loop.not_recorded()
        self._watch.journal_ns += time.monotonic_ns() - begun
        self._appended = True
        if is_tap:
            self._watch.key = key
            self._recorded += 1
            if self._watch.asked:
                self._resolving.recorded(self._validator, self._loop.verdict, self._loop.now)
        else:
            self._tell_entry(entry)
        if self._backlog.works():
            self._tell(Happening.JOURNAL_BACK)
        return self._loop.recorded(key.sequence)

    def _tell_entry(self, entry: bytes) -> None:
        facts, _ = parse(entry)
        if isinstance(facts, OutcomeFacts):
            self._reversed += facts.reverses
            self._resolving.outcome(facts)
            happening = Happening.REVERSED if facts.reverses else Happening.PASSAGE
            self._on_notice(Notice(happening=happening, tap=facts.tap, gate=GateAnswer(facts.outcome)))
        elif isinstance(facts, TimeFacts):
            self._on_notice(Notice(happening=Happening.CLOCK, moment=self._loop.now, expected=facts.expected))

    def _open(self) -> Step:
        tap = self._loop.state.tap
        begun = time.monotonic_ns()
        answer = GateAnswer.OPENED
        try:
            self._gate.open(self._loop.verdict)
        except GateError as error:
            answer = GateAnswer.FAILED if isinstance(error, GateShutError) else GateAnswer.UNKNOWN
            self._watch.trouble = self._watch.trouble or error
            self._tell(Happening.GATE_TROUBLE, error)
        give_way()  # who carries the command out, on this processor, goes before what we have to say of it
        self._watch.gate_ns += time.monotonic_ns() - begun
        self._watch.gate = answer
        if answer is GateAnswer.OPENED and self._gate.senses_passage:
            self._opened.append(tap)
        return self._loop.gate(tap, answer)

    def _show(self, step: Step) -> Step:
        begun = time.monotonic_ns()
        try:
            if step is Step.REFUSE:
                self._gate.refuse(self._loop.verdict)
            else:
                self._gate.show_again(self._loop.verdict)
        except GateError as error:
            self._watch.trouble = self._watch.trouble or error
            self._tell(Happening.GATE_TROUBLE, error)
        self._watch.gate_ns += time.monotonic_ns() - begun
        return self._loop.done()

    def _ask(self) -> Step:
        begun = time.monotonic_ns()
        decision = self._resolving.decided(self._validator, self._loop.verdict, self._loop.now)
        self._watch.ask_ns, self._watch.asked = time.monotonic_ns() - begun, True
        return self._loop.answered(*decision)

    def _refill(self) -> Step:
        since = self._loop.state.refill_from
        try:
            entries = list(self._journal.used_codes(min(since, since - RISK_WINDOW_S)))
        except JournalError as error:
            if not self._begun:
                raise
            self._tell(Happening.JOURNAL_TROUBLE, error)
            return self._loop.not_recorded()
        for older in self._older:
            if (tap := kept_tap(older)) and tap.code:
                self._validator.remember_code(tap.code, tap.at)
        for entry in entries:
            self._validator.remember(entry)
        self._resolving.refill(self._validator, (*self._older, *entries))
        return self._loop.done()

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
