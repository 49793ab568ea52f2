"""The one door of configuration: what is wrong is named, with its place and what to do; nothing is half loaded."""

from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from yima.sdk.issuer import make_root
from yima.validator import _core
from yima.validator.errors import ParametersError
from yima.validator.judging import GateContext, Mode, Validator
from yima.validator.parameters import Parameters, from_mapping, load
from yima.validator.parameters.members import merged

EXPIRES = {1: (2049, 12), 2: (2040, 2), 0x17: (2030, 6)}
ROOTS = [make_root(index, expires) for index, expires in EXPIRES.items()]
CERTIFICATE = ROOTS[0].certificate.hex()
KEY = ROOTS[1].key.public.hex()
FULL: dict[str, Any] = {
    "environment": "test",
    "version": 7,
    "limits": {"versions": [0x80], "max_validity_s": 300, "account_types": [0, 0x41], "account_interval_s": 60},
    "fares": {"bus": 200},
    "roots": [{"certificate": CERTIFICATE}, {"index": 2, "key": KEY, "expires": "2040-02"}],
    "whitelist": [
        {"organisation": "00083010", "platform": "50083010", "city": 310000},
        {"organisation": "01011000", "platform": "01011000", "modes": ["metro"]},
    ],
    "acceptance": {"320500": [310000], "310000": []},
    "deny": [{"account": "31048700000000019999"}, {"first": "1" * 20, "last": "2" * 20}],
    "time_shifts": [{"organisation": "00083010", "shifts_s": [-28800, 28800]}],
}
TOML = """
environment = "test"
version = 3
[limits]
debounce_ms = 1000
[fares]
bus = 200
metro = 300
[[roots]]
file = "roots.bin"
[[whitelist]]
organisation = "00083010"
platform = "50083010"
[acceptance]
320500 = [310000, 320500]
[[deny]]
account = "3104870000000001FFFF"
"""


def test_a_file_is_loaded_with_the_roots_beside_it(tmp_path: Path) -> None:
    (tmp_path / "roots.bin").write_bytes(b"".join(root.certificate for root in ROOTS))
    (tmp_path / "gate.toml").write_text(TOML)
    parameters = load(tmp_path / "gate.toml")
    assert (parameters.environment, parameters.version) == ("test", 3)
    assert parameters.fares_fen == {Mode.BUS: 200, Mode.METRO: 300}
    assert {index: root.expires for index, root in parameters.roots.items()} == EXPIRES
    assert parameters.source == str(tmp_path / "gate.toml")


def test_the_same_values_make_the_same_image() -> None:
    backwards = {key: list(reversed(value)) if isinstance(value, list) else value for key, value in FULL.items()}
    assert from_mapping(FULL).image == from_mapping(backwards).image
    assert from_mapping(FULL).image != from_mapping(FULL | {"version": 8}).image


def spoilt(*path: str | int, value: object) -> dict[str, Any]:
    """FULL with one value replaced or added."""
    head, *rest = path
    if not rest:
        return FULL | {str(head): value}
    inner = FULL[str(head)]
    copy: Any = dict(inner) if isinstance(inner, dict) else [dict(item) for item in inner]
    target = copy if isinstance(copy, dict) or len(rest) == 1 else copy[int(rest[0])]
    target[rest[-1]] = value
    return FULL | {str(head): copy}


@pytest.mark.parametrize(
    ("mapping", "key", "problem", "remedy"),
    [
        (spoilt("environment", value="prod"), "environment", "'prod'", '"production"'),
        (spoilt("version", value="1"), "version", "'1'", "a whole number"),
        (spoilt("version", value=True), "version", "True", "a whole number"),
        (spoilt("speed", value=1), "speed", "no such key", "Known here: environment, "),
        (spoilt("limits", value=5), "limits", "5", "a table"),
        (spoilt("limits", "max_validity", value=5), "limits.max_validity", "no such key", "max_validity_s"),
        (spoilt("limits", "max_validity_s", value=0), "limits.max_validity_s", "0", "from 1 to 65535"),
        (spoilt("limits", "versions", value=[256]), "limits.versions", "256", "from 0 to 255"),
        (spoilt("limits", "versions", value=128), "limits.versions", "128", "a list"),
        (spoilt("fares", "tram", value=5), "fares.tram", "no such key", "bus, metro"),
        (spoilt("fares", "bus", value=-1), "fares.bus", "-1", "from 0"),
        (spoilt("fares", "bus", value=2.5), "fares.bus", "2.5", "whole number"),
        (spoilt("roots", 0, "certificate", value=CERTIFICATE[:-2]), "roots.1.certificate", "", "144 bytes"),
        (spoilt("roots", 0, "certificate", value="00" + CERTIFICATE[2:]), "roots.1.certificate", "signature", "again"),
        (spoilt("roots", 0, "certificate", value=CERTIFICATE[:-2] + "00"), "roots.1.certificate", "signature", "again"),
        (spoilt("roots", 0, "index", value=9), "roots.1.index", "9", "1, the certificate's"),
        (spoilt("roots", 0, "key", value=KEY), "roots.1", "one way", "certificate, or index and key, or file"),
        (spoilt("roots", 1, "index", value=1), "roots.2", "index 1", "Leave one"),
        (spoilt("roots", 1, "key", value="00" * 64), "", "impossible value", "root keys"),
        (spoilt("roots", 1, "expires", value="2040-13"), "roots.2.expires", "2040-13", "2049-12"),
        (spoilt("roots", value=[{"file": "none.bin"}]), "roots.1.file", "none.bin", "relative to"),
        (spoilt("roots", value=[{}]), "roots.1", "one way", "certificate"),
        (spoilt("roots", value={"index": 1}), "roots", "index", "a list"),
        (spoilt("whitelist", 0, "organisation", value="0008301"), "whitelist.1.organisation", "'0008301'", "8 digits"),
        (
            spoilt("whitelist", 0, "organisation", value=83010),
            "whitelist.1.organisation",
            "83010",
            "8 digits in quotes",
        ),
        (spoilt("whitelist", 1, "modes", value=["tram"]), "whitelist.2.modes", "tram", '"bus"'),
        (spoilt("whitelist", 1, "modes", value=[]), "whitelist.2.modes", "[]", '"bus"'),
        (spoilt("whitelist", 1, "colour", value=1), "whitelist.2.colour", "no such key", "modes"),
        (spoilt("whitelist", value=FULL["whitelist"] * 2), "whitelist.3", "twice", "Leave one"),
        (spoilt("acceptance", value=[1]), "acceptance.1", "1", "a table"),
        (spoilt("acceptance", value=1), "acceptance", "1", "tables"),
        (spoilt("acceptance", "Suzhou", value=[]), "acceptance.Suzhou", "'Suzhou'", "6 digits"),
        (spoilt("acceptance", "320500", value=[3]), "acceptance.320500", "3", "100000"),
        (spoilt("deny", 0, "account", value="123"), "deny.1", "", "20 digits"),
        (spoilt("deny", 0, "last", value="9" * 20), "deny.1", "neither", "first and last"),
        (spoilt("deny", 1, "first", value="9" * 20), "deny.2", "behind", "Exchange"),
        (spoilt("deny", 1, "last", value="2" * 19 + "F"), "deny.2", "differ in length", "equal length"),
        (spoilt("time_shifts", 0, "shifts_s", value=[100_000]), "time_shifts.1.shifts_s", "100000", "86400"),
    ],
)
def test_an_error_names_the_key_and_the_remedy(mapping: dict[str, Any], key: str, problem: str, remedy: str) -> None:
    with pytest.raises(ParametersError) as caught:
        from_mapping(mapping, source="gate.toml")
    assert caught.value.thing == (f"gate.toml: {key}" if key else "gate.toml")
    assert problem in caught.value.problem.en
    assert remedy in caught.value.remedy.en
    assert caught.value.problem.zh
    assert caught.value.remedy.zh


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("max_validity_s", 1, 65535), ("future_tolerance_s", 0, 86400), ("debounce_ms", 0, 600_000),
        ("account_interval_s", 0, 86400), ("lists_max_age_s", 0, 0x7FFFFFFF), ("offline_max_s", 0, 0x7FFFFFFF),
        ("taps_per_minute", 1, 6000),
    ],
)  # fmt: skip
def test_a_limit_may_be_each_of_its_bounds_and_nothing_beyond(name: str, least: int, most: int) -> None:
    for bound, beyond in ((least, least - 1), (most, most + 1)):
        from_mapping(FULL | {"limits": {name: bound}})
        with pytest.raises(ParametersError, match=rf"limits\.{name}"):
            from_mapping(FULL | {"limits": {name: beyond}})


def test_a_wrong_value_is_shown_whole_up_to_sixty_characters() -> None:
    for length, shown in ((58, "'" + "x" * 58 + "'"), (59, "'" + "x" * 56 + "...")):
        with pytest.raises(ParametersError) as caught:
            from_mapping(spoilt("environment", value="x" * length))
        assert caught.value.problem.en == f"{shown} is not what belongs here"


def test_an_account_of_the_deny_list_stays_out_of_messages() -> None:
    with pytest.raises(ParametersError) as caught:
        from_mapping(spoilt("deny", 0, "account", value="3104870000000001999X"))
    assert "31048700" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"version = \n", "line 1"), (b"a = 1\na = 2\n", "line 2"), (b"\xff\xfe", "decode"), (None, "No such file")],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None, problem: str) -> None:
    path = tmp_path / "gate.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ParametersError, match=problem) as caught:
        load(path)
    assert caught.value.thing == str(path)


def test_a_file_of_roots_must_be_whole(tmp_path: Path) -> None:
    (tmp_path / "gate.toml").write_text(TOML)
    for content in (b"", ROOTS[0].certificate[:-1]):
        (tmp_path / "roots.bin").write_bytes(content)
        with pytest.raises(ParametersError, match="144 bytes each"):
            load(tmp_path / "gate.toml")


def test_a_name_that_no_file_can_have_is_an_error_at_its_key(tmp_path: Path) -> None:
    (tmp_path / "gate.toml").write_text(TOML.replace("roots.bin", "a\\u0000b"))
    with pytest.raises(ParametersError, match=r"roots\.1\.file.* cannot be read"):
        load(tmp_path / "gate.toml")


IMAGE = bytes(from_mapping(FULL).image)


def opens(image: bytes) -> bool:
    try:
        _core.parameters_check(image)
    except ValueError as error:
        assert " at byte " in str(error)
        return False
    return True


def test_the_core_opens_what_was_built_and_looks_at_nothing_behind_it() -> None:
    assert opens(IMAGE)
    assert opens(IMAGE + b"\xff" * 100)


def test_an_image_cut_short_anywhere_is_refused() -> None:
    assert not any(opens(IMAGE[:size]) for size in range(len(IMAGE)))


@given(st.binary(max_size=300))
def test_any_bytes_can_be_tried_as_an_image(content: bytes) -> None:
    assert not opens(content)
    assert not opens(IMAGE[:8] + content)


@given(st.lists(st.tuples(st.integers(0, len(IMAGE) - 1), st.integers(0, 255)), min_size=1, max_size=4), st.binary())
def test_a_mutated_image_is_refused_or_judges_without_harm(changes: list[tuple[int, int]], payload: bytes) -> None:
    mutated = bytearray(IMAGE)
    for at, value in changes:
        mutated[at] = value
    image = bytes(mutated)
    if opens(image):
        parameters = Parameters(environment="test", version=0, image=image, fares_fen={}, roots={}, source="mutated")
        validator = Validator(parameters, GateContext(mode=Mode.BUS), table_bytes=0)
        assert not validator.judge(payload, 0).accepted
    else:
        with pytest.raises(ValueError, match="at byte"):
            _core.Validator(image, 1, 0, 8, 0)


def rebuilt(section: int, change: dict[int, bytes]) -> bytes:
    """IMAGE with bytes of the directory entry of a section, or of the header (section -1), replaced."""
    image = bytearray(IMAGE)
    start = 20 + 12 * section if section >= 0 else 0
    for at, value in change.items():
        image[start + at : start + at + len(value)] = value
    return bytes(image)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (b"", "truncated at byte 0"),
        (rebuilt(-1, {0: b"X"}), "not a parameter image of this format at byte 0"),
        (rebuilt(-1, {4: b"\0\1"}), "not a parameter image of this format at byte 4"),
        (rebuilt(-1, {8: b"\xff\xff\xff\xff"}), "truncated at byte 8"),
        (rebuilt(-1, {6: b"\xff\xff"}), "truncated at byte 8"),
        (rebuilt(-1, {12: b"\3"}), "impossible value at byte 12"),
        (rebuilt(-1, {12: b"\0"}), "impossible value at byte 12"),
        (rebuilt(-1, {13: b"\1"}), "impossible value at byte 12"),
        (rebuilt(-1, {15: b"\1"}), "impossible value at byte 12"),
        (rebuilt(0, {0: b"\0\0"}), "bad section at byte 20"),
        (rebuilt(0, {0: b"\0\x18"}), "bad section at byte 20"),
        (rebuilt(0, {0: b"\0\x08"}), "bad section at byte 20"),
        (rebuilt(0, {4: b"\0\0\0\0"}), "bad section at byte 20"),
        (rebuilt(1, {0: b"\0\1"}), "bad section at byte 32"),
        (rebuilt(1, {2: b"\0\7"}), "bad section at byte 32"),
        (rebuilt(1, {4: b"\xff\xff\xff\xff"}), "bad section at byte 32"),
        (rebuilt(1, {8: b"\0\0\0\1"}), "bad section at byte 32"),
        (rebuilt(1, {8: b"\xff\xff\xff\xff"}), "bad section at byte 32"),
        (rebuilt(-1, {6: b"\0\0"}), "bad section at byte 20"),
        # Section 10 was transfer discounts; now no size of its rows is right.
        (rebuilt(1, {0: b"\0\x0a", 2: b"\0\x14"}), "bad section at byte 32"),
        (rebuilt(1, {0: b"\0\x0a", 2: b"\0\0"}), "bad section at byte 32"),
    ],
)
def test_the_door_says_what_is_wrong_with_an_image_and_where(image: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        _core.parameters_check(image)


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda pair: (min(pair), max(pair))), max_size=12)
)
def test_merged_ranges_hold_the_same_accounts_and_do_not_overlap(ranges: list[tuple[int, int]]) -> None:
    result = merged([(bytes([low]), bytes([high])) for low, high in ranges])
    assert all(before[1] < after[0] for before, after in pairwise(result))
    held = {value for low, high in result for value in range(low[0], high[0] + 1)}
    assert held == {value for low, high in ranges for value in range(low, high + 1)}


@given(st.binary(max_size=60), st.none() | st.floats(0, 1))
@example(b"version = " + b"1" * 5000, None)
@example(b"a = " + b"[" * 2000, None)
@example(b"\xef\xbb\xbf", 0.0)
@example(b"[[roots]]\n", 0.5)
def test_any_bytes_as_a_file_are_parameters_or_the_one_error(content: bytes, at: float | None) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "gate.toml")
        whole = b"" if at is None else TOML.encode()
        start = int((at or 0) * len(whole))
        path.write_bytes(whole[:start] + content + whole[start:])
        try:
            load(path)
        except ParametersError as refused:
            assert str(path) in refused.thing
