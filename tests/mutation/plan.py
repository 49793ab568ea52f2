"""Which tests run against a mutant, and in which order.

Every test is run once against the sources as they are; it must pass, and what it took is noted, and which functions of
Python it reached. A mutant of a Python function then needs only the tests that reach it; one outside of functions, and
every mutant of C, needs all tests of its language. Tests that share a name with the source come first, and before them
the one that noticed the mutant the last time; the order changes no outcome."""

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from tests.mutation.mutant import Mutant
from tests.mutation.targets import Language
from tests.mutation.workshop import TEST_PATIENCE_S, Outcome, Workshop

QUICK_S = 0.1
_SHARED_LETTERS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One test as it was measured; functions as `path | qualified name`."""

    name: str
    took_s: float
    functions: frozenset[str]

    @property
    def file(self) -> str:
        return self.name.partition("::")[0]


def measured(workshop: Workshop, language: Language, state: str, kept: Path) -> list[Measured]:
    """All tests of a language in the order of pytest, taken from the file `kept` if it was written in this `state`.
    Raises RuntimeError if one of them fails without any mutant."""
    if kept.exists() and (before := json.loads(kept.read_text()))["state"] == state:
        return [_test(row) for row in before["tests"]]
    out = workshop.root / "build" / "measured.jsonl"
    out.unlink(missing_ok=True)
    run = workshop.run_tests(
        [*language.tests, *(f"--ignore={path}" for path in language.tests_left_out)],
        variables={"YIMA_MUTATION_MEASURE": str(out)},
        patience_s=defaultdict(lambda: 100 * TEST_PATIENCE_S),
    )
    if run.outcome is not Outcome.SURVIVED:
        raise RuntimeError(f"without any mutant {run.by} fails\n{workshop.output()}")
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    kept.write_text(json.dumps({"state": state, "tests": rows}))
    return [_test(row) for row in rows]


def _test(row: dict[str, object]) -> Measured:
    functions = row["functions"]
    assert isinstance(functions, list)
    return Measured(name=str(row["test"]), took_s=float(str(row["took_s"])), functions=frozenset(functions))


def state_of(root: Path, language: Language) -> str:
    """A digest that changes with every source and test."""
    digest = hashlib.sha256(repr(language).encode())
    for folder in ("validator", "sdk", "hwsim", "firmware_images", "tests"):
        for path in sorted((root / folder).rglob("*")):
            name = path.relative_to(root)
            if path.suffix in (".py", ".c", ".h", ".def", ".json", ".csv") and "mutation" not in name.parts:
                digest.update(f"{name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def choose_tests(mutant: Mutant, tests: list[Measured], before: str = "") -> list[list[Measured]]:
    """The tests that can notice this mutant, in two lots: those that are likely to, and all others; gathering a few
    files is quick. `before`: the test that noticed it the last time, likely beyond all others."""
    if mutant.path.endswith(".py") and (reaching := _reaching(mutant, tests)) is not None:
        tests = [test for test in tests if test in reaching or _share_a_name(mutant.path, test.file)]
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


def _reaching(mutant: Mutant, tests: list[Measured]) -> set[Measured] | None:
    """The tests that call the mutant's function. None if it lies in none: then whoever imports the module may."""
    name = f"{mutant.path} | {mutant.function}"
    found = {test for test in tests if name in test.functions}
    is_a_function = found or any(one == name for test in tests for one in test.functions)
    return found if is_a_function else None


def _share_a_name(source: str, test_file: str) -> bool:
    """Whether a source's first word begins like that of the test's file or folder: deny.c and test_denylist.py."""
    word = Path(source).stem.split("_")[0]
    for name in (Path(test_file).stem.removeprefix("test_"), Path(test_file).parent.name):
        other = name.split("_")[0]
        if word == other or (word[:_SHARED_LETTERS] == other[:_SHARED_LETTERS] and len(word) >= _SHARED_LETTERS):
            return True
    return False
