"""The relational steps of double entry: what is due becomes bookings, bookings become postings, postings a net.

One ride books, with the fare F = gross + reductions:

    FARE            issuer   - (gross + gate's reductions)      operator + the same
    SUBSIDY         funder   - a reduction at the gate          operator + the same
    REDUCTION       funder   - a reduction by the centre        issuer   + the same (for the rider)
    FEE             operator - fee                              centre   + fee
    ISSUER_SHARE    centre   - share                            issuer   + share
    ACQUIRER_SHARE  centre   - share                            operator + share

So the operator gets the gross fare - fee + its share, the issuer pays F - its share, each funder what it has promised,
and the centre keeps the rest. Each line is a pair, so every booking sums to 0, and every reversal, which is the booking
with the sign turned. Nobody named as funder: the riding city pays, as a package without the column means it.
"""

from yima.sdk.centre.clearing.money.rates import WHOLE
from yima.sdk.centre.clearing.money.tables import CENTRE_PARTY, PLACES_A_DAY

# Views: due (this day), rides, rates, cleared (of earlier days).
_CLEARED_SQL = """
WITH
priced AS (
    SELECT
        d.*, d.gross_fen + d.gate_fen + d.concession_fen + d.transfer_fen + d.cap_fen + d.total_fen AS fare_fen,
        r.kind, r.account, r.code_digest, r.issuer, r.operator, r.city, r.issuer_city, r.mode, r.line, r.device,
        r.entry_tap, r.entry_station, r.exit_station, r.entry_at, r.moment, r.service_date,
        coalesce(a.fee, b.fee) AS fee, coalesce(a.issuer_share, b.issuer_share) AS issuer_share,
        coalesce(a.acquirer_share, b.acquirer_share) AS acquirer_share
    FROM due AS d
    JOIN rides AS r ON r.ride_id = d.ride_id
    LEFT JOIN rates AS a
        ON a.acquirer = r.operator AND a.issuer = r.issuer AND r.service_date >= a.since AND r.service_date < a.until
    LEFT JOIN rates AS b
        ON b.acquirer = '' AND b.issuer = '' AND r.service_date >= b.since AND r.service_date < b.until
    WHERE NOT d.void
),
parts AS (
    SELECT
        p.*,
        (p.fare_fen * p.fee + :half) // :whole AS fee_fen,
        (p.fare_fen * p.issuer_share + :half) // :whole AS issuer_part,
        (p.fare_fen * p.acquirer_share + :half) // :whole AS acquirer_part
    FROM priced AS p
),
rows_now AS (
    SELECT
        ride_id, before + 1 AS number, false AS reverses, cause, dispute_id, kind, account, code_digest, issuer,
        operator, city, issuer_city, mode, line, device, entry_tap, entry_station, exit_station, entry_at, moment,
        transfer_rule, cap_rule, total_rule, gross_fen, gate_fen, transfer_fen, cap_fen, total_fen, fare_fen, fee_fen,
        least(issuer_part, fee_fen) AS issuer_share_fen,
        least(acquirer_part, fee_fen - least(issuer_part, fee_fen)) AS acquirer_share_fen,
        service_date, concession_rule, concession_fen
    FROM parts
    UNION ALL
    SELECT
        c.ride_id, c.number, true AS reverses, d.cause, d.dispute_id, c.kind, c.account, c.code_digest, c.issuer,
        c.operator, c.city, c.issuer_city, c.mode, c.line, c.device, c.entry_tap, c.entry_station, c.exit_station,
        c.entry_at, c.moment, c.transfer_rule, c.cap_rule, c.total_rule, -c.gross_fen, -c.gate_fen, -c.transfer_fen,
        -c.cap_fen, -c.total_fen, -c.fare_fen, -c.fee_fen, -c.issuer_share_fen, -c.acquirer_share_fen, c.service_date,
        c.concession_rule, -c.concession_fen
    FROM cleared AS c
    JOIN due AS d ON d.ride_id = c.ride_id AND d.before = c.number
    WHERE NOT c.reverses
)
SELECT
    CAST(:day AS BIGINT) * :places + row_number() OVER (ORDER BY ride_id, number, reverses) AS clearing,
    rows_now.*, :day AS day
FROM rows_now
ORDER BY clearing
"""

# Views: cleared_now, reductions (GATE), rule_funders, funded (of earlier days).
_FUNDED_SQL = """
WITH
fresh AS (SELECT * FROM cleared_now WHERE NOT reverses),
taken AS (
    SELECT f.clearing, f.ride_id, f.number, 'GATE' AS source, g.place, g.rule, g.fen, g.funder, g.funder_id, f.city,
        f.issuer_city, f.operator
    FROM fresh AS f JOIN reductions AS g ON g.ride_id = f.ride_id AND g.source = 'GATE'
    UNION ALL
    SELECT c.clearing, c.ride_id, c.number, 'CENTRE' AS source, c.place, c.rule, c.fen, u.funder, '' AS funder_id,
        c.city, c.issuer_city, c.operator
    FROM (
        SELECT f.*, 0 AS place, f.concession_rule AS rule, f.concession_fen AS fen FROM fresh AS f
        UNION ALL SELECT f.*, 1 AS place, f.transfer_rule AS rule, f.transfer_fen AS fen FROM fresh AS f
        UNION ALL SELECT f.*, 2 AS place, f.cap_rule AS rule, f.cap_fen AS fen FROM fresh AS f
        UNION ALL SELECT f.*, 3 AS place, f.total_rule AS rule, f.total_fen AS fen FROM fresh AS f
    ) AS c
    JOIN rule_funders AS u ON u.rule = c.rule
),
known AS (
    SELECT
        t.*,
        CASE
            WHEN funder = 'ISSUER_CITY' AND issuer_city = 0 AND funder_id IN ('', '0', '000000') THEN 'RIDING_CITY'
            WHEN funder = 'NONE' THEN 'RIDING_CITY'
            ELSE funder
        END AS payer
    FROM taken AS t
)
SELECT
    clearing, ride_id, number, source, place, rule, fen, funder,
    CASE payer WHEN 'OPERATOR' THEN 'OPERATOR' WHEN 'REGION' THEN 'REGION' ELSE 'CITY' END AS party_kind,
    CASE
        WHEN payer = 'REGION' THEN ':centre'
        WHEN payer = funder AND funder_id NOT IN ('', '0', '000000', '00000000') THEN lpad(funder_id, 8, '0')
        WHEN payer = 'OPERATOR' THEN operator
        WHEN payer = 'ISSUER_CITY' THEN lpad(CAST(issuer_city AS VARCHAR), 8, '0')
        ELSE lpad(CAST(city AS VARCHAR), 8, '0')
    END AS party,
    :day AS day
FROM known
UNION ALL
SELECT n.clearing, o.ride_id, o.number, o.source, o.place, o.rule, -o.fen, o.funder, o.party_kind, o.party, :day AS day
FROM cleared_now AS n
JOIN funded AS o ON o.ride_id = n.ride_id AND o.number = n.number AND o.clearing < CAST(:day AS BIGINT) * :places
WHERE n.reverses
ORDER BY clearing, source, place
"""

# Views: cleared_now, funded_now.
_POSTINGS_SQL = """
WITH
legs AS (
    SELECT clearing, 0 AS place, 'ISSUER' AS party_kind, issuer AS party, 'FARE' AS cause,
        -(gross_fen + gate_fen) AS fen FROM cleared_now
    UNION ALL SELECT clearing, 1, 'OPERATOR', operator, 'FARE', gross_fen + gate_fen FROM cleared_now
    UNION ALL SELECT clearing, 2, 'OPERATOR', operator, 'FEE', -fee_fen FROM cleared_now
    UNION ALL SELECT clearing, 3, 'CENTRE', ':centre', 'FEE', fee_fen FROM cleared_now
    UNION ALL SELECT clearing, 4, 'CENTRE', ':centre', 'ISSUER_SHARE', -issuer_share_fen FROM cleared_now
    UNION ALL SELECT clearing, 5, 'ISSUER', issuer, 'ISSUER_SHARE', issuer_share_fen FROM cleared_now
    UNION ALL SELECT clearing, 6, 'CENTRE', ':centre', 'ACQUIRER_SHARE', -acquirer_share_fen FROM cleared_now
    UNION ALL SELECT clearing, 7, 'OPERATOR', operator, 'ACQUIRER_SHARE', acquirer_share_fen FROM cleared_now
    UNION ALL
    SELECT clearing, 10 + 2 * place, party_kind, party, 'SUBSIDY', fen FROM funded_now WHERE source = 'GATE'
    UNION ALL
    SELECT f.clearing, 11 + 2 * f.place, 'OPERATOR', c.operator, 'SUBSIDY', -f.fen
    FROM funded_now AS f JOIN cleared_now AS c ON c.clearing = f.clearing WHERE f.source = 'GATE'
    UNION ALL
    SELECT clearing, 100 + 2 * place, party_kind, party, 'REDUCTION', fen FROM funded_now WHERE source = 'CENTRE'
    UNION ALL
    SELECT f.clearing, 101 + 2 * f.place, 'ISSUER', c.issuer, 'REDUCTION', -f.fen
    FROM funded_now AS f JOIN cleared_now AS c ON c.clearing = f.clearing WHERE f.source = 'CENTRE'
)
SELECT clearing, place, party_kind, party, cause, fen, :day AS day
FROM legs WHERE fen <> 0
ORDER BY clearing, place
"""

# Views: postings_now.
_NET_SQL = """
SELECT
    party_kind, party,
    CAST(sum(CASE WHEN fen > 0 THEN fen ELSE 0 END) AS BIGINT) AS due_in_fen,
    CAST(sum(CASE WHEN fen < 0 THEN -fen ELSE 0 END) AS BIGINT) AS due_out_fen,
    CAST(sum(fen) AS BIGINT) AS net_fen, :day AS day
FROM postings_now
GROUP BY party_kind, party
ORDER BY party_kind, party
"""


def cleared_sql(day: int) -> str:
    """Bookings and reversals of a day."""
    return _filled(_CLEARED_SQL, day)


def funded_sql(day: int) -> str:
    """Their reductions, with who pays for each."""
    return _filled(_FUNDED_SQL, day)


def postings_sql(day: int) -> str:
    """Their postings."""
    return _filled(_POSTINGS_SQL, day)


def net_sql(day: int) -> str:
    """Who gets and who owes how much."""
    return _filled(_NET_SQL, day)


def _filled(sql: str, day: int) -> str:
    words = {":day": day, ":half": WHOLE // 2, ":whole": WHOLE, ":places": PLACES_A_DAY, ":centre": CENTRE_PARTY}
    for word, value in words.items():
        sql = sql.replace(word, str(value))
    return sql
