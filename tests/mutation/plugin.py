"""What pytest is given along when it runs against a mutant, or is measured beforehand: `-p tests.mutation.plugin`.

Hypothesis draws the same examples every time, keeps none and shrinks none: a mutant once noticed is noticed again, and
nothing of it stays behind. Which tests run, in which order, is told by a file; what happens is written to another, so
that whoever started the run sees when it hangs."""

import json
import os
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings

import tests.once
from tests.mutation.reach import Reach, computed_s

_ORDER, _LOG, _MEASURE = "YIMA_MUTATION_ORDER", "YIMA_MUTATION_LOG", "YIMA_MUTATION_MEASURE"
_MEMORY_MOST = 4 << 30

if "LD_PRELOAD" not in os.environ:  # the sanitizers map far more than they use
    # A mutant that asks for ever more memory fails by itself.
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_MOST, _MEMORY_MOST))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

settings.register_profile(
    "mutation", deadline=None, derandomize=True, database=None, phases=(Phase.explicit, Phase.generate)
)


if _MEASURE in os.environ:
    # What files of tests share in a run each of them makes here for itself: it is known what each rests on.
    def _each(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
        folder = factory.mktemp(name)
        make(folder)
        return folder

    tests.once.once = _each

_extension = os.environ.get("YIMA_MUTATION_EXTENSION")
_reach = Reach(Path(_extension) if _extension else None) if _MEASURE in os.environ else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Only the tests that are asked for, in the order they are asked for in. Those that nobody has measured stay: the
    mutant may have brought them about, by a table from which tests are made."""
    if _ORDER not in os.environ:
        return
    asked = json.loads(Path(os.environ[_ORDER]).read_text())
    places: dict[str, int] = {test: place for place, test in enumerate(asked["tests"])}
    known = set(asked["known"])
    kept = [item for item in items if item.nodeid in places or item.nodeid not in known]
    kept.sort(key=lambda item: places.get(item.nodeid, len(places)))
    config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
    items[:] = kept


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """One line for each failure."""
    if report.failed:
        _write("failed", report.nodeid)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """One line for each test when it begins; and, where it is measured, what it took and what it reached."""
    _write("begun", item.nodeid)
    if _reach is None:
        return (yield)
    _reach.take()
    _reach.watch()
    begun = computed_s()
    try:
        return (yield)
    finally:
        _note(item.nodeid, computed_s() - begun, _reach.take())


def pytest_collection_finish() -> None:
    """What was reached by imports is reached by every test."""
    if _reach:
        _note("", 0, _reach.take())


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> Iterator[None]:
    """What a fixture reaches that is made once is reached by every test that shares it."""
    if _reach is None or fixturedef.scope == "function":
        return (yield)
    so_far = _reach.take()
    try:
        return (yield)
    finally:
        reached = _reach.take()
        _note("" if fixturedef.scope in ("session", "package") else request.node.nodeid.partition("::")[0], 0, reached)
        _note(request.node.nodeid, 0, so_far)


def _note(test: str, took_s: float, reached: dict[str, set[str]]) -> None:
    """One row: of a test, of all tests of a file, or of all there are (empty). There may be several of one."""
    with Path(os.environ[_MEASURE]).open("a") as out:
        row = {name: sorted(found) for name, found in reached.items()}
        print(json.dumps({"test": test, "took_s": round(took_s, 4), **row}), file=out)


def _write(what: str, test: str) -> None:
    if _LOG in os.environ:
        with Path(os.environ[_LOG]).open("a") as out:
            print(what, test, file=out)
