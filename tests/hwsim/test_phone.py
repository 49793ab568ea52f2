"""The simulated phone: its frames are what a camera would give, and the same seed gives the same ones."""

from dataclasses import replace

import numpy as np
import pytest

from yima.hwsim.phone import HELD, Phone, Poster, View
from yima.sdk.qr import LEVELS, Level
from yima.validator.readers.decoders import decode

CODE = bytes(range(256)) + bytes(range(108))


def phone(seed: int = 1, **options: object) -> Phone:
    return Phone(np.random.default_rng(seed), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("level", LEVELS)
def test_a_held_phone_is_read_at_every_level(level: Level) -> None:
    frame = phone(level=level).frame(CODE)
    assert frame.shape == (480, 640)
    assert frame.dtype == np.uint8
    assert decode(frame) == [CODE]


def test_an_empty_room_shows_nothing() -> None:
    frame = phone().frame(None)
    assert frame.shape == (480, 640)
    assert frame.mean() < 100
    assert decode(frame) == []


@pytest.mark.parametrize(
    "view",
    [
        replace(HELD, rotation_deg=90),
        replace(HELD, rotation_deg=217),
        replace(HELD, tilt_deg=30),
        replace(HELD, pan_deg=-30),
        replace(HELD, size=0.5, x=0.3, y=0.4),
        replace(HELD, blur_px=1.2),
        replace(HELD, contrast=0.3, brightness=40),
        replace(HELD, noise=12),
        replace(HELD, glare=90),
    ],
)
def test_a_phone_held_badly_is_still_read(view: View) -> None:
    assert decode(phone(view=view).frame(CODE)) == [CODE]


@pytest.mark.parametrize(
    "view", [replace(HELD, x=1.7), replace(HELD, blur_px=8), replace(HELD, size=0.15), replace(HELD, contrast=0.0)]
)
def test_what_no_camera_could_read_is_not_read(view: View) -> None:
    assert decode(phone(view=view).frame(CODE)) == []


def test_another_size_of_frame() -> None:
    frame = phone(width=1280, height=720).frame(CODE)
    assert frame.shape == (720, 1280)
    assert decode(frame) == [CODE]


def test_the_same_seed_gives_the_same_frames() -> None:
    one, same, other = (list(phone(seed).approach(CODE)) for seed in (5, 5, 6))
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_phone_comes_is_held_and_leaves() -> None:
    read = [decode(frame) == [CODE] for frame in phone().approach(CODE, coming=8, held=10, leaving=6)]
    assert len(read) == 24
    assert not read[0]
    assert all(read[8:18])
    assert not read[-1]


def test_a_dark_screen_is_the_light_one_inverted_and_its_code_reads_inverted() -> None:
    light, dark = (phone(view=View(noise=0), dark=dark) for dark in (False, True))
    one, other = light.frame(CODE), dark.frame(CODE)
    sums = one[120:360, 200:440].astype(int) + other[120:360, 200:440]
    assert sums.max() - sums.min() <= 6
    assert decode(np.asarray(255 - other, dtype=np.uint8)) == [CODE]


def test_a_poster_hangs_in_the_room_with_and_without_a_phone() -> None:
    poster = Poster(payload=b"https://example.org/a")
    beside = phone(poster=poster)
    assert decode(beside.frame(None)) == [poster.payload]
    assert len(decode(beside.frame(CODE, View(x=0.33, size=0.55)))) == 2


def test_a_page_without_a_code_has_writing_and_no_code() -> None:
    assert phone().frame(b"").std() > 5 * phone().frame(None).std()
    assert decode(phone().frame(b"")) == []
