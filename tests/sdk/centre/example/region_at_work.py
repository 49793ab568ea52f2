"""A small region in which everything that can go wrong does so often, made and cleared once for all tests."""

import json
import shutil
from pathlib import Path

import pytest

from tests.once import once
from tests.sdk.centre.example.consents import state_consents
from yima.sdk.centre.clearing.day import STEPS, Centre
from yima.sdk.centre.clearing.folder import CentreFolder
from yima.sdk.centre.example.journeys import Shares
from yima.sdk.centre.example.making import make_example, settlement_days

TAPS, SEED, DAYS = 1500, 5, 2
STATES = "states"
ODD = Shares(
    expired=0.03, companion=0.03, reversed=0.03, not_passed=0.03, two_gates=0.04, damaged=0.1, wrong_fare=0.03,
    missing_exit=0.15, missing_entry=0.15, other_entry=0.08, unreadable_entry=0.08, over_time=0.06, late=0.2,
    duplicates=0.05, two_cities=0.02, disputes=0.05, persons=0.5,
)  # fmt: skip


def example(factory: pytest.TempPathFactory) -> Path:
    """The region as it was made."""
    return once(factory, "region", lambda folder: make_example(folder, TAPS, SEED, days=DAYS, shares=ODD))


def cleared_example(factory: pytest.TempPathFactory) -> Path:
    """The same with consents and every day settled; states/<n>.json beside it, each as state.json once was. Nobody
    changes what is in it."""

    def make(folder: Path) -> None:
        shutil.copytree(example(factory), folder, dirs_exist_ok=True)
        state_consents(folder, SEED)
        states = clear(folder)
        (folder / STATES).mkdir()
        for number, state in enumerate(states):
            (folder / STATES / f"{number:04}.json").write_bytes(state)

    return once(factory, "cleared-region", make)


def clear(folder: Path) -> list[bytes]:
    """Every step of every day; returns what the workspace's state was on the way, each that says something new."""
    states: list[bytes] = []

    def note(_name: str) -> None:
        path = folder / "workspace" / "state.json"
        if path.exists() and (now := path.read_bytes()):
            if states and json.loads(states[-1])["done"] == json.loads(now)["done"]:
                states.pop()
            states.append(now)

    with Centre(CentreFolder(folder), memory="500MB", on_commit=note) as centre:
        centre.ingest()
        for day in settlement_days(folder):
            for step in STEPS:
                centre.run(step, day)
    return states
