"""A Python as Windows has it, as far as Linux can play it: `python -m tests.without_posix VERB …` is `yima VERB …`.

Modules that only POSIX has cannot be imported, and os, signal, socket, select and time lack what Windows lacks. What
Python itself needs of them is loaded first: there, Windows has another form of it.

Two stand-ins, whose semantics are ours and not Windows' own:
- msvcrt.locking locks a range of bytes for one open file, seen by other processes (Linux' open-file locks); a range
  that somebody has is refused at once with EACCES. Unlike Windows', the lock is not mandatory for readers.
- pyserial's back-end knows no port; each is refused as serialwin32 refuses one that is not there.
"""

# What Python has in another form on Windows, loaded while it still finds this system's.
import asyncio  # noqa: F401
import ctypes.util  # noqa: F401
import errno
import functools
import getpass  # noqa: F401
import glob  # noqa: F401
import importlib
import io
import json
import logging.handlers  # noqa: F401
import multiprocessing.pool  # noqa: F401
import os
import platform
import random  # noqa: F401
import select
import shutil  # noqa: F401
import signal
import socket
import struct
import subprocess  # noqa: F401
import sys
import tempfile  # noqa: F401
import time
import types
import uuid  # noqa: F401
import webbrowser  # noqa: F401
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

platform.uname()

MODULES = ("fcntl", "termios", "tty", "pty", "resource", "grp", "pwd", "syslog", "crypt", "spwd", "nis", "readline",
           "curses", "_curses", "posixshmem", "_posixshmem")  # fmt: skip
OF_OS = [
    "O_ACCMODE", "O_ASYNC", "O_CLOEXEC", "O_DIRECT", "O_DIRECTORY", "O_DSYNC", "O_EXLOCK", "O_LARGEFILE", "O_NDELAY",
    "O_NOATIME", "O_NOCTTY", "O_NOFOLLOW", "O_NONBLOCK", "O_PATH", "O_RSYNC", "O_SHLOCK", "O_SYNC", "O_TMPFILE",
    "POSIX_FADV_DONTNEED", "POSIX_FADV_NORMAL", "POSIX_FADV_WILLNEED", "WIFEXITED", "WIFSIGNALED", "WEXITSTATUS",
    "WTERMSIG", "WNOHANG", "SCHED_OTHER", "RTLD_LAZY", "chown", "chroot", "copy_file_range", "ctermid", "eventfd",
    "fchdir", "fchmod", "fchown", "fdatasync", "fork", "forkpty", "fpathconf", "fstatvfs", "getegid", "geteuid",
    "getgid", "getgroups", "getloadavg", "getpgid", "getpgrp", "getpriority", "getrandom", "getresuid", "getsid",
    "getuid", "getxattr", "initgroups", "killpg", "lchown", "listxattr", "lockf", "major", "makedev", "memfd_create",
    "minor", "mkfifo", "mknod", "nice", "openpty", "pathconf", "pidfd_open", "pipe2", "posix_fadvise",
    "posix_fallocate", "posix_spawn", "pread", "preadv", "pwrite", "pwritev", "readv", "register_at_fork",
    "sched_get_priority_max", "sched_getaffinity", "sched_setaffinity", "sched_yield", "sendfile", "set_blocking",
    "get_blocking", "setegid", "seteuid", "setgid", "setpgid", "setsid", "setuid", "setxattr", "splice", "statvfs",
    "sync", "sysconf", "tcgetpgrp", "tcsetpgrp", "ttyname", "wait", "wait3", "wait4", "waitid", "writev",
]  # fmt: skip
OF_SIGNAL = [
    "SIGALRM", "SIGBUS", "SIGCHLD", "SIGCONT", "SIGHUP", "SIGIO", "SIGKILL", "SIGPIPE", "SIGPROF", "SIGQUIT",
    "SIGSTOP", "SIGSYS", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGUSR1", "SIGUSR2", "SIGVTALRM", "SIGWINCH",
    "alarm", "pause", "pthread_kill", "pthread_sigmask", "setitimer", "sigpending", "sigwait", "siginterrupt",
]  # fmt: skip

_SETTING = 37  # F_OFD_SETLK of Linux


def _locking(setting: object) -> types.ModuleType:
    """The stand-in for msvcrt."""
    made = types.ModuleType("msvcrt")

    def locking(descriptor: int, mode: int, count: int) -> None:
        kind = 2 if mode == made.LK_UNLCK else 1  # F_UNLCK, F_WRLCK
        at = os.lseek(descriptor, 0, os.SEEK_CUR)
        try:
            setting(descriptor, _SETTING, struct.pack("hhqqi4x", kind, 0, at, count, 0))  # type: ignore[operator]
        except BlockingIOError:
            raise PermissionError(errno.EACCES, "Permission denied") from None

    vars(made).update(LK_UNLCK=0, LK_LOCK=1, LK_NBLCK=2, LK_RLCK=3, LK_NBRLCK=4, locking=locking)
    return made


def _no_ports() -> None:
    """The stand-in for pyserial's back-end of this system, which was loaded while it still could be."""
    import serial

    class Serial(serial.SerialBase):  # type: ignore[misc]
        def open(self) -> None:
            error = FileNotFoundError(2, "The system cannot find the file specified.")
            raise serial.SerialException(f"could not open port {self.portstr!r}: {error!r}")

    serial.Serial = Serial


def become() -> None:
    """Makes this process such a Python."""
    import fcntl

    msvcrt = _locking(fcntl.fcntl)
    _no_ports()
    for name in MODULES:
        sys.modules[name] = None  # type: ignore[assignment]
    for name in OF_OS:
        if hasattr(os, name):
            delattr(os, name)
    for name in OF_SIGNAL:
        if hasattr(signal, name):
            delattr(signal, name)
    socket.socketpair = functools.partial(socket.socketpair, socket.AF_UNIX)
    del socket.AF_UNIX
    for name in ("poll", "epoll"):
        delattr(select, name)
    for name in [name for name in vars(time) if name.startswith(("clock_", "CLOCK_", "pthread_"))]:
        delattr(time, name)
    sys.modules["msvcrt"] = msvcrt


def _each(lines: list[str]) -> int:
    """Runs command lines one after the other, each the JSON of its words; prints for each the JSON of its exit status,
    output and errors. `modules NAME …` imports modules and tells which cannot be."""
    from yima.sdk.cli.main import main as command

    for line in lines:
        with redirect_stdout(io.StringIO()) as output, redirect_stderr(io.StringIO()) as errors:
            verb, *words = json.loads(line)
            status = _import(words) if verb == "modules" else command([verb, *words])
        print(json.dumps([status, output.getvalue(), errors.getvalue()]))
    return 0


def _import(names: list[str]) -> int:
    """Imports each; prints those that cannot be, a line each, and why."""
    failed = 0
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as error:  # whatever it is, it is told
            failed += 1
            print(f"{name}: {type(error).__name__}: {error}")
    return 1 if failed else 0


def _hold(path: str) -> int:
    """Holds a lock until it is killed."""
    from yima.validator.system.locks import hold

    Path(path).parent.mkdir(exist_ok=True)
    hold(Path(path))
    print("held", flush=True)
    time.sleep(60)
    return 1


def main() -> int:
    """`yima` in it; `each LINE …` runs one command line after the other; `hold PATH` holds a lock."""
    become()
    if sys.argv[1:2] == ["each"]:
        return _each(sys.argv[2:])
    if sys.argv[1:2] == ["hold"]:
        return _hold(sys.argv[2])
    from yima.sdk.cli.main import main as command

    return command()


if __name__ == "__main__":
    sys.exit(main())
