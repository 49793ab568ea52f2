"""A dispute's number is its raiser's: who else uses it takes it from nobody, and is answered apart."""

import json
from pathlib import Path

import pytest

from tests.sdk.centre.clearing.disputes.test_day import (
    ISSUER,
    OPERATOR,
    TWO,
    booked,
    engine,
    file,
    raised,
    word,
    workspace,
)
from tests.sdk.centre.clearing.money.world import DAYS
from yima.sdk.centre.clearing.disputes.answering import answer_disputes
from yima.sdk.centre.clearing.disputes.intake import take_files
from yima.sdk.centre.clearing.disputes.settling import settle_disputes
from yima.sdk.centre.clearing.engine import Engine
from yima.sdk.centre.clearing.files.layouts import file_name
from yima.sdk.centre.clearing.files.reading import read_file
from yima.sdk.centre.clearing.money.tables import CLEARED, DISPUTES
from yima.sdk.centre.clearing.workspace import Workspace

__all__ = ["engine", "workspace"]
STRANGER = "12345678"


def test_a_strangers_word_does_not_take_the_place_of_the_asked_partys(
    workspace: Workspace, engine: Engine, tmp_path: Path
) -> None:
    """The first word on a number was the only one once, whoever had said it, and the dispute waited for ever."""
    strange = file(tmp_path, "CM", TWO, STRANGER, [word("d", STRANGER, 0)])
    take_files(workspace, TWO, [file(tmp_path, "ED", TWO, ISSUER, [raised("d", 4, "OTHER")]), strange])
    settle_disputes(workspace, engine, TWO)
    theirs = file(tmp_path, "CM", DAYS[2], OPERATOR, [word("d", OPERATOR)])
    assert take_files(workspace, DAYS[2], [theirs]) == {theirs.name: "0000"}
    settle_disputes(workspace, engine, DAYS[2])
    assert [row["reply"] for row in workspace.read(DISPUTES).to_pylist()] == ["ASKED", "AGREED"]
    again = file(tmp_path, "CM", DAYS[3], OPERATOR, [word("d", OPERATOR, 0)], sequence=2)
    assert take_files(workspace, DAYS[3], [again]) == {again.name: "0004"}


def test_two_raisers_with_one_number_are_both_heard_and_answered(
    workspace: Workspace, engine: Engine, tmp_path: Path
) -> None:
    paths = [
        file(tmp_path, "ED", TWO, STRANGER, [raised("1", 2, "OTHER", STRANGER)]),
        file(tmp_path, "ED", TWO, ISSUER, [raised("1", 3, "NO_PASSAGE")]),
        file(tmp_path, "ED", TWO, OPERATOR, [raised("1", 3, "OTHER", OPERATOR)]),
    ]
    assert set(take_files(workspace, TWO, paths).values()) == {"0000"}
    settle_disputes(workspace, engine, TWO)
    booked(workspace, engine, TWO)
    assert {row["raised_by"]: row["reply"] for row in workspace.read(DISPUTES).to_pylist()} == {
        STRANGER: "NOT_A_PARTY", ISSUER: "GATE_SAW_NO_PASSAGE", OPERATOR: "DECIDED_BEFORE",
    }  # fmt: skip
    assert [row["ride_id"] for row in workspace.read(CLEARED, day=TWO).to_pylist()] == ["bus-1/1/3"]
    answers = {path.name: path for path in answer_disputes(workspace, engine, TWO)}
    told = read_file(answers[file_name("AD", TWO, OPERATOR, 1)]).records
    assert [(row["raised_by"], row["fare_fen"]) for row in told] == [(ISSUER, -300), (OPERATOR, 0)]


def test_a_word_is_on_the_dispute_of_the_raiser_whom_it_names(
    workspace: Workspace, engine: Engine, tmp_path: Path
) -> None:
    paths = [
        file(tmp_path, "ED", TWO, ISSUER, [raised("1", 4, "OTHER")]),
        file(tmp_path, "ED", TWO, OPERATOR, [raised("1", 5, "OTHER", OPERATOR)]),
    ]
    take_files(workspace, TWO, paths)
    settle_disputes(workspace, engine, TWO)
    word_of_both = [
        file(tmp_path, "CM", DAYS[2], OPERATOR, [word("1", OPERATOR, 0)]),
        file(tmp_path, "CM", DAYS[2], ISSUER, [word("1", ISSUER, 1, of=OPERATOR)]),
    ]
    take_files(workspace, DAYS[2], word_of_both)
    settle_disputes(workspace, engine, DAYS[2])
    decided = workspace.read(DISPUTES, day=DAYS[2]).to_pylist()
    assert {row["ride_id"]: row["reply"] for row in decided} == {"bus-1/1/4": "CONTESTED", "bus-1/1/5": "AGREED"}


def test_each_dispute_has_a_bundle_of_its_own_whatever_its_number_is(
    workspace: Workspace, engine: Engine, tmp_path: Path
) -> None:
    """Of numbers that differ in a slash and an underscore alone, one bundle lay over the other."""
    numbers = ["2026/7", "2026_7", "2026%7", "..", ""]
    ours = [raised(number, 1 + place, "OTHER") for place, number in enumerate(numbers)]
    take_files(workspace, TWO, [file(tmp_path, "ED", TWO, ISSUER, ours)])
    settle_disputes(workspace, engine, TWO)
    paths = [path for path in answer_disputes(workspace, engine, TWO) if path.suffix == ".json"]
    assert {path.parent for path in paths} == {workspace.path / "answers" / str(TWO)}
    assert sorted(json.loads(path.read_text())["dispute"]["dispute_id"] for path in paths) == sorted(numbers)
    assert len({path.name for path in paths}) == len(numbers)


@pytest.mark.parametrize("whole", [True, False])
def test_senders_that_share_seven_digits_are_answered_each_by_itself(
    workspace: Workspace, engine: Engine, tmp_path: Path, whole: bool
) -> None:
    """Both were told in one file, which named neither of them."""
    twin = "8" + ISSUER[1:]
    paths = [
        file(tmp_path, "ED", TWO, ISSUER, [raised("a", 4, "OTHER")]),
        file(tmp_path, "ED", TWO, twin, [raised("a", 4, "OTHER", twin)], sequence=2),
    ]
    if not whole:
        paths[0].write_bytes(b"no first line")
    take_files(workspace, TWO, paths)
    answers = [read_file(path) for path in sorted((workspace.path / "answers" / str(TWO)).glob("LD*"))]
    assert {answer.organisation: [row["file"] for row in answer.records] for answer in answers} == {
        ISSUER if whole else f"0{ISSUER[1:]}": [paths[0].name], twin: [paths[1].name]
    }  # fmt: skip
    settle_disputes(workspace, engine, TWO)
    told = {read_file(path).organisation for path in answer_disputes(workspace, engine, TWO) if path.name[:2] == "AD"}
    assert told >= ({ISSUER, twin} if whole else {twin})
