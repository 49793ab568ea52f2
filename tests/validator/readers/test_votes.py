"""Votes over the modules of a symbol that no single frame gives: one symbol alone, never a mixture."""

import numpy as np
import pytest
import zxingcpp

from yima.hwsim.phone import Phone, View
from yima.sdk.qr import qr_matrix
from yima.validator.readers import votes as votes_module
from yima.validator.readers.decoders import Gray
from yima.validator.readers.ladder import Ladder
from yima.validator.readers.votes import Corners, Grid, Votes, agree, patterns, sampled

VERSION = 12
SIDE = 65
SOFT = View(size=0.5, rotation_deg=0, blur_px=2.1, noise=28, contrast=0.6)
CORNERS: Corners = np.array([(200, 120), (440, 120), (440, 360), (200, 360)], dtype=np.float64)
"""Where SOFT has its symbol."""


def ride(rng: np.random.Generator, size: int = 350) -> bytes:
    return b"\x80" + (size - 3).to_bytes(2, "big") + b"\x24" + rng.bytes(size - 4)


def frames(seed: int, code: bytes, number: int, view: View = SOFT) -> list[Gray]:
    phone = Phone(np.random.default_rng(seed))
    return [phone.frame(code, view) for _ in range(number)]


def votes() -> Votes:
    return Votes(zxingcpp, zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCodeModel2))


@pytest.mark.parametrize("seed", range(3))
def test_frames_together_give_a_code_that_none_of_them_gives_alone(seed: int) -> None:
    code = ride(np.random.default_rng(seed))
    several = frames(seed, code, 16)
    assert all(votes().add(frame, VERSION, CORNERS, 0) is None for frame in several[:6])
    together = votes()
    read = [together.add(frame, VERSION, CORNERS, number) for number, frame in enumerate(several)]
    assert read[0] is None
    assert read[-1] is not None
    assert {found[0] for found in read if found} == {code}
    assert np.abs(read[-1][1] - CORNERS).max() < 2


@pytest.mark.parametrize("seed", range(3))
def test_a_renewed_code_is_never_mixed_with_the_one_before(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first = ride(rng)
    second = first[:220] + rng.bytes(130)
    several = frames(seed, first, 8) + frames(seed + 50, second, 16)
    together = votes()
    found = [together.add(frame, VERSION, CORNERS, number) for number, frame in enumerate(several)]
    assert {read[0] for read in found[:8] if read} <= {first}
    assert {read[0] for read in found[8:] if read} == {second}


def test_two_frames_of_one_code_agree_and_of_a_renewed_one_do_not() -> None:
    rng = np.random.default_rng(9)
    first = ride(rng)
    grids: list[Grid] = []
    for code in (first, first, first[:220] + rng.bytes(130)):
        sample = sampled(frames(len(grids), code, 1)[0], VERSION, CORNERS)
        assert sample is not None
        grids.append(sample.grid)
    assert agree(grids[0], grids[1])
    assert not agree(grids[0], grids[2])


def test_votes_are_forgotten_after_twenty_frames_without_one() -> None:
    together = votes()
    together.add(frames(1, ride(np.random.default_rng(1)), 1)[0], VERSION, CORNERS, 5)
    assert together.place(25) is not None
    assert together.place(26) is None


@pytest.mark.parametrize("version", [7, 12, 21])
def test_the_patterns_are_those_that_all_symbols_of_a_version_share(version: int) -> None:
    kinds, squares = patterns(version)
    side = 17 + 4 * version
    assert kinds.shape == (side, side)
    assert len(squares) >= 9
    rng = np.random.default_rng(version)
    size = {7: 150, 12: 350, 21: 900}[version]
    symbols = [np.array(qr_matrix(rng.bytes(size), "L")) for _ in range(6)]
    assert symbols[0].shape == kinds.shape
    for symbol in symbols:
        assert ((kinds > 0) == symbol)[kinds != 0].all()
    assert 0.2 < np.mean(symbols, axis=0)[kinds == 0].mean() < 0.8


def test_an_alignment_pattern_lies_about_each_centre_of_its_versions_grid() -> None:
    """Centres by the table of ISO/IEC 18004, Annex E; where a finder pattern lies there is none."""
    centres = {1: [], 2: [6, 18], 7: [6, 22, 38], 14: [6, 26, 46, 66]}
    for version, of in centres.items():
        last = 16 + 4 * version - 6
        finders = {(6, 6), (6, last), (last, 6)}
        wanted = {(row - 2, column - 2, 5) for row in of for column in of if (row, column) not in finders}
        assert set(patterns(version)[1][3:]) == wanted, version


@pytest.mark.parametrize(
    "corners",
    [CORNERS * 0, CORNERS + 1e6, CORNERS * -1, CORNERS * 1e5, CORNERS[[0, 0, 1, 1]], CORNERS[[0, 2, 1, 3]]],
    ids=["a point", "outside", "negative", "huge", "a line", "crossed"],
)
def test_corners_without_a_symbol_give_no_vote(corners: Corners) -> None:
    together = votes()
    frame = frames(1, ride(np.random.default_rng(1)), 1)[0]
    for picture in (frame, frame[:3, :2], np.zeros_like(frame)):
        assert together.add(picture, VERSION, corners, 1) is None
    assert together.place(1) is None


@pytest.mark.parametrize("seed", range(4))
def test_where_no_pattern_is_like_what_it_should_be_nothing_is_pinned(seed: int) -> None:
    kinds, squares = patterns(VERSION)
    side = (SIDE + 2 * votes_module._RIM) * votes_module._PIXELS
    noise = np.random.default_rng(seed).integers(0, 256, (side, side), dtype=np.uint8)
    assert votes_module._pinned(noise, kinds, squares, votes_module._REACH[0]) is None


def test_the_camera_reads_a_soft_code_that_is_held_before_it() -> None:
    code = ride(np.random.default_rng(4), 340)
    reader = Ladder()
    read = [reader.frame(frame) for frame in frames(3, code, 16, View(size=0.5, blur_px=2.1, noise=10, contrast=0.7))]
    assert {payload for payloads in read for payload in payloads} == {code}


@pytest.mark.parametrize("seed", range(3))
def test_the_camera_reads_by_votes_what_no_pass_reads_in_any_frame(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    code = ride(np.random.default_rng(seed))
    several = frames(seed, code, 24, View(size=0.5, rotation_deg=0, blur_px=2.1, noise=20, contrast=0.6))
    reader = Ladder()
    assert {payload for frame in several for payload in reader.frame(frame)} == {code}
    monkeypatch.setattr(Votes, "add", lambda *_: None)
    reader = Ladder()
    assert [reader.frame(frame) for frame in several] == [[]] * len(several)
