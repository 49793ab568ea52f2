"""A collector's clock was far ahead and has been set right: what it noted meanwhile hides nothing and holds up nobody.

A gate room's server begins with the local time taken for UTC, eight hours ahead, and NTP corrects it minutes later.
"""

from tests.sdk.centre.clearing.world import NOON
from tests.sdk.centre.fleet.city import NOW, City, code
from yima.sdk.centre.fleet import following
from yima.sdk.centre.fleet.database import CLOCKS_DIFFER_S, Database
from yima.sdk.centre.fleet.devices import Register
from yima.sdk.centre.fleet.following import standing
from yima.sdk.centre.fleet.hearing import Hearing, heard_at, silent

AHEAD = 8 * 3600


def hear(database: Database, device: str, now: int) -> None:
    hearing = Hearing(database, now=lambda: now)
    hearing.happened({"event": "batch", "device": device})
    hearing.write()


def test_a_device_heard_of_then_is_heard_of_now_and_its_silence_seen(database: Database) -> None:
    """heard stayed in the future, so a gate that was gone was silent to nobody for eight hours, or for years."""
    Register(database, now=lambda: NOW - 7200).enrol_all({"gate-7": "7" * 64, "gate-8": "8" * 64}, who="w")
    for device in ("gate-7", "gate-8"):
        hear(database, device, NOW + AHEAD)
    hear(database, "gate-7", NOW)
    assert heard_at(database)["gate-7"] == NOW
    assert [silent(database, now=NOW + later, longer_than_s=3600) for later in (0, 3601)] == [1, 2]


def test_clocks_of_collectors_may_differ_and_the_newest_counts(database: Database) -> None:
    hear(database, "gate-7", NOW + CLOCKS_DIFFER_S)
    hear(database, "gate-7", NOW)
    assert heard_at(database) == {"gate-7": NOW + CLOCKS_DIFFER_S}


def test_who_starts_after_it_was_set_right_follows_at_once(city: City) -> None:
    """The turn of one that had ended lasted for eight hours more, and the metrics said that somebody follows."""
    one, other = city.device("bus-1"), city.device("bus-2")
    one.tap(code(1), NOON)
    other.tap(code(2), NOON)
    city.send(one)
    city.another(lambda: NOW + AHEAD).look()
    city.send(other)
    assert not standing(city.database, "city", NOW).follows
    assert city.another(lambda: NOW).look() == 1
    assert standing(city.database, "city", NOW).follows


def test_a_turn_is_kept_from_a_collector_whose_clock_is_a_little_behind(city: City) -> None:
    city.send(city.device("bus-1"))
    city.another(lambda: NOW + CLOCKS_DIFFER_S).look()
    with city.database.transaction() as rows:
        assert city.another(lambda: NOW)._mine(rows, NOW) is None
        assert city.another(lambda: NOW)._mine(rows, NOW + CLOCKS_DIFFER_S + following.HELD_S) == "{}"
