"""One reason per refusal: of all that is wrong with a code, the first in the order of judging is named."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from yima.sdk.issuer import Issuer, Rider, RootAuthority, make_issuer, make_root
from yima.sdk.sm2 import SigningKey
from yima.validator import _core
from yima.validator.judging import Mode, Moment, Reason, Stage, StageResult, Validator

OFF_CURVE = bytes([2]) + bytes(31) + bytes([2])  # x = 2 has no point on sm2p256v1
SIZE = 332 + 4


@dataclass
class Scene:
    """A good presentation, to be spoilt: what the issuer signs, what is changed unsigned, how the gate is set."""

    signed: dict[int, bytes] = field(default_factory=dict)  # changes within fields 4 to 14, by offset
    certificate: dict[int, bytes] = field(default_factory=dict)  # changes within the certificate, unsigned
    unsigned: dict[int, bytes] = field(default_factory=dict)  # changes after all signing
    generated: int = 0  # before or after now
    root_expires: tuple[int, int] = (2049, 12)
    issuer_expires: tuple[int, int] = (2049, 12)
    settings: dict[str, Any] = field(default_factory=dict)
    city: int = 320500
    load_root: bool = True


# Every reason that a ministry code can get, in the order of judging, and how a code earns it.
ORDER: list[tuple[Reason, Callable[[Scene], object]]] = [
    (Reason.VERSION, lambda s: s.unsigned.update({0: b"\x82"})),
    (Reason.LENGTH_FIELD, lambda s: s.unsigned.update({1: b"\x01\x2c"})),
    (Reason.ISSUER_DATA_LENGTH, lambda s: s.unsigned.update({197: b"\x21"})),
    (Reason.PAYMENT_ACCOUNT, lambda s: s.unsigned.update({135: b"\x7f"})),
    (Reason.CARD_ACCOUNT, lambda s: s.unsigned.update({136: b"\x3f"})),
    (Reason.CERTIFICATE_HEADER, lambda s: s.certificate.update({0: b"\x25"})),
    (Reason.CERTIFICATE_SERVICE, lambda s: s.certificate.update({1: b"\x02"})),
    (Reason.CERTIFICATE_FORMAT, lambda s: s.certificate.update({6: b"\x13"})),
    (Reason.SIGNATURE_ALGORITHM, lambda s: s.certificate.update({16: b"\xff"})),
    (Reason.ENCRYPTION_ALGORITHM, lambda s: s.certificate.update({17: b"\xff"})),
    (Reason.CURVE_PARAMETER, lambda s: s.certificate.update({18: b"\x01"})),
    (Reason.CERTIFICATE_INVALID, lambda s: s.certificate.update({19: b"\x40"})),
    (Reason.ISSUER_MISMATCH, lambda s: s.signed.update({146: bytes.fromhex("01011000")})),
    (Reason.ROOT_NOT_LOADED, lambda s: setattr(s, "load_root", False)),
    (Reason.CERTIFICATE_INVALID, lambda s: s.certificate.update({116: b"\x00"})),
    (Reason.ROOT_EXPIRED, lambda s: setattr(s, "root_expires", (2026, 8))),
    (Reason.CERTIFICATE_EXPIRED, lambda s: setattr(s, "issuer_expires", (2026, 8))),
    (Reason.ISSUER_SIGNATURE, lambda s: s.unsigned.update({198 + 4: b"\x14"})),
    (Reason.RIDER_KEY, lambda s: s.signed.update({158: OFF_CURVE})),
    (Reason.RIDER_SIGNATURE, lambda s: s.unsigned.update({267 + 4: b"\x14"})),
    (Reason.VALIDITY_TOO_LONG, lambda s: s.signed.update({195: (1201).to_bytes(2)})),
    (Reason.AUTHORISATION_EXPIRED, lambda s: s.signed.update({191: (1_789_999_999).to_bytes(4)})),
    (Reason.CODE_EXPIRED, lambda s: setattr(s, "generated", -1202)),
    (Reason.NOT_WHITELISTED, lambda s: s.settings["whitelist"][0].update(platform="50023301")),
    (Reason.MODE_NOT_ACCEPTED, lambda s: s.settings["whitelist"][0].update(modes=["metro"])),
    (Reason.CITY_NOT_ACCEPTED, lambda s: s.settings["whitelist"][0].update(city=310000)),
    (Reason.DENY_LISTED, lambda s: s.settings.update(deny=[{"account": "31048700000000019999"}])),
    (Reason.ACCOUNT_TYPE, lambda s: s.signed.update({154: b"\x06"})),
    (Reason.CAP_ZERO, lambda s: s.signed.update({155: bytes(3)})),
    (Reason.NO_FARE, lambda s: s.settings.update(fares={"metro": 300})),
]


def present(scene: Scene, new_rider: Callable[..., Rider], new_validator: Callable[..., Validator], now: int) -> Reason:
    root: RootAuthority = make_root(1, scene.root_expires)
    issuer: Issuer = make_issuer(root, expires=scene.issuer_expires)
    rider = new_rider(issuer, issuer_data=b"data")
    code = bytearray(rider.code(now + scene.generated))
    for at, value in scene.certificate.items():
        code[3 + at : 3 + at + len(value)] = value
    for at, value in scene.signed.items():
        code[at : at + len(value)] = value
    code[203:267] = issuer.key.sign(bytes(code[3:202]))
    code[-64:] = rider.key.sign(bytes(code[: len(code) - 65]))
    for at, value in scene.unsigned.items():
        code[at : at + len(value)] = value
    assert len(code) == SIZE
    roots = [{"certificate": root.certificate.hex()}] if scene.load_root else []
    validator = new_validator(city=scene.city, roots=roots, **scene.settings)
    verdict = validator.judge(bytes(code), now)
    results = list(verdict.stages.values())
    failed = results.index(StageResult.FAILED) if StageResult.FAILED in results else len(Stage)
    assert results[:failed] == [StageResult.PASSED] * failed
    assert results[failed + 1 :] == [StageResult.NOT_REACHED] * (len(Stage) - failed - 1)
    assert verdict.accepted or verdict.reason.stage is Stage(failed)
    return verdict.reason


def scene() -> Scene:
    whitelist = [{"organisation": "00083010", "platform": "50083010", "city": 320500}]
    return Scene(settings={"whitelist": whitelist, "acceptance": {"320500": [320500]}})


def test_the_scene_unspoilt_is_accepted(
    new_rider: Callable[..., Rider], new_validator: Callable[..., Validator], now: int
) -> None:
    assert present(scene(), new_rider, new_validator, now) is Reason.ACCEPTED


@pytest.mark.parametrize("first", range(len(ORDER)), ids=[reason.name for reason, _ in ORDER])
def test_alone_and_among_all_later_faults_a_fault_gives_its_reason(
    first: int, new_rider: Callable[..., Rider], new_validator: Callable[..., Validator], now: int
) -> None:
    expected, spoil = ORDER[first]
    alone = scene()
    spoil(alone)
    assert present(alone, new_rider, new_validator, now) is expected
    together = scene()
    for reason, fault in ORDER[first:]:
        # Two wrong marks of three would make it no ministry code at all.
        if reason is not Reason.CERTIFICATE_HEADER or first > 1:
            fault(together)
    assert present(together, new_rider, new_validator, now) is expected


def test_the_table_above_leaves_out_only_what_has_its_own_test() -> None:
    elsewhere = {
        *(reason for reason in Reason if 10 <= reason < 20 or reason.stage in {None, Stage.REPETITION}),
        *(reason for reason in Reason if 100 <= reason < 110),  # entries and exits
        *(reason for reason in Reason if 110 <= reason < 130),  # other families
        Reason.CITY_NOT_ACCEPTED_YET,
        Reason.LISTS_TOO_OLD,
        Reason.TOO_LONG,
        Reason.TOO_SHORT,
        Reason.ISSUER_DATA_SIZE,
        Reason.TIME_UNTRUSTED,
        Reason.FROM_THE_FUTURE,
        Reason.FARE_OVER_CAP,
    }
    assert {reason for reason, _ in ORDER} | elsewhere == set(Reason)


def test_a_payment_account_is_sixteen_printable_characters_of_ascii(
    new_rider: Callable[..., Rider], new_validator: Callable[..., Validator], now: int
) -> None:
    for character in range(256):
        spoilt = scene()
        spoilt.unsigned.update({135: bytes([character])})
        is_one = present(spoilt, new_rider, new_validator, now) is not Reason.PAYMENT_ACCOUNT
        assert is_one is (0x20 <= character <= 0x7E), character


def test_a_refused_pair_with_a_mismatching_institution_reports_the_mismatch(
    new_rider: Callable[..., Rider], new_validator: Callable[..., Validator], now: int
) -> None:
    code = new_rider(organisation="01011000", platform="99999999").code(now)
    assert new_validator().judge(code, now).case == 5683


def test_a_certificate_whose_expiry_is_no_month_is_malformed(
    new_rider: Callable[..., Rider], new_validator: Callable[..., Validator], now: int
) -> None:
    for expiry in (b"\x00\x49", b"\x13\x49", b"\x0a\x49", b"\x12\x4a"):
        spoilt = scene()
        spoilt.certificate[11] = expiry
        assert present(spoilt, new_rider, new_validator, now).case == 5586


def test_the_off_curve_key_is_one() -> None:
    with pytest.raises(ValueError, match="not a public key"):
        _core.sm2_parse_key(OFF_CURVE)


@pytest.mark.parametrize(("month", "passes"), [((2026, 8), False), ((2026, 9), True), ((2026, 10), True)])
def test_a_certificate_and_a_root_are_good_to_the_end_of_their_month_utc(
    month: tuple[int, int], passes: bool, new_rider: Callable[..., Rider], new_validator: Callable[..., Validator]
) -> None:
    last_second = 1_790_812_799  # 2026-09-30 23:59:59 UTC
    for of_root, of_issuer in ((month, (2049, 12)), ((2049, 12), month)):
        root = make_root(1, of_root)
        rider = new_rider(make_issuer(root, expires=of_issuer), authorised_until=last_second + 100)
        validator = new_validator(roots=[{"certificate": root.certificate.hex()}])
        assert validator.judge(rider.code(last_second), last_second).accepted is passes
        later = validator.judge(rider.code(last_second + 1), last_second + 1)
        assert later.accepted is (month == (2026, 10))


def test_a_device_that_does_not_know_the_time_says_only_that(
    new_rider: Callable[..., Rider], new_validator: Callable[..., Validator], now: int
) -> None:
    root = make_root(1, (2020, 1))
    old = new_rider(make_issuer(root, expires=(2020, 1)), authorised_until=1)
    validator = new_validator(roots=[{"certificate": root.certificate.hex()}])
    unsure = Moment(unix_s=now, tick_ms=0, trusted=False)
    assert validator.judge(old.code(5), unsure).reason is Reason.TIME_UNTRUSTED
    too_long = new_rider(make_issuer(root), validity_s=1201).code(now)
    assert validator.judge(too_long, unsure).reason is Reason.VALIDITY_TOO_LONG
    forged = bytearray(old.code(6))
    forged[-1] ^= 1
    assert validator.judge(bytes(forged), unsure).reason is Reason.RIDER_SIGNATURE


def test_a_code_judged_without_the_time_is_not_remembered(
    new_rider: Callable[..., Rider], new_validator: Callable[..., Validator], now: int
) -> None:
    validator = new_validator()
    code = new_rider().code(now)
    assert not validator.judge(code, Moment(unix_s=now, tick_ms=0, trusted=False)).accepted
    assert validator.judge(code, Moment(unix_s=now, tick_ms=60_000)).accepted


def test_two_issuers_under_one_root_do_not_stand_for_each_other(
    root: RootAuthority,
    issuer: Issuer,
    new_rider: Callable[..., Rider],
    new_validator: Callable[..., Validator],
    now: int,
) -> None:
    validator = new_validator()
    assert validator.judge(new_rider().code(now), now).accepted
    twin = make_issuer(root, key=SigningKey.generate())
    code = bytearray(new_rider(twin).code(now))
    code[3:120] = issuer.certificate
    assert validator.judge(bytes(code), now).reason is Reason.ISSUER_SIGNATURE
    assert validator.judge(new_rider(twin).code(now), now).accepted


@pytest.mark.parametrize(("mode", "cap", "reason"), [("bus", 199, 5578), ("bus", 200, None), ("metro", 299, 5578)])
def test_a_fare_may_reach_the_cap_and_not_pass_it(
    *,
    mode: str,
    cap: int,
    reason: int | None,
    new_rider: Callable[..., Rider],
    new_validator: Callable[..., Validator],
    now: int,
) -> None:
    verdict = new_validator(mode=Mode(mode)).judge(new_rider(cap_fen=cap).code(now), now)
    assert verdict.case == reason
    assert verdict.fare_fen == (200 if verdict.accepted else 0)
