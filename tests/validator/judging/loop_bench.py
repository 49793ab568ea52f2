"""A loop to test: with a list for a journal, and a gate that answers as it is told."""

from typing import Any

from yima.sdk.issuer import Rider, make_issuer, make_rider, make_root
from yima.validator.judging import GateContext, Mode, Reason, Validator, Vouched
from yima.validator.judging.loop import GateAnswer, Step, TapLoop
from yima.validator.judging.record import Terminal
from yima.validator.parameters import from_mapping

NOW = 1_790_000_000
ROOT = make_root()
ISSUER = make_issuer(ROOT)
MAPPING: dict[str, Any] = {
    "environment": "test",
    "version": 3,
    "fares": {"bus": 200},
    "roots": [{"certificate": ROOT.certificate.hex()}],
    "whitelist": [{"organisation": "00083010", "platform": "50083010"}],
    "resolved": [{"family": "sufu", "prefix": "js:", "city": 320000, "remember_s": 300}],
    "limits": {"offline_max_s": 86400, "families": ["ministry", "sufu"]},
}
TERMINAL = Terminal(terminal="gate-7", vehicle="V1")


def rider(number: int = 0) -> Rider:
    return make_rider(
        ISSUER,
        payment_account="6228480402564890",
        card_account=f"31048700000000{number:06}",
        platform="50083010",
        authorised_until=NOW + 30 * 86400,
    )


class Bench:
    """A loop with a list for a journal, and a gate that answers as it is told."""

    def __init__(self, *, senses_passage: bool = False, not_before: int = NOW - 100) -> None:
        self.validator = Validator(from_mapping(MAPPING), GateContext(mode=Mode.BUS, city=320500))
        self.loop = TapLoop(self.validator, TERMINAL, run=4, senses_passage=senses_passage, not_before=not_before)
        self.at, self.tick = NOW, 5_000
        self.entries: list[bytes] = []
        self.done: list[str] = []
        self.can_record = self.can_read = True
        self.gate = GateAnswer.OPENED
        self.answer = (Reason.ACCEPTED, Vouched.ISSUER)

    def carry_out(self, step: Step) -> list[str]:
        """Carries out what the loop says until it has nothing more; what that was."""
        begun = len(self.done)
        while step is not Step.NOTHING:
            self.done.append(step.name)
            match step:
                case Step.RECORD if self.can_record:
                    self.entries.append(self.loop.entry)
                    step = self.loop.recorded(len(self.entries))
                case Step.RECORD:
                    step = self.loop.not_recorded()
                case Step.OPEN:
                    assert self.loop.verdict.accepted
                    step = self.loop.gate(self.loop.state.tap, self.gate)
                case Step.ASK:
                    step = self.loop.answered(*self.answer)
                case Step.REFILL if not self.can_read:
                    step = self.loop.not_recorded()
                case Step.REFILL:
                    for entry in self.entries:
                        self.validator.remember(entry)
                    step = self.loop.done()
                case _:
                    step = self.loop.done()
        return self.done[begun:]

    def moment(self, seconds: int = 0, *, wall: int | None = None) -> list[str]:
        """Time passes, by the counter; the wall clock goes on alike unless told otherwise."""
        self.tick += seconds * 1000
        self.at += seconds if wall is None else wall
        return self.carry_out(self.loop.moment(self.at, self.tick, len(self.entries) + 1))

    def start(self) -> "Bench":
        assert self.moment() == ["RECORD", "REFILL", "SERVICE"]
        return self

    def show(self, payload: bytes, seconds: int = 5) -> list[str]:
        self.moment(seconds)
        return self.carry_out(self.loop.reading(payload, self.at, self.tick, 0, len(self.entries) + 1))

    @property
    def reason(self) -> Reason:
        return self.loop.verdict.reason
