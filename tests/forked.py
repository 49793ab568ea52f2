"""`yima` as a process that need not import first: a server that has imported every verb forks one for each command.

It is `yima` as it is typed: a process with its own number, folder, environment, streams and exit status, that can be
killed. Only its start is another: what a start itself must do is for tests that start Python.
A shell types `python -S -E tests/forked.py SOCKET WORD…`, which says what the command says and ends as it ends.
The server serves all workers of a run, and ends with the run.
"""

import contextlib
import json
import os
import select
import signal
import socket
import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:  # whatever a shell's command imports, it pays each time
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import pytest

_NUMBER = 8


def server_of(factory: "pytest.TempPathFactory") -> str:
    """The socket of this run's server."""
    import subprocess

    from tests.once import once

    def make(folder: "Path") -> None:
        run = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
        subprocess.run([sys.executable, "-P", __file__, "--serve", folder / "socket", str(run)], check=True)

    return str(once(factory, "forked", make) / "socket")


class Forked:
    """A `yima WORD…` that has begun. server: its socket. streams: descriptors of its standard input, output and error.
    pid: its process."""

    def __init__(
        self, server: str, words: "Sequence[str]", streams: "Sequence[int]", environment: "Mapping[str, str]"
    ) -> None:
        asked = json.dumps([list(words), os.getcwd(), dict(environment)]).encode()  # noqa: PTH109 - see the imports
        with contextlib.ExitStack() as unless_it_begins:
            self._connection = unless_it_begins.enter_context(socket.socket(socket.AF_UNIX))
            self._connection.connect(server)
            socket.send_fds(self._connection, [len(asked).to_bytes(_NUMBER)], list(streams))
            self._connection.sendall(asked)
            self.pid = _number(self._connection)
            unless_it_begins.pop_all()

    def send_signal(self, number: int) -> None:
        """To one that has ended already, none."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status as subprocess has it, minus the signal's number for one that was killed. Raises TimeoutError.
        Once only."""
        self._connection.settimeout(timeout)
        with self._connection:
            return _number(self._connection)


@contextlib.contextmanager
def silent(server: str, words: "Sequence[str]") -> "Iterator[Forked]":
    """A command of which nobody hears what it says; gone when the block ends however it ends."""
    nothing = os.open(os.devnull, os.O_RDWR)
    try:
        process = Forked(server, words, [nothing] * 3, os.environ)
    finally:
        os.close(nothing)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _number(connection: socket.socket) -> int:
    return int.from_bytes(_exactly(connection, _NUMBER), signed=True)


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def _serve(path: str, run: int) -> None:
    """Goes into the background when it listens, and forks for each that connects, until the process `run` ends."""
    import gc
    from importlib.metadata import entry_points

    from yima.sdk.cli.main import main

    for verb in entry_points(group="yima.commands"):
        verb.load()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
        end = os.pidfd_open(run)
        waited: list[socket.socket | int] = [listening, end]
        if os.fork():
            return
        while end not in select.select(waited, [], [])[0]:
            connection, _ = listening.accept()
            if os.fork():
                connection.close()
                continue
            listening.close()
            os.close(end)
            words = _keep(connection)
            sys.exit(main(words))


def _keep(connection: socket.socket) -> list[str]:
    """In a process of its own: begins the command, where its words are returned; the keeper tells whoever asked how it
    ended, and ends it where that one ends first."""
    size, streams, *_ = socket.recv_fds(connection, _NUMBER, 3)
    words, folder, environment = json.loads(_exactly(connection, int.from_bytes(size)))
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid:
        _tell(connection, pid, streams)
    connection.close()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin = open(0, encoding=sys.stdin.encoding, closefd=False)  # noqa: SIM115 - to its end
    sys.stdout = open(1, "w", encoding=sys.stdout.encoding, closefd=False)  # noqa: SIM115
    sys.stderr = open(  # noqa: SIM115
        2, "w", 1, encoding=sys.stderr.encoding, errors="backslashreplace", closefd=False
    )
    sys.argv = ["yima", *words]
    return list(words)


def _tell(connection: socket.socket, pid: int, streams: list[int]) -> NoReturn:
    for number in streams:
        os.close(number)
    ended = os.pidfd_open(pid)
    waited: list[socket.socket | int] = [ended, connection]
    try:
        connection.sendall(pid.to_bytes(_NUMBER))
        if ended not in select.select(waited, [], [])[0]:
            os.kill(pid, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        connection.sendall(status.to_bytes(_NUMBER, signed=True))
    finally:
        os._exit(0)


def _as_a_shell_has_it(server: str, words: list[str]) -> int:
    status = Forked(server, words, (0, 1, 2), os.environ).wait()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        _serve(sys.argv[2], int(sys.argv[3]))
    else:
        sys.exit(_as_a_shell_has_it(sys.argv[1], sys.argv[2:]))
