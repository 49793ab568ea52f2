"""The count of branches: what gcov reports becomes lines, and the list holds what is untaken and nothing else."""

from dataclasses import replace
from typing import Any

import pytest

from benchmarks.branches import (
    CORE,
    ROOT,
    Line,
    Place,
    complaints,
    merged,
    rate,
    read_folder,
    read_list,
    table,
    texts_of,
)

REPLAY = (ROOT / CORE / "replay.c").read_text().splitlines()
PLACE = Place(file="replay.c", kernel="", function="set_of", text="return x ? y : z;")
HALF = Line(place=PLACE, number=3, count=5, branches=(5, 0))


def report(unit: str, file: str, *lines: tuple[int, int, list[int]]) -> dict[str, Any]:
    """One object's report as gcov writes it: of each line its number, its count, and those of its branches."""
    return {
        "data_file": f"build/coverage/{unit}.gcda",
        "files": [
            {
                "file": file,
                "lines": [
                    {"line_number": n, "count": count, "function_name": "f", "branches": [{"count": c} for c in taken]}
                    for n, count, taken in lines
                ],
            }
        ],
    }


def test_one_source_in_several_builds_is_counted_once() -> None:
    reports = [
        report("replay", "validator/core/replay.c", (10, 1, [1, 0])),
        report("host-replay", "validator/core/replay.c", (10, 2, [0, 2])),
        report("host-replay", "/usr/include/string.h", (10, 2, [0, 2])),
    ]
    [line] = merged(reports)
    assert (line.number, line.count, line.branches, line.untaken) == (10, 3, (1, 2), 0)
    assert line.place == Place(file="replay.c", kernel="", function="f", text=REPLAY[9].strip())


def test_a_template_is_counted_for_each_kernel() -> None:
    lines = merged([report(f"sm2_{kernel}", "validator/core/sm2_point.h", (30, 1, [1, 0])) for kernel in ("64", "32")])
    assert sorted(line.place.kernel for line in lines) == ["32", "64"]
    assert [line.untaken for line in lines] == [1, 1]
    assert "sm2_point.h (32)" in table(lines)
    [shared] = merged([report(unit, "validator/core/bytes.h", (20, 1, [])) for unit in ("replay", "judge")])
    assert shared.place.kernel == ""


def test_builds_that_differ_are_not_mixed() -> None:
    reports = [report(unit, "validator/core/replay.c", (10, 1, taken)) for unit, taken in (("a", [1]), ("b", [1, 1]))]
    with pytest.raises(ValueError, match=r"replay.c:10 has different branches"):
        merged([report("replay", "validator/core/replay.c", (10, 1, [1])), reports[1]])


def test_what_is_untaken_must_be_listed_and_what_is_listed_untaken() -> None:
    assert complaints([HALF], {PLACE: 1}) == []
    [unlisted] = complaints([HALF], {})
    assert unlisted.startswith("replay.c:3 set_of: 1 untaken, 0 listed: return x ? y : z;")
    [stale] = complaints([replace(HALF, branches=(5, 1))], {PLACE: 1})
    assert "0 untaken, 1 listed" in stale
    assert len(complaints([], {PLACE: 1})) == 1, "a line that is there no more"
    assert rate([HALF]) == 0.5


def test_the_list_names_lines_that_are_there() -> None:
    _, listed = read_list()
    assert listed
    for place in listed:
        lines = texts_of(place.file)
        assert place.text in lines, place
        assert not place.function or any(f"{place.function}(" in line for line in lines), place


def test_without_counters_it_says_what_to_do(tmp_path: Any) -> None:
    with pytest.raises(ValueError, match="build with --coverage"):
        read_folder(tmp_path)
