"""The bench's page in a real Chromium, opened from the disk and served: paste, files, a serial port, a camera.

Only the serial port's API and what the camera sees are stand-ins. With YIMA_PICTURES=1 the pictures of docs/web.md are
taken anew.
"""

import base64
import gzip
import hashlib
import io
import json
import os
import random
import re
from pathlib import Path
from typing import Any

import pytest

from tests.sdk.web.opened import Opened, roots_of
from tests.validator.test_lab_vectors import parameters_of
from yima.sdk.bench.card import CARD
from yima.sdk.qr import qr_png
from yima.sdk.web.build import PAGE
from yima.sdk.web.tables import card, tables
from yima.sdk.web.vendor import MODULE_SHA256, SCRIPT_SHA256
from yima.validator.readers.framing import Framer
from yima.validator.readers.replay import ReplayReader

cv2 = pytest.importorskip("cv2")

PICTURES = Path(__file__).parents[3] / "docs" / "images"
SIZE_MOST = 2_000_000


def test_a_pasted_code_is_shown_with_its_signatures_and_under_parameters(
    disk: Opened, lab: dict[int, dict[str, Any]], held_up: bytes
) -> None:
    vector = lab[5716]
    disk.give("roots.bin", roots_of(vector))
    disk.page.fill("#at", str(vector["clock"]))
    disk.give("parameters.bin", bytes(parameters_of(vector).image))
    disk.until("document.querySelector('#under').textContent.includes('parameters.bin')")
    disk.paste(vector["code"])
    disk.waits_for(1)
    assert disk.signatures() == {"certificate": "valid", "issuer": "valid", "rider": "valid"}
    assert disk.page.inner_text("#verdict").startswith("ACCEPTED")
    rows = disk.page.inner_text("#rows")
    assert "6228********4890" in rows
    assert "6228480402564890" not in rows
    damaged = bytearray.fromhex(vector["code"])
    damaged[-1] ^= 1
    disk.paste(damaged.hex())
    disk.waits_for(2)
    assert disk.signatures() == {"certificate": "valid", "issuer": "valid", "rider": "invalid"}
    assert disk.page.inner_text("#verdict").startswith("REFUSED")


def test_what_happened_to_the_bytes_is_told_with_its_cure(disk: Opened, held_up: bytes) -> None:
    before = disk.page.locator("#history li").count()
    disk.paste(held_up.decode("latin-1").encode().hex(":"))
    disk.waits_for(before + 1)
    told = disk.page.inner_text("#diagnosis")
    assert "utf8-reencoded" in told
    assert "raw output" in told
    assert "proved" in told
    assert disk.signatures()["rider"] == "valid"


def test_a_picture_is_read_also_in_dark_mode(disk: Opened, held_up: bytes, tmp_path: Path) -> None:
    before = disk.page.locator("#history li").count()
    qr_png(held_up, tmp_path / "code.png", scale=4)
    picture = (tmp_path / "code.png").read_bytes()
    inverted = cv2.imencode(".png", 255 - cv2.imread(str(tmp_path / "code.png")))[1].tobytes()
    disk.give("code.png", picture, "image/png")
    disk.waits_for(before + 1)
    assert disk.signatures()["rider"] == "valid"
    disk.give("dark.png", inverted, "image/png")
    disk.waits_for(before + 2)
    assert disk.signatures()["rider"] == "valid"


def test_what_was_shown_is_saved_as_the_terminal_replays_it(disk: Opened, held_up: bytes, tmp_path: Path) -> None:
    disk.paste(held_up.hex())
    with disk.page.expect_download() as masked:
        disk.page.click("#capture")
    rows = [json.loads(line) for line in Path(masked.value.path()).read_text().splitlines()]
    assert rows[-1]["masked"]
    assert held_up.hex() not in rows[-1]["payload"]
    assert held_up[120:146].hex() not in masked.value.path().read_text()
    disk.page.select_option("#level", "raw")
    with disk.page.expect_download() as raw:
        disk.page.click("#capture")
    saved = tmp_path / "capture.jsonl"
    raw.value.save_as(saved)
    reader = ReplayReader(saved, speed=0)
    payloads = []
    while not reader.exhausted:
        if reading := reader.read(0.01):
            payloads.append(reading.payload)
    assert payloads[-1] == held_up


def test_a_scanner_in_packets_of_64_bytes_is_cut_at_no_line_end(web: Opened, held_up: bytes) -> None:
    web.page.click("#serial")
    web.until("Boolean(port.sink)")
    assert web.page.evaluate("port.options.baudRate") == 115200
    web.page.evaluate("bytes => line(bytes, 64)", list(held_up + b"\r\n"))
    web.waits_for(1)
    assert f"{len(held_up)} bytes" in web.page.inner_text("#summary")
    signatures = web.signatures()
    assert (signatures["issuer"], signatures["rider"]) == ("valid", "valid")
    web.page.click("#serial")
    web.until("Boolean(port.closed)")


def test_a_phone_before_the_camera_is_read_once(web: Opened, held_up: bytes) -> None:
    before = web.page.locator("#history li").count()
    web.page.click("#camera")
    web.waits_for(before + 1)
    assert web.signatures()["rider"] == "valid"
    web.page.wait_for_timeout(300)
    web.page.click("#camera")
    assert web.page.locator("#history li").count() == before + 1
    assert not web.page.is_visible("#view")


def test_the_framer_cuts_as_pythons_does(disk: Opened, held_up: bytes, lab: dict[int, dict[str, Any]]) -> None:
    rng = random.Random(64)
    code, other = held_up, bytes.fromhex(lab[5716]["code"])
    streams = [code, code + b"\r\n" + other, b"]Q1" + code + b"\x03", b"\x02" + other + b"\r", code[:200], other * 3]
    streams += [b"6212345678901234\r\n", code[:150] + other, b"U" + code, bytes(9) + b"noise" + code + other]
    damaged = bytearray(code)
    damaged[len(code) - 134] ^= 1  # the mark before the issuer's signature
    damaged[-1] = 0x0D
    streams += [bytes(damaged), bytes(damaged) + b"\r\n", code[:-30] + other, code.hex().encode() + b"\r\n", b"\x06"]
    streams += [
        base64.b64encode(code),
        code[:-9],
        b"62123\r\n\r\n",
        bytes(5000) + code,
        b"\x02x" * 40 + b"\x02" + other,
    ]
    cases = []
    for stream in streams:
        for size in (1, 64, 4096, rng.randrange(2, 300)):
            framer, expected = Framer(), []
            for at in range(0, len(stream), size):
                expected += framer.feed(stream[at : at + size], 0)
            expected += framer.silence(10**12)
            cases.append((list(stream), size, [[list(one.payload), list(one.faults)] for one in expected]))
    cut = """cases => cases.map(([stream, size]) => {
      const framer = new yima.Framer();
      const found = [];
      for (let at = 0; at < stream.length; at += size)
        found.push(...framer.feed(Uint8Array.from(stream.slice(at, at + size)), 0));
      found.push(...framer.silence(1e9));
      return found.map((one) => [Array.from(one.payload), one.faults]);
    })"""
    found = disk.page.evaluate(cut, [case[:2] for case in cases])
    for (shown, size, wanted), payloads in zip(cases, found, strict=True):
        assert payloads == wanted, (bytes(shown), size)


@pytest.mark.parametrize("place", ["disk", "web"])
def test_nothing_leaves_the_machine(place: str, request: pytest.FixtureRequest, served: str) -> None:
    """Whatever the page tries: its policy lets it connect to nothing, not even to where it came from."""
    opened: Opened = request.getfixturevalue(place)
    tries = """async (address) => {
      const blocked = [];
      document.addEventListener('securitypolicyviolation', (event) => blocked.push(event.effectiveDirective));
      await fetch(address).catch(() => {});
      const elsewhere = address.replace('127.0.0.1', 'localhost');
      new Image().src = elsewhere + 'card.svg';
      navigator.sendBeacon(address, 'x');
      try { new WebSocket(elsewhere.replace('http', 'ws')); } catch {}
      document.body.append(Object.assign(document.createElement('script'), { src: elsewhere + 'words.js' }));
      await new Promise((next) => setTimeout(next, 200));
      return blocked;
    }"""
    blocked = opened.page.evaluate(tries, served)
    assert {"connect-src", "img-src", "script-src-elem"} <= set(blocked)
    assert opened.got
    here = ("file://", "data:", "blob:") if place == "disk" else ("data:", "blob:", served)
    assert [url for url in opened.got if not url.startswith(here)] == []


def test_both_languages_and_both_grounds(disk: Opened, held_up: bytes) -> None:
    page, before = disk.page, disk.shown()
    disk.paste(held_up.hex())
    disk.waits_for(before + 1)
    theme = page.get_attribute("html", "data-theme")
    page.keyboard.press("Escape")
    page.focus("#theme")
    page.keyboard.press("Enter")
    assert page.get_attribute("html", "data-theme") != theme
    page.click("#language")
    assert page.get_attribute("html", "lang") == "zh-CN"
    assert "签名" in page.inner_text("#shown")
    nameless = "all => all.filter(one => one.offsetParent && !one.textContent.trim()).length"
    assert page.eval_on_selector_all("[data-t]", nameless) == 0
    page.click("#language")
    page.click("#theme")
    assert page.get_attribute("html", "lang") == "en"


def test_every_control_has_a_name_for_screen_readers(disk: Opened) -> None:
    unnamed = """all => all.filter((one) => one.type !== 'file' && !(one.labels && one.labels.length)
      && !one.textContent.trim() && !one.getAttribute('aria-label')).map((one) => one.id)"""
    assert disk.page.eval_on_selector_all("button, input, select, textarea", unnamed) == []
    assert disk.page.get_attribute("#says", "aria-live") == "polite"


def test_the_page_is_small_and_its_tables_are_the_terminals() -> None:
    assert sum(path.stat().st_size for path in PAGE.iterdir()) < SIZE_MOST
    assert (PAGE / "tables.js").read_text() == tables()
    assert (PAGE / "card.svg").read_text() == card()


def test_what_is_of_others_is_as_it_was_published() -> None:
    packed = re.search(r"'([A-Za-z0-9+/=]{1000,})'", (PAGE / "zxing_wasm.js").read_text())
    assert packed
    module = gzip.decompress(base64.b64decode(packed[1]))
    assert hashlib.sha256(module).hexdigest() == MODULE_SHA256
    assert hashlib.sha256((PAGE / "zxing_reader.js").read_bytes()).hexdigest() == SCRIPT_SHA256
    assert (PAGE / "zxing_LICENSE.txt").read_text().startswith("MIT License")
    assert "Apache License" in (PAGE / "zxing_cpp_LICENSE.txt").read_text()


def test_the_card_is_what_the_terminal_shows(disk: Opened) -> None:
    assert disk.page.evaluate("yima.tables.card") == CARD.hex()


@pytest.mark.skipif(not os.environ.get("YIMA_PICTURES"), reason="YIMA_PICTURES=1 takes the pictures of docs/web.md")
def test_pictures_for_the_docs(browser: Any, lab: dict[int, dict[str, Any]]) -> None:
    """In 32 colours, which is all that they need: a third of the size."""
    image = pytest.importorskip("PIL.Image")
    for language, theme in (("en", "light"), ("zh", "dark")):
        opened = Opened(browser, (PAGE / "index.html").as_uri())
        opened.give("roots.bin", roots_of(lab[5716]))
        if language == "zh":
            opened.page.click("#language")
            opened.page.click("#theme")
        opened.paste(lab[5716]["code"])
        opened.page.evaluate("document.querySelector('#pasted').value = ''")
        assert opened.page.get_attribute("html", "data-theme") == theme
        taken = image.open(io.BytesIO(opened.page.screenshot())).convert("RGB")
        taken.quantize(32, dither=image.Dither.NONE).save(PICTURES / f"web-{language}.png", optimize=True)
        opened.context.close()
