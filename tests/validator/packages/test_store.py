"""What a device keeps of its packages: staging, activation, revert, and what is there when something rots."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.packages_world import (
    DAY,
    NOW,
    PINS,
    A,
    B,
    Disk,
    deny,
    filled,
    image,
    package,
    rule_of,
    spoil,
    versions,
)
from yima.validator import _core
from yima.validator.errors import ParametersError
from yima.validator.packages import Chain, PackageError, Pins, Policy, Standing
from yima.validator.packages.storage import DirectoryStorage
from yima.validator.packages.store import STATE, WAITING, PackageStore, Stack, Taken
from yima.validator.parameters import from_mapping
from yima.validator.texts import Text


def test_an_empty_store_has_nothing_in_force_and_trusts_its_pins() -> None:
    store = PackageStore(Disk(), PINS, "test")
    assert store.active == ()
    assert store.waiting == ()
    assert store.since == 0
    assert store.standing(NOW, Policy()) is Standing.EXPIRED
    assert (store.trust.keys, store.trust.needed, store.trust.newest) == (PINS.keys, 1, None)


def test_what_was_taken_is_in_force_after_a_restart_too() -> None:
    disk = Disk()
    filled(disk, package(1), package(2))
    store = PackageStore(disk, PINS, "test")
    assert versions(store) == [2]
    assert bytes(store.active[0].image) == image(2)
    assert store.trust.newest == (2, store.active[0].id)
    assert store.trouble is None


def test_the_package_in_force_is_not_taken_twice() -> None:
    disk = Disk()
    store = filled(disk, package(1))
    calls = len(disk.calls)
    assert store.take(bytes(store.active[0].data), NOW) is Taken.ALREADY
    assert len(disk.calls) == calls


def test_a_refused_package_changes_nothing() -> None:
    disk = Disk()
    store = filled(disk, package(1), package(2))
    files = {name: file.now for name, file in disk.files.items()}
    for bad in (package(1), package(4), package(3, keys=[B]), package(3, environment="production"), b"YIMA", b""):
        with pytest.raises(PackageError):
            store.take(bad, NOW)
    assert rule_of(lambda: store.take(package(3), NOW + 31 * DAY)) == "EXPIRED"
    assert {name: file.now for name, file in disk.files.items()} == files
    assert versions(store) == [2]


def test_the_package_before_the_one_in_force_is_kept_and_no_other() -> None:
    disk = Disk()
    filled(disk, package(1), package(2), package(3))
    assert sorted(name[:10] for name in disk.files if name != STATE) == ["0000000002", "0000000003"]


def test_a_deny_list_is_followed_by_its_increments_in_order() -> None:
    disk = Disk()
    first = deny(1)
    second = deny(2, first)
    third = deny(3, second)
    store = filled(disk, first, second, third, chain=Chain.DENY)
    assert versions(store) == versions(PackageStore(disk, PINS, "test", chain=Chain.DENY)) == [1, 2, 3]
    assert rule_of(lambda: store.take(deny(4, second), NOW)) == "OTHER_BASE"
    assert store.take(deny(4, third), NOW) is Taken.ACTIVATED
    assert versions(store) == [1, 2, 3, 4]
    assert store.take(deny(5), NOW) is Taken.ACTIVATED
    assert versions(store) == [5]


def test_a_stack_stands_as_its_part_that_stands_worst() -> None:
    first = deny(1, expiry=NOW + 40 * DAY)
    store = filled(Disk(), first, deny(2, first, expiry=NOW + 5 * DAY), chain=Chain.DENY)
    policy = Policy(alarm_s=DAY, grace_s=DAY)
    assert store.standing(NOW, policy) is Standing.GOOD
    assert store.standing(NOW + 4 * DAY, policy) is Standing.EXPIRING
    assert store.standing(NOW + 5 * DAY, policy) is Standing.GRACE
    assert store.standing(NOW + 6 * DAY, policy) is Standing.EXPIRED
    assert store.standing(NOW - DAY, policy) is Standing.NOT_YET


def test_a_package_that_the_device_cannot_use_never_comes_into_force() -> None:
    def accept(stack: Stack) -> None:
        if b"newer section" in bytes(stack[-1].image):
            raise ParametersError("image", Text("unknown section", "未知的段"), Text("Update", "请升级"))

    disk = Disk()
    store = filled(disk, package(1), accept=accept)
    with pytest.raises(ParametersError, match="unknown section"):
        store.take(package(2, inside=image(2, content=b"newer section")), NOW)
    assert (versions(store), any(name.startswith(WAITING) for name in disk.files)) == ([1], False)


# What rots, and what does not belong together


def test_of_a_package_that_nobody_trusted_has_signed_the_content_is_not_looked_at() -> None:
    looked: list[Stack] = []
    store = PackageStore(Disk(), PINS, "test", accept=looked.append)
    stranger = package(1, keys=(B,))
    assert rule_of(lambda: store.take(stranger, NOW)) == "UNKNOWN_SIGNER"
    assert looked == []


def test_a_package_that_rots_gives_way_to_the_one_before_and_can_be_given_again() -> None:
    disk = Disk()
    second = package(2)
    filled(disk, package(1), second)
    spoil(disk, "0000000002")
    store = PackageStore(disk, PINS, "test")
    assert versions(store) == [1]
    assert "other content than was signed" in str(store.trouble)
    assert rule_of(lambda: store.take(package(2, expiry=NOW + DAY), NOW)) == "SAME_VERSION"
    assert store.take(second, NOW) is Taken.ACTIVATED
    assert store.trouble is None
    assert versions(PackageStore(disk, PINS, "test")) == [2]


def test_a_file_holds_the_package_that_its_name_says_or_is_not_used() -> None:
    disk = Disk()
    filled(disk, package(1), package(2))
    name = next(name for name in disk.files if name.startswith("0000000002"))
    disk.files[name].now = package(2, expiry=NOW + 99 * DAY)
    store = PackageStore(disk, PINS, "test")
    assert versions(store) == [1]
    assert store.trouble is not None


def test_where_all_rots_nothing_is_in_force_and_trust_is_kept() -> None:
    disk = Disk()
    filled(disk, package(1), package(2))
    spoil(disk, "0000000001")
    del disk.files[next(name for name in disk.files if name.startswith("0000000002"))]
    store = PackageStore(disk, PINS, "test")
    assert store.active == ()
    assert store.trouble is not None
    assert rule_of(lambda: store.take(package(1), NOW)) == "OLDER"
    assert store.take(package(3), NOW) is Taken.ACTIVATED


def test_a_national_list_is_not_hashed_at_every_start() -> None:
    disk = Disk()
    filled(disk, deny(1), chain=Chain.DENY)
    spoil(disk, "0000000001")
    assert versions(PackageStore(disk, PINS, "test", chain=Chain.DENY, hash_at_open=False)) == [1]
    assert versions(PackageStore(disk, PINS, "test", chain=Chain.DENY)) == []


def test_a_staged_package_that_rots_is_as_if_it_were_not_there() -> None:
    disk = Disk()
    store = filled(disk, package(1))
    store.take(package(2, not_before=NOW + DAY), NOW)
    name = next(name for name in disk.files if name.startswith(WAITING))
    for content in (b"YIMA", package(2, not_before=NOW + 2 * DAY)):
        disk.files[name].now = content
        assert PackageStore(disk, PINS, "test").waiting == ()


@pytest.mark.parametrize("content", [b"", b"\xff", b"yima packages 1\n", b"yima packages 9\nactive\n"])
def test_a_damaged_state_is_not_guessed_at(content: bytes) -> None:
    disk = Disk()
    filled(disk, package(1))
    disk.files[STATE].now = content
    with pytest.raises(ParametersError, match="begins anew with its pinned keys"):
        PackageStore(disk, PINS, "test")


def with_line(state: bytes, word: str, line: str | None) -> bytes:
    """A state file with one line in place of another, or without it, under a check line that agrees."""
    lines: list[str] = []
    for old in state.decode().splitlines():
        if old.split()[0] == word and line is not None:
            lines.append(line)
        elif old.split()[0] not in {word, "check"}:
            lines.append(old)
    body = "\n".join(lines)
    return f"{body}\ncheck {_core.sm3(body.encode()).hex()}\n".encode()


def test_a_state_that_says_nothing_of_the_newest_is_damaged_and_not_a_device_that_had_none() -> None:
    disk = Disk()
    filled(disk, package(1))
    good = disk.files[STATE].now
    assert with_line(good, "newest", good.decode().splitlines()[3]) == good
    for line in (None, "newest", "newest one", "newest 1", f"newest 1 {'zz' * 32}"):
        disk.files[STATE].now = with_line(good, "newest", line)
        with pytest.raises(ParametersError, match="is damaged"):
            PackageStore(disk, PINS, "test")


def test_a_state_of_a_device_that_never_had_a_package_says_so() -> None:
    disk = Disk()
    filled(disk, package(1))
    disk.files[STATE].now = with_line(with_line(disk.files[STATE].now, "newest", "newest 0"), "active", "active")
    store = PackageStore(disk, PINS, "test")
    assert store.trust.newest is None
    assert store.take(package(1), NOW) is Taken.ACTIVATED


def test_no_byte_of_the_state_can_change_unnoticed() -> None:
    disk = Disk()
    filled(disk, package(1), package(2))
    good = disk.files[STATE].now
    for at in range(len(good)):
        disk.files[STATE].now = good[:at] + bytes([good[at] ^ 4]) + good[at + 1 :]
        with pytest.raises(ParametersError):
            PackageStore(disk, PINS, "test")


def test_a_store_belongs_to_one_environment_one_chain_and_one_city() -> None:
    disk = Disk()
    filled(disk, package(1, city=320500), city=320500)
    assert rule_of(lambda: PackageStore(disk, PINS, "production")) == "OTHER_ENVIRONMENT"
    assert rule_of(lambda: PackageStore(disk, PINS, "test", chain=Chain.DENY)) == "OTHER_CHAIN"
    elsewhere = PackageStore(disk, PINS, "test", city=310000)
    assert elsewhere.active == ()
    assert "for another city" in str(elsewhere.trouble)


# On a real directory


def test_the_files_are_their_owners_alone(tmp_path: Path) -> None:
    directory = tmp_path / "packages"
    store = PackageStore(directory, PINS, "test")
    store.take(package(1), NOW)
    assert directory.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in directory.iterdir())
    assert versions(PackageStore(directory, PINS, "test")) == [1]


def test_opening_writes_nothing(tmp_path: Path) -> None:
    directory = tmp_path / "packages"
    PackageStore(directory, PINS, "test").take(package(1), NOW)
    (directory / "staged.new").write_bytes(b"half")
    before = {path.name: path.stat().st_mtime_ns for path in directory.iterdir()}
    PackageStore(directory, PINS, "test")
    assert {path.name: path.stat().st_mtime_ns for path in directory.iterdir()} == before


def test_files_of_others_in_the_directory_stay(tmp_path: Path) -> None:
    directory = tmp_path / "packages"
    store = PackageStore(directory, PINS, "test")
    (directory / "README").write_text("mine")
    store.take(package(1), NOW)
    assert (directory / "README").read_text() == "mine"


def test_an_empty_file_reads_as_no_bytes(tmp_path: Path) -> None:
    storage = DirectoryStorage(tmp_path)
    storage.write("empty", b"")
    assert bytes(storage.read("empty")) == b""


def test_a_directory_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ParametersError, match="packages cannot be kept there"):
        PackageStore(tmp_path / "file", PINS, "test")


def test_the_core_reads_a_package_in_place_and_on_after_its_name_is_gone(
    tmp_path: Path, mapping: dict[str, Any], new_rider: Callable[..., Any], now: int
) -> None:
    data = package(1, inside=bytes(from_mapping(mapping).image))
    store = PackageStore(tmp_path, PINS, "test", accept=lambda stack: _core.parameters_check(stack[0].image))
    store.take(data, NOW)
    judge = _core.Validator(store.active[0].image, 1, 0, 0, 0).judge
    del store
    for path in tmp_path.iterdir():
        path.unlink()
    assert judge(new_rider().code(now), now, 0, True)[1] is True


def test_pins_of_a_later_start_do_not_replace_what_packages_said() -> None:
    disk = Disk()
    filled(disk, package(1))
    store = PackageStore(disk, Pins(keys=(B.compressed,)), "test")
    assert store.trust.keys == (A.compressed,)


@given(st.binary(max_size=200), st.none() | st.floats(0, 1))
@example(b"", None)
@example(b"\xff", None)
@example(b"\n", None)
@example(b"\r", 0.5)
def test_any_bytes_as_the_state_are_the_state_or_the_one_error(content: bytes, at: float | None) -> None:
    with TemporaryDirectory() as folder:
        PackageStore(Path(folder), PINS, "test").take(package(1), NOW)
        path = Path(folder, STATE)
        if at is not None:  # the real one, with other bytes in it
            whole = path.read_bytes()
            start = int(at * len(whole))
            content = whole[:start] + content + whole[start + len(content) :]
        path.write_bytes(content)
        try:
            store = PackageStore(Path(folder), PINS, "test")
        except ParametersError as refused:
            assert STATE in refused.thing
        else:
            assert versions(store) in ([1], [])
