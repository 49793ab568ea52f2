"""A small region in which everything that can go wrong does so often, made and cleared once for all tests."""

import shutil
from pathlib import Path

import pytest

from tests.once import once
from yima.sdk.centre.clearing.day import STEPS, Centre
from yima.sdk.centre.clearing.folder import CentreFolder
from yima.sdk.centre.example.journeys import Shares
from yima.sdk.centre.example.making import make_example, settlement_days

TAPS, SEED, DAYS = 1500, 5, 2
ODD = Shares(
    expired=0.03, companion=0.03, reversed=0.03, not_passed=0.03, two_gates=0.04, damaged=0.1, wrong_fare=0.03,
    missing_exit=0.15, missing_entry=0.15, other_entry=0.08, unreadable_entry=0.08, over_time=0.06, late=0.2,
    duplicates=0.05, two_cities=0.02, disputes=0.05, persons=0.5,
)  # fmt: skip


def example(factory: pytest.TempPathFactory) -> Path:
    """The region as it was made."""
    return once(factory, "region", lambda folder: make_example(folder, TAPS, SEED, days=DAYS, shares=ODD))


def cleared_example(factory: pytest.TempPathFactory) -> Path:
    """The same with every day settled."""

    def make(folder: Path) -> None:
        shutil.copytree(example(factory), folder, dirs_exist_ok=True)
        clear(folder)

    return once(factory, "cleared-region", make)


def clear(folder: Path) -> None:
    """Every step of every day."""
    with Centre(CentreFolder(folder), memory="500MB") as centre:
        centre.ingest()
        for day in settlement_days(folder):
            for step in STEPS:
                centre.run(step, day)
