"""The processes of a demonstration: real ones, started, listened to and stopped.

Rules it keeps:
- What a process says on stdout is read as it comes, one JSON object a line; what it says on stderr is kept and shown
  when it fails.
- Every process that was started is ended, also after Ctrl-C and after an error: SIGTERM first, SIGKILL if it must be.
"""

import contextlib
import os
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from yima.validator.errors import YimaError
from yima.validator.outside import json_of
from yima.validator.texts import Text

_STDERR_LINES = 40
STATUS_S = 5.0  # between closing its output and being gone


class ProcessError(YimaError):
    """A process of the demonstration failed."""


class Process:
    """One `yima` command in a process of its own.

    name: how it is called in messages. arguments: of the `yima` command. Its standard input is closed.
    """

    def __init__(self, name: str, arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self.name = name
        self._stopping = False
        self._said: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._complaints: deque[str] = deque(maxlen=_STDERR_LINES)
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "yima.sdk.cli.main", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            bufsize=1,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
            start_new_session=True,  # Ctrl-C is for us; we then end it in order
        )
        self._threads = [
            threading.Thread(target=self._listen, name=f"{name} stdout", daemon=True),
            threading.Thread(target=self._note, name=f"{name} stderr", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def said(self, timeout_s: float) -> dict[str, Any] | None:
        """The next object it prints, None when none came within timeout_s.

        Raises ProcessError when it has ended without having been asked to.
        """
        try:
            line = self._said.get(timeout=max(timeout_s, 0))
        except queue.Empty:
            return None
        if line is None and self._stopping:
            return None
        if line is None:
            raise self.ended_by_itself()
        return line

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._popen.pid

    def running(self) -> bool:
        """Whether it is still there."""
        return self._popen.poll() is None

    def stop(self, timeout_s: float) -> None:
        """Asks it to end (SIGTERM) and waits. Raises ProcessError if it does not end in time, or ends with an error."""
        self._stopping = True
        with contextlib.suppress(ProcessLookupError):
            self._popen.terminate()
        try:
            status = self._popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise self.failed(Text(f"did not end within {timeout_s:.0f} s", f"{timeout_s:.0f} 秒内未退出")) from None
        self._close()
        if status != 0:
            raise self.failed(Text(f"ended with status {status}", f"退出状态 {status}"))

    def kill(self) -> None:
        """Ends it at once, if it has not ended; lets go of its output."""
        with contextlib.suppress(ProcessLookupError):
            self._popen.kill()
        self._popen.wait(10)
        self._close()

    def failed(self, problem: Text) -> ProcessError:
        """An error that shows what the process said last on stderr."""
        time.sleep(0.1)  # its last words may still be on their way
        words = "\n".join(self._complaints) or "(nothing on stderr)"
        remedy = Text(f"It said:\n{words}\n", f"其输出：\n{words}\n")
        return ProcessError(self.name, problem, remedy)

    def ended_by_itself(self) -> ProcessError:
        """The error of a process that nobody asked to end."""
        status = self._popen.wait(STATUS_S)
        return self.failed(Text(f"ended by itself with status {status}", f"进程意外退出，状态 {status}"))

    def _listen(self) -> None:
        assert self._popen.stdout is not None
        for line in self._popen.stdout:
            try:
                said = json_of(line)
            except ValueError:
                self._complaints.append(line.rstrip())
                continue
            if isinstance(said, dict):
                self._said.put(said)
        self._said.put(None)

    def _note(self) -> None:
        assert self._popen.stderr is not None
        for line in self._popen.stderr:
            self._complaints.append(line.rstrip())

    def _close(self) -> None:
        for thread in self._threads:
            thread.join(timeout=5)
        for stream in (self._popen.stdout, self._popen.stderr):
            if stream is not None:
                stream.close()


class Processes:
    """All processes of one demonstration, as a context: none is left running when it ends."""

    def __init__(self) -> None:
        self._all: list[Process] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._all:
            process.kill()

    def start(self, name: str, arguments: Sequence[str]) -> Process:
        """Starts one."""
        process = Process(name, arguments)
        self._all.append(process)
        return process

    def check(self) -> None:
        """Raises ProcessError if one has ended that nobody asked to."""
        for process in self._all:
            if not process.running():
                raise process.ended_by_itself()
