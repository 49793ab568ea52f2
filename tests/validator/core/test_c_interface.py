"""What yima/core.h promises a vendor beyond what the Python face ever asks for: NULL, too little room, odd numbers."""

import ctypes
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.packages_world import package
from tests.validator.core.c_library import STRINGS, AppliedRule, CGate, Trip, Verdict, core_library, strings_of
from yima.sdk.issuer import Rider
from yima.sdk.parameters.denylist import Changes, build
from yima.validator import _core
from yima.validator.deny.denylist import DenyList
from yima.validator.journal.facts import TapFacts
from yima.validator.judging import Mode, Reason
from yima.validator.parameters import from_mapping, from_rules
from yima.validator.parameters.rules import Fare, Rules

NewRider = Callable[..., Rider]
TOKEN = b"example-js:0001"
BAD_ARGUMENT, MEMORY_TOO_SMALL = 1, 2
RESOLVED = {"family": "sufu", "prefix": "example-js:", "city": 320000}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    return core_library(tmp_path_factory)


@pytest.fixture
def image(mapping: dict[str, Any]) -> bytes:
    limits = {"families": ["ministry", "sufu"]}
    return bytes(from_mapping(mapping | {"limits": limits, "resolved": [RESOLVED]}).image)


def record(library: ctypes.CDLL, capacity: int, code: bytes, verdict: Verdict, trip: Trip) -> bytes:
    """What yima_record_write made; empty if it refused. It must not touch a byte behind its capacity."""
    out = (ctypes.c_uint8 * (capacity + 64))(*[0xEE] * (capacity + 64))
    size: int = library.yima_record_write(
        out, ctypes.c_size_t(capacity), code, ctypes.c_size_t(len(code)), ctypes.byref(verdict), ctypes.byref(trip)
    )
    assert bytes(out)[capacity:] == b"\xee" * 64
    assert size <= capacity
    return bytes(out)[:size]


def test_names_of_numbers_that_do_not_exist_are_unknown_and_never_null(library: ctypes.CDLL) -> None:
    assert library.yima_family_name(99) == b"unknown"
    assert library.yima_family_name(0) == b"unknown"
    assert library.yima_package_error_name(99) == b"unknown"
    assert library.yima_package_error_name(-1) == b"unknown"


def test_what_lies_behind_a_payload_in_memory_does_not_say_what_kind_it_is(library: ctypes.CDLL) -> None:
    payloads = [b"https://s.sh.gov.cn/0420abcd##", b"http://example.com", b"6212345678901234567", b"TX0123456789"]
    for payload in payloads:
        for length in range(len(payload)):
            found = library.yima_family_name(library.yima_family_of(payload, ctypes.c_size_t(length)))
            assert found == _core.family_of(payload[:length]).encode(), payload[:length]


def test_whoever_does_not_ask_where_an_error_lies_is_told_the_error_all_the_same(
    library: ctypes.CDLL, image: bytes
) -> None:
    room = ctypes.create_string_buffer(65536)
    full = build(Changes(), environment="test", version=1, issued_at=1)
    increment = build(Changes(), environment="test", version=2, issued_at=2, base=DenyList(full))
    calls: list[tuple[Any, bytes]] = [
        (partial(library.yima_parameters_open, room), image),
        (partial(library.yima_package_open, room), package(1)),
        (library.yima_deny_verify, full),
        (partial(library.yima_deny_open, room), full),
        (partial(library.yima_deny_add, room), increment),  # upon the list just opened
    ]
    for call, good in calls:
        assert call(good[:50], ctypes.c_size_t(50), None) != 0
        assert call(good, ctypes.c_size_t(len(good)), None) == 0


def test_what_lies_behind_an_image_in_memory_changes_no_answer(library: ctypes.CDLL, image: bytes) -> None:
    room, offset = ctypes.create_string_buffer(65536), ctypes.c_size_t()
    deny = build(Changes(), environment="test", version=1, issued_at=1)
    calls: list[tuple[Any, bytes]] = [
        (partial(library.yima_parameters_open, room), image[:1000]),
        (partial(library.yima_package_open, room), package(1)[:1000]),
        (partial(library.yima_deny_open, room), deny),
    ]
    for call, good in calls:
        for size in range(len(good)):
            answers = set()
            for behind in (b"", b"\xff" * 64, good[size:]):
                error = call(good[:size] + behind, ctypes.c_size_t(size), ctypes.byref(offset))
                answers.add((error, offset.value))
            assert len(answers) == 1, size


def test_what_is_no_deny_list_is_refused_by_the_look_at_every_byte_too(library: ctypes.CDLL) -> None:
    offset = ctypes.c_size_t(99)
    assert library.yima_deny_verify(b"YIMP" + bytes(200), ctypes.c_size_t(204), ctypes.byref(offset)) == 2
    assert offset.value == 0


def test_a_package_of_too_many_signatures_says_no_size(library: ctypes.CDLL) -> None:
    good = package(1)
    count_at = 128 + 33 * good[104]
    for count, size in ((0, 4), (16, 4), (17, 0), (255, 0)):
        start = good[:count_at] + bytes([count])
        found: int = library.yima_package_size(start, ctypes.c_size_t(len(start)))
        assert (found > 0) is (size > 0), count
    assert library.yima_package_size(good, ctypes.c_size_t(count_at)) == 0


@pytest.mark.parametrize(("mode", "merchant"), [(1, b"4131"), (2, b"4111")])
def test_a_record_is_written_whole_or_not_at_all(library: ctypes.CDLL, mode: int, merchant: bytes) -> None:
    verdict = Verdict(accepted=1, fare_fen=200)
    trip = Trip(terminal_time=5, mode=mode, **strings_of(STRINGS, "苏E"))
    whole = record(library, 4096, b"code", verdict, trip)
    assert _core.record_check(whole)
    assert record(library, len(whole), b"code", verdict, trip) == whole
    for capacity in range(len(whole)):
        assert record(library, capacity, b"code", verdict, trip) == b""
    assert b"\x00\x06\x00\x04" + merchant in record(library, 4096, b"code", verdict, Trip(mode=mode))


def test_a_record_of_a_mode_without_a_merchant_type_leaves_the_tag_out(library: ctypes.CDLL) -> None:
    ride = Verdict(accepted=1)
    for mode in (0, 3):
        assert b"\x00\x06\x00\x04" not in record(library, 4096, b"code", ride, Trip(mode=mode))
        named = record(library, 4096, b"code", ride, Trip(mode=mode, merchant_type=b"4789"))
        assert b"\x00\x06\x00\x044789" in named


def test_the_rules_of_a_fare_are_told_by_name_and_those_without_one_are_left_out(
    library: ctypes.CDLL,
) -> None:
    fares = [Fare(rule="bus-flat", mode=Mode.BUS, fen=200), Fare(rule="n" * 31, mode=Mode.METRO, fen=300)]
    image = bytes(from_rules(Rules(environment="test", version=1, fares=fares), "these rules").image)
    parameters, out = ctypes.create_string_buffer(65536), ctypes.create_string_buffer(200)
    assert library.yima_parameters_open(parameters, image, ctypes.c_size_t(len(image)), None) == 0
    library.yima_rule_text.restype = ctypes.c_size_t

    def text(*numbers: int) -> bytes:
        verdict = Verdict(rule_count=len(numbers), rules=tuple(AppliedRule(number=number) for number in numbers))
        size: int = library.yima_rule_text(parameters, ctypes.byref(verdict), out)
        assert out.raw[size] == 0
        return out.raw[:size]

    assert text() == b""
    assert text(1) == b"bus-flat"
    assert text(0, 1, 99, 2) == b"bus-flat+" + b"n" * 31
    assert text(2, 2, 2, 2) == b"+".join([b"n" * 31] * 4)


def test_a_refused_tap_has_no_record_of_the_ministrys(library: ctypes.CDLL) -> None:
    assert record(library, 4096, b"code", Verdict(accepted=0, reason=64), Trip(mode=1)) == b""


def test_what_a_tag_cannot_hold_is_refused(library: ctypes.CDLL) -> None:
    ride = Verdict(accepted=1)
    assert record(library, 70_000, bytes(65_535), ride, Trip(mode=1))
    assert record(library, 70_000, bytes(65_536), ride, Trip(mode=1)) == b""
    assert record(library, 700, b"", ride, Trip(mode=1, plate=b"x" * 255))
    assert record(library, 700, b"", ride, Trip(mode=1, plate=b"x" * 256)) == b""


def test_whoever_opens_for_every_accepted_verdict_opens_once_for_a_code_in_view(
    library: ctypes.CDLL, image: bytes, new_rider: NewRider, now: int
) -> None:
    """`if (v.accepted) open();` is what a vendor writes."""
    gate = CGate(library, image)
    code = new_rider().code(now)
    verdicts = [gate.judge(code, now + second) for second in (0, 1, 1)]
    assert [(verdict.accepted, verdict.again, verdict.was_accepted) for verdict in verdicts] == [
        (1, 0, 0), (0, 1, 1), (0, 1, 1),
    ]  # fmt: skip
    assert {verdict.reason for verdict in verdicts} == {Reason.ACCEPTED}


def test_only_a_question_can_be_settled(library: ctypes.CDLL, image: bytes, new_rider: NewRider, now: int) -> None:
    gate = CGate(library, image)
    code = new_rider().code(now)
    accepted = gate.judge(code, now)
    before = bytes(accepted)
    gate.settle(code, now, Reason.RESOLVER_REFUSED, accepted)
    assert bytes(accepted) == before, "a verdict that asked nobody"
    asked = gate.judge(TOKEN, now)
    assert asked.reason == Reason.NEEDS_RESOLVER
    before = bytes(asked)
    for other in (b"weather is fine", b"\x80\x01\x49\x24"):
        gate.settle(other, now, 0, asked)
        assert bytes(asked) == before, "bytes of a family that asks nobody"
    gate.settle(TOKEN, now, 0, asked)
    assert (asked.accepted, asked.reason, asked.vouched) == (1, 0, 1)


def test_only_an_accepted_verdict_of_its_own_can_be_taken_back(
    library: ctypes.CDLL, image: bytes, new_rider: NewRider, now: int
) -> None:
    gate = CGate(library, image)
    code = new_rider().code(now)
    accepted = gate.judge(code, now)
    assert accepted.accepted
    for change in ({"accepted": 0}, {"again": 1}, {"has_digest": 0}):
        spoilt = Verdict.from_buffer_copy(accepted)
        for name, value in change.items():
            setattr(spoilt, name, value)
        gate.retract(spoilt)
        assert gate.judge(code, now + 10).reason == Reason.REPEATED
    gate.retract(accepted)
    assert gate.judge(code, now + 20).accepted


def test_a_gate_whose_memory_does_not_do_refuses_everybody(
    library: ctypes.CDLL, image: bytes, new_rider: NewRider, now: int
) -> None:
    for entries in (0, 7):
        gate = CGate(library, image, entries=entries)
        assert gate.status == MEMORY_TOO_SMALL
        assert gate.judge(new_rider().code(now), now).reason == Reason.NO_PARAMETERS
    assert CGate(library, image, mode=0).status == BAD_ARGUMENT
    assert CGate(library, image).status == 0


def test_a_verdict_is_settled_once(library: ctypes.CDLL, image: bytes, now: int) -> None:
    gate = CGate(library, image)
    asked = gate.judge(TOKEN, now)
    copy = Verdict.from_buffer_copy(asked)
    assert gate.settle(TOKEN, now, 0, asked) == 0
    assert gate.settle(TOKEN, now, 0, asked) == BAD_ARGUMENT
    assert gate.settle(TOKEN, now, 0, copy) == 0
    assert (copy.accepted, copy.reason) == (0, Reason.REPEATED), "a copy kept from before opens nothing"


@pytest.mark.parametrize("tables", [1, 63, 2047])
def test_memory_too_small_for_a_table_is_left_alone(
    library: ctypes.CDLL, image: bytes, new_rider: NewRider, now: int, tables: int
) -> None:
    gate = CGate(library, image, tables=tables)
    rider = new_rider()
    assert all(gate.judge(rider.code(now + i), now + i).accepted for i in range(4))
    assert not gate.idle()


def test_without_parameters_there_is_nothing_to_do_in_idle_time(library: ctypes.CDLL, image: bytes) -> None:
    gate = CGate(library, image, tables=1 << 16)
    assert gate.idle(), "a root's table"
    assert library.yima_validator_use(gate.pointer, None) == 0
    assert not gate.idle()


def test_a_rule_without_a_name_is_a_fact_without_one(library: ctypes.CDLL, image: bytes) -> None:
    gate = CGate(library, image)
    for number in (0, 999):
        verdict = Verdict(accepted=1, fare_fen=200, gross_fen=200, rule_count=1)
        verdict.rules[0] = AppliedRule(number=number, kind=1, fen=200)
        facts = gate.facts(verdict)
        assert isinstance(facts, TapFacts)
        assert [(rule.number, rule.fen, rule.name) for rule in facts.rules] == [(number, 200, "")]


@pytest.mark.parametrize(("mode", "direction", "status"), [(1, 2, 0), (1, 3, BAD_ARGUMENT), (2, 1, BAD_ARGUMENT)])
def test_a_bus_is_where_it_says_and_a_metro_gate_where_it_stands(
    library: ctypes.CDLL, image: bytes, mode: int, direction: int, status: int
) -> None:
    gate = CGate(library, image, mode=mode)
    assert library.yima_validator_place(gate.pointer, 7, 101, direction) == status
