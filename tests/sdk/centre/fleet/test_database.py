"""Where the fleet's tables lie: several processes take turns, and nobody's turn lasts for ever."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from yima.sdk.centre.collector import durable, postgres
from yima.sdk.centre.fleet.database import FleetTroubleError, open_fleet
from yima.sdk.centre.fleet.devices import Register

A, B = "aa" * 32, "bb" * 32


def test_who_comes_while_another_process_writes_waits_for_its_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list of some thousand devices was being enrolled: whoever revoked a stolen gate meanwhile was told to close a
    database browser, and the collector told of trouble."""
    monkeypatch.setattr(durable, "BUSY_MS", 0)
    one, other = open_fleet(tmp_path / "trips.db"), open_fleet(tmp_path / "trips.db")
    waiting = Register(other)
    second = threading.Thread(target=lambda: waiting.enrol("gate-8", B, who="w"))
    with one.transaction() as rows:
        second.start()
        second.join(0.2)
        assert second.is_alive()
        assert rows.execute("SELECT COUNT(*) FROM devices").fetchone() == (0,)
    second.join()
    assert [found.device for found in waiting.listed()] == ["gate-8"]
    one.close()
    other.close()


def test_a_collector_that_hangs_with_its_turn_in_hand_holds_nobody_up_for_long(
    in_postgres: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One whose machine lost its power within a transaction kept every other collector and every verb waiting, until
    the server's own keepalive found out after two hours."""
    store = in_postgres()
    monkeypatch.setattr(postgres, "ABANDONED_S", 1)
    hanging = open_fleet(store)
    monkeypatch.undo()
    other = open_fleet(store)
    with pytest.raises(FleetTroubleError, match="PostgreSQL says"), hanging.transaction() as rows:
        rows.execute("DELETE FROM devices")
        register = Register(other)
        register.enrol("gate-7", A, who="w")
        rows.execute("SELECT 1")
    assert register.keys() == {"gate-7": A}
    Register(hanging).enrol("gate-8", B, who="w")
    assert [one.device for one in register.listed()] == ["gate-7", "gate-8"], "it comes back by itself"
    hanging.close()
    other.close()


def test_a_turn_that_does_not_come_is_told(in_postgres: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> None:
    store = in_postgres()
    holding = open_fleet(store)
    monkeypatch.setattr(postgres, "STATEMENT_WITHIN_S", 1)
    with holding.transaction(), pytest.raises(FleetTroubleError, match="statement timeout"):
        open_fleet(store)
    monkeypatch.undo()
    holding.close()


def test_what_was_done_outlives_the_servers_power_whatever_it_does_by_default(in_postgres: Callable[[], str]) -> None:
    """A server with synchronous_commit off would forget who was revoked a moment ago."""
    database = open_fleet(in_postgres())
    with database.transaction() as rows:
        ((setting, source),) = rows.execute(
            "SELECT setting, source FROM pg_settings WHERE name = 'synchronous_commit'"
        ).fetchall()
    assert (setting, source) == ("on", "session")
    database.close()
