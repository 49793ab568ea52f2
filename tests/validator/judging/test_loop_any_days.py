"""The loop of a tap through random days: a code opens the gate once, and every way of the table is taken."""

import random
from collections.abc import Callable

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.validator.judging.loop_bench import NOW, Bench, rider
from yima.validator.journal.facts import OutcomeFacts, TapFacts, parse
from yima.validator.judging.loop import STATES, WAYS, GateAnswer


def accepted(entry: bytes) -> bool:
    facts, _ = parse(entry)
    return isinstance(facts, TapFacts) and facts.accepted


class AnyDays(RuleBasedStateMachine):
    """Random days: whatever comes, a code opens the gate once unless a reversal was written in between."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench(senses_passage=True)
        self.bench.moment()
        self.codes = [rider(number).code(NOW + 20 * number) for number in range(6)]
        self.opened: dict[int, int] = {}

    def drive(self, make: Callable[[], list[str]]) -> None:
        made = make()
        assert "OPEN" not in made or "RECORD" in made[: made.index("OPEN")]

    @rule(number=st.integers(0, 5), seconds=st.integers(0, 6))
    def show(self, number: int, seconds: int) -> None:
        self.drive(lambda: self.bench.show(self.codes[number], seconds))

    @rule(payload=st.sampled_from([b"", b"js:1", b"js:2", b"junk"]), seconds=st.integers(0, 6))
    def show_something(self, payload: bytes, seconds: int) -> None:
        self.drive(lambda: self.bench.show(payload, seconds))

    @rule(seconds=st.integers(0, 4000), wall=st.one_of(st.none(), st.sampled_from([-86400, -3000, 60, 7000, 10**8])))
    def time_passes(self, seconds: int, wall: int | None) -> None:
        self.drive(lambda: self.bench.moment(seconds, wall=wall))

    @rule(back=st.integers(0, 300))
    def an_operator_sets_the_clock(self, back: int) -> None:
        bench = self.bench
        bench.at = NOW + back
        self.drive(lambda: bench.carry_out(bench.loop.confirm(bench.at, bench.tick, is_signed=back % 2 == 0, by="w")))

    @rule(answer=st.sampled_from([GateAnswer.OPENED, GateAnswer.OPENED, GateAnswer.FAILED, GateAnswer.UNKNOWN]))
    def gate_answers(self, answer: GateAnswer) -> None:
        self.bench.gate = answer

    @rule(can=st.booleans())
    def journal(self, can: bool) -> None:
        self.bench.can_record = can

    @rule(can=st.booleans())
    def disk(self, can: bool) -> None:
        self.bench.can_read = can

    @rule(back=st.integers(0, 5), answer=st.sampled_from([GateAnswer.PASSED, GateAnswer.NOT_PASSED]))
    def passage(self, back: int, answer: GateAnswer) -> None:
        bench = self.bench
        taps = [number for number, entry in enumerate(bench.entries, 1) if accepted(entry)]
        tap = taps[-1 - back] if len(taps) > back else 1
        self.drive(lambda: bench.carry_out(bench.loop.gate(tap, answer)))

    @rule(until=st.sampled_from([0, NOW + 50, NOW + 10**9]))
    def parameters(self, until: int) -> None:
        self.drive(lambda: self.bench.carry_out(self.bench.loop.parameters(until)))

    @rule(oldest=st.sampled_from([0, 1, NOW]))
    def backlog(self, oldest: int) -> None:
        self.bench.loop.unsent(oldest)

    @rule()
    def restart(self) -> None:
        before = self.bench
        newest = [f.at for entry in before.entries if (f := parse(entry)[0]).trusted]
        self.bench = Bench(senses_passage=True, not_before=newest[-1] if newest else NOW - 100)
        self.bench.entries, self.bench.can_record = before.entries, before.can_record
        self.bench.can_read = before.can_read
        self.bench.at, self.bench.tick = before.at, 0
        self.bench.moment()

    @invariant()
    def no_code_rides_twice(self) -> None:
        rides: dict[bytes, int] = {}
        for entry in self.bench.entries:
            facts, _ = parse(entry)
            if isinstance(facts, TapFacts) and facts.accepted and facts.digest:
                rides[facts.digest] = rides.get(facts.digest, 0) + 1
                assert rides[facts.digest] == 1 or facts.family not in (1,), "accepted twice"
            elif isinstance(facts, OutcomeFacts) and facts.reverses and facts.code:
                rides[facts.code] -= 1

    @invariant()
    def the_loop_is_at_rest_and_on_its_ways(self) -> None:
        state = self.bench.loop.state
        assert STATES[state.state] == "READY"
        assert (state.astray, state.unexpected) == (0, 0)

    def begin_anew(self) -> None:
        """A new device: the one before has a long past."""
        self.bench = Bench(senses_passage=True).start()


TestAnyDays = AnyDays.TestCase
TestAnyDays.settings = settings(
    max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)


def test_every_way_of_the_table_is_taken_and_no_other() -> None:
    draw = random.Random(7)
    days, taken = AnyDays(), 0
    days.bench.can_record = False
    days.restart()
    walks: tuple[tuple[int, Callable[[], None]], ...] = (
        (8, lambda: days.show(draw.randrange(6), draw.randrange(6))),
        (4, lambda: days.show_something(draw.choice([b"", b"js:1", b"js:2", b"junk"]), 3)),
        (4, lambda: days.time_passes(draw.randrange(9), draw.choice([None, None, None, -3000, 3000]))),
        (2, lambda: days.an_operator_sets_the_clock(draw.randrange(100))),
        (4, lambda: days.gate_answers(draw.choice(list(GateAnswer)[:1] + list(GateAnswer)[3:]))),
        (2, lambda: days.journal(draw.random() < 0.7)),
        (2, lambda: days.disk(draw.random() < 0.7)),
        (3, lambda: days.passage(draw.randrange(4), draw.choice([GateAnswer.PASSED, GateAnswer.NOT_PASSED]))),
        (1, lambda: days.parameters(draw.choice([0, NOW + 50]))),
        (1, lambda: days.backlog(draw.choice([0, 1, NOW]))),
        (1, days.restart),
    )
    every = (1 << len(WAYS)) - 1
    for _ in range(6000):
        if taken == every:
            break
        draw.choices([walk for _, walk in walks], [weight for weight, _ in walks])[0]()
        days.no_code_rides_twice() if len(days.bench.entries) < 300 else days.begin_anew()
        days.the_loop_is_at_rest_and_on_its_ways()
        taken |= days.bench.loop.state.ways
    assert [way for number, way in enumerate(WAYS) if not taken >> number & 1] == []
