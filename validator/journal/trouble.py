"""Errors of files and of what lies in them, in the terms of whoever has to mend it: what is wrong, and what to do."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from yima.validator.errors import JournalError
from yima.validator.journal.segments import DamagedError
from yima.validator.system.paths import is_folder
from yima.validator.texts import Text

_START_OVER = Text(
    "Move the journal's folder away and keep it, then start again: a new epoch begins. Send the old folder to whoever"
    " runs the collector",
    "请移走并保留日志文件夹后重新启动（将开始新的纪元），并把旧文件夹交给采集方",
)


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Errors of files in the engineer's terms."""
    try:
        yield
    except NotADirectoryError as error:
        raise _no_journal(folder) from error
    except FileNotFoundError as error:
        if is_folder(folder):
            raise _trouble(folder, error) from error
        raise _no_journal(folder) from error
    except DamagedError as error:
        raise damaged(folder, str(error)) from error
    except OSError as error:
        raise _trouble(folder, error) from error


def damaged(folder: Path, what: str) -> JournalError:
    """The error for a journal that is not as it was written."""
    return JournalError(folder, Text(f"is damaged ({what})", f"已损坏（{what}）"), _START_OVER)


def _no_journal(folder: Path) -> JournalError:
    return JournalError(
        folder,
        Text("there is no journal, or its disk is gone", "没有日志，或磁盘已断开"),
        Text("Check the path and the mount", "请检查路径和挂载"),
    )


def _trouble(folder: Path, error: OSError) -> JournalError:
    for numbers, problem, remedy in _TROUBLES:
        if error.errno in numbers:
            return JournalError(folder, problem, remedy)
    return JournalError(
        folder,
        Text(f"cannot be used: {error.strerror}", f"无法使用：{error.strerror}"),
        Text("Check that the folder exists and may be written by this user", "请检查文件夹是否存在并对当前用户可写"),
    )


_TROUBLES = (
    (
        {errno.ENOSPC, errno.EDQUOT},
        Text("the disk, or the space set for it, is full", "磁盘或为其设定的空间已满"),
        Text(
            "Free space, raise --journal-max-mb, or let the collector acknowledge; nothing recorded is lost",
            "请释放空间、提高 --journal-max-mb 或等待采集端确认；已记录的数据不会丢失",
        ),
    ),
    (
        {errno.EROFS, errno.EACCES, errno.EPERM},
        Text("cannot be written", "无法写入"),
        Text("Make it and what is in it writable for this user", "请使其及其中文件对当前用户可写"),
    ),
    (
        {errno.ELOOP},
        Text("a link lies in it where a file of its own belongs", "其中应为文件之处是链接"),
        Text(
            "Put the file itself there in the link's place; the folder as a whole may lie elsewhere, by a link",
            "请以文件本身替换该链接；整个文件夹可以是指向别处的链接",
        ),
    ),
    (
        {errno.EIO, errno.ENODEV, errno.ENXIO, errno.ENOENT, errno.ESTALE},
        Text("its disk reports an error, or is gone", "磁盘出错或已断开"),
        Text(
            "Check the disk and its mount, then start again; replace a worn-out card",
            "请检查磁盘及其挂载后重新启动；更换老化的存储卡",
        ),
    ),
)
