"""sdk/web/console in a real browser: what happens is on the page, in words, and nothing from outside becomes markup."""

import re
import shutil
import subprocess
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from tests.sdk.observing.looks import SEEN
from tests.sdk.observing.test_metrics import a_tap
from yima.sdk.observing.console import Console, DeviceConsole
from yima.sdk.observing.seen import Looking
from yima.validator.happenings import Happening, Notice

TOKEN = "0123456789abcdef"
TAP = {
    "event": "tap", "at": 1_790_000_000, "accepted": True, "english": "Accepted", "chinese": "请通行",
    "family": "<b>ministry</b>", "again": False, "faults": [], "account_masked": "3104****0000", "fare_fen": 250,
    "read_ms": 1.5, "judge_us": 900.1, "journal_ms": 2.1, "gate_ms": 0.3, "total_ms": 3.25,
}  # fmt: skip


def page_of(url: str, profile: Path, *words: str) -> str:
    """The document as a browser has it after some seconds of its own time."""
    browser = shutil.which("chromium")
    if browser is None:
        pytest.fail("chromium is not installed: run make setup as root")
    quiet = ("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}", "--virtual-time-budget=2500")
    done = subprocess.run(
        [browser, *quiet, *words, "--dump-dom", url], capture_output=True, text=True, timeout=200, check=True
    )
    return done.stdout


class Still(Looking):
    """A device that always looks the same."""

    def __init__(self) -> None:
        pass

    def look(self) -> Any:
        return SEEN


def test_the_page_shows_what_happens_in_the_browsers_language(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(TOKEN)
    console = DeviceConsole("127.0.0.1:0", "gate-7", token_file=token, on_trouble=lambda error: None)
    console.start(Still(), lambda: 0.0)
    console._console.happened(lambda: TAP)
    console.tap(replace(a_tap(), faults=("cut short: 200 of 364 bytes came",)))
    console.notice(Notice(happening=Happening.UPLOAD_BACK))
    try:
        url = f"http://127.0.0.1:{console._console.endpoint.port}/#{TOKEN}"
        page = page_of(url, tmp_path / "profile", "--lang=zh-CN", "--accept-lang=zh-CN")
    finally:
        console.stop()
    for text in (
        "实时",
        "已记住的已用码",
        "请通行",
        "上传已恢复",
        "gate-7",
        "240 / 5281",
        "3104****0000",
        "2.50",
        "&lt;b&gt;ministry",
        "yima-journal: dead",
        "被截短：364 字节中收到 200 字节",
    ):
        assert text in page
    assert not re.search(r"undefined|NaN|\[object", page)


def test_without_the_token_the_page_asks_for_it_and_shows_nothing(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    console = Console(
        "127.0.0.1:0", {"name": "gate-7"}, token_file=tmp_path / "token", look=lambda: asdict(SEEN),
        on_trouble=lambda error: None,
    )  # fmt: skip
    console.endpoint.start()
    console.happened(lambda: TAP)
    try:
        page = page_of(f"http://127.0.0.1:{console.endpoint.port}/", tmp_path / "profile", "--lang=en-GB")
    finally:
        console.endpoint.stop()
    assert "The token is needed" in page
    assert "gate-7" not in page
    assert "3104" not in page
