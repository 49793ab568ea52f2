"""A source in an Excel workbook: each sheet is the file of its name, and says what the CSV file would have said."""

import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from yima.sdk.parameters.example import SOURCE, write_source
from yima.sdk.parameters.folder import CSV_FILES
from yima.sdk.parameters.sheets import read_lines
from yima.sdk.parameters.source import read_source
from yima.validator.errors import ParametersError

Rows = Sequence[Sequence[Any]]
Make = Callable[..., Path]


def typed(text: str) -> Any:
    """What Excel makes of a text that is typed in: a number, a date, the text."""
    if text.isdigit() and not text.startswith("0") and len(text) < 10:
        return int(text)
    try:
        return datetime.strptime(text, "%Y-%m-%d")
    except ValueError:
        return text or None


def workbook(path: Path, sheets: Mapping[str, Rows]) -> Path:
    book = openpyxl.Workbook()
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    book.save(path)  # and the empty sheet that Excel begins with
    return path


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A directory with the package.toml of the example and one workbook of these sheets."""

    def made(sheets: Mapping[str, Rows], name: str = "city.xlsx") -> Path:
        (tmp_path / "package.toml").write_text(SOURCE["package.toml"])
        return workbook(tmp_path / name, sheets)

    return made


def wrong(directory: Path, match: str) -> ParametersError:
    with pytest.raises(ParametersError, match=match) as caught:
        read_source(directory)
    return caught.value


def test_a_city_in_one_workbook_says_what_its_csv_files_say(tmp_path: Path) -> None:
    write_source(tmp_path / "csv")
    tables = [path for path in sorted((tmp_path / "csv").glob("*.csv")) if path.stem != "trips"]
    sheets = {path.stem: [list(map(typed, line)) for _, line in read_lines(path)] for path in tables}
    (tmp_path / "excel").mkdir()
    (tmp_path / "excel" / "package.toml").write_text(SOURCE["package.toml"])
    workbook(tmp_path / "excel" / "苏州.xlsx", sheets)
    assert {"fares", "concessions", "matrix-network"} <= set(sheets)
    assert read_source(tmp_path / "excel").rules == read_source(tmp_path / "csv").rules


def test_a_cell_is_what_a_person_would_have_typed(make: Make) -> None:
    path = make({"fares": [["a"], [200], [200.0], [2.5], [date(2024, 1, 1)], [datetime(2024, 1, 1, 5, 30)], [" x "]]})
    book = openpyxl.load_workbook(path)
    for row, (value, form) in enumerate([(0.5, "0%"), (0.125, "0.0%"), (3.1048700000000001e19, "0"), (True, "")], 8):
        cell = book["fares"].cell(row, 1, value)
        cell.number_format = form or "General"
    book.save(path)
    said = [cells[0] for _, cells in read_lines(path / "fares")]
    assert said[1:7] == ["200", "200", "2.5", "2024-01-01", "2024-01-01 05:30:00", "x"]
    assert said[7:9] == ["50%", "12.5%"]
    assert "e+19" in said[9]


def test_errors_name_workbook_sheet_line_and_column(make: Make) -> None:
    path = make({"deny": [["account"], ["# a note"], [3.1048700000000001e19]]})
    error = wrong(path.parent, "a spreadsheet has rounded")
    assert error.thing == f"{path}/deny: line 3, account"


@pytest.mark.parametrize(
    ("sheet", "meant"),
    [("Fares", "fares was likely meant"), ("denny", "deny was likely meant"), ("Budget", "no table")],
)
def test_a_sheet_that_is_no_table_is_refused_or_a_rule_would_be_switched_off(
    make: Make, sheet: str, meant: str
) -> None:
    path = make({sheet: [["rule"], ["x"]]})
    error = wrong(path.parent, meant)
    assert error.thing == f"{path}/{sheet}"
    assert "begin with #" in error.remedy.en


def test_a_file_for_one_table_whose_sheet_has_no_name_is_told_its_name(make: Make) -> None:
    path = make({"Sheet2": [["account"], ["1" * 20]]}, "deny.xlsx")
    assert "deny was likely meant" in wrong(path.parent, "no table").problem.en


def test_notes_and_empty_sheets_say_nothing(make: Make) -> None:
    path = make({"# Notes": [["why we do this"]], "Sheet9": [], "cities": [["city", "name"], [320500, "苏州"]]})
    assert list(read_source(path.parent).rules.labels.values()) == ["苏州"]


def test_one_table_in_two_places_is_refused(make: Make) -> None:
    path = make({"deny": [["account"], ["1" * 20]]})
    (path.parent / "deny.csv").write_text("account\n")
    assert wrong(path.parent, "says the same table").thing == f"{path}/deny"


def test_the_end_of_the_day_is_typed_as_24_00(make: Make) -> None:
    """A bug found: Excel keeps 24:00 as a day's hours, and it was read as «1 day, 0:00:00»."""
    hours = [
        ["band", "from", "to"],
        ["all", time(0, 0), timedelta(hours=24)],
        ["early", time(5, 30), timedelta(hours=7)],
    ]
    path = make({"bands": hours})
    fares = [["rule", "mode", "kind", "fen", "bands", "by"], ["f", "bus", "flat", 200, "all early", "tap"]]
    make({"bands": hours, "fares": fares})
    assert read_source(path.parent).rules.bands == {"all": ((0, 1440),), "early": ((330, 420),)}
    book = openpyxl.load_workbook(path)
    book["bands"]["C2"].value = 1  # typed into a column of times of day
    book["bands"]["C2"].number_format = "h:mm"
    book.save(path)
    assert read_source(path.parent).rules.bands["all"] == ((0, 1440),)


def test_one_cell_far_out_is_named_and_not_walked_to(make: Make) -> None:
    """A bug found: a slip with Ctrl and an arrow made Python look at 17 thousand million cells."""
    path = make({"fares": [["rule", "mode", "kind", "fen"], ["f", "bus", "flat", 200]]})
    book = openpyxl.load_workbook(path)
    book["fares"]["XFD1048576"] = "x"
    book.save(path)
    error = wrong(path.parent, "1048576 rows of 16384 columns")
    assert error.thing.endswith("city.xlsx/fares: A1:XFD1048576")
    assert "Ctrl" in error.remedy.en


def test_a_sheet_that_is_not_there_is_told_by_those_that_are(make: Make) -> None:
    path = make({"trips": [["from", "when"], [1, "2026-01-01"]]})
    with pytest.raises(ParametersError, match=r"no such sheet\. Sheets there: Sheet, trips"):
        list(read_lines(path / "fares"))


def test_what_would_be_lost_in_silence_is_an_error(make: Make) -> None:
    head = ["riding_city", "issuer_city"]
    path = make({"acceptance": [head, [320500, 310000], [None, 320500]]})
    book = openpyxl.load_workbook(path)
    book["acceptance"].merge_cells("A2:A3")
    book.save(path)
    assert "A2:A3" in str(wrong(path.parent, "merged cells").thing)
    path = make({"acceptance": [head, [320500, "=310000+0"]]}, "other.xlsx")
    (path.parent / "city.xlsx").unlink()
    assert wrong(path.parent, "never calculated").thing == f"{path}/acceptance: B2"
    path = make({"acceptance": [head, ["#REF!", 310000]]}, "other.xlsx")
    assert wrong(path.parent, "the error #REF!")


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04" + bytes(100)])
def test_what_is_no_workbook_is_named(make: Make, content: bytes) -> None:
    path = make({})
    path.write_bytes(content)
    assert wrong(path.parent, "no workbook").thing == str(path)
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("readme", "not Excel")
    wrong(path.parent, "no workbook")


def test_a_workbook_that_unpacks_to_very_much_is_not_unpacked(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yima.sdk.parameters.workbooks._UNPACKED_MAX", 1000)
    wrong(make({"deny": [["account"]]}).parent, "unpacked")


def test_a_lock_of_excels_is_no_workbook_and_says_so(make: Make) -> None:
    path = make({})
    (path.parent / "~$city.xlsx").write_bytes(b"somebody")
    assert wrong(path.parent, "no file of a parameter source").thing.endswith("~$city.xlsx")


def test_every_table_may_be_a_sheet() -> None:
    assert all(len(name) <= 31 for name in CSV_FILES), "Excel's names are not longer"
