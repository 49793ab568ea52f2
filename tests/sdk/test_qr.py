"""yima.sdk.qr: the bytes of a code survive the symbol at every level, and the level is the one asked for."""

from collections.abc import Callable
from pathlib import Path

import pytest

from yima.sdk.payloads import read_payload
from yima.sdk.qr import LEVELS, Level, qr_matrix, qr_png

cv2 = pytest.importorskip("cv2")


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("data_size", [0, 32])
def test_a_picture_of_any_level_reads_back_to_the_same_bytes(
    level: Level, data_size: int, new_code: Callable[..., bytes], tmp_path: Path
) -> None:
    code = new_code(issuer_data=bytes(range(data_size)))
    path = tmp_path / "code.png"
    qr_png(code, path, level, scale=4)
    payload = read_payload(str(path))
    assert payload.data == code
    assert payload.form == "picture"


@pytest.mark.parametrize("data", [bytes(range(256)), bytes(332), b"\xff" * 364, "编码".encode()])
def test_bytes_of_every_value_survive(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "code.png"
    qr_png(data, path, "M")
    assert read_payload(str(path)).data == data


def test_a_higher_level_needs_a_larger_symbol(code: bytes) -> None:
    sizes = [len(qr_matrix(code, level)) for level in LEVELS]
    assert sizes == sorted(set(sizes))


def test_the_matrix_is_square_and_has_the_finder_in_its_corner(code: bytes) -> None:
    matrix = qr_matrix(code)
    assert {len(row) for row in matrix} == {len(matrix)}
    assert matrix[0][:8] == [True] * 7 + [False]


def test_what_fits_into_no_symbol_is_refused() -> None:
    with pytest.raises(ValueError):
        qr_matrix(bytes(3000))
