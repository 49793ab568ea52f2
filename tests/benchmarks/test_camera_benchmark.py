"""The benchmark of the camera's passes, small: what it counts is so, whoever is faster."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np

from benchmarks.camera import Side, compared, contest, sequences, zxing
from benchmarks.camera_scenes import SIZES, Shot, approach, held
from yima.validator._core import family_of
from yima.validator.readers.ladder import Ladder


def test_it_counts_what_both_read_of_rendered_and_given_pictures(tmp_path: Path) -> None:
    for number, shot in enumerate(held("VGA", 0, 3)):
        (code,) = shot.codes
        assert cv2.imwrite(str(tmp_path / f"{number}.png"), shot.gray)
        (tmp_path / f"{number}.bin").write_bytes(code)
    (tmp_path / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    words = ["--json", "--rounds", "1", "--frames", str(tmp_path), "--photos", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.camera", *words], capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    rows = {row["name"]: row for row in found["sets"]}
    assert rows["VGA, all severities"]["frames"] == 6
    assert (rows["recorded frames"]["frames"], rows["photographs"]["frames"]) == (3, 12)
    assert rows["recorded frames"]["yima"]["read"] == rows["recorded frames"]["zxing"]["read"] == 3
    assert rows["photographs"]["yima"]["read"] == 12
    assert all(row["yima"]["wrong"] == 0 for row in rows.values())
    assert all(rows[f"{size}, blank"]["yima"]["read"] == 0 for size in SIZES)
    assert found["sequences"] == []
    assert "zxing-cpp" in found["machine"]["packages"]


def test_of_phones_that_come_near_it_counts_who_opened() -> None:
    found = sequences(1, [1])
    assert [row["name"] for row in found] == [f"{size}, coming near, severity 1" for size in SIZES]
    assert [row["yima"]["opened"] for row in found] == [1, 1]


def test_a_folder_that_is_not_there_is_named() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.camera", "--photos", "nowhere"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "nowhere: there is no such folder" in done.stderr


def test_a_payload_that_was_not_shown_is_counted_as_wrong() -> None:
    shot = Shot(np.zeros((9, 9), dtype=np.uint8), frozenset({b"right"}), frozenset({b"poster"}))
    side = Side()
    side.look(shot, lambda _: [b"poster"])
    assert (side.read, side.wrong) == (0, 0)
    side.look(shot, lambda _: [b"right", b"made up"])
    assert (side.read, side.wrong) == (1, 1)


def test_ratios_are_ours_to_zxings_and_none_where_there_is_nothing_to_divide_by() -> None:
    row = compared("set", {"zxing": Side(2, 0, [1.0, 3.0, 2.0]), "yima": Side(3, 0, [1.0, 1.0, 4.0])})
    assert (row["reads_ratio"], row["median_ratio"]) == (1.5, 0.5)
    assert compared("set", {"zxing": Side(0, 0, [1.0]), "yima": Side(1, 0, [1.0])})["reads_ratio"] is None
    assert compared("empty", {"zxing": Side(), "yima": Side()}) == {"name": "empty", "frames": 0}


def test_frames_are_ministry_codes_and_come_again_with_their_seeds() -> None:
    one, other = list(held("HD", 2, 2)), list(held("HD", 2, 2))
    assert all(np.array_equal(first.gray, second.gray) for first, second in zip(one, other, strict=True))
    assert {family_of(code) for shot in one for code in shot.codes} == {"ministry"}
    code, frames = approach("VGA", 1, 1)
    assert code in [payload for gray in frames for payload in zxing(gray)]


def test_both_see_every_frame() -> None:
    sides = contest(held("VGA", 0, 3), lambda number: Ladder(number).frame)
    assert [len(side.times_ms) for side in sides.values()] == [3, 3]
