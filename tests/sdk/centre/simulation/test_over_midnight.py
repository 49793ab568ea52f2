"""A journey that ends behind the period has its say in it: whoever rides meanwhile is its companion."""

from pathlib import Path

from tests.sdk.centre.clearing import world
from tests.sdk.centre.clearing.folders import RATES_TEXT, RULES_TEXT
from tests.sdk.centre.clearing.test_against_plain import tariff
from tests.sdk.centre.clearing.world import DAY, NOON, Device
from yima.sdk.centre.clearing.day import STEPS, Centre
from yima.sdk.centre.clearing.folder import INCOMING, PARAMETERS, RATES, RULES, STORES, CentreFolder
from yima.sdk.centre.simulation.other import read_other
from yima.sdk.centre.simulation.settling import simulate
from yima.validator.judging import Direction, Mode

LATE = NOON + 11 * 3600 + 1800  # 23:30


def region(path: Path) -> Path:
    """Two bus rides come to the daily cap; then two people with one code: one takes the metro over midnight, the other
    a bus meanwhile, which pays in full."""
    bus, other = Device("bus-1", tariff()), Device("bus-2", tariff())
    enter = Device("in-205", tariff(), Mode.METRO, Direction.ENTRY, 205)
    leave = Device("out-309", tariff(), Mode.METRO, Direction.EXIT, 309)
    for at in (NOON, NOON + 4000):
        bus.tap(world.rider(1).code(at), at)
    enter.tap(world.rider(1).code(LATE), LATE)
    other.tap(world.rider(1).code(LATE + 900), LATE + 900)
    leave.tap(world.rider(1, data=b"").code(LATE + 2700), LATE + 2700)
    for name in (STORES, PARAMETERS, INCOMING):
        (path / name).mkdir(parents=True)
    world.store(path / STORES / "one.db", world.all_rows(bus, other, enter, leave))
    (path / PARAMETERS / "city.img").write_bytes(bytes(tariff().image))
    (path / RULES).write_text(RULES_TEXT)
    (path / RATES).write_text(RATES_TEXT)
    return path


def test_under_the_same_parameters_the_last_evening_comes_out_as_it_was_settled(tmp_path: Path) -> None:
    """The period ended before the journey did, so that the ride beside it fell under the daily cap."""
    folder = region(tmp_path / "region")
    other = read_other(folder / PARAMETERS / "city.img")
    with Centre(CentreFolder(folder), memory="500MB") as centre:
        centre.ingest()
        for day in (DAY, DAY + 1, DAY + 2):
            for step in STEPS:
                centre.run(step, day)
        for since, until, count in ((DAY, DAY + 1, 4), (DAY, DAY, 3), (DAY + 1, DAY + 1, 1)):
            found = simulate(
                centre.workspace, centre.engine, centre.published, centre.terms, other, since=since, until=until
            )
            fares = {row["ride_id"]: (row["settled_fen"], row["other_fen"]) for row in found.rides.to_pylist()}
            assert len(fares) == count
            assert all(settled == again for settled, again in fares.values()), (since, until, fares)
            if since == DAY:
                assert fares["bus-2/7/1"] == (200, 200)
