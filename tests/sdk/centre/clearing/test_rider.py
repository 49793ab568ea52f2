"""One rider's month: who is chosen, what each city knew, who paid what; all of it from bookings."""

import io
from pathlib import Path
from typing import Any

from rich.console import Console

from tests.sdk.centre.clearing.money.world import put
from yima.sdk.centre.clearing.money.tables import CLEARED, FUNDED, PERSONS, PLACES_A_DAY
from yima.sdk.centre.clearing.report.rider import InCity, rider_month, rider_section, rider_table
from yima.sdk.centre.clearing.workspace import Workspace

DAY = 20260914
SHANGHAI, SUZHOU, JIAXING = 310000, 320500, 330400
HERS = {city: f"{city}00000000000{number:03}" for number, city in enumerate((SHANGHAI, SUZHOU, JIAXING), 1)}
HIS = (f"{SUZHOU}00000000000007", f"{JIAXING}00000000000008")
MASKED = {city: f"{account[:4]}************{account[-4:]}" for city, account in HERS.items()}
_DEFAULTS = {"int": 0, "small": 0, "text": "", "flag": False}


def booking(number: int, account: str, city: int, *, day: int = DAY, gross: int = 400, **more: Any) -> dict[str, Any]:
    row = {name: None if kind.endswith("?") else _DEFAULTS[kind] for name, kind in CLEARED.columns.items()}
    row |= {"clearing": day * PLACES_A_DAY + number, "ride_id": f"bus/1/{number}", "number": 1, "account": account}
    row |= {"city": city, "gross_fen": gross, "fare_fen": gross, "service_date": day, "day": day}
    return row | more


def paid(row: dict[str, Any], kind: str, party: str, fen: int) -> dict[str, Any]:
    """Of a booking, by somebody else than the rider."""
    row["fare_fen"] -= fen
    return {
        "clearing": row["clearing"], "ride_id": row["ride_id"], "number": 1, "source": "GATE", "place": len(party),
        "rule": "r", "fen": -fen, "funder": "", "party_kind": kind, "party": party, "day": row["day"],
    }  # fmt: skip


def world(folder: Path) -> Workspace:
    """She rides by three codes in three cities; he by two in one, more often; somebody by one."""
    rows = [
        booking(1, HERS[SHANGHAI], SHANGHAI),
        booking(2, HERS[SUZHOU], SUZHOU, gross=200),
        booking(3, HERS[SHANGHAI], SUZHOU, gross=200),
        booking(4, HERS[JIAXING], JIAXING, gross=200),
        booking(5, HERS[JIAXING], JIAXING, gross=999),
        *(booking(10 + n, HIS[n % 2], SUZHOU) for n in range(8)),
        booking(30, f"{SUZHOU}00000000000099", SUZHOU),
    ]
    funded = [paid(rows[0], "CITY", "00320500", 200), paid(rows[2], "OPERATOR", "99320501", 50)]
    rows.append(
        {**rows[4], "clearing": rows[4]["clearing"] + 90, "reverses": True, "gross_fen": -999, "fare_fen": -999}
    )
    rows.append(booking(60, HERS[SHANGHAI], SHANGHAI, day=20260831))
    workspace = Workspace(folder)
    put(workspace, CLEARED, rows)
    put(workspace, FUNDED, funded)
    persons = [(one, HERS[SHANGHAI]) for one in HERS.values()] + [(one, HIS[0]) for one in HIS]
    rows = [{"account": one, "person": person, "day": DAY} for one, person in persons if one != person]
    put(workspace, PERSONS, rows)
    return workspace


def test_the_rider_with_most_codes_is_told_of_by_city_and_by_who_paid(tmp_path: Path) -> None:
    found = rider_month(world(tmp_path), DAY)
    assert found is not None
    assert (found.month, found.codes) == (202609, tuple(MASKED[city] for city in (SHANGHAI, SUZHOU, JIAXING)))
    shanghai, suzhou, jiaxing = found.cities
    assert shanghai == InCity(
        city=SHANGHAI, codes=(MASKED[SHANGHAI],), rides=1, gross_fen=400, paid_fen=200,
        others={("CITY", "00320500"): 200},
    )  # fmt: skip
    assert suzhou.codes == (MASKED[SHANGHAI], MASKED[SUZHOU])
    assert (suzhou.gross_fen, suzhou.paid_fen, suzhou.others) == (400, 350, {("OPERATOR", "99320501"): 50})
    assert (jiaxing.rides, jiaxing.paid_fen) == (1, 200), "what was reversed is none"
    assert all(one.gross_fen - one.paid_fen == sum(one.others.values()) for one in found.cities)


def test_a_month_is_told_as_far_as_the_day_and_no_further(tmp_path: Path) -> None:
    """On the next day a ride of this one is booked that came late."""
    workspace = world(tmp_path)
    before = rider_month(workspace, DAY)
    late = booking(70, HERS[SHANGHAI], SHANGHAI) | {"day": DAY + 1, "clearing": (DAY + 1) * PLACES_A_DAY + 1}
    put(workspace, CLEARED, [late])
    assert rider_month(workspace, DAY) == before
    after = rider_month(workspace, DAY + 1)
    assert before is not None and after is not None
    assert (before.cities[0].rides, after.cities[0].rides) == (1, 2)


def test_it_is_told_in_both_languages_and_without_accounts(tmp_path: Path) -> None:
    found = rider_month(world(tmp_path), DAY)
    assert found is not None
    console = Console(width=140, record=True, file=io.StringIO())
    console.print(rider_table(found))
    for shown in (console.export_text(), rider_section(found), str(found.mapping)):
        assert not any(account in shown for account in HERS.values())
        assert MASKED[JIAXING] in shown
    section = rider_section(found)
    assert "Jiaxing" in section and "嘉兴" in section and "¥7.50" in section and "¥2.50" in section


def test_where_nobody_rode_by_two_codes_nobody_is_told_of(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    put(workspace, CLEARED, [booking(1, HERS[SHANGHAI], SHANGHAI)])
    assert rider_month(workspace, DAY) is None
    persons = [{"account": one, "person": HERS[SHANGHAI], "day": DAY} for one in HERS.values()]
    put(workspace, PERSONS, persons)
    assert rider_month(workspace, DAY) is None, "she has three codes and rode by one"
