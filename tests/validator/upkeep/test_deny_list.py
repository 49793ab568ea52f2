"""Which deny-list a running device judges by: never without one, never in the way of a tap, never worse than before."""

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.packages_world import DAY, NOW, PINS, package
from yima.sdk.issuer import Rider
from yima.sdk.parameters.denylist import Changes, accounts_of, build
from yima.validator.deny.denylist import DenyList, account_bytes
from yima.validator.errors import ParametersError
from yima.validator.judging import Moment, Reason, Validator
from yima.validator.packages import Kind, Policy, Standing, parse_package
from yima.validator.packages.storage import DirectoryStorage
from yima.validator.upkeep.deny_list import DenyPackages, DenySource, DenyUpkeep, Looked, PlainDenyList
from yima.validator.upkeep.parameters import PlainFile, Upkeep

AT = Moment.at(NOW)
UNTRUSTED = Moment(unix_s=NOW, tick_ms=0, trusted=False)
A, B = "31048700000000019999", "31048700000000018888"


def image(version: int, *accounts: str, base: DenyList | None = None, environment: str = "test") -> bytes:
    changes = Changes(denied=accounts_of(map(account_bytes, accounts)))
    return build(changes, environment=environment, version=version, issued_at=NOW - 3600, base=base)


FULL = image(1, A)
MORE = image(2, B, base=DenyList(FULL))


def signed(version: int = 1, inside: bytes = FULL, **changes: Any) -> bytes:
    return package(version, inside=inside, kind=Kind.DENY_LIST, previous=0, **changes)


def increment(base: bytes, version: int = 2, inside: bytes = MORE, **changes: Any) -> bytes:
    return package(version, inside=inside, kind=Kind.DENY_INCREMENT, base=parse_package(base).id, **changes)


class Bench:
    """Two files, a state directory, and what was told."""

    def __init__(self, directory: Path) -> None:
        self.files = (directory / "full.ymp", directory / "more.ymp")
        self.directory = directory / "state" / "deny"
        self.changes: list[int | None] = []
        self.troubles: list[str] = []

    def put(self, *contents: bytes) -> None:
        for path, content in zip(self.files, contents, strict=False):
            path.write_bytes(content)

    def source(self, files: int = 1, **changes: Any) -> DenyPackages:
        return DenyPackages(self.files[:files], self.directory, PINS, "test", **changes)

    def upkeep(self, source: DenySource) -> DenyUpkeep:
        return DenyUpkeep(
            source,
            changed=lambda deny: self.changes.append(deny.version if deny else None),
            troubled=lambda error: self.troubles.append(str(error)),
        )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def look_until_done(upkeep: DenyUpkeep, now: Moment = AT) -> None:
    """Looks, and ends the thread, as a device does at its end; nothing can be looked at after it."""
    upkeep.look(now)
    upkeep.close()


def version_of(looked: Looked) -> int | None:
    return looked.deny.version if looked.deny else None


def test_files_come_into_force_in_their_order_and_only_once(bench: Bench) -> None:
    full = signed()
    bench.put(full, increment(full))
    source = bench.source(files=2)
    assert source.in_force() is None
    assert version_of(source.take(AT)) == 2
    deny = source.in_force()
    assert deny is not None
    assert (deny.version, deny.has(A), deny.has(B)) == (2, True, True)
    assert source.take(AT) == Looked()
    again = bench.source(files=2)
    assert again.take(AT) == Looked()
    kept = again.in_force()
    assert kept is not None
    assert kept.version == 2


def test_a_bad_increment_does_not_undo_the_good_list_before_it(bench: Bench) -> None:
    bench.put(signed(), increment(signed(3, image(3, B)), 4, image(4, A, base=DenyList(image(3, B))), previous=0))
    looked = bench.source(files=2).take(AT)
    assert version_of(looked) == 1
    assert "another list than the one in force" in str(looked.trouble)


def test_a_list_out_of_order_inside_is_not_taken_though_it_is_signed(bench: Bench) -> None:
    accounts = image(1, A, B)
    swapped = accounts[:-20] + accounts[-10:] + accounts[-20:-10]
    bench.put(signed(inside=swapped))
    looked = bench.source().take(AT)
    assert looked.deny is None
    assert "digest wrong" in str(looked.trouble)


def test_an_older_file_beside_the_newest_is_passed_over_and_alone_it_is_told(bench: Bench) -> None:
    bench.put(signed(1), signed(3, image(3, B)))
    source = bench.source(files=2)
    assert version_of(source.take(AT)) == 3
    assert source.take(AT) == Looked()
    assert "older than what this device has had" in str(bench.source().take(AT).trouble)


def test_a_clock_that_is_not_trusted_brings_nothing_into_force(bench: Bench) -> None:
    bench.put(signed())
    assert "--trust-clock" in str(bench.source().take(UNTRUSTED).trouble)
    source = bench.source()
    source.take(AT)
    assert bench.source().take(UNTRUSTED) == Looked()
    far = Moment(unix_s=NOW + 999 * DAY, tick_ms=0, trusted=False)
    assert source.standing(far)[0] is Standing.GOOD


def test_a_list_for_later_comes_into_force_by_itself_and_what_builds_on_it_then(bench: Bench) -> None:
    source = bench.source()
    bench.put(signed())
    source.take(AT)
    second = signed(2, image(2, B), not_before=NOW + DAY)
    bench.put(second)
    assert source.take(AT) == Looked()
    later = Moment.at(NOW + DAY)
    assert [source.is_due(AT), source.is_due(UNTRUSTED), source.is_due(later)] == [False, False, True]
    assert version_of(source.due(later)) == 2
    assert not source.is_due(later)


def test_what_cannot_come_into_force_when_its_time_has_come_is_told_once(bench: Bench) -> None:
    source = bench.source()
    bench.put(signed())
    source.take(AT)
    bench.put(signed(2, image(2, B), not_before=NOW + DAY, expiry=NOW + 2 * DAY))
    source.take(AT)
    late = Moment.at(NOW + 2 * DAY)
    looked = source.due(late)
    assert looked.deny is None
    assert "has expired" in str(looked.trouble)
    assert not source.is_due(late)


def test_a_list_that_finds_a_full_disk_when_its_time_has_come_comes_when_there_is_room(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    source = bench.source()
    bench.put(signed())
    source.take(AT)
    bench.put(signed(2, image(2, B), not_before=NOW + DAY))
    source.take(AT)
    first, later = Moment.at(NOW + DAY), Moment.at(NOW + DAY + 60)
    with monkeypatch.context() as on_it:
        on_it.setattr(DirectoryStorage, "write", full)
        assert "No space left on device" in str(source.due(first).trouble)
        assert not source.is_due(Moment.at(NOW + DAY + 59))
        assert source.is_due(later)
        assert source.due(later) == Looked()
    assert version_of(source.due(Moment.at(NOW + DAY + 120))) == 2


def test_a_bare_file_is_never_due_whatever_the_clock_says(tmp_path: Path) -> None:
    bare = tmp_path / "list.ymd"
    bare.write_bytes(image(1, A))
    source = PlainDenyList([bare])
    source.take(AT)
    assert not any(source.is_due(moment) for moment in (AT, UNTRUSTED, Moment.at(NOW + 999 * DAY)))
    assert source.due(AT) == Looked()


def test_what_waits_is_due_from_its_first_second_and_nothing_is_due_where_nothing_waits(bench: Bench) -> None:
    source = bench.source()
    assert not source.is_due(AT)
    bench.put(signed())
    source.take(AT)
    assert not source.is_due(AT)
    bench.put(signed(2, image(2, B), not_before=NOW + DAY))
    source.take(AT)
    due = [source.is_due(Moment.at(NOW + DAY + offset)) for offset in (-1, 0, 1)]
    assert due == [False, True, True]


# The upkeep


class Held:
    """A source whose look takes until it is let go."""

    trouble: ParametersError | None = None

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.on: list[str] = []

    def in_force(self) -> DenyList | None:
        return DenyList(FULL)

    def take(self, now: Moment) -> Looked:
        self.on.append(threading.current_thread().name)
        assert self.let_go.wait(200)
        return Looked(DenyList(FULL, MORE))

    def is_due(self, now: Moment) -> bool:
        return False

    def due(self, now: Moment) -> Looked:
        raise AssertionError

    def standing(self, now: Moment) -> tuple[Standing, int]:
        return Standing.GOOD, 0


def test_while_a_list_is_looked_at_taps_go_on_by_the_one_before(
    bench: Bench, new_validator: Callable[..., Validator], new_rider: Callable[..., Rider], now: int
) -> None:
    source = Held()
    upkeep = bench.upkeep(source)
    upkeep.start(AT)
    judge = upkeep.serve(new_validator())
    for _ in range(3):
        upkeep.look(AT)
        assert judge.judge(new_rider(card_account=A).code(now), now).reason is Reason.DENY_LISTED
        assert judge.judge(new_rider(card_account=B).code(now), now).accepted
    source.let_go.set()
    upkeep.close()
    assert bench.changes == [2]
    assert judge.judge(new_rider(card_account=B).code(now), now).reason is Reason.DENY_LISTED
    assert len(source.on) == 1
    assert source.on[0] != threading.current_thread().name


def test_a_judge_that_comes_later_gets_the_list_too(
    bench: Bench, new_validator: Callable[..., Validator], new_rider: Callable[..., Rider], now: int
) -> None:
    bench.put(signed())
    upkeep = bench.upkeep(bench.source())
    upkeep.start(AT)
    upkeep.serve(new_validator())
    other = upkeep.serve(new_validator())
    assert other.judge(new_rider(card_account=A).code(now), now).reason is Reason.DENY_LISTED
    bench.put(signed(2, image(2, B)))
    upkeep.request()
    look_until_done(upkeep)
    assert other.judge(new_rider(card_account=A).code(now), now + 5).accepted
    assert bench.changes == [2]


def test_a_request_is_answered_and_a_start_says_nothing_if_nothing_changed(bench: Bench) -> None:
    bench.put(signed())
    bench.upkeep(bench.source()).start(AT)
    upkeep = bench.upkeep(bench.source())
    upkeep.start(AT)
    look_until_done(upkeep)
    assert (bench.changes, bench.troubles) == ([], [])
    upkeep = bench.upkeep(bench.source())
    upkeep.start(AT)
    upkeep.request()
    look_until_done(upkeep)
    assert (bench.changes, bench.troubles) == ([None], [])


def test_a_parameter_upkeep_asks_for_lists_too(
    bench: Bench, tmp_path: Path, new_validator: Callable[..., Validator]
) -> None:
    path = tmp_path / "gate.toml"
    path.write_text('environment = "test"\nversion = 1\n')
    bench.put(signed())
    deny = bench.upkeep(bench.source())
    deny.start(AT)
    upkeep = Upkeep(PlainFile(path), deny=deny)
    bench.put(signed(2, image(2, B)))
    upkeep.request()
    upkeep.look(AT)
    deny.close()
    assert bench.changes == [2]


def test_expiry_is_told_and_the_list_stays(bench: Bench) -> None:
    bench.put(signed(expiry=NOW + 10 * DAY))
    upkeep = bench.upkeep(bench.source(policy=Policy(alarm_s=2 * DAY, grace_s=DAY)))
    upkeep.start(AT)
    for day in (0, 7, 8, 9, 10, 11, 12):
        upkeep.look(Moment.at(NOW + day * DAY))
    assert [trouble.partition(" at ")[0] for trouble in bench.troubles] == [
        "deny-list: its package expires",
        "deny-list: its package expired",
        "deny-list: its package expired",
    ]
    assert upkeep.deny is not None
    assert upkeep.deny.has(A)


def test_without_any_list_there_is_no_start(bench: Bench) -> None:
    with pytest.raises(ParametersError, match="No such file"):
        bench.upkeep(bench.source()).start(AT)
    bench.put(signed(not_before=NOW + DAY))
    with pytest.raises(ParametersError, match="not valid yet"):
        bench.upkeep(bench.source()).start(AT)


def test_a_bare_list_is_for_tests_and_is_read_again(
    bench: Bench, new_validator: Callable[..., Validator], new_rider: Callable[..., Rider], now: int
) -> None:
    bench.put(image(1, A, environment="production"))
    assert "is an unsigned list" in str(PlainDenyList(bench.files[:1]).take(AT).trouble)
    bench.put(FULL, MORE)
    upkeep = bench.upkeep(PlainDenyList(bench.files))
    upkeep.start(AT)
    judge = upkeep.serve(new_validator())
    assert judge.judge(new_rider(card_account=B).code(now), now).reason is Reason.DENY_LISTED
    bench.put(FULL, MORE[:-1] + b"?")  # of the same digest in its header: as if nothing had changed
    upkeep.request()
    look_until_done(upkeep)
    assert (bench.changes, bench.troubles) == ([None], [])
    source = PlainDenyList(bench.files)
    assert "digest wrong" in str(source.take(AT).trouble)


def test_a_bare_list_never_serves_production(bench: Bench, new_validator: Callable[..., Validator]) -> None:
    bench.put(FULL)
    upkeep = bench.upkeep(PlainDenyList(bench.files[:1]))
    upkeep.start(AT)
    with pytest.raises(ParametersError, match="Never mix"):
        upkeep.serve(new_validator(environment="production"))
