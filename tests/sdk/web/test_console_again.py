"""sdk/web/console while it stays open: what is watched is started again, and a token is given in every way."""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.sdk.observing.looks import SEEN
from tests.sdk.web.opened import PATIENCE_S
from yima.sdk.observing.console import Console

TOKEN = '"<0123456789abcdef>`'


def console_at(port: int, name: str, token_file: Path | None = None) -> Console:
    """One that answers."""
    made = Console(
        f"127.0.0.1:{port}", {"name": name}, token_file=token_file, look=lambda: asdict(SEEN),
        on_trouble=lambda error: None,
    )  # fmt: skip
    made.endpoint.start()
    return made


def tell(console: Console, word: str, count: int) -> None:
    for number in range(count):
        event = {"event": "trouble", "at": 1, "word": f"{word}-{number}"}
        console.happened(partial(dict, event))


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context(locale="en-GB")
    context.set_default_timeout(PATIENCE_S * 1000)
    yield context.new_page()
    context.close()


def until(page: Any, holds: Callable[[], bool]) -> None:
    """Asks from outside: the page's policy lets nobody evaluate inside."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, page.inner_text("body")
        page.wait_for_timeout(50)


def test_what_was_started_again_is_shown_from_its_beginning(page: Any) -> None:
    """A bug found: where it had told more by then than before, its first events were taken for old ones."""
    first = console_at(0, "first")
    port = first.endpoint.port
    tell(first, "old", 2)
    page.goto(f"http://127.0.0.1:{port}/")
    until(page, lambda: "old-1" in page.inner_text("#rows"))
    first.endpoint.stop()
    second = console_at(port, "second")
    try:
        tell(second, "new", 3)
        until(page, lambda: page.inner_text("#name") == "second")
        rows = page.inner_text("#rows")
    finally:
        second.endpoint.stop()
    assert [f"new-{number}" in rows for number in range(3)] == [True] * 3
    assert "old" not in rows


def test_a_token_that_no_request_can_carry_is_asked_for_again(page: Any, tmp_path: Path) -> None:
    """A bug found: the page said that nobody answers, took the form away and had to be loaded anew."""
    (tmp_path / "token").write_text(TOKEN)
    console = console_at(0, "gate-7", tmp_path / "token")
    try:
        page.clock.install()
        page.goto(f"http://127.0.0.1:{console.endpoint.port}/")
        until(page, lambda: page.is_visible("#token"))
        page.fill("#token", "令牌")
        page.press("#token", "Enter")
        page.clock.run_for(3000)
        assert page.inner_text("#state") == "The token is needed"
        assert page.is_visible("#token")
        page.fill("#token", TOKEN)
        page.press("#token", "Enter")
        page.clock.resume()
        until(page, lambda: page.inner_text("#name") == "gate-7")
    finally:
        console.endpoint.stop()


def test_a_token_in_the_address_is_taken_as_it_was_written(page: Any, tmp_path: Path) -> None:
    """A bug found: a browser writes some characters in its own way; and added to the address later, it was not seen."""
    (tmp_path / "token").write_text(TOKEN)
    console = console_at(0, "gate-7", tmp_path / "token")
    try:
        page.goto(f"http://127.0.0.1:{console.endpoint.port}/")
        until(page, lambda: page.is_visible("#token"))
        page.goto(f"http://127.0.0.1:{console.endpoint.port}/#{TOKEN}")
        until(page, lambda: page.inner_text("#name") == "gate-7")
    finally:
        console.endpoint.stop()
