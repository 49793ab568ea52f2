"""A settled workspace held against the truth: every difference is named, none is forgiven.

What is compared: every check with its verdict, why and the tap that counts in its place; every copy; taps that stopped
counting; every ride with its legs, fares, cause and days; that every ride is billed exactly once, at that gross fare
and with those reductions of the gate; every dispute's end; what of issuers' files was believed, who is one person and
who is in which group, from which day on. Money beyond that follows from the rules of the centre, and
is for a second settlement to say.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from yima.sdk.centre.clearing.money.tables import CLEARED, DISPUTES, PERSONS
from yima.sdk.centre.clearing.tables import CHECKS, REVERSALS, RIDES, VOIDS, Table
from yima.sdk.centre.clearing.workspace import Workspace
from yima.sdk.centre.example import truth
from yima.sdk.centre.identity.taking import MEMBERS, STATEMENTS

MEMORY = "2GB"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """what: the kind of thing. name: of the tap, ride or dispute. should, found: what the truth and the workspace have,
    None nothing."""

    what: str
    name: str
    should: str | None
    found: str | None

    def __str__(self) -> str:
        return f"{self.what} {self.name}: should be {self.should}, is {self.found}"


_TAP = "concat(device, '/', epoch, '/', sequence)"
_NOT_WHOLE = "('CHAIN', 'RECORD')"

# A statement reaches back to the first of the month of its file; a revocation ends it on the day of its own.
_SPANS = """
    SELECT
        concat_ws(' ', account, group_name) AS name, stated, greatest(since, stated - stated % 100 + 1) AS since,
        least(until, coalesce(revoked, 99999999)) AS until
    FROM true_groups
"""

# ruff: noqa: S608 - every SELECT is made of words of this module
# Each: pairs of SELECTs of (name, said), the truth's first; rows of one name that say the same are counted.
_PAIRS: dict[str, tuple[str, str]] = {
    "tap": (
        f"""
        SELECT tap AS name, concat_ws(' ', verdict, why, day, coalesce(other, '-')) AS said
        FROM true_taps WHERE verdict <> ''
        UNION ALL
        SELECT tap, CASE WHEN why IN {_NOT_WHOLE} THEN concat_ws(' ', verdict, why, day, '-')
            ELSE concat_ws(' ', 'EVIDENCE', 'DUPLICATE', day, tap) END
        FROM true_taps, range(copies) WHERE verdict <> ''
        """,
        f"""
        SELECT {_TAP}, concat_ws(' ', c.verdict, c.why, c.day,
            CASE WHEN t.untold THEN '-' ELSE coalesce(c.other, '-') END)
        FROM checks AS c
        LEFT JOIN (
            SELECT tap, bool_or(why = 'DOUBLE_USE' AND other IS NULL) AS untold FROM true_taps GROUP BY tap
        ) AS t ON t.tap = {_TAP} AND c.why = 'DOUBLE_USE'
        """,
    ),
    "void tap": (
        "SELECT tap, CAST(void_day AS VARCHAR) FROM true_taps WHERE void_day IS NOT NULL",
        f"SELECT {_TAP}, CAST(day AS VARCHAR) FROM voids",
    ),
    "ride": tuple(
        f"""
        SELECT ride_id, concat_ws(' ', kind, coalesce(entry_tap, '-'), coalesce(exit_tap, '-'), gross_fen, fare_fen,
            gate_fare_fen, cause, issuer, operator, service_date, day)
        FROM {table}
        """
        for table in ("true_rides", "rides")
    ),  # type: ignore[dict-item]
    "reversed ride": (
        "SELECT ride_id, CAST(reversed_day AS VARCHAR) FROM true_rides WHERE reversed_day IS NOT NULL",
        "SELECT ride_id, CAST(day AS VARCHAR) FROM reversals",
    ),
    "billed ride": (
        """
        SELECT r.ride_id, concat_ws(' ', 'once', r.gross_fen, r.fare_fen - r.gross_fen)
        FROM true_rides AS r
        LEFT JOIN true_disputes AS d ON d.ride_id = r.ride_id AND d.effect = 'VOID'
        WHERE reversed_day IS NULL AND d.ride_id IS NULL
        """,
        """
        SELECT ride_id, concat_ws(' ', CASE sum(CASE WHEN reverses THEN -1 ELSE 1 END) WHEN 1 THEN 'once'
            ELSE CAST(sum(CASE WHEN reverses THEN -1 ELSE 1 END) AS VARCHAR) END,
            CAST(sum(gross_fen) AS BIGINT), CAST(sum(gate_fen) AS BIGINT))
        FROM cleared GROUP BY ride_id
        HAVING sum(CASE WHEN reverses THEN -1 ELSE 1 END) <> 0 OR sum(fare_fen) <> 0
        """,
    ),
    "person": (
        """
        SELECT account, concat_ws(' ', person, since) FROM true_persons WHERE since IS NOT NULL AND account <> person
        UNION ALL
        SELECT account, concat_ws(' ', account, until) FROM true_persons WHERE until IS NOT NULL AND account <> person
        """,
        "SELECT account, concat_ws(' ', person, day) FROM persons",
    ),
    "member": (
        f"""
        WITH spans AS ({_SPANS})
        SELECT name, concat_ws(' ', true, since, greatest(since, stated)) FROM spans
        UNION ALL SELECT name, concat_ws(' ', false, until, until) FROM spans WHERE until < 99999999
        """,
        "SELECT concat_ws(' ', account, group_name), concat_ws(' ', is_member, since, day) FROM members",
    ),
    "statements": (
        "SELECT concat_ws(' ', issuer, number), concat_ws(' ', statements, day) FROM true_files "
        "WHERE becomes = 'TAKEN'",
        "SELECT concat_ws(' ', issuer, number), concat_ws(' ', count(*), day) FROM statements "
        "GROUP BY issuer, number, day",
    ),
    "dispute": (
        "SELECT dispute_id, concat_ws(' ', raised_by, reason, decision, decided_by, reply, effect, day) "
        "FROM true_disputes",
        "SELECT dispute_id, concat_ws(' ', raised_by, reason, decision, decided_by, reply, effect, day) "
        "FROM disputes WHERE decision <> 'WAITING'",
    ),
}


def compare(workspace: Workspace, folder: Path) -> list[Difference]:
    """Every difference between a workspace and the truth in an example's folder; none, if it is settled to the end."""
    with seen(workspace, (CHECKS, VOIDS, RIDES, REVERSALS, CLEARED, DISPUTES, PERSONS, MEMBERS, STATEMENTS)) as tables:
        for table in truth.ALL.values():
            files = sorted((folder / "truth" / table.name).glob("*.parquet"))
            _see(tables, f"true_{table.name}", table, files)
        return [difference for what, pair in _PAIRS.items() for difference in _differences(tables, what, *pair)]


@contextmanager
def seen(workspace: Workspace, tables: Iterable[Table]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Tables of a workspace, read where they lie; what is asked of them takes MEMORY, and room in scratch/."""
    connection = duckdb.connect(
        config={
            "memory_limit": MEMORY,
            "temp_directory": str(workspace.scratch),
            "autoinstall_known_extensions": "false",
            "preserve_insertion_order": "false",
        }
    )
    try:
        connection.execute("SET enable_progress_bar = false")
        for table in tables:
            _see(connection, table.name, table, workspace.files(table))
        yield connection
    finally:
        connection.close()


def _differences(connection: duckdb.DuckDBPyConnection, what: str, should: str, found: str) -> list[Difference]:
    rows = connection.execute(
        f"""
        SELECT coalesce(a.name, b.name), a.said, b.said
        FROM (SELECT name, said, count(*) AS count FROM ({should}) AS t(name, said) GROUP BY name, said) AS a
        FULL OUTER JOIN (SELECT name, said, count(*) AS count FROM ({found}) AS f(name, said) GROUP BY name, said) AS b
            ON b.name = a.name AND b.said = a.said AND b.count = a.count
        WHERE a.name IS NULL OR b.name IS NULL
        ORDER BY 1, 2, 3
        """
    ).fetchall()
    # What one name should be and what it is stand in two rows: they are one difference.
    by_name: dict[str, tuple[list[str], list[str]]] = {}
    for name, wanted, has in rows:
        both = by_name.setdefault(name, ([], []))
        both[0].extend([] if wanted is None else [wanted])
        both[1].extend([] if has is None else [has])
    return [
        Difference(what=what, name=name, should="; ".join(wanted) or None, found="; ".join(has) or None)
        for name, (wanted, has) in by_name.items()
    ]


def _see(connection: duckdb.DuckDBPyConnection, view: str, table: Table, files: list[Path]) -> None:
    if not files:
        connection.register(view, table.schema.empty_table())
        return
    names = ", ".join("'" + str(path).replace("'", "''") + "'" for path in files)
    connection.execute(f"CREATE VIEW {view} AS SELECT * FROM read_parquet([{names}], hive_partitioning = false)")
