"""The instruction counts of a camera's frame: what is counted is so, and the record is of the frames as they are."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from benchmarks import camera_instructions, instructions
from benchmarks.callgrind import InstructionsError, total, triggered
from benchmarks.camera_paths import PATHS, name_of

Prepared = tuple[Path, dict[str, str]]

BETWEEN_MARKS = """
void counting(void);
void counted(const char *path);
static volatile int sum;
static void add(int times) { while (times--) sum++; }
int main(void) {
    add(1000000);
    counting(); add(1000); counted("one");
    add(1000000);
    counting(); add(2000); counted("two");
    return 0;
}
"""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """The directory with the frames, and the origin."""
    directory = tmp_path_factory.mktemp("frames")
    return directory, camera_instructions.prepare(directory)


def test_only_what_lies_between_two_marks_is_counted(tmp_path: Path) -> None:
    program, source, out = tmp_path / "program", tmp_path / "program.c", tmp_path / "out"
    source.write_text(BETWEEN_MARKS)
    marks = Path(camera_instructions.__file__).with_suffix(".c")
    subprocess.run(["cc", "-O1", str(source), str(marks), "-o", str(program)], check=True)
    collect = ["--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}"]
    subprocess.run(["valgrind", *collect, str(program)], check=True, capture_output=True)
    found = triggered(out)
    assert set(found) == {"one", "two"}
    assert 3000 < found["one"] < 8000
    assert 1.5 * found["one"] < found["two"] < 2.1 * found["one"]


def test_a_file_without_a_total_is_named(tmp_path: Path) -> None:
    (tmp_path / "torn").write_text("version: 1\n")
    for name in ("torn", "missing"):
        with pytest.raises(InstructionsError, match=name):
            total(tmp_path / name)


def test_the_record_is_of_the_frames_that_are_rendered_now(prepared: Prepared) -> None:
    directory, here = prepared
    recorded = json.loads(instructions.RECORD.read_text())["camera"]["origin"]
    assert set(here) == set(recorded)
    others = {name for name in here if here[name] != recorded[name]}
    assert others != {"frames"}, "the frames have changed: python -m benchmarks.instructions --renew"
    frames = {path: np.load(directory / f"{path}.npy") for path in PATHS}
    assert {path: each.shape[1:] for path, each in frames.items()} == {
        path: (720, 1280) if path.startswith("HD") else (480, 640) for path in PATHS
    }


def test_the_processors_newer_parts_are_left_out(prepared: Prepared) -> None:
    assert "AVX" not in prepared[1]["processor"]


def test_zxings_own_counts_are_kept_beside_ours_and_are_no_gate() -> None:
    counts = json.loads(instructions.RECORD.read_text())["camera"]["counts"]
    assert set(counts) == {name_of(path, side) for path in PATHS for side in ("yima", "zxing")}
    doubled = {name: count if name.startswith("yima") else 2 * count for name, count in counts.items()}
    assert instructions.compare(counts, camera_instructions.gated(doubled)) == []
    doubled["yima: VGA read"] *= 2
    (grown,) = instructions.compare(counts, camera_instructions.gated(doubled))
    assert "VGA read" in grown


def test_a_blank_and_a_read_frame_are_recorded_at_no_more_than_zxings_count_and_a_third() -> None:
    counts = json.loads(instructions.RECORD.read_text())["camera"]["counts"]
    for path in ("VGA blank", "VGA read", "HD read"):
        assert counts[name_of(path, "yima")] <= 1.3 * counts[name_of(path, "zxing")], path


def test_other_frames_in_the_same_place_are_a_failure_with_its_remedy(
    prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, here = prepared
    other = tmp_path / "instructions.json"
    other.write_text(json.dumps({"camera": {"origin": here | {"frames": "0"}, "counts": {}}}))
    monkeypatch.setattr(instructions, "RECORD", other)
    monkeypatch.setattr("sys.argv", ["instructions", "--check", "--only", "camera"])
    assert instructions.main() == 1
    said = capsys.readouterr().err
    assert "the frames are others" in said
    assert "--renew" in said


@pytest.mark.long
def test_two_counts_of_the_same_frames_differ_by_less_than_a_per_mille(prepared: Prepared) -> None:
    first, second = (camera_instructions.count(prepared[0]) for _ in range(2))
    assert all(abs(first[name] - second[name]) < first[name] / 1000 for name in first)


@pytest.mark.long
def test_growth_of_a_frame_beyond_two_percent_fails_the_check(
    prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    directory, here = prepared
    counts = camera_instructions.count(directory)
    name = name_of("VGA blank", "yima")
    other = tmp_path / "instructions.json"
    other.write_text(json.dumps({"camera": {"origin": here, "counts": counts | {name: counts[name] * 97 // 100}}}))
    monkeypatch.setattr(instructions, "RECORD", other)
    monkeypatch.setattr("sys.argv", ["instructions", "--check", "--only", "camera"])
    assert instructions.main() == 1
    assert "VGA blank" in capsys.readouterr().err
