"""Tables as spreadsheets save them: read where they can mean only one thing, else an error that says what to write."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.sdk.parameters.cells import Cell, read_rows
from yima.sdk.parameters.example import write_source
from yima.sdk.parameters.moments import LOCAL, as_local, moment_of, of_serial
from yima.sdk.parameters.problems import problems_of
from yima.sdk.parameters.source import Source, read_source
from yima.validator.errors import ParametersError
from yima.validator.parameters.rules import Fare, Mode

FARES = "rule,mode,city,fen,kind,from\nplain,bus,320500,250,flat,2024-01-01\n"
DUE = Fare(rule="plain", mode=Mode.BUS, city=320500, fen=250, from_s=1_704_038_400)
Edit = Callable[[str, bytes], Source]


@pytest.fixture
def edited(tmp_path: Path) -> Edit:
    write_source(tmp_path / "city")

    def read(name: str, content: bytes) -> Source:
        (tmp_path / "city" / name).write_bytes(content)
        return read_source(tmp_path / "city")

    return read


@pytest.mark.parametrize(
    "content",
    [
        FARES.encode(),
        FARES.encode("utf-8-sig"),
        FARES.encode("utf-16"),
        FARES.replace(",", ";").encode(),
        FARES.replace(",", "\t").encode(),
        FARES.replace(",", "，").encode(),
        ("sep=;\n" + FARES.replace(",", ";")).encode(),
        FARES.replace("\n", ",,,\r\n").encode(),
        ('"# a note, quoted by a spreadsheet",,\n' + FARES).encode(),
        ('# a note; with "marks\n' + FARES).encode(),
        ("＃ 备注，全角\n" + FARES).encode(),
        (",,,,,\n" + FARES + ",,,,,\n").encode(),
        FARES.replace("250", "250.0").encode(),
        FARES.replace("320500,250", "320500.0,250.00").encode(),
        FARES.replace("2024-01-01", "2024/1/1").encode(),
        FARES.replace("2024-01-01", "2024年1月1日").encode(),
        FARES.replace("2024-01-01", "20240101").encode(),
        FARES.replace("2024-01-01", "2024/1/1 0:00:00").encode(),
        FARES.replace("2024-01-01", "2023-12-31T16:00:00Z").encode(),
    ],
)
def test_a_spreadsheets_habits_are_read_where_they_mean_one_thing(edited: Edit, content: bytes) -> None:
    assert edited("fares.csv", content).rules.fares == [DUE]


@pytest.mark.parametrize(
    ("name", "content", "place", "write"),
    [
        ("fares.csv", FARES.replace("2024-01-01", "1/2/2024"), "line 2, from", "such as 2024-01-01, year first"),
        ("fares.csv", FARES.replace("2024-01-01", "45292"), "line 2, from", "such as 2024-01-01"),
        ("fares.csv", FARES.replace("2024-01-01", "46023"), "line 2, from", "such as 2026-01-01"),
        ("fares.csv", FARES.replace("250", "2.50"), "line 2, fen", "a whole number"),
        ("fares.csv", FARES.replace("plain,bus", "plain，bus"), "line 2, rule", "apart by ',', not '，'"),
        ("fares.csv", FARES.replace("bus,", "bus;"), "line 2, mode", "apart by ',', not ';'"),
        ("whitelist.csv", "organisation,platform\n83010,50083010\n", "line 2, organisation", "00083010"),
        ("deny.csv", "account\n3.10487E+19\n", "line 2, account", "text"),
        ("concessions.csv", "rule,percent\na,0.25\n", "line 2, percent", "at most one decimal"),
        ("concessions.csv", "rule,percent\na,100.1\n", "line 2, percent", "from 0 to 100"),
        ("fares.csv", "rule,mode,kind,fen\na,bus,flat,1,,7\n", "line 2", "Quote a cell"),
    ],
)
def test_what_could_mean_two_things_is_an_error_that_says_what_to_write(
    *, edited: Edit, name: str, content: str, place: str, write: str
) -> None:
    with pytest.raises(ParametersError) as refused:
        edited(name, content.encode())
    told = {one.thing.rpartition("/")[2]: one.remedy.en for one in problems_of(refused.value)}
    assert write in told[f"{name}: {place}"]


def test_a_percentage_may_have_its_sign(edited: Edit) -> None:
    assert [row.percent for row in edited("concessions.csv", b"rule,percent\na,50%\n").rules.concessions] == [50]


def test_a_matrix_ends_where_its_first_line_ends(edited: Edit) -> None:
    matrix = edited("matrix-network.csv", b"x;101.0;205,0\n".replace(b"205,0", b"205") + b"101;200.0;;;\n205;;200\n")
    assert matrix.rules.matrices["network"].fares == ((200, None), (None, 200))


def test_an_account_that_a_spreadsheet_rounded_stays_out_of_messages(edited: Edit) -> None:
    with pytest.raises(ParametersError) as refused:
        edited("deny.csv", b"account\n3.10487E+19\n")
    assert "3.10487" not in str(refused.value)


@given(st.datetimes(datetime(1971, 1, 2), datetime(2105, 1, 1)), st.sampled_from("-/."), st.booleans())
def test_every_form_of_a_moment_is_that_moment(moment: datetime, mark: str, padded: bool) -> None:
    moment = moment.replace(second=0, microsecond=0, tzinfo=LOCAL)
    two = "02" if padded else ""
    day = f"{moment.year}{mark}{moment.month:{two}}{mark}{moment.day:{two}}"
    assert moment_of(f"{day} {moment.hour:{two}}:{moment.minute:02}") == moment
    assert moment_of(f"{day}T{moment.hour:{two}}:{moment.minute:02}:00+08:00") == moment
    assert moment_of(f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}") == moment
    assert moment_of(f"{moment:%Y%m%d %H:%M}") == moment
    assert moment_of(as_local(int(moment.timestamp())).removesuffix(" UTC+8")) == moment


@given(st.text(max_size=24))
def test_any_other_text_is_a_moment_or_none(text: str) -> None:
    moment = moment_of(text)
    assert moment is None or moment.utcoffset() is not None


@pytest.mark.parametrize(
    "text", ["2024-02-30", "24-01-01", "1/2/2024", "2024-1/1", "2024-01-01 24:00", "45292", "٢٠٢٤-01-01"]
)
def test_what_is_no_single_moment_is_none(text: str) -> None:
    assert moment_of(text) is None


def test_a_spreadsheets_serial_number_is_the_day_it_shows() -> None:
    assert of_serial("45292") == "2024-01-01"
    assert of_serial("36526") == f"{datetime(2000, 1, 1):%Y-%m-%d}"
    assert of_serial("45292") == f"{datetime(1899, 12, 30) + timedelta(days=45292):%Y-%m-%d}"
    assert of_serial("123") == of_serial("x") == ""


@given(st.binary(max_size=120))
def test_any_bytes_are_rows_or_one_error(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder, "x.csv")
        file.write_bytes(content)
        try:
            rows = read_rows(file, ["a"], ["b"])
        except ParametersError as refused:
            assert refused.thing.startswith(str(file))
        else:
            assert all(isinstance(row["a"], Cell) for row in rows)
