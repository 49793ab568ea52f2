"""The relational steps of the checks of taps; see checks.py for what they are for, engine/port.py for how they are
written, entries_sql.py for those of the entries that they rest on.

Views: taps, outcomes, judged of the day; stood; earlier: what was checked on earlier days of the entries that this day
may repeat; voids, of earlier days; turned, by this day's reversals; voided, both; past, past_taps, past_outcomes: of
the days on which what belongs to today's taps can have come; used: codes that counted on those; freed: earlier taps
that may pay after all. Kept, one after the other: asked, weighed; counted, what each tap would be if nobody had tapped
again; lingering, retried.
"""

# What gates said of their taps, in entries that are in order: only what changes something, which few of them do.
_HEARD = """
    SELECT o.device, o.epoch, o.tap AS sequence,
        MAX(CASE WHEN o.reverses THEN 1 ELSE 0 END) AS reverses,
        MAX(CASE WHEN o.outcome = 3 THEN 1 ELSE 0 END) AS not_passed
    FROM outcomes AS o
    JOIN stood AS s ON s.device = o.device AND s.epoch = o.epoch AND s.sequence = o.sequence AND s.hash = o.hash
    WHERE s.fault = 'NONE' AND (o.reverses OR o.outcome = 3)
    GROUP BY o.device, o.epoch, o.tap
"""

# The same of earlier days; an outcome has a check of its own only if its entry is not in order.
_HEARD_BEFORE = """
    SELECT o.device, o.epoch, o.tap AS sequence, o.reverses, o.outcome
    FROM past_outcomes AS o
    LEFT JOIN past AS c
        ON c.device = o.device AND c.epoch = o.epoch AND c.sequence = o.sequence AND c.hash = o.hash AND c.day = o.day
        AND c.copy = 0
    WHERE c.device IS NULL
"""

# The oldest date of what came today: of its taps, and of earlier ones through which nobody passed, as is told today.
OLDEST = f"""
SELECT MIN(service_date) AS service_date
FROM (
    SELECT t.service_date
    FROM taps AS t
    JOIN stood AS s ON s.device = t.device AND s.epoch = t.epoch AND s.sequence = t.sequence AND s.hash = t.hash
    WHERE t.reason = 0 AND s.fault = 'NONE'
    UNION ALL
    SELECT e.service_date
    FROM earlier AS e
    JOIN ({_HEARD}) AS h ON h.device = e.device AND h.epoch = e.epoch AND h.sequence = e.sequence
    WHERE h.not_passed = 1 AND e.verdict = 'OK'
) AS dates
ORDER BY service_date
"""  # noqa: S608

# Taps that an earlier day kept as evidence, since one with the same code counted that turns void today.
FREED = f"""
WITH codes AS (
    SELECT c.code_digest
    FROM past AS c
    JOIN turned AS v ON v.device = c.device AND v.epoch = c.epoch AND v.sequence = c.sequence
    WHERE c.verdict = 'OK'
), said AS (
    SELECT device, epoch, sequence, MAX(CASE WHEN reverses THEN 1 ELSE 0 END) AS reverses,
        MAX(CASE WHEN outcome = 3 THEN 1 ELSE 0 END) AS not_passed
    FROM ({_HEARD_BEFORE}) AS b
    GROUP BY device, epoch, sequence
), placed AS (
    SELECT c.device, c.epoch, c.sequence, c.hash, c.signed, c.core_reason, c.core_gross_fen, c.core_fare_fen,
        c.signatures, t.moment, t.time_trusted, t.mode, t.direction, t.station, t.account, c.code_digest,
        c.service_date, GREATEST(COALESCE(x.not_passed, 0), COALESCE(h.not_passed, 0)) AS not_passed,
        ROW_NUMBER() OVER (
            PARTITION BY c.device, c.epoch, c.sequence ORDER BY c.day, t.day, t.received, c.hash
        ) AS place
    FROM past AS c
    JOIN past_taps AS t ON t.device = c.device AND t.epoch = c.epoch AND t.sequence = c.sequence AND t.hash = c.hash
    LEFT JOIN said AS x ON x.device = c.device AND x.epoch = c.epoch AND x.sequence = c.sequence
    LEFT JOIN ({_HEARD}) AS h ON h.device = c.device AND h.epoch = c.epoch AND h.sequence = c.sequence
    LEFT JOIN (SELECT DISTINCT device, epoch, sequence FROM past WHERE verdict <> 'EVIDENCE') AS k
        ON k.device = c.device AND k.epoch = c.epoch AND k.sequence = c.sequence
    WHERE c.why IN ('DOUBLE_USE', 'DUPLICATE') AND c.copy = 0 AND k.device IS NULL
        AND c.code_digest IN (SELECT code_digest FROM codes)
        AND COALESCE(x.reverses, 0) = 0 AND COALESCE(h.reverses, 0) = 0
)
SELECT device, epoch, sequence, hash, signed, core_reason, core_gross_fen, core_fare_fen, signatures, moment,
    time_trusted, mode, direction, station, account, code_digest, service_date, CAST(not_passed AS INT) AS not_passed
FROM placed
WHERE place = 1
ORDER BY device, epoch, sequence
"""  # noqa: S608

USED = """
SELECT c.code_digest, MIN(concat(c.device, '/', CAST(c.epoch AS TEXT), '/', CAST(c.sequence AS TEXT))) AS tap
FROM past AS c
LEFT JOIN voided AS v ON v.device = c.device AND v.epoch = c.epoch AND v.sequence = c.sequence
WHERE c.verdict = 'OK' AND v.device IS NULL AND c.code_digest IS NOT NULL
    AND c.code_digest IN (
        SELECT code_digest FROM taps WHERE reason = 0 AND code_digest IS NOT NULL
        UNION ALL
        SELECT code_digest FROM freed
    )
GROUP BY c.code_digest
ORDER BY c.code_digest
"""

# Taps that were accepted, and every entry that is not in order; what is told of entries in order beside these, as of
# outcomes, goes no further: half a day's entries. A day of millions would not fit in memory with them. is_nobodys: its
# operator has more digits than any has; files would cut them, and name somebody else.
ASKED = """
SELECT e.device, e.epoch, e.sequence, e.hash, e.copy, e.form, e.signed, e.fault, t.moment, t.time_trusted, t.mode,
    t.direction, t.station, t.account, t.code_digest, t.service_date, t.vouched,
    CASE WHEN t.reason = 0 THEN 1 ELSE 0 END AS accepted,
    CASE WHEN LENGTH(t.operator) > 8 THEN 1 ELSE 0 END AS is_nobodys
FROM stood AS e
LEFT JOIN (
    SELECT DISTINCT device, epoch, sequence, hash, moment, time_trusted, reason, mode, direction, station, account,
        code_digest, vouched, service_date, operator
    FROM taps
) AS t ON t.device = e.device AND t.epoch = e.epoch AND t.sequence = e.sequence AND t.hash = e.hash
WHERE t.reason = 0 OR e.fault NOT IN ('NONE', 'DUPLICATE')
"""

# The same with what the core and the gate said of them, and earlier taps that may pay after all.
WEIGHED = f"""
SELECT e.device, e.epoch, e.sequence, e.hash, e.copy, e.signed,
    s.core_reason, s.core_gross_fen, s.core_fare_fen, s.signatures,
    e.moment, e.time_trusted, e.mode, e.direction, e.station, e.account, e.code_digest, e.service_date,
    COALESCE(x.not_passed, 0) AS not_passed, e.accepted, 0 AS is_freed,
    CASE
        WHEN e.fault <> 'NONE' THEN e.fault
        WHEN e.is_nobodys = 1 THEN 'FACTS'
        WHEN e.form = 1 OR s.intact % 32 < 16 THEN 'PARAMETERS_UNKNOWN'
        WHEN s.core_reason = 118 AND e.vouched > 0 AND s.intact % 16 >= 8
            THEN CASE WHEN x.reverses = 1 THEN 'REVERSED' ELSE 'NONE' END
        WHEN s.core_reason = 38 THEN 'CA_SIGNATURE'
        WHEN s.core_reason = 50 THEN 'ISSUER_SIGNATURE'
        WHEN s.core_reason IN (51, 52, 116) THEN 'RIDER_SIGNATURE'
        WHEN s.core_reason = 76 THEN 'OVER_CAP'
        WHEN s.core_reason <> 0 THEN 'CORE_REFUSES'
        WHEN s.intact % 16 < 8 THEN 'FACTS'
        WHEN x.reverses = 1 THEN 'REVERSED'
        ELSE 'NONE'
    END AS why
FROM asked AS e
JOIN (
    SELECT DISTINCT j.device, j.epoch, j.sequence, j.hash, j.intact, j.core_reason, j.core_gross_fen, j.core_fare_fen,
        j.signatures
    FROM judged AS j
    JOIN (SELECT DISTINCT device, epoch, sequence, hash FROM asked) AS a
        ON a.device = j.device AND a.epoch = j.epoch AND a.sequence = j.sequence AND a.hash = j.hash
) AS s ON s.device = e.device AND s.epoch = e.epoch AND s.sequence = e.sequence AND s.hash = e.hash
LEFT JOIN ({_HEARD}) AS x ON x.device = e.device AND x.epoch = e.epoch AND x.sequence = e.sequence
UNION ALL
SELECT device, epoch, sequence, hash, 0 AS copy, signed, core_reason, core_gross_fen, core_fare_fen, signatures,
    moment, time_trusted, mode, direction, station, account, code_digest, service_date, not_passed, 1 AS accepted,
    1 AS is_freed, 'NONE' AS why
FROM freed
"""  # noqa: S608

COUNTED = """
WITH shared AS (
    SELECT code_digest
    FROM weighed
    WHERE accepted = 1 AND why = 'NONE' AND code_digest IS NOT NULL
    GROUP BY code_digest
    HAVING COUNT(*) > 1
), shown AS (
    SELECT w.device, w.epoch, w.sequence, w.hash,
        FIRST_VALUE(concat(w.device, '/', CAST(w.epoch AS TEXT), '/', CAST(w.sequence AS TEXT))) OVER o AS first_tap,
        FIRST_VALUE(w.device) OVER o AS first_device,
        FIRST_VALUE(w.moment) OVER o AS first_moment,
        ROW_NUMBER() OVER o AS place
    FROM weighed AS w
    JOIN shared AS m ON m.code_digest = w.code_digest
    WHERE w.accepted = 1 AND w.why = 'NONE'
    WINDOW o AS (
        PARTITION BY w.code_digest
        ORDER BY CASE WHEN w.time_trusted THEN 0 ELSE 1 END, w.moment, w.device, w.epoch, w.sequence, w.hash
    )
)
SELECT *
FROM (
    SELECT g.*, u.tap AS used_tap, h.first_tap,
        CASE
            WHEN g.why <> 'NONE' OR g.accepted = 0 THEN g.why
            WHEN u.tap IS NOT NULL THEN 'DOUBLE_USE'
            WHEN h.place > 1 AND h.first_device = g.device AND h.first_moment = g.moment THEN 'DUPLICATE'
            WHEN h.place > 1 THEN 'DOUBLE_USE'
            ELSE 'NONE'
        END AS reason
    FROM weighed AS g
    LEFT JOIN used AS u ON u.code_digest = g.code_digest
    LEFT JOIN shown AS h
        ON h.device = g.device AND h.epoch = g.epoch AND h.sequence = g.sequence AND h.hash = g.hash AND g.copy = 0
) AS every
WHERE is_freed = 0 OR reason = 'NONE'
"""

# Taps of earlier days that count, of all accounts of which a tap let nobody through, today or then.
LINGERING = f"""
WITH nobody AS (
    SELECT device, epoch, sequence FROM ({_HEARD_BEFORE}) AS b WHERE outcome = 3
    UNION
    SELECT device, epoch, sequence FROM ({_HEARD}) AS h WHERE not_passed = 1
), accounts AS (
    SELECT t.account
    FROM past_taps AS t
    JOIN nobody AS n ON n.device = t.device AND n.epoch = t.epoch AND n.sequence = t.sequence
    UNION
    SELECT account FROM counted WHERE accepted = 1 AND reason = 'NONE' AND not_passed = 1
)
SELECT DISTINCT t.device, t.epoch, t.sequence, t.hash, t.account, t.mode, t.direction, t.station, t.moment,
    CASE WHEN n.device IS NULL THEN 0 ELSE 1 END AS not_passed
FROM past_taps AS t
JOIN accounts AS a ON a.account = t.account
JOIN past AS c ON c.device = t.device AND c.epoch = t.epoch AND c.sequence = t.sequence AND c.hash = t.hash
LEFT JOIN voided AS v ON v.device = t.device AND v.epoch = t.epoch AND v.sequence = t.sequence
LEFT JOIN nobody AS n ON n.device = t.device AND n.epoch = t.epoch AND n.sequence = t.sequence
WHERE c.verdict = 'OK' AND v.device IS NULL
"""  # noqa: S608

# Taps through which nobody passed and after which the same account was let in again, today's and earlier ones.
RETRIED = """
WITH accounts AS (
    SELECT account FROM counted WHERE accepted = 1 AND reason = 'NONE' AND not_passed = 1 AND account IS NOT NULL
    UNION
    SELECT account FROM lingering WHERE not_passed = 1
)
SELECT device, epoch, sequence, hash, is_earlier
FROM (
    SELECT device, epoch, sequence, hash, not_passed, is_earlier,
        LEAD(moment) OVER (
            PARTITION BY account, mode, direction, station ORDER BY moment, device, epoch, sequence, hash
        ) - moment AS again_after
    FROM (
        SELECT device, epoch, sequence, hash, account, mode, direction, station, moment, not_passed, 0 AS is_earlier
        FROM counted
        WHERE accepted = 1 AND reason = 'NONE' AND account IN (SELECT account FROM accounts)
        UNION ALL
        SELECT device, epoch, sequence, hash, account, mode, direction, station, moment, not_passed, 1 AS is_earlier
        FROM lingering
    ) AS let_in
) AS followed
WHERE not_passed = 1 AND again_after <= {retry_s}
"""

CHECKS = """
WITH decided AS (
    SELECT c.*, CASE WHEN r.device IS NULL THEN c.reason ELSE 'NOT_PASSED' END AS final
    FROM counted AS c
    LEFT JOIN retried AS r
        ON r.device = c.device AND r.epoch = c.epoch AND r.sequence = c.sequence AND r.hash = c.hash
        AND r.is_earlier = 0 AND c.reason = 'NONE'
)
SELECT device, epoch, sequence, hash, copy, signed,
    CASE
        WHEN final = 'NONE' THEN 'OK'
        WHEN final IN ('REVERSED', 'NOT_PASSED') THEN 'VOID'
        ELSE 'EVIDENCE'
    END AS verdict,
    final AS why, core_reason, core_gross_fen, core_fare_fen, signatures,
    CASE
        WHEN final = 'CONFLICT' OR (final = 'DUPLICATE' AND copy > 0)
            THEN concat(device, '/', CAST(epoch AS TEXT), '/', CAST(sequence AS TEXT))
        WHEN final IN ('DUPLICATE', 'DOUBLE_USE') THEN COALESCE(used_tap, first_tap)
    END AS other,
    code_digest, service_date, CAST({day} AS INT) AS day
FROM decided
ORDER BY device, epoch, sequence, hash, copy
"""

# Taps that counted on an earlier day, whose reversal came today.
REVERSED = f"""
SELECT o.device, o.epoch, o.sequence, 'REVERSED' AS why, CAST({{day}} AS INT) AS day
FROM ({_HEARD}) AS o
JOIN (SELECT DISTINCT device, epoch, sequence FROM earlier WHERE verdict = 'OK') AS c
    ON c.device = o.device AND c.epoch = o.epoch AND c.sequence = o.sequence
LEFT JOIN voids AS v ON v.device = o.device AND v.epoch = o.epoch AND v.sequence = o.sequence
WHERE o.reverses = 1 AND v.device IS NULL
ORDER BY o.device, o.epoch, o.sequence
"""  # noqa: S608

# Those, and the ones through which nobody passed, as today shows.
VOIDS = """
SELECT device, epoch, sequence, why, day
FROM (
    SELECT device, epoch, sequence, why, day FROM turned
    UNION ALL
    SELECT device, epoch, sequence, 'NOT_PASSED' AS why, CAST({day} AS INT) AS day FROM retried WHERE is_earlier = 1
) AS new_voids
ORDER BY device, epoch, sequence
"""
