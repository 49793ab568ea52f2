"""The demonstration's world: a correct validator answers every presentation as the world expects."""

from random import Random

import pytest

from yima.hwsim.demo.cast import ODD, make_cast
from yima.hwsim.demo.city_package import write_package
from yima.hwsim.demo.fares import GATES, NO_FARE
from yima.hwsim.demo.world import World, make_world, write_script
from yima.validator.judging import GateContext, Moment, Reason, Validator
from yima.validator.parameters import Mode, Parameters
from yima.validator.readers.framing import Framer

NOW = 1_795_400_000  # 2026-11-23


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(60, 1, NOW)


@pytest.fixture(scope="module")
def parameters(world: World, tmp_path_factory: pytest.TempPathFactory) -> Parameters:
    return write_package(world.cast, tmp_path_factory.mktemp("package"), NOW).load(NOW)


@pytest.fixture
def gates(parameters: Parameters) -> dict[Mode, Validator]:
    return {mode: Validator(parameters, gate) for mode, gate in GATES.items()}


@pytest.mark.parametrize("step_ms", [100, 500])
def test_a_validator_answers_every_presentation_as_the_world_expects(
    world: World, gates: dict[Mode, Validator], step_ms: int
) -> None:
    shown: dict[int, bytes] = {}
    left_ms: dict[int, int] = {}
    tick_ms = 0
    for one in world.script:
        tick_ms += step_ms
        if one.repeats is not None:
            tick_ms = max(tick_ms, left_ms[one.repeats] + int(one.rest_s * 1000))
        now = Moment(unix_s=NOW + tick_ms // 1000, tick_ms=tick_ms)
        shown[one.number] = world.payload(one, now.unix_s, shown)
        verdict = gates[one.mode].judge(shown[one.number], now)
        if one.jams:  # a good code, whose ride is taken back
            assert verdict.accepted
            gates[one.mode].retract(verdict)
            left_ms[one.number] = tick_ms
            continue
        assert (verdict.reason, verdict.again) == (one.expects, one.again), one
        assert (verdict.fare_fen, verdict.rule) == one.price, one
        left_ms[one.number] = tick_ms


def test_each_act_alone_is_refused_for_its_own_reason_at_a_gate_that_has_seen_nothing(
    world: World, gates: dict[Mode, Validator]
) -> None:
    for act in ODD:
        payload = act.make(world.cast, world.cast.person(act, Random(1)), NOW)
        for mode in [act.only] if act.only else list(Mode):
            assert gates[mode].judge(payload, NOW).reason is act.expects, act


def test_what_is_shown_comes_through_a_scanner_as_it_is(world: World) -> None:
    for act in ODD:
        payload = act.make(world.cast, world.cast.person(act, Random(1)), NOW)
        framer = Framer()
        readings = framer.feed(payload + b"\r", 0)
        readings += framer.silence(10**12)
        assert [reading.payload for reading in readings] == [payload], act


def test_riders_of_every_city_pass_at_both_gates(world: World, gates: dict[Mode, Validator]) -> None:
    assert len({person.city for person in world.cast.riders}) >= 10
    for person in world.cast.riders:
        assert person.rider is not None
        for gate in gates.values():
            assert gate.judge(person.rider.code(NOW), NOW).accepted, person.name


def test_a_neighbours_senior_pays_what_a_local_senior_pays_and_another_citys_pays_in_full(
    world: World, gates: dict[Mode, Validator]
) -> None:
    paid: dict[str, tuple[int, str]] = {}
    for person in world.cast.riders:
        if person.senior or person.name.en == "Pine":
            assert person.rider is not None
            verdict = gates[Mode.BUS].judge(person.rider.code(NOW), NOW)
            paid[f"{person.city.name.en}{' senior' if person.senior else ''}"] = (verdict.fare_fen, verdict.rule)
    assert paid == {
        "Suzhou": (200, "suzhou-bus"),
        "Suzhou senior": (100, "suzhou-bus+suzhou-senior"),
        "Shanghai senior": (100, "suzhou-bus+suzhou-senior-zone"),
        "Jiaxing senior": (100, "suzhou-bus+suzhou-senior-zone"),
        "Hefei senior": (200, "suzhou-bus"),
    }


def test_the_same_gates_elsewhere_charge_by_their_own_rules(world: World, parameters: Parameters) -> None:
    person = next(one for one in world.cast.riders if one.city.name.en == "Suzhou" and one.senior)
    assert person.rider is not None
    bus = Validator(parameters, GateContext(mode=Mode.BUS, city=310000))
    assert bus.judge(person.rider.code(NOW), NOW).rule == "bus-flat+shanghai-senior-zone"


def test_sixty_presentations_hold_everything_that_can_happen(world: World) -> None:
    assert len(world.script) == 60
    assert {one.expects for one in world.script} >= {act.expects for act in ODD} | {Reason.ACCEPTED, Reason.REPEATED}
    assert any(one.again for one in world.script)
    jammed = next(one for one in world.script if one.jams)
    (retry,) = [one for one in world.script if one.repeats == jammed.number]
    assert (jammed.expects, retry.expects, retry.mode) == (Reason.GATE_FAILED, Reason.ACCEPTED, Mode.METRO)
    assert sum(one.expects is Reason.ACCEPTED for one in world.script) >= 30
    for mode in Mode:
        at_this_gate = [one for one in world.script if one.mode is mode]
        assert len(at_this_gate) >= 24
        assert len({one.person.city for one in at_this_gate if one.expects is Reason.ACCEPTED}) >= 6
    rules = "+".join(one.price.rule for one in world.script).split("+")
    assert set(rules) - {""} == {
        "suzhou-bus",
        "suzhou-senior",
        "suzhou-senior-zone",
        "shanghai-metro-1",
        "shanghai-senior",
        "shanghai-senior-zone",
        "shanghai-metro-over-time",
    }


def test_a_refused_presentation_costs_nothing(world: World) -> None:
    for one in world.script:
        assert (one.price == NO_FARE) == (one.expects is not Reason.ACCEPTED)


def test_twenty_presentations_still_hold_the_main_cases(world: World) -> None:
    told = {one.expects for one in write_script(world.cast, 20, Random(7), NOW)}
    assert told >= {
        Reason.ACCEPTED,
        Reason.REPEATED,
        Reason.CODE_EXPIRED,
        Reason.ISSUER_SIGNATURE,
        Reason.UNKNOWN_FAMILY,
        Reason.CAP_ZERO,
        Reason.CITY_NOT_ACCEPTED,
    }


@pytest.mark.parametrize("taps", [0, 1, 3, 4, 5, 150])
def test_a_script_has_as_many_presentations_as_asked_for(world: World, taps: int) -> None:
    script = write_script(world.cast, taps, Random(3), NOW)
    assert [one.number for one in script] == list(range(1, taps + 1))
    for one in script:
        if one.repeats is not None:
            assert one.repeats < one.number
            assert script[one.repeats - 1].mode is one.mode


def test_the_same_seed_tells_the_same_story(world: World) -> None:
    assert write_script(world.cast, 60, Random(5), NOW) == write_script(world.cast, 60, Random(5), NOW)
    assert write_script(world.cast, 60, Random(5), NOW) != write_script(world.cast, 60, Random(6), NOW)


def test_a_fresh_code_is_fresh_and_a_screenshot_is_the_same_bytes(world: World) -> None:
    good = next(one for one in world.script if one.expects is Reason.ACCEPTED)
    assert world.payload(good, NOW, {}) != world.payload(good, NOW + 1, {})
    repeat = next(one for one in world.script if one.expects is Reason.REPEATED)
    assert repeat.repeats is not None
    assert world.payload(repeat, NOW, {repeat.repeats: b"as before"}) == b"as before"


def test_everybody_is_plainly_synthetic() -> None:
    cast = make_cast(NOW)
    for person in [*cast.riders, *cast.special.values()]:
        assert person.rider is not None
        assert b"TEST-RIDER-" in person.rider.authorised
    assert all(institution.organisation.startswith("99") for institution in cast.institutions)
