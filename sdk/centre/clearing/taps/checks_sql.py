"""The relational steps of the checks; see checks.py for what they are for, engine/port.py for how they are written.

Views: entries, taps, outcomes, judged of the day; tails of the day before; earlier: what was checked on earlier days of
the entries that this day may repeat; voids, of earlier days; turned, by this day's reversals; voided, both; past,
past_taps, past_outcomes: of the days on which what belongs to today's taps can have come; used: codes that counted on
those; freed: earlier taps that may pay after all. Kept, one after the other: stood, what is wrong with each entry of
the day as an entry, whatever it says; counted, what each tap would be if nobody had tapped again; lingering, retried.
"""

# Entries of the day that may have come before, and taps whose outcome came a day late: nothing else of the past is
# looked at. Collectors keep journals without gaps, so what lies behind a journal's tail is new.
BEHIND_TAILS = """
SELECT e.device, e.epoch, e.sequence, CAST({day} AS INT) AS day
FROM (
    SELECT device, epoch, sequence FROM entries
    UNION
    SELECT device, epoch, tap AS sequence FROM outcomes
) AS e
JOIN tails AS t ON t.device = e.device AND t.epoch = e.epoch
WHERE e.sequence <= t.sequence
ORDER BY e.device, e.epoch, e.sequence
"""

EARLIER = """
SELECT c.device, c.epoch, c.sequence, c.hash, c.verdict, c.service_date
FROM history AS c
JOIN behind AS b ON b.device = c.device AND b.epoch = c.epoch AND b.sequence = c.sequence
WHERE c.copy = 0 AND c.why NOT IN ('CHAIN', 'CONFLICT', 'DEVICE_SIGNATURE', 'UNSIGNED')
    AND (c.signed OR c.verdict <> 'EVIDENCE' OR NOT {signed_only})
ORDER BY c.device, c.epoch, c.sequence, c.hash
"""

# Tails with the day's own: the newest entry of each journal that may stand before another.
NEXT_TAILS = """
SELECT device, epoch, sequence, hash, CAST({day} AS INT) AS day
FROM (
    SELECT device, epoch, sequence, hash,
        ROW_NUMBER() OVER (PARTITION BY device, epoch ORDER BY sequence DESC, is_tail DESC, hash) AS place
    FROM (
        SELECT device, epoch, sequence, hash, 1 AS is_tail FROM tails
        UNION ALL
        SELECT device, epoch, sequence, hash, 0 AS is_tail
        FROM stood
        WHERE unsigned = 0 AND fault NOT IN ('CHAIN', 'CONFLICT')
    ) AS whole
) AS placed
WHERE place = 1
ORDER BY device, epoch
"""

# Of what came today, all that the tails do not tell of: what came behind them, and what lies beyond the new ones; and
# what counts since today.
BESIDE_TAILS = """
SELECT device, epoch, sequence, CAST({day} AS INT) AS day
FROM (
    SELECT device, epoch, sequence FROM behind
    UNION
    SELECT s.device, s.epoch, s.sequence
    FROM stood AS s
    LEFT JOIN new_tails AS t ON t.device = s.device AND t.epoch = s.epoch
    WHERE t.device IS NULL OR s.sequence > t.sequence
    UNION
    SELECT device, epoch, sequence FROM counted WHERE is_freed = 1 AND reason = 'NONE'
) AS beside
ORDER BY device, epoch, sequence
"""

# unsigned: 1 by a signature that does not hold, 2 without one, 3 without one where something else is to be said first;
# 0 it is not, or need not be signed. Only what is signed, or need not be, takes the place of anything.
STOOD = """
WITH signed AS (
    SELECT e.device, e.epoch, e.sequence, e.hash, e.previous, e.form, e.batch, e.conflict, e.received,
        CASE
            WHEN w.batch IS NOT NULL THEN 1
            WHEN e.batch IS NOT NULL OR NOT {signed_only} THEN 0
            WHEN e.form = 2 AND NOT e.conflict THEN 2
            ELSE 3
        END AS unsigned,
        w.batch IS NULL AND e.batch IS NOT NULL AS signed
    FROM entries AS e
    LEFT JOIN unsigned_batches AS w ON w.batch = e.batch
), ranked AS (
    SELECT device, epoch, sequence, hash, previous, form, unsigned, signed,
        CAST(ROW_NUMBER() OVER (
            PARTITION BY device, epoch, sequence, hash ORDER BY unsigned, conflict, received, batch
        ) - 1 AS INT) AS again,
        FIRST_VALUE(hash) OVER (
            PARTITION BY device, epoch, sequence ORDER BY unsigned, conflict, received, hash
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS first_hash
    FROM signed
), places AS (
    SELECT device, epoch, sequence, MAX(hash) AS first_hash FROM earlier GROUP BY device, epoch, sequence
), entered AS (
    SELECT r.device, r.epoch, r.sequence, r.hash, r.previous, r.form, r.unsigned, r.signed,
        r.again + CASE WHEN p.first_hash = r.hash THEN 1 ELSE 0 END AS copy,
        COALESCE(p.first_hash, r.first_hash) AS first_hash
    FROM ranked AS r
    LEFT JOIN places AS p ON p.device = r.device AND p.epoch = r.epoch AND p.sequence = r.sequence
), before AS (
    SELECT device, epoch, sequence, hash FROM tails
    UNION
    SELECT e.device, e.epoch, e.sequence, e.hash
    FROM entered AS e
    LEFT JOIN tails AS t ON t.device = e.device AND t.epoch = e.epoch AND t.sequence = e.sequence
    WHERE e.hash = e.first_hash AND e.unsigned = 0 AND t.device IS NULL
), whole AS (
    SELECT DISTINCT device, epoch, sequence, hash, intact FROM judged
)
SELECT e.device, e.epoch, e.sequence, e.hash, e.copy, e.form, e.unsigned, e.signed,
    CASE
        WHEN s.intact % 2 = 0 THEN 'CHAIN'
        WHEN e.sequence = 1 AND e.previous <> z.zeros THEN 'CHAIN'
        WHEN b.hash IS NOT NULL AND b.hash <> e.previous THEN 'CHAIN'
        WHEN e.unsigned = 1 THEN 'DEVICE_SIGNATURE'
        WHEN e.unsigned = 2 THEN 'UNSIGNED'
        WHEN s.intact % 4 < 2 THEN 'FACTS'
        WHEN s.intact % 8 < 4 THEN 'RECORD'
        WHEN e.hash <> e.first_hash THEN 'CONFLICT'
        WHEN e.copy > 0 THEN 'DUPLICATE'
        WHEN e.unsigned = 3 AND e.form = 2 THEN 'UNSIGNED'
        ELSE 'NONE'
    END AS fault
FROM entered AS e
CROSS JOIN zeros AS z
JOIN whole AS s ON s.device = e.device AND s.epoch = e.epoch AND s.sequence = e.sequence AND s.hash = e.hash
LEFT JOIN before AS b ON b.device = e.device AND b.epoch = e.epoch AND b.sequence = e.sequence - 1
"""

# What gates said of their taps, in entries that are in order.
_HEARD = """
    SELECT o.device, o.epoch, o.tap AS sequence,
        MAX(CASE WHEN o.reverses THEN 1 ELSE 0 END) AS reverses,
        MAX(CASE WHEN o.outcome = 3 THEN 1 ELSE 0 END) AS not_passed
    FROM outcomes AS o
    JOIN stood AS s ON s.device = o.device AND s.epoch = o.epoch AND s.sequence = o.sequence AND s.hash = o.hash
    WHERE s.fault = 'NONE'
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

COUNTED = f"""
WITH told AS (
    SELECT DISTINCT device, epoch, sequence, hash, moment, time_trusted, reason, mode, direction, station, account,
        code_digest, vouched, service_date
    FROM taps
), said AS (
    SELECT DISTINCT device, epoch, sequence, hash, intact, core_reason, core_gross_fen, core_fare_fen, signatures
    FROM judged
), heard AS ({_HEARD}), of_today AS (
    SELECT e.device, e.epoch, e.sequence, e.hash, e.copy, e.signed,
        s.core_reason, s.core_gross_fen, s.core_fare_fen, s.signatures,
        t.moment, t.time_trusted, t.mode, t.direction, t.station, t.account, t.code_digest, t.service_date,
        COALESCE(x.not_passed, 0) AS not_passed,
        CASE WHEN t.reason = 0 THEN 1 ELSE 0 END AS accepted,
        CASE
            WHEN e.fault <> 'NONE' THEN e.fault
            WHEN t.reason IS NULL OR t.reason <> 0 THEN 'NONE'
            WHEN e.form = 1 OR s.intact % 32 < 16 THEN 'PARAMETERS_UNKNOWN'
            WHEN s.core_reason = 118 AND t.vouched > 0 AND s.intact % 16 >= 8
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
    FROM stood AS e
    JOIN said AS s ON s.device = e.device AND s.epoch = e.epoch AND s.sequence = e.sequence AND s.hash = e.hash
    LEFT JOIN told AS t ON t.device = e.device AND t.epoch = e.epoch AND t.sequence = e.sequence AND t.hash = e.hash
    LEFT JOIN heard AS x ON x.device = e.device AND x.epoch = e.epoch AND x.sequence = e.sequence
), weighed AS (
    SELECT device, epoch, sequence, hash, copy, signed, core_reason, core_gross_fen, core_fare_fen, signatures, moment,
        time_trusted, mode, direction, station, account, code_digest, service_date, not_passed, accepted, why,
        0 AS is_freed
    FROM of_today
    UNION ALL
    SELECT device, epoch, sequence, hash, 0 AS copy, signed, core_reason, core_gross_fen, core_fare_fen, signatures,
        moment, time_trusted, mode, direction, station, account, code_digest, service_date, not_passed, 1 AS accepted,
        'NONE' AS why, 1 AS is_freed
    FROM freed
), shown AS (
    SELECT device, epoch, sequence, hash,
        FIRST_VALUE(concat(device, '/', CAST(epoch AS TEXT), '/', CAST(sequence AS TEXT))) OVER w AS first_tap,
        FIRST_VALUE(device) OVER w AS first_device,
        FIRST_VALUE(moment) OVER w AS first_moment,
        ROW_NUMBER() OVER w AS place
    FROM weighed
    WHERE accepted = 1 AND why = 'NONE' AND code_digest IS NOT NULL
    WINDOW w AS (
        PARTITION BY code_digest
        ORDER BY CASE WHEN time_trusted THEN 0 ELSE 1 END, moment, device, epoch, sequence, hash
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
WHERE (accepted = 1 AND is_freed = 0) OR reason NOT IN ('NONE', 'DUPLICATE') AND is_freed = 0
    OR is_freed = 1 AND reason = 'NONE'
"""  # noqa: S608

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
SELECT device, epoch, sequence, hash, is_earlier
FROM (
    SELECT device, epoch, sequence, hash, not_passed, is_earlier,
        LEAD(moment) OVER (
            PARTITION BY account, mode, direction, station ORDER BY moment, device, epoch, sequence, hash
        ) - moment AS again_after
    FROM (
        SELECT device, epoch, sequence, hash, account, mode, direction, station, moment, not_passed, 0 AS is_earlier
        FROM counted
        WHERE accepted = 1 AND reason = 'NONE' AND account IS NOT NULL
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
