"""A scanner's line on the page, when it is not as it should be. Only Web Serial's API is a stand-in."""

from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.damages import LOST
from tests.sdk.web.opened import PORT, Opened
from yima.sdk.bench.diagnosis import diagnose
from yima.sdk.web.build import PAGE

LINE = """
window.fails = (name, isGone) => {
  const { sink } = port;
  port.readable = isGone ? null : new ReadableStream({ start: (next) => { port.sink = next; } });
  sink.error(new DOMException(name, name));
};
window.sends = (bytes) => port.sink.enqueue(Uint8Array.from(bytes));
"""


@pytest.fixture
def line(browser: Any) -> Iterator[Opened]:
    """A page that listens to the stand-in at 115200."""
    opened = Opened(browser, (PAGE / "index.html").as_uri(), PORT + LINE)
    opened.page.click("#serial")
    opened.until("Boolean(port.sink) && document.querySelector('#says').textContent.includes('115200')")
    yield opened
    assert opened.wrong == []
    opened.context.close()


def test_a_framing_error_ends_a_stream_and_not_the_scanner(line: Opened, held_up: bytes) -> None:
    """A bug found: the page said that the scanner was gone, where another speed or a break was all that was wrong."""
    line.page.evaluate("fails('FramingError', false)")
    line.page.evaluate("sends", list(held_up))
    line.waits_for(1)
    assert line.signatures()["rider"] == "valid"
    assert "the line reported FramingError" in line.page.inner_text("#diagnosis")
    assert line.page.get_attribute("#serial", "aria-pressed") == "true"
    line.page.evaluate("sends", list(held_up))
    line.waits_for(2)
    assert "FramingError" not in line.page.inner_text("#diagnosis")


def test_what_came_before_the_scanner_was_pulled_out_is_shown(line: Opened, held_up: bytes) -> None:
    """A bug found: it was lost."""
    line.page.evaluate("bytes => { sends(bytes); setTimeout(() => fails('NetworkError', true)); }", list(held_up[:200]))
    line.until("document.querySelector('#says.problem')?.textContent === 'The scanner is gone: NetworkError'")
    assert line.page.get_attribute("#serial", "aria-pressed") == "false"
    assert line.shown() == 1
    assert "200 bytes" in line.page.inner_text("#summary")


def test_a_page_that_is_hidden_takes_two_scans_for_two(line: Opened) -> None:
    """A bug found: a hidden page's timers come once a second, and what came meanwhile was one long text."""
    line.page.evaluate(
        "let now = performance.now(); performance.now = () => now; window.later = (ms) => { now += ms; };"
        "Object.defineProperty(document, 'hidden', { value: true })"
    )
    for text in (b"6212345678901234\r\n", b"6298765432109876\r\n"):
        line.page.evaluate("sends", list(text))
        line.page.evaluate("later(100)")
    line.waits_for(2)


def test_the_speed_of_the_line_is_told_to_the_diagnosis(line: Opened, held_up: bytes) -> None:
    """A bug found: at which speed the scanner sends was never said, though that of the port is known."""
    came = LOST["baud-mismatch 9600 at 115200"](held_up)
    expected = diagnose(came, read_baud=115200)
    assert expected.detail == "sent at about 9600, read at 115200"
    line.page.evaluate("sends", list(came))
    line.waits_for(1)
    assert expected.detail in line.page.inner_text("#diagnosis")
