"""The counter that a wall clock is held against, on systems that have other clocks, or none to choose from."""

import runpy
import time
from collections.abc import Callable

import pytest

from yima.validator.system import ticks

BOOT, MONOTONIC = 7, 6


def counter() -> Callable[[], int]:
    """As it is made on a system that has what `time` has now."""
    made: Callable[[], int] = runpy.run_path(ticks.__file__)["counted_ns"]
    return made


@pytest.mark.parametrize(
    ("system", "clocks", "asked"),
    [
        ("Linux", {"CLOCK_BOOTTIME": BOOT, "CLOCK_MONOTONIC": MONOTONIC}, BOOT),
        ("macOS", {"CLOCK_MONOTONIC": MONOTONIC}, MONOTONIC),
    ],
)
def test_it_is_the_clock_that_goes_on_in_sleep(
    system: str, clocks: dict[str, int], asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(time, "CLOCK_BOOTTIME", raising=False)
    monkeypatch.delattr(time, "CLOCK_MONOTONIC", raising=False)
    for name, number in clocks.items():
        monkeypatch.setattr(time, name, number, raising=False)
    monkeypatch.setattr(time, "clock_gettime_ns", lambda clock: {asked: 1_234}[clock], raising=False)
    assert counter()() == 1_234, system


def test_a_system_without_clocks_to_choose_from_has_pythons_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("clock_gettime_ns", "CLOCK_BOOTTIME", "CLOCK_MONOTONIC"):
        monkeypatch.delattr(time, name, raising=False)
    assert counter() is time.monotonic_ns
