"""What is started beside us ends with us."""

import os
import shutil
import subprocess
import sys
import time

import pytest

from yima.validator.system.posix import ending_with_us

STARTS_ONE = """
import subprocess
from yima.validator.system.posix import ending_with_us
print(subprocess.Popen(ending_with_us(["sleep", "600"])).pid, flush=True)
input()
"""


def runs(process: int) -> bool:
    """Not so once it has ended, though nobody may have asked how."""
    told = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False)
    return told.stdout.strip()[:1] not in {"", "Z"}


@pytest.mark.skipif(not shutil.which("setpriv") or not shutil.which("ps"), reason="there is no setpriv, or no ps")
def test_a_program_ends_with_the_process_that_started_it_though_that_was_killed() -> None:
    command = [sys.executable, "-c", STARTS_ONE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as ours:
        assert ours.stdout is not None
        started = int(ours.stdout.readline())
        try:
            assert runs(started)
            ours.kill()
            ours.wait()
            deadline = time.monotonic() + 90
            while runs(started) and time.monotonic() < deadline:
                time.sleep(0.02)
            assert not runs(started)
        finally:
            if runs(started):
                os.kill(started, 9)


def test_the_command_is_run_as_it_is_where_there_is_no_setpriv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert ending_with_us(("qemu", "-M", "virt")) == ["qemu", "-M", "virt"]
