"""Lines on which riders travel, and what the centre makes of it.

A case that is no matter to another one is cleared with it in one run, on a line and with riders of its own: it plays,
yields, and is given its rides.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from tests.sdk.centre.clearing import centre, world
from tests.sdk.centre.clearing.test_against_plain import tariff
from tests.sdk.centre.clearing.world import DAY, Device
from yima.sdk.centre.clearing.rides.rules import MissingExit, RideRules
from yima.sdk.centre.clearing.tables import REVERSALS, RIDES, Table
from yima.sdk.centre.clearing.workspace import Workspace
from yima.sdk.issuer import Rider
from yima.validator.judging import Direction, Mode

Rides = dict[str, dict[str, Any]]
HOUR = 3600
ONE_DAY = RideRules(close_after_days=1, missing_exit=(MissingExit(city=0, since=0, fen=900),))


class Line:
    """A metro's gates and one bus, and what the centre makes of what they saw. name: begins those of its devices.
    number: of its first card."""

    def __init__(self, folder: Path, name: str = "", number: int = 0) -> None:
        self.folder = folder
        self.name = name
        self.number = number
        self.bus = Device(f"{name}bus-1", tariff())
        self.gates = {
            (way, station): Device(f"{name}{way}-{station}", tariff(), Mode.METRO, way, station)
            for way in (Direction.ENTRY, Direction.EXIT)
            for station in world.STATIONS
        }

    def rider(self, card: int, issuer: str = world.SHANGHAI, **more: Any) -> Rider:
        return world.rider(self.number + card, issuer, **more)

    def enter(self, card: int, station: int, at: int, **more: Any) -> None:
        code = self.rider(card).code(at)
        assert self.gates[Direction.ENTRY, station].tap(code, at, **more).accepted

    def leave(self, card: int, station: int, at: int, data: bytes = b"", kind: int = 0, **more: Any) -> None:
        code = self.rider(card, data=data, account_type=kind).code(at)
        assert self.gates[Direction.EXIT, station].tap(code, at, **more).accepted

    def rides(self, days: int = 1, rules: RideRules | None = None) -> Rides:
        self.workspace = cleared(self.folder, [self], days, rules)
        return centre.rides(self.workspace)

    def mine(self, table: Table) -> list[dict[str, Any]]:
        """The rows of its rides, its name left out."""
        return [
            {key: value.removeprefix(self.name) if isinstance(value, str) else value for key, value in row.items()}
            for row in centre.rows(self.workspace, table)
            if row["ride_id"].startswith(self.name)
        ]


def lived(line: Line, rides: Rides) -> dict[str, tuple[str, str | None, int, int]]:
    """The rides that stand: kind, entry, fare, day."""
    gone = {row["ride_id"] for row in centre.rows(line.workspace, REVERSALS)}
    return {
        name: (ride["kind"], ride["entry_tap"], ride["fare_fen"], ride["day"])
        for name, ride in rides.items()
        if name not in gone
    }


def cleared(folder: Path, lines: Sequence[Line], days: int, rules: RideRules | None) -> Workspace:
    """What several lines saw, in one workspace, which is closed."""
    devices = [device for line in lines for device in (line.bus, *line.gates.values())]
    store = world.store(folder / "s.db", world.all_rows(*devices))
    workspace = Workspace(folder / "w")
    centre.run(workspace, [store], centre.published(tariff()), range(DAY, DAY + days), rules=rules)
    workspace.close()
    return workspace


Case = Callable[[Line], Generator[None, Rides, None]]
Ending = Callable[[], None]


def together(folder: Path, cases: Sequence[Case], days: int = 1, rules: RideRules | None = None) -> list[Ending]:
    """Plays cases, clears them in one run, and returns what ends each of them."""
    lines = [Line(folder, f"{place}.", 100 * place) for place, _ in enumerate(cases, 1)]
    begun = [case(line) for case, line in zip(cases, lines, strict=True)]
    for case in begun:
        next(case)
    workspace = cleared(folder, lines, days, rules)
    for line in lines:
        line.workspace = workspace
    return [partial(_end, case, line) for case, line in zip(begun, lines, strict=True)]


def _end(case: Generator[None, Rides, None], line: Line) -> None:
    with suppress(StopIteration):
        case.send({ride["ride_id"]: ride for ride in line.mine(RIDES)})
        raise AssertionError("a case yields once")
