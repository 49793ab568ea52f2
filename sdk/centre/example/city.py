"""A city's days: gates play the events, a collector stores what they send, and the truth is written down beside.

One process does one city; nothing of it depends on another. What cities share (institutions, a code that is shown in
two) was made before.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from yima.sdk.centre.clearing.days import day_of, shifted
from yima.sdk.centre.clearing.folder import STORES
from yima.sdk.centre.clearing.tables import Cause, Kind, Verdict, Why, tap_id
from yima.sdk.centre.example import lies, region
from yima.sdk.centre.example.gates import EPOCH, TAP, Gate, Sent
from yima.sdk.centre.example.journeys import OVER_TIME_S, Happens, Journey, Shares, day
from yima.sdk.centre.example.region import STATIONS
from yima.sdk.centre.example.riders import Passenger, Passengers, Person
from yima.sdk.centre.example.stores import Filling
from yima.sdk.centre.example.truth import Ledger
from yima.sdk.issuer import Issuer
from yima.sdk.profiles.yangtze_delta.plan import City
from yima.validator.journal.facts import Outcome
from yima.validator.judging import Direction, Mode, Transaction, Validator
from yima.validator.judging import Verdict as GateVerdict

SHOWN_S, _EXPIRED_S = 5, 600  # how old a code is when it is shown
_AGAIN_S, _OTHER_GATE_S, _COMPANION_S, _STANDBY_S = 40, 35, 20, 15
_BACK_AT_S, _LAST_TAP_S = 5 * 3600, 23 * 3600 + 1200
_DAYS_DOWN, _FAILING = 1.3, 0.8  # for how long a line fails, on average; the part of taps whose line may
_ENTRIES_A_TAP = 2
_USED = {"decided": Verdict.EVIDENCE, "why": Why.DOUBLE_USE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """A code that is shown in two cities. place: of the day. at: seconds of it."""

    code: bytes
    place: int
    at: int
    first: City
    second: City


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What one city is to make. institutions: by division. taps: in all. twins: those that come through here, in their
    order."""

    folder: Path
    seed: int
    institutions: Mapping[int, Issuer]
    city: City
    taps: int
    days: int
    shares: Shares
    twins: Sequence[Twin] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What came of it. late: entries that came in on a later day than their own. people: of whom issuers can state
    something."""

    city: City
    taps: int
    entries: int
    copies: int
    late: int
    people: tuple[Person, ...]


def make_city(task: Task) -> Made:
    """Makes a city's stores and its part of the truth."""
    return _Town(task).run()


class _Town:
    """One city at work."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._chance = random.Random(f"{task.seed} {task.city.division} {task.taps} {task.days}")  # noqa: S311
        unit = task.city.division % 100000
        self._passengers = Passengers(
            task.seed, unit, task.institutions, task.city, region.cities(), persons=task.shares.persons
        )
        folder = task.folder / STORES
        self._store = Filling(folder / f"{task.city.division}.db")
        self._standby = Filling(folder / f"{task.city.division}-standby.db")
        self._ledger = Ledger(task.folder / "truth", str(task.city.division))
        parameters = region.parameters(task.seed, 1)
        posts = region.posts(task.city, task.taps)
        self._gates = [Gate(post, parameters, task.seed, self._arrived) for post in posts]
        self._buses = [gate for gate in self._gates if gate.post.gate.mode is Mode.BUS]
        self._in, self._out = (
            {gate.post.gate.station: gate for gate in self._gates if gate.post.gate.direction is direction}
            for direction in (Direction.ENTRY, Direction.EXIT)
        )
        self._back = {gate.name: 0 for gate in self._gates}  # the place of the day on which its line is back
        self._copied = {gate.name: 0 for gate in self._gates}  # how far the standby has its journal, from the first on
        self._owed = self._chance.random()  # failures of lines that are due
        self._entries = self._copies = self._late = self._lies = self._place = 0

    def run(self) -> Made:
        """All days."""
        task = self._task
        for place in range(task.days):
            self._begin(place)
            taps = task.taps * (place + 1) // task.days - task.taps * place // task.days
            twins = [twin for twin in task.twins if twin.place == place]
            events = day(
                self._chance, self._passengers, task.shares, place=place, taps=max(0, taps - len(twins)),
                vehicles=len(self._buses), metro=bool(self._in),
            )  # fmt: skip
            for at, _, journey, is_exit in events:
                if not journey.is_metro:
                    self._board(at, journey)
                elif is_exit:
                    self._leave(at, journey)
                else:
                    self._enter(at, journey)
            for twin in twins:
                self._play_twin(twin, region.midnight(place) + twin.at)
            self._end(place)
        for gate in self._gates:
            gate.flush(region.midnight(self._back[gate.name]) + _BACK_AT_S)
        self._store.close()
        self._standby.close()
        return Made(
            city=task.city, taps=task.taps, entries=self._entries, copies=self._copies, late=self._late,
            people=self._passengers.known(),
        )  # fmt: skip

    def _begin(self, place: int) -> None:
        self._place = place
        for gate in self._gates:
            if place == region.VERSION_AT_DAY:
                gate.starts(region.parameters(self._task.seed, 2))
            if gate.offline and self._back[gate.name] <= place:
                gate.offline = False
                gate.flush(region.midnight(place) + _BACK_AT_S)

    def _end(self, place: int) -> None:
        """Lines fail over night, for a day or two; the last tap before is one whose outcome waits for them."""
        for gate in self._chance.sample(self._gates, len(self._gates)):
            if gate.offline:
                continue
            self._owed += 0 if gate.post.steady else self._task.shares.late / _DAYS_DOWN / _FAILING
            if gate.post.steady or self._owed < 1:
                gate.flush()
                continue
            self._owed -= 1
            self._back[gate.name] = place + 2 + (self._chance.random() < _DAYS_DOWN - 1)
            if gate in self._buses:
                self._late_reversal(gate, region.midnight(place) + _LAST_TAP_S)
            else:
                gate.flush()
                gate.offline = True
        self._ledger.write(place)

    def _arrived(self, sent: Sent) -> None:
        self._store.take(sent)
        if sent.taken:
            return
        first, count = sent.kept[0].entry.key.sequence, len(sent.kept)
        self._entries += count
        self._late += count if sent.received - sent.kept[-1].at > _BACK_AT_S else 0
        is_next = self._copied[sent.device] == first - 1 and day_of(sent.received) == day_of(
            region.midnight(self._place)
        )
        if is_next and self._copies + count // 2 < self._task.shares.duplicates * self._task.taps * _ENTRIES_A_TAP:
            self._standby.take(sent, received=sent.received + _STANDBY_S)
            self._copied[sent.device] += count
            self._copies += count
            for kept in sent.kept:
                self._ledger.copied(tap_id(*kept.entry.key))

    def _board(self, at: int, journey: Journey) -> None:
        gate, rider, happens = self._buses[journey.place], journey.rider, journey.happens
        if happens is Happens.DAMAGED:
            self._lie(gate, rider, at)
        elif happens is Happens.WRONG_FARE:
            verdict = _accepted(gate.judge(rider.outside(at - SHOWN_S), at))
            taken, content = lies.wrong_fare(gate, verdict, at)
            tap = self._passes(gate, gate.keep(content, TAP, at), at)
            self._counts(gate, tap, happens, verdict, at, cause=Cause.GATE, gate_fen=taken)
        elif happens is Happens.REVERSED:
            sequence, verdict = gate.tap(rider.outside(at - SHOWN_S), at)
            gate.outcome(sequence, at + 2, Outcome.FAILED, reverses=True)
            self._tap(gate, _name(gate, sequence), happens, _accepted(verdict), decided=Verdict.VOID, why=Why.REVERSED)
        else:
            if happens is Happens.EXPIRED:
                sequence, verdict = gate.tap(rider.outside(at - _EXPIRED_S), at)
                assert not verdict.accepted
                self._tap(gate, _name(gate, sequence), happens, verdict, decided="")
                at += _AGAIN_S
            elif happens is Happens.NOT_PASSED:
                sequence, verdict = gate.tap(rider.outside(at - SHOWN_S), at)
                gate.outcome(sequence, at + 10, Outcome.NOT_PASSED)
                self._tap(
                    gate, _name(gate, sequence), happens, _accepted(verdict), decided=Verdict.VOID, why=Why.NOT_PASSED
                )
                at += _AGAIN_S
            code = rider.outside(at - SHOWN_S)
            tap = self._rides(gate, code, happens, at)
            if happens is Happens.COMPANION:
                later = at + _COMPANION_S
                self._rides(gate, rider.outside(later - SHOWN_S), happens, later)
            elif happens is Happens.TWO_GATES:
                self._second_use(gate, tap, self._buses[journey.to], code, at + _OTHER_GATE_S)

    def _enter(self, at: int, journey: Journey) -> None:
        gate = self._in[journey.place]
        sequence, verdict = gate.tap(journey.rider.outside(at - SHOWN_S), at)
        tap = self._passes(gate, sequence, at)
        self._tap(gate, tap, journey.happens, _accepted(verdict))
        journey.entered = tap, self._day(gate)
        if journey.happens is Happens.MISSING_EXIT:
            fen = region.missing_exit_fen(self._task.city)
            self._ledger.ride(
                tap, journey.happens, verdict, at=at, day=_closed(self._day(gate)), post=gate.post,
                kind=Kind.METRO_NO_EXIT, entry=tap, begins=at, closed_fen=fen,
                cause=Cause.NONE if fen == verdict.fare_fen else Cause.MISSING_EXIT,
            )  # fmt: skip

    def _leave(self, at: int, journey: Journey) -> None:
        gate, rider, happens, shown = self._out[journey.to], journey.rider, journey.happens, at - SHOWN_S
        code, cause, due = rider.inside(shown, journey.place, journey.at), Cause.NONE, None
        if happens in (Happens.OTHER_ENTRY, Happens.UNREADABLE_ENTRY):
            due = _accepted(Validator(gate.parameters, gate.post.gate, table_bytes=0).judge(code, at))
            if happens is Happens.OTHER_ENTRY:
                wrong = next(one for one in STATIONS if one not in (journey.place, journey.to))
                code, cause = rider.inside(shown, wrong, journey.at - 300), Cause.OTHER_ENTRY
            elif not region.refuses_unreadable(self._task.city):
                code, cause = rider.told(shown, b""), Cause.ENTRY_UNKNOWN_AT_GATE
        sequence, verdict = gate.tap(code, at)
        tap = self._passes(gate, sequence, at)
        self._tap(gate, tap, happens, _accepted(verdict))
        if journey.entered is None:
            day = _closed(self._day(gate))
            self._ledger.ride(
                tap, happens, verdict, at=at, day=day, post=gate.post, kind=Kind.METRO_NO_ENTRY, exit_=tap
            )
            return
        entry, entry_day = journey.entered
        due, untold_fen = due or verdict, 0
        is_over_time = due.transaction is Transaction.OVER_TIME_EXIT
        if happens is Happens.OVER_TIME and at - journey.at >= OVER_TIME_S and not is_over_time:
            # Some issuers do not write the time of entry down, and the gate does not know how long it was.
            is_over_time, untold_fen, cause = True, region.over_time_fen(self._task.city), Cause.ENTRY_UNKNOWN_AT_GATE
        self._ledger.ride(
            tap, happens, due, at=at, day=max(entry_day, self._day(gate)), post=gate.post, entry=entry, exit_=tap,
            begins=journey.at,
            kind=Kind.METRO_OVER_TIME if is_over_time else Kind.METRO, untold_fen=untold_fen,
            gate_fen=verdict.fare_fen, cause=Cause.NONE if due.fare_fen + untold_fen == verdict.fare_fen else cause,
        )  # fmt: skip

    def _second_use(self, first: Gate, tap: str, second: Gate, code: bytes, at: int) -> None:
        """The code of a ride at another gate: the one that is settled first counts, of two of a day the earlier."""
        sequence, verdict = second.tap(code, at)
        other = self._passes(second, sequence, at)
        if self._day(second) >= self._day(first):
            self._tap(second, other, Happens.TWO_GATES, _accepted(verdict), other=tap, **_USED)
        else:
            self._ledger.yields(tap, other)
            self._counts(second, other, Happens.TWO_GATES, _accepted(verdict), at)

    def _lie(self, gate: Gate, rider: Passenger, at: int) -> None:
        lie = lies.KINDS[self._lies % len(lies.KINDS)](gate, rider, self._passengers, at)
        self._lies += 1
        if lie.honest is None:
            sequence = gate.keep(lie.content, TAP, at, rejected=lie.rejected, decayed=lie.decayed)
            tap = self._passes(gate, sequence, at)
            self._tap(gate, tap, Happens.DAMAGED, None, decided=Verdict.EVIDENCE, why=lie.why)
            return
        sequence = gate.keep(lie.honest, TAP, at)
        gate.tells_otherwise(lie.content, at + 1)
        tap = self._passes(gate, sequence, at)
        assert lie.verdict is not None
        self._counts(gate, tap, Happens.DAMAGED, lie.verdict, at)
        self._tap(gate, tap, Happens.DAMAGED, None, decided=Verdict.EVIDENCE, why=lie.why, other=tap)

    def _play_twin(self, twin: Twin, at: int) -> None:
        """The code counts in the first city; a little later it is shown in the second. Both lines are steady."""
        if twin.first == self._task.city:
            self._rides(self._buses[0], twin.code, Happens.TWO_CITIES, at)
            return
        gate, at = self._buses[0], at + _OTHER_GATE_S
        sequence, verdict = gate.tap(twin.code, at)
        tap = self._passes(gate, sequence, at)
        self._tap(gate, tap, Happens.TWO_CITIES, _accepted(verdict), **_USED)

    def _late_reversal(self, gate: Gate, at: int) -> None:
        rider = self._passengers.special()
        sequence, verdict = gate.tap(rider.outside(at - SHOWN_S), at)
        tap = _name(gate, sequence)
        self._counts(gate, tap, Happens.LATE_REVERSAL, _accepted(verdict), at)
        self._ledger.reversed_on(tap, day_of(region.midnight(self._back[gate.name])))
        gate.flush()
        gate.offline = True
        gate.outcome(sequence, at + 2, Outcome.FAILED, reverses=True)

    def _rides(self, gate: Gate, code: bytes, happens: Happens, at: int) -> str:
        """A tap on a bus that is a ride; returns its name."""
        sequence, verdict = gate.tap(code, at)
        tap = self._passes(gate, sequence, at)
        self._counts(gate, tap, happens, _accepted(verdict), at)
        return tap

    def _passes(self, gate: Gate, sequence: int, at: int) -> str:
        gate.outcome(sequence, at + 2)
        return _name(gate, sequence)

    def _counts(
        self, gate: Gate, tap: str, happens: Happens, verdict: GateVerdict, at: int, *, cause: Cause = Cause.NONE,
        gate_fen: int | None = None,
    ) -> None:  # fmt: skip
        """A tap on a bus, and its ride."""
        self._tap(gate, tap, happens, verdict)
        self._ledger.ride(
            tap, happens, verdict, at=at, day=self._day(gate), post=gate.post, cause=cause, gate_fen=gate_fen
        )

    def _tap(
        self, gate: Gate, tap: str, happens: Happens, verdict: GateVerdict | None, *, decided: str = Verdict.OK,
        why: str = Why.NONE, other: str | None = None,
    ) -> None:  # fmt: skip
        self._ledger.tap(tap, happens, self._day(gate), verdict=verdict, decided=decided, why=why, other=other)

    def _day(self, gate: Gate) -> int:
        """The day on which what this gate journals now comes in."""
        return day_of(region.midnight(self._back[gate.name] if gate.offline else self._place))


def _name(gate: Gate, sequence: int) -> str:
    return tap_id(gate.name, EPOCH, sequence)


def _closed(day: int) -> int:
    """When a leg that waits since that day is closed by rule."""
    return shifted(day, region.RIDE_RULES.close_after_days)


def _accepted(verdict: GateVerdict) -> GateVerdict:
    assert verdict.accepted, verdict.reason
    return verdict
