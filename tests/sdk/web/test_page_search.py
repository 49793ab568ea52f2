"""The diagnosis runs beside the page: thousands of signatures block nothing, and a newer reading ends the search."""

import re
from typing import Any

import pytest

from benchmarks.damages import LOST, OPEN, UNDONE, without
from tests.sdk.web.opened import Opened
from yima.sdk.bench import diagnose
from yima.sdk.line_words import line_words
from yima.sdk.web.build import PACKED, search_script

HELD = """
window.Worker = class extends Worker {
  set onmessage(take) {
    const isHeld = window.holding;
    super.onmessage = (answer) => { if (!isHeld) take(answer); };
  }
};
"""
"""A worker works as it does, and what it answers to a question asked while `holding` is true never comes: that search
is not over, however fast the machine."""
SEARCHING = "document.documentElement.hasAttribute('data-searching')"


def test_a_long_search_blocks_no_reading_and_ends_with_the_next(
    own: Opened, lab: dict[int, dict[str, Any]], held_up: bytes
) -> None:
    """Of a forged code all that 11 and 13 may have been is tried, to the last of 20,000 signatures."""
    own.page.evaluate(HELD + "window.holding = true;")
    code = bytes.fromhex(lab[5685]["code"])
    own.paste(without(0x11, 0x13)(code[:-1] + bytes([code[-1] ^ 0x80])).hex())
    own.until("document.querySelectorAll('#history li').length === 1")
    assert own.page.evaluate(SEARCHING)
    assert "Looking for what happened" in own.page.inner_text("#diagnosis")
    own.page.evaluate("window.holding = false")
    own.paste(held_up.hex())
    own.waits_for(2)
    assert own.signatures()["rider"] == "valid"
    assert not own.page.is_visible("#diagnosis")
    own.page.click("#history li:last-child button")
    assert "given up for a newer reading" in own.page.inner_text("#diagnosis")
    own.page.evaluate("window.holding = true")
    own.page.click("#diagnosis button")
    assert own.page.evaluate(SEARCHING)
    own.page.evaluate("window.holding = false")
    own.paste(held_up.decode("latin-1").encode().hex())
    own.waits_for(3)
    assert "utf8-reencoded" in own.page.inner_text("#diagnosis")
    assert own.signatures()["rider"] == "valid"


def test_served_by_a_web_server_it_searches_as_well(web: Opened, held_up: bytes) -> None:
    before = web.shown()
    web.paste(without(0x0D)(held_up).hex())
    web.waits_for(before + 1)
    assert "proved" in web.page.inner_text("#diagnosis")
    assert web.signatures()["rider"] == "valid"


def test_in_a_chinese_page_the_details_of_every_finding_are_the_terminals(
    disk: Opened, held_up: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YIMA_LANG", "zh")
    steps = (step for damage in (UNDONE | LOST | OPEN).values() for step in diagnose(damage(held_up)).steps)
    details = sorted({step.detail for step in steps})
    page, before = disk.page, disk.shown()
    assert page.evaluate("details => details.map(yima.lineWords)", details) == [*map(line_words, details)]
    disk.paste((b"]Q1" + held_up.decode("latin-1").encode("utf-16")).hex())
    disk.waits_for(before + 1)
    english = page.inner_text("#diagnosis")
    page.click("#language")
    chinese = page.inner_text("#diagnosis")
    page.click("#language")
    assert "taken for latin-1, written as utf-16-le" in english
    assert "当作 latin-1，写为 utf-16-le" in chinese
    assert set(re.findall("[A-Za-z]{3,}", chinese)) == {"charset", "reencoded", "latin", "utf"}


def test_nothing_leaves_the_machine_from_a_worker_either(disk: Opened, served: str) -> None:
    tries = """async (address) => {
      const asked = `fetch('${address}').then(() => 'got', () => 'refused')`;
      const source = `onmessage = async () => postMessage(await ${asked})`;
      const worker = new Worker(URL.createObjectURL(new Blob([source])));
      return new Promise((answer) => { worker.onmessage = ({ data }) => answer(data); worker.postMessage(0); });
    }"""
    assert disk.page.evaluate(tries, served) == "refused"
    from_elsewhere = """async (address) => new Promise((answer) => {
      document.addEventListener('securitypolicyviolation', (event) => answer(event.effectiveDirective));
      try { new Worker(address + 'searcher.js'); } catch (error) { answer(error.name); }
    })"""
    assert disk.page.evaluate(from_elsewhere, served) in ("worker-src", "SecurityError")


def test_what_is_packed_for_the_worker_is_what_the_sources_say() -> None:
    assert PACKED.read_text(encoding="utf-8") == search_script(), "run: make setup"
