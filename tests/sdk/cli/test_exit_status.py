"""How a command ends says what kind of thing was wrong; the table is in the code, in `--help` and in the docs."""

from importlib.metadata import entry_points
from pathlib import Path

import pytest

from yima.sdk.cli import main as command
from yima.sdk.cli.exit_status import OF_KIND, TABLE, status_of
from yima.sdk.cli.main import main
from yima.validator.errors import (
    DeviceKeyError,
    GateError,
    JournalError,
    Kind,
    ParametersError,
    ReaderError,
    ResolverError,
    UplinkError,
    YimaError,
)
from yima.validator.texts import Text


@pytest.mark.parametrize(
    ("error", "number"),
    [
        (YimaError, 3), (ReaderError, 4), (GateError, 4), (JournalError, 5), (DeviceKeyError, 5), (ParametersError, 6),
        (UplinkError, 7), (ResolverError, 7),
    ],
)  # fmt: skip
def test_each_kind_has_its_own_status(error: type[YimaError], number: int) -> None:
    assert status_of(error("thing", Text("wrong", "错"), Text("mend", "修"))) == number


def test_no_two_kinds_end_alike() -> None:
    assert set(OF_KIND) == set(Kind)
    assert len({status.number for status in TABLE}) == len(TABLE)


@pytest.mark.parametrize("verb", [point.name for point in entry_points(group="yima.commands")])
def test_every_verb_tells_the_table(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0
    text = capsys.readouterr().out
    for status in TABLE:
        assert f"  {status.number:<4} {status.meaning.en} {status.meaning.zh}\n" in text


def test_wrong_usage_quotes_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--reader", "file:x", "--params", "p", "--state", "s", "http://u:secret@h/?t=secret"]) == 2
    said = capsys.readouterr().err
    assert "secret" not in said
    assert "http://***@h/?t=***" in said


@pytest.mark.parametrize(
    "words",
    [["image", "build", "--folder"], ["centre", "day"], ["centre", "ingest"], ["image", "sign", "--folder"]],
    ids=" ".join,
)
@pytest.mark.parametrize("place", ["a" * 300, "file/below", "name\udcff" + "b" * 300], ids=["long", "below", "bytes"])
def test_a_path_that_the_system_does_not_take_is_named_and_no_traceback(
    words: list[str], place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("no folder")
    assert main([*words, str(tmp_path / place)]) in {3, 5}
    said = capsys.readouterr().err
    assert said.startswith(f"yima: {tmp_path}")
    assert said.count("\n") == 1


def test_what_is_no_question_of_a_path_is_a_fault_and_shows_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(words: list[str]) -> int:
        raise OSError(9, "Bad file descriptor")

    monkeypatch.setattr(command, "_run", fails)
    with pytest.raises(OSError, match="Bad file descriptor"):
        main(["run"])
