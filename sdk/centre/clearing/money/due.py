"""The relational step that says what each ride is to be booked at from a day on: fares under the centre's own rules.

Only persons whom the day touches are looked at: a ride of theirs was settled or became void today, a dispute was
decided, or an account was found to be theirs. Of them, all rides from the month on to which the earliest change
belongs; so a late tap finds the place it should have had, and whatever that does to the rides behind it comes out.

Rules the SQL keeps, beside those of the engine's port:
- `begins` is when the rider set off: the entry of a metro journey, else the tap. Order is (begins, ride_id).
- The last days of the month before are there for what they were to the first rides of the month (a transfer, a
  companion); their own bookings do not change by it.
- A ride that comes out as it is booked is not handed on.
- Which months are looked at stands in the text as a number, so that an engine passes over what lies before them.
- An account is a person's from the first of the month on in which it was found to be theirs, until the first of the
  month in which it was found to be another's, or its own again.
- Who is in a group says table `members` by its days; it reaches back to the first of a month at most, as links do.
"""

from yima.sdk.centre.clearing.money.rules import ANY_HOME, JOURNEY_MAX_S

# From which month on, and until which, an account is whose.
LINKED_SQL = """
    SELECT
        account, person, day - day % 100 AS since,
        coalesce(lead(day - day % 100) OVER (PARTITION BY account ORDER BY day), 99999999) AS until
    FROM persons
"""

# In which groups a person is through one of their accounts, on which days. An account is a person of its own before its
# first row.
GROUPED_SQL = """
    SELECT
        coalesce(w.person, g.account) AS person, g.group_name, greatest(g.since, coalesce(w.since, 0)) AS since,
        least(g.until, coalesce(w.until, 99999999)) AS until
    FROM (
        SELECT
            account, group_name, is_member, since,
            coalesce(min(since) OVER (
                PARTITION BY account, group_name ORDER BY day, since ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
            ), 99999999) AS until
        FROM members
    ) AS g
    LEFT JOIN (
        SELECT account, person, since, until FROM linked
        UNION ALL
        SELECT l.account, l.account AS person, 0 AS since, min(l.since) AS until FROM linked AS l GROUP BY l.account
    ) AS w ON w.account = g.account
    WHERE g.is_member
"""

# Views: rides, rides_now, reversals_now, persons, persons_now, members_now, disputes_now, months. A journey is looked
# at from the month on in which it began, up to 30 days before its service date; what changes on the first of a month,
# from the month before on.
_TOUCHED_SQL = """
WITH
linked AS (:linked),
stirred AS (
    SELECT r.account, r.person, r.service_date, r.mode, r.entry_at FROM rides_now AS r
    UNION ALL
    SELECT r.account, r.person, r.service_date, r.mode, r.entry_at FROM rides AS r
    WHERE r.ride_id IN (SELECT ride_id FROM reversals_now UNION SELECT ride_id FROM disputes_now WHERE effect <> 'NONE')
),
meant AS (
    SELECT
        coalesce(p.person, s.person) AS person, s.service_date,
        CASE WHEN s.mode = 2 THEN s.entry_at END AS begins
    FROM stirred AS s
    LEFT JOIN linked AS p ON p.account = s.account AND s.service_date >= p.since AND s.service_date < p.until
    UNION ALL SELECT person, day - day % 100 AS service_date, CAST(NULL AS BIGINT) AS begins FROM persons_now
    UNION ALL SELECT account AS person, day - day % 100 AS service_date, CAST(NULL AS BIGINT) AS begins FROM persons_now
    UNION ALL
    SELECT p.person, n.day - n.day % 100 AS service_date, CAST(NULL AS BIGINT) AS begins
    FROM persons AS p JOIN persons_now AS n ON n.account = p.account
    UNION ALL
    SELECT
        coalesce(p.person, n.account) AS person, n.day - n.day % 100 AS service_date, CAST(NULL AS BIGINT) AS begins
    FROM members_now AS n
    LEFT JOIN linked AS p ON p.account = n.account AND n.since >= p.since AND n.since < p.until
)
SELECT
    s.person,
    min(CASE
        WHEN s.begins < m.earlier_begins THEN m.earliest
        WHEN s.begins < m.begins OR s.service_date % 100 = 1 THEN m.earlier
        ELSE m.month
    END) AS since,
    :day AS day
FROM meant AS s JOIN months AS m ON m.month = s.service_date - s.service_date % 100
GROUP BY s.person
ORDER BY s.person
"""

# Views: touched, rides, reversals, reversals_now, persons, members, disputes, disputes_now, cleared (of earlier days),
# months, and the relations of the rules. A companion's rides stand in windows of their own, so that no other sees them.
_DUE_SQL = """
WITH
linked AS (:linked),
grouped AS (SELECT DISTINCT g.* FROM (:grouped) AS g JOIN touched AS t ON t.person = g.person),
gone AS (
    SELECT ride_id FROM reversals
    UNION SELECT ride_id FROM disputes WHERE effect = 'VOID'
),
gone_now AS (
    SELECT v.ride_id, min(v.cause) AS cause, max(v.dispute_id) AS dispute_id
    FROM (
        SELECT ride_id, CASE WHEN why = 'PAIRED' THEN why ELSE 'VOID' END AS cause, CAST(NULL AS VARCHAR) AS dispute_id
        FROM reversals_now
        UNION ALL SELECT ride_id, 'DISPUTE' AS cause, dispute_id FROM disputes_now WHERE effect = 'VOID'
    ) AS v
    GROUP BY v.ride_id
),
changed AS (
    SELECT ride_id, CAST(sum(delta_fen) AS BIGINT) AS delta_fen FROM disputes WHERE effect = 'AMOUNT' GROUP BY ride_id
),
changed_now AS (
    SELECT ride_id, max(dispute_id) AS dispute_id FROM disputes_now WHERE effect = 'AMOUNT' GROUP BY ride_id
),
named AS (
    SELECT
        r.ride_id, coalesce(p.person, r.person) AS person, r.service_date,
        r.service_date - r.service_date % 100 AS month,
        r.mode, r.city, r.issuer_city, r.line, r.device, r.moment, r.day,
        CASE WHEN r.mode = 2 THEN coalesce(r.entry_at, r.moment) ELSE r.moment END AS begins,
        CASE WHEN r.mode = 2 AND coalesce(r.entry_line, 0) <> 0 THEN r.entry_line ELSE r.line END AS first_line,
        r.kind IN ('BUS', 'METRO') AS regular,
        r.gross_fen + coalesce(c.delta_fen, 0) AS gross_fen,
        r.fare_fen - r.gross_fen AS gate_fen
    FROM rides AS r
    LEFT JOIN linked AS p ON p.account = r.account AND r.service_date >= p.since AND r.service_date < p.until
    LEFT JOIN changed AS c ON c.ride_id = r.ride_id
    WHERE r.service_date >= :since
),
scope AS (
    SELECT n.*, n.month >= t.since AS own
    FROM named AS n
    JOIN touched AS t ON t.person = n.person
    JOIN months AS m ON m.month = t.since
    WHERE (n.month >= t.since OR (n.month = m.earlier AND n.service_date % 100 >= 26))
        AND NOT EXISTS (SELECT 1 FROM gone AS g WHERE g.ride_id = n.ride_id)
),
placed AS (
    SELECT
        s.*,
        coalesce(max(CASE WHEN s.mode = 2 THEN least(s.moment, s.begins + :journey_max_s) END) OVER (
            PARTITION BY s.person ORDER BY s.begins, s.ride_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) > s.begins, false) AS during_another,
        coalesce(s.begins - lag(s.begins) OVER (
            PARTITION BY s.person, s.mode, s.city, s.line ORDER BY s.begins, s.ride_id
        ) <= :companion_s AND s.mode = 1, false) AS right_after
    FROM scope AS s
),
told AS (SELECT p.*, p.during_another OR p.right_after AS companion FROM placed AS p),
followed AS (
    SELECT
        s.*,
        lag(s.moment) OVER (PARTITION BY s.person, s.companion ORDER BY s.begins, s.ride_id) AS before_moment,
        lag(s.mode) OVER (PARTITION BY s.person, s.companion ORDER BY s.begins, s.ride_id) AS before_mode,
        lag(s.city) OVER (PARTITION BY s.person, s.companion ORDER BY s.begins, s.ride_id) AS before_city,
        lag(s.line) OVER (PARTITION BY s.person, s.companion ORDER BY s.begins, s.ride_id) AS before_line,
        lag(s.device) OVER (PARTITION BY s.person, s.companion ORDER BY s.begins, s.ride_id) AS before_device,
        lag(s.regular) OVER (PARTITION BY s.person, s.companion ORDER BY s.begins, s.ride_id) AS before_regular
    FROM told AS s
),
entitled AS (
    SELECT f.ride_id, min(c.place) AS place
    FROM followed AS f
    JOIN grouped AS g ON g.person = f.person AND f.service_date >= g.since AND f.service_date < g.until
    JOIN concession_rules AS c
        ON c.group_name = g.group_name AND c.city = f.city AND c.mode = f.mode AND c.home IN (:any_home, f.issuer_city)
        AND f.service_date >= c.since AND f.service_date < c.until
    WHERE f.regular AND NOT f.companion
    GROUP BY f.ride_id
),
conceded AS (
    SELECT
        f.*, c.rule AS concession_rule, f.gross_fen + f.gate_fen AS gate_fare_fen,
        CASE WHEN c.rule IS NULL THEN 0 ELSE
            greatest(0, f.gross_fen + f.gate_fen - (f.gross_fen * c.percent + 50) // 100)
        END AS concession_off
    FROM followed AS f
    LEFT JOIN entitled AS e ON e.ride_id = f.ride_id
    LEFT JOIN (SELECT DISTINCT place, rule, percent FROM concession_rules) AS c ON c.place = e.place
),
transferred AS (
    SELECT
        f.*, t.rule AS transfer_rule,
        f.gate_fare_fen - f.concession_off AS fare_fen,
        CASE WHEN t.rule IS NULL THEN 0 ELSE least(t.less_fen, f.gate_fare_fen - f.concession_off) END AS transfer_off
    FROM conceded AS f
    LEFT JOIN transfer_rules AS t
        ON t.city = f.city AND t.before = f.before_mode AND t.after = f.mode
        AND f.service_date >= t.since AND f.service_date < t.until
        AND f.regular AND NOT f.companion AND f.before_regular
        AND f.before_city = f.city AND f.before_device <> f.device
        AND NOT (f.before_mode = f.mode AND f.before_line = f.first_line)
        AND f.begins - f.before_moment >= 0 AND f.begins - f.before_moment <= t.within_s
),
summed_day AS (
    SELECT
        x.*, c.rule AS cap_rule, c.cap_fen AS cap_limit,
        CAST(coalesce(sum(x.fare_fen - x.transfer_off) OVER (
            PARTITION BY x.person, c.rule, x.service_date ORDER BY x.begins, x.ride_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ), 0) AS BIGINT) AS before_day_fen
    FROM transferred AS x
    LEFT JOIN cap_rules AS c
        ON c.city = x.city AND c.mode = x.mode AND x.service_date >= c.since AND x.service_date < c.until
        AND x.regular AND NOT x.companion
),
capped AS (
    SELECT
        y.*,
        CASE WHEN y.cap_rule IS NULL THEN 0 ELSE least(
            y.fare_fen - y.transfer_off,
            greatest(0, y.before_day_fen + y.fare_fen - y.transfer_off - y.cap_limit)
        ) END AS cap_off
    FROM summed_day AS y
),
summed_month AS (
    SELECT
        z.*, t.rule AS total_rule,
        CAST(coalesce(sum(CASE WHEN t.by_rides THEN 1 ELSE z.fare_fen - z.transfer_off - z.cap_off END) OVER (
            PARTITION BY z.person, t.rule, z.month ORDER BY z.begins, z.ride_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ), 0) AS BIGINT) AS before_month
    FROM capped AS z
    LEFT JOIN total_rules AS t
        ON t.city = z.city AND t.mode = z.mode AND z.service_date >= t.since AND z.service_date < t.until
        AND z.regular AND NOT z.companion
),
totalled AS (
    SELECT
        u.*,
        CASE WHEN w.rule IS NULL THEN 0 ELSE
            u.fare_fen - u.transfer_off - u.cap_off
            - ((u.fare_fen - u.transfer_off - u.cap_off) * w.percent + 50) // 100
        END AS total_off
    FROM summed_month AS u
    LEFT JOIN total_tiers AS w ON w.rule = u.total_rule AND u.before_month >= w.low AND u.before_month < w.high
),
wanted AS (
    SELECT
        ride_id, day, gross_fen, gate_fen, service_date,
        CASE WHEN concession_off > 0 THEN concession_rule END AS concession_rule, -concession_off AS concession_fen,
        CASE WHEN transfer_off > 0 THEN transfer_rule END AS transfer_rule, -transfer_off AS transfer_fen,
        CASE WHEN cap_off > 0 THEN cap_rule END AS cap_rule, -cap_off AS cap_fen,
        CASE WHEN total_off > 0 THEN total_rule END AS total_rule, -total_off AS total_fen
    FROM totalled
    WHERE own
),
live AS (
    SELECT b.* FROM cleared AS b
    LEFT JOIN (SELECT ride_id, number FROM cleared WHERE reverses AND service_date >= :since) AS a
        ON a.ride_id = b.ride_id AND a.number = b.number
    WHERE NOT b.reverses AND b.service_date >= :since AND a.ride_id IS NULL
)
SELECT
    w.ride_id, w.day AS ride_day, coalesce(b.number, 0) AS before, coalesce(b.day, 0) AS before_day, false AS void,
    CASE
        WHEN b.number IS NOT NULL THEN CASE WHEN c.ride_id IS NOT NULL THEN 'DISPUTE' ELSE 'RULES' END
        WHEN w.service_date < :day THEN 'LATE' ELSE 'RIDE'
    END AS cause,
    c.dispute_id, w.gross_fen, w.gate_fen, w.transfer_rule, w.transfer_fen, w.cap_rule, w.cap_fen, w.total_rule,
    w.total_fen, :day AS day, w.concession_rule, w.concession_fen
FROM wanted AS w
LEFT JOIN live AS b ON b.ride_id = w.ride_id
LEFT JOIN changed_now AS c ON c.ride_id = w.ride_id
WHERE b.number IS NULL
    OR b.gross_fen <> w.gross_fen
    OR b.gate_fen <> w.gate_fen
    OR b.concession_fen <> w.concession_fen OR coalesce(b.concession_rule, '') <> coalesce(w.concession_rule, '')
    OR b.transfer_fen <> w.transfer_fen OR coalesce(b.transfer_rule, '') <> coalesce(w.transfer_rule, '')
    OR b.cap_fen <> w.cap_fen OR coalesce(b.cap_rule, '') <> coalesce(w.cap_rule, '')
    OR b.total_fen <> w.total_fen OR coalesce(b.total_rule, '') <> coalesce(w.total_rule, '')
UNION ALL
SELECT
    b.ride_id, 0 AS ride_day, b.number AS before, b.day AS before_day, true AS void, g.cause, g.dispute_id,
    0 AS gross_fen, 0 AS gate_fen,
    CAST(NULL AS VARCHAR) AS transfer_rule, 0 AS transfer_fen, CAST(NULL AS VARCHAR) AS cap_rule, 0 AS cap_fen,
    CAST(NULL AS VARCHAR) AS total_rule, 0 AS total_fen, :day AS day,
    CAST(NULL AS VARCHAR) AS concession_rule, 0 AS concession_fen
FROM live AS b JOIN gone_now AS g ON g.ride_id = b.ride_id
ORDER BY ride_id
"""


def touched_sql(day: int) -> str:
    """Whom a day touches, and from which month on."""
    return _TOUCHED_SQL.replace(":linked", LINKED_SQL).replace(":day", str(day))


def due_sql(day: int, companion_s: int, *, since: int) -> str:
    """What their rides are to be booked at. since: nobody's rides are asked for that lie before this service date."""
    words = {
        ":since": since, ":day": day, ":companion_s": companion_s, ":journey_max_s": JOURNEY_MAX_S,
        ":any_home": ANY_HOME,
    }  # fmt: skip
    sql = _DUE_SQL.replace(":linked", LINKED_SQL).replace(":grouped", GROUPED_SQL)
    for word, number in words.items():
        sql = sql.replace(word, str(number))
    return sql
