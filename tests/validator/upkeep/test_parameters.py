"""Which parameters a running device judges by: packages put beside it, read again, waiting, expiring."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.packages_world import DAY, NOW, PINS, A, B, package
from yima.sdk.issuer import Rider
from yima.validator.errors import ParametersError
from yima.validator.guarding.guards import GuardedUpkeep
from yima.validator.judging import GateContext, Mode, Moment, Validator
from yima.validator.packages import PackageError, Policy, Standing
from yima.validator.packages.storage import DirectoryStorage
from yima.validator.parameters import Parameters, from_mapping
from yima.validator.upkeep.parameters import Packages, PlainFile, Upkeep

AT = Moment.at(NOW)
UNTRUSTED = Moment(unix_s=NOW, tick_ms=0, trusted=False)


@pytest.fixture
def signed(mapping: dict[str, Any]) -> Callable[..., bytes]:
    """Makes a package of the test world's parameters; a ride by bus costs its version in fen."""

    def sign(version: int, **changes: Any) -> bytes:
        environment = changes.get("environment", "test")
        rules = mapping | {"version": version, "environment": environment, "fares": {"bus": version}}
        return package(version, inside=bytes(from_mapping(rules).image), **changes)

    return sign


class Bench:
    """A package file and a state directory; `start` is a start of the device."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "gate.ymp"
        self.directory = directory / "state" / "packages"

    def start(self, now: Moment = AT, **changes: Any) -> tuple[Packages, Parameters]:
        source = self.source(**changes)
        return source, source.start(now)

    def source(self, **changes: Any) -> Packages:
        plain: dict[str, Any] = {"pins": PINS, "environment": "test"}
        return Packages(self.file, self.directory, **(plain | changes))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def rule_of(call: Callable[[], object]) -> str:
    with pytest.raises(PackageError) as caught:
        call()
    return caught.value.rule


def test_where_nothing_is_in_force_nothing_ends(bench: Bench) -> None:
    assert bench.source().until() == 0


def test_the_first_start_activates_the_package(bench: Bench, signed: Callable[..., bytes]) -> None:
    bench.file.write_bytes(signed(5))
    source, parameters = bench.start()
    assert (parameters.environment, parameters.version) == ("test", 5)
    assert source.trouble is None
    assert source.standing(AT)[0] is Standing.GOOD


def test_a_later_start_needs_no_file_but_says_so(bench: Bench, signed: Callable[..., bytes]) -> None:
    bench.file.write_bytes(signed(5))
    bench.start()
    bench.file.unlink()
    source, parameters = bench.start()
    assert parameters.version == 5
    assert "No such file" in str(source.trouble)


def test_what_is_in_force_stays_whatever_lies_there(bench: Bench, signed: Callable[..., bytes]) -> None:
    bench.file.write_bytes(signed(5))
    bench.start()
    for bad, rule in ((signed(4), "OLDER"), (signed(6, keys=[B]), "UNKNOWN_SIGNER"), (b"version = 6", "NOT_A_PACKAGE")):
        bench.file.write_bytes(bad.ljust(128))
        source, parameters = bench.start()
        assert parameters.version == 5
        assert isinstance(source.trouble, PackageError)
        assert source.trouble.rule == rule
        with pytest.raises(PackageError):
            source.again(AT)


def test_without_anything_in_force_a_bad_package_is_no_start(bench: Bench, signed: Callable[..., bytes]) -> None:
    bench.file.write_bytes(signed(1, keys=[B]))
    assert rule_of(bench.start) == "UNKNOWN_SIGNER"
    bench.file.write_bytes(signed(1, environment="production"))
    assert rule_of(bench.start) == "OTHER_ENVIRONMENT"
    bench.file.write_bytes(signed(1, city=310000))
    assert rule_of(lambda: bench.start(city=320500)) == "OTHER_CITY"


def test_a_device_that_trusts_keys_takes_no_plain_file(bench: Bench) -> None:
    bench.file.write_text('environment = "test"\nversion = 1\n'.ljust(200))
    assert rule_of(bench.start) == "NOT_A_PACKAGE"


def test_a_signed_image_that_the_core_cannot_read_is_not_activated(bench: Bench, signed: Callable[..., bytes]) -> None:
    bench.file.write_bytes(signed(5))
    source, _ = bench.start()
    bench.file.write_bytes(package(6))
    with pytest.raises(ParametersError, match="refused by the core"):
        source.again(AT)
    assert source.store.active[0].version == 5


def test_a_newer_file_comes_into_force_when_it_is_looked_at(bench: Bench, signed: Callable[..., bytes]) -> None:
    bench.file.write_bytes(signed(5))
    source, _ = bench.start()
    assert source.again(AT) is None
    bench.file.write_bytes(signed(6))
    changed = source.again(AT)
    assert changed is not None
    assert changed.version == 6
    assert source.again(AT) is None


def test_a_package_for_later_comes_into_force_by_itself(bench: Bench, signed: Callable[..., bytes]) -> None:
    bench.file.write_bytes(signed(5))
    source, _ = bench.start()
    bench.file.write_bytes(signed(6, not_before=NOW + DAY))
    assert source.again(AT) is None
    assert source.due(Moment.at(NOW + DAY - 1)) is None
    assert source.due(Moment(unix_s=NOW + DAY, tick_ms=0, trusted=False)) is None
    changed = source.due(Moment.at(NOW + DAY))
    assert changed is not None
    assert changed.version == 6
    assert source.due(Moment.at(NOW + DAY)) is None


def test_what_cannot_come_into_force_when_its_time_has_come_is_told_once(
    bench: Bench, signed: Callable[..., bytes]
) -> None:
    bench.file.write_bytes(signed(5))
    source, _ = bench.start()
    bench.file.write_bytes(signed(6, not_before=NOW + DAY, expiry=NOW + 2 * DAY))
    source.again(AT)
    assert rule_of(lambda: source.due(Moment.at(NOW + 2 * DAY))) == "EXPIRED"
    assert source.due(Moment.at(NOW + 2 * DAY)) is None
    assert bench.start(Moment.at(NOW + 2 * DAY))[0].waiting == ()


def test_what_finds_a_full_disk_when_its_time_has_come_is_told_once_and_comes_when_there_is_room(
    bench: Bench, signed: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    bench.file.write_bytes(signed(5))
    source, _ = bench.start()
    bench.file.write_bytes(signed(6, not_before=NOW + DAY))
    source.again(AT)
    kept = Kept(source)
    with monkeypatch.context() as on_it:
        on_it.setattr(DirectoryStorage, "write", full)
        for second in (0, 1, 59, 60, 61, 300):
            assert kept.upkeep.look(Moment.at(NOW + DAY + second)) is None
    assert ["No space left on device" in trouble for trouble in kept.troubles] == [True]
    assert kept.upkeep.look(Moment.at(NOW + DAY + 359)) is None
    parameters = kept.upkeep.look(Moment.at(NOW + DAY + 360))
    assert parameters is not None
    assert (parameters.version, source.waiting, len(kept.troubles)) == (6, (), 1)


def test_a_first_package_for_later_waits_and_the_device_does_not_start(
    bench: Bench, signed: Callable[..., bytes]
) -> None:
    bench.file.write_bytes(signed(5, not_before=NOW + DAY))
    assert rule_of(bench.start) == "NOT_YET"
    assert bench.start(Moment.at(NOW + DAY))[1].version == 5


def test_an_urgent_package_comes_before_what_waits_and_both_are_told(
    bench: Bench, signed: Callable[..., bytes]
) -> None:
    bench.file.write_bytes(signed(5))
    source, _ = bench.start()
    bench.file.write_bytes(signed(6, not_before=NOW + DAY))
    assert source.again(AT) is None
    assert [(one.version, one.not_before) for one in source.waiting] == [(6, NOW + DAY)]
    bench.file.write_bytes(signed(7))
    assert version_of(source.again(AT)) == 7
    assert [one.version for one in bench.start()[0].waiting] == [6]
    assert version_of(source.due(Moment.at(NOW + DAY))) == 6
    again, parameters = bench.start(Moment.at(NOW + DAY))  # the urgent one's file still lies there
    assert (parameters.version, again.trouble, again.again(Moment.at(NOW + DAY))) == (6, None, None)


def test_what_can_no_longer_come_into_force_is_told_once_when_that_is_known(
    bench: Bench, signed: Callable[..., bytes]
) -> None:
    told: list[ParametersError] = []
    bench.file.write_bytes(signed(5))
    source, _ = bench.start()
    upkeep = Upkeep(source, troubled=told.append)
    for data in (signed(6, not_before=NOW + DAY), signed(7, next_keys=[B.compressed])):
        bench.file.write_bytes(data)
        upkeep.request()
        upkeep.look(AT)
        upkeep.look(AT)
    assert ["version 6: waited, and is given up" in str(error) for error in told] == [True]


def version_of(parameters: Parameters | None) -> int:
    assert parameters is not None
    return parameters.version


def test_a_clock_that_is_not_trusted_activates_nothing(bench: Bench, signed: Callable[..., bytes]) -> None:
    bench.file.write_bytes(signed(5))
    with pytest.raises(ParametersError, match="--trust-clock"):
        bench.start(UNTRUSTED)
    bench.start()
    source, parameters = bench.start(UNTRUSTED)
    assert (parameters.version, source.trouble) == (5, None)
    bench.file.write_bytes(signed(6))
    with pytest.raises(ParametersError, match="clock is not trusted"):
        source.again(UNTRUSTED)
    assert source.standing(Moment(unix_s=NOW + 999 * DAY, tick_ms=0, trusted=False))[0] is Standing.GOOD


def test_a_plain_file_is_read_again_too(tmp_path: Path) -> None:
    path = tmp_path / "gate.toml"
    path.write_text('environment = "test"\nversion = 1\n')
    source = PlainFile(path, "test")
    assert source.start(AT).version == 1
    assert source.again(AT) is None
    path.write_text('environment = "test"\nversion = 2\n')
    changed = source.again(AT)
    assert changed is not None
    assert changed.version == 2
    assert source.due(AT) is None
    with pytest.raises(PackageError, match="other environment"):
        PlainFile(path, "production")


# Upkeep


class Kept:
    """An upkeep and what it told."""

    def __init__(self, source: Packages) -> None:
        self.changes: list[int | None] = []
        self.troubles: list[str] = []
        self.upkeep = Upkeep(
            source,
            changed=lambda parameters: self.changes.append(parameters.version if parameters else None),
            troubled=lambda error: self.troubles.append(str(error)),
        )


def test_a_request_hands_over_a_judge_by_the_new_parameters(
    bench: Bench, signed: Callable[..., bytes], new_rider: Callable[..., Rider], now: int
) -> None:
    bench.file.write_bytes(signed(5))
    source, _ = bench.start()
    kept = Kept(source)
    assert kept.upkeep.look(AT) is None
    bench.file.write_bytes(signed(6))
    assert kept.upkeep.look(AT) is None
    kept.upkeep.request()
    parameters = kept.upkeep.look(AT)
    assert parameters is not None
    judge = Validator(parameters, GateContext(mode=Mode.BUS), table_bytes=0)
    assert judge.judge(new_rider().code(now), now).fare_fen == 6
    assert (kept.changes, kept.troubles) == ([6], [])


def test_a_request_that_finds_nothing_new_is_answered(bench: Bench, signed: Callable[..., bytes]) -> None:
    bench.file.write_bytes(signed(5))
    kept = Kept(bench.start()[0])
    kept.upkeep.request()
    assert kept.upkeep.look(AT) is None
    assert kept.upkeep.look(AT) is None
    assert kept.changes == [None]


def test_trouble_is_told_and_the_judge_stays(bench: Bench, signed: Callable[..., bytes]) -> None:
    bench.file.write_bytes(signed(5))
    bench.start()
    bench.file.write_bytes(signed(4))
    kept = Kept(bench.start()[0])
    assert kept.upkeep.look(AT) is None
    kept.upkeep.request()
    assert kept.upkeep.look(AT) is None
    assert kept.upkeep.look(AT) is None
    assert len(kept.troubles) == 2
    assert all("older than what this device has had" in trouble for trouble in kept.troubles)


def test_the_alarm_comes_before_expiry_and_after_the_grace_no_one_rides(
    bench: Bench, signed: Callable[..., bytes]
) -> None:
    bench.file.write_bytes(signed(5, expiry=NOW + 10 * DAY))
    source, _ = bench.start(policy=Policy(alarm_s=2 * DAY, grace_s=DAY))
    kept = Kept(source)
    assert kept.upkeep.until() == NOW + 11 * DAY
    for day in (0, 7, 8, 9, 10, 11, 12):
        moment = Moment.at(NOW + day * DAY)
        kept.upkeep.look(moment)
    assert [trouble.split(". ")[0].partition(" at ")[0] for trouble in kept.troubles] == [
        "parameters: expire",
        "parameters: expired",
        "parameters: expired",
    ]
    assert "grace" in kept.troubles[1]
    assert "no one can ride" in kept.troubles[2]
    bench.file.write_bytes(signed(6, expiry=NOW + 90 * DAY))
    kept.upkeep.request()
    later = Moment.at(NOW + 12 * DAY)
    assert kept.upkeep.look(later) is not None
    assert kept.upkeep.until() == NOW + 91 * DAY
    assert A.compressed in source.store.trust.keys


def test_a_package_that_never_expires_is_used(bench: Bench, signed: Callable[..., bytes]) -> None:
    """A bug found: its grace ended behind the last second that there is, and nobody rode."""
    bench.file.write_bytes(signed(5, expiry=(1 << 63) - 1))
    source, _ = bench.start()
    upkeep = GuardedUpkeep(Kept(source).upkeep, lambda error: pytest.fail(str(error)))
    assert upkeep.until() == (1 << 63) - 1
    assert source.standing(AT)[0] is Standing.GOOD
