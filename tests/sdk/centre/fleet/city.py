"""A city whose collector's store is followed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.sdk.centre.clearing import world
from tests.sdk.centre.clearing.world import NOON, Device, rider
from yima.sdk.centre.fleet.cases import Cases
from yima.sdk.centre.fleet.database import Database
from yima.sdk.centre.fleet.following import Follower
from yima.sdk.centre.fleet.sources import source_of
from yima.validator import _core
from yima.validator.parameters import Parameters

NOW = NOON + 60


class City:
    """Devices, their collector's store, and who follows it."""

    def __init__(self, folder: Path, database: Database, parameters: Parameters) -> None:
        self.folder, self.database, self.parameters = folder, database, parameters
        self.published = folder / "published"
        self.published.mkdir()
        self.publish(parameters)
        self.told: list[dict[str, Any]] = []
        self.cases = Cases(database)
        self.sent = 0
        self.follower = self.another()

    def publish(self, parameters: Parameters) -> None:
        (self.published / f"v{parameters.version}.img").write_bytes(parameters.image)

    def another(self, now: Callable[[], float] = lambda: NOW) -> Follower:
        source = source_of(self.folder / "city.db")
        return Follower(self.database, source, self.published, now=now, on_event=self.told.append)

    def device(self, name: str, **more: Any) -> Device:
        return Device(name, self.parameters, **more)

    def send(self, *devices: Device, conflicts: list[dict[str, Any]] | None = None) -> None:
        rows = world.all_rows(*devices)
        world.store(self.folder / "city.db", rows, conflicts or [])

    def look(self, *devices: Device, **more: Any) -> int:
        self.send(*devices, **more)
        return self.follower.look()

    def why(self) -> list[str]:
        return [case.why.partition(":")[0] for case in self.cases.listed()]


def digest_of(parameters: Parameters) -> bytes:
    """As facts name them."""
    return _core.sm3(parameters.image)[:16]


def code(card: int, at: int = NOON) -> bytes:
    return rider(card).code(at)
