"""Which bookings of a date are shared, and whose they are: as far as was known when no late ones were waited for."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from tests.sdk.centre.clearing.money.world import put
from tests.sdk.centre.sharing.small_region import DAYS, Region
from yima.sdk.centre.clearing.days import shifted
from yima.sdk.centre.clearing.money.settle import LAST, OrderError
from yima.sdk.centre.clearing.money.tables import PERSONS
from yima.sdk.centre.clearing.workspace import Workspace
from yima.sdk.centre.sharing.rides import booked, hour_of, with_persons

DAY, WAIT = DAYS[2], 2  # the last of September


@pytest.fixture
def region() -> Region:
    return Region(1)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    made = Workspace(tmp_path)
    yield made
    made.close()


def test_what_was_booked_after_the_wait_is_in_no_share_and_before_its_end_there_is_none(
    region: Region, tmp_path: Path
) -> None:
    rides = region.of(DAY)
    rides[0]["day"], rides[1]["day"] = shifted(DAY, WAIT), shifted(DAY, WAIT + 1)
    workspace = region.write(tmp_path)
    found = booked(workspace, DAY, WAIT)
    assert sorted(found["clearing"].to_pylist()) == sorted(ride["clearing"] for ride in rides if ride is not rides[1])
    assert not workspace.is_done(LAST, shifted(DAY, 5))
    with pytest.raises(OrderError, match=f"waited for until {shifted(DAY, 5)}"):
        booked(workspace, DAY, 5)
    workspace.close()


def test_two_accounts_are_one_persons_as_was_known_in_the_month_of_the_ride(
    region: Region, workspace: Workspace
) -> None:
    """What is stated in October changes nothing of September, though late taps of it are still waited for."""
    one, two, three = sorted({ride["account"] for ride in region.of(DAY)})[:3]
    stated = [(two, one, DAY), (three, one, shifted(DAY, 1))]
    put(workspace, PERSONS, [{"account": account, "person": person, "day": day} for account, person, day in stated])
    rows = pa.table({"account": [one, two, three]})
    found = with_persons(workspace, rows, DAY, WAIT)
    told = dict(zip(found["account"].to_pylist(), found["person"].to_pylist(), strict=True))
    assert told == {one: one, two: one, three: three}


def test_hours_are_those_of_the_clock_on_the_wall() -> None:
    midnight = 1790524800
    assert [hour_of(midnight + second) for second in (-1, 0, 3599, 3600, 86399)] == [23, 0, 0, 1, 23]
