"""Whether a state directory is its device's alone: whoever else could write there could become the device."""

import stat
from pathlib import Path

from yima.validator.errors import JournalError
from yima.validator.system.posix import owner
from yima.validator.texts import Text

OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


def refuse_shared(directory: Path) -> None:
    """Raises JournalError where the directory is somebody else's, or where others may write; OSError where it cannot be
    looked at. Where modes tell nothing, as on Windows, nothing is refused."""
    found, mine = directory.stat(), owner()
    if mine is None:
        return
    if found.st_uid != mine:
        raise JournalError(
            directory,
            Text(
                f"belongs to user {found.st_uid}, and this is user {mine}",
                f"属于用户 {found.st_uid}，而当前用户为 {mine}",
            ),
            Text(
                "Run as its owner; or, if it is this device's: chown -R",
                "请以其所有者身份运行；确认属于本设备时可 chown -R",
            ),
        )
    if found.st_mode & OTHERS_MAY_WRITE:
        raise JournalError(
            directory,
            Text(
                f"may be written by others (mode {stat.S_IMODE(found.st_mode):o}): they could plant a key or a journal",
                f"其他用户可写（权限 {stat.S_IMODE(found.st_mode):o}），可能被植入密钥或日志",
            ),
            Text(f"If nobody did: chmod go-w {directory}", f"如确认未被改动：chmod go-w {directory}"),
        )
