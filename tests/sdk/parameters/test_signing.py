"""Signing packages: several holders, keys in modules and in files, and the layout held against the core's."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.packages_world import DAY, NOW, A, B, C, image, package, trust
from yima.sdk import layouts_package, sm2
from yima.sdk.parameters.signing import (
    Envelope,
    Signature,
    add_signature,
    attach,
    make_key_file,
    read_key_file,
    sign_package,
    to_be_signed,
    verify_package,
)
from yima.validator import _core
from yima.validator.errors import ParametersError
from yima.validator.packages import Kind, PackageError, Standing, check, key_id, parse_package

BOTH = (A.compressed, B.compressed)


def test_holders_of_keys_sign_one_after_the_other() -> None:
    draft = package(1, keys=(), next_keys=BOTH, needed=2)
    one = add_signature(draft, A)
    two = add_signature(one, B)
    assert set(parse_package(two).signers) == {key_id(key) for key in BOTH}
    assert to_be_signed(draft) == to_be_signed(two)
    assert parse_package(draft).id == parse_package(two).id
    check(parse_package(two), trust(keys=BOTH, needed=2), NOW)


def test_signing_again_takes_the_place_of_the_older_signature() -> None:
    once = package(1)
    assert len(add_signature(once, A)) == len(once)
    check(parse_package(add_signature(once, A)), trust(), NOW)


@pytest.mark.parametrize(
    ("changes", "thing", "problem"),
    [
        ({"previous": 1}, "previous", "1 is not below version 1"),
        ({"expiry": NOW - 3600}, "expiry", "does not lie behind the beginning, "),
        ({"needed": 2}, "signers of the next package", "1 keys, of which 2 must sign"),
        ({"needed": 0}, "signers of the next package", "1 keys, of which 0 must sign"),
        ({"next_keys": [bytes([2, n]) + bytes(31) for n in range(17)]}, "signers of the next package", "17 keys"),
        ({"version": 0}, "version", "0 is none"),
        ({"version": 1 << 32}, "version", "4294967296 is none"),
    ],
)
def test_values_that_do_not_go_together_are_named(changes: dict[str, Any], thing: str, problem: str) -> None:
    """A bug found: whoever asked for them was told that the package is damaged, at a byte, and to build it again."""
    with pytest.raises(ParametersError) as refused:
        package(**changes, inside=image(1, "test"))
    assert refused.value.thing == thing
    assert problem in refused.value.problem.en
    assert refused.value.problem.zh != refused.value.problem.en


def test_a_key_in_its_module_signs_what_is_to_be_signed() -> None:
    draft = package(1, keys=())
    check(parse_package(attach(draft, A.compressed, A.sign(to_be_signed(draft)))), trust(), NOW)
    with pytest.raises(PackageError, match="wrong signature"):
        attach(draft, A.compressed, B.sign(to_be_signed(draft)))


def test_a_seventeenth_signature_finds_no_room() -> None:
    data = package(1, keys=())
    for number in range(1, 17):
        data = add_signature(data, sm2.SigningKey.from_int(number))
    with pytest.raises(PackageError) as caught:
        add_signature(data, sm2.SigningKey.from_int(17))
    assert caught.value.rule == "BAD_VALUE"


def test_those_who_sign_are_named_for_the_next_unless_others_are() -> None:
    envelope = Envelope(environment="test", version=1, not_before=0, expiry=9)
    assert parse_package(sign_package(image(1), envelope, [A, B])).keys == tuple(sorted(BOTH))


@pytest.mark.parametrize("inside", [image(2), image(1, "production"), b"no image", b""])
def test_an_image_of_another_version_or_environment_is_not_signed(inside: bytes) -> None:
    with pytest.raises(PackageError) as caught:
        package(1, inside=inside)
    assert caught.value.rule == "MIXED"


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 0},
        {"version": 1 << 32},
        {"city": -1},
        {"environment": "staging"},
        {"next_keys": [b"short"]},
        {"next_keys": [b"\2" + b"\xff" * 32]},
        {"needed": 2},
        {"expiry": NOW - DAY},
        {"previous": 1},
        {"base": b"short"},
        {"base": bytes([1]) * 32},
        {"not_before": 1 << 63, "expiry": (1 << 63) + 1},
    ],
)
def test_an_envelope_that_cannot_be_is_refused(changes: dict[str, Any]) -> None:
    version = changes.pop("version", 1)
    with pytest.raises(ParametersError):
        package(version, inside=image(1), **changes)


def test_a_report_says_of_each_signature_what_can_be_known() -> None:
    data = package(1, keys=[A, B, C], next_keys=[B.compressed])
    damaged = data.replace(layouts_package.PACKAGE.parse(data).signatures[0].signature, bytes(64))
    report = verify_package(data, trust(), NOW)
    known = {row.signer: row for row in report.signatures}
    ids = {name: key_id(key.compressed).hex() for name, key in (("A", A), ("B", B), ("C", C))}
    assert known[ids["A"]] == Signature(signer=ids["A"], trusted=True, named=False, holds=True)
    assert known[ids["B"]] == Signature(signer=ids["B"], trusted=False, named=True, holds=True)
    assert known[ids["C"]] == Signature(signer=ids["C"], trusted=False, named=False, holds=None)
    assert report.error is not None
    assert report.error.rule == "UNKNOWN_SIGNER"
    everybody = trust(keys=(A.compressed, B.compressed, C.compressed))
    assert verify_package(data, everybody, NOW).error is None
    assert verify_package(data, everybody, NOW).standing is Standing.GOOD
    assert [row.holds for row in verify_package(damaged, everybody, NOW).signatures] == [False, True, True]


def test_a_key_file_is_its_owners_alone_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "city.key"
    key = make_key_file(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_key_file(path) == key
    assert key.compressed.hex() in path.read_text()
    with pytest.raises(ParametersError, match="not there yet"):
        make_key_file(path)
    path.chmod(0o640)
    with pytest.raises(ParametersError, match="read by others"):
        read_key_file(path)


def test_a_key_that_did_not_reach_the_disk_is_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ParametersError, match="cannot be made: No space left"):
        make_key_file(tmp_path / "signer.key")


@pytest.mark.parametrize(
    "text", ["", "secret 00", f"secret {'0' * 64}", f"secret {'f' * 64}", f"secret {1:064x}\n" * 2]
)
def test_a_file_without_a_key_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "city.key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ParametersError, match="holds no signing key"):
        read_key_file(path)
    with pytest.raises(ParametersError, match="No such file"):
        read_key_file(tmp_path / "none")


# Two implementations of the layout


@given(
    environment=st.sampled_from(["production", "test"]),
    kind=st.sampled_from(Kind),
    city=st.integers(0, 2**32 - 1),
    version=st.integers(2, 2**32 - 1),
    times=st.tuples(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1)).filter(lambda pair: pair[0] < pair[1]),
    content=st.binary(max_size=200),
    named=st.sets(st.sampled_from([A, B, C]), min_size=1),
    signed=st.sets(st.sampled_from([A, B, C])),
    data=st.data(),
)
def test_what_construct_builds_the_core_reads_alike(
    *,
    environment: str,
    kind: Kind,
    city: int,
    version: int,
    times: tuple[int, int],
    content: bytes,
    named: set[sm2.SigningKey],
    signed: set[sm2.SigningKey],
    data: st.DataObject,
) -> None:
    previous = data.draw(st.integers(0, version - 1))
    needed = data.draw(st.integers(1, len(named)))
    base = data.draw(st.binary(min_size=32, max_size=32).filter(any)) if kind is Kind.DENY_INCREMENT else bytes(32)
    inside = image(version, environment, content)
    envelope = Envelope(
        environment=environment,
        kind=kind,
        city=city,
        version=version,
        previous=previous,
        not_before=times[0],
        expiry=times[1],
        needed=needed,
        base=base,
        next_keys=[key.compressed for key in named],
    )
    built = sign_package(inside, envelope, list(signed))
    package = parse_package(built)
    parsed = layouts_package.PACKAGE.parse(built)
    assert layouts_package.PACKAGE.build(parsed) == built
    assert (package.environment, package.kind, package.city) == (environment, kind, city)
    assert (package.version, package.previous) == (version, previous) == (parsed.signed.version, parsed.signed.previous)
    assert (package.not_before, package.expiry) == times == (parsed.signed.not_before, parsed.signed.expiry)
    assert list(package.keys) == list(parsed.signed.next_keys) == sorted(key.compressed for key in named)
    assert list(package.signers) == [row.key_id for row in parsed.signatures]
    assert (package.needed, package.base, package.digest) == (needed, base, sm2.sm3(inside))
    assert package.id == sm2.sm3(to_be_signed(built)) == sm2.sm3(layouts_package.SIGNED_PART.build(parsed.signed))
    assert bytes(package.image) == parsed.image == inside
    assert _core.package_size(built) == len(built)
