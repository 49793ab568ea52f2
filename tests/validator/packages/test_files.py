"""Packages and pinned keys in files, and how they are spoken of."""

from pathlib import Path

import pytest

from tests.packages_world import NOW, A, B, image, package, trust
from yima.validator.errors import ParametersError
from yima.validator.packages import (
    PackageError,
    check,
    is_package,
    open_package,
    parse_package,
    parse_pins,
    pins_as_text,
    read_package,
    read_pins,
)
from yima.validator.packages.package import SIZE_MAX

GOOD = package(3)


def test_a_file_is_opened_if_it_keeps_every_rule(tmp_path: Path) -> None:
    path = tmp_path / "gate.ymp"
    path.write_bytes(GOOD)
    assert is_package(path.read_bytes()[:4])
    assert open_package(path, trust(), NOW).version == 3
    with pytest.raises(PackageError, match=r"older than what this device has had \(version 3, had 4\)") as caught:
        open_package(path, trust(newest=(4, bytes(32))), NOW)
    assert caught.value.thing == str(path)


def test_a_file_larger_than_any_package_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert SIZE_MAX > 112 + 10 * 10_000_000 + (4 << 24), "a list of national size fits"
    monkeypatch.setattr("yima.validator.packages.package.SIZE_MAX", len(GOOD))
    path = tmp_path / "gate.ymp"
    path.write_bytes(GOOD)
    assert read_package(path).version == 3
    path.write_bytes(GOOD + b"\0")
    with pytest.raises(ParametersError, match="is too large for a package") as caught:
        read_package(path)
    assert caught.value.thing == str(path)


def test_a_file_that_changes_after_it_was_checked_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "gate.ymp"
    path.write_bytes(GOOD)
    found = open_package(path, trust(), NOW)
    path.write_bytes(bytes(len(GOOD)))
    assert bytes(found.image) == image(3)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParametersError, match="No such file"):
        read_package(tmp_path / "none.ymp")


def test_pinned_keys_are_lines_of_hex_and_survive_being_written(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(pins_as_text([B.compressed, A.compressed], 2, about="the city's keys\nof 2026"))
    pins = read_pins(path)
    assert pins.needed == 2
    assert pins.keys == tuple(sorted([A.compressed, B.compressed]))
    assert parse_pins(pins_as_text([A.compressed])).needed == 1


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ("", "keys", "0 keys"),
        ("# nothing\n", "keys", "0 keys"),
        (f"\n{A.compressed.hex()[:-1]}\n", "keys: line 2", "is no key"),
        (f"{'02' + 'ff' * 32}", "keys: line 1", "off the curve"),
        (f"needed 2\n{A.compressed.hex()}", "keys", "1 keys, of which 2"),
        (f"needed 2\n{A.compressed.hex()}\n{A.compressed.hex()}", "keys", "1 keys, of which 2"),
        (f"needed 0\n{A.compressed.hex()}", "keys", "of which 0"),
        ("needed many", "keys: line 1", "is no key"),
    ],
)
def test_pinned_keys_that_are_none_are_named_with_their_line(text: str, place: str, problem: str) -> None:
    with pytest.raises(ParametersError, match=problem) as caught:
        parse_pins(text)
    assert caught.value.thing == place


def test_a_key_file_that_is_not_text_or_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ParametersError, match="is not text"):
        read_pins(path)
    with pytest.raises(ParametersError, match="No such file"):
        read_pins(tmp_path / "none")


def test_a_moment_beyond_the_calendar_is_shown_as_a_number() -> None:
    with pytest.raises(PackageError, match=f"from {2**62} on"):
        check(parse_package(package(1, not_before=2**62, expiry=2**62 + 1)), trust(), NOW)
