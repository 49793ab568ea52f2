"""Rows for families beside the ministry's code: written as TOML, packed, checked by the core, read back."""

from typing import Any

import pytest

from yima.sdk.sm2 import SigningKey
from yima.validator import _core
from yima.validator.errors import ParametersError
from yima.validator.parameters import from_mapping
from yima.validator.parameters.family_rules import FamilyRules, Resolved, read, resolved_for, rows
from yima.validator.parameters.rules import Mode

KEYS = [SigningKey.from_int(number).public for number in (11, 12, 13)]
RULES: dict[str, Any] = {
    "suishen_keys": [{"index": 2, "key": KEYS[0].hex()}, {"index": 1, "key": KEYS[1].hex()}],
    "suishen_transport_keys": [{"index": 1, "key": KEYS[2].hex(), "modes": ["bus"]}],
    "ministry_226_keys": [{"id": "0A000001", "key": KEYS[0].hex(), "cap_fen": 1000, "city": 310000}],
    "resolved": [
        {"family": "sufu", "prefix": "js:", "city": 320000, "deadline_ms": 500, "remember_s": 60}
        | {"at_risk_fen": 1000, "at_risk_rides": 3},
        {"family": "anhui", "prefix_hex": "00ff00", "modes": ["metro"]},
    ],
}


def image(**rules: Any) -> bytes:
    return bytes(from_mapping({"environment": "test", "version": 1} | rules).image)


def test_what_was_written_is_read_back() -> None:
    found = read(image(**RULES))
    assert [(row.index, row.key) for row in found.suishen_keys] == [(1, KEYS[1]), (2, KEYS[0])]
    [transport] = found.transport_keys
    assert (transport.index, transport.key, transport.modes) == (1, KEYS[2], (Mode.BUS,))
    [old] = found.ministry_226_keys
    assert (old.key_id, old.key, old.cap_fen, old.city, old.modes) == (
        "0a000001", KEYS[0], 1000, 310000, (Mode.BUS, Mode.METRO),
    )  # fmt: skip
    assert found.resolved == (
        Resolved(family="anhui", prefix=b"\x00\xff\x00", modes=(Mode.METRO,)),
        Resolved(
            family="sufu", prefix=b"js:", city=320000, deadline_ms=500, remember_s=60, at_risk_fen=1000, at_risk_rides=3
        ),
    )


def test_parameters_without_such_families_hold_none_of_it() -> None:
    found = read(image())
    assert not (found.suishen_keys or found.transport_keys or found.ministry_226_keys or found.resolved)


def test_the_row_of_a_code_is_the_one_the_core_judged_it_by() -> None:
    tables = [{"family": "sufu", "prefix": "js:"}, {"family": "sufu", "prefix": "js:new:", "deadline_ms": 100}]
    found = read(image(resolved=tables))
    assert resolved_for(found, "sufu", b"js:1") == Resolved(family="sufu", prefix=b"js:")
    assert resolved_for(found, "sufu", b"js:new:1") == Resolved(family="sufu", prefix=b"js:new:", deadline_ms=100)
    assert resolved_for(found, "sufu", b"js") is None
    assert resolved_for(found, "anhui", b"js:1") is None


@pytest.mark.parametrize(
    ("section", "wrong", "key"),
    [
        ("suishen_keys", {"index": 256}, "index"),
        ("suishen_keys", {"key": "00"}, "key"),
        ("suishen_keys", {"modes": ["bus"]}, "modes"),
        ("suishen_transport_keys", {"modes": ["tram"]}, "modes"),
        ("ministry_226_keys", {"id": "0A0001"}, "id"),
        ("ministry_226_keys", {"cap_fen": 0}, "cap_fen"),
        ("ministry_226_keys", {"city": 1_000_000}, "city"),
        ("resolved", {"family": "wechat"}, "family"),
        ("resolved", {"family": "nobody's"}, "family"),
        ("resolved", {"family": 10}, "family"),
        ("resolved", {"deadline_ms": 0}, "deadline_ms"),
        ("resolved", {"deadline_ms": 10_001}, "deadline_ms"),
        ("resolved", {"remember_s": 0}, "remember_s"),
        ("resolved", {"remember_s": 604_801}, "remember_s"),
        ("resolved", {"at_risk_fen": -1}, "at_risk_fen"),
        ("resolved", {"at_risk_fen": 0x1000000}, "at_risk_fen"),
        ("resolved", {"at_risk_rides": -1}, "at_risk_rides"),
        ("resolved", {"at_risk_rides": 1_000_001}, "at_risk_rides"),
    ],
)
def test_a_slip_is_named_with_its_key(section: str, wrong: dict[str, Any], key: str) -> None:
    with pytest.raises(ParametersError) as caught:
        image(**{section: [RULES[section][0] | wrong]})
    assert caught.value.thing == f"parameters: {section}.1.{key}"


def test_nothing_is_at_risk_unless_the_parameters_say_how_much() -> None:
    [plain] = read(image(resolved=[{"family": "sufu", "prefix": "js:"}])).resolved
    assert (plain.at_risk_fen, plain.at_risk_rides) == (0, 0)
    assert (plain.deadline_ms, plain.remember_s, plain.city) == (800, 300, 0)


def test_what_is_at_risk_reaches_to_its_bounds() -> None:
    bounds = {"at_risk_fen": 0xFFFFFF, "at_risk_rides": 1_000_000, "deadline_ms": 10_000, "remember_s": 604_800}
    [most] = read(image(resolved=[{"family": "sufu", "prefix": "js:"} | bounds])).resolved
    assert {name: getattr(most, name) for name in bounds} == bounds


@pytest.mark.parametrize("family", ["wechat", "nobody's"])
def test_a_row_of_a_family_that_nobody_is_asked_about_is_refused_by_its_name(family: str) -> None:
    with pytest.raises(ParametersError, match=family) as caught:
        rows(FamilyRules(resolved=[Resolved(family=family, prefix=b"x")]))
    assert caught.value.remedy.en == "Name one of sufu, anhui, zhejiang"


@pytest.mark.parametrize("section", ["suishen_keys", "suishen_transport_keys", "ministry_226_keys"])
def test_a_key_stands_once_and_lies_on_the_curve(section: str) -> None:
    row = RULES[section][0]
    with pytest.raises(ParametersError, match=r"twice|重复"):
        image(**{section: [row, row]})
    with pytest.raises(ParametersError, match=r"core|核心"):
        image(**{section: [row | {"key": "11" * 64}]})


@pytest.mark.parametrize(
    ("section", "at", "value"),
    [
        (20, 1, 1), (21, 1, 0), (21, 1, 4), (21, 2, 1), (22, 12, 0), (22, 12, 4), (22, 13, 1), (22, 11, None),
        (23, 32, 0), (23, 32, 33), (23, 5, 1), (23, 33, 1), (23, 34, 0), (23, 35, 1),
    ],
)  # fmt: skip
def test_the_core_takes_no_row_that_cannot_be(section: int, at: int, value: int | None) -> None:
    rules = RULES | {"resolved": [RULES["resolved"][0]]}
    good = image(**rules)
    for entry in range(20, 20 + 12 * int.from_bytes(good[6:8]), 12):
        if int.from_bytes(good[entry : entry + 2]) == section:
            start = int.from_bytes(good[entry + 8 : entry + 12])
    changed = bytearray(good)
    if value is None:
        changed[start + 8 : start + 12] = bytes(4)  # a cap of nothing
    else:
        changed[start + at] = value
    _core.parameters_check(good)
    with pytest.raises(ValueError, match="impossible"):
        _core.parameters_check(bytes(changed))
