"""A SQLite file that keeps its word: what a transaction committed is on stable storage, or an error says why not.

The store of the collector is such a file. The rules:

- WAL with `synchronous=FULL`: set, then read back and asserted; a library's default is not trusted.
- One process writes, unless the file is made for several. A lock file beside the database (released by the system when
  the process dies) holds its process id, so that a second one is told who is in the way.
- Nothing is repaired by guessing: a file that SQLite finds damaged is refused, with what to do.
- Every SQLite error becomes one that names the file, says what is wrong and what to do.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from yima.validator.errors import YimaError
from yima.validator.system.disk import flush_folder
from yima.validator.system.locks import HeldError, hold
from yima.validator.texts import Text

BUSY_MS = 1000  # how long a foreign reader or backup tool may hold the file before a commit gives up
TURN_MS = 30_000  # the same where several of our own processes write in turn: a list of a city's devices takes seconds
QUICK_CHECK_BYTES = 64 << 20  # up to this size every page is looked at when opening
SYNCHRONOUS_FULL = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class FileKind:
    """What sort of file it is: how to know it, how to make it, how to speak of it.

    application_id and version go into SQLite's header. schema is run once, in one transaction, in a new file; upgrades
    by version: what makes a file of that version one of the next. start_over: what to do with a damaged one.
    """

    application_id: int
    version: int
    schema: tuple[str, ...]
    error: type[YimaError]
    start_over: Text
    upgrades: Mapping[int, tuple[str, ...]] = field(default_factory=dict)


class DurableFile:
    """One SQLite file with its lock. Threads may share it: transactions take turns, and so do readings, each on a
    connection of their own. Whoever reads keeps no transaction waiting.

    max_bytes bounds the database; beyond it a commit fails as on a full disk. read_only takes no lock and changes
    nothing: it looks at a file that another process may be writing. Without alone several processes write in turn.
    """

    def __init__(
        self,
        path: Path,
        kind: FileKind,
        *,
        max_bytes: int | None = None,
        read_only: bool = False,
        alone: bool = True,
    ) -> None:
        self.path = path
        self.kind = kind
        self._wait_ms = BUSY_MS if alone else TURN_MS
        self._turn, self._reading_turn = threading.Lock(), threading.Lock()
        self._reader: sqlite3.Connection | None = None
        self._lock_fd = -1
        if read_only and not path.exists():
            raise self.trouble(Text("there is no such file", "文件不存在"), Text("Check the path", "请检查路径"))
        try:
            if not read_only:
                self._lock_fd = self._lock() if alone else -1
                # Trips are personal: the files beside the database take its mode.
                os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._connection: sqlite3.Connection | None = self._connect("ro" if read_only else "rw")
            self._prepare(self._connection, max_bytes, read_only=read_only)
            status = path.stat()
            self._identity = (status.st_dev, status.st_ino)
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise self.explain(error) from error
        except YimaError:
            self.close()
            raise

    def _connect(self, mode: str) -> sqlite3.Connection:
        return sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode={mode}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=self._wait_ms / 1000,
        )

    def _lock(self) -> int:
        lock_path = self.path.with_name(self.path.name + ".lock")
        try:
            return hold(lock_path)
        except HeldError as held:
            raise self.trouble(
                Text(f"in use by process {held.holder}", f"正被进程 {held.holder} 使用"),
                Text(
                    "One process writes one file: stop that one, or give this one another place",
                    "一个文件只能由一个进程写入：请停止该进程，或另选位置",
                ),
            ) from None

    def _prepare(self, connection: sqlite3.Connection, max_bytes: int | None, *, read_only: bool) -> None:
        connection.execute("PRAGMA trusted_schema=OFF")
        connection.execute("PRAGMA cell_size_check=ON")
        new = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0
        if not new or read_only:
            self._recognise(connection)
        if read_only:
            return
        mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA fullfsync=ON")  # macOS: through the drive's own memory; elsewhere nothing
        synchronous = connection.execute("PRAGMA synchronous").fetchone()[0]
        if mode != "wal" or synchronous != SYNCHRONOUS_FULL:
            raise self.trouble(
                Text(
                    f"cannot be written durably here (journal_mode {mode}, synchronous {synchronous})",
                    f"此处无法可靠写入（journal_mode {mode}，synchronous {synchronous}）",
                ),
                Text("Put it on a local disk, not a network share", "请放在本地磁盘上，不要放在网络共享目录"),
            )
        if max_bytes is not None:
            page_size = connection.execute("PRAGMA page_size").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count={max(1, max_bytes // page_size)}")
        if new:
            self._create(connection)
        elif self.path.stat().st_size <= QUICK_CHECK_BYTES:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok":
                raise self.damaged(" ".join(str(found).split()))
        if not new:
            self._upgrade(connection)

    def _upgrade(self, connection: sqlite3.Connection) -> None:
        for version in range(connection.execute("PRAGMA user_version").fetchone()[0], self.kind.version):
            connection.execute("BEGIN IMMEDIATE")
            for statement in self.kind.upgrades[version]:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version={version + 1}")
            connection.execute("COMMIT")

    def _recognise(self, connection: sqlite3.Connection) -> None:
        application_id = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if application_id != self.kind.application_id:
            raise self.trouble(
                Text("a SQLite file of something else", "是其他程序的 SQLite 文件"),
                Text("Give another place", "请另选位置"),
            )
        if version > self.kind.version:
            raise self.trouble(
                Text(
                    f"made by a newer version (format {version}, this one knows {self.kind.version})",
                    f"由更新的版本创建（格式 {version}，本版本支持到 {self.kind.version}）",
                ),
                Text("Install that version, or give another place", "请安装新版本，或另选位置"),
            )

    def _create(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(f"PRAGMA application_id={self.kind.application_id}")
        connection.execute(f"PRAGMA user_version={self.kind.version}")
        for statement in self.kind.schema:
            connection.execute(statement)
        connection.execute("COMMIT")
        # SQLite syncs its files; that the directory knows them after a power cut is for us to see to.
        flush_folder(self.path.absolute().parent)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One durable transaction: committed when the block ends, rolled back when it raises.

        Raises the kind's error. Then nothing was stored, with one exception that no database can exclude: if the disk
        failed while syncing and the power goes before the next commit, the transaction may reappear.
        """
        with self._turn:
            connection = self._open_connection()
            self._still_there()
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except BaseException as error:
                if connection.in_transaction:
                    with suppress(sqlite3.Error):  # the first error is the one to tell
                        connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    raise self.explain(error) from error
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection for a few selects, of what was committed before."""
        with self._reading_turn:
            self._open_connection()
            try:
                if self._reader is None:
                    self._reader = self._connect("ro")
                    self._reader.execute("PRAGMA trusted_schema=OFF")
                yield self._reader
            except sqlite3.Error as error:
                raise self.explain(error) from error

    def _open_connection(self) -> sqlite3.Connection:
        if self._connection is None:
            raise self.trouble(Text("is closed", "已关闭"), Text("Open it again", "请重新打开"))
        return self._connection

    def _still_there(self) -> None:
        """A file that was deleted or moved away while open would take records and lose them with the last handle."""
        try:
            status = self.path.stat()
        except OSError as error:
            raise self.explain(error) from error
        if (status.st_dev, status.st_ino) != self._identity:
            raise self.trouble(
                Text("was replaced while in use", "在使用中被替换"),
                Text("Put the original back, then start again", "请放回原文件后重新启动"),
            )

    def close(self) -> None:
        """Checkpoints, closes and unlocks; twice is once."""
        with self._reading_turn, self._turn:
            reader, self._reader = self._reader, None
            connection, self._connection = getattr(self, "_connection", None), None
            for one in (reader, connection):
                if one is not None:
                    one.close()
            if self._lock_fd >= 0:
                os.close(self._lock_fd)
                self._lock_fd = -1

    def trouble(self, problem: Text, remedy: Text) -> YimaError:
        """An error of this file's kind."""
        return self.kind.error(self.path, problem, remedy)

    def damaged(self, what: str) -> YimaError:
        """The error for a file that cannot be trusted any more."""
        return self.trouble(Text(f"is damaged ({what})", f"已损坏（{what}）"), self.kind.start_over)

    def explain(self, error: sqlite3.Error | OSError) -> YimaError:
        """A SQLite or system error in the engineer's terms."""
        if isinstance(error, OSError):
            return self.trouble(
                Text(f"cannot be used: {error.strerror}", f"无法使用：{error.strerror}"),
                Text("Check that the directory exists and may be written", "请检查目录是否存在并可写"),
            )
        code = getattr(error, "sqlite_errorname", "")
        for prefix, problem, remedy in SQLITE_TROUBLES:
            if code.startswith(prefix):
                return self.trouble(problem, remedy or self.kind.start_over)
        return self.trouble(
            Text(f"SQLite says {error} ({code})", f"SQLite 报错：{error}（{code}）"),
            Text("Check the disk and the file's permissions", "请检查磁盘和文件权限"),
        )


# SQLite's result code (its prefix), what it means here, and what to do; no remedy: the kind's own start_over.
SQLITE_TROUBLES: tuple[tuple[str, Text, Text | None], ...] = (
    (
        "SQLITE_FULL",
        Text("the disk, or the space set for this file, is full", "磁盘或为此文件设定的空间已满"),
        Text("Free space or raise the limit; nothing recorded is lost", "请释放空间或提高上限；已记录的数据不会丢失"),
    ),
    (
        "SQLITE_BUSY",
        Text("locked by another program", "被其他程序锁定"),
        Text(
            "Close the program that holds it open (a database browser, a backup)",
            "请关闭占用它的程序（数据库浏览器、备份工具）",
        ),
    ),
    (
        "SQLITE_READONLY",
        Text("is read-only", "为只读"),
        Text("Make the file and its directory writable for this user", "请使该文件及其目录对当前用户可写"),
    ),
    (
        "SQLITE_CANTOPEN",
        Text("cannot be opened", "无法打开"),
        Text("Check that the directory exists and may be written by this user", "请检查目录是否存在并对当前用户可写"),
    ),
    ("SQLITE_NOTADB", Text("is no database, or its beginning is destroyed", "不是数据库，或文件开头已被破坏"), None),
    ("SQLITE_CORRUPT", Text("is damaged", "已损坏"), None),
    (
        "SQLITE_IOERR",
        Text("the disk reports an error", "磁盘读写错误"),
        Text("Check the disk and its free space; replace a worn-out card", "请检查磁盘及其剩余空间；更换老化的存储卡"),
    ),
)
