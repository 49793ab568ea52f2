"""When each device was heard of last, by whichever collector: what makes silence visible.

What was noted by a clock that was far ahead, and has been set right, is no sign of life: until that moment came, a
device could be gone and nobody would see it.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

from yima.sdk.centre.fleet.database import CLOCKS_DIFFER_S, Database
from yima.sdk.centre.fleet.devices import State
from yima.validator.errors import YimaError

WRITE_EVERY_S = 5.0


class Hearing:
    """Notes who sent a batch, and writes it down now and then on a thread of its own. now: unix seconds."""

    def __init__(self, database: Database, *, now: Callable[[], float] = time.time) -> None:
        self._database, self._now = database, now
        self._turn = threading.Lock()
        self._heard: dict[str, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="yima-hearing", daemon=True)

    def happened(self, event: dict[str, Any]) -> None:
        """An event of the collector; from any thread, and it waits for nothing."""
        if event["event"] == "batch":
            with self._turn:
                self._heard[event["device"]] = int(self._now())

    def start(self) -> None:
        """Begins to write."""
        self._thread.start()

    def stop(self) -> None:
        """Writes what was heard, and ends."""
        self._stop.set()
        self._thread.join()

    def write(self) -> None:
        """Writes what was heard since. Raises FleetError; then it is written the next time."""
        with self._turn:
            heard, self._heard = self._heard, {}
        if not heard:
            return
        believed = int(self._now()) + CLOCKS_DIFFER_S
        try:
            with self._database.transaction() as rows:
                rows.executemany(
                    "INSERT INTO heard (device, at) VALUES (?, ?) ON CONFLICT (device) DO UPDATE SET "
                    "at = CASE WHEN heard.at > excluded.at AND heard.at <= ? THEN heard.at ELSE excluded.at END",
                    [(device, at, believed) for device, at in sorted(heard.items())],
                )
        except YimaError:
            with self._turn:
                self._heard = heard | self._heard
            raise

    def _run(self) -> None:
        last = False
        while not last:
            last = self._stop.wait(WRITE_EVERY_S)
            try:
                self.write()
            except YimaError:
                continue  # whoever takes the batches tells that the tables are in trouble


def heard_at(database: Database) -> dict[str, int]:
    """Unix seconds by device; a device that was never heard of is not in it. Raises FleetError."""
    with database.reading() as rows:
        return dict(rows.execute("SELECT device, at FROM heard").fetchall())


def silent(database: Database, *, now: int, longer_than_s: int) -> int:
    """How many enrolled devices were not heard of for longer than that, or never. Raises FleetError."""
    with database.reading() as rows:
        found = rows.execute(
            "SELECT COUNT(*) FROM devices d LEFT JOIN heard h ON h.device = d.device AND h.at <= ? "
            "WHERE d.state = ? AND COALESCE(h.at, d.since) < ?",
            (now + CLOCKS_DIFFER_S, State.ENROLLED, now - longer_than_s),
        ).fetchone()
    return int(found[0])
