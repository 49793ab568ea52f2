"""The relational steps of the checks; see checks.py for what they are for, engine/port.py for how they are written.

Views: entries, taps, outcomes, judged of the day; tails of the day before; earlier: what was checked on earlier days of
the entries that this day may repeat; voids, of earlier days, and voided, with this day's; used: codes that counted on
earlier days.
"""

BY_KEY = "device, epoch, sequence"

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
SELECT c.device, c.epoch, c.sequence, c.hash, c.verdict, c.code_digest
FROM history AS c
JOIN behind AS b ON b.device = c.device AND b.epoch = c.epoch AND b.sequence = c.sequence
WHERE c.copy = 0 AND c.why NOT IN ('CONFLICT', 'DEVICE_SIGNATURE', 'UNSIGNED')
ORDER BY c.device, c.epoch, c.sequence, c.hash
"""

# Tails with the day's own: the newest entry of each journal.
NEXT_TAILS = """
SELECT device, epoch, sequence, hash, CAST({day} AS INT) AS day
FROM (
    SELECT device, epoch, sequence, hash,
        ROW_NUMBER() OVER (
            PARTITION BY device, epoch ORDER BY sequence DESC, is_tail DESC, conflict, received, hash
        ) AS place
    FROM (
        SELECT device, epoch, sequence, hash, 1 AS is_tail, FALSE AS conflict, CAST(0 AS BIGINT) AS received FROM tails
        UNION ALL
        SELECT device, epoch, sequence, hash, 0 AS is_tail, conflict, received FROM entries
    ) AS whole
) AS placed
WHERE place = 1
ORDER BY device, epoch
"""

# The last service dates that codes shown today can have counted on before.
SERVICE_DATES = "SELECT MIN(service_date) AS service_date FROM taps WHERE reason = 0 ORDER BY service_date"

USED = """
SELECT c.code_digest, MIN(concat(c.device, '/', CAST(c.epoch AS TEXT), '/', CAST(c.sequence AS TEXT))) AS tap
FROM past AS c
LEFT JOIN voided AS v ON v.device = c.device AND v.epoch = c.epoch AND v.sequence = c.sequence
WHERE c.verdict = 'OK' AND v.device IS NULL AND c.code_digest IS NOT NULL
    AND c.code_digest IN (SELECT code_digest FROM taps WHERE reason = 0 AND code_digest IS NOT NULL)
GROUP BY c.code_digest
ORDER BY c.code_digest
"""

CHECKS = """
WITH signed AS (
    SELECT e.device, e.epoch, e.sequence, e.hash, e.previous, e.form, e.batch, e.conflict, e.received,
        CASE
            WHEN w.batch IS NOT NULL THEN 1
            WHEN {signed_only} AND e.batch IS NULL AND e.form = 2 AND NOT e.conflict THEN 2
            ELSE 0
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
    SELECT device, epoch, sequence + 1 AS sequence, hash FROM tails
    UNION
    SELECT e.device, e.epoch, e.sequence + 1 AS sequence, e.hash
    FROM entered AS e
    LEFT JOIN tails AS t ON t.device = e.device AND t.epoch = e.epoch AND t.sequence = e.sequence
    WHERE e.hash = e.first_hash AND t.device IS NULL
), told AS (
    SELECT DISTINCT device, epoch, sequence, hash, moment, time_trusted, reason, mode, direction, station, account,
        code_digest, vouched, service_date
    FROM taps
), said AS (
    SELECT DISTINCT device, epoch, sequence, hash, intact, core_reason, core_gross_fen, core_fare_fen, signatures
    FROM judged
), reversed AS (
    SELECT o.device, o.epoch, o.tap AS sequence,
        MAX(CASE WHEN o.reverses THEN 1 ELSE 0 END) AS reverses,
        MAX(CASE WHEN o.outcome = 3 THEN 1 ELSE 0 END) AS not_passed
    FROM outcomes AS o
    JOIN said AS s ON s.device = o.device AND s.epoch = o.epoch AND s.sequence = o.sequence AND s.hash = o.hash
    WHERE s.intact % 2 = 1
    GROUP BY o.device, o.epoch, o.tap
), weighed AS (
    SELECT e.device, e.epoch, e.sequence, e.hash, e.copy, e.signed, e.first_hash,
        s.core_reason, s.core_gross_fen, s.core_fare_fen, s.signatures,
        t.moment, t.time_trusted, t.mode, t.direction, t.station, t.account, t.code_digest, t.service_date,
        COALESCE(x.not_passed, 0) AS not_passed,
        CASE WHEN t.reason = 0 THEN 1 ELSE 0 END AS accepted,
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
            WHEN t.reason IS NULL OR t.reason <> 0 THEN 'NONE'
            WHEN e.form = 1 OR s.intact % 32 < 16 THEN 'PARAMETERS_UNKNOWN'
            WHEN s.core_reason = 118 AND t.vouched > 0 AND s.intact % 16 >= 8 THEN 'NONE'
            WHEN s.core_reason = 38 THEN 'CA_SIGNATURE'
            WHEN s.core_reason = 50 THEN 'ISSUER_SIGNATURE'
            WHEN s.core_reason IN (51, 52, 116) THEN 'RIDER_SIGNATURE'
            WHEN s.core_reason = 76 THEN 'OVER_CAP'
            WHEN s.core_reason <> 0 THEN 'CORE_REFUSES'
            WHEN s.intact % 16 < 8 THEN 'FACTS'
            WHEN x.reverses = 1 THEN 'REVERSED'
            ELSE 'NONE'
        END AS why
    FROM entered AS e
    CROSS JOIN zeros AS z
    JOIN said AS s ON s.device = e.device AND s.epoch = e.epoch AND s.sequence = e.sequence AND s.hash = e.hash
    LEFT JOIN told AS t ON t.device = e.device AND t.epoch = e.epoch AND t.sequence = e.sequence AND t.hash = e.hash
    LEFT JOIN before AS b ON b.device = e.device AND b.epoch = e.epoch AND b.sequence = e.sequence
    LEFT JOIN reversed AS x ON x.device = e.device AND x.epoch = e.epoch AND x.sequence = e.sequence
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
), counted AS (
    SELECT g.*, u.tap AS used_tap, h.first_tap, h.place, h.first_device, h.first_moment,
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
), retried AS (
    SELECT device, epoch, sequence, hash,
        LEAD(moment) OVER (
            PARTITION BY account, mode, direction, station ORDER BY moment, device, epoch, sequence, hash
        ) - moment AS again_after
    FROM counted
    WHERE accepted = 1 AND reason = 'NONE' AND account IS NOT NULL
), decided AS (
    SELECT c.*,
        CASE
            WHEN c.reason = 'NONE' AND c.not_passed = 1 AND r.again_after <= {retry_s} THEN 'NOT_PASSED'
            ELSE c.reason
        END AS final
    FROM counted AS c
    LEFT JOIN retried AS r
        ON r.device = c.device AND r.epoch = c.epoch AND r.sequence = c.sequence AND r.hash = c.hash
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
WHERE accepted = 1 OR final NOT IN ('NONE', 'DUPLICATE')
ORDER BY device, epoch, sequence, hash, copy
"""

# Taps that counted on an earlier day, whose reversal came today.
VOIDS = """
SELECT o.device, o.epoch, o.sequence, 'REVERSED' AS why, CAST({day} AS INT) AS day
FROM (
    SELECT DISTINCT x.device, x.epoch, x.tap AS sequence
    FROM outcomes AS x
    JOIN judged AS s ON s.device = x.device AND s.epoch = x.epoch AND s.sequence = x.sequence AND s.hash = x.hash
    WHERE x.reverses AND s.intact % 2 = 1
) AS o
JOIN (SELECT DISTINCT device, epoch, sequence FROM earlier WHERE verdict = 'OK') AS c
    ON c.device = o.device AND c.epoch = o.epoch AND c.sequence = o.sequence
LEFT JOIN voids AS v ON v.device = o.device AND v.epoch = o.epoch AND v.sequence = o.sequence
WHERE v.device IS NULL
ORDER BY o.device, o.epoch, o.sequence
"""


def checks(day: int, retry_s: int, *, signed_only: bool) -> str:
    """The step. signed_only: what no device has signed does not count."""
    return CHECKS.format(day=day, retry_s=retry_s, signed_only="TRUE" if signed_only else "FALSE")
