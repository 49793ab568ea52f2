"""The shape of the tree: who may import whom, how large a file may grow, and what no line of it does."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.affected import modules_of

ROOT = Path(__file__).parent.parent
TEXT_MODE = re.compile(r"'[rwax][+t]{,2}'")
TEXT_CALLS, TEXT_KEYS = {"write_text", "read_text", "open", "fdopen"}, {"text", "universal_newlines"}
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


def texts_by_locale(path: Path) -> Iterator[int]:
    """The lines that read or write text in whatever encoding the machine is set to."""
    source = path.read_text(encoding="utf-8")
    if not any(word in source for word in ("_text(", "open(", "text=", "newlines=")):  # as ruff sets them
        return
    for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
        name = getattr(call.func, "attr", None) or getattr(call.func, "id", "")
        if name not in TEXT_CALLS and not TEXT_KEYS & {one.arg for one in call.keywords}:
            continue
        whose, _, name = ast.unparse(call.func).rpartition(".")
        said = {one.arg: ast.unparse(one.value) for one in call.keywords}
        words = {ast.unparse(one) for one in call.args} | {said.get("mode", "")}
        is_text = (
            name == "write_text"
            or (name == "read_text" and not call.args)
            or (name in ("open", "fdopen") and whose != "tarfile" and any(map(TEXT_MODE.fullmatch, words)))
            or "True" in (said.get("text"), said.get("universal_newlines"))
        )
        if is_text and "encoding" not in said:
            yield call.lineno


def test_no_text_is_read_or_written_in_whatever_encoding_the_machine_is_set_to() -> None:
    found = {
        str(path.relative_to(ROOT)): list(texts_by_locale(path)) for path in (*SOURCES, *(ROOT / ".ci").glob("*.py"))
    }
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    ("line", "is_one"),
    [
        ("path.read_text()", True), ("path.read_text(encoding='utf-8')", False), ("path.read_text('ascii')", False),
        ("path.write_text(x)", True), ("path.open('w')", True), ("path.open('wb')", False), ("open(name, 'r')", True),
        ("open(name, mode='a')", True), ("path.open('w', encoding='utf-8')", False), ("os.fdopen(fd, 'w')", True),
        ("run(words, text=True)", True), ("tarfile.open(mode='w')", False), ("Line(text='r')", False),
        ("run(words, encoding='utf-8')", False), ("state.open('gate-7')", False),
    ],
)  # fmt: skip
def test_such_a_line_is_found(line: str, is_one: bool, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(line, encoding="utf-8")
    assert bool(list(texts_by_locale(tmp_path / "a.py"))) == is_one


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
