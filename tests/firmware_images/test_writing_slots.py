"""What a station may write into the slot that does not run, and when; and parameters beside those in force. The
firmware's own C on the machine at hand."""

import hashlib
import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

if not all(map(importlib.util.find_spec, ("imgtool", "cbor2", "smpclient"))):
    pytest.skip("the extra `firmware` is not installed", allow_module_level=True)

from tests.firmware_images.device_host import HostBoard
from yima.firmware_images.build import Environment, Slot
from yima.firmware_images.image import factory_slot, read
from yima.firmware_images.provision import Settings
from yima.firmware_images.session import bench_key
from yima.firmware_images.signing import sign
from yima.hwsim.board.bootrom import trailer
from yima.hwsim.board.flash import Flash
from yima.hwsim.board.layout import MPS2, SLOT_B
from yima.hwsim.board.workshop import CITY, CLOCK, World, make_world
from yima.validator.parameters import from_mapping

A, B = 0x10000, 0x40000
GATE = "yima-metro-gate"
READ, WRITE = 0, 2
STATE, UPLOAD, ERASE = 0, 1, 5
NO_FREE_SLOT, INVALID_SLOT, INVALID_HEADER, OLDER = 9, 14, 22, 27
PAYLOAD = bytes(range(256)) * 4


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


@pytest.fixture(scope="module")
def running() -> bytes:
    return sign(PAYLOAD, Slot.A, GATE, version="1.0.0", counter=3)


@pytest.fixture(scope="module")
def newer() -> bytes:
    return sign(PAYLOAD, Slot.B, GATE, version="1.1.0", counter=3)


@pytest.fixture
def board(library: Path, world: World, running: bytes) -> HostBoard:
    """A metro gate that runs a confirmed image in slot A."""
    made = HostBoard(
        library, Settings(terminal="T1", city=CITY, station_keys=[bench_key()]), bytes(world.parameters.image)
    )
    made.put(A, factory_slot(running))
    made.start(CLOCK, 1000)
    made.open_session()
    return made


def upload(board: HostBoard, image: bytes, *, number: int = 0) -> dict[str, Any]:
    """All of it; the last answer."""
    answer: dict[str, Any] = {"off": 0}
    while answer.get("off", len(image)) < len(image):
        offset = answer["off"]
        body: dict[str, Any] = {"off": offset, "data": image[offset : offset + 1024]}
        if offset == 0:
            body |= {"image": number, "len": len(image), "sha": hashlib.sha256(image).digest()}
        answer = board.ask(WRITE, 1, UPLOAD, body)
    return answer


def refused(answer: dict[str, Any]) -> int | None:
    """The image group's code."""
    return answer["err"]["rc"] if "err" in answer else None


def on_trial(board: HostBoard, running: bytes, newer: bytes) -> None:
    """The image in slot B was started and nobody has confirmed it; A, confirmed, is what a reset goes back to."""
    marked = bytearray(factory_slot(newer))
    marked[-24:-16] = b"\xff" * 8
    board.put(B, bytes(marked))
    board.start(CLOCK, 1000)
    board.open_session()
    board.runs_slot(1)


def test_an_upload_during_a_trial_boot_leaves_the_fall_back_as_it_is(
    board: HostBoard, running: bytes, newer: bytes
) -> None:
    on_trial(board, running, newer)
    before = board.flash()
    assert refused(upload(board, sign(PAYLOAD, Slot.A, GATE, version="2.0.0", counter=3))) == NO_FREE_SLOT
    assert refused(board.ask(WRITE, 1, ERASE, {})) == NO_FREE_SLOT
    assert board.said().count("image refused=NOT_CONFIRMED") == 2
    assert board.flash() == before
    assert "err" not in board.ask(WRITE, 1, STATE, {"confirm": True})
    assert board.ask(WRITE, 1, ERASE, {}) == {}


def test_the_only_good_image_is_not_written_over(board: HostBoard, newer: bytes) -> None:
    board.put(B, factory_slot(newer))
    board.put(A + 0x200, b"\x00\x00")
    assert refused(upload(board, newer)) == NO_FREE_SLOT
    assert refused(board.ask(WRITE, 1, ERASE, {})) == NO_FREE_SLOT
    assert "image refused=ONLY_GOOD_ONE" in board.said()
    board.put(B + 0x200, b"\x00\x00")
    assert board.ask(WRITE, 1, ERASE, {}) == {}, "neither was good: there is nothing to lose"


def test_the_slot_that_runs_is_not_erased_whatever_number_is_named(board: HostBoard) -> None:
    assert refused(board.ask(WRITE, 1, ERASE, {"slot": 0})) == INVALID_SLOT
    assert board.ask(WRITE, 1, ERASE, {"slot": 1}) == {}


def test_an_upload_that_names_no_image_is_tried_at_the_next_start(board: HostBoard, newer: bytes) -> None:
    assert upload(board, newer) == {"off": len(newer), "match": True}
    assert trailer(Flash(bytearray(board.flash().ljust(1 << 20, b"\xff"))), SLOT_B).magic
    (_, waiting) = board.ask(READ, 1, STATE, {})["images"]
    assert (waiting["pending"], waiting["confirmed"]) == (True, False)


def test_an_upload_that_broke_off_goes_on_where_it_was(board: HostBoard, newer: bytes) -> None:
    first = {"off": 0, "data": newer[:600], "image": 0, "len": len(newer), "sha": hashlib.sha256(newer).digest()}
    assert board.ask(WRITE, 1, UPLOAD, first) == {"off": 600}
    assert board.ask(WRITE, 1, UPLOAD, {**first, "data": newer[:100]}) == {"off": 600}, "the tool was started anew"
    assert board.ask(WRITE, 1, UPLOAD, {"off": 900, "data": newer[900:]}) == {"off": 600}, "a piece was lost"
    assert board.ask(WRITE, 1, UPLOAD, {"off": 600, "data": newer[600:]}) == {"off": len(newer), "match": True}


@pytest.mark.parametrize("number", [0, 1])
def test_whether_an_image_is_tried_is_for_the_tool_to_say_that_finishes_the_upload(
    board: HostBoard, newer: bytes, number: int
) -> None:
    """A bug found: what the first tool had said counted, though it went away and another one went on."""
    first = {"off": 0, "data": newer[:600], "image": 1 - number, "len": len(newer)}
    board.ask(WRITE, 1, UPLOAD, {**first, "sha": hashlib.sha256(newer).digest()})
    assert upload(board, newer, number=number) == {"off": len(newer), "match": True}
    assert board.ask(READ, 1, STATE, {})["images"][1]["pending"] == (number == 0)


def test_an_upload_that_names_an_image_waits_to_be_marked(board: HostBoard, newer: bytes) -> None:
    upload(board, newer, number=1)
    assert not board.ask(READ, 1, STATE, {})["images"][1]["pending"]
    marked = board.ask(WRITE, 1, STATE, {"hash": read(newer).digest})["images"][1]
    assert marked["pending"]


@pytest.mark.parametrize("version", ["0.9.9", "1.0.0", "1.0.0+9"])
def test_an_image_that_is_no_newer_is_refused_and_not_called_pending(board: HostBoard, version: str) -> None:
    older = sign(PAYLOAD, Slot.B, GATE, version=version, counter=3)
    assert refused(upload(board, older)) == OLDER
    assert "image refused=NOT_NEWER" in board.said()
    board.put(B, older)
    assert refused(board.ask(WRITE, 1, STATE, {"hash": read(older).digest})) == OLDER
    assert not board.ask(READ, 1, STATE, {})["images"][1]["pending"]


def test_an_image_with_a_lower_security_counter_is_refused(board: HostBoard) -> None:
    assert refused(upload(board, sign(PAYLOAD, Slot.B, GATE, version="2.0.0", counter=2))) == OLDER
    assert "image refused=OLDER_COUNTER" in board.said()
    assert len(board.ask(READ, 1, STATE, {})["images"]) == 1


def test_an_image_of_another_product_environment_or_hardware_is_refused_and_erased(
    board: HostBoard, vendor_key: Path
) -> None:
    production = sign(
        PAYLOAD, Slot.B, GATE, environment=Environment.PRODUCTION, version="2.0.0", counter=3, key=vendor_key
    )
    bus = sign(PAYLOAD, Slot.B, "yima-bus-validator", version="2.0.0", counter=3)
    another = replace(MPS2, name="another-board")
    elsewhere = sign(PAYLOAD, Slot.B, GATE, version="2.0.0", counter=3, hardware=another)
    for image, why in ((production, "ENVIRONMENT"), (bus, "PRODUCT"), (elsewhere, "HARDWARE")):
        assert refused(upload(board, image)) == INVALID_HEADER
        assert f"image refused=OTHER_{why}" in board.said()
        assert len(board.ask(READ, 1, STATE, {})["images"]) == 1


def test_an_image_with_a_tlv_that_stands_twice_is_none(board: HostBoard, newer: bytes) -> None:
    end = 0x200 + len(PAYLOAD) + int.from_bytes(newer[10:12], "little")
    more = newer[end + 4 :] + newer[end + 4 : end + 8 + 32]
    doubled = newer[:end] + b"\x07\x69" + (len(more) + 4).to_bytes(2, "little") + more
    answer = upload(board, doubled)
    assert refused(answer) is not None
    assert "image refused=DAMAGED" in board.said()


def test_the_version_in_records_and_state_is_the_images_own(board: HostBoard) -> None:
    assert board.ask(READ, 64, 0, {})["software"] == "1.0.0"
    assert board.ask(READ, 0, 7, {"format": "v"})["output"] == "1.0.0"


def test_the_first_piece_of_an_update_leaves_parameters_of_version_0_in_force(library: Path, world: World) -> None:
    plain = {
        "environment": "test",
        "version": 0,
        "fares": {"metro": 300},
        "roots": [{"certificate": world.root.certificate.hex()}],
        "whitelist": [{"organisation": "00083010", "platform": "50083010"}],
    }
    board = HostBoard(library, Settings(terminal="T1", city=CITY), bytes(from_mapping(plain).image))
    board.start(CLOCK, 1000)
    board.take_part(bytes(100), 3000)
    board.tap(world.code(1))
    assert [tap["name"] for tap in board.told()] == ["ACCEPTED"]
    board.start(CLOCK + 1, 1000)
    board.tap(world.code(2))
    assert [tap["name"] for tap in board.told()] == ["ACCEPTED"], "a power cut in between"
