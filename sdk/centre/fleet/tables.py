"""The fleet's tables, in words that SQLite and PostgreSQL both take. Times are unix seconds, sums fen, bytes hex.

- devices: whose key each name is now; device_log: everything that was ever done to a name. The highest number of the
  log is the version of the list.
- heard: when a device sent its newest batch, also one without records.
- judged: records by verdict. followed: how far a source was read (JSON).
- uses: which tap a code let through first; number rises with every change, so "behind number" is what is new.
- cases: one record that somebody must decide about, with its bytes; decisions: what was decided, the newest stands.
- versions: which parameters (kind 1) or deny-list (kind 2) a device was seen with, since when by its own clock if
  that was trusted.
"""

_TAP = "device TEXT NOT NULL, epoch BIGINT NOT NULL, sequence BIGINT NOT NULL"

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS devices ("
    "device TEXT PRIMARY KEY, key TEXT NOT NULL, state TEXT NOT NULL, since BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS device_log (number BIGINT PRIMARY KEY, at BIGINT NOT NULL, device TEXT NOT NULL, "
    "verb TEXT NOT NULL, key TEXT NOT NULL, who TEXT NOT NULL, why TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS heard (device TEXT PRIMARY KEY, at BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS judged (verdict TEXT PRIMARY KEY, records BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS followed (source TEXT PRIMARY KEY, place TEXT NOT NULL, at BIGINT NOT NULL, "
    "holder TEXT NOT NULL, held_until BIGINT NOT NULL)",
    f"CREATE TABLE IF NOT EXISTS uses (digest TEXT PRIMARY KEY, number BIGINT NOT NULL, {_TAP}, at BIGINT NOT NULL, "
    "good_until BIGINT NOT NULL, family BIGINT NOT NULL, city BIGINT NOT NULL, line BIGINT NOT NULL, "
    "station BIGINT NOT NULL, reversed BIGINT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS uses_by_number ON uses (number)",
    "CREATE INDEX IF NOT EXISTS uses_by_station ON uses (city, station, line, number)",
    "CREATE INDEX IF NOT EXISTS uses_by_tap ON uses (device, epoch, sequence)",
    "CREATE INDEX IF NOT EXISTS uses_by_end ON uses (good_until)",
    f"CREATE TABLE IF NOT EXISTS cases (number BIGINT PRIMARY KEY, kind TEXT NOT NULL, why TEXT NOT NULL, {_TAP}, "
    "hash TEXT NOT NULL, other TEXT NOT NULL, at BIGINT NOT NULL, fare_fen BIGINT NOT NULL, opened BIGINT NOT NULL, "
    "entry TEXT NOT NULL, decision TEXT NOT NULL, UNIQUE (device, epoch, sequence, hash))",
    "CREATE INDEX IF NOT EXISTS cases_open ON cases (decision, kind, number)",
    "CREATE INDEX IF NOT EXISTS cases_other ON cases (other)",
    "CREATE TABLE IF NOT EXISTS decisions (number BIGINT PRIMARY KEY, of_case BIGINT NOT NULL, at BIGINT NOT NULL, "
    "who TEXT NOT NULL, decision TEXT NOT NULL, why TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS versions (device TEXT NOT NULL, kind BIGINT NOT NULL, version BIGINT NOT NULL, "
    "digest TEXT NOT NULL, since BIGINT NOT NULL, seen BIGINT NOT NULL, PRIMARY KEY (device, kind, version, digest))",
)
