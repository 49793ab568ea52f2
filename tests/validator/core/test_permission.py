"""Who may ride here: whitelist, mode, city, deny-list, account types; and when: time bases."""

from collections.abc import Callable

import pytest

from yima.sdk.issuer import Rider
from yima.validator.judging import Mode, Reason, Validator

NewRider = Callable[..., Rider]
NewValidator = Callable[..., Validator]
HOURS_8 = 28800


@pytest.mark.parametrize(
    ("riding", "issuers", "accepted"),
    [
        (320500, 310000, True),
        (320500, 330200, False),
        (310000, 310000, False),  # a city accepts its own only if the table says so
        (0, 310000, False),  # a gate that was not told where it stands
        (330200, 310000, False),
    ],
)
def test_an_issuers_city_is_accepted_where_the_table_says(
    *, riding: int, issuers: int, accepted: bool, new_rider: NewRider, new_validator: NewValidator, now: int
) -> None:
    whitelist = [{"organisation": "00083010", "platform": "50083010", "city": issuers}]
    validator = new_validator(
        city=riding, whitelist=whitelist, acceptance={"320500": [310000, 320500], "310000": [320500], "330200": []}
    )
    verdict = validator.judge(new_rider().code(now), now)
    assert verdict.reason is (Reason.ACCEPTED if accepted else Reason.CITY_NOT_ACCEPTED)


def test_an_issuer_without_a_city_is_accepted_everywhere(
    new_rider: NewRider, new_validator: NewValidator, now: int
) -> None:
    validator = new_validator(city=330200, acceptance={"320500": [310000]})
    assert validator.judge(new_rider().code(now), now).accepted


def test_without_an_acceptance_table_every_whitelisted_issuer_is_accepted_everywhere(
    new_rider: NewRider, new_validator: NewValidator, now: int
) -> None:
    whitelist = [{"organisation": "00083010", "platform": "50083010", "city": 310000}]
    for city in (0, 310000, 330200):
        assert new_validator(city=city, whitelist=whitelist).judge(new_rider().code(now), now).accepted


@pytest.mark.parametrize("mode", Mode)
def test_a_pair_may_be_limited_to_a_mode(
    mode: Mode, new_rider: NewRider, new_validator: NewValidator, now: int
) -> None:
    whitelist = [{"organisation": "00083010", "platform": "50083010", "modes": ["metro"]}]
    verdict = new_validator(mode=mode, whitelist=whitelist).judge(new_rider().code(now), now)
    assert verdict.reason is (Reason.ACCEPTED if mode is Mode.METRO else Reason.MODE_NOT_ACCEPTED)


def test_each_of_many_pairs_is_found_and_no_other(new_rider: NewRider, new_validator: NewValidator, now: int) -> None:
    pairs = [{"organisation": "00083010", "platform": f"{i:08}"} for i in range(1, 200, 2)]
    validator = new_validator(whitelist=pairs)
    for i in (0, 1, 2, 99, 100, 101, 198, 199, 200):
        verdict = validator.judge(new_rider(platform=f"{i:08}").code(now), now)
        assert verdict.reason is (Reason.ACCEPTED if i % 2 and i < 200 else Reason.NOT_WHITELISTED)


@pytest.mark.parametrize(
    ("account", "denied"),
    [
        ("31000000000000000099", False),
        ("31000000000000000100", True),
        ("31000000000000000150", True),
        ("31000000000000000200", True),
        ("31000000000000000201", False),
        ("31000000000000000300", True),
        ("31000000000000000301", False),
        ("3200", True),  # 3200 and sixteen F
        ("32001", False),
        ("99999999999999999999", False),
    ],
)
def test_the_deny_list_holds_single_accounts_and_ranges_with_both_ends(
    account: str, denied: bool, new_rider: NewRider, new_validator: NewValidator, now: int
) -> None:
    deny = [
        {"first": "31000000000000000120", "last": "31000000000000000200"},
        {"first": "31000000000000000100", "last": "31000000000000000180"},  # overlaps the one above
        {"first": "31000000000000000130", "last": "31000000000000000140"},  # lies within it
        {"account": "31000000000000000300"},
        {"account": "3200FFFFFFFFFFFFFFFF"},
    ]
    verdict = new_validator(deny=deny).judge(new_rider(card_account=account).code(now), now)
    assert verdict.reason is (Reason.DENY_LISTED if denied else Reason.ACCEPTED)


@pytest.mark.parametrize("account_type", [0, 1, 2, 3, 4, 5, 6, 0x41, 0xFF])
def test_without_a_word_of_them_the_labs_account_types_are_accepted(
    account_type: int, new_rider: NewRider, new_validator: NewValidator, now: int
) -> None:
    verdict = new_validator().judge(new_rider(account_type=account_type).code(now), now)
    assert verdict.reason is (Reason.ACCEPTED if account_type in (*range(6), 0x41) else Reason.ACCOUNT_TYPE)


@pytest.mark.parametrize("account_type", [0, 5, 6, 0x41, 0xFF])
def test_account_types_are_accepted_by_the_parameters(
    account_type: int, new_rider: NewRider, new_validator: NewValidator, now: int
) -> None:
    code = new_rider(account_type=account_type).code(now)
    assert new_validator(limits={"account_types": [account_type]}).judge(code, now).accepted
    others = [other for other in range(256) if other != account_type]
    assert new_validator(limits={"account_types": others}).judge(code, now).reason is Reason.ACCOUNT_TYPE


@pytest.mark.parametrize("version", [0x80, 0x81, 0x82])
def test_versions_are_accepted_by_the_parameters(
    version: int, new_rider: NewRider, new_validator: NewValidator, now: int
) -> None:
    verdict = new_validator().judge(new_rider().code(now, version=version), now)
    assert verdict.case == (None if version < 0x82 else 5499)
    assert new_validator(limits={"versions": [0x82]}).judge(new_rider().code(now, version=0x82), now).accepted


@pytest.mark.parametrize(
    ("generated", "reason"),
    [
        (-120, Reason.ACCEPTED),
        (-121, Reason.CODE_EXPIRED),
        (20, Reason.ACCEPTED),
        (21, Reason.FROM_THE_FUTURE),
        (HOURS_8, Reason.FROM_THE_FUTURE),
        (-HOURS_8, Reason.CODE_EXPIRED),
    ],
)
def test_a_code_is_good_from_its_generation_to_the_end_of_its_validity(
    generated: int, reason: Reason, new_rider: NewRider, new_validator: NewValidator, now: int
) -> None:
    assert new_validator().judge(new_rider(validity_s=120).code(now + generated), now).reason is reason


@pytest.mark.parametrize("shift", [-HOURS_8, 0, HOURS_8])
def test_an_institution_may_be_granted_other_time_bases(
    shift: int, new_rider: NewRider, new_validator: NewValidator, now: int
) -> None:
    shifts = [{"organisation": "00083010", "shifts_s": [HOURS_8, -HOURS_8]}]
    rider = new_rider(authorised_until=now + 60 - shift)
    assert new_validator(time_shifts=shifts).judge(rider.code(now - shift), now).accepted
    others = [{"organisation": "01011000", "shifts_s": [HOURS_8, -HOURS_8]}]
    assert new_validator(time_shifts=others).judge(rider.code(now - shift), now).accepted is (shift == 0)


def test_a_shift_moves_authorisation_and_generation_together(
    new_rider: NewRider, new_validator: NewValidator, now: int
) -> None:
    shifts = [{"organisation": "00083010", "shifts_s": [HOURS_8]}]
    ended = new_rider(authorised_until=now - HOURS_8 - 1)
    # The reason is that of the unshifted time.
    verdict = new_validator(time_shifts=shifts).judge(ended.code(now - HOURS_8), now)
    assert verdict.reason is Reason.AUTHORISATION_EXPIRED
    running = new_rider()
    verdict = new_validator(time_shifts=shifts).judge(running.code(now - HOURS_8 - 200), now)
    assert verdict.reason is Reason.CODE_EXPIRED


@pytest.mark.parametrize("moment", [-(2**63), -1, 0, 2**32, 2**62, 2**63 - 1])
def test_any_time_a_device_believes_in_has_a_verdict(
    moment: int, new_rider: NewRider, new_validator: NewValidator, now: int
) -> None:
    assert not new_validator().judge(new_rider().code(now), moment).accepted
