"""What pytest is given along when it runs against a mutant, or is measured beforehand: `-p tests.mutation.plugin`.

Hypothesis draws the same examples every time, keeps none and shrinks none: a mutant once noticed is noticed again, and
nothing of it stays behind. Which tests run, in which order, is told by a file; what happens is written to another, so
that whoever started the run sees when it hangs."""

import json
import os
import resource
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest
from hypothesis import Phase, settings

ROOT = Path.cwd()
_ORDER, _LOG, _MEASURE = "YIMA_MUTATION_ORDER", "YIMA_MUTATION_LOG", "YIMA_MUTATION_MEASURE"
_MEMORY_MOST = 4 << 30

if "LD_PRELOAD" not in os.environ:  # the sanitizers map far more than they use
    # A mutant that asks for ever more memory fails by itself.
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_MOST, _MEMORY_MOST))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

settings.register_profile(
    "mutation", deadline=None, derandomize=True, database=None, phases=(Phase.explicit, Phase.generate)
)


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
    """One line for each test when it begins; and, where it is measured, what it took and which functions it reached."""
    _write("begun", item.nodeid)
    if _MEASURE not in os.environ:
        return (yield)
    reached: set[CodeType] = set()

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            reached.add(frame.f_code)

    begun = _computed_s()
    threading.setprofile(note)
    sys.setprofile(note)
    try:
        return (yield)
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
        took = _computed_s() - begun
        functions = sorted({name for code in reached if (name := function_name(code))})
        with Path(os.environ[_MEASURE]).open("a") as out:
            print(json.dumps({"test": item.nodeid, "took_s": round(took, 4), "functions": functions}), file=out)


def function_name(code: CodeType) -> str | None:
    """`path | qualified name` as a mutant has them, None for what is not ours."""
    path = Path(code.co_filename).resolve()  # imports go through links
    if not path.is_relative_to(ROOT) or "site-packages" in path.parts:
        return None
    return f"{path.relative_to(ROOT)} | {code.co_qualname.replace('<locals>.', '')}"


def _computed_s() -> float:
    """Of processors, by this process and the children that have ended: what others do on the machine is left out."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def _write(what: str, test: str) -> None:
    if _LOG in os.environ:
        with Path(os.environ[_LOG]).open("a") as out:
            print(what, test, file=out)
