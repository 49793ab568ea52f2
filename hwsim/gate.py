"""The mechanics of a metro gate: one walkway, one direction, as a table of states and events.

Rules it keeps:
- No clock and no I/O: events come in with their moment in milliseconds of any monotonic clock, actions come out.
- The table is total: every event has a row in every state, so nothing that happens at a gate is undefined.
- Nobody passes who was not admitted: one open command admits one rider; who enters beyond that sets off the alarm.
- A gate in alarm does not open; only a reset by staff ends the alarm.

Not modelled: torque, travel and wear of the leaves; where sensors sit and how they tell a child from a suitcase; the
opposite direction; the fire release, which opens everything; loss of power.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from yima.hwsim.commands import Command, Receipt, Verb


class GateState(StrEnum):
    """Where the leaves are and what the gate waits for."""

    LOCKED = "locked"
    OPEN = "open"
    PASSAGE = "passage"
    CLOSING = "closing"
    ALARM = "alarm"


class Event(StrEnum):
    """What can happen to a gate: from the validator, from its sensors, from time, from staff."""

    OPEN_COMMAND = "open command"
    REFUSE_COMMAND = "refuse command"
    PERSON_ENTERS = "person enters"
    PERSON_LEAVES = "person leaves"
    TIMEOUT = "timeout"
    FORCED_ENTRY = "forced entry"
    OBSTRUCTION = "obstruction"
    RESET = "reset"
    # A person's coming and going means different things by the counts; `step` tells them apart, callers never do.
    UNADMITTED_ENTERS = "person enters, not admitted"
    NEXT_IS_ADMITTED = "last person leaves, another is admitted"
    OTHERS_INSIDE = "person leaves, others are inside"


class Action(StrEnum):
    """What the gate does when it takes a row of the table."""

    ADMIT = "admit one more rider"
    FORGET = "forget riders who were admitted and have not come"
    LET_IN = "one admitted rider is inside"
    COUNT = "one rider has passed"
    RELEASE = "open the leaves"
    SHUT = "drive the leaves shut"
    ENGAGE = "engage the lock"
    SHOW_GO = "green arrow"
    SHOW_STOP = "red cross"
    SOUND = "sound the alarm"
    SILENCE = "silence the alarm"


class Row(NamedTuple):
    """What an event does in a state."""

    state: GateState
    actions: tuple[Action, ...] = ()


_LOCKED, _OPEN, _PASSAGE, _CLOSING, _ALARM = GateState
_ADMITS = (Action.ADMIT, Action.RELEASE, Action.SHOW_GO)
_RAISES = Row(_ALARM, (Action.FORGET, Action.SHOW_STOP, Action.SOUND))
_RESETS = Row(_CLOSING, (Action.FORGET, Action.SHUT, Action.SHOW_STOP))

TABLE: Mapping[GateState, Mapping[Event, Row]] = MappingProxyType(
    {
        _LOCKED: {
            Event.OPEN_COMMAND: Row(_OPEN, _ADMITS),
            Event.REFUSE_COMMAND: Row(_LOCKED, (Action.SHOW_STOP,)),
            Event.PERSON_ENTERS: _RAISES,
            Event.UNADMITTED_ENTERS: _RAISES,
            Event.PERSON_LEAVES: Row(_LOCKED),
            Event.NEXT_IS_ADMITTED: Row(_LOCKED),
            Event.OTHERS_INSIDE: Row(_LOCKED),
            Event.TIMEOUT: Row(_LOCKED),
            Event.FORCED_ENTRY: _RAISES,
            Event.OBSTRUCTION: Row(_LOCKED),
            Event.RESET: Row(_LOCKED, (Action.SHOW_STOP,)),
        },
        _OPEN: {
            Event.OPEN_COMMAND: Row(_OPEN, (Action.ADMIT, Action.SHOW_GO)),
            Event.REFUSE_COMMAND: Row(_OPEN, (Action.SHOW_STOP,)),  # who was admitted before may still pass
            Event.PERSON_ENTERS: Row(_PASSAGE, (Action.LET_IN,)),
            Event.UNADMITTED_ENTERS: _RAISES,  # the leaves reopened for an obstruction, then someone slipped in
            Event.PERSON_LEAVES: Row(_OPEN),  # stepped back out before the first sensor
            Event.NEXT_IS_ADMITTED: Row(_OPEN),
            Event.OTHERS_INSIDE: Row(_OPEN),
            Event.TIMEOUT: Row(_CLOSING, (Action.FORGET, Action.SHUT, Action.SHOW_STOP)),
            Event.FORCED_ENTRY: _RAISES,
            Event.OBSTRUCTION: Row(_OPEN),
            Event.RESET: _RESETS,
        },
        _PASSAGE: {
            Event.OPEN_COMMAND: Row(_PASSAGE, (Action.ADMIT, Action.SHOW_GO)),
            Event.REFUSE_COMMAND: Row(_PASSAGE, (Action.SHOW_STOP,)),
            Event.PERSON_ENTERS: Row(_PASSAGE, (Action.LET_IN,)),
            Event.UNADMITTED_ENTERS: _RAISES,  # tailgating
            Event.PERSON_LEAVES: Row(_CLOSING, (Action.COUNT, Action.SHUT, Action.SHOW_STOP)),
            Event.NEXT_IS_ADMITTED: Row(_OPEN, (Action.COUNT, Action.SHOW_GO)),
            Event.OTHERS_INSIDE: Row(_PASSAGE, (Action.COUNT,)),
            Event.TIMEOUT: _RAISES,  # someone stands between the leaves
            Event.FORCED_ENTRY: _RAISES,
            Event.OBSTRUCTION: Row(_PASSAGE),  # a body in the walkway is what passage means
            Event.RESET: _RESETS,
        },
        _CLOSING: {
            Event.OPEN_COMMAND: Row(_OPEN, _ADMITS),
            Event.REFUSE_COMMAND: Row(_CLOSING, (Action.SHOW_STOP,)),
            Event.PERSON_ENTERS: _RAISES,
            Event.UNADMITTED_ENTERS: _RAISES,
            Event.PERSON_LEAVES: Row(_CLOSING),
            Event.NEXT_IS_ADMITTED: Row(_CLOSING),
            Event.OTHERS_INSIDE: Row(_CLOSING),
            Event.TIMEOUT: Row(_LOCKED, (Action.ENGAGE,)),
            Event.FORCED_ENTRY: _RAISES,
            Event.OBSTRUCTION: Row(_OPEN, (Action.RELEASE,)),  # never press on: open, admit nobody, try again later
            Event.RESET: _RESETS,
        },
        _ALARM: {
            Event.OPEN_COMMAND: Row(_ALARM),
            Event.REFUSE_COMMAND: Row(_ALARM),
            Event.PERSON_ENTERS: Row(_ALARM),
            Event.UNADMITTED_ENTERS: Row(_ALARM),
            Event.PERSON_LEAVES: Row(_ALARM),
            Event.NEXT_IS_ADMITTED: Row(_ALARM),
            Event.OTHERS_INSIDE: Row(_ALARM),
            Event.TIMEOUT: Row(_ALARM),
            Event.FORCED_ENTRY: Row(_ALARM),
            Event.OBSTRUCTION: Row(_ALARM),
            Event.RESET: Row(_CLOSING, (Action.FORGET, Action.SILENCE, Action.SHUT)),
        },
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """How long a gate waits, in milliseconds: open without anyone coming, occupied, and for its leaves to shut."""

    open_ms: int = 5000
    passage_ms: int = 8000
    closing_ms: int = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """All a gate remembers.

    admitted: riders let through by a command who have not come yet. inside: riders in the walkway. passed: riders who
    have gone through since the gate was made. deadline_ms: when the next TIMEOUT falls, None while nothing is awaited.
    go: green arrow, else red cross. alarm: whether the alarm sounds.
    """

    state: GateState = GateState.LOCKED
    admitted: int = 0
    inside: int = 0
    passed: int = 0
    deadline_ms: int | None = None
    go: bool = False
    alarm: bool = False


def step(condition: Condition, event: Event, now_ms: int, timings: Timings) -> tuple[Condition, tuple[Action, ...]]:
    """What the gate is after one event, and what it does."""
    row = TABLE[condition.state][_told_apart(condition, event)]
    after = replace(condition, state=row.state)
    for action in row.actions:
        after = _done(after, action)
    waits = {
        GateState.OPEN: timings.open_ms,
        GateState.PASSAGE: timings.passage_ms,
        GateState.CLOSING: timings.closing_ms,
    }
    if row.state not in waits:
        after = replace(after, deadline_ms=None)
    elif row.state != condition.state or Action.ADMIT in row.actions:
        after = replace(after, deadline_ms=now_ms + waits[row.state])
    return after, row.actions


def _told_apart(condition: Condition, event: Event) -> Event:
    if event is Event.PERSON_ENTERS and not condition.admitted:
        return Event.UNADMITTED_ENTERS
    if event is Event.PERSON_LEAVES and condition.inside > 1:
        return Event.OTHERS_INSIDE
    if event is Event.PERSON_LEAVES and condition.admitted:
        return Event.NEXT_IS_ADMITTED
    return event


# What an action adds to (admitted, inside, passed).
_COUNTS = {Action.ADMIT: (1, 0, 0), Action.LET_IN: (-1, 1, 0), Action.COUNT: (0, -1, 1)}


def _done(condition: Condition, action: Action) -> Condition:
    admitted, inside, passed = _COUNTS.get(action, (0, 0, 0))
    forget = action is Action.FORGET
    return replace(
        condition,
        admitted=0 if forget else condition.admitted + admitted,
        inside=0 if forget else condition.inside + inside,
        passed=condition.passed + passed,
        go=action is Action.SHOW_GO if action in (Action.SHOW_GO, Action.SHOW_STOP) else condition.go,
        alarm=action is Action.SOUND if action in (Action.SOUND, Action.SILENCE) else condition.alarm,
    )


class MetroGate:
    """One gate: keeps its condition, takes events, lets time pass.

    Moments are milliseconds of one monotonic clock and must not go backwards.
    """

    def __init__(self, timings: Timings | None = None) -> None:
        self._timings = timings or Timings()
        self._condition = Condition()

    @property
    def condition(self) -> Condition:
        """The gate as it stands."""
        return self._condition

    def handle(self, event: Event, now_ms: int) -> tuple[Action, ...]:
        """One event at its moment; timeouts that fell before it are handled first. What the gate does, in order."""
        passed = self.advance(now_ms)
        self._condition, actions = step(self._condition, event, now_ms, self._timings)
        return passed + actions

    def advance(self, now_ms: int) -> tuple[Action, ...]:
        """Lets time pass up to now_ms. What the gate did by itself, in order."""
        actions: tuple[Action, ...] = ()
        while self._condition.deadline_ms is not None and self._condition.deadline_ms <= now_ms:
            fell_ms = self._condition.deadline_ms
            self._condition, done = step(self._condition, Event.TIMEOUT, fell_ms, self._timings)
            actions += done
        return actions

    def obey(self, command: Command, now_ms: int) -> Receipt:
        """Does what the validator says. Shown again moves nothing; an open command to a gate in alarm is not done."""
        done = True
        if command.verb is Verb.OPEN:
            done = Action.ADMIT in self.handle(Event.OPEN_COMMAND, now_ms)
        elif command.verb is Verb.REFUSE:
            self.handle(Event.REFUSE_COMMAND, now_ms)
        else:
            self.advance(now_ms)
        return Receipt(number=command.number, done=done, state=self._condition.state.value)
