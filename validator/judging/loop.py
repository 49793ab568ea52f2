"""The loop of a tap, as the core has it: what a device does next. The typed face of core/loop.c.

It has no I/O: it is told what happened and answers the one step to carry out; whoever drives it (yima.validator.device,
the firmware) does that and tells what came of it, until the answer is NOTHING. Its states and ways are the table
loop.def, shown in docs/loop.md; what it keeps to is said in yima/loop.h.
"""

from enum import IntEnum
from typing import NamedTuple

from yima.validator import _core
from yima.validator.judging.judge import (
    DIRECTIONS,
    GateContext,
    Moment,
    Reason,
    Validator,
    Verdict,
    Vouched,
    verdict_of,
)
from yima.validator.judging.record import Terminal

STATES = tuple(name for name, _, _ in _core.LOOP[0])
WAYS = _core.LOOP[1]
"""(from, event, to, when) of every way there is."""


class Step(IntEnum):
    """What to do next, and what the loop is told then."""

    NOTHING = 0
    RECORD = 1  # put `entry` into the journal, durably: recorded, not_recorded
    OPEN = 2  # let one rider pass: gate
    REFUSE = 3  # stay shut, show `verdict`: done
    SHOW_AGAIN = 4  # show the answer again, move nothing: done
    ASK = 5  # ask the code's issuer: answered
    SERVICE = 6  # in service, or out of it for `reason`: done
    REFILL = 7  # hand the journal's entries to Validator.remember, oldest first: done, not_recorded


_STEPS = tuple(Step)


class GateAnswer(IntEnum):
    """What a gate did. OPENED: it opens. FAILED: it did not. UNKNOWN: it did not say. The others come later."""

    OPENED = 1
    PASSED = 2
    NOT_PASSED = 3
    FAILED = 4
    UNKNOWN = 5


class LoopState(NamedTuple):
    """Where a loop stands. tap: the number of the tap in hand. refill_from: with REFILL, unix seconds: taps whose codes
    were good for less long need not be handed over. opened: rides of which more is to be known. ways: bit n, row n of
    WAYS was taken; unexpected: calls at the wrong time; astray: ways that are not in the table, always 0."""

    state: int
    step: int
    reason: int
    tap: int
    refill_from: int
    in_service: int
    opened: int
    unexpected: int
    astray: int
    ways: int


class TapLoop:
    """A loop around a judge, for one run of a device.

    run: how often the device has started. senses_passage: the gate tells when a rider has passed. not_before: unix
    seconds; no time before it is right.
    """

    def __init__(
        self, validator: Validator, terminal: Terminal, *, run: int, senses_passage: bool, not_before: int
    ) -> None:
        texts = (
            terminal.vendor, terminal.terminal, terminal.software, terminal.merchant_type, terminal.vehicle,
            terminal.plate, terminal.driver, terminal.line, terminal.station, terminal.position,
        )  # fmt: skip
        self._core = _core.Loop(validator.core, tuple(text or None for text in texts), run, senses_passage, not_before)
        self._payload = b""
        self._validator = validator
        self.not_before = self._core.not_before
        self.unsent = self._core.unsent
        """The time of the oldest entry that no collector has, unix seconds; 0: there is none, or it is not known."""

    def moment(self, unix_s: int, tick_ms: int, number: int) -> Step:
        """A moment passes, also when nothing else happens. number: that the next entry will get."""
        return _STEPS[self._core.moment(unix_s, tick_ms, number)]

    def reading(self, payload: bytes, unix_s: int, tick_ms: int, late_ms: int, number: int) -> Step:
        """One payload, whose last byte came late_ms ago."""
        self._payload = payload
        return _STEPS[self._core.reading(payload, unix_s, tick_ms, late_ms, number)]

    def recorded(self, number: int) -> Step:
        """The entry is durable under this number."""
        return _STEPS[self._core.recorded(number)]

    def not_recorded(self) -> Step:
        """The entry could not be written; or, in answer to REFILL, the journal could not be read."""
        return _STEPS[self._core.not_recorded()]

    def eased(self) -> None:
        """The journal, which took nothing, may have room again; the next moment sets the sign right."""
        self._core.eased()

    def gate(self, tap: int, answer: GateAnswer) -> Step:
        """What the gate did for that tap: at once, or later."""
        return _STEPS[self._core.gate(tap, answer)]

    def answered(self, reason: Reason, vouched: Vouched) -> Step:
        """What is made of the issuer's answer; NEEDS_RESOLVER: nobody could be asked."""
        return _STEPS[self._core.answered(reason, vouched)]

    def done(self) -> Step:
        """The step that needs no answer is carried out."""
        return _STEPS[self._core.done()]

    def parameters(self, until: int) -> Step:
        """The judge goes by other parameters; until: unix seconds of their expiry and grace, 0: they have no end."""
        return _STEPS[self._core.parameters(until)]

    def confirm(self, unix_s: int, tick_ms: int, *, is_signed: bool, by: str) -> Step:
        """Somebody who knows the time says that this is it: an operator of that name (ASCII), or a signed time."""
        return _STEPS[self._core.confirm(unix_s, tick_ms, is_signed, by)]

    def place(self, gate: GateContext) -> bool:
        """The bus is at another line, stop or direction of this gate, all else of which is as it was.

        False, and nothing is changed, while a tap is in hand, and for a metro gate, which stands where it stands.
        """
        texts = (str(number) if number else "" for number in (gate.line, gate.station))
        if not self._core.place(gate.line, gate.station, DIRECTIONS[gate.direction], *texts):
            return False
        self._validator.gate = gate
        return True

    @property
    def entry(self) -> bytes:
        """The entry to record."""
        return self._core.entry

    @property
    def verdict(self) -> Verdict:
        """Of the tap in hand."""
        return verdict_of(self._payload, self._core.verdict)

    @property
    def now(self) -> Moment:
        """The moment of the tap or event in hand."""
        unix_s, tick_ms, trusted = self._core.now
        return Moment(unix_s=unix_s, tick_ms=tick_ms, trusted=trusted)

    @property
    def state(self) -> LoopState:
        """Where it stands."""
        return LoopState(*self._core.state)

    @property
    def reason(self) -> Reason | None:
        """Why the device is out of service, None when it is in service."""
        number = self.state.reason
        return Reason(number) if number else None
