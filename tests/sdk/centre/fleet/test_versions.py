"""Since when a device had a version: by its own clock, as far as that one is to be believed."""

from tests import entries
from tests.sdk.centre.clearing import world
from tests.sdk.centre.clearing.world import NOON
from tests.sdk.centre.fleet.city import City
from yima.sdk.centre.fleet import versions
from yima.sdk.centre.fleet.devices import Register
from yima.sdk.centre.fleet.versions import Duty, Of, Running
from yima.validator.journal.facts import Note, NoteFacts, write

DAY = 86400
LATE = NOON + 40 * DAY


def noted(at: int, *, trusted: bool = True, note: Note = Note.PARAMETERS, version: int = 5) -> bytes:
    return write(NoteFacts(at=at, trusted=trusted, run=1, tick_ms=1, note=note, a=version))


def test_a_gate_without_a_network_proves_that_it_had_the_version_in_time(city: City) -> None:
    """It notes what it goes over to when it does; that the note came a month later makes nobody late."""
    gate = city.device("bus-1")
    gate.append(noted(NOON), received=LATE)
    gate.append(noted(NOON + DAY, note=Note.DENY_LIST), received=LATE)
    city.look(gate)
    assert versions.running(city.database) == [Running("bus-1", 5, NOON, LATE)]
    assert versions.running(city.database, Of.DENY_LIST) == [Running("bus-1", 5, NOON + DAY, LATE)]
    Register(city.database).enrol("bus-1", "aa" * 32, who="w")
    (proof,) = versions.prove(city.database, 5, published=NOON, within_days=30, now=LATE)
    assert (proof.duty, proof.days) == (Duty.IN_TIME, 0)


def test_a_clock_that_was_not_trusted_proves_nothing_and_none_is_ahead_of_the_arrival(city: City) -> None:
    """A gate that thought it was 1970 had every version before anybody had published it."""
    unset, ahead, tapped = city.device("bus-1"), city.device("bus-2"), city.device("bus-3")
    unset.append(noted(1000, trusted=False), received=NOON)
    ahead.append(noted(NOON + 365 * DAY), received=NOON)
    tapped.append(entries.tap(NOON - 300 * DAY, trusted=False), received=NOON)
    city.look(unset, ahead, tapped)
    assert [one.since for one in versions.running(city.database)] == [NOON] * 3


def test_a_version_or_a_newer_one_is_in_time_up_to_the_last_second_and_nobody_revoked_is_asked_for(city: City) -> None:
    end = NOON + 7 * DAY
    gates = {name: city.device(name) for name in ("last-second", "late", "newer", "older", "revoked")}
    for name, at, version in (
        ("last-second", end, 5), ("late", end + 1, 5), ("newer", NOON, 6), ("older", NOON, 4), ("revoked", end + 1, 5),
    ):  # fmt: skip
        gates[name].append(noted(at, version=version), received=LATE)
    city.look(*gates.values())
    register = Register(city.database)
    register.enrol_all({name: f"{number:064}" for number, name in enumerate(gates)}, who="w")
    register.revoke("revoked", who="w", why="scrapped")
    proofs = versions.prove(city.database, 5, published=NOON, within_days=7, now=end)
    assert [(one.device, one.duty) for one in proofs] == [
        ("last-second", Duty.IN_TIME), ("late", Duty.LATE), ("newer", Duty.IN_TIME), ("older", Duty.MISSING),
    ]  # fmt: skip


def test_a_device_has_a_version_since_the_earliest_that_shows_it_in_whatever_order_it_comes(city: City) -> None:
    gate = city.device("bus-1")
    for at, received in ((NOON + DAY, LATE), (NOON, LATE - 1), (NOON + 2 * DAY, LATE - 2)):
        gate.append(noted(at), received=received)
        world.store(city.folder / "city.db", gate.entries[-1:])
        city.follower.look()
    assert versions.running(city.database) == [Running("bus-1", 5, NOON, LATE)]
