"""A phone that is held still is shown until the gate has seen it so, however long this machine stands still."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from yima.hwsim.demo.accounts import Tap
from yima.hwsim.demo.demonstration import Demonstration
from yima.hwsim.demo.outcomes import Outcome
from yima.hwsim.demo.screen import Screen
from yima.hwsim.demo.sites import Site
from yima.validator.judging import Reason

FARE = (200, "a rule")


class Gate:
    """A site whose gate sees a code that is shown a second time as held, or as come back, as it is told. A camera sees
    one that came back on and on, so that its answer is shown again, too."""

    def __init__(self, sees_held: list[bool], *, camera: bool) -> None:
        self._sees_held = sees_held
        self._camera = camera
        self.shown: list[bytes] = []

    def present(self, payload: bytes, *, again: bool) -> Tap | None:
        held = payload in self.shown and self._sees_held.pop(0)
        reason = Reason.REPEATED if payload in self.shown and not held else Reason.ACCEPTED
        self.shown.append(payload)
        fen, rule = FARE if reason is Reason.ACCEPTED else (0, "")
        return Tap(
            seq=None if held else len(self.shown),
            reason=reason,
            again=held or (self._camera and reason is Reason.REPEATED),
            fare_fen=fen,
            rule=rule,
            account_masked="",
            times_ms={},
        )


Hold = Callable[..., tuple[list[Outcome], Gate]]


@pytest.fixture
def hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hold:
    """Shows the first code that is to be held still, then holds it; what came of the latter, and the gate."""
    clock = iter(range(1_800_000_000, 1_900_000_000, 3))
    monkeypatch.setattr("yima.hwsim.demo.demonstration.time.time", lambda: next(clock))
    demonstration = Demonstration(taps=4, seed=1, directory=tmp_path, fast=True, screen=Screen.standard(record=False))

    def run(sees_held: list[bool], camera: bool = False) -> tuple[list[Outcome], Gate]:
        gate = Gate(sees_held, camera=camera)
        site = cast(Site, cast(Any, gate))
        held = next(one for one in demonstration._world.script if one.again)
        original = next(one for one in demonstration._world.script if one.number == held.repeats)
        list(demonstration._present(original, site))
        return list(demonstration._present(held, site)), gate

    return run


def said(outcomes: list[Outcome]) -> list[tuple[Reason, bool]]:
    return [(outcome.tap.reason, outcome.tap.again) for outcome in outcomes if outcome.tap is not None]


def test_one_that_is_seen_held_is_one_outcome(hold: Hold) -> None:
    outcomes, gate = hold([True])
    assert said(outcomes) == [(Reason.ACCEPTED, True)]
    assert gate.shown[0] == gate.shown[1]


@pytest.mark.parametrize("camera", [False, True])
@pytest.mark.parametrize("stalls", [1, 2, 3])
def test_one_that_the_gate_lost_sight_of_begins_anew_with_a_fresh_code(hold: Hold, stalls: int, camera: bool) -> None:
    outcomes, gate = hold([False] * stalls + [True], camera)
    assert said(outcomes) == [(Reason.REPEATED, camera), (Reason.ACCEPTED, False)] * stalls + [(Reason.ACCEPTED, True)]
    expected = [(one.presentation.expects, one.presentation.again) for one in outcomes]
    assert expected == said(outcomes), "each was answered as is right"
    assert len(set(gate.shown)) == stalls + 1


def test_a_gate_that_never_sees_it_held_is_told_of(hold: Hold) -> None:
    outcomes, _ = hold([False] * 4)
    last = outcomes[-1]
    assert last.presentation.again and not last.as_expected
    assert last.difference is not None and "already used" in last.difference.en
