"""A store is followed: every record is judged again, and what is wrong is kept, flagged and told."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import entries
from tests.sdk.centre.clearing import world
from tests.sdk.centre.clearing.world import NOON, Device
from tests.sdk.centre.fleet.city import NOW, City, code, digest_of
from tests.uplinks import record
from yima.sdk.centre.fleet import following, uses, verdicts, versions
from yima.sdk.centre.fleet.cases import Decision, Kind
from yima.sdk.centre.fleet.database import FleetError, open_fleet
from yima.sdk.centre.fleet.devices import Register
from yima.sdk.centre.fleet.following import counts, standing
from yima.sdk.centre.fleet.versions import Duty, Of
from yima.validator.journal.facts import NoteFacts, Outcome, write
from yima.validator.parameters import Parameters


def test_good_rides_open_no_case(city: City) -> None:
    gate = city.device("bus-1")
    assert [gate.tap(code(card), NOON + card).accepted for card in range(3)] == [True] * 3
    gate.tap(b"no code", NOON + 9)
    gate.append(entries.note(at=NOON), received=NOON)
    assert city.look(gate) == 5
    assert counts(city.database) == {"NO_TAP": 1, "OK": 3, "REFUSED": 1}
    assert (city.cases.listed(settled=None), city.told) == ([], [])


def test_a_fortune_around_zeros_is_flagged_kept_and_told(city: City) -> None:
    """167,772.15 yuan around 332 zero bytes were acknowledged, and nobody heard of it."""
    gate = city.device("bus-1")
    digest = digest_of(gate.parameters)
    facts: dict[str, Any] = {"fare_fen": 16_777_215, "gross_fen": 16_777_215, "parameters_digest": digest}
    gate.append(entries.tap(NOON, body=record(bytes(332)), **facts), received=NOON)
    gate.append(entries.tap(NOON, body=record(bytes(332)), **facts | {"parameters_digest": bytes(16)}), received=NOON)
    city.look(gate)
    first, second = city.cases.listed()
    assert first.kind is second.kind is Kind.FLAGGED
    assert first.why.startswith("CORE_REFUSES: ")
    assert second.why.startswith("PARAMETERS_UNKNOWN: version 1")
    assert first.fare_fen == 16_777_215
    assert bytes.fromhex(first.entry) == gate.entries[0]["entry"], "kept"
    assert [(event["event"], event["tap"]) for event in city.told] == [
        ("flagged", "bus-1/7/1"),
        ("flagged", "bus-1/7/2"),
    ]


@pytest.mark.parametrize("received", [NOON - 601, NOON + 367 * 86400])
def test_a_time_that_cannot_be_is_flagged(city: City, received: int) -> None:
    gate = city.device("bus-1")
    gate.tap(code(1), NOON, received=received)
    city.look(gate)
    assert city.why() == ["TIME"]


def test_a_ride_by_a_clock_that_was_not_trusted_is_flagged(city: City) -> None:
    gate = city.device("bus-1")
    gate.append(entries.tap(NOON, trusted=False, body=record(b"code")), received=NOON)
    city.look(gate)
    assert city.why() == ["TIME"]


def test_a_month_offline_is_no_fault(city: City) -> None:
    gate = city.device("bus-1")
    gate.tap(code(1), NOON, received=NOON + 31 * 86400)
    city.look(gate)
    assert counts(city.database) == {"OK": 1}


def test_a_code_at_two_gates_is_found_and_both_are_named(city: City) -> None:
    one, two = city.device("bus-1"), city.device("bus-2")
    for gate, at in ((one, NOON), (two, NOON + 5)):
        assert gate.tap(code(1), at).accepted
    city.look(one, two)
    (case,) = city.cases.listed()
    assert (case.kind, case.device, case.other) == (Kind.DOUBLE_USE, "bus-2", "bus-1/7/1")
    assert counts(city.database) == {"DOUBLE_USE": 1, "OK": 1}
    with city.database.reading() as rows:
        (use,) = uses.behind(rows, 0, limit=9)
    assert use.tap == "bus-1/7/1"


def test_a_code_whose_gate_took_the_ride_back_may_be_shown_again(city: City) -> None:
    one, two = city.device("bus-1"), city.device("bus-2")
    one.tap(code(1), NOON)
    one.outcome(1, Outcome.FAILED, NOON + 1, reverses=True)
    two.tap(code(1), NOON + 5)
    city.look(one, two)
    assert counts(city.database) == {"NO_TAP": 1, "OK": 2}
    with city.database.reading() as rows:
        assert [use.tap for use in uses.behind(rows, 0, limit=9)] == ["bus-2/7/1"]


def test_a_reversal_that_comes_late_settles_what_stood_against_the_second_tap(city: City) -> None:
    one, two = city.device("bus-1"), city.device("bus-2")
    one.tap(code(1), NOON)
    two.tap(code(1), NOON + 5)
    city.look(one, two)
    assert city.why() == ["DOUBLE_USE"]
    one.outcome(1, Outcome.FAILED, NOON + 1, reverses=True)
    world.store(city.folder / "city.db", one.entries[1:])
    city.follower.look()
    assert city.why() == []
    case, (decided,) = city.cases.found(1)
    assert (case.decision, decided.who, decided.why) == (
        Decision.PAY,
        "collector",
        "bus-1/7/1 was taken back by its gate",
    )


def test_a_record_in_the_place_of_another_is_a_case(city: City) -> None:
    gate, twin = city.device("bus-1"), city.device("bus-1")
    gate.tap(code(1), NOON)
    twin.tap(code(2), NOON)
    city.look(gate, conflicts=twin.entries)
    (case,) = city.cases.listed(kind=Kind.CONFLICT)
    assert (case.other, case.hash) == ("bus-1/7/1", twin.entries[0]["hash"].hex())


def test_nothing_is_found_twice_and_two_do_not_follow_at_once(city: City) -> None:
    gate = city.device("bus-1")
    gate.tap(b"", NOON)
    gate.append(entries.tap(NOON), received=NOON)
    assert city.look(gate) == 2
    other = city.another(lambda: NOW + 1)
    assert (city.follower.look(), other.look()) == (0, 0)
    assert standing(city.database, "city", NOW) == (NOON + 30, True)
    gone = city.another(lambda: NOW + following.HELD_S + 1)
    gone.look()
    assert len(city.cases.listed(settled=None)) == 1
    assert counts(city.database) == {"RECORD": 1, "REFUSED": 1}


def test_whoever_lost_his_turn_keeps_nothing(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """A collector that was paused while another took over must not count its records a second time."""
    gate = city.device("bus-1")
    gate.tap(code(1), NOON)
    city.send(gate)
    after = city.another(lambda: NOW + following.HELD_S + 1)
    monkeypatch.setattr(city.follower, "_look_for_parameters", after.look)
    with pytest.raises(FleetError, match="another collector"):
        city.follower.look()
    assert counts(city.database) == {"OK": 1}


def test_whoever_has_his_turn_back_keeps_nothing_of_before_he_lost_it(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another took over, went on and stopped while this one was paused: what it read it read from too far back."""
    gate = city.device("bus-1")
    gate.tap(code(1), NOON)
    city.send(gate)

    def meanwhile() -> None:
        city.another(lambda: NOW + following.HELD_S + 1).look()
        with city.database.transaction() as rows:
            assert city.follower._mine(rows, NOW + 3 * following.HELD_S) is not None

    monkeypatch.setattr(city.follower, "_look_for_parameters", meanwhile)
    with pytest.raises(FleetError, match="another collector"):
        city.follower.look()
    assert counts(city.database) == {"OK": 1}


def test_who_follows_forgets_uses_that_are_too_old(city: City) -> None:
    gate = city.device("bus-1")
    gate.tap(code(1), NOON)
    city.look(gate)
    city.another(lambda: NOON + uses.KEPT_S + 86400).look()
    with city.database.reading() as rows:
        assert uses.newest(rows) == 0


def test_a_store_restored_from_a_backup_is_followed_anew(city: City) -> None:
    gate = city.device("bus-1")
    for card in range(3):
        gate.tap(code(card), NOON + card)
    city.look(gate)
    (city.folder / "city.db").unlink()
    other = city.device("bus-2")
    other.append(entries.tap(NOON), received=NOON)
    assert city.look(other) == 1
    assert city.why() == ["RECORD"]


def test_bytes_that_break_a_judge_are_a_finding_and_the_others_are_judged(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = city.device("bus-1")
    for card in range(4):
        gate.tap(code(card), NOON + card)
    bad = gate.entries[2]["entry"]
    judged = city.follower._judges.judged

    def breaks(rows: Any, day: int) -> Any:
        if bad in rows["entry"].to_pylist():
            raise OverflowError
        return judged(rows, day)

    monkeypatch.setattr(city.follower._judges, "judged", breaks)
    city.look(gate)
    assert counts(city.database) == {"FACTS": 1, "OK": 3}


def noting(city: City, *versions: int) -> Device:
    """A gate that notes these versions."""
    gate = city.device("bus-3")
    for version in versions:
        gate.append(write(NoteFacts(at=NOON, trusted=True, run=1, tick_ms=1, note=1, a=version)), received=NOON)
    return gate


@pytest.mark.parametrize("most", [verdicts.VERSION_MOST, 1 << 64])
def test_a_version_beyond_what_there_can_be_stops_nobody(
    city: City, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """One enrolled gate, with one note, ended the judging of every other, also after a restart. Whatever else the
    tables do not take is a finding."""
    monkeypatch.setattr(verdicts, "VERSION_MOST", most)
    one, two, three = city.device("bus-1"), city.device("bus-2"), noting(city, 7, 1 << 63, 2**64 - 1, 8)
    one.tap(code(1), NOON)
    two.tap(code(1), NOON + 5)
    assert city.look(one, three, two) == 6
    taken = most < 1 << 63
    told = {"DOUBLE_USE": 1, "NO_TAP": 4, "OK": 1} if taken else {"DOUBLE_USE": 1, "FACTS": 2, "NO_TAP": 2, "OK": 1}
    assert counts(city.database) == told
    assert [run.version for run in versions.running(city.database, after="bus-2")] == [8]
    assert [event["event"] for event in city.told] == ["flagged"] * (1 if taken else 3)


def test_which_devices_run_which_parameters_since_when(city: City, tmp_path: Path) -> None:
    newer = world.parameters(tmp_path / "newer", version=2)
    old, new, late = city.device("bus-1"), Device("bus-2", newer), Device("bus-3", newer)
    day = 86400
    old.tap(code(1), NOON)
    new.tap(code(2), NOON + 2 * day)
    late.tap(code(3), NOON + 8 * day)
    city.look(old, new, late)
    assert [(one.device, one.version, one.since) for one in versions.running(city.database)] == [
        ("bus-1", 1, NOON),
        ("bus-2", 2, NOON + 2 * day),
        ("bus-3", 2, NOON + 8 * day),
    ]
    assert versions.running(city.database, Of.DENY_LIST) == []
    assert [one.device for one in versions.running(city.database, after="bus-1", limit=1)] == ["bus-2"]
    register = Register(city.database)
    register.enrol_all({f"bus-{number}": f"{number:064}" for number in range(1, 5)}, who="w")
    for now, missing in ((NOON + 7 * day, Duty.MISSING), (NOON + 7 * day + 1, Duty.OVERDUE)):
        proofs = versions.prove(city.database, 2, published=NOON, within_days=7, now=now)
        assert [(one.device, one.duty, one.days) for one in proofs] == [
            ("bus-1", missing, 7),
            ("bus-2", Duty.IN_TIME, 2),
            ("bus-3", Duty.LATE, 8),
            ("bus-4", missing, 7),
        ]


def test_a_case_is_settled_with_a_reason_that_is_kept(city: City) -> None:
    gate = city.device("bus-1")
    gate.append(entries.tap(NOON), received=NOON)
    city.look(gate)
    for decision, why in ((Decision.OPEN, "so"), (Decision.PAY, " ")):
        with pytest.raises(FleetError, match="without a decision"):
            city.cases.settle(1, decision, who="user wang", why=why, now=NOW)
    with pytest.raises(FleetError, match="case 2: is not there"):
        city.cases.settle(2, Decision.PAY, who="user wang", why="so", now=NOW)
    city.cases.settle(1, Decision.WITHHOLD, who="user wang", why="no such rider", now=NOW)
    city.cases.settle(1, Decision.PAY, who="key 3f9a0c1e", why="he has shown his ticket", now=NOW + 5)
    case, decided = city.cases.found(1)
    assert case.decision is Decision.PAY
    assert [(one.decision, one.who, one.why, one.at) for one in decided] == [
        (Decision.WITHHOLD, "user wang", "no such rider", NOW),
        (Decision.PAY, "key 3f9a0c1e", "he has shown his ticket", NOW + 5),
    ]
    assert city.cases.listed() == []
    assert [one.number for one in city.cases.listed(settled=True)] == [1]
    assert city.cases.counts() == dict.fromkeys(Kind, 0)


def test_uses_are_forgotten_when_no_repeat_is_to_be_expected_and_numbers_go_on_rising(city: City) -> None:
    gate = city.device("bus-1")
    gate.tap(code(1), NOON)
    city.look(gate)
    with city.database.transaction() as rows:
        (first,) = uses.behind(rows, 0, limit=9)
        uses.forget(rows, first.good_until + uses.KEPT_S)
        assert uses.behind(rows, 0, limit=9) == [first]
        uses.forget(rows, first.good_until + uses.KEPT_S + 1)
        assert uses.behind(rows, 0, limit=9) == []
        assert uses.Uses(rows, [], now=NOW + 1)._number > first.number


def test_in_postgresql_the_same_is_found_as_in_sqlite(
    tmp_path: Path, parameters: Parameters, in_postgres: Callable[[], str]
) -> None:
    """The other tests run on it with the long ones."""
    database = open_fleet(in_postgres())
    city = City(tmp_path, database, parameters)
    one, two = city.device("bus-1"), city.device("bus-2")
    one.tap(code(1), NOON)
    two.tap(code(1), NOON + 5)
    two.tap(code(2), NOON + 6)
    two.outcome(2, Outcome.FAILED, NOON + 7, reverses=True)
    city.look(one, two)
    assert counts(database) == {"DOUBLE_USE": 1, "NO_TAP": 1, "OK": 2}
    (case,) = city.cases.listed(kind=Kind.DOUBLE_USE)
    assert (case.device, case.other) == ("bus-2", "bus-1/7/1")
    city.cases.settle(case.number, Decision.WITHHOLD, who="user wang", why="one rider", now=NOW)
    assert (city.cases.listed(), city.follower.look()) == ([], 0)
    register = Register(database)
    register.enrol_all({"bus-1": f"{1:064}", "bus-2": f"{2:064}"}, who="w")
    register.revoke("bus-2", who="w", why="stolen")
    assert register.keys() == {"bus-1": f"{1:064}"}
    (proof,) = versions.prove(database, 1, published=NOON, within_days=7, now=NOW)
    assert (proof.device, proof.duty) == ("bus-1", Duty.IN_TIME)
    with database.reading() as rows:
        assert [use.reversed for use in uses.behind(rows, 0, limit=9)] == [0, 1]
    database.close()
