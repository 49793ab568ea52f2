"""The image of the rules: what goes in comes out, the same rules make the same bytes, and any bytes are safe."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import parameter_layout
from yima.sdk.issuer import make_root
from yima.validator import _core
from yima.validator.judging import Direction, GateContext, Validator
from yima.validator.parameters import Parameters
from yima.validator.parameters.image import build
from yima.validator.parameters.reading import read, read_limits, read_reader
from yima.validator.parameters.rules import (
    OPEN,
    Acceptance,
    By,
    Calendar,
    Choice,
    Concession,
    Decoder,
    Fare,
    FareKind,
    Form,
    Funder,
    Habits,
    Journey,
    LabelKey,
    LabelKind,
    Limits,
    Matrix,
    Member,
    Mode,
    Pair,
    ReaderProfile,
    Root,
    Rounding,
    Rules,
    Stage,
    Station,
    When,
)
from yima.validator.parameters.sections import BY_NUMBER, Opened

WHENS = st.sampled_from(
    [When(), When(("work",), (), By.ENTRY), When(("rest", "work"), ("noon", "peak"), By.EXIT), When((), ("peak",))]
)
KEY = make_root(1).key.public
NAMES = st.sampled_from(["a", "city-flat", "senior-half", "x" * 31])
FEN = st.integers(0, 0xFFFFFF)
CITY = st.sampled_from([0, 310000, 320500, 999999])
RIDING = st.sampled_from([310000, 320500])
MODES = st.sampled_from(Mode)
NUMBER = st.integers(1, 0xFFFF)
TIMES = st.sampled_from([(0, OPEN), (1, 2), (1_700_000_000, OPEN), (0, 1_700_000_000)])
SETS = st.lists(st.integers(0, 255), unique=True, max_size=9).map(sorted).map(tuple)


def dated(made: type[Any], /, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(lambda times, **values: made(from_s=times[0], to_s=times[1], **values), times=TIMES, **fields)


def fare(values: Fare) -> Fare:
    flat = values.kind is FareKind.FLAT
    tables = {FareKind.STAGES: "by-km", FareKind.MATRIX: "network"}
    return replace(
        values, line=values.line if values.city else 0, fen=values.fen if flat else 0, table=tables.get(values.kind, "")
    )


RULES = st.builds(
    Rules,
    environment=st.sampled_from(["test", "production"]),
    version=st.integers(0, 0xFFFFFFFF),
    limits=st.builds(
        Limits,
        versions=SETS,
        account_types=SETS,
        families=st.sampled_from([("ministry",), ("ministry", "unified"), ()]),
        lists_max_age_s=st.integers(0, OPEN),
        lists_issued_at=st.integers(0, OPEN),
        offline_max_s=st.integers(0, OPEN),
        taps_per_minute=st.integers(1, 6000),
    ),
    fares=st.lists(
        dated(
            Fare, rule=NAMES, mode=MODES, city=CITY, line=NUMBER, when=WHENS, kind=st.sampled_from(FareKind), fen=FEN
        ).map(fare),
        max_size=4,
        unique_by=lambda row: (row.mode, row.city, row.line),
    ),
    roots=st.dictionaries(st.integers(0, 255), st.sampled_from([None, (2049, 12), (2000, 1)]), max_size=3).map(
        lambda found: {index: Root(index=index, key=KEY, expires=expires) for index, expires in found.items()}
    ),
    whitelist=st.lists(
        st.builds(
            Pair, organisation=st.sampled_from(["00083010", "99999999"]), platform=st.just("50083010"), city=CITY
        ),
        unique_by=lambda row: row.organisation,
    ),
    acceptance=st.none()
    | st.lists(
        dated(Acceptance, riding_city=RIDING, mode=MODES, issuer_city=RIDING),
        max_size=5,
        unique_by=lambda row: (row.riding_city, row.mode, row.issuer_city),
    ),
    deny=st.sampled_from([(), ((b"\x31" * 10, b"\x32" * 10),)]),
    time_shifts=st.sampled_from([{}, {"00083010": (-28800, 28800)}]),
    concessions=st.lists(
        dated(
            Concession,
            rule=NAMES,
            account_type=st.none() | st.integers(0, 255),
            group=st.sampled_from(["", "senior", "student"]),
            issuer_city=CITY,
            riding_city=CITY,
            organisation=st.sampled_from(["", "00083010"]),
            line=NUMBER,
            mode=st.none() | MODES,
            when=WHENS,
            percent=st.integers(0, 1000).map(lambda tenths: tenths / 10),
            funded_by=st.sampled_from(Funder),
        ).map(lambda row: replace(row, line=row.line if row.riding_city else 0))
        | dated(Concession, rule=NAMES, fen=FEN),
        max_size=4,
        unique_by=lambda row: (row.account_type, row.group, row.issuer_city, row.riding_city, row.mode),
    ),
    habits=st.builds(
        Habits,
        choice=st.sampled_from(Choice),
        rounding=st.sampled_from(Rounding),
        unit_fen=st.sampled_from([1, 10]),
        day_begins_min=st.integers(0, 1439),
    ),
    calendar=st.sampled_from(
        [
            Calendar(week=(*("work",) * 5, "rest", "rest")),
            Calendar(week=("work",) * 7, exceptions=((1, 2, "rest"), (20_000, 0xFFFF, "work"))),
        ]
    ),
    bands=st.just({"peak": [(0, 60), (1439, 1440)], "noon": [(720, 721)]}),
    members=st.sampled_from(
        [
            (),
            (
                Member(b"\x31" * 10, b"\x31" * 10, ("senior",)),
                Member(b"\x31" * 9 + b"\x40", b"\x32" * 10, ("senior", "student")),
            ),
        ]
    ),
    journeys=st.lists(
        st.builds(
            Journey,
            rule=st.sampled_from(["suzhou", "m"]),
            mode=MODES,
            city=CITY,
            longest_s=st.integers(0, 9999),
            over_time_fen=FEN,
            missing_exit=st.booleans(),
            missing_entry_fen=st.none() | FEN,
            unreadable_fen=st.none() | FEN,
            unpriced=st.booleans(),
            entry_cap_fen=FEN,
        ),
        max_size=3,
        unique_by=lambda row: (row.mode, row.city),
    ),
    decoders=st.lists(
        st.builds(
            Decoder,
            organisation=st.sampled_from(["00083010", "01011000"]),
            state_at=st.integers(0, 31),
            inside=SETS,
            station_at=st.integers(0, 28),
            station_size=st.sampled_from([1, 2, 4]),
            station_form=st.sampled_from([Form.BINARY, Form.BCD]),
            time_at=st.integers(0, 25),
            time_form=st.sampled_from(Form),
        ),
        unique_by=lambda row: row.organisation,
    ),
    stations=st.lists(
        st.builds(Station, mode=MODES, city=RIDING, line=NUMBER, station=NUMBER, metres=st.integers(0, 99999)),
        max_size=5,
        unique_by=lambda row: (row.mode, row.city, row.line, row.station),
    ),
    stages=st.just({"by-km": (Stage(up_to_m=9000, fen=1), Stage(up_to_m=None, fen=2))}),
    matrices=st.sampled_from(
        [
            {"network": Matrix(stations=(5, 3), fares=((1, None), (0xFFFE, 4)))},
            {
                "another": Matrix(stations=(9,), fares=((None,),)),
                "network": Matrix(stations=(1, 2, 3), fares=((1, 2, 3), (4, 5, 6), (7, 8, 9))),
            },
        ]
    ),
    reader=st.none() | st.builds(ReaderProfile, prefix=st.binary(max_size=8), suffix=st.binary(max_size=8)),
    labels=st.sampled_from(
        [
            {},
            {
                LabelKey(LabelKind.CITY, 320500): "苏州",
                LabelKey(LabelKind.STATION, 320500, Mode.METRO, 0, 205): "乐桥" + "x" * 48,
            },
        ]
    ),
)


def unordered(rules: Rules) -> Rules:
    """The same rules, every list in one order."""

    def one_order(value: Any) -> Any:
        return sorted(value, key=repr) if isinstance(value, list | tuple) else value

    ordered: dict[str, Any] = {name: one_order(getattr(rules, name)) for name in rules.__slots__}
    return replace(rules, **ordered)


def compiled_in(rules: Rules) -> Rules:
    """The rules without members of groups that no concession names."""
    asked = {row.group for row in rules.concessions}
    members = [(first, last, tuple(g for g in groups if g in asked)) for first, last, groups in rules.members]
    return replace(rules, members=tuple(Member(*member) for member in members if member[2]))


@given(RULES)
def test_an_image_is_opened_by_the_core_and_says_what_went_in(rules: Rules) -> None:
    image = build(rules)
    _core.parameters_check(image)
    again = read(image)
    assert unordered(again) == unordered(compiled_in(rules))
    assert build(again) == image
    assert read_limits(image) == rules.limits
    assert read_reader(image) == rules.reader


@given(RULES)
def test_an_image_says_the_same_by_a_description_made_by_hand(rules: Rules) -> None:
    image = build(rules)
    opened = Opened(image)
    by_table = {number: [vars(row) for row in opened.each(BY_NUMBER[number])] for number in opened.numbers}
    assert by_table == parameter_layout.parse(image)


@given(RULES)
def test_the_order_in_which_rules_are_written_down_changes_no_byte(rules: Rules) -> None:
    backwards: dict[str, Any] = {
        name: type(value)(reversed(value))
        for name in ("fares", "whitelist", "acceptance", "concessions", "members", "journeys", "decoders", "stations")
        if (value := getattr(rules, name)) is not None
    }
    assert build(replace(rules, **backwards)) == build(rules)


FULL = Rules(
    environment="test",
    version=1,
    fares=[
        Fare(rule="matrix", mode=Mode.METRO, city=320500, kind=FareKind.MATRIX, table="network"),
        Fare(rule="stages", mode=Mode.BUS, city=320500, kind=FareKind.STAGES, table="by-km"),
    ],
    whitelist=[Pair(organisation="00083010", platform="50083010", city=310000)],
    acceptance=[Acceptance(riding_city=320500, mode=Mode.METRO, issuer_city=310000)],
    concessions=[Concession(rule="half", percent=50), Concession(rule="less", group="senior", percent=5)],
    members=[
        Member(b"\x31" * 10, b"\x32" * 10, ("senior",)),
        Member(b"\x41" * 10, b"\x41" * 10, ("senior",)),
    ],
    journeys=[Journey(rule="suzhou", mode=Mode.METRO, longest_s=7200, unreadable_fen=5)],
    decoders=[Decoder(organisation="00083010", state_at=0, inside=(1,), station_at=1)],
    stations=[Station(mode=Mode.BUS, city=320500, line=0, station=1, metres=5)],
    stages={"by-km": [Stage(up_to_m=None, fen=2)]},
    matrices={"network": Matrix(stations=(5, 3), fares=((1, 2), (3, 4)))},
    reader=ReaderProfile(),
    labels={LabelKey(LabelKind.CITY, 320500): "苏州"},
)
IMAGE = build(FULL)


def test_a_name_for_people_says_by_a_number_what_it_names() -> None:
    kinds = [LabelKind.CITY, LabelKind.LINE, LabelKind.STATION, LabelKind.ORGANISATION]
    image = build(replace(FULL, labels={LabelKey(kind, 1, Mode.BUS, 2, 3): kind.name for kind in kinds}))
    found = {row["name"].rstrip(b"\0").decode(): row["kind"] for row in parameter_layout.parse(image)[19]}
    assert found == {"CITY": 1, "LINE": 2, "STATION": 3, "ORGANISATION": 4, "by-km": 5, "network": 5}


@pytest.mark.parametrize("size", range(0, len(IMAGE), 7))
def test_a_full_image_cut_short_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="at byte"):
        _core.parameters_check(IMAGE[:size])


@pytest.mark.parametrize(
    "change",
    [
        {"section": 0}, {"section": max(BY_NUMBER) + 1}, {"section": 0xFFFF}, {"row_size": 1}, {"start": 0},
        {"start": len(IMAGE) + 1}, {"rows": 0xFFFFFFFF}, {"section": "the one before"},
    ],
    ids=str,
)  # fmt: skip
def test_a_directory_that_names_what_cannot_be_is_refused(change: dict[str, Any]) -> None:
    front = parameter_layout.FRONT.parse(IMAGE)
    first, second = front.entries[:2]
    second |= {name: first[name] if value == "the one before" else value for name, value in change.items()}
    built = parameter_layout.FRONT.build(front)
    with pytest.raises(ValueError, match="section"):
        _core.parameters_check(built + IMAGE[len(built) :])


@given(st.lists(st.tuples(st.integers(20, len(IMAGE) - 1), st.integers(0, 255)), min_size=1, max_size=3))
def test_a_mutated_full_image_is_refused_or_read_without_harm(changes: list[tuple[int, int]]) -> None:
    mutated = bytearray(IMAGE)
    for at, value in changes:
        mutated[at] = value
    image = bytes(mutated)
    try:
        _core.parameters_check(image)
    except ValueError:
        return
    assert read(image).environment == "test"
    parameters = Parameters(environment="test", version=0, image=image, fares_fen={}, roots={}, source="mutated")
    for direction in Direction:
        gate = GateContext(mode=Mode.METRO, city=320500, station=5, direction=direction)
        assert not Validator(parameters, gate, table_bytes=0).judge(b"\x80", 0).accepted


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (
            Fare(rule="a", mode=Mode.BUS, to_s=100),
            Fare(rule="b", mode=Mode.BUS, from_s=99),
        ),
        (Fare(rule="a", mode=Mode.BUS), Fare(rule="b", mode=Mode.BUS)),
    ],
)
def test_periods_that_overlap_are_refused_at_the_door(first: Fare, second: Fare) -> None:
    with pytest.raises(ValueError, match="not in ascending order"):
        _core.parameters_check(build(Rules(environment="test", version=1, fares=[first, second])))


@pytest.mark.parametrize(
    "rules",
    [
        Rules(environment="test", version=1, fares=[Fare(rule="a", mode=Mode.BUS, from_s=5, to_s=5)]),
        Rules(environment="test", version=1, fares=[Fare(rule="a", mode=Mode.BUS, line=3)]),
        Rules(environment="test", version=1, fares=[Fare(rule="a b", mode=Mode.BUS)]),
        Rules(environment="test", version=1, fares=[Fare(rule="", mode=Mode.BUS)]),
        Rules(environment="test", version=1, fares=[Fare(rule="a", mode=Mode.BUS, fen=0x1000000)]),
        Rules(environment="test", version=1, concessions=[Concession(rule="a", percent=101)]),
        Rules(environment="test", version=1, journeys=[Journey(rule="a", mode=Mode.BUS, unreadable_fen=0x1000000)]),
        Rules(
            environment="test",
            version=1,
            decoders=[Decoder(organisation="00083010", state_at=0, inside=(1,), station_at=31)],
        ),
        Rules(
            environment="test",
            version=1,
            decoders=[Decoder(organisation="00083010", state_at=32, inside=(1,), station_at=1)],
        ),
        Rules(environment="test", version=1, acceptance=[Acceptance(riding_city=0, mode=Mode.BUS, issuer_city=1)]),
        Rules(environment="test", version=1, limits=Limits(families=("unknown",))),
    ],
)
def test_a_value_that_cannot_be_is_refused_at_the_door(rules: Rules) -> None:
    with pytest.raises(ValueError, match="impossible value"):
        _core.parameters_check(build(rules))
