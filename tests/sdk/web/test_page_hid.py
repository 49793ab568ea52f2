"""A scanner in HID-POS mode on the page. Only WebHID's API is a stand-in: headless Chromium has no devices."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.sdk.web.opened import Opened
from yima.sdk.web.build import PAGE

DEVICE = """
const device = Object.assign(new EventTarget(), {
  productName: 'Stand-in 1',
  async open() { this.opened = true; },
  async close() { this.opened = false; },
});
const hid = Object.assign(new EventTarget(), {
  requestDevice: async ({ filters }) => (window.asked = filters, [device]),
});
Object.defineProperty(navigator, 'hid', { value: hid });
window.device = device;
window.report = (bytes) => device.dispatchEvent(Object.assign(new Event('inputreport'),
  { reportId: 2, device, data: new DataView(Uint8Array.from([9, ...bytes]).buffer, 1) }));
window.unplug = () => hid.dispatchEvent(Object.assign(new Event('disconnect'), { device }));
"""


def reports(code: bytes, *, aim: bytes = b"]Q1") -> list[list[int]]:
    """What a scanner sends for a code, without the report's id."""
    room = 56 if aim else 61
    pieces = [code[at : at + room] for at in range(0, len(code), room)]
    behind = bytes(2) if aim else b""
    return [
        list(bytes([len(piece)]) + aim + piece.ljust(room, b"\0") + behind + bytes([piece is not pieces[-1]]))
        for piece in pieces
    ]


@pytest.fixture
def hid(browser: Any) -> Iterator[Opened]:
    """A page that listens to the stand-in."""
    opened = Opened(browser, (PAGE / "index.html").as_uri(), DEVICE)
    opened.page.click("#hid")
    opened.until("Boolean(device.opened) && document.querySelector('#says').textContent.includes('Stand-in 1')")
    yield opened
    assert opened.wrong == []
    opened.context.close()


def test_a_code_in_reports_is_put_together(hid: Opened, held_up: bytes) -> None:
    assert hid.page.evaluate("asked") == [{"usagePage": 0x8C}]
    for number, aim in enumerate((b"]Q1", b""), 1):
        sent = reports(held_up, aim=aim)
        assert {len(one) for one in sent} == {63}
        hid.page.evaluate("all => all.forEach(report)", sent)
        hid.waits_for(number)
        assert f"{len(held_up)} bytes" in hid.page.inner_text("#summary")
        assert hid.signatures()["rider"] == "valid"
    hid.page.click("#hid")
    hid.until("device.opened === false")
    hid.page.evaluate("all => all.forEach(report)", reports(held_up))
    assert hid.shown() == 2


def test_a_code_whose_end_does_not_come_is_shown_as_it_came(hid: Opened, held_up: bytes) -> None:
    hid.page.evaluate("all => all.forEach(report)", reports(held_up)[:3])
    hid.waits_for(1)
    assert "168 bytes" in hid.page.inner_text("#summary")
    assert "said that more follows" in hid.page.inner_text("#diagnosis")


def test_reports_are_put_together_as_the_terminal_does(hid: Opened, held_up: bytes) -> None:
    """A bug found: three NUL for the identifier were taken for data, and without the last bit seven codes came."""
    without_bit = [[*one[:-1], 0] for one in reports(held_up)]
    for number, sent in enumerate((reports(held_up, aim=bytes(3)), without_bit), 1):
        hid.page.evaluate("all => all.forEach(report)", sent)
        hid.waits_for(number)
        assert f"{len(held_up)} bytes" in hid.page.inner_text("#summary")
        assert hid.signatures()["rider"] == "valid"


def test_a_scanner_that_is_unplugged_is_told(hid: Opened) -> None:
    hid.page.evaluate("unplug()")
    hid.until("document.querySelector('#says').textContent.includes('unplugged')")
    assert hid.page.get_attribute("#hid", "aria-pressed") == "false"


def test_what_is_no_scanners_report_is_never_taken_for_data(disk: Opened, held_up: bytes) -> None:
    good = reports(held_up)[0]
    wrong = [
        [], good[:-1], [*good, 0], [0, *good[1:]], [57, *good[1:]], [255, *good[1:]], [*good[:-1], 2],
        [20, *reports(held_up, aim=b"")[0][1:]],  # what stands behind the length is not blank
        list(b"\x01keyboard".ljust(63, b"\0")),
    ]  # fmt: skip
    parse = "all => all.map((one) => yima.hidReport(Uint8Array.from(one)))"
    assert disk.page.evaluate(parse, wrong) == [None] * len(wrong)
    assert disk.page.evaluate("one => yima.hidReport(Uint8Array.from(one)).data.length", good) == 56
