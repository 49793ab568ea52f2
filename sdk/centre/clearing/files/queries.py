"""The relational steps behind the files: rows of each kind as lines, in the order in which they are written.

Views: cleared (this day's), net (this day's), errors (why, error), and for feedback checks, taps, judged of this day.
Kept, one after the other: unpaid_checks, unpaid.
"""

from yima.sdk.centre.clearing.files.layouts import line_sql
from yima.sdk.centre.clearing.money.tables import PLACES_A_DAY

_BOOKED = """
    SELECT
        clearing, ride_id AS reference, number, CASE WHEN reverses THEN 1 ELSE 0 END AS reverses, cause AS type, issuer,
        operator AS acquirer, CASE mode WHEN 1 THEN '4131' ELSE '4111' END AS merchant, city,
        CASE WHEN account = code_digest THEN '' ELSE account END AS account, code_digest,
        greatest(coalesce(entry_at, 0), 0) AS entry_at, greatest(moment, 0) AS moment, service_date, '000000' AS error,
        0 AS test, gross_fen, gate_fen, concession_fen + transfer_fen + cap_fen + total_fen AS centre_fen, fare_fen,
        fee_fen, issuer_share_fen, acquirer_share_fen
    FROM cleared
"""

# Records that booked nothing today: refused ones with their error, and legs that wait for the other one. What they say
# nobody has checked: a moment or a city that is wider than its field is none, copies beyond the last number bear it.
UNPAID_CHECKS = """
    SELECT device, epoch, sequence, hash, copy, verdict, why, code_digest, service_date
    FROM checks AS c
    WHERE NOT EXISTS (
        SELECT 1 FROM cleared AS b
        WHERE c.verdict = 'OK'
            AND b.ride_id = c.device || '/' || CAST(c.epoch AS VARCHAR) || '/' || CAST(c.sequence AS VARCHAR)
    )
"""
_UNPAID = """
    WITH keys AS (SELECT DISTINCT device, epoch, sequence, hash FROM unpaid_checks)
    SELECT
        CAST(:day AS BIGINT) * :places AS clearing,
        c.device || '/' || CAST(c.epoch AS VARCHAR) || '/' || CAST(c.sequence AS VARCHAR) AS reference,
        least(c.copy, 999) AS number,
        0 AS reverses, CASE WHEN c.verdict = 'OK' THEN 'LEG' ELSE 'REFUSED' END AS type,
        coalesce(j.issuer, '00000000') AS issuer,
        CASE WHEN length(t.operator) = 8 THEN t.operator ELSE '00000000' END AS acquirer,
        CASE t.mode WHEN 1 THEN '4131' WHEN 2 THEN '4111' ELSE '0000' END AS merchant,
        CASE WHEN t.city <= 999999 THEN t.city ELSE 0 END AS city,
        coalesce(t.account, '') AS account, coalesce(c.code_digest, '') AS code_digest, 0 AS entry_at,
        CASE WHEN t.moment BETWEEN 0 AND 99999999999 THEN t.moment ELSE 0 END AS moment,
        coalesce(c.service_date, 0) AS service_date, e.error, 0 AS test,
        0 AS gross_fen, 0 AS gate_fen, 0 AS centre_fen, 0 AS fare_fen, 0 AS fee_fen, 0 AS issuer_share_fen,
        0 AS acquirer_share_fen
    FROM unpaid_checks AS c
    JOIN errors AS e ON e.why = c.why
    LEFT JOIN (
        SELECT x.device, x.epoch, x.sequence, x.hash, max(x.operator) AS operator, max(x.mode) AS mode,
            max(x.city) AS city, max(x.account) AS account, max(x.moment) AS moment
        FROM taps AS x
        JOIN keys AS k ON k.device = x.device AND k.epoch = x.epoch AND k.sequence = x.sequence AND k.hash = x.hash
        GROUP BY x.device, x.epoch, x.sequence, x.hash
    ) AS t ON t.device = c.device AND t.epoch = c.epoch AND t.sequence = c.sequence AND t.hash = c.hash
    LEFT JOIN (
        SELECT x.device, x.epoch, x.sequence, x.hash, max(x.issuer) AS issuer
        FROM judged AS x
        JOIN keys AS k ON k.device = x.device AND k.epoch = x.epoch AND k.sequence = x.sequence AND k.hash = x.hash
        GROUP BY x.device, x.epoch, x.sequence, x.hash
    ) AS j ON j.device = c.device AND j.epoch = c.epoch AND j.sequence = c.sequence AND j.hash = c.hash
"""
_CR = """
    SELECT
        operator AS acquirer, issuer, cause AS type, '000000' AS error, count(*) AS count,
        CAST(sum(fare_fen) AS BIGINT) AS fare_fen, CAST(sum(fee_fen) AS BIGINT) AS fee_fen,
        CAST(sum(issuer_share_fen) AS BIGINT) AS issuer_share_fen,
        CAST(sum(acquirer_share_fen) AS BIGINT) AS acquirer_share_fen,
        CAST(sum(CASE WHEN reverses THEN fee_fen ELSE 0 END) AS BIGINT) AS error_fee_fen,
        CAST(sum(fee_fen - issuer_share_fen - acquirer_share_fen) AS BIGINT) AS centre_share_fen
    FROM cleared
    GROUP BY operator, issuer, cause
    UNION ALL
    SELECT
        acquirer, issuer, type, error, count(*) AS count, 0 AS fare_fen, 0 AS fee_fen, 0 AS issuer_share_fen,
        0 AS acquirer_share_fen, 0 AS error_fee_fen, 0 AS centre_share_fen
    FROM unpaid AS u
    GROUP BY acquirer, issuer, type, error
"""


def unpaid_sql(day: int) -> str:
    """Records that booked nothing on a day, with the columns of a detail line."""
    return _UNPAID.replace(":day", str(day)).replace(":places", str(PLACES_A_DAY))


def lines_sql(kind: str) -> str:
    """Rows (party, line) of a kind, a party's together and in their order."""
    source, party, order = _SOURCES[kind]
    return f"SELECT {party} AS party_of, {line_sql(kind)} AS line FROM ({source}) AS s ORDER BY party_of, {order}"  # noqa: S608


def counts_sql(kind: str) -> str:
    """How many lines each party gets."""
    source, party, _ = _SOURCES[kind]
    return (
        f"SELECT party_of, count(*) AS count FROM (SELECT {party} AS party_of FROM ({source}) AS s) AS l "  # noqa: S608
        "GROUP BY party_of ORDER BY party_of"
    )


# What lines are made of, whose they are, in which order.
_SOURCES = {
    "CL": (_BOOKED, "issuer", "clearing"),
    "FB": (
        f"SELECT * FROM ({_BOOKED}) AS x UNION ALL SELECT * FROM unpaid",  # noqa: S608
        "acquirer",
        "clearing, reference, number, error, code_digest",
    ),
    "BP": ("SELECT * FROM net", "'00000000'", "party_kind, party"),
    "CR": (_CR, "'00000000'", "acquirer, issuer, type, error"),
}
