"""The worked rides of docs/clearing.md: they run through the steps here, and every fen on the page is what comes out.

`python -m tests.sdk.centre.clearing.test_worked_rides` writes the figures into the page.
"""

import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.sdk.centre.clearing.money.world import DAYS, moment, put, ride, workspace_of, world
from yima.sdk.centre.clearing.disputes.settling import settle_disputes
from yima.sdk.centre.clearing.engine import open_engine
from yima.sdk.centre.clearing.money.rates import read_rates
from yima.sdk.centre.clearing.money.rules import read_rules
from yima.sdk.centre.clearing.money.settle import settle
from yima.sdk.centre.clearing.money.tables import CLEARED, CONFIRMED, NET, POSTINGS, RAISED

ROOT = Path(__file__).parents[4]
PAGE = ROOT / "docs" / "clearing.md"
TERMS = ROOT / "sdk" / "profiles" / "yangtze_delta" / "clearing"
AUGUST = DAYS[2:]  # 1 to 3 August 2026
SHANGHAI: dict[str, Any] = {"issuer": "99310000", "issuer_city": 310000}
SUZHOU: dict[str, Any] = {"issuer": "99320500", "issuer_city": 320500}
METRO: dict[str, Any] = {"mode": 2, "device": "gate-1", "operator": "99310002", "line": 2, "entry_line": 2}
VETERAN: dict[str, Any] = {"account": "group-suzhou", "reduced": [("veteran-fifth", 80, "ISSUER_CITY")], **SUZHOU}
Row = dict[str, Any]


def bus(number: int, minute: int, *, day: int = AUGUST[0], **more: Any) -> Row:
    """A bus tap on 1 August, of Shanghai's issuer in Shanghai."""
    return ride(number, moment_s=moment(AUGUST[0], minute), day=day, service_date=AUGUST[0], **{**SHANGHAI, **more})


def metro(number: int, entry: int, out: int, *, day: int = AUGUST[0], date: int = AUGUST[0], **more: Any) -> Row:
    """A metro journey in Shanghai, minutes of the day."""
    at, entered = moment(date, out), moment(date, entry)
    return ride(number, moment_s=at, day=day, service_date=date, entry_at=entered, **{**SHANGHAI, **METRO, **more})


def scenes() -> dict[str, list[Row]]:
    """The rides of each scene of the page, all of one person; of some only the last stands on the page."""
    return {
        "bus": [bus(1, 480, city=320500, operator="99320501")],
        "metro": [metro(1, 480, 510, gross_fen=500)],
        "concession": [metro(1, 480, 510, gross_fen=400, reduced=[("senior-half", 200, "ISSUER_CITY")], **SUZHOU)],
        "group": [
            metro(1, 480, 510, gross_fen=500),
            metro(2, 900, 930, day=AUGUST[1], date=AUGUST[1], gross_fen=400, **VETERAN),
        ],
        "transfer": [bus(1, 480), metro(2, 510, 540, gross_fen=400)],
        "companion": [bus(1, 480), bus(2, 481), metro(3, 510, 540, gross_fen=400)],
        "cap": [bus(n, 400 + n * 300, city=320500, operator="99320501", line=n, gross_fen=400) for n in (1, 2, 3)],
        "total": [metro(n, 600, 630, gross_fen=500) | _on(n) for n in range(1, 16)],
        "missing-exit": [metro(1, 600, 600, kind="METRO_NO_EXIT", gross_fen=700) | {"exit_station": None}],
        "late-leg": [
            metro(1, 600, 600, kind="METRO_NO_EXIT", gross_fen=700) | {"exit_station": None},
            metro(2, 600, 630, day=AUGUST[1], gross_fen=400),
        ],
        "reversal": [bus(1, 480)],
        "late": [bus(1, 620), metro(2, 570, 600, day=AUGUST[1], gross_fen=400)],
        "dispute": [bus(1, 480, gross_fen=300)],
    }


VOIDS = [("reversal/1/1", AUGUST[1]), ("late-leg/1/1", AUGUST[1], "PAIRED")]
PERSONS = [("group-suzhou", "group", AUGUST[0])]
MEMBERS = [("group-suzhou", "veteran", AUGUST[0], 99999999, AUGUST[1], None)]
LAST_ONLY = ("cap", "total")


def _whose(one: Row, scene: str) -> Row:
    """The scene's one account, where the ride names no other."""
    account = one["account"] if one["account"].startswith(scene) else scene
    return {"account": account, "person": account}


def _on(number: int) -> Row:
    """So many rides, one every 100 minutes, over two days."""
    date = AUGUST[0] if number <= 8 else AUGUST[1]
    minute = 60 + 100 * ((number - 1) % 8)
    entered, at = moment(date, minute), moment(date, minute + 30)
    return {"entry_at": entered, "moment": at, "service_date": date, "day": date}


def figures() -> dict[str, str]:
    """Every scene through the steps, on the same three days; the figures as tables of the page."""
    rides = [
        one | {"ride_id": f"{name}/1/{place}", **_whose(one, name), "code_digest": f"{name}-{place}"}
        for name, scene in scenes().items()
        for place, one in enumerate(scene, 1)
    ]
    with tempfile.TemporaryDirectory() as folder:
        workspace = workspace_of(Path(folder) / "w", world(rides, voids=VOIDS, persons=PERSONS, members=MEMBERS))
        raised = {"dispute_id": "d-1", "ride_id": "dispute/1/1", "raised_by": "99310000", "reason": "AMOUNT"}
        put(workspace, RAISED, [{**raised, "claimed_fen": 200, "day": AUGUST[1]}])
        word = {"dispute_id": "d-1", "raised_by": "99310000", "confirmed_by": "99310001"}
        put(workspace, CONFIRMED, [{**word, "agrees": True, "day": AUGUST[2]}])
        rules, rates = read_rules(TERMS / "rules.toml"), read_rates(TERMS / "rates.toml")
        engine = open_engine("duckdb", Path(folder) / "scratch")
        for day in AUGUST:
            settle_disputes(workspace, engine, day)
            settle(workspace, engine, day, rules=rules, rates=rates)
        engine.close()
        cleared = workspace.read(CLEARED).to_pylist()
        postings = workspace.read(POSTINGS).to_pylist()
        assert sum(row["net_fen"] for row in workspace.read(NET).to_pylist()) == 0
        workspace.close()
    made: dict[str, list[str]] = {name: [] for name in scenes()}
    for row in cleared:
        name, _, number = row["ride_id"].split("/")
        if name not in LAST_ONLY or int(number) == len(scenes()[name]):
            mine = [one for one in postings if one["clearing"] == row["clearing"]]
            made[name] += _booking(row, int(number), mine)
    return {name: "\n".join(lines) for name, lines in made.items()}


def _booking(row: Row, number: int, postings: Sequence[Row]) -> list[str]:
    what = "reversal 冲正" if row["reverses"] else "booking 入账"
    centre = row["concession_fen"] + row["transfer_fen"] + row["cap_fen"] + row["total_fen"]
    gate = f" {row['gate_fen']:+} at the gate" if row["gate_fen"] else ""
    ours = f" {centre:+} by the centre" if centre else ""
    parts = f"fee {row['fee_fen']}, issuer's share {row['issuer_share_fen']}, acquirer's {row['acquirer_share_fen']}"
    day = f"{row['day'] % 10000 // 100}-{row['day'] % 100:02}"
    said = (
        f"**{day}, ride {number}, {what} {row['number']}, {row['cause']}**: "
        f"gross {row['gross_fen']}{gate}{ours} = fare {row['fare_fen']};"
    )
    lines = [
        f"{said}{chr(10) if gate and ours else ' '}{parts}.",
        "",
        "| party | postings | sum |",
        "|---|---|---|",
    ]
    parties: dict[tuple[str, str], list[Row]] = {}
    for one in postings:
        parties.setdefault((one["party_kind"], one["party"]), []).append(one)
    for (kind, party), theirs in parties.items():
        said = ", ".join(f"{one['cause']} {one['fen']:+}" for one in theirs)
        lines.append(f"| {kind} {party} | {said} | {sum(one['fen'] for one in theirs):+} |")
    lines += [f"| | | **{sum(one['fen'] for one in postings)}** |", ""]
    return lines


def _block(name: str) -> re.Pattern[str]:
    return re.compile(rf"(<!-- worked {re.escape(name)} -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def test_every_fen_on_the_page_is_what_the_steps_give() -> None:
    page = PAGE.read_text(encoding="utf-8")
    made = figures()
    assert set(re.findall(r"<!-- worked (\S+) -->", page)) == set(made)
    for name, text in made.items():
        block = _block(name).search(page)
        assert block is not None and block[2].strip() == text.strip(), name


def _filled(page: str, name: str, text: str) -> str:
    return _block(name).sub(lambda found: f"{found[1]}\n{text}\n{found[3]}", page)


if __name__ == "__main__":
    content = PAGE.read_text(encoding="utf-8")
    for scene_name, figure in figures().items():
        content = _filled(content, scene_name, figure)
    PAGE.write_text(content, encoding="utf-8")
    sys.stdout.write(f"{PAGE} written\n")
