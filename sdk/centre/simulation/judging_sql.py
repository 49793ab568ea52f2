"""The relational steps of judging past rides again; see judging.py for the rules, engine/port.py for how they are
written.

Views: cleared, rides, persons; entries, taps, checks of the days on which the rides' taps came in; said, said_rules,
priced, priced_rules: the core's answers. Kept, one after the other: past, legs, held, decided, parts.
"""

from yima.sdk.centre.clearing.tables import RIDES

# Rides whose last booking was not taken back, from {context} to {until}, and journeys that began before {ends} and
# ended later. asked: judged again.
PAST = """
WITH linked AS (
    SELECT account, person, day - day % 100 AS since,
        coalesce(lead(day - day % 100) OVER (PARTITION BY account ORDER BY day), 99999999) AS until
    FROM persons
)
SELECT r.ride_id, r.kind, r.account, coalesce(p.person, r.person) AS person, r.account_type, r.issuer_city, r.city,
    r.mode, r.service_date, split_part(r.ride_id, '#', 1) AS tap, r.entry_tap, r.entry_at, r.entry_station,
    b.clearing, b.gross_fen, b.fare_fen, r.service_date >= {since} AND r.service_date <= {until} AS counted,
    r.service_date >= {since} AND ({city} = 0 OR r.city = {city}) AS asked
FROM cleared AS b
JOIN rides AS r ON r.ride_id = b.ride_id
LEFT JOIN (SELECT ride_id, number FROM cleared WHERE reverses) AS a ON a.ride_id = b.ride_id AND a.number = b.number
LEFT JOIN linked AS p ON p.account = r.account AND r.service_date >= p.since AND r.service_date < p.until
WHERE NOT b.reverses AND a.ride_id IS NULL AND b.service_date >= {context}
    AND (b.service_date <= {until} OR (r.mode = 2 AND r.entry_at < {ends}))
"""

# The tap that closes each ride, and its entry where that is another one.
LEGS = """
SELECT ride_id, is_entry, split_part(tap, '/', 1) AS device, CAST(split_part(tap, '/', 2) AS BIGINT) AS epoch,
    CAST(split_part(tap, '/', 3) AS BIGINT) AS sequence
FROM (
    SELECT ride_id, false AS is_entry, tap FROM past WHERE asked
    UNION ALL
    SELECT ride_id, true AS is_entry, entry_tap AS tap FROM past WHERE asked AND entry_tap <> tap
) AS theirs
"""

KEYS = "SELECT DISTINCT device, epoch, sequence FROM legs ORDER BY device, epoch, sequence"

HELD = """
SELECT DISTINCT l.ride_id, l.is_entry, l.device, l.epoch, l.sequence, c.hash, t.entry_at AS told_at,
    t.entry_station AS told_station
FROM legs AS l
JOIN checks AS c ON c.device = l.device AND c.epoch = l.epoch AND c.sequence = l.sequence
JOIN taps AS t ON t.device = c.device AND t.epoch = c.epoch AND t.sequence = c.sequence AND t.hash = c.hash
WHERE c.verdict = 'OK'
"""

_FIRST = """
SELECT {columns}
FROM (
    SELECT h.*, e.entry, ROW_NUMBER() OVER (PARTITION BY h.ride_id, h.is_entry ORDER BY e.day, e.received) AS place
    FROM held AS h
    JOIN entries AS e ON e.device = h.device AND e.epoch = h.epoch AND e.sequence = h.sequence AND e.hash = h.hash
) AS found
{more}
ORDER BY found.ride_id, found.is_entry
"""
ENTRIES = _FIRST.format(columns="found.ride_id, found.is_entry, found.entry", more="WHERE place = 1")

# Exits whose code told the gate of another entry than the centre has.
OTHER_ENTRIES = _FIRST.format(
    columns="found.ride_id, found.is_entry, CAST(p.entry_station AS BIGINT) AS entry_station, p.entry_at, found.entry",
    more="""JOIN past AS p ON p.ride_id = found.ride_id
WHERE place = 1 AND NOT found.is_entry AND p.entry_tap <> p.tap
    AND (p.entry_at <> found.told_at OR p.entry_station <> found.told_station)""",
)

# As rides_sql.CLOSING decides: A of the entry that the centre has, J as judged at the gate, M by the centre's rule for
# a missing exit, which no parameters change. at_entry, reason: where the core refuses, and why; 0: it does not.
DECIDED = """
SELECT p.ride_id, coalesce(e.reason, 0) <> 0 AS at_entry,
    CASE WHEN coalesce(e.reason, 0) <> 0 THEN e.reason ELSE c.reason END AS reason,
    CASE WHEN p.kind = 'METRO_NO_EXIT' THEN 'M' WHEN x.reason = 0 THEN 'A' ELSE 'J' END AS taken_from,
    coalesce(x.core_transaction, c.core_transaction) AS transaction_is
FROM past AS p
JOIN said AS c ON c.ride_id = p.ride_id AND NOT c.is_entry
LEFT JOIN said AS e ON e.ride_id = p.ride_id AND e.is_entry
LEFT JOIN priced AS x ON x.ride_id = p.ride_id
WHERE p.asked
"""

MISSING = """
SELECT p.ride_id
FROM past AS p
LEFT JOIN decided AS d ON d.ride_id = p.ride_id
WHERE p.asked AND d.ride_id IS NULL
ORDER BY p.ride_id
"""

PARTS = """
SELECT d.ride_id, s.place, s.fen, s.funder, s.funder_id, s.rule
FROM decided AS d JOIN said_rules AS s ON s.ride_id = d.ride_id AND NOT s.is_entry
WHERE d.reason = 0 AND d.taken_from = 'J'
UNION ALL
SELECT d.ride_id, s.place, s.fen, s.funder, s.funder_id, s.rule
FROM decided AS d JOIN priced_rules AS s ON s.ride_id = d.ride_id
WHERE d.reason = 0 AND d.taken_from = 'A'
"""

_ITS_OWN = "d.ride_id IS NULL OR d.taken_from = 'M'"
_CHANGED = {
    "kind": f"""CASE
        WHEN {_ITS_OWN} OR r.kind NOT IN ('METRO', 'METRO_OVER_TIME') THEN r.kind
        WHEN d.transaction_is = 3 THEN 'METRO_OVER_TIME' ELSE 'METRO'
    END""",
    **{
        f"{core}{name}": f"CASE WHEN {_ITS_OWN} THEN r.{core}{name} ELSE coalesce(s.{name}, 0) END"
        for core in ("", "core_")
        for name in ("gross_fen", "fare_fen")
    },
    "day": "CAST({day} AS INT)",
}
# The rides as the other parameters make them; those that they refuse are none.
RIDES_SQL = f"""
WITH sums AS (
    SELECT ride_id, CAST(SUM(CASE WHEN fen > 0 THEN fen ELSE 0 END) AS BIGINT) AS gross_fen,
        CAST(SUM(fen) AS BIGINT) AS fare_fen
    FROM parts
    GROUP BY ride_id
)
SELECT {", ".join(f"{_CHANGED.get(name, f'r.{name}')} AS {name}" for name in RIDES.columns)}
FROM rides AS r
JOIN past AS p ON p.ride_id = r.ride_id
LEFT JOIN decided AS d ON d.ride_id = r.ride_id
LEFT JOIN sums AS s ON s.ride_id = r.ride_id
WHERE coalesce(d.reason, 0) = 0
ORDER BY ride_id
"""  # noqa: S608 - all our own words

# Views beside: reductions. Of rides that were not judged again, theirs.
REDUCTIONS_SQL = """
SELECT ride_id, 'GATE' AS source, place, rule, fen, funder, funder_id, CAST({day} AS INT) AS day
FROM parts
WHERE fen < 0
UNION ALL
SELECT g.ride_id, g.source, g.place, g.rule, g.fen, g.funder, g.funder_id, CAST({day} AS INT) AS day
FROM reductions AS g
JOIN past AS p ON p.ride_id = g.ride_id
WHERE NOT p.asked AND g.source = 'GATE'
ORDER BY ride_id, source, place
"""

# Views beside: disputes. What a dispute added to a fare it adds under other parameters, too.
AMOUNTS_SQL = """
SELECT d.dispute_id, d.ride_id, d.raised_by, d.against, d.reason, d.decision, d.decided_by, d.effect, d.delta_fen,
    d.reply, d.entry_tap, d.other, CAST({day} AS INT) AS day
FROM disputes AS d
JOIN past AS p ON p.ride_id = d.ride_id
LEFT JOIN decided AS x ON x.ride_id = d.ride_id
WHERE d.effect = 'AMOUNT' AND coalesce(x.reason, 0) = 0
ORDER BY d.dispute_id, d.raised_by
"""
