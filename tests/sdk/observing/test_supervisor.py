"""Word to the supervisor: ready with the first turn, fed by turns alone, stopping."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from yima.sdk.observing.supervisor import Supervisor, Turning
from yima.validator.judging import Moment


@pytest.fixture
def line(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(str(tmp_path / "notify"))
        made.setblocking(False)
        yield made


def heard(line: socket.socket) -> list[bytes]:
    found = []
    while True:
        try:
            found.append(line.recv(4096))
        except BlockingIOError:
            return found


class Quiet:
    def look(self, now: Moment) -> None:
        return None

    def until(self) -> int:
        return 1_790_000_000


def test_ready_is_said_once_and_the_watchdog_is_fed_by_turns_alone(line: socket.socket, tmp_path: Path) -> None:
    supervisor = Supervisor(
        {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "4", "WATCHDOG_PID": str(os.getpid())}
    )
    assert heard(line) == []
    turning = Turning(Quiet(), supervisor.turned)
    before = turning.at
    for _ in range(3):
        assert turning.look(Moment.at(1)) is None
    assert heard(line) == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1", b"WATCHDOG=1"]
    assert turning.at >= before
    assert turning.until() == 1_790_000_000
    supervisor.stopping()
    assert heard(line) == [b"STOPPING=1"]


@pytest.mark.parametrize(("allowed", "pid", "every"), [
    ("60000000", "", 15.0), ("", "", None), ("x", "", None), ("-4", "", None), ("60000000", "1", None),
    ("9" * 40, "", None),
])  # fmt: skip
def test_it_is_fed_four_times_in_the_time_allowed(allowed: str, pid: str, every: float | None) -> None:
    assert Supervisor({"WATCHDOG_USEC": allowed, "WATCHDOG_PID": pid}).feed_every_s == every


def test_within_a_quarter_of_the_time_it_is_fed_once(line: socket.socket, tmp_path: Path) -> None:
    supervisor = Supervisor({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "600000000"})
    for _ in range(50):
        supervisor.turned()
    assert heard(line) == [b"READY=1", b"WATCHDOG=1"]


def test_a_socket_without_a_file_is_spoken_to() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(f"\0yima-{os.getpid()}")
        Supervisor({"NOTIFY_SOCKET": f"@yima-{os.getpid()}"}).turned()
        assert line.recv(100) == b"READY=1"


def test_a_supervisor_that_hears_nothing_any_more_is_not_waited_for(line: socket.socket, tmp_path: Path) -> None:
    supervisor = Supervisor({"NOTIFY_SOCKET": str(tmp_path / "notify")})
    said = 5000  # more than wait on any line
    for _ in range(said):
        supervisor.stopping()
    assert 0 < len(heard(line)) < said


def test_nobody_listening_is_no_trouble(tmp_path: Path) -> None:
    for name in ("", str(tmp_path / "nowhere"), "x" * 500, "\0"):
        supervisor = Supervisor({"NOTIFY_SOCKET": name})
        supervisor.turned()
        supervisor.stopping()
