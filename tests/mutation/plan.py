"""Which tests run against a mutant, and in which order.

Every test is run once against the sources as they are; it must pass, and what it took is noted, and which functions it
reached. A mutant of a function then needs only the tests that reach it; one outside of functions those that reach
anything in its file, or of Python in one that imports it. Tests that share a name with the source come first, and
before them the one that noticed the mutant the last time; the order changes no outcome."""

import json
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.affected import module_name, modules_of
from tests.mutation.mutant import Mutant
from tests.mutation.state import State
from tests.mutation.targets import ROOT, Language, functions_in
from tests.mutation.workshop import EXTENSION, TEST_PATIENCE_S, Build, Outcome, Workshop

QUICK_S = 0.1
_SHARED_LETTERS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One test as it was measured; functions of Python as `path | qualified name`, of C as ` | name`; names of the C
    files that it compiles for itself."""

    name: str
    took_s: float
    functions: frozenset[str]
    compiled: frozenset[str] = frozenset()
    at_import: frozenset[str] = frozenset()  # functions that ran before any test, for whatever any file imports

    @property
    def file(self) -> str:
        return self.name.partition("::")[0]


def measured(workshop: Workshop, language: Language, state: State, kept: Path) -> list[Measured]:
    """All tests of a language. What the file `kept` has of files that have not changed since is taken from there.
    Raises RuntimeError if a test fails without any mutant."""
    files = {file: state.of_test(file) for file in state.tests if _is_in(file, language)}
    before, rows = _kept_rows(kept)
    anew = [file for file, stamp in files.items() if before.get(file) != stamp]
    still = files.keys() - anew
    rows = [row for row in rows if still and _file_of(row) in ("", *still)]
    if anew:
        out = workshop.root / "build" / "measured.jsonl"
        out.write_text("")
        variables = {"YIMA_MUTATION_MEASURE": str(out)}
        if any(pattern.endswith(".c") for pattern in language.sources):
            workshop.build(Build.COUNTING)
            variables["YIMA_MUTATION_EXTENSION"] = str(workshop.root / EXTENSION)
        run = workshop.run_tests(
            [*anew, *(f"--deselect={one}" for one in language.tests_left_out if "::" in one)],
            variables=variables,
            patience_s=lambda _: 100 * TEST_PATIENCE_S,
            may_be_empty=True,
        )
        if run.outcome is not Outcome.SURVIVED:
            raise RuntimeError(f"without any mutant {run.by} fails\n{workshop.output()}")
        rows += out.read_text().splitlines()
    kept.write_text("\n".join([json.dumps(files), *rows, ""]))
    return read_tests(kept)


def _is_in(file: str, language: Language) -> bool:
    def lies_in(places: tuple[str, ...]) -> bool:
        return any(file == place or file.startswith(f"{place}/") for place in places)

    return lies_in(language.tests) and not lies_in(language.tests_left_out)


def _kept_rows(kept: Path) -> tuple[dict[str, str], list[str]]:
    """What each file of tests rested on when it was measured, and the plugin's rows."""
    if not kept.exists():
        return {}, []
    first, *rows = kept.read_text().splitlines()
    return json.loads(first), rows


def _file_of(row: str) -> str:
    file: str = json.loads(row)["test"].partition("::")[0]
    return file


def read_tests(kept: Path) -> list[Measured]:
    """The tests of a file of the plugin's rows, in order. A test reaches what its own rows say, those of its file and
    those of all."""
    rows = [json.loads(line) for line in kept.read_text().splitlines() if line.startswith('{"test"')]
    took: dict[str, float] = defaultdict(float)
    functions: dict[str, set[str]] = defaultdict(set)
    compiled: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        took[row["test"]] += row["took_s"]
        functions[row["test"]] |= set(row["functions"])
        compiled[row["test"]] |= set(row["compiled"])
    return [
        Measured(
            name=test,
            took_s=took_s,
            functions=frozenset(functions[test] | functions[test.partition("::")[0]]),
            at_import=frozenset(functions[""]),
            compiled=frozenset(compiled[test] | compiled[test.partition("::")[0]] | compiled[""]),
        )
        for test, took_s in took.items()
        if "::" in test
    ]


def choose_tests(mutant: Mutant, tests: list[Measured], before: str = "") -> list[list[Measured]]:
    """The tests that can notice this mutant, in two lots: those that are likely to, and all others; gathering a few
    files is quick. `before`: the test that noticed it the last time, likely beyond all others."""
    tests = [test for test in tests if _reaches(test, mutant) or _share_a_name(mutant.path, test.file)]
    files: dict[str, list[Measured]] = defaultdict(list)
    for test in tests:
        files[test.file].append(test)

    def likely_first(file: str) -> tuple[bool, bool, float]:
        knows = not before.startswith(f"{file}::")
        return knows, not _share_a_name(mutant.path, file), sum(test.took_s for test in files[file])

    lots: list[list[Measured]] = [[], []]
    for file in sorted(files, key=likely_first):
        is_likely = before.startswith(f"{file}::") if before else _share_a_name(mutant.path, file)
        lots[not is_likely] += sorted(files[file], key=lambda test: (test.name != before, test.took_s > QUICK_S))
    return [lot for lot in lots if lot]


def _reaches(test: Measured, mutant: Mutant) -> bool:
    """Whether the test runs through the mutant's function, or compiles its file. Of a mutant outside of functions, or
    in one that runs at imports: whether it runs through anything in the C source, or in a Python module that knows this
    one; a header's may be noticed by every test."""
    if mutant.path.endswith(".py"):
        name = f"{mutant.path} | {mutant.function}"
        if name in test.functions:
            return True
        if mutant.function and name not in test.at_import:
            return False
        files = {mutant.path, *_importers(mutant.path)}
        return test.file in files or any(one.partition(" | ")[0] in files for one in test.functions)
    reached = test.functions | test.at_import
    if not mutant.path.endswith(".c"):
        return not mutant.function or f" | {mutant.function}" in reached or bool(test.compiled)
    wanted = {mutant.function} if mutant.function else functions_in(mutant.path)
    return Path(mutant.path).name in test.compiled or any(f" | {name}" in reached for name in wanted)


@cache
def _importers(path: str) -> frozenset[str]:
    """The modules and tests that import a module. Only what has both parts of its name in its text can."""
    name = module_name(Path(path))
    package, _, last = name.rpartition(".")
    return frozenset(
        str(other.relative_to(ROOT))
        for folder in ("validator", "sdk", "tests")
        for other in (ROOT / folder).rglob("*.py")
        if package in (text := other.read_text()) and last in text and name in modules_of(other)
    )


def _share_a_name(source: str, test_file: str) -> bool:
    """Whether a source's first word begins like that of the test's file or folder: deny.c and test_denylist.py."""
    word = Path(source).stem.split("_")[0]
    for name in (Path(test_file).stem.removeprefix("test_"), Path(test_file).parent.name):
        other = name.split("_")[0]
        if word == other or (word[:_SHARED_LETTERS] == other[:_SHARED_LETTERS] and len(word) >= _SHARED_LETTERS):
            return True
    return False
