"""What a person gives the page by hand: every form of pasted text, a signed package, parameters that must be built."""

import re
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest

from tests.packages_world import A
from tests.sdk.bench.test_pasted import FORMS, dump
from tests.sdk.web.opened import Opened, roots_of
from tests.validator.test_lab_vectors import parameters_of
from yima.sdk.bench.card import CARD
from yima.sdk.cli.main import main
from yima.sdk.issuer import RootAuthority
from yima.sdk.parameters.signing import Envelope, sign_package
from yima.sdk.qr import qr_png

VALID = {"certificate": "valid", "issuer": "valid", "rider": "valid"}


@pytest.mark.parametrize("form", [*FORMS, "dump"])
def test_a_pasted_form_is_shown_with_three_valid_signatures(
    form: str, disk: Opened, lab: dict[int, dict[str, Any]], held_up: bytes
) -> None:
    vector = next(one for one in lab.values() if one["code"] == held_up.hex())
    disk.give("roots.bin", roots_of(vector))
    before = disk.shown()
    disk.paste((dump if form == "dump" else FORMS[form])(held_up))
    disk.waits_for(before + 1)
    assert disk.signatures() == VALID
    assert f"{len(held_up)} bytes" in disk.page.inner_text("#summary")
    assert not disk.page.is_visible("#diagnosis")


def test_a_text_that_is_a_form_but_for_a_slip_is_refused(disk: Opened, held_up: bytes) -> None:
    before = disk.shown()
    disk.paste(held_up.hex()[:-1])
    disk.until("document.querySelector('#says.problem')")
    assert disk.shown() == before


def packaged(vector: dict[str, Any]) -> bytes:
    """The vector's parameters in a package signed by a test key."""
    now = vector["clock"]
    envelope = Envelope(
        environment="test", version=1, not_before=now - 60, expiry=now + 3600, next_keys=(A.compressed,)
    )
    return sign_package(bytes(parameters_of(vector).image), envelope, [A])


def test_a_signed_package_gives_verdicts_and_one_that_was_changed_does_not(
    own: Opened, lab: dict[int, dict[str, Any]]
) -> None:
    page, vector = own, lab[5716]
    package = packaged(vector)
    page.page.fill("#at", str(vector["clock"]))
    page.give("roots.bin", roots_of(vector))
    changed = bytearray(package)
    changed[-100] ^= 1
    page.give("changed.ymp", bytes(changed))
    page.until("document.querySelector('#says.problem')")
    assert "the package is not taken" in page.page.inner_text("#says")
    page.give("city.ymp", package)
    page.until("document.querySelector('#under').textContent.includes('city.ymp')")
    assert "whose keys signed it this page does not know" in page.page.inner_text("#under")
    page.paste(vector["code"])
    page.waits_for(1)
    assert page.signatures() == VALID
    assert page.page.inner_text("#verdict").startswith("ACCEPTED")
    assert "¥2.00" in page.page.inner_text("#verdict")
    refused = next(one for one in lab.values() if not one["expect"]["accepted"] and one["gate"] == vector["gate"])
    page.page.fill("#at", str(refused["clock"]))
    page.give("its.ymp", packaged(refused))
    page.until("document.querySelector('#under').textContent.includes('its.ymp')")
    page.paste(refused["code"])
    page.waits_for(2)
    shown = page.page.inner_text("#verdict")
    assert shown.startswith("REFUSED")
    assert f"[{refused['expect']['case']}]" in shown


def test_parameters_in_toml_are_refused_with_the_command_that_builds_them(
    own: Opened, params_file: Path, code: bytes, root: RootAuthority, now: int
) -> None:
    """The command that the page says is run here, and what it makes is dropped."""
    own.give("package.toml", b'environment = "test"')
    own.until("document.querySelector('#says').textContent.includes('DIR')")
    own.give(params_file.name, params_file.read_bytes())
    own.until("document.querySelector('#says').textContent.includes('params.bin')")
    said = re.search(r"yima (params build params\.toml -o params\.bin)", own.page.inner_text("#says"))
    assert said
    with chdir(params_file.parent):
        assert main(said[1].split()) == 0
    own.give("params.bin", params_file.with_name("params.bin").read_bytes())
    own.until("document.querySelector('#under').textContent.includes('params.bin')")
    own.give("roots.bin", root.certificate)
    own.page.fill("#at", str(now))
    own.paste(code.hex())
    own.waits_for(1)
    assert own.signatures() == VALID
    assert own.page.inner_text("#verdict").startswith("ACCEPTED")


def test_more_presentations_than_are_kept_are_numbered_and_counted_all_the_same(own: Opened) -> None:
    """A bug found: from the 2001st on every one was number 2001, and 2000 had been read."""
    own.page.fill("#pasted", CARD.hex())
    own.page.evaluate("for (let i = 0; i < 2003; i++) document.querySelector('#judge').click()")
    assert own.page.inner_text("#summary").startswith("#2003 ")
    assert own.page.inner_text("#counts").startswith("2003 read, 2003 whole, ")
    assert own.page.evaluate("[...document.querySelectorAll('#bars meter')].map((one) => one.value)") == [2003]
    assert own.page.evaluate("document.querySelector('#history li').value") == 2003
    own.page.click("#capture")
    assert own.page.inner_text("#says") == "Saved without the first 3: the page keeps no more than 2000"


def test_a_button_that_is_pressed_twice_starts_once(own: Opened) -> None:
    """A bug found: pressed again while the browser asked for leave, it started a second camera that nothing ended."""
    own.page.evaluate(
        "const { mediaDevices } = navigator, had = mediaDevices.getUserMedia.bind(mediaDevices); window.streams = [];"
        "mediaDevices.getUserMedia = async (...words) => { const one = await had(...words); streams.push(one);"
        "return one; }; for (let i = 0; i < 2; i++) document.querySelector('#camera').click()"
    )
    own.until("streams.length && document.querySelector('#summary').textContent.startsWith('#1')")
    own.page.click("#camera")
    own.until("streams.every((one) => one.getTracks().every((track) => track.readyState === 'ended'))")
    assert own.page.evaluate("streams.length") == 1
    assert own.page.get_attribute("#camera", "aria-pressed") == "false"


def test_a_camera_that_is_pulled_out_is_told_and_can_be_started_again(own: Opened) -> None:
    """A bug found: its last picture was read for ever, and nothing was said."""
    own.page.click("#camera")
    own.until("document.querySelector('#summary').textContent.startsWith('#1')")
    own.page.evaluate("document.querySelector('#view').srcObject.getTracks()[0].dispatchEvent(new Event('ended'))")
    own.until("document.querySelector('#says.problem')?.textContent === 'The camera is gone: unplugged'")
    assert own.page.get_attribute("#camera", "aria-pressed") == "false"
    assert own.page.evaluate("document.querySelector('#view').srcObject === null")
    own.page.click("#camera")
    own.until("document.querySelector('#view').srcObject?.active")
    own.page.click("#camera")
    own.until("document.querySelector('#view').srcObject === null")


def test_an_empty_file_is_said_to_be_empty(own: Opened) -> None:
    """A bug found: nothing at all was said of it."""
    own.give("code.bin", b"")
    own.until("document.querySelector('#says.problem')?.textContent === 'code.bin: is empty'")


def test_a_picture_is_told_by_its_mark_and_not_by_its_name(own: Opened, held_up: bytes, tmp_path: Path) -> None:
    """A bug found: a PNG without an ending was taken for a payload, and a payload called .png for a picture."""
    qr_png(held_up, tmp_path / "code.png")
    for number, (name, content) in enumerate((("scan", (tmp_path / "code.png").read_bytes()), ("c.png", held_up)), 1):
        own.give(name, content, "image/png" if "." in name else "application/octet-stream")
        own.waits_for(number)
        assert f"{len(held_up)} bytes" in own.page.inner_text("#summary")


def test_each_file_that_cannot_be_used_is_named_and_the_others_are_shown(own: Opened, held_up: bytes) -> None:
    """A bug found: of a folder and of a damaged picture only the browser's words came, without a name, and the next
    file wrote over them."""
    own.page.evaluate(
        """code => {
          const folder = new File([], 'codes');
          folder.arrayBuffer = () => Promise.reject(new DOMException('not found', 'NotFoundError'));
          const damaged = new File([Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 1, 2])], 'torn.png');
          const files = [folder, damaged, new File([new Uint8Array(5000)], 'long.bin'), new File([code], 'code.txt')];
          document.body.dispatchEvent(
            Object.assign(new Event('drop', { bubbles: true }), { dataTransfer: { files } }));
        }""",
        held_up.hex(),
    )
    own.waits_for(1)
    own.until("document.querySelector('#says.problem')?.textContent.includes('long.bin')")
    said = own.page.inner_text("#says")
    assert "codes cannot be read: it is a folder" in said
    assert "torn.png: this browser cannot open the picture" in said
    assert "long.bin: more than 4096 bytes: no code" in said
    assert "code.txt" not in said


def test_a_text_in_utf_16_is_read_as_in_the_terminal(own: Opened, held_up: bytes) -> None:
    """A bug found: what PowerShell writes to a file was more than 4096 bytes."""
    text = "{" + ", ".join(f"0x{byte:02X}" for byte in held_up) + "}"
    own.give("code.txt", text.encode("utf-16"))
    own.waits_for(1)
    assert own.signatures()["rider"] == "valid"


def test_a_phone_beside_a_poster_is_shown_once_and_so_is_the_poster(own: Opened, held_up: bytes) -> None:
    """A bug found: with two codes in view each was new in every picture of the camera, some thirty times a second."""
    own.page.evaluate(
        "code => { window.looks = 0; yima.symbolsIn = async () => (looks++,"
        "[Uint8Array.from(code), new TextEncoder().encode('https://example.org/timetable')]); }",
        list(held_up),
    )
    own.page.click("#camera")
    own.until("looks > 6")
    own.page.click("#camera")
    assert own.shown() == 2


def test_a_moment_that_is_none_costs_the_parameters_nothing(own: Opened, lab: dict[int, dict[str, Any]]) -> None:
    """A bug found: a slip in the moment, or a package that began later, and the file had to be given again."""
    vector = lab[5716]
    own.page.fill("#at", "soon")
    own.give("city.ymp", packaged(vector))
    own.until("document.querySelector('#says.problem')")
    assert "No parameters" in own.page.inner_text("#under")
    own.page.fill("#at", str(vector["clock"]))
    own.page.press("#at", "Enter")
    own.until("document.querySelector('#under').textContent.includes('city.ymp')")
    own.paste(vector["code"])
    own.waits_for(1)
    assert own.page.inner_text("#verdict").startswith("ACCEPTED")
