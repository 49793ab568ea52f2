"""When devices were heard of: the newest counts, whichever collector heard it and however often writing failed."""

from typing import Any

import pytest

from yima.sdk.centre.fleet.database import Database, FleetTroubleError
from yima.sdk.centre.fleet.devices import Register
from yima.sdk.centre.fleet.hearing import Hearing, heard_at, silent


def batch(device: str) -> dict[str, Any]:
    return {"event": "batch", "device": device}


def test_of_two_collectors_the_one_that_heard_it_last_is_right_whoever_writes_last(database: Database) -> None:
    for now in (200, 100):
        hearing = Hearing(database, now=lambda now=now: now)  # type: ignore[misc]
        hearing.happened(batch("gate-7"))
        hearing.write()
    assert heard_at(database) == {"gate-7": 200}


def test_what_could_not_be_written_is_written_the_next_time_and_nothing_older_over_it(database: Database) -> None:
    now = 100
    hearing = Hearing(database, now=lambda: now)
    hearing.happened(batch("gate-7"))
    hearing.happened(batch("gate-8"))
    with database.transaction() as rows:
        rows.execute("ALTER TABLE heard RENAME TO elsewhere")
    undisturbed = database.transaction

    def meanwhile() -> Any:
        hearing.happened(batch("gate-7"))
        return undisturbed()

    now = 150
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "transaction", meanwhile)
        with pytest.raises(FleetTroubleError):
            hearing.write()
    with database.transaction() as rows:
        rows.execute("ALTER TABLE elsewhere RENAME TO heard")
    hearing.write()
    assert heard_at(database) == {"gate-7": 150, "gate-8": 100}


def test_what_was_heard_last_is_written_before_it_ends_and_refusals_are_no_sign_of_life(database: Database) -> None:
    hearing = Hearing(database, now=lambda: 100)
    hearing.start()
    hearing.happened(batch("gate-7"))
    hearing.happened({"event": "refused", "device": "gate-8", "status": 403})
    hearing.stop()
    assert heard_at(database) == {"gate-7": 100}


def test_a_device_that_was_never_heard_of_is_silent_since_it_was_enrolled(database: Database) -> None:
    register = Register(database, now=lambda: 1000)
    register.enrol_all({f"gate-{number}": f"{number:064}" for number in range(3)}, who="w")
    register.revoke("gate-0", who="w", why="scrapped")
    hearing = Hearing(database, now=lambda: 1500)
    hearing.happened(batch("gate-1"))
    hearing.write()
    counted = [silent(database, now=now, longer_than_s=900) for now in (1900, 1901, 2400, 2401)]
    assert counted == [0, 1, 1, 2]
