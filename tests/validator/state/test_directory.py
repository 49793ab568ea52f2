"""The state directory: whose it is, and how the journals in it are told apart."""

import secrets
import shutil
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from yima.validator.errors import JournalError
from yima.validator.state.directory import DeviceState, new_epoch
from yima.validator.system import locks


def test_an_epoch_is_the_second_and_sixteen_bits_that_a_wrong_clock_cannot_repeat(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for second in (0, 1_790_000_000, 1_790_000_001):
        monkeypatch.setattr(time, "time", lambda second=second: second + 0.9)
        epochs = {new_epoch() for _ in range(200)}
        assert {epoch >> 16 for epoch in epochs} == {second}
        assert max(epoch & 0xFFFF for epoch in epochs) > 0x7FFF
        assert len(epochs) > 150


def test_a_directory_belongs_to_one_device_whose_name_and_key_stay(tmp_path: Path) -> None:
    first = DeviceState.open(tmp_path / "state", "gate-7")
    again = DeviceState.open(tmp_path / "state")
    assert (again.device, again.key.public) == ("gate-7", first.key.public)
    with pytest.raises(JournalError, match="belongs to device gate-7, not to gate-8"):
        DeviceState.open(tmp_path / "state", "gate-8")


@pytest.mark.parametrize("made", [(secrets, "token_hex"), (Ed25519PrivateKey, "generate")], ids=["name", "key"])
def test_two_that_start_at_once_in_an_empty_directory_are_the_same_device(
    tmp_path: Path, made: tuple[Any, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one starts just when the first has found that there is no name, or no key, and makes one."""
    has_waited_or_ended = Event()
    monkeypatch.setattr(locks, "time", SimpleNamespace(sleep=lambda _: has_waited_or_ended.set()))
    others: list[Future[DeviceState]] = []
    make = getattr(*made)

    def with_another(*given: Any) -> Any:
        if not others:
            others.append(pool.submit(DeviceState.open, tmp_path))
            others[0].add_done_callback(lambda _: has_waited_or_ended.set())
            assert has_waited_or_ended.wait(30)
        return make(*given)

    monkeypatch.setattr(*made, with_another)
    with ThreadPoolExecutor(1) as pool:
        first = DeviceState.open(tmp_path)
        second = others[0].result(30)
    kept = DeviceState.open(tmp_path)
    assert {(one.device, one.key.public) for one in (first, second)} == {(kept.device, kept.key.public)}


def test_a_journal_that_begins_anew_is_another_and_one_that_goes_on_is_the_same(tmp_path: Path) -> None:
    one, other = (DeviceState.open(tmp_path / name, "gate-7") for name in ("one", "other"))
    with closing(one.open_journal()) as journal, closing(other.open_journal()) as another:
        epoch = journal.epoch
        assert epoch != another.epoch
    with closing(one.open_journal()) as journal:
        assert journal.epoch == epoch


@pytest.mark.parametrize("name", ["device", "device.key", "journal"])
def test_a_link_to_a_disk_that_is_not_there_makes_no_other_device(name: str, tmp_path: Path) -> None:
    state = DeviceState.open(tmp_path / "state", "gate-7")
    state.open_journal().close()
    elsewhere = tmp_path / "disk"
    elsewhere.mkdir()
    (state.directory / name).rename(elsewhere / name)
    (state.directory / name).symlink_to(elsewhere / name)
    there = DeviceState.open(state.directory)
    there.open_journal().close()
    assert (there.device, there.key.public) == ("gate-7", state.key.public)
    elsewhere.rename(tmp_path / "not mounted")
    with pytest.raises(JournalError, match=f"{name}: is a link, and nothing is at .*/disk/{name}"):
        DeviceState.open(state.directory)
    assert (state.directory / name).is_symlink()


def test_a_link_in_the_place_of_a_segment_is_named(tmp_path: Path) -> None:
    state = DeviceState.open(tmp_path / "state", "gate-7")
    state.open_journal().close()
    [segment] = (state.directory / "journal").glob("*1.seg")
    segment.rename(tmp_path / "elsewhere.seg")
    segment.symlink_to(tmp_path / "elsewhere.seg")
    with pytest.raises(JournalError, match="a link lies in it where a file of its own belongs"):
        state.open_journal()


def test_an_older_journal_of_another_device_is_not_sent_under_this_ones_name(tmp_path: Path) -> None:
    """A collector would refuse each of its entries, whose hashes are over the name, and they would count as sent."""
    shutil.copy(Path(__file__).parents[2] / "vectors" / "older" / "journal-1.db", tmp_path / "journal.db")
    tmp_path.chmod(0o700)
    state = DeviceState.open(tmp_path, "gate-8")
    for _ in range(2):
        with pytest.raises(JournalError, match=r"journal\.db: is the journal of device gate-7, not of gate-8"):
            state.open_older_journal()
    (tmp_path / "device").write_text("gate-7\n")
    older = DeviceState.open(tmp_path).open_older_journal()
    assert older is not None
    assert older.acknowledged() == 1
    older.close(0)
