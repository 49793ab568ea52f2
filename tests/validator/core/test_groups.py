"""Reduced fares of groups: an account in the package's list gets them, whatever type of account the code says."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.sdk.issuer import Rider, RootAuthority
from yima.sdk.ministry_226 import Issuer226
from yima.sdk.sm2 import SigningKey
from yima.sdk.suishen import make_suishen_issuer
from yima.validator.judging import Direction, GateContext, Mode, Reason, Validator
from yima.validator.parameters import Parameters, from_rules
from yima.validator.parameters.family_rules import FamilyRules, Ministry226Key, Resolved, SuishenKey, TransportKey, rows
from yima.validator.parameters.image import build
from yima.validator.parameters.reading import read
from yima.validator.parameters.rules import Concession, Fare, Funder, Journey, Limits, Member, Pair, Root, Rules

NewRider = Callable[..., Rider]
Ruled = Callable[..., Validator]
CARD = "31048700000000019999"
ORDINARY, SENIOR = 0, 2
HALF = [Concession(rule="senior-half", group="senior", percent=50, funded_by=Funder.ISSUER_CITY)]


def member(first: str, last: str = "", *groups: str) -> Member:
    return Member(bytes.fromhex(first), bytes.fromhex(last or first), groups or ("senior",))


def near(account: str, step: int) -> str:
    return f"{int(account, 16) + step:020x}"


def test_a_senior_pays_half_with_an_ordinary_code_and_the_issuers_city_the_other(
    new_rider: NewRider, ruled: Ruled, now: int
) -> None:
    validator = ruled(concessions=HALF, members=[member(CARD)])
    verdict = validator.judge(new_rider(account_type=ORDINARY).code(now), now)
    assert (verdict.accepted, verdict.fare_fen, verdict.rule) == (True, 100, "bus-flat+senior-half")
    assert (verdict.rules[1].fen, verdict.rules[1].funder, verdict.rules[1].funder_id) == (-100, "issuer-city", 310000)


def test_what_the_region_pays_names_nobody_else(new_rider: NewRider, ruled: Ruled, now: int) -> None:
    validator = ruled(concessions=[replace(HALF[0], funded_by=Funder.REGION)], members=[member(CARD)])
    rule = validator.judge(new_rider(account_type=ORDINARY).code(now), now).rules[1]
    assert (rule.fen, rule.funder, rule.funder_id) == (-100, "region", 0)


@pytest.mark.parametrize(
    ("members", "fare"),
    [
        ([], 200),
        ([member(CARD)], 100),
        ([member(near(CARD, -1))], 200),
        ([member(near(CARD, 1))], 200),
        ([member(near(CARD, -1)), member(near(CARD, 1))], 200),
        ([member(CARD, near(CARD, 2))], 100),
        ([member(near(CARD, -2), CARD)], 100),
        ([member(near(CARD, -2), near(CARD, 2))], 100),
        ([member(near(CARD, -2), near(CARD, -1))], 200),
        ([member(near(CARD, 1), near(CARD, 2))], 200),
        ([member("0" * 20, near(CARD, -1)), member(near(CARD, 1), "9" * 20)], 200),
        ([member("0" * 20, "9" * 20)], 100),
        ([member(CARD, "", "student")], 200),
        ([member(CARD, "", "senior", "student")], 100),
    ],
)
def test_an_account_is_in_a_group_or_it_is_not(
    members: list[Member], fare: int, new_rider: NewRider, ruled: Ruled, now: int
) -> None:
    verdict = ruled(concessions=HALF, members=members).judge(new_rider().code(now), now)
    assert (verdict.accepted, verdict.fare_fen) == (True, fare)


def test_a_row_that_names_type_and_group_wants_both(new_rider: NewRider, ruled: Ruled, now: int) -> None:
    both = [Concession(rule="both", account_type=SENIOR, group="senior", percent=0)]
    for account_type, members, fare in (
        (SENIOR, [member(CARD)], 0),
        (SENIOR, [], 200),
        (ORDINARY, [member(CARD)], 200),
    ):
        code = new_rider(account_type=account_type).code(now)
        assert ruled(concessions=both, members=members).judge(code, now).fare_fen == fare


def test_of_a_riders_groups_the_one_that_leaves_least_of_the_fare_is_taken(
    new_rider: NewRider, ruled: Ruled, now: int
) -> None:
    groups = ("free", "senior", "student")
    for fares, rule in (((90, 50, 70), "senior"), ((50, 60, 70), "free"), ((90, 80, 70), "student")):
        concessions = [
            Concession(rule=group, group=group, percent=percent) for group, percent in zip(groups, fares, strict=True)
        ]
        validator = ruled(concessions=concessions, members=[member(CARD, "", *groups)])
        assert validator.judge(new_rider().code(now), now).rule == f"bus-flat+{rule}"


def test_of_groups_that_leave_the_same_the_first_by_name_is_taken(new_rider: NewRider, ruled: Ruled, now: int) -> None:
    concessions = [
        Concession(rule="a-student", group="student", fen=100),
        Concession(rule="z-senior", group="senior", percent=50),
    ]
    verdict = ruled(concessions=concessions, members=[member(CARD, "", "senior", "student")]).judge(
        new_rider().code(now), now
    )
    assert verdict.rule == "bus-flat+z-senior"


def test_fifteen_groups_are_told_apart(new_rider: NewRider, ruled: Ruled, now: int) -> None:
    groups = [f"resident-3205{number:02}" for number in range(1, 16)]
    concessions = [Concession(rule=group, group=group, fen=number) for number, group in enumerate(groups, 1)]
    for number, group in enumerate(groups, 1):
        members = [member(near(CARD, -1), near(CARD, 1), group), member("0" * 20, near(CARD, -2), *groups)]
        verdict = ruled(concessions=concessions, members=members).judge(new_rider().code(now), now)
        assert (verdict.fare_fen, verdict.rule) == (number, f"bus-flat+{group}")


def test_a_rule_of_a_group_ends_with_its_date(new_rider: NewRider, ruled: Ruled, now: int) -> None:
    ending = [Concession(rule="ends", group="senior", percent=0, to_s=now + 60)]
    for at, fare in ((now + 59, 0), (now + 60, 200)):
        validator = ruled(concessions=ending, members=[member(CARD)])
        assert validator.judge(new_rider().code(at), at).fare_fen == fare


def test_an_exit_is_reduced_for_a_group_and_what_is_no_fare_is_not(new_rider: NewRider, ruled: Ruled, now: int) -> None:
    journeys = [Journey(rule="city", mode=Mode.METRO, unreadable_fen=500, missing_exit=True)]
    metro = {
        "mode": Mode.METRO,
        "fares": [Fare(rule="metro-flat", mode=Mode.METRO, fen=300)],
        "journeys": journeys,
        "concessions": HALF,
        "members": [member(CARD)],
    }
    leaving = ruled(direction=Direction.EXIT, **metro).judge(new_rider().code(now), now)
    assert (leaving.fare_fen, leaving.rule) == (150, "metro-flat+senior-half")
    entering = ruled(direction=Direction.ENTRY, **metro).judge(new_rider().code(now), now)
    assert (entering.accepted, entering.fare_fen, entering.rule) == (True, 0, "metro-flat")


TYPES, CITIES, GROUPS = [None, ORDINARY, SENIOR], [0, 310000, 320500], ["", "free", "senior", "student"]
ROWS = st.builds(
    Concession,
    rule=st.sampled_from([f"rule-{i}" for i in range(50)]),
    account_type=st.sampled_from(TYPES),
    group=st.sampled_from(GROUPS),
    issuer_city=st.sampled_from(CITIES),
    riding_city=st.sampled_from(CITIES),
    mode=st.sampled_from([None, *Mode]),
    percent=st.none() | st.integers(0, 100),
    fen=st.integers(0, 250),
).map(
    lambda row: row if row.percent is None else Concession(**{n: getattr(row, n) for n in row.__slots__} | {"fen": 0})
)
AROUND = st.integers(-9, 0)  # all of them digits
MEMBERS = st.lists(
    st.builds(
        lambda ends, groups: member(near(CARD, min(ends)), near(CARD, max(ends)), *sorted(groups)),
        st.tuples(AROUND, AROUND),
        st.sets(st.sampled_from([*GROUPS[1:], "veteran"]), min_size=1),
    ),
    max_size=8,
)


def what(row: Concession) -> tuple[object, ...]:
    return row.account_type, row.group, row.issuer_city, row.riding_city, row.mode


def remaining(row: Concession, fen: int) -> int:
    """Percentages by halves of whole fen, in whole numbers: another way than fare.c's."""
    return min(fen, row.fen if row.percent is None else (2 * fen * int(row.percent) + 100) // 200)


def expected(
    found: Sequence[Concession], members: Sequence[Member], account: str, account_type: int, riding: int
) -> tuple[str, int]:
    """The same choice as fare.c, found another way: drop what does not fit, sort the rest by what it says."""
    its_own = {group for one in members if one.first <= bytes.fromhex(account) <= one.last for group in one.groups}
    fitting = [
        row
        for row in found
        if row.account_type in {None, account_type}
        and row.group in {"", *its_own}
        and row.issuer_city in {0, 310000}
        and row.riding_city in {0, riding}
        and row.mode in {None, Mode.BUS}
    ]
    if not fitting:
        return "bus-flat", 200

    def rank(row: Concession) -> tuple[object, ...]:
        silent = (
            row.account_type is None, not row.group, not row.issuer_city, not row.riding_city, row.mode is None,
        )  # fmt: skip
        return (*silent, remaining(row, 200), row.group)

    row = min(fitting, key=rank)
    return f"bus-flat+{row.rule}", remaining(row, 200)


@given(
    st.tuples(st.lists(ROWS, max_size=14, unique_by=what), MEMBERS),
    st.tuples(AROUND, st.sampled_from([ORDINARY, SENIOR]), st.sampled_from(CITIES)),
)
def test_the_row_that_says_most_wins_by_type_then_group_then_cities_then_mode(
    new_rider: NewRider,
    ruled: Ruled,
    now: int,
    written: tuple[list[Concession], list[Member]],
    rider: tuple[int, int, int],
) -> None:
    (found, members), (step, account_type, riding) = written, rider
    account = near(CARD, step)
    code = new_rider(account_type=account_type, card_account=account).code(now)
    verdict = ruled(city=riding, concessions=found, members=members).judge(code, now)
    assert (verdict.rule, verdict.fare_fen) == expected(found, members, account, account_type, riding)


SUISHEN = make_suishen_issuer(index=3, transport_index=7)
OLD = Issuer226(key=SigningKey.from_int(13), key_id="0a000001")
FAMILIES = FamilyRules(
    suishen_keys=[SuishenKey(index=3, key=SUISHEN.key.public)],
    transport_keys=[TransportKey(index=7, key=SUISHEN.transport_key.public, modes=(Mode.BUS,))],
    ministry_226_keys=[Ministry226Key(key_id="0a000001", key=OLD.key.public, cap_fen=1000)],
    resolved=[Resolved(family="sufu", prefix=b"js:")],
)


def of_families(now: int, members: list[Member]) -> tuple[Validator, dict[str, bytes]]:
    """A bus gate that judges other families, and a code of the card of each."""
    found = Rules(
        environment="test",
        version=1,
        limits=Limits(families=("suishen", "ministry-226", "sufu")),
        fares=[Fare(rule="bus-flat", mode=Mode.BUS, fen=200)],
        concessions=HALF,
        members=members,
        other=rows(FAMILIES),
    )
    codes = {
        "suishen": SUISHEN.code(card_account=CARD, generated_at=now, expires_at=now + 3600),
        "ministry-226": OLD.code(
            SigningKey.from_int(14), payment_account="6228480402564890", card_account=CARD,
            authorised_until=now + 86400, generated_at=now,
        ),
        "sufu": b"js:only its issuer can tell whose this is",
    }  # fmt: skip
    return Validator(from_rules(found, "families"), GateContext(mode=Mode.BUS), table_bytes=0), codes


@pytest.mark.parametrize("family", ["suishen", "ministry-226"])
@pytest.mark.parametrize(("card", "fare"), [(CARD, 100), (near(CARD, 1), 200)])
def test_every_family_whose_code_names_a_card_account_is_looked_up(family: str, card: str, fare: int, now: int) -> None:
    validator, codes = of_families(now, [member(card)])
    verdict = validator.judge(codes[family], now)
    assert (verdict.family, verdict.accepted, verdict.fare_fen) == (family, True, fare)


def test_a_code_that_only_its_issuer_can_verify_names_no_account_and_is_in_no_group(now: int) -> None:
    validator, codes = of_families(now, [member("0" * 20, "9" * 20)])
    verdict = validator.judge(codes["sufu"], now)
    assert (verdict.reason, verdict.rule, verdict.fare_fen) == (Reason.NEEDS_RESOLVER, "bus-flat", 200)


def changed(image: bytes, section: int, at: int, value: bytes) -> Parameters:
    """The image with other bytes in the rows of a section."""
    count = int.from_bytes(image[6:8])
    starts = {
        int.from_bytes(image[entry : entry + 2]): int.from_bytes(image[entry + 8 : entry + 12])
        for entry in range(20, 20 + 12 * count, 12)
    }
    start = starts[section] + at
    other = image[:start] + value + image[start + len(value) :]
    return Parameters(environment="test", version=1, image=other, fares_fen={}, roots={}, source="changed")


def test_a_range_whose_last_account_is_missing_has_its_first_alone(
    new_rider: NewRider, root: RootAuthority, now: int
) -> None:
    """The door does not walk this section: its last row may say that the next one ends the range."""
    plain = Rules(
        environment="test",
        version=1,
        roots={1: Root(index=1, key=root.key.public)},
        whitelist=[Pair(organisation="00083010", platform="50083010", city=310000)],
        fares=[Fare(rule="bus-flat", mode=Mode.BUS, fen=200)],
        concessions=HALF,
    )
    for card, fare in ((CARD, 100), (near(CARD, -1), 200)):
        parameters = changed(build(replace(plain, members=[member(card)])), 25, 10, b"\x80\x01")
        validator = Validator(parameters, GateContext(mode=Mode.BUS), table_bytes=0)
        assert validator.judge(new_rider().code(now), now).fare_fen == fare
        assert read(parameters.image).members == (member(card),)


def test_a_group_without_a_name_is_read_by_its_number(ruled: Ruled) -> None:
    image = build(Rules(environment="test", version=1, concessions=HALF, members=[member(CARD)]))
    parameters = changed(bytes(image), 9, 17, b"\x02")
    assert read(changed(bytes(parameters.image), 25, 10, b"\x00\x03").image).members == (
        member(CARD, "", "senior", "2"),
    )
    assert [row.group for row in read(parameters.image).concessions] == ["2"]
