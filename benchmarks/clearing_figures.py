"""What a cleared workspace says of itself: sums, causes, disputes, subsidy; and whether it is the truth."""

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import duckdb

from yima.sdk.centre.clearing.folder import WORKSPACE
from yima.sdk.centre.clearing.money.tables import CLEARED, DISPUTES, FUNDED, NET, POSTINGS
from yima.sdk.centre.clearing.tables import CHECKS, JUDGED, RIDES, Cause
from yima.sdk.centre.clearing.workspace import Workspace
from yima.sdk.centre.example.comparing import compare, seen

_SHOWN = 10


def figures(folder: Path) -> tuple[dict[str, object], list[str]]:
    """The figures of a cleared example, and what does not hold."""
    tables = (CHECKS, JUDGED, RIDES, CLEARED, FUNDED, POSTINGS, NET, DISPUTES)
    with closing(Workspace(folder / WORKSPACE)) as workspace, seen(workspace, tables) as connection:
        differences = compare(workspace, folder)
        ask = connection.execute
        causes = dict(ask("SELECT cause, count(*) FROM rides GROUP BY cause ORDER BY cause").fetchall())
        rides = sum(causes.values())
        (postings, posted, uneven) = _row(
            ask(
                "SELECT count(*), coalesce(sum(fen), 0), (SELECT count(*) FROM "
                "(SELECT clearing FROM postings GROUP BY clearing HAVING sum(fen) <> 0)) FROM postings"
            ).fetchone()
        )
        (net,) = _row(ask("SELECT coalesce(sum(net_fen), 0) FROM net").fetchone())
        (otherwise,) = _row(
            ask("SELECT count(*) FROM rides WHERE (fare_fen = gate_fare_fen) <> (cause = 'NONE')").fetchone()
        )
        (more_than_once,) = _row(
            ask(
                "SELECT count(*) FROM (SELECT ride_id FROM cleared GROUP BY ride_id "
                "HAVING sum(CASE WHEN reverses THEN -1 ELSE 1 END) NOT IN (0, 1))"
            ).fetchone()
        )
        decided = dict(
            ask(
                "SELECT decided_by, count(*) FROM disputes WHERE decision <> 'WAITING' GROUP BY decided_by ORDER BY 1"
            ).fetchall()
        )
        signatures = dict(ask("SELECT signatures, count(*) FROM judged GROUP BY signatures ORDER BY 1").fetchall())
        funded, unreconciled = _subsidy(connection)
        found: dict[str, object] = {
            "rides": rides,
            "postings": postings,
            "postings_sum_fen": int(posted),
            "net_sum_fen": int(net),
            "gate_fare_is_the_centres_percent": _percent(causes.get(Cause.NONE, 0), rides),
            "differences_by_cause": {str(cause): count for cause, count in causes.items() if cause != Cause.NONE},
            "differences_without_a_cause": otherwise,
            "disputes_decided_by": decided,
            "disputes_decided_by_signatures_percent": _percent(decided.get("SIGNATURES", 0), sum(decided.values())),
            "subsidy_by_funder_fen": funded,
            "entries_by_signatures_that_hold": {str(bits): count for bits, count in signatures.items()},
            "differences_from_the_truth": len(differences),
        }
    wrong = [
        (posted or net or uneven, f"postings sum to {posted} fen, the net to {net}, {uneven} bookings to other than 0"),
        (otherwise, f"{otherwise} rides differ from their gate without a cause, or have one without a difference"),
        (set(causes) - set(Cause), f"causes without a name: {set(causes) - set(Cause)}"),
        (more_than_once, f"{more_than_once} rides are billed more than once"),
        (unreconciled, f"subsidy of {unreconciled} does not reconcile"),
        (differences, f"{len(differences)} differences from the truth: {[str(d) for d in differences[:_SHOWN]]}"),
    ]
    return found, [words for is_wrong, words in wrong if is_wrong]


def _subsidy(connection: duckdb.DuckDBPyConnection) -> tuple[dict[str, int], list[str]]:
    """What each funder pays, by its reductions and by its postings; and those for whom the two differ."""
    promised = connection.execute(
        "SELECT concat(party_kind, ' ', party), CAST(sum(fen) AS BIGINT) FROM funded GROUP BY 1 ORDER BY 1"
    ).fetchall()
    paid = connection.execute(
        """
        SELECT concat(party_kind, ' ', party), CAST(sum(fen) AS BIGINT) FROM postings
        WHERE cause IN ('SUBSIDY', 'REDUCTION') AND place % 2 = 0 GROUP BY 1 ORDER BY 1
        """
    ).fetchall()
    by_reduction, by_posting = dict(promised), dict(paid)
    names = {name for name in {*by_reduction, *by_posting} if by_reduction.get(name, 0) != by_posting.get(name, 0)}
    return by_reduction, sorted(names)


def _row(found: tuple[int, ...] | None) -> tuple[int, ...]:
    assert found is not None
    return found


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 3) if whole else None


def differing(one: dict[str, str], other: dict[str, str]) -> list[str]:
    """Names whose content is not the same in both."""
    return sorted(_differing(one, other))


def _differing(one: dict[str, str], other: dict[str, str]) -> Iterable[str]:
    return (name for name in {*one, *other} if one.get(name) != other.get(name))
