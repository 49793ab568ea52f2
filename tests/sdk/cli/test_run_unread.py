"""`yima run` whose output nobody reads: the gate goes on, and SIGTERM ends it."""

import fcntl
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import YIMA, environment, make_bench, recorded, run_words, running, tap_until_recorded, whole_scanner


@pytest.fixture
def unread() -> Iterator[int]:
    """The writing end of a pipe of one page, which nobody reads."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    yield writing
    os.close(writing)
    os.close(reading)


@pytest.mark.parametrize("more", [[], ["--json"]], ids=["for people", "as JSON"])
def test_a_pipe_that_nobody_reads_stops_no_tap(tmp_path: Path, unread: int, more: list[str]) -> None:
    make_bench(tmp_path)
    for number in range(60):
        (tmp_path / "codes" / f"{number}.bin").write_bytes(b"no code %d" % number)
    done = subprocess.run(
        [*YIMA, *run_words(tmp_path, *more)],
        stdout=unread, stderr=unread, env=environment(), timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert recorded(tmp_path) == 60


def test_sigterm_ends_a_run_whose_output_nobody_reads(tmp_path: Path, unread: int) -> None:
    make_bench(tmp_path)
    with whole_scanner() as line:
        words = run_words(tmp_path, reader=f"serial:{line.path}")
        with running(words, stdout=unread, stderr=unread) as process:
            tap_until_recorded(line, tmp_path, 40)
            process.send_signal(signal.SIGTERM)
            assert process.wait(200) == 0


def test_sigterm_ends_a_run_whose_gate_hangs(tmp_path: Path) -> None:
    make_bench(tmp_path)
    (tmp_path / "codes" / "1.bin").write_bytes(b"no code")
    program = (
        "import sys, time\n"
        "from yima.sdk.cli import ending, run\n"
        "from yima.sdk.cli.main import main\n"
        "from yima.validator.gates.console import ConsoleGate\n"
        "run.follow_signals = lambda stop, **more: ending.follow_signals(stop, **more, within_s=1)\n"
        "def hang(*_):\n"
        "    print('hangs', flush=True)\n"
        "    while True: time.sleep(1)\n"
        "ConsoleGate.refuse = hang\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    words = ["-c", program, *run_words(tmp_path, "--gate", "console:stderr")]
    with subprocess.Popen([YIMA[0], *words], stdout=subprocess.PIPE, text=True, env=environment()) as process:
        assert process.stdout is not None
        try:
            while "hangs" not in process.stdout.readline():
                pass
            process.send_signal(signal.SIGTERM)
            assert process.wait(200) == -signal.SIGALRM
        finally:
            process.kill()
