"""What only POSIX has: what is done without it, and how it is said where nothing can be done."""

import os
import shutil
import socket
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from yima.validator.errors import Kind, YimaError
from yima.validator.texts import Text

give_way: Final[Callable[[], None]] = getattr(os, "sched_yield", partial(time.sleep, 0))
"""Lets whoever waits for this processor go first."""


def processors() -> int:
    """How many of them this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class PosixNeededError(YimaError):
    """A part that cannot run on this system."""

    kind = Kind.USAGE


def has_posix() -> bool:
    """Whether there are pseudo-terminals and local sockets."""
    return hasattr(os, "openpty") and hasattr(socket, "AF_UNIX")


def need_posix(thing: str) -> None:
    """Raises PosixNeededError where there are no pseudo-terminals and local sockets."""
    if not has_posix():
        raise PosixNeededError(
            thing,
            Text(
                "needs pseudo-terminals and local sockets, as Linux and macOS have",
                "需要 Linux 或 macOS 的伪终端与本地套接字",
            ),
            Text(
                "Run it there; on Windows in WSL (wsl --install), with Yima installed inside",
                "请在该系统上运行；Windows 上请使用 WSL（wsl --install），并在其中安装",
            ),
        )


def ending_with_us(words: Sequence[str]) -> list[str]:
    """The command of a program that is to end when the thread that starts it does, however that ends: Linux has setpriv
    for it. Elsewhere the command as it is."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", *words] if setpriv else [*words]


def owner() -> int | None:
    """The user who runs us; None where files tell by their modes neither whose they are nor who may read them, as on
    Windows, whose access lists are the administrator's matter."""
    return os.geteuid() if hasattr(os, "geteuid") else None


def others_may_read(mode: int) -> bool:
    """Whether a file of that st_mode may be read, or more, by others than its owner; no where modes tell nothing."""
    return owner() is not None and bool(mode & 0o077)
