"""The shape of the tree: who may import whom, and how large a file may grow."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# Each package and what it may import of ours: imports only run downwards.
MAY_IMPORT = {
    "validator": {"validator"},
    "sdk": {"validator", "sdk"},
    "hwsim": {"validator", "sdk", "firmware_images", "hwsim"},
    "firmware_images": {"validator", "sdk", "firmware_images"},
    "benchmarks": {"validator", "sdk", "hwsim", "firmware_images", "benchmarks"},
}
SOURCES = sorted(path for package in MAY_IMPORT for path in (ROOT / package).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Top-level names of every import in a file, wherever it stands."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_only_run_downwards(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    assert imported(path) & MAY_IMPORT.keys() <= MAY_IMPORT[package]


def test_the_pure_part_of_the_validator_has_no_clock_no_randomness_and_no_io() -> None:
    for name in ("judging", "record", "ports", "resolving", "parameters/family_rules", "family_fields"):
        assert not imported(ROOT / "validator" / f"{name}.py") & {"time", "datetime", "random", "secrets", "socket"}


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
