"""Processes of the demonstration: listened to, stopped in order, and heard when they fail."""

import os
import signal
from pathlib import Path

import pytest

from yima.hwsim.processes import ProcessError, Processes


def collect(directory: Path) -> list[str]:
    return ["collect", "--listen", "127.0.0.1:0", "--store", str(directory / "trips.db"), "--bench", "--json"]


def test_a_process_is_heard_and_ends_when_asked(tmp_path: Path) -> None:
    with Processes() as processes:
        collector = processes.start("collector", collect(tmp_path))
        said = collector.said(20)
        assert said is not None
        assert said["event"] == "listening"
        assert collector.said(0.05) is None
        collector.stop(10)
        assert not collector.running()
        assert collector.said(0.05) == {"event": "stopped"}
        assert collector.said(0.05) is None


def test_a_process_that_fails_at_the_start_is_an_error_with_its_own_words(tmp_path: Path) -> None:
    with Processes() as processes:
        device = processes.start(
            "device", ["run", "--reader", "file:.", "--params", str(tmp_path / "none.toml"), "--state", str(tmp_path)]
        )
        with pytest.raises(ProcessError, match=r"(?s)device: ended by itself with status 6.*none\.toml"):
            device.said(20)


def test_a_process_that_was_killed_is_noticed(tmp_path: Path) -> None:
    with Processes() as processes:
        collector = processes.start("collector", collect(tmp_path))
        assert collector.said(20) is not None
        os.kill(collector.pid, signal.SIGKILL)
        with pytest.raises(ProcessError, match="ended by itself with status -9"):
            collector.said(5)
        with pytest.raises(ProcessError, match="ended by itself"):
            processes.check()


def test_none_is_left_running_when_the_demonstration_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), Processes() as processes:
        collector = processes.start("collector", collect(tmp_path))
        assert collector.said(20) is not None
        processes.check()
        raise ZeroDivisionError
    assert not collector.running()
