"""What is mutated, what may notice it, and which few of all changes are drawn."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from math import sqrt
from pathlib import Path

from tests.mutation.c_operators import c_mutants
from tests.mutation.mutant import Mutant
from tests.mutation.python_operators import python_mutants

ROOT = Path(__file__).parent.parent.parent
SEED = 1179


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One of the two halves: its sources, the tests that can notice a change in them, how many are drawn."""

    name: str
    sources: tuple[str, ...]  # patterns from the root
    left_out: tuple[str, ...]  # ends of paths
    tests: tuple[str, ...]
    tests_left_out: tuple[str, ...]  # files, folders, single tests
    draw: int


C = Language(
    name="c",
    sources=("validator/core/*.c", "validator/core/*.h", "validator/core/*.def"),
    left_out=("_table.h",),  # made by gen_table.py, and checked against it
    tests=(
        "tests/validator/core",
        "tests/validator/test_lab_vectors.py",
        "tests/validator/judging",
        "tests/validator/journal",
        "tests/validator/packages",
        "tests/validator/deny",
        "tests/validator/upkeep",
        "tests/validator/parameters",
        "tests/validator/test_device_time.py",
    ),
    tests_left_out=("tests/validator/packages/test_power_cuts.py",),  # the core takes no part in them
    draw=150,
)
PYTHON = Language(
    name="python",
    sources=("validator/**/*.py", "sdk/centre/collector/*.py", "sdk/centre/clearing/**/*.py"),
    left_out=(
        *("gen_table.py", "texts.py", "__init__.py", "version.py"),
        "engine/spark.py",  # its test makes a region twice
    ),
    tests=(
        *("tests/validator", "tests/sdk/centre/collector", "tests/sdk/centre/clearing"),
        *("tests/sdk/resolver", "tests/sdk/parameters"),
    ),
    tests_left_out=(
        "tests/sdk/centre/clearing/test_engines.py",
        "tests/validator/core",
        "tests/validator/test_lab_vectors.py",
        # A workshop is no checkout.
        "tests/validator/test_remedies.py::test_these_tests_run_in_a_checkout",
        "tests/validator/test_remedies.py::test_metadata_that_a_build_left_beside_the_sources_is_no_installation",
    ),
    draw=110,
)
LANGUAGES = (C, PYTHON)


def sources_of(language: Language) -> list[str]:
    """Paths from the root, in order."""
    found = {path for pattern in language.sources for path in ROOT.glob(pattern)}
    return sorted(str(path.relative_to(ROOT)) for path in found if not str(path).endswith(language.left_out))


def mutants_of(path: str) -> list[Mutant]:
    """Every change to a file."""
    source = (ROOT / path).read_text()
    return python_mutants(path, source) if path.endswith(".py") else c_mutants(path, source)


@cache
def functions_in(path: str) -> frozenset[str]:
    """The names of those that can be changed."""
    return frozenset(mutant.function for mutant in mutants_of(path) if mutant.function)


def draw(files: Mapping[str, list[Mutant]], count: int, seed: int) -> list[Mutant]:
    """`count` mutants, or all there are. Every file has its share, which grows with the root of what there is to change
    in it: else the field arithmetic would drown the small files of rules. Within a file each line comes once before any
    comes twice."""
    shares = _shares({path: len(mutants) for path, mutants in files.items() if mutants}, count)
    return [mutant for path, share in sorted(shares.items()) for mutant in _line_by_line(files[path], seed)[:share]]


def _shares(sizes: Mapping[str, int], count: int) -> dict[str, int]:
    shares = dict.fromkeys(sizes, 0)
    for _ in range(min(count, sum(sizes.values()))):
        poorest = min(
            (path for path in sizes if shares[path] < sizes[path]),
            key=lambda path: ((shares[path] + 1) / sqrt(sizes[path]), path),
        )
        shares[poorest] += 1
    return shares


def _line_by_line(mutants: Iterable[Mutant], seed: int) -> list[Mutant]:
    turns: dict[tuple[str, str], int] = defaultdict(int)
    ordered = []
    for mutant in sorted(mutants, key=lambda one: one.rank(seed)):
        turn = turns[mutant.function, mutant.line]
        turns[mutant.function, mutant.line] += 1
        ordered.append((turn, mutant.rank(seed), mutant))
    return [mutant for _, _, mutant in sorted(ordered, key=lambda one: one[:2])]
