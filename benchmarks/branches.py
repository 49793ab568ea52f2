"""`python -m benchmarks.branches FOLDER`: which branches of the core its tests take, line by line, as gcc counts them.

A line that ran may still hold a condition that was only ever true, so branches are what is counted. `make coverage`
builds the core with gcc's --coverage, without optimisation (so that a condition of the source is a branch of the code),
lets the core's tests run on that build, and calls this. Rules it keeps:
- A header that holds code (the templates of SM2) counts once for each kernel it is compiled into: what one kernel took
  does not excuse another.
- `--check` fails below RATE of all branches, and for every branch untaken that branches.toml does not list with its
  reason. A listed one that is taken after all fails too, so that the list stays true.
- The list goes by file, function and the text of the line, not by numbers that move; a row of a table (.def) goes by
  its first two columns, so that its words may change. How gcc splits a line into branches is its own affair: under
  another version than the list's, or on a processor that does not run every kernel, the rate is checked and the list
  is not.
"""

import argparse
import json
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
CORE = Path("validator/core")
LIST = Path(__file__).with_name("branches.toml")
RATE = 0.97
KERNELS = ("sm2_adx", "sm2_64", "sm2_32")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Place:
    """A line of the core as the list names it. kernel: of a header's copy the kernel, else empty."""

    file: str
    kernel: str
    function: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What ran of one line. branches: how often each of its branches was taken."""

    place: Place
    number: int
    count: int
    branches: tuple[int, ...]

    @property
    def untaken(self) -> int:
        """Branches never taken."""
        return self.branches.count(0)


def read_folder(folder: Path) -> list[Line]:
    """All lines of the core that the counters below `folder` know, the counts of one source in several builds summed.

    Raises ValueError where there are none: nothing was built, or nothing ran.
    """
    counters = sorted(folder.rglob("*.gcda"))
    if not counters:
        raise ValueError(f"{folder} holds no counters (*.gcda): build with --coverage and run the tests first")
    done = subprocess.run(
        ["gcov", "--json-format", "--stdout", "--branch-probabilities", *map(str, counters)],
        cwd=ROOT, capture_output=True, encoding="utf-8", errors="replace", check=True,
    )  # fmt: skip
    return merged([json.loads(report) for report in done.stdout.splitlines() if report])


def merged(reports: Sequence[Mapping[str, Any]]) -> list[Line]:
    """gcov's reports, one an object file, as lines of the core."""
    counts: dict[tuple[str, str, int], list[Any]] = {}
    for report in reports:
        unit = Path(report["data_file"]).stem.rpartition("-")[2]
        for file in report["files"]:
            path = Path(file["file"])
            path = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
            if path.parent != CORE:
                continue
            kernel = unit.removeprefix("sm2_") if path.suffix == ".h" and unit in KERNELS else ""
            for line in file["lines"]:
                taken = [branch["count"] for branch in line["branches"]]
                key = (path.name, kernel, line["line_number"])
                if key not in counts:
                    counts[key] = [line.get("function_name", ""), line["count"], taken]
                    continue
                _, count, before = counts[key]
                if len(before) != len(taken):
                    raise ValueError(f"{path}:{line['line_number']} has different branches in two builds")
                counts[key][1:] = count + line["count"], [a + b for a, b in zip(before, taken, strict=True)]
    texts = {name: texts_of(name) for name, _, _ in counts}
    return [
        Line(
            place=Place(file=name, kernel=kernel, function=function, text=texts[name][number - 1]),
            number=number, count=count, branches=tuple(taken),
        )
        for (name, kernel, number), (function, count, taken) in sorted(counts.items())
    ]  # fmt: skip


def texts_of(name: str) -> list[str]:
    """The lines of a file of the core, as the list names them."""
    lines = [line.strip() for line in (ROOT / CORE / name).read_text(encoding="utf-8").splitlines()]
    return [",".join(line.split(",")[:2]) for line in lines] if name.endswith(".def") else lines


def table(lines: Sequence[Line]) -> str:
    """A row for each file (and kernel): rates of lines and branches, and how many there are."""
    files: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        files[f"{line.place.file} ({line.place.kernel})" if line.place.kernel else line.place.file].append(line)
    rows = [*sorted(files.items()), ("all of the core", list(lines))]
    return "\n".join(
        f"{name:<24} lines {_percent([line.count > 0 for line in own])}   "
        f"branches {_percent([taken > 0 for line in own for taken in line.branches])}"
        for name, own in rows
    )


def _percent(flags: Sequence[bool]) -> str:
    return f"{100 * sum(flags) / len(flags):6.1f} % of {len(flags):4}" if flags else "     -       "


def rate(lines: Sequence[Line]) -> float:
    """Branches taken of all branches."""
    branches = [taken for line in lines for taken in line.branches]
    return sum(taken > 0 for taken in branches) / len(branches)


def read_list(path: Path = LIST) -> tuple[int, dict[Place, int]]:
    """gcc's major version that the list was made with, and how many branches may stay untaken at each place."""
    listed = tomllib.loads(path.read_text(encoding="utf-8"))
    places: dict[Place, int] = {}
    for entry in listed["untaken"]:
        if not entry["why"].strip():
            raise ValueError(f"{entry} is listed without a reason")
        for kernel, line in product(entry.get("kernels", [""]), entry.get("lines", [entry.get("line")])):
            place = Place(file=entry["file"], kernel=kernel, function=entry.get("function", ""), text=line)
            places[place] = places.get(place, 0) + entry.get("branches", 1)
    return listed["gcc"], places


def complaints(lines: Sequence[Line], listed: Mapping[Place, int]) -> list[str]:
    """What differs between the branches untaken and those listed."""
    untaken: dict[Place, int] = defaultdict(int)
    numbers: dict[Place, list[int]] = defaultdict(list)
    for line in lines:
        if line.untaken:
            untaken[line.place] += line.untaken
            numbers[line.place].append(line.number)
    found = []
    for place in sorted(untaken.keys() | listed.keys()):
        if untaken.get(place, 0) != listed.get(place, 0):
            at = ",".join(map(str, numbers.get(place, []))) or "-"
            kernel = f" ({place.kernel})" if place.kernel else ""
            found.append(
                f"{place.file}:{at}{kernel} {place.function}: {untaken.get(place, 0)} untaken, "
                f"{listed.get(place, 0)} listed: {place.text}"
            )
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table; with --check also what is missing. Exit status 1 if the check fails."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.branches", description=str(__doc__).splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the counters of the build lie")
    parser.add_argument("--check", action="store_true", help=f"fail below {RATE:.0%} and for unlisted branches")
    options = parser.parse_args(arguments)
    lines = read_folder(options.folder)
    print(table(lines))
    if not options.check:
        return 0
    version, listed = read_list()
    here = subprocess.run(
        ["gcc", "-dumpversion"], capture_output=True, encoding="utf-8", errors="replace", check=True
    ).stdout.strip()
    kernels = {line.place.kernel for line in lines if line.count} - {""}
    is_comparable = here.partition(".")[0] == str(version) and len(kernels) == len(KERNELS)
    if not is_comparable:
        print(
            f"the list is for gcc {version} and all kernels, here are gcc {here} and {sorted(kernels)}: the rate alone"
        )
    found = complaints(lines, listed) if is_comparable else []
    if rate(lines) < RATE:
        found.append(f"{rate(lines):.1%} of the branches are taken, not {RATE:.0%}")
    print("\n".join(found) or f"good: what is untaken stands with its reason in {LIST.relative_to(ROOT)}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
