"""Parameters that come after the taps that name them: what waited for them is judged again, once."""

from pathlib import Path
from typing import Any

import pytest

from tests import entries
from tests.sdk.centre.clearing import world
from tests.sdk.centre.clearing.world import NOON, Device
from tests.sdk.centre.fleet.city import NOW, City, code, digest_of
from tests.uplinks import record
from yima.sdk.centre.clearing.taps.judged import Judges
from yima.sdk.centre.fleet import following
from yima.sdk.centre.fleet.cases import Decision
from yima.sdk.centre.fleet.following import Follower, counts
from yima.sdk.centre.fleet.sources import source_of
from yima.sdk.centre.fleet.verdicts import again


def two_taps_before_their_parameters(city: City, folder: Path) -> Device:
    """A gate of which two taps waited; what they name is published now, and nobody has looked at them since."""
    newer = world.parameters(folder, version=2)
    gate = Device("bus-1", newer)
    for card in range(2):
        gate.tap(code(card), NOON + card)
    city.look(gate)
    city.publish(newer)
    return gate


def test_what_waited_for_its_parameters_is_judged_again_when_they_come(city: City, tmp_path: Path) -> None:
    newer = world.parameters(tmp_path / "newer", version=2)
    gate = Device("bus-1", newer)
    gate.tap(code(1), NOON)
    gate.append(entries.tap(NOON, body=record(b"x"), parameters_version=2, parameters_digest=digest_of(newer)),
                received=NOON)  # fmt: skip
    city.look(gate)
    assert city.why() == ["PARAMETERS_UNKNOWN"] * 2
    city.publish(newer)
    city.follower.look()
    assert city.why() == ["CORE_REFUSES"]
    (settled,) = city.cases.listed(settled=True)
    assert (settled.sequence, settled.decision) == (1, Decision.PAY)
    assert counts(city.database) == {"CORE_REFUSES": 1, "OK": 1, "PARAMETERS_UNKNOWN": 0}


@pytest.mark.parametrize("watched", [False, True])
def test_what_came_while_nobody_followed_is_judged_again_by_who_starts_or_takes_over(
    city: City, tmp_path: Path, watched: bool
) -> None:
    """A collector that was restarted to give it the parameters never judged by them what had waited for them."""
    newer = world.parameters(tmp_path / "newer", version=2)
    gate = Device("bus-1", newer)
    gate.tap(code(1), NOON)
    city.look(gate)
    assert city.why() == ["PARAMETERS_UNKNOWN"]
    now = NOW
    after = city.another(lambda: now) if watched else None
    if after:
        assert after.look() == 0
    city.publish(newer)
    after, now = after or city.another(lambda: now), NOW + following.HELD_S + 1
    after.look()
    assert (city.why(), counts(city.database)) == ([], {"OK": 1, "PARAMETERS_UNKNOWN": 0})


def test_who_follows_again_judges_what_another_had_no_parameters_for(city: City, tmp_path: Path) -> None:
    """Two collectors, each with a folder of its own: the one that took over lacked the newest."""
    newer, now = world.parameters(tmp_path / "newer", version=2), NOW
    (tmp_path / "stale").mkdir()
    (tmp_path / "stale" / "v1.img").write_bytes(city.parameters.image)
    city.publish(newer)
    city.send()
    first = city.another(lambda: now)
    assert first.look() == 0
    gate = Device("bus-1", newer)
    gate.tap(code(1), NOON)
    city.send(gate)
    now += following.HELD_S + 1
    second = Follower(city.database, source_of(city.folder / "city.db"), tmp_path / "stale", now=lambda: now)
    assert (second.look(), city.why(), first.look()) == (1, ["PARAMETERS_UNKNOWN"], 0)
    now += following.HELD_S + 1
    assert (first.look(), city.why()) == (0, [])


def test_whoever_lost_his_turn_judges_nothing_again(
    city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = world.parameters(tmp_path / "newer", version=2)
    gate = Device("bus-1", newer)
    gate.tap(code(1), NOON)
    city.look(gate)
    city.publish(newer)
    after = city.another(lambda: NOW + following.HELD_S + 1)

    def while_another(*words: Any) -> Any:
        monkeypatch.setattr(following, "again", again)
        after.look()
        return again(*words)

    monkeypatch.setattr(following, "again", while_another)
    assert city.follower.look() == 0
    assert counts(city.database) == {"OK": 1, "PARAMETERS_UNKNOWN": 0}


def test_what_somebody_settles_while_it_is_judged_again_stays_settled(
    city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WITHHOLD, with a person's reason, was followed by the collector's own PAY within the same second."""
    two_taps_before_their_parameters(city, tmp_path / "newer")
    mine, theirs = city.cases.listed()

    def while_somebody_decides(*words: Any) -> Any:
        city.cases.settle(mine.number, Decision.WITHHOLD, who="w", why="the gate was opened by hand", now=NOW)
        return again(*words)

    monkeypatch.setattr(following, "again", while_somebody_decides)
    city.follower.look()
    assert [one.decision for one in city.cases.found(mine.number)[1]] == [Decision.WITHHOLD]
    assert city.cases.found(theirs.number)[0].decision is Decision.PAY
    assert counts(city.database) == {"OK": 1, "PARAMETERS_UNKNOWN": 1}


def test_a_folder_with_something_wrong_in_it_changes_nothing_and_is_told(city: City) -> None:
    (city.published / "nonsense.img").write_bytes(b"nonsense")
    gate = city.device("bus-1")
    gate.tap(code(1), NOON)
    city.look(gate)
    assert counts(city.database) == {"OK": 1}
    assert [event["event"] for event in city.told] == ["trouble"]


def test_a_case_whose_bytes_break_a_judge_holds_up_no_other_that_waited(
    city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = two_taps_before_their_parameters(city, tmp_path / "newer")
    judged = Judges.judged

    def breaks(judges: Judges, rows: Any, day: int) -> Any:
        if gate.entries[0]["entry"] in rows["entry"].to_pylist():
            raise OverflowError
        return judged(judges, rows, day)

    monkeypatch.setattr(Judges, "judged", breaks)
    city.follower.look()
    assert city.why() == ["FACTS"]
    assert counts(city.database) == {"FACTS": 1, "OK": 1, "PARAMETERS_UNKNOWN": 0}
