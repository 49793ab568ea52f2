"""Whose key a collector is shown: what costs a stranger nothing costs the collector nothing either."""

from pathlib import Path

import pytest

from yima.sdk.centre.interfaces.keys import KEYS, KeyBook, Role, make_key, read_keys, revoke_key
from yima.sdk.cli import collect_fleet
from yima.sdk.cli.collect_fleet import keys_of
from yima.validator.errors import YimaError


def test_a_list_of_keys_is_read_again_when_it_changes_and_not_for_every_stranger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixteen strangers with invented keys kept the collector reading, and no batch came in."""
    readings: list[Path] = []

    def counted(path: Path) -> KeyBook:
        readings.append(path)
        return read_keys(path)

    monkeypatch.setattr(collect_fleet, "read_keys", counted)
    path = tmp_path / KEYS
    made, shown = make_key(path, Role.AUDITOR, "", since=20200101)
    told: list[YimaError] = []
    key_of = keys_of(path, told.append)
    assert [key_of("nothing") for _ in range(100)] == [None] * 100
    assert (key_of(shown), len(readings)) == (made, 1)
    revoke_key(path, made.id)
    assert (key_of(shown), len(readings)) == (None, 2)
    assert told == []


def test_of_a_list_that_has_become_wrong_the_operator_hears_once_for_each_wrong(tmp_path: Path) -> None:
    """Every reader was refused, and nobody was told why."""
    told: list[YimaError] = []
    path = tmp_path / KEYS
    _, shown = make_key(path, Role.AUDITOR, "", since=20200101)
    key_of, right = keys_of(path, told.append), path.read_bytes()
    for content, heard in ((b"[[key]", 1), (b"key = 1", 2), (right, 2), (b"[[key]", 3)):
        path.write_bytes(content)
        assert [key_of(shown) is None for _ in range(3)] == [content != right] * 3
        assert len(told) == heard
    assert all(KEYS in str(error) for error in told)


def test_without_a_list_nobody_has_a_key() -> None:
    told: list[YimaError] = []
    assert keys_of(None, told.append)("nothing") is None
    assert told == []
