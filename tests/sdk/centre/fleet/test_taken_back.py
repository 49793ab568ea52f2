"""A code whose first tap its gate took back: whose it is then, whatever came in which order."""

import sqlite3

import pytest

from tests.sdk.centre.clearing import world
from tests.sdk.centre.clearing.world import NOON, Device
from tests.sdk.centre.fleet.city import NOW, City, code
from yima.sdk.centre.fleet import uses, versions
from yima.sdk.centre.fleet.cases import Decision, Kind
from yima.validator.journal.facts import Note, NoteFacts, Outcome, write


def tapped(city: City, count: int) -> list[Device]:
    """Gates that let one code through, one after the other, of which the collector hears in that order."""
    gates = [city.device(f"bus-{number}", line=number) for number in range(1, count + 1)]
    for number, gate in enumerate(gates):
        gate.tap(code(1), NOON + 5 * number)
        come(city, gate)
    return gates


def taken_back(city: City, gate: Device) -> None:
    gate.outcome(1, Outcome.FAILED, NOON + 1, reverses=True)
    come(city, gate)


def come(city: City, gate: Device) -> None:
    """The newest of a gate's entries."""
    world.store(city.folder / "city.db", gate.entries[-1:])


def stands(city: City) -> list[tuple[str, str, Decision]]:
    """Cases: of which gate, against which tap, and what was decided."""
    return [(case.device, case.other, case.decision) for case in city.cases.listed(settled=None)]


def used(city: City) -> list[tuple[str, int, int]]:
    """Codes: by which tap, on which line, and whether it was taken back."""
    with city.database.reading() as rows:
        return [(use.tap, use.line, use.reversed) for use in uses.behind(rows, 0, limit=9)]


@pytest.mark.parametrize("at_once", [True, False], ids=["in one look", "one after the other"])
def test_the_next_tap_uses_the_code_and_those_after_it_stay_cases(city: City, at_once: bool) -> None:
    """A picture of a code that went round: the first gate did not open, and all the others were paid."""
    gates = tapped(city, 3)
    if not at_once:
        city.follower.look()
    taken_back(city, gates[0])
    city.follower.look()
    assert stands(city) == [("bus-2", "bus-1/7/1", Decision.PAY), ("bus-3", "bus-2/7/1", Decision.OPEN)]
    assert used(city) == [("bus-2/7/1", 2, 0)], "the gates of its line hear of it"
    late = city.device("bus-4")
    late.tap(code(1), NOON + 30)
    come(city, late)
    city.follower.look()
    assert stands(city)[2:] == [("bus-4", "bus-2/7/1", Decision.OPEN)]


def test_when_that_one_is_taken_back_too_it_is_the_next_ones(city: City) -> None:
    gates = tapped(city, 3)
    city.follower.look()
    for gate in gates[:2]:
        taken_back(city, gate)
        city.follower.look()
    assert [one[2] for one in stands(city)] == [Decision.PAY, Decision.PAY]
    assert used(city) == [("bus-3/7/1", 3, 0)]


def test_a_tap_that_was_taken_back_while_it_stood_against_another_uses_nothing_later(city: City) -> None:
    gates = tapped(city, 3)
    city.follower.look()
    taken_back(city, gates[1])
    taken_back(city, gates[0])
    city.follower.look()
    assert stands(city) == [("bus-2", "bus-3/7/1", Decision.OPEN), ("bus-3", "bus-1/7/1", Decision.PAY)]
    assert city.cases.listed(kind=Kind.DOUBLE_USE)[0].why == "DOUBLE_USE: its gate took it back"
    assert used(city) == [("bus-3/7/1", 3, 0)]


def test_what_somebody_withheld_stays_so(city: City) -> None:
    gates = tapped(city, 3)
    city.follower.look()
    city.cases.settle(1, Decision.WITHHOLD, who="user wang", why="two gates, one rider", now=NOW)
    taken_back(city, gates[0])
    city.follower.look()
    assert [one[2] for one in stands(city)] == [Decision.WITHHOLD, Decision.PAY]
    assert used(city) == [("bus-3/7/1", 3, 0)]


def test_what_is_taken_back_twice_frees_nothing_that_another_has_used(city: City) -> None:
    gates = tapped(city, 1)
    city.follower.look()
    taken_back(city, gates[0])
    other = city.device("bus-2")
    other.tap(code(1), NOON + 5)
    come(city, other)
    taken_back(city, gates[0])
    city.follower.look()
    assert used(city) == [("bus-2/7/1", 0, 0)]


def test_what_is_taken_back_twice_is_told_to_the_gates_once(city: City) -> None:
    (gate,) = tapped(city, 1)
    numbers = []
    for _ in range(2):
        taken_back(city, gate)
        city.follower.look()
        with city.database.reading() as rows:
            numbers.append(uses.newest(rows))
    assert numbers[0] == numbers[1]


@pytest.mark.parametrize("how", ["broken", "refused", "beside"])
def test_what_does_not_hold_takes_nothing_back_and_shows_no_version(city: City, how: str) -> None:
    """An entry whose hash is another's, one that was kept as refused, one beside what its journal holds there."""
    (gate,) = tapped(city, 1)
    gate.outcome(1, Outcome.FAILED, NOON + 1, reverses=True)
    gate.append(write(NoteFacts(at=NOON, trusted=True, run=1, tick_ms=1, note=Note.PARAMETERS, a=9)), received=NOON)
    rows, store = gate.entries[1:], city.folder / "city.db"
    if how == "beside":
        world.store(store, [], rows)
    else:
        world.store(store, [row | ({"hash": bytes(32)} if how == "broken" else {}) for row in rows])
    if how == "refused":
        with sqlite3.connect(store) as connection:
            connection.execute("UPDATE entries SET rejected = 'so' WHERE sequence > 1")
        connection.close()
    assert city.follower.look() == 3
    assert used(city) == [("bus-1/7/1", 1, 0)]
    assert [one.version for one in versions.running(city.database)] == [1]
