"""`yima bench` as an engineer sees it: in a real terminal, with a scanner plugged in, until Ctrl-C."""

import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import whole_scanner
from tests.sdk.conftest import PAYMENT

_PATIENCE_S = 120


class Terminal:
    """A terminal of 100 by 60 characters in a tmux of its own."""

    def __init__(self, folder: Path) -> None:
        self._socket = f"yima-{uuid.uuid4().hex[:12]}"
        self._folder = folder

    def start(self, *words: str) -> None:
        """Runs a program in it; the terminal stays when the program has ended."""
        self._tmux("new-session", "-d", "-x", "100", "-y", "60", "-c", str(self._folder), *words)
        self._tmux("set-option", "-g", "remain-on-exit", "on")

    def press(self, key: str) -> None:
        """As on a keyboard, by tmux's names."""
        self._tmux("send-keys", key)

    def screen_with(self, text: str) -> str:
        """What stands in it, with what has scrolled by, once it has this."""
        until = time.monotonic() + _PATIENCE_S
        while True:
            seen = self._tmux("capture-pane", "-p", "-S", "-500")
            if text in seen or time.monotonic() > until:
                return seen
            time.sleep(0.1)

    def close(self) -> None:
        """Ends it and whatever runs in it."""
        subprocess.run(["tmux", "-L", self._socket, "kill-server"], check=False, capture_output=True)

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(["tmux", "-L", self._socket, "-u", *words], check=True, capture_output=True, text=True)
        return done.stdout


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """A terminal, which is closed behind the test."""
    if shutil.which("tmux") is None:
        pytest.fail("tmux is not installed: run make setup as root, or apt-get install tmux")
    one = Terminal(tmp_path)
    yield one
    one.close()


def test_an_engineer_sees_what_the_scanner_read_and_what_it_did_to_it(terminal: Terminal, code: bytes) -> None:
    scanner = whole_scanner()
    terminal.start(sys.executable, "-m", "yima.sdk.cli.main", "bench", f"serial:{scanner.path}")
    assert "show a code" in terminal.screen_with("show a code")
    scanner.scan(code)
    seen = terminal.screen_with("signature 签名 rider: valid")
    assert f"#1  {seen.partition('#1  ')[2].partition(' s')[0]} s  {len(code)} bytes 字节" in seen
    assert "signature 签名 issuer: valid" in seen
    assert PAYMENT not in seen
    scanner.scan(code.decode("latin-1").encode())
    assert "utf8-reencoded" in terminal.screen_with("utf8-reencoded")
    terminal.press("C-c")
    assert "2 read 读取, 1 whole 完整" in terminal.screen_with("2 read")
    scanner.close()
