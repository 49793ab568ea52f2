"""Files are taken in as they lie there when the day is done: what a run that was cut off made of others is nothing."""

from pathlib import Path

import pytest

from tests.sdk.centre.clearing.disputes.test_day import ISSUER, OPERATOR, TWO, engine, file, raised, word, workspace
from yima.sdk.centre.clearing.disputes.intake import take_files
from yima.sdk.centre.clearing.disputes.settling import settle_disputes
from yima.sdk.centre.clearing.engine import Engine
from yima.sdk.centre.clearing.files.reading import read_file
from yima.sdk.centre.clearing.folder import FolderError
from yima.sdk.centre.clearing.money.tables import CONFIRMED, DISPUTES, RAISED
from yima.sdk.centre.clearing.workspace import Workspace

__all__ = ["engine", "workspace"]


class PowerCut(BaseException):
    """The process is gone; nothing catches it."""


def cut_off(workspace: Workspace, paths: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes them, and dies when all of it is written but what was answered."""

    def dies(*_: object) -> None:
        raise PowerCut

    with monkeypatch.context() as patched:
        patched.setattr(Workspace, "move_all", dies)
        with pytest.raises(PowerCut):
            take_files(workspace, TWO, paths)


def test_a_file_that_was_taken_back_after_a_run_was_cut_off_raises_nothing(
    workspace: Workspace, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rows were decided and booked, though nobody was ever told that the file was taken."""
    path = file(tmp_path, "ED", TWO, ISSUER, [raised("a", 3, "NO_PASSAGE")])
    cut_off(workspace, [path], monkeypatch)
    assert take_files(workspace, TWO, []) == {}
    settle_disputes(workspace, engine, TWO)
    assert len(workspace.read(RAISED)) == len(workspace.read(DISPUTES)) == 0


def test_a_file_that_was_handed_in_anew_after_a_run_was_cut_off_is_taken_under_its_numbers(
    workspace: Workspace, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own numbers were refused as taken, and the ride that it had named in error was disputed."""
    wrong = file(tmp_path, "ED", TWO, ISSUER, [raised("a", 3, "NO_PASSAGE")])
    said = file(tmp_path, "CM", TWO, OPERATOR, [word("d", OPERATOR)])
    cut_off(workspace, [wrong, said], monkeypatch)
    wrong.unlink()
    said.unlink()
    right = file(tmp_path, "ED", TWO, ISSUER, [raised("a", 4, "OTHER")], sequence=2)
    again = file(tmp_path, "CM", TWO, OPERATOR, [word("d", OPERATOR, 0)], sequence=2)
    assert take_files(workspace, TWO, [right, again]) == {right.name: "0000", again.name: "0000"}
    settle_disputes(workspace, engine, TWO)
    assert workspace.read(DISPUTES)["ride_id"].to_pylist() == ["bus-1/1/4"]
    assert workspace.read(CONFIRMED)["agrees"].to_pylist() == [False]


def test_a_file_that_is_refused_when_it_is_taken_again_leaves_nothing(workspace: Workspace, tmp_path: Path) -> None:
    """Beside one that could not be read it was written, and stayed, whatever was handed in under its name."""
    path = file(tmp_path, "ED", TWO, ISSUER, [raised("a", 3, "NO_PASSAGE")])
    gone = tmp_path / "gone"
    with pytest.raises(FolderError):
        take_files(workspace, TWO, [path, gone])
    path.write_bytes(path.read_bytes()[:-9])
    assert take_files(workspace, TWO, [path]) == {path.name: "0002"}
    assert len(workspace.read(RAISED)) == 0


def test_what_was_taken_and_answered_stays_when_the_day_takes_more(workspace: Workspace, tmp_path: Path) -> None:
    first = file(tmp_path, "ED", TWO, ISSUER, [raised("a", 3, "NO_PASSAGE")])
    take_files(workspace, TWO, [first])
    second = file(tmp_path, "ED", TWO, OPERATOR, [raised("b", 4, "OTHER", OPERATOR)])
    take_files(workspace, TWO, [first, second])
    assert sorted(workspace.read(RAISED)["dispute_id"].to_pylist()) == ["a", "b"]


@pytest.mark.parametrize("strange", ["\n", "\t", "\x1b", "\x7f", " "])
def test_a_name_that_no_field_holds_leaves_the_answer_to_others_readable(
    workspace: Workspace, tmp_path: Path, strange: str
) -> None:
    """A line break in it was one in LD, of which the sender could read nothing then."""
    good = file(tmp_path, "ED", TWO, ISSUER, [raised("a", 1, "OTHER")])
    for name in (strange + good.name[1:], good.name[:8] + strange + good.name[9:], good.name[:-1] + strange):
        (tmp_path / name).write_bytes(good.read_bytes())
    codes = take_files(workspace, TWO, [path for path in tmp_path.iterdir() if path.is_file()])
    assert sorted(codes.values()) == ["0000", "0002", "0002", "0002"]
    (path,) = (workspace.path / "answers" / str(TWO)).glob("LD*")
    assert read_file(path).records == ({"file": good.name, "code": "0000"},)
