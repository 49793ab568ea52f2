"""The tables of the collector's SQLite file, and how a file of an older form becomes one of today's."""

from yima.sdk.centre.collector.durable import FileKind
from yima.validator.errors import Kind, YimaError
from yima.validator.texts import Text


class StoreError(YimaError):
    """A store that cannot be written or trusted; nothing was acknowledged that is not in it."""

    kind = Kind.STATE


BATCHES = """CREATE TABLE batches (
            id INTEGER PRIMARY KEY, device TEXT NOT NULL, epoch INTEGER NOT NULL,
            first INTEGER NOT NULL, last INTEGER NOT NULL, form INTEGER NOT NULL,
            key TEXT NOT NULL, signature TEXT NOT NULL, body BLOB, received INTEGER NOT NULL) STRICT"""

HEADS = """CREATE TABLE heads (
            device TEXT NOT NULL, epoch INTEGER NOT NULL, acknowledged INTEGER NOT NULL, hash BLOB NOT NULL,
            rejected INTEGER NOT NULL, conflicts INTEGER NOT NULL, last_at INTEGER NOT NULL,
            PRIMARY KEY (device, epoch)) STRICT, WITHOUT ROWID"""

STATEMENTS = """CREATE TABLE statements (
            id INTEGER PRIMARY KEY, device TEXT NOT NULL, said BLOB NOT NULL,
            key TEXT NOT NULL, signature TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL) STRICT"""

STATEMENTS_INDEX = "CREATE INDEX statements_of ON statements (device, id)"

KIND = FileKind(
    application_id=0x59694D63,  # "YiMc"
    version=4,
    schema=(
        "CREATE TABLE keys (device TEXT PRIMARY KEY, key TEXT NOT NULL, since INTEGER NOT NULL) STRICT",
        """CREATE TABLE entries (
            device TEXT NOT NULL, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL,
            form INTEGER NOT NULL, kind INTEGER NOT NULL,
            at INTEGER NOT NULL, time_trusted INTEGER NOT NULL, tick_ms INTEGER NOT NULL, reason INTEGER NOT NULL,
            content BLOB NOT NULL, previous BLOB NOT NULL, hash BLOB NOT NULL,
            rejected TEXT, received INTEGER NOT NULL,
            PRIMARY KEY (device, epoch, sequence)) STRICT""",
        """CREATE TABLE conflicts (
            device TEXT NOT NULL, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL,
            form INTEGER NOT NULL, kind INTEGER NOT NULL,
            at INTEGER NOT NULL, time_trusted INTEGER NOT NULL, tick_ms INTEGER NOT NULL, reason INTEGER NOT NULL,
            content BLOB NOT NULL, previous BLOB NOT NULL, hash BLOB NOT NULL, received INTEGER NOT NULL,
            PRIMARY KEY (device, epoch, sequence, hash)) STRICT""",
        BATCHES,
        HEADS,
        STATEMENTS,
        STATEMENTS_INDEX,
    ),
    upgrades={
        1: (
            BATCHES,
            *(
                f"ALTER TABLE {table} {change}"
                for table in ("entries", "conflicts")
                for change in (
                    "RENAME COLUMN record TO content",
                    "ADD COLUMN form INTEGER NOT NULL DEFAULT 1",
                    "ADD COLUMN kind INTEGER NOT NULL DEFAULT 1",
                )
            ),
        ),
        2: (
            HEADS,
            """INSERT INTO heads SELECT e.device, e.epoch, max(e.sequence),
                (SELECT hash FROM entries l WHERE l.device = e.device AND l.epoch = e.epoch
                    ORDER BY l.sequence DESC LIMIT 1),
                count(e.rejected),
                (SELECT count(*) FROM conflicts c WHERE c.device = e.device AND c.epoch = e.epoch), max(e.at)
                FROM entries e GROUP BY e.device, e.epoch""",
        ),
        3: (STATEMENTS, STATEMENTS_INDEX),
    },
    error=StoreError,
    start_over=Text(
        "Keep the file and restore the last good copy, or give another --store: devices send again what it lacks",
        "请保留此文件并恢复最近的完好备份，或另选 --store：设备会补发缺少的记录",
    ),
)
