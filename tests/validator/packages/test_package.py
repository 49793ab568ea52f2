"""The rules by which a device believes a package: each by name, and no byte of one can be changed."""

from typing import Any

import pytest

from tests.packages_world import DAY, NOW, A, B, C, image, package, trust
from yima.sdk.parameters.signing import attach, to_be_signed
from yima.validator.packages import (
    Chain,
    Kind,
    PackageError,
    Policy,
    Standing,
    check,
    image_is_intact,
    key_id,
    parse_package,
)

GOOD = package(3)
OTHER_3 = package(3, expiry=NOW + 31 * DAY)


def had(data: bytes, **changes: Any) -> dict[str, Any]:
    """The trust of a device in which this package is in force."""
    found = parse_package(data)
    return {
        "newest": (found.version, found.id),
        "active": found.id,
        "keys": found.keys,
        "needed": found.needed,
    } | changes


def rule(data: bytes, now: int = NOW, **changes: Any) -> str:
    """The rule that refuses a package; OK if none does."""
    try:
        check(parse_package(data), trust(**changes), now)
    except PackageError as error:
        assert error.thing == "package"
        return error.rule
    return "OK"


def test_a_package_signed_by_a_pinned_key_is_believed() -> None:
    found = parse_package(GOOD)
    check(found, trust(), NOW)
    assert (found.environment, found.kind, found.version, found.previous) == ("test", Kind.PARAMETERS, 3, 2)
    assert found.signers == (key_id(A.compressed),)
    assert bytes(found.image) == image(3)
    assert image_is_intact(found)


def test_the_image_lies_on_a_boundary_of_64_bytes() -> None:
    for count in range(1, 4):
        keys = [A, B, C][:count]
        found = parse_package(package(1, keys=keys, next_keys=[key.compressed for key in keys]))
        assert (len(found.data) - len(found.image)) % 64 == 0


def test_no_unsigned_package() -> None:
    assert rule(package(1, keys=())) == "UNSIGNED"


def test_no_package_by_a_key_that_nobody_trusts() -> None:
    assert rule(package(1, keys=[B])) == "UNKNOWN_SIGNER"


def test_that_a_package_names_its_signer_helps_nothing() -> None:
    assert rule(package(1, keys=[B], next_keys=[B.compressed])) == "UNKNOWN_SIGNER"


def test_a_signature_by_a_key_unknown_to_all_spoils_a_good_one() -> None:
    assert rule(package(1, keys=[A, B])) == "UNKNOWN_SIGNER"
    assert rule(package(1, keys=[A, B], next_keys=[A.compressed, B.compressed])) == "OK"


def test_no_package_that_was_changed_after_signing() -> None:
    signed = bytearray(GOOD)
    signed[35] ^= 1  # the expiry
    assert rule(bytes(signed)) == "BAD_SIGNATURE"


def test_as_many_must_sign_as_were_demanded() -> None:
    keys = (A.compressed, B.compressed, C.compressed)
    assert rule(package(1, keys=[A], next_keys=keys), keys=keys, needed=2) == "TOO_FEW_SIGNATURES"
    assert rule(package(1, keys=[A, C], next_keys=keys), keys=keys, needed=2) == "OK"
    assert rule(package(1, keys=[A, B], next_keys=keys), needed=2) == "TOO_FEW_SIGNATURES"


def test_a_trust_without_keys_or_without_demand_trusts_nobody() -> None:
    assert rule(GOOD, keys=()) == "UNKNOWN_SIGNER"
    assert rule(package(1, keys=[B], next_keys=[B.compressed]), needed=0) == "UNKNOWN_SIGNER"


@pytest.mark.parametrize(("made", "device"), [("test", "production"), ("production", "test")])
def test_no_package_of_the_other_environment(made: str, device: str) -> None:
    assert rule(package(1, environment=made), environment=device) == "OTHER_ENVIRONMENT"
    assert rule(package(1, environment=made), environment=made) == "OK"


def test_parameters_and_deny_lists_do_not_stand_in_for_each_other() -> None:
    deny = package(1, kind=Kind.DENY_LIST, inside=b"accounts")
    assert rule(deny) == "OTHER_CHAIN"
    assert rule(deny, chain=Chain.DENY) == "OK"
    assert rule(GOOD, chain=Chain.DENY) == "OTHER_CHAIN"


def test_no_package_of_another_city() -> None:
    suzhou = package(1, city=320500)
    assert rule(suzhou, city=310000) == "OTHER_CITY"
    assert rule(suzhou, city=320500) == "OK"
    assert rule(suzhou, city=0) == "OK"
    assert rule(GOOD, city=310000) == "OK"


def test_no_older_version() -> None:
    assert rule(package(2), **had(GOOD)) == "OLDER"


def test_the_same_version_only_if_it_is_the_same_package() -> None:
    assert rule(GOOD, **had(GOOD)) == "OK"
    assert rule(OTHER_3, **had(GOOD)) == "SAME_VERSION"


def test_the_package_in_force_is_known_again_even_when_its_signer_is_trusted_no_more() -> None:
    last_of_a = package(4, keys=[A], next_keys=[B.compressed])
    assert rule(last_of_a, **had(last_of_a)) == "OK"


def test_the_very_first_version_is_known_again_like_any_other() -> None:
    first = package(1, previous=0)
    other = package(1, previous=0, expiry=NOW + 31 * DAY)
    assert rule(first, **had(first, keys=(B.compressed,))) == "OK"
    assert rule(other, **had(first)) == "SAME_VERSION"
    assert rule(other, **had(first, keys=(B.compressed,))) == "UNKNOWN_SIGNER"


def test_a_package_may_hold_for_a_single_second() -> None:
    brief = package(1, not_before=NOW, expiry=NOW + 1)
    assert rule(brief, now=NOW - 1) == "NOT_YET"
    assert rule(brief, now=NOW) == "OK"
    assert rule(brief, now=NOW + 1) == "EXPIRED"


def test_a_version_that_was_left_out_is_missed() -> None:
    assert rule(package(5), **had(GOOD)) == "GAP"
    assert rule(package(4), **had(GOOD)) == "OK"
    assert rule(package(5, previous=3), **had(GOOD)) == "OK"
    assert rule(package(5, previous=0), **had(GOOD)) == "OK"


def test_a_device_that_has_nothing_may_begin_with_any_version() -> None:
    assert rule(package(900)) == "OK"


def test_an_expired_package_is_not_taken() -> None:
    expiry = parse_package(GOOD).expiry
    assert rule(GOOD, expiry - 1) == "OK"
    assert rule(GOOD, expiry) == "EXPIRED"


def test_a_package_is_not_taken_before_its_time() -> None:
    begin = parse_package(GOOD).not_before
    assert rule(GOOD, begin) == "OK"
    assert rule(GOOD, begin - 1) == "NOT_YET"


def test_that_it_is_too_early_is_said_only_if_all_else_is_well() -> None:
    early = parse_package(GOOD).not_before - 1
    damaged = GOOD[:-1] + bytes([GOOD[-1] ^ 1])
    for spoilt in (package(1, keys=[B]), package(1, keys=()), damaged, package(1, environment="production")):
        assert rule(spoilt, early) != "NOT_YET"
    assert rule(package(2), early, **had(GOOD)) == "OLDER"


def test_an_image_that_is_not_the_one_signed_is_refused() -> None:
    damaged = GOOD[:-1] + bytes([GOOD[-1] ^ 1])
    assert rule(damaged) == "BAD_IMAGE"
    assert not image_is_intact(parse_package(damaged))


@pytest.mark.parametrize("inside", [image(2), image(1, "production"), b"YIMP", b"", b"XIMP" + image(1)[4:]])
def test_image_and_envelope_are_of_one_version_and_environment(inside: bytes) -> None:
    data = package(1, kind=Kind.DENY_LIST, inside=inside)
    changed = bytearray(data)
    changed[7] = Kind.PARAMETERS
    assert rule(attach(bytes(changed), A.compressed, A.sign(to_be_signed(bytes(changed))))) == "MIXED"


def test_an_increment_applies_to_exactly_what_is_in_force() -> None:
    full = package(1, kind=Kind.DENY_LIST, inside=b"accounts")
    identity = parse_package(full).id
    increment = package(2, kind=Kind.DENY_INCREMENT, inside=b"one more", base=identity)
    other = package(2, kind=Kind.DENY_INCREMENT, inside=b"one more", base=bytes([1]) * 32)
    here = had(full, chain=Chain.DENY)
    assert rule(increment, **here) == "OK"
    assert rule(other, **here) == "OTHER_BASE"
    assert rule(increment, chain=Chain.DENY) == "OTHER_BASE"
    assert rule(increment, **(here | {"active": None})) == "OTHER_BASE"
    assert rule(increment) == "OTHER_CHAIN"


def test_a_package_in_force_stands_better_or_worse_by_the_policy() -> None:
    found = parse_package(package(1, not_before=1000, expiry=2000))
    policy = Policy(alarm_s=100, grace_s=50)
    standings = {now: found.standing(now, policy) for now in (999, 1000, 1899, 1900, 1999, 2000, 2049, 2050)}
    assert list(standings.values()) == [
        Standing.NOT_YET,
        Standing.GOOD,
        Standing.GOOD,
        Standing.EXPIRING,
        Standing.EXPIRING,
        Standing.GRACE,
        Standing.GRACE,
        Standing.EXPIRED,
    ]
    assert found.standing(2000, Policy(alarm_s=0, grace_s=0)) is Standing.EXPIRED
