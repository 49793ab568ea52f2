"""The deny-list on a device: files mapped where they lie, errors that say what to do, and its say in a verdict."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.packages_world import NOW, PINS, package
from yima.sdk.issuer import Rider
from yima.sdk.parameters.denylist import Changes, accounts_of, build
from yima.validator import _core
from yima.validator.deny.denylist import DenyList, FileCounts, account_bytes
from yima.validator.errors import ParametersError
from yima.validator.judging import Reason, Validator
from yima.validator.packages import Chain, Kind, parse_package
from yima.validator.packages.store import PackageStore

ACCOUNT = "31048700000000019999"
OTHER = "3104870000000001999F"


def image(*accounts: str, version: int = 1, environment: str = "test", base: DenyList | None = None) -> bytes:
    changes = Changes(denied=accounts_of(map(account_bytes, accounts)))
    return build(changes, environment=environment, version=version, issued_at=1000 + version, base=base)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """A full list of one account, and an increment that adds another."""
    paths = [tmp_path / "full.ymd", tmp_path / "more.ymd"]
    paths[0].write_bytes(image(ACCOUNT))
    paths[1].write_bytes(image(OTHER, version=2, base=DenyList.open(paths[0])))
    return paths


def test_files_are_opened_and_say_what_they_are(files: list[Path]) -> None:
    deny = DenyList.open(*files)
    deny.verify()
    assert (deny.version, deny.issued_at, deny.environment) == (2, 1002, "test")
    assert deny.files == (FileCounts(1, 0, 0, 0), FileCounts(1, 0, 0, 0))
    assert deny.digest != DenyList.open(files[0]).digest
    assert deny.has(ACCOUNT)
    assert deny.has(OTHER)
    assert deny.has(bytes.fromhex(OTHER))
    assert not DenyList.open(files[0]).has(OTHER)


def test_an_account_is_twenty_digits_with_padding_in_any_case() -> None:
    deny = DenyList(image(OTHER))
    assert deny.has(OTHER.lower())
    for wrong in ("", ACCOUNT[:-1], ACCOUNT + "0", "3104F700000000019999", "F" * 20, ACCOUNT[:-1] + "\n"):
        with pytest.raises(ValueError, match="20 digits"):
            deny.has(wrong)


def test_a_list_renamed_into_place_leaves_the_open_one_as_it_was(files: list[Path], tmp_path: Path) -> None:
    deny = DenyList.open(files[0])
    (tmp_path / "new").write_bytes(image(OTHER, version=3))
    (tmp_path / "new").rename(files[0])
    assert deny.has(ACCOUNT)
    assert not deny.has(OTHER)
    assert DenyList.open(files[0]).has(OTHER)


@pytest.mark.parametrize(
    ("name", "content", "problem", "remedy"),
    [
        ("full.ymd", b"", "truncated, at byte 0", "Get the file again"),
        ("full.ymd", b"YIMP" + bytes(200), "not a deny-list of this format", "Check which file"),
        ("more.ymd", None, "cannot be read: No such file", "Check the path"),
        ("more.ymd", image(OTHER, version=5), "an increment where a full list belongs", "the full list first"),
        (
            "more.ymd",
            image(OTHER, version=5, base=DenyList(image(OTHER, version=3))),
            "another state",
            "the increments between",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_what_to_do(
    files: list[Path], name: str, content: bytes | None, problem: str, remedy: str
) -> None:
    path = files[0].with_name(name)
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(ParametersError) as caught:
        DenyList.open(*files)
    assert caught.value.thing == str(path)
    assert problem in caught.value.problem.en
    assert remedy in caught.value.remedy.en
    assert ACCOUNT not in str(caught.value)


def test_verifying_finds_what_opening_does_not_look_at(files: list[Path]) -> None:
    content = bytearray(files[1].read_bytes())
    content[-1] ^= 1
    files[1].write_bytes(content)
    deny = DenyList.open(*files)
    with pytest.raises(ParametersError, match="digest wrong") as caught:
        deny.verify()
    assert caught.value.thing == str(files[1])


def test_a_rider_on_the_list_is_refused_and_off_it_accepted(
    new_validator: Callable[..., Validator], new_rider: Callable[..., Rider], now: int
) -> None:
    gate = new_validator()
    rider = new_rider(card_account=ACCOUNT)
    gate.set_deny(DenyList(image(ACCOUNT)))
    refused = gate.judge(rider.code(now), now)
    assert (refused.accepted, refused.reason) == (False, Reason.DENY_LISTED)
    assert gate.judge(new_rider(card_account=OTHER.rstrip("F")).code(now), now).accepted
    gate.set_deny(None)
    assert gate.judge(rider.code(now + 1), now + 10).accepted


def test_the_parameters_own_deny_list_still_counts_beside_it(
    new_validator: Callable[..., Validator], new_rider: Callable[..., Rider], now: int
) -> None:
    gate = new_validator(deny=[{"account": ACCOUNT}])
    gate.set_deny(DenyList(image(OTHER)))
    for account in (ACCOUNT, OTHER):
        assert gate.judge(new_rider(card_account=account.rstrip("F")).code(now), now).reason == Reason.DENY_LISTED


def test_a_new_list_does_not_make_the_gate_forget_used_codes(
    new_validator: Callable[..., Validator], new_rider: Callable[..., Rider], now: int
) -> None:
    gate = new_validator()
    code = new_rider().code(now)
    assert gate.judge(code, now).accepted
    gate.set_deny(DenyList(image(OTHER)))
    assert gate.judge(code, now + 10).reason == Reason.REPEATED


def test_lists_of_another_environment_stay_out(new_validator: Callable[..., Validator]) -> None:
    with pytest.raises(ParametersError, match="Never mix"):
        new_validator().set_deny(DenyList(image(ACCOUNT, environment="production")))


def test_the_core_borrows_deny_lists_only(new_validator: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="not a DenyList"):
        new_validator().core.set_deny(image(ACCOUNT))


def test_the_list_lives_as_long_as_a_gate_uses_it(
    new_validator: Callable[..., Validator], new_rider: Callable[..., Rider], now: int
) -> None:
    gate = new_validator()
    gate.set_deny(DenyList(bytes(bytearray(image(ACCOUNT)))))
    [bytes(100_000) for _ in range(100)]  # memory set free too early would be taken now
    assert gate.judge(new_rider(card_account=ACCOUNT).code(now), now).reason == Reason.DENY_LISTED


def test_signed_packages_bring_a_list_and_its_increments_into_force(tmp_path: Path) -> None:
    full = image(ACCOUNT)
    more = image(OTHER, version=2, base=DenyList(full))
    store = PackageStore(tmp_path, PINS, "test", chain=Chain.DENY, accept=DenyList.of_packages, hash_at_open=False)
    first = package(1, inside=full, kind=Kind.DENY_LIST)
    store.take(first, NOW)
    store.take(package(2, inside=more, kind=Kind.DENY_INCREMENT, base=parse_package(first).id), NOW)
    again = PackageStore(tmp_path, PINS, "test", chain=Chain.DENY, accept=DenyList.of_packages, hash_at_open=False)
    deny = DenyList.of_packages(again.active)
    deny.verify()
    assert deny.has(ACCOUNT)
    assert deny.has(OTHER)


def test_a_list_under_an_envelope_of_another_version_is_not_taken(tmp_path: Path) -> None:
    store = PackageStore(tmp_path, PINS, "test", chain=Chain.DENY, accept=DenyList.of_packages)
    with pytest.raises(ParametersError, match="holds a test list of version 1"):
        store.take(package(2, inside=image(ACCOUNT), kind=Kind.DENY_LIST, previous=0), NOW)
    with pytest.raises(ParametersError, match="holds a production list"):
        store.take(package(1, inside=image(ACCOUNT, environment="production"), kind=Kind.DENY_LIST), NOW)
    assert store.active == ()


def test_the_type_is_the_cores_own() -> None:
    assert isinstance(DenyList(image(ACCOUNT)).core, _core.DenyList)
