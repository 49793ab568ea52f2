"""A small region in which everything that can go wrong does so often, made once for all tests."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from yima.sdk.centre.clearing.day import STEPS, Centre
from yima.sdk.centre.clearing.folder import CentreFolder
from yima.sdk.centre.example.journeys import Shares
from yima.sdk.centre.example.making import make_example, settlement_days

TAPS, SEED, DAYS = 1500, 5, 2
_kept = TemporaryDirectory(prefix="yima-region-")  # until the tests are over
ODD = Shares(
    expired=0.03, companion=0.03, reversed=0.03, not_passed=0.03, two_gates=0.04, damaged=0.1, wrong_fare=0.03,
    missing_exit=0.15, missing_entry=0.15, other_entry=0.08, unreadable_entry=0.08, over_time=0.06, late=0.2,
    duplicates=0.05, two_cities=0.02, disputes=0.05,
)  # fmt: skip


@cache
def example() -> Path:
    folder = Path(_kept.name) / "region"
    make_example(folder, TAPS, SEED, days=DAYS, shares=ODD)
    return folder


def clear(folder: Path) -> None:
    """Every step of every day."""
    with Centre(CentreFolder(folder), memory="500MB") as centre:
        centre.ingest()
        for day in settlement_days(folder):
            for step in STEPS:
                centre.run(step, day)
