"""The relational steps of the checks of entries, whatever they say: their place in the journal, copies, signatures.

Views: entries, outcomes, judged of the day; tails of the day before; unsigned_batches; zeros; history: checks of the
days on which what comes again today came before; behind, new_tails, counted: made on the way. Kept: stood, what is
wrong with each entry of the day as an entry.
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
# 0 it is not, or need not be signed. Only what is signed, or need not be, takes the place of anything. Every entry is
# judged, and few are not whole: only these are looked up.
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
), often AS (
    SELECT device, epoch, sequence FROM entries GROUP BY device, epoch, sequence HAVING COUNT(*) > 1
), ranked AS (
    SELECT s.device, s.epoch, s.sequence, s.hash, s.previous, s.form, s.unsigned, s.signed, CAST(0 AS INT) AS again,
        s.hash AS first_hash
    FROM signed AS s
    LEFT JOIN often AS o ON o.device = s.device AND o.epoch = s.epoch AND o.sequence = s.sequence
    WHERE o.device IS NULL
    UNION ALL
    SELECT device, epoch, sequence, hash, previous, form, unsigned, signed,
        CAST(ROW_NUMBER() OVER (
            PARTITION BY device, epoch, sequence, hash ORDER BY unsigned, conflict, received, batch
        ) - 1 AS INT) AS again,
        FIRST_VALUE(hash) OVER (
            PARTITION BY device, epoch, sequence ORDER BY unsigned, conflict, received, hash
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS first_hash
    FROM (
        SELECT s.*
        FROM signed AS s
        JOIN often AS o ON o.device = s.device AND o.epoch = s.epoch AND o.sequence = s.sequence
    ) AS several
), places AS (
    SELECT device, epoch, sequence, MAX(hash) AS first_hash FROM earlier GROUP BY device, epoch, sequence
), entered AS (
    SELECT r.device, r.epoch, r.sequence, r.hash, r.previous, r.form, r.unsigned, r.signed,
        r.again, r.again + CASE WHEN p.first_hash = r.hash THEN 1 ELSE 0 END AS copy,
        COALESCE(p.first_hash, r.first_hash) AS first_hash
    FROM ranked AS r
    LEFT JOIN places AS p ON p.device = r.device AND p.epoch = r.epoch AND p.sequence = r.sequence
), before AS (
    SELECT device, epoch, sequence, hash FROM tails
    UNION ALL
    SELECT e.device, e.epoch, e.sequence, e.hash
    FROM entered AS e
    LEFT JOIN tails AS t ON t.device = e.device AND t.epoch = e.epoch AND t.sequence = e.sequence
    WHERE e.hash = e.first_hash AND e.again = 0 AND e.unsigned = 0 AND t.device IS NULL
), not_whole AS (
    SELECT DISTINCT device, epoch, sequence, hash, intact FROM judged WHERE intact % 8 < 7
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
LEFT JOIN not_whole AS s ON s.device = e.device AND s.epoch = e.epoch AND s.sequence = e.sequence AND s.hash = e.hash
LEFT JOIN before AS b ON b.device = e.device AND b.epoch = e.epoch AND b.sequence = e.sequence - 1
"""
