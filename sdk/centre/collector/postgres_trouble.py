"""What goes wrong with a PostgreSQL database, in the engineer's terms."""

from typing import Any

from yima.sdk.centre.collector.schema import StoreError
from yima.validator.remedies import missing_module
from yima.validator.texts import Text

_FULL, _READ_ONLY, _TIMEOUT, _ABANDONED = "53100", "25006", "57014", "25P03"
_LOST = {"08", "53", "57"}


def server(url: str) -> Any:
    """psycopg, where it is installed and the address is one. Raises StoreError."""
    try:
        import psycopg  # noqa: PLC0415 - an extra
    except ImportError as error:
        lacks = error if isinstance(error, ModuleNotFoundError) else ModuleNotFoundError(name="psycopg")
        raise StoreError("--store", *missing_module(lacks, wanted=["postgres"])) from error
    try:
        psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.Error:
        raise StoreError(  # libpq repeats what it cannot read, and that may be a password
            "--store",
            Text("is no address of a database", "不是数据库地址"),
            Text(
                "Write postgresql://user@host/database, a space as %20, the password into ~/.pgpass",
                "格式如 postgresql://user@host/database，空格写作 %20，密码请放入 ~/.pgpass",
            ),
        ) from None
    return psycopg


def shown(url: str) -> str:
    """An address without its password."""
    from psycopg import conninfo  # noqa: PLC0415 - an extra

    said = conninfo.conninfo_to_dict(url)
    user = f"{said['user']}@" if said.get("user") else ""
    port = f":{said['port']}" if said.get("port") else ""
    return f"postgresql://{user}{said.get('host') or ''}{port}/{said.get('dbname') or ''}"


def explained(psycopg: Any, name: str, error: Exception) -> StoreError:
    """An error of psycopg."""
    state = getattr(error, "sqlstate", None)
    said = _one_line(error)
    if state == _FULL:
        return StoreError(
            name,
            Text("the database's disk is full", "数据库磁盘已满"),
            Text("Free space; nothing recorded is lost", "请释放空间；已记录的数据不会丢失"),
        )
    if state == _READ_ONLY:
        return StoreError(
            name,
            Text("the server is a standby, or read-only", "服务器为备库或只读"),
            Text("Give the address of the primary", "请使用主库地址"),
        )
    if state == _TIMEOUT:
        return StoreError(
            name,
            Text("the database takes too long", "数据库响应超时"),
            Text("Look for locks and for a slow disk", "请检查锁等待与磁盘速度"),
        )
    lost = isinstance(error, psycopg.OperationalError) if state is None else state[:2] in _LOST or state == _ABANDONED
    if lost:
        return StoreError(
            name,
            Text(f"the database cannot be reached: {said}", f"无法连接数据库：{said}"),
            Text(
                "Check that PostgreSQL runs and the address (no password: ~/.pgpass); devices keep what they have",
                "请检查 PostgreSQL 是否运行及地址（密码请放入 ~/.pgpass）；终端会保留数据",
            ),
        )
    return StoreError(
        name,
        Text(f"PostgreSQL says {said}", f"PostgreSQL 报错：{said}"),
        Text("Check the user's rights and the tables", "请检查用户权限和表结构"),
    )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
