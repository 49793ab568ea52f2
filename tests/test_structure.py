"""The shape of the tree: who may import whom, and how large a file may grow."""

from pathlib import Path

import pytest

from tests.affected import modules_of

ROOT = Path(__file__).parent.parent
# Each package and what it may import of ours: imports only run downwards.
MAY_IMPORT = {
    "validator": {"yima.validator"},
    "sdk": {"yima.validator", "yima.sdk"},
    "hwsim": {"yima.validator", "yima.sdk", "yima.firmware_images", "yima.hwsim"},
    "firmware_images": {"yima.validator", "yima.sdk", "yima.firmware_images"},
    "benchmarks": {"yima.validator", "yima.sdk", "yima.hwsim", "yima.firmware_images", "benchmarks"},
}
SOURCES = sorted(path for package in MAY_IMPORT for path in (ROOT / package).rglob("*.py"))


def ours(path: Path) -> set[str]:
    """Which of our packages a file imports from."""
    heads = {".".join(name.split(".")[:2]) for name in modules_of(path) if name.startswith("yima.")}
    return heads | {name for name in modules_of(path) if name in {"benchmarks", "tests", *MAY_IMPORT}}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_only_run_downwards(path: Path) -> None:
    assert ours(path) <= MAY_IMPORT[path.relative_to(ROOT).parts[0]]


def test_no_room_of_the_validator_imports_in_a_circle() -> None:
    rooms = [path.parent for path in (ROOT / "validator").glob("*/__init__.py")]
    needs = {
        room.name: {
            name.split(".")[2]
            for path in room.rglob("*.py")
            for name in modules_of(path)
            if name.count(".") >= 2 and name.startswith("yima.validator.")
        }
        - {room.name}
        for room in rooms
    }
    needs = {room: {name for name in names if name in needs} for room, names in needs.items()}
    while leaves := {room for room, names in needs.items() if not names}:
        needs = {room: names - leaves for room, names in needs.items() if room not in leaves}
    assert needs == {}


def test_the_pure_part_of_the_validator_has_no_clock_no_randomness_and_no_io() -> None:
    pure = ("judging/judge", "judging/record", "judging/family_fields", "ports", "resolvers/resolving")
    for name in (*pure, "parameters/family_rules"):
        assert not modules_of(ROOT / "validator" / f"{name}.py") & {"time", "datetime", "random", "secrets", "socket"}


@pytest.mark.parametrize("suffix", [".py", ".c", ".h"])
def test_no_file_grows_past_what_one_name_can_sum_up(suffix: str) -> None:
    places = [ROOT / place for place in (*MAY_IMPORT, "tests")]
    grown = {
        str(path.relative_to(ROOT)): lines
        for place in places
        for path in place.rglob(f"*{suffix}")
        if not path.stem.endswith("_table") and (lines := len(path.read_text().splitlines())) > 400
    }
    assert grown == {}


def test_decisions_are_numbered_without_gaps_and_say_why() -> None:
    records = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert [path.name[:4] for path in records] == [f"{number:04}" for number in range(1, len(records) + 1)]
    for path in records:
        text = path.read_text()
        assert all(heading in text for heading in ("## Decision", "## Why", "## What follows")), path.name
