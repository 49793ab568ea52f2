"""yima inspect of several files, of folders, and of pictures with several codes: each is told, none is passed over."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from yima.sdk.cli import inspect as verb
from yima.sdk.cli.main import main
from yima.sdk.dissection.code import dissect
from yima.sdk.qr import qr_matrix

Run = Callable[..., tuple[int, list[Any], str]]


@pytest.fixture
def inspect(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `yima inspect --json`: (status, one object for each code, stderr)."""

    def run(*words: object) -> tuple[int, list[Any], str]:
        status = main(["inspect", "--json", *map(str, words)])
        captured = capsys.readouterr()
        return status, [json.loads(line) for line in captured.out.splitlines()], captured.err

    return run


@pytest.fixture(scope="module")
def codes(new_code: Callable[..., bytes]) -> list[bytes]:
    """Two codes that differ in their cap."""
    return [new_code(cap_fen=100), new_code(cap_fen=200)]


def side_by_side(path: Path, payloads: list[bytes]) -> Path:
    """A picture of several symbols in a row."""
    drawn = [np.pad(np.array(qr_matrix(payload), dtype=np.uint8), 8) for payload in payloads]
    height = max(len(one) for one in drawn)
    row = np.hstack([np.pad(one, ((0, height - len(one)), (0, 0))) for one in drawn])
    Image.fromarray(np.kron(255 - 255 * row, np.ones((5, 5), dtype=np.uint8))).save(path)
    return path


def test_every_file_is_told_under_its_name(inspect: Run, codes: list[bytes], tmp_path: Path) -> None:
    """Several files were "unrecognized arguments"."""
    (tmp_path / "a.bin").write_bytes(codes[0])
    (tmp_path / "b").write_text(codes[1].hex(":"))
    status, told, _ = inspect(tmp_path / "a.bin", tmp_path / "b")
    assert (status, [one["cap_fen"] for one in told]) == (0, [100, 200])
    assert [one["source"] for one in told] == [str(tmp_path / "a.bin"), str(tmp_path / "b")]


def test_a_file_that_cannot_be_used_is_said_and_keeps_none_of_the_others_back(
    inspect: Run, codes: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.bin").write_bytes(codes[0])
    Path("cut.bin").write_bytes(codes[1][:200])
    status, told, said = inspect("nowhere", "cut.bin", "a.bin")
    assert (status, len(told)) == (3, 2)
    assert said.startswith("yima: nowhere: ")
    assert said.count("\n") == 1
    assert inspect("cut.bin", "a.bin")[0] == 1


def test_a_folder_is_what_issue_wrote_there_each_code_once(
    inspect: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder was "Is a directory"; roots and parameters beside the codes are none."""
    assert main(["issue", "--out", str(tmp_path), "--count", "2"]) == 0
    capsys.readouterr()
    status, told, said = inspect(tmp_path, "--roots", tmp_path / "roots.bin")
    assert (status, [Path(one["source"]).name for one in told], said) == (0, ["code-001.bin", "code-002.bin"], "")


def test_the_objects_of_a_folder_are_in_the_order_of_names(inspect: Run, codes: list[bytes], tmp_path: Path) -> None:
    for name, code in zip("ba", codes, strict=True):
        (tmp_path / f"{name}.bin").write_bytes(code)
    (tmp_path / "roots.bin").write_bytes(b"\x21\x01\x01\x00\x00" + bytes(139))
    (tmp_path / "params.toml").write_text("version = 1")
    status, told, said = inspect(tmp_path)
    assert (status, [Path(one["source"]).name for one in told], said) == (0, ["a.bin", "b.bin"], "")


def test_a_folder_without_codes_is_named(inspect: Run, tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("none here")
    status, told, said = inspect(tmp_path)
    assert (status, told) == (3, [])
    assert f"{tmp_path}: no file in it may hold a code" in said


def test_two_phones_in_one_picture_are_both_told(
    inspect: Run, codes: list[bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only the first was, without a word of the second."""
    picture = side_by_side(tmp_path / "two.png", codes)
    status, told, _ = inspect(picture)
    assert (status, sorted(one["cap_fen"] for one in told)) == (0, [100, 200])
    assert [(one["number"], one["codes"]) for one in told] == [(1, 2), (2, 2)]
    assert main(["inspect", str(picture)]) == 0
    shown = capsys.readouterr().out
    assert "code 1 of 2 in the picture" in shown
    assert "code 2 of 2 in the picture" in shown


def test_a_poster_beside_a_phone_is_told_and_is_no_damage(inspect: Run, codes: list[bytes], tmp_path: Path) -> None:
    poster = b"SEE THE CITY BY METRO"
    status, told, _ = inspect(side_by_side(tmp_path / "poster.png", [poster, codes[0]]))
    assert (status, {one["family"] for one in told}) == (0, {"unknown", "ministry"})
    assert inspect(side_by_side(tmp_path / "alone.png", [poster]))[0] == 1


def test_fields_have_their_places_and_bytes(inspect: Run, codes: list[bytes], tmp_path: Path) -> None:
    """The object had values, but no offset, size or byte."""
    (tmp_path / "code").write_bytes(codes[0])
    _, [masked], _ = inspect(tmp_path / "code")
    _, [whole], _ = inspect(tmp_path / "code", "--reveal")
    assert whole["size"] == len(codes[0])
    for field in whole["fields"]:
        at = codes[0][field["offset"] : field["offset"] + field["size"]]
        assert field["raw"] in ("", at.hex()), field["name"]
        assert field["name"]["zh"]
    assert sum(field["size"] for field in whole["fields"] if field["number"]) == len(codes[0])
    hidden = {field["name"]["en"] for field in masked["fields"] if "*" in field["raw"]}
    assert hidden == {"payment account", "card account"}


def test_a_narrow_terminal_shows_every_name_byte_and_meaning(
    codes: list[bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verb, "_PIPED_WIDTH", 40)
    (tmp_path / "a.bin").write_bytes(codes[0])
    assert main(["inspect", str(tmp_path / "a.bin")]) == 0
    out = capsys.readouterr().out
    for field in dissect(codes[0]).fields:
        assert f"{field.name.en} {field.name.zh}: " in out
        assert field.raw in out
        assert field.meaning in out


def test_help_tells_what_its_exit_status_means(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "--help"]) == 0
    assert "1    one is damaged, forged or no code" in capsys.readouterr().out


def test_a_picture_of_two_is_judged_by_the_first_and_says_so(
    codes: list[bytes], params_file: Path, now: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = side_by_side(tmp_path / "two.png", codes)
    main(["judge", str(picture), "--params", str(params_file), "--at", str(now)])
    assert "code 1 of 2 in the picture" in capsys.readouterr().out
