"""What is a party's own of each day: its folder of files, its rows of the tables, its answers.

Bookings are read from the folder that the party is handed (files/<day>/<party>/), which holds nobody else's; where a
table of all is read, rows are chosen by the party that the key names. No name that a caller sends becomes a path.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from yima.sdk.centre.clearing.disputes.evidence import evidence_name
from yima.sdk.centre.clearing.files.errors import CODES
from yima.sdk.centre.clearing.files.layouts import EVERYBODY, HEADER_SIZE, NAME
from yima.sdk.centre.clearing.files.writing import folder_of
from yima.sdk.centre.clearing.money.tables import CENTRE_PARTY, DISPUTES, NET, PartyKind
from yima.sdk.centre.clearing.tables import Table
from yima.sdk.centre.identity.taking import HEARD, REFUSALS
from yima.sdk.centre.interfaces.committed import Snapshot
from yima.sdk.centre.interfaces.keys import Key, Role
from yima.sdk.centre.interfaces.paging import Row, Rows, of_lines, of_parquet, whole

REDUCED = ("concession_fen", "transfer_fen", "cap_fen", "total_fen")
_WHY = {error: str(why) for why, error in CODES.items()}
_MARK = {Role.ISSUER: ("CL", "issued."), Role.OPERATOR: ("FB", "acquired.", "funded.")}
_KINDS = {
    Role.ISSUER: PartyKind.ISSUER,
    Role.OPERATOR: PartyKind.OPERATOR,
    Role.CITY: PartyKind.CITY,
    Role.REGION: PartyKind.REGION,
}


def party_of(key: Key) -> tuple[str, str]:
    """Kind and number of the party that a key is of, as postings have them."""
    return str(_KINDS[key.role]), CENTRE_PARTY if key.role is Role.REGION else key.of.zfill(8)


def issued(snapshot: Snapshot, issuer: str) -> Callable[[int], Sequence[Path]]:
    """The file of bookings of an issuer's riders, by day."""
    return lambda day: [folder_of(snapshot.handed_out(day), issuer) / "issued.parquet"]


def acquired(snapshot: Snapshot, operator: str) -> Callable[[int], Sequence[Path]]:
    """The file of bookings at an operator's gates, by day."""
    return lambda day: [folder_of(snapshot.handed_out(day), operator) / "acquired.parquet"]


def feedback(snapshot: Snapshot, operator: str) -> Rows:
    """What became of each record of an operator."""
    return of_lines(lambda day: sorted(folder_of(snapshot.handed_out(day), operator).glob("FB*")), "FB")


def feedback_row(row: Row) -> Row:
    """A record of FB with the error's word; its day stands in its clearing number."""
    day = int(row["clearing"]) // 1_000_000_000
    return row | {"why": _WHY[str(row["error"])], "service_date": row["service_date"] or None, "day": day}


def totals(snapshot: Snapshot, key: Key) -> Rows:
    """Lines of CR between this institution and others; each with its day."""
    side = "issuer" if key.role is Role.ISSUER else "acquirer"

    def rows(day: int, start: int, count: int) -> Sequence[tuple[int, Row]]:
        lines = of_lines(
            lambda day: sorted(snapshot.handed_out(day).glob("CR*")), "CR", keep=lambda row: row[side] == key.of
        )
        return [(place, row | {"day": day}) for place, row in lines(day, start, count)]

    return rows


def statements(snapshot: Snapshot, issuer: str) -> Rows:
    """What became of an issuer's files of statements."""

    def told(place_row: tuple[int, Row]) -> tuple[int, Row]:
        place, row = place_row
        why = REFUSALS.get(row["code"])
        return place, row | {"problem": why.en if why else None, "problem_zh": why.zh if why else None}

    found = _of_table(snapshot, HEARD, lambda row: row["issuer"] == issuer)
    return lambda day, start, count: [*map(told, found(day, start, count))]


def disputes(snapshot: Snapshot, party: str) -> Rows:
    """What was decided of disputes that an institution raised, or that were raised against it."""
    return _of_table(snapshot, DISPUTES, lambda row: party in (row["raised_by"], row["against"]))


def nets(snapshot: Snapshot, key: Key, days: Iterable[int]) -> list[Row]:
    """A party's net of each of these days on which it has one."""
    kind, party = party_of(key)
    mine = _of_table(snapshot, NET, lambda row: row["party_kind"] == kind and row["party"] == party)
    return [row for day in days for _, row in mine(day, 0, 1)]


def sums(snapshot: Snapshot, key: Key, days: Iterable[int]) -> list[Row]:
    """What a party pays for reductions, by source and rule, over these days."""
    kind, party = party_of(key)
    found: dict[tuple[str, str], Row] = {}
    for day in days:
        path = folder_of(snapshot.handed_out(day), party) / "funded.parquet"
        for group in whole(path, ("source", "rule", "fen", "party_kind", "party")):
            mine = group.filter((pc.field("party_kind") == kind) & (pc.field("party") == party))
            mine = mine.append_column("taken_back", pc.greater(mine["fen"], 0).cast("int64"))
            sums_of = [("fen", "sum"), ("fen", "count"), ("taken_back", "sum")]
            for row in mine.group_by(["source", "rule"], use_threads=False).aggregate(sums_of).to_pylist():
                nothing = {"source": row["source"], "rule": row["rule"], "bookings": 0, "reversals": 0, "fen": 0}
                one = found.setdefault((row["source"], row["rule"]), nothing)
                one["fen"] += row["fen_sum"]
                one["reversals"] += row["taken_back_sum"]
                one["bookings"] += row["fen_count"] - row["taken_back_sum"]
    return [found[key] for key in sorted(found)]


def files(snapshot: Snapshot, key: Key, day: int) -> list[Path]:
    """What a party may fetch of a day: its own files, those that everybody gets, its answers and their evidence."""
    folder, answers = snapshot.handed_out(day), snapshot.answers(day)
    own = [path for path in _inside(folder_of(folder, key.of)) if path.name.startswith(_MARK[key.role])]
    common = [path for path in _inside(folder_of(folder, EVERYBODY)) if path.name.startswith(("BP", "CR", "net."))]
    party = [path for path in _inside(answers) if _is_answer_to(path, key.of)]
    evidence = [answers / evidence_name(row) for _, row in disputes(snapshot, key.of)(day, 0, 1 << 40)]
    return sorted([*own, *common, *party, *(path for path in evidence if path.exists())], key=lambda path: path.name)


def _inside(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []


def _is_answer_to(path: Path, party: str) -> bool:
    """LD and AD name seven digits; the first line has all eight where the centre knows them."""
    match = NAME.fullmatch(path.name)
    if not match or match[1] not in ("LD", "AD") or match[3] != party[-7:]:
        return False
    with path.open("rb") as file:
        first = file.read(HEADER_SIZE).decode("ascii", "replace")
    return match[1] == "LD" or first[16:27] == party.zfill(11)


def _of_table(snapshot: Snapshot, table: Table, keep: Callable[[Row], bool]) -> Rows:
    return of_parquet(lambda day: snapshot.of_table(table, day), tuple(table.columns), keep)


def booked(row: dict[str, Any]) -> dict[str, Any]:
    """A row of `cleared` with the sum of the centre's reductions."""
    return row | {"centre_fen": sum(row[name] for name in REDUCED)}
