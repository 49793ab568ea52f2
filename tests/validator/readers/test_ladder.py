"""What a camera at a gate has before it: dark screens, posters, screens held close, empty rooms."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yima.hwsim.conditions import CONDITIONS, code_without_signature
from yima.hwsim.phone import Phone, Poster, View
from yima.sdk.payloads import read_payload
from yima.sdk.qr import qr_matrix
from yima.validator.readers.camera import Frame
from yima.validator.readers.decoders import Gray, decode, decoder_named
from yima.validator.readers.ladder import _RUNGS, Hit, Ladder
from yima.validator.readers.texture import CELL, Box, is_even, light_on_dark, texture, textured_boxes

SIZES = {"VGA": (640, 480), "HD": (1280, 720)}
SOFT = 2.0
"""Sigma in pixels at VGA at which only the sharpened pass reads a symbol of version 13."""


def ride(rng: np.random.Generator, size: int = 350) -> bytes:
    """The marks of a ministry code, and anything."""
    return b"\x80" + (size - 3).to_bytes(2, "big") + b"\x24" + rng.bytes(size - 4)


def phone(rng: np.random.Generator, size: str, *, dark: bool = False, poster: Poster | None = None) -> Phone:
    width, height = SIZES[size]
    return Phone(rng, width=width, height=height, dark=dark, poster=poster)


def frames_until_read(read: Callable[[Gray], list[bytes]], frame: Callable[[], Gray], code: bytes, most: int) -> int:
    for number in range(1, most + 1):
        if code in read(frame()):
            return number
    raise AssertionError(f"not read in {most} frames")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("seed", range(8))
def test_a_dark_screens_code_is_read_in_its_first_frame(size: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    code = ride(rng)
    view = View(rotation_deg=rng.uniform(-15, 15), tilt_deg=8, blur_px=0.8)
    assert decoder_named("zxing")(phone(rng, size, dark=True).frame(code, view)) == [code]


@pytest.mark.parametrize("angle", [0, 30, 45, 90])
def test_a_dark_screens_code_is_read_at_any_angle_within_ten_frames(angle: int) -> None:
    rng = np.random.default_rng(angle)
    code, before = ride(rng), phone(rng, "VGA", dark=True)
    frames_until_read(Ladder().frame, lambda: before.frame(code, View(rotation_deg=angle, size=0.5)), code, 10)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("seed", range(6))
def test_a_poster_beside_the_phone_hides_no_code(size: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    code, poster = ride(rng), Poster()
    view = View(x=0.33, size=0.55, rotation_deg=rng.uniform(-8, 8), blur_px=SOFT * SIZES[size][1] / 480)
    before = phone(rng, size, poster=poster)
    reader = Ladder()
    assert reader.frame(before.frame(None)) == [poster.payload]
    for _ in range(3):
        payloads = reader.frame(before.frame(code, view))
        assert code in payloads
        assert set(payloads) <= {code, poster.payload}


def test_a_poster_that_has_gone_is_read_no_longer() -> None:
    rng = np.random.default_rng(1)
    reader = Ladder()
    assert reader.frame(phone(rng, "VGA", poster=Poster()).frame(None)) == [Poster().payload]
    assert reader.frame(phone(rng, "VGA").frame(None)) == []


@pytest.mark.parametrize("size", SIZES)
def test_the_passes_follow_a_code_from_frame_to_frame_and_leave_it_for_the_next(size: str) -> None:
    rng = np.random.default_rng(3)
    first, second = ride(rng), ride(rng)
    before, reader = phone(rng, size), Ladder()
    for code, x in ((first, 0.5), (first, 0.51), (second, 0.5), (second, 0.3), (first, 0.7)):
        assert reader.frame(before.frame(code, View(x=x, size=0.5))) == [code]


def test_each_pass_looks_at_the_size_that_its_name_says() -> None:
    picture = np.zeros((240, 480), dtype=np.uint8)
    part = {"half": 2, "third": 3, "quarter": 4}
    for name, looked_at in _RUNGS.items():
        times = next((part[word] for word in part if word in name), 1)
        due = (480, 960) if name.startswith("doubled") else (240 // times, 480 // times)
        assert looked_at(picture).shape == due, name


def close_screen(code: bytes) -> Gray:
    """Modules of eleven pixels in a picture so grainy that only at a third of its size they have edges."""
    view = View(size=0.96, rotation_deg=4, noise=40, contrast=0.6)
    return Phone(np.random.default_rng(8)).frame(code, view)


def test_a_screen_held_close_is_read_within_ten_frames() -> None:
    code = ride(np.random.default_rng(5), 120)
    frames_until_read(Ladder().frame, lambda: close_screen(code), code, 10)


@pytest.mark.parametrize("size", SIZES)
def test_an_empty_room_has_no_texture_whatever_its_noise(size: str) -> None:
    rng = np.random.default_rng(4)
    for noise in (0, 3, 8, 15, 25):
        room = phone(rng, size).frame(None, View(noise=noise))
        half = np.asarray(cv2.resize(room, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        assert textured_boxes(texture(half), []) == []


def test_what_fills_a_picture_has_nothing_about_it_that_could_be_darker() -> None:
    bright = np.full((64, 64), 200, dtype=np.uint8)
    assert not light_on_dark(bright, (0, 0, 64, 64))
    bright[:16], bright[48:], bright[:, :16], bright[:, 48:] = 20, 20, 20, 20
    assert light_on_dark(bright, (16, 16, 48, 48))
    assert not light_on_dark(255 - bright, (16, 16, 48, 48))


def test_a_codes_box_holds_the_code_and_is_gone_when_it_is_masked() -> None:
    rng = np.random.default_rng(4)
    frame = phone(rng, "VGA").frame(ride(rng), View(size=0.5, blur_px=2.5, noise=10))
    half = np.asarray(cv2.resize(frame, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    (box,) = textured_boxes(texture(half), [])
    left, top, right, bottom = box
    assert left <= 208
    assert top <= 128
    assert right >= 432
    assert bottom >= 352
    assert (right - left) * (bottom - top) < 2 * 240 * 240
    corners = np.array([(200, 120), (440, 120), (440, 360), (200, 360)], dtype=np.float64)
    assert textured_boxes(texture(half), [corners]) == []


def test_the_box_of_a_textured_rectangle_is_that_rectangle() -> None:
    values = np.zeros((30, 40), dtype=np.uint8)
    values[4:14, 6:26] = 60
    assert textured_boxes(values, []) == [(6 * CELL, 4 * CELL, 26 * CELL, 14 * CELL)]


@pytest.mark.parametrize("pixels", [1, 2, 5, 30])
def test_a_single_picture_is_tried_in_every_way_at_once(pixels: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    code = ride(rng)
    drawn = 255 * np.pad(np.array(qr_matrix(code, "L"), dtype=np.uint8), 4)
    light_on_dark = np.kron(drawn, np.ones((pixels, pixels), dtype=np.uint8))
    assert decode(255 - light_on_dark) == [code]
    if pixels > 1:  # zxing-cpp reads one pixel a module in the usual colours alone
        assert decode(light_on_dark) == [code]
        assert cv2.imwrite(str(tmp_path / "dark.png"), light_on_dark)
        assert read_payload(str(tmp_path / "dark.png")).data == code


def test_a_symbol_of_one_pixel_a_module_held_before_the_reader_is_read_when_zxings_own_turn_comes() -> None:
    code = ride(np.random.default_rng(6))
    drawn = np.pad(np.array(qr_matrix(code, "L"), dtype=np.uint8), 4)
    picture = np.asarray(255 - 255 * drawn, dtype=np.uint8)
    frames_until_read(Ladder().frame, lambda: picture, code, 8)


def test_in_a_single_picture_a_ride_code_is_looked_for_beyond_a_poster() -> None:
    rng = np.random.default_rng(2)
    code = ride(rng)
    view = View(x=0.33, size=0.5, blur_px=1.6)
    both = phone(rng, "VGA", poster=Poster(), dark=True).frame(code, view)
    assert set(decode(both)) == {Poster().payload, code}


def test_frames_may_change_their_size_and_be_tiny() -> None:
    rng = np.random.default_rng(2)
    reader = Ladder()
    code = ride(rng)
    assert reader.frame(phone(rng, "HD").frame(code)) == [code]
    for shape in ((1, 1), (2, 900), (900, 2), (7, 7), (480, 640), (1, 1)):
        assert reader.frame(np.zeros(shape, dtype=np.uint8)) == []
        assert reader.frame(rng.integers(0, 256, shape, dtype=np.uint8)) == []
    assert reader.frame(phone(rng, "VGA").frame(code)) == [code]


@pytest.mark.parametrize(("shape", "first"), [((640, 960), "plain"), ((640, 961), "half")])
def test_a_picture_of_up_to_twice_vga_is_first_looked_at_as_it_is_and_a_larger_one_by_half(
    shape: tuple[int, int], first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rungs: list[str] = []
    look = Ladder._look

    def noted(ladder: Ladder, gray: Gray, box: Box, rung: str) -> list[Hit]:
        rungs.append(rung)
        return look(ladder, gray, box, rung)

    monkeypatch.setattr(Ladder, "_look", noted)
    Ladder().frame(np.zeros(shape, dtype=np.uint8))
    assert rungs[0] == first


def test_a_frame_is_left_as_it_came() -> None:
    rng = np.random.default_rng(2)
    gray = phone(rng, "VGA", dark=True).frame(ride(rng))
    frame = Frame(picture=gray.copy(), captured_ns=1)
    Ladder().frame(frame.picture)
    assert np.array_equal(frame.picture, gray)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(1, 90), st.integers(1, 90), st.integers(0, 99)), min_size=1, max_size=12))
def test_no_frames_of_any_sizes_end_a_reader(forms: list[tuple[int, int, int]]) -> None:
    reader = Ladder()
    symbol = np.kron(255 - 255 * np.pad(np.array(qr_matrix(b"\x80any", "L"), dtype=np.uint8), 2), np.full((3, 3), 1))
    for height, width, seed in forms:
        rng = np.random.default_rng(seed)
        picture = rng.integers(0, 256, (height, width), dtype=np.uint8)
        at = rng.integers(0, 90, 2)
        part = symbol[: max(height - at[0], 0), : max(width - at[1], 0)]
        picture[at[0] : at[0] + part.shape[0], at[1] : at[1] + part.shape[1]] = part
        assert set(reader.frame(picture)) <= {b"\x80any"}
        assert set(reader.picture(picture)) <= {b"\x80any"}


def boxed(gray: Gray) -> tuple[Gray, Box]:
    """The map of the texture and its largest box."""
    half = np.asarray(cv2.resize(gray, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    values = texture(half)
    return values, textured_boxes(values, [])[0]


@pytest.mark.parametrize("seed", [21, 146, 154, 159])
def test_a_grainy_code_in_a_dark_hall_is_read_in_its_first_frame(seed: int) -> None:
    rng = np.random.default_rng(seed)
    code = code_without_signature(rng)
    assert Ladder().frame(CONDITIONS["low-light"](rng, code, *SIZES["VGA"])) == [code]


@pytest.mark.parametrize("angle", [0, 20, 45])
def test_writing_has_gaps_and_a_symbol_has_none_at_any_angle(angle: int) -> None:
    rng = np.random.default_rng(angle)
    before, view = phone(rng, "VGA"), View(size=0.6, rotation_deg=angle, tilt_deg=12, blur_px=1.5)
    assert not is_even(*boxed(before.frame(b"", view)))
    assert is_even(*boxed(before.frame(ride(rng), view)))


def test_a_page_without_a_code_has_its_dear_pass_in_one_frame_of_four(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, before = Ladder(), phone(np.random.default_rng(7), "VGA")
    look, rungs = reader._look, list[str]()

    def counted(gray: Gray, box: Box, rung: str) -> object:
        rungs.append(rung)
        return look(gray, box, rung)

    monkeypatch.setattr(reader, "_look", counted)
    for _ in range(32):
        assert reader.frame(before.frame(b"")) == []
    dear = [rung for rung in rungs if rung not in ("plain", "half", "sharpened")]
    assert len(dear) == 8
    assert {"doubled", "doubled, wider", "inverted", "zxing's own"} <= set(dear)
