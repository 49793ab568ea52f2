"""The relational steps of the rides; see rides.py for the rules, engine/port.py for how they are written.

Views: taps, checks, judged, applied of the days in which a leg may still wait; rides of those days before this one;
voids, reversals; missing_exit: what the rules take for one; repriced, repriced_rules: the core's answers for `wanted`.
Kept, one after the other: taken, released, waiting, said, told, open, pairs, closing, parts; between open and pairs,
where a leg came late: late, near, legs, pairs_again.
"""

TAP_ID = "concat({0}.device, '/', CAST({0}.epoch AS TEXT), '/', CAST({0}.sequence AS TEXT))"

# Taps that count and that no ride has. Of earlier days few are left: that is found out first, and only their facts are
# looked up. Each of these is kept before the next begins, for a day of millions does not fit in memory several times.
WAITING = f"""
SELECT c.device, c.epoch, c.sequence, c.hash, c.day
FROM checks AS c
LEFT JOIN voids AS v ON v.device = c.device AND v.epoch = c.epoch AND v.sequence = c.sequence
LEFT JOIN taken AS k ON k.tap = {TAP_ID.format("c")}
WHERE c.verdict = 'OK' AND v.device IS NULL AND k.tap IS NULL
"""  # noqa: S608

# On most days on which nothing came in, none: there is no more to do then.
HOW_MANY_WAIT = "SELECT CAST(COUNT(*) AS BIGINT) AS taps FROM waiting"

# What the core said of them.
SAID = """
SELECT DISTINCT j.device, j.epoch, j.sequence, j.hash, j.issuer, j.core_transaction, j.cap_fen
FROM judged AS j
JOIN waiting AS w ON w.device = j.device AND w.epoch = j.epoch AND w.sequence = j.sequence AND w.hash = j.hash
"""

# What they say themselves, in each copy.
TOLD = f"""
SELECT {TAP_ID.format("t")} AS tap, t.device, t.epoch, t.sequence, t.hash, t.day, t.moment, t.mode, t.direction,
    t.line, t.station, t.city, t.issuer_city, t.operator, t.account, t.account_type, t.family, t.vouched,
    t.code_digest, t.fare_fen, t.entry_at AS told_at, t.entry_station AS told_station, t.parameters_version,
    t.parameters_digest, t.service_date, t.received, w.day AS counted
FROM taps AS t
JOIN waiting AS w ON w.device = t.device AND w.epoch = t.epoch AND w.sequence = t.sequence AND w.hash = t.hash
WHERE w.day = {{day}} OR (t.mode = 2 AND t.direction > 0)
"""  # noqa: S608

# Both together: all that a ride says of them. counted: the day since which it counts, mostly that on which it came.
OPEN = """
SELECT t.tap, t.device, t.epoch, t.sequence, t.hash, t.day, t.moment, t.mode, t.direction, t.line, t.station, t.city,
    t.issuer_city, t.operator, t.account, t.account_type, t.family, t.vouched, t.code_digest, t.fare_fen, t.told_at,
    t.told_station, t.parameters_version, t.parameters_digest, t.service_date, t.counted, j.issuer, j.core_transaction,
    j.cap_fen
FROM (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY device, epoch, sequence, hash ORDER BY day, received) AS place FROM told
) AS t
JOIN said AS j ON j.device = t.device AND j.epoch = t.epoch AND j.sequence = t.sequence AND j.hash = t.hash
WHERE t.place = 1
"""

# Each ride with each of its legs.
_LEGS = """
    SELECT ride_id, entry_tap AS leg FROM rides
    UNION ALL
    SELECT ride_id, exit_tap AS leg FROM rides
    UNION ALL
    SELECT ride_id, ride_id AS leg FROM rides WHERE kind = 'BUS'
"""

# Legs that rides of the days in view have, unless the ride is void: then the other leg waits again.
TAKEN = f"""
SELECT DISTINCT leg AS tap
FROM ({_LEGS}) AS legs
LEFT JOIN reversals AS r ON r.ride_id = legs.ride_id
WHERE leg IS NOT NULL AND r.ride_id IS NULL
ORDER BY tap
"""  # noqa: S608

# How many rides a tap has closed that are void by now: its next one has a name of its own.
RELEASED = """
SELECT tap, CAST(COUNT(*) AS INT) AS times
FROM (
    SELECT COALESCE(rides.exit_tap, rides.entry_tap) AS tap
    FROM rides
    JOIN reversals AS r ON r.ride_id = rides.ride_id
) AS closers
WHERE tap IS NOT NULL
GROUP BY tap
ORDER BY tap
"""

# The latest unused entry of the same account in the same city at or before the exit. Taken in the order of time, an
# entry opens a level above those that are open, an exit closes the highest: so entry and exit of a pair are neighbours
# on their level, and no loop is needed. An exit that finds nothing open closes the ground, which does not sink.
PAIRS = """
WITH steps AS (
    SELECT tap, device, epoch, sequence, account, city, moment, direction, station, line,
        SUM(CASE WHEN direction = 1 THEN 1 ELSE -1 END) OVER (
            PARTITION BY account, city ORDER BY moment, direction, device, epoch, sequence
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS total
    FROM {legs}
    WHERE mode = 2 AND direction > 0 AND account IS NOT NULL
), floors AS (
    SELECT *,
        LEAST(0, MIN(total) OVER (
            PARTITION BY account, city ORDER BY moment, direction, device, epoch, sequence
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        )) AS ground
    FROM steps
), levels AS (
    SELECT *, total - ground + CASE WHEN direction = 1 THEN 0 ELSE 1 END AS level FROM floors
), neighbours AS (
    SELECT tap, direction, moment,
        LAG(tap) OVER w AS entry_tap, LAG(direction) OVER w AS entry_direction, LAG(moment) OVER w AS entry_at,
        LAG(station) OVER w AS entry_station, LAG(line) OVER w AS entry_line
    FROM levels
    WINDOW w AS (PARTITION BY account, city, level ORDER BY moment, direction, device, epoch, sequence)
)
SELECT tap, entry_tap, entry_at, entry_station, entry_line
FROM neighbours
WHERE direction = 2 AND entry_direction = 1 AND moment - entry_at <= {within_s}
"""

# Legs that came in today, or count since today, and are of a day before that one: rides that were made without them may
# be other ones.
LATE = """
SELECT account, city, moment
FROM open
WHERE counted = {day} AND mode = 2 AND direction > 0 AND account IS NOT NULL AND service_date < {before}
"""

# Rides of those accounts, near those moments, that still stand and that no dispute has decided.
NEAR = """
SELECT DISTINCT r.ride_id, r.entry_tap, r.exit_tap, r.entry_at, r.moment, r.account, r.city, r.entry_station,
    r.entry_line, r.exit_station, r.line
FROM rides AS r
JOIN late AS l ON l.account = r.account AND l.city = r.city
    AND COALESCE(r.entry_at, r.moment) - {within_s} <= l.moment AND l.moment <= r.moment + {within_s}
LEFT JOIN reversals AS v ON v.ride_id = r.ride_id
LEFT JOIN (SELECT DISTINCT ride_id FROM disputes WHERE effect <> 'NONE') AS d ON d.ride_id = r.ride_id
WHERE v.ride_id IS NULL AND d.ride_id IS NULL AND r.mode = 2 AND r.day >= {since}
    AND (r.entry_tap IS NOT NULL OR r.kind = 'METRO_NO_ENTRY')
"""

# Their legs beside those that are open, as pairs asks for them.
LEGS = """
SELECT tap, split_part(tap, '/', 1) AS device, CAST(split_part(tap, '/', 2) AS BIGINT) AS epoch,
    CAST(split_part(tap, '/', 3) AS BIGINT) AS sequence, account, city, moment, CAST(2 AS INT) AS mode,
    CAST(direction AS INT) AS direction, station, line
FROM (
    SELECT entry_tap AS tap, account, city, COALESCE(entry_at, moment) AS moment, 1 AS direction,
        entry_station AS station, entry_line AS line
    FROM near
    WHERE entry_tap IS NOT NULL
    UNION ALL
    SELECT exit_tap AS tap, account, city, moment, 2 AS direction, exit_station AS station, line
    FROM near
    WHERE exit_tap IS NOT NULL
) AS theirs
UNION ALL
SELECT tap, device, epoch, sequence, account, city, moment, mode, direction, station, line
FROM open
WHERE mode = 2 AND direction > 0
"""

# Of those rides, the ones whose legs belong to other legs now, or to some where they had none.
PAIRED = """
SELECT n.ride_id, 'PAIRED' AS why, COALESCE(n.exit_tap, n.entry_tap) AS tap, CAST({day} AS INT) AS day
FROM near AS n
LEFT JOIN pairs_again AS p ON p.tap = n.exit_tap
LEFT JOIN pairs_again AS q ON q.entry_tap = n.entry_tap
WHERE COALESCE(p.entry_tap, '') <> CASE WHEN n.exit_tap IS NULL THEN '' ELSE COALESCE(n.entry_tap, '') END
    OR COALESCE(q.tap, '') <> CASE WHEN n.entry_tap IS NULL THEN '' ELSE COALESCE(n.exit_tap, '') END
ORDER BY n.ride_id
"""

# Exits whose code told the gate of another entry than the centre has: the core prices them anew.
WANTED = """
SELECT o.tap, o.device, o.epoch, o.sequence, o.hash, CAST(p.entry_station AS BIGINT) AS entry_station, p.entry_at
FROM pairs AS p
JOIN open AS o ON o.tap = p.tap
WHERE p.entry_at <> o.told_at OR p.entry_station <> o.told_station
ORDER BY o.tap
"""

ENTRIES_WANTED = """
SELECT tap, entry_station, entry_at, entry
FROM (
    SELECT w.tap, w.entry_station, w.entry_at, e.entry,
        ROW_NUMBER() OVER (PARTITION BY w.tap ORDER BY e.day, e.received) AS place
    FROM wanted AS w
    JOIN entries AS e ON e.device = w.device AND e.epoch = w.epoch AND e.sequence = w.sequence AND e.hash = w.hash
) AS found
WHERE place = 1
ORDER BY tap
"""

# Every open tap that is settled today, with the pair it closes, and which of the core's sums is taken: A of the entry
# that the centre has, J as judged at the gate, M by the centre's rule for a missing exit.
CLOSING = """
SELECT o.*, CASE WHEN f.times > 0 THEN concat(o.tap, '#', CAST(f.times + 1 AS TEXT)) ELSE o.tap END AS ride_id,
    p.entry_tap, p.entry_at, p.entry_station, p.entry_line, x.reason AS new_reason,
    x.core_transaction AS new_transaction,
    CASE
        WHEN o.mode = 1 THEN 'BUS'
        WHEN o.direction = 0 OR p.tap IS NOT NULL THEN 'METRO'
        WHEN o.direction = 1 THEN 'METRO_NO_EXIT'
        ELSE 'METRO_NO_ENTRY'
    END AS kind,
    CASE
        WHEN o.mode = 2 AND o.direction = 1 THEN 'M'
        WHEN x.reason = 0 THEN 'A'
        ELSE 'J'
    END AS taken_from
FROM open AS o
LEFT JOIN pairs AS p ON p.tap = o.tap
LEFT JOIN pairs AS q ON q.entry_tap = o.tap
LEFT JOIN repriced AS x ON x.tap = o.tap
LEFT JOIN released AS f ON f.tap = o.tap
WHERE q.tap IS NULL
    AND (o.mode = 1 OR o.direction = 0 OR o.account IS NULL OR p.tap IS NOT NULL OR o.day <= {closes})
"""

# The rules of the sums that are taken, one a row.
PARTS = """
SELECT DISTINCT c.tap, c.ride_id, a.place, a.kind, a.fen, a.funder, a.funder_id, a.rule
FROM closing AS c
JOIN applied AS a
    ON a.device = c.device AND a.epoch = c.epoch AND a.sequence = c.sequence AND a.hash = c.hash
WHERE c.taken_from = 'J'
UNION ALL
SELECT c.tap, c.ride_id, a.place, a.kind, a.fen, a.funder, a.funder_id, a.rule
FROM closing AS c
JOIN repriced_rules AS a ON a.tap = c.tap
WHERE c.taken_from = 'A'
UNION ALL
SELECT tap, ride_id, CAST(0 AS INT) AS place, CAST(3 AS INT) AS kind, fen, 'NONE' AS funder, '0' AS funder_id,
    'missing-exit' AS rule
FROM (
    SELECT c.tap, c.ride_id, LEAST(m.fen, COALESCE(c.cap_fen, m.fen)) AS fen,
        ROW_NUMBER() OVER (PARTITION BY c.tap ORDER BY m.city DESC, m.since DESC) AS place
    FROM closing AS c
    JOIN missing_exit AS m ON (m.city = c.city OR m.city = 0) AND m.since <= c.service_date
    WHERE c.taken_from = 'M'
) AS found
WHERE place = 1
"""

RIDES = """
WITH sums AS (
    SELECT tap, CAST(SUM(CASE WHEN fen > 0 THEN fen ELSE 0 END) AS BIGINT) AS gross_fen,
        CAST(SUM(fen) AS BIGINT) AS fare_fen
    FROM parts
    GROUP BY tap
), settled AS (
    SELECT c.*, COALESCE(s.gross_fen, 0) AS gross_fen, COALESCE(s.fare_fen, 0) AS settled_fen,
        COALESCE(c.new_transaction, c.core_transaction) AS transaction_is
    FROM closing AS c
    LEFT JOIN sums AS s ON s.tap = c.tap
)
SELECT ride_id,
    CASE WHEN kind = 'METRO' AND transaction_is = 3 THEN 'METRO_OVER_TIME' ELSE kind END AS kind,
    COALESCE(account, code_digest) AS account, COALESCE(account, code_digest) AS person, account_type, family, vouched,
    code_digest, COALESCE(issuer, '00000000') AS issuer, operator, city, issuer_city, mode, line, device,
    CASE WHEN mode = 2 AND direction = 1 THEN tap ELSE entry_tap END AS entry_tap,
    CASE WHEN mode = 2 AND direction <> 1 THEN tap END AS exit_tap,
    CASE WHEN mode = 2 AND direction = 1 THEN line ELSE entry_line END AS entry_line,
    CASE WHEN mode = 2 AND direction = 1 THEN station ELSE entry_station END AS entry_station,
    CASE WHEN mode = 2 AND direction <> 1 THEN station END AS exit_station,
    CASE WHEN mode = 2 AND direction = 1 THEN moment ELSE entry_at END AS entry_at,
    moment, gross_fen, settled_fen AS fare_fen, fare_fen AS gate_fare_fen,
    CASE WHEN new_reason <> 0 THEN NULL ELSE gross_fen END AS core_gross_fen,
    CASE WHEN new_reason <> 0 THEN NULL ELSE settled_fen END AS core_fare_fen,
    CASE
        WHEN new_reason = 76 THEN 'OVER_CAP'
        WHEN new_reason <> 0 THEN 'NO_SUCH_RIDE'
        WHEN settled_fen = fare_fen THEN 'NONE'
        WHEN taken_from = 'M' THEN 'MISSING_EXIT'
        WHEN taken_from = 'J' THEN 'GATE'
        WHEN told_at = 0 AND told_station IN (0, entry_station) THEN 'ENTRY_UNKNOWN_AT_GATE'
        ELSE 'OTHER_ENTRY'
    END AS cause,
    parameters_version, parameters_digest, service_date, CAST({day} AS INT) AS day
FROM settled
ORDER BY ride_id
"""

REDUCTIONS = """
SELECT ride_id, 'GATE' AS source, place, rule, fen, funder, funder_id, CAST({day} AS INT) AS day
FROM parts
WHERE fen < 0
ORDER BY ride_id, source, place
"""

# The oldest day of the rides that turn void, and the oldest moment of their legs.
OLDEST_REVERSED = """
SELECT MIN(rides.day) AS day, MIN(COALESCE(rides.entry_at, rides.moment)) AS moment
FROM rides
JOIN reversals AS r ON r.ride_id = rides.ride_id
ORDER BY day
"""

# Rides of earlier days one of whose taps is void since today. One that a dispute has taken back stays as it is: its
# other leg would be settled once more.
REVERSALS = f"""
SELECT ride_id, MIN(why) AS why, MIN(tap) AS tap, CAST({{day}} AS INT) AS day
FROM (
    SELECT legs.ride_id, v.why, v.tap
    FROM ({_LEGS}) AS legs
    JOIN (
        SELECT why, concat(device, '/', CAST(epoch AS TEXT), '/', CAST(sequence AS TEXT)) AS tap FROM new_voids
    ) AS v ON v.tap = legs.leg
    LEFT JOIN reversals AS x ON x.ride_id = legs.ride_id
    LEFT JOIN (SELECT DISTINCT ride_id FROM disputes WHERE effect = 'VOID') AS d ON d.ride_id = legs.ride_id
    WHERE x.ride_id IS NULL AND d.ride_id IS NULL
) AS found
GROUP BY ride_id
ORDER BY ride_id
"""  # noqa: S608
