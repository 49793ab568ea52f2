"""The source directory: what a person writes becomes rules; every slip is named by file, line, column and reason."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from yima.sdk.parameters.cells import LOCAL
from yima.sdk.parameters.compile import compiled
from yima.sdk.parameters.example import SOURCE, write_source
from yima.sdk.parameters.source import Source, read_source
from yima.validator.errors import ParametersError
from yima.validator.parameters.rules import (
    OPEN,
    Concession,
    Fare,
    FareKind,
    Form,
    Funder,
    LabelKey,
    LabelKind,
    Mode,
    Stage,
)

LOCAL_MIDNIGHT_2024 = 1_704_038_400  # 2024-01-01 00:00 in UTC+8
FAMILIES = "riding_city,issuer_city,family\n320500,310000,"
Edit = Callable[..., Source]


@pytest.fixture
def edited(tmp_path: Path) -> Edit:
    """Reads the example with some files replaced (None: taken away)."""

    def read(**files: str | None) -> Source:
        write_source(tmp_path / "city")
        for name, content in files.items():
            path = tmp_path / "city" / (name.replace("__", "-") + (".toml" if name == "package" else ".csv"))
            if content is None:
                path.unlink()
            else:
                path.write_bytes(content.encode(errors="surrogateescape"))
        return read_source(tmp_path / "city")

    return read


def test_the_example_says_what_its_files_say_and_the_core_takes_it(edited: Edit) -> None:
    source = edited()
    rules = source.rules
    assert (source.city, source.previous, source.replaces, rules.version) == (320500, 0, False, 1)
    assert source.not_before == LOCAL_MIDNIGHT_2024 + 731 * 86400
    assert compiled(source).rules.fares == tuple(sorted(rules.fares, key=lambda fare: (fare.mode, fare.line)))
    assert Fare(rule="bus-k1", mode=Mode.BUS, city=320500, line=101, kind=FareKind.STAGES, table="k1") in rules.fares
    assert rules.stages["k1"][-1] == Stage(up_to_m=None, fen=300)
    assert rules.matrices["network"].fares[1][2] == 400
    assert [row.funded_by for row in rules.concessions] == [
        Funder.RIDING_CITY, Funder.ISSUER_CITY, Funder.OPERATOR, Funder.ISSUER_CITY,
    ]  # fmt: skip
    assert rules.decoders[1].station_form is Form.BCD
    assert rules.labels[LabelKey(LabelKind.STATION, 320500, Mode.METRO, 0, 205)] == "乐桥"
    assert rules.labels[LabelKey(LabelKind.ORGANISATION, 83010)] == "Shanghai test issuer"
    assert len(rules.deny) == 2
    assert [(row.account_type, row.group) for row in rules.concessions][-1] == (None, "senior")
    assert [member.groups for member in rules.members] == [("senior",), ("senior",)]


def test_a_date_is_its_midnight_in_utc_8_and_a_minute_may_be_told(edited: Edit) -> None:
    source = edited(
        concessions="rule,from,to,percent\na,2024-01-01,2024-01-01 05:30,5\nb,2024-01-01 05:30,,6\n",
    )
    assert source.rules.concessions == [
        Concession(rule="a", from_s=LOCAL_MIDNIGHT_2024, to_s=LOCAL_MIDNIGHT_2024 + 19800, percent=5),
        Concession(rule="b", from_s=LOCAL_MIDNIGHT_2024 + 19800, to_s=OPEN, percent=6),
    ]


def test_only_package_toml_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "package.toml").write_text(SOURCE["package.toml"])
    rules = read_source(tmp_path).rules
    assert (rules.fares, rules.acceptance) == ([], None)


def test_acceptance_may_be_limited_to_a_family_which_overlaps_no_row_of_another(edited: Edit) -> None:
    head = "riding_city,issuer_city,mode,family,from\n"
    found = edited(acceptance=f"{head}340100,310000,metro,suishen,\n340100,310000,metro,,2024-01-01\n").rules.acceptance
    assert [row.family for row in found or ()] == ["suishen", ""]


def test_an_acceptance_file_without_rows_accepts_nobody(edited: Edit) -> None:
    assert edited(acceptance="riding_city,issuer_city\n").rules.acceptance == []


def test_columns_stand_in_any_order_and_spreadsheets_habits_are_taken(edited: Edit) -> None:
    source = edited(
        fares='\ufefffen, kind ,mode,rule,table\r\n# a note, with a comma\r\n,,,,\r\n\r\n 250 ,flat,bus,"plain"\r\n',
    )
    assert source.rules.fares == [Fare(rule="plain", mode=Mode.BUS, fen=250)]


FARES = "rule,mode,city,line,from,to,kind,fen,table\n"
PEOPLE = "rule,account_type,issuer_city,riding_city,mode,from,to,percent,fen\n"
DECODERS = "organisation,state_at,inside,station_at,station_size,station_form,time_at,time_form\n"


@pytest.mark.parametrize(
    ("file", "content", "place", "problem", "remedy"),
    [
        ("fares", "rule,mode\n", "line 1, kind", "missing", "Columns here: rule,mode,kind"),
        ("fares", "", "line 1, rule", "missing", "Columns here"),
        ("fares", "rule,mode,kind,colour\n", "line 1, colour", "no such column", "Columns here"),
        ("fares", "rule,mode,,kind\n", "line 1, (no name)", "no such column", "Columns here"),
        ("fares", "rule,mode,kind,mode\n", "line 1, mode", "twice", "Columns here"),
        ("fares", "rule,mode,kind,fen\na,bus,flat,2,3\n", "line 2", "5 cells for 4 columns", "Quote"),
        ("fares", 'rule,mode,kind,fen\na,"bus,flat,2\n', "line 2", "not CSV", "quotes"),
        ("fares", "rule,mode,kind,fen\n\n\na,\udcff,flat,2\n", "line 4", "not UTF-8", "UTF-8"),
        ("fares", FARES + "A B,bus,,,,,flat,2,\n", "line 2, rule", "A B", "small letters"),
        ("fares", FARES + f"{'x' * 32},bus,,,,,flat,2,\n", "line 2, rule", "xxx", "at most 31"),
        ("fares", FARES + "a,tram,,,,,flat,2,\n", "line 2, mode", "tram", "bus or metro"),
        ("fares", FARES + "a,bus,32050,,,,flat,2,\n", "line 2, city", "32050", "6 digits"),
        ("fares", FARES + "a,bus,,7,,,flat,2,\n", "line 2, city", "empty", "the city whose line"),
        ("fares", FARES + "a,bus,320500,0,,,flat,2,\n", "line 2, line", '"0"', "from 1 to 65535"),
        ("fares", FARES + "a,bus,,,2024-02-30,,flat,2,\n", "line 2, from", "2024-02-30", "such as 2024-01-01"),
        ("fares", FARES + "a,bus,,,1.1.2024,,flat,2,\n", "line 2, from", "1.1.2024", "such as 2024-01-01"),
        ("fares", FARES + "a,bus,,,2024-01-01,2024-01-01,flat,2,\n", "line 2, to", "behind from", "first day"),
        ("fares", FARES + "a,bus,,,,,flat,2.50,\n", "line 2, fen", "2.50", "whole number"),
        ("fares", FARES + "a,bus,,,,,flat,-1,\n", "line 2, fen", "-1", "whole number"),
        ("fares", FARES + "a,bus,,,,,flat,16777216,\n", "line 2, fen", "16777216", "16777215"),
        ("fares", FARES + "a,bus,,,,,flat,٣,\n", "line 2, fen", "٣", "whole number"),
        ("fares", FARES + "a,bus,,,,,flat,,\n", "line 2, fen", "empty", "whole number"),
        ("fares", FARES + "a,bus,,,,,flat,2,k1\n", "line 2, table", "k1", "nothing"),
        ("fares", FARES + "a,bus,,,,,stages,2,k1\n", "line 2, fen", "2", "nothing"),
        ("fares", FARES + "a,bus,,,,,stages,,k2\n", "line 2, table", "k2", "k1"),
        ("fares", FARES + "a,bus,,,,,matrix,,k1\n", "line 2, table", "k1", "network"),
        ("fares", FARES + "a,bus,,,,,zone,,k1\n", "line 2, kind", "zone", "flat or stages or matrix"),
        (
            "fares",
            FARES + "a,bus,,,,2024-01-02,flat,2,\nb,metro,,,,,flat,2,\nc,bus,,,2024-01-01,,flat,2,\n",
            "line 4",
            "line 2 says",
            "column to",
        ),
        ("stages", "table,up_to_m,fen\nk1,1000,1\nk1,01000,2\n", "line 3", "repeats line 2", "Leave one"),
        ("stages", "table,up_to_m,fen\nk1,,1\n", "line 2, up_to_m", "empty", "whole number"),
        ("stages", "table,up_to_m,fen\nnetwork,rest,1\nk1,rest,1\n", "matrix-network.csv", "a table network", "own"),
        ("matrix__network", "x,1,2\n1,0,0\n", "line 1", "no row for station 2", "Add"),
        ("matrix__network", "x,1,1\n", "line 1", "1 different stations in 2", "each once"),
        ("matrix__network", "x,1,2\n1,0,0\n3,0,0\n", "line 3", "station 3", "Each station once"),
        ("matrix__network", "x,1,2\n1,0,0\n1,0,0\n", "line 3", "station 1", "Each station once"),
        ("matrix__network", "x,1,2\n1,0\n2,0,0\n", "line 2", "2 cells", "3 cells"),
        ("matrix__network", "x,1,2\n1,0,65535\n2,0,0\n", "line 2, exit 2", "65535", "65534"),
        ("matrix__network", "x,1,B\n", "line 1, column 3", "B", "whole number"),
        ("stations", "mode,city,station\nbus,,1\n", "line 2, city", "empty", "6 digits"),
        ("stations", "mode,city,station\nbus,320500,1\nbus,320500,01\n", "line 3", "repeats line 2", "Leave one"),
        ("stations", f"mode,city,station,name\nbus,320500,1,{'站' * 19}\n", "line 2, name", "站", "at most 54 bytes"),
        ("concessions", PEOPLE + "a,,,,,,,,\n", "line 2, percent", "one of percent and fen", "one of them"),
        ("concessions", PEOPLE + "a,,,,,,,5,5\n", "line 2, percent", "one of percent and fen", "one of them"),
        ("concessions", PEOPLE + "a,256,,,,,,5,\n", "line 2, account_type", "256", "0xFF"),
        ("concessions", PEOPLE + "a,,,,,,,101,\n", "line 2, percent", "101", "0 to 100"),
        (
            "concessions",
            "rule,percent,funded_by\na,50,the mayor\n",
            "line 2, funded_by",
            "the mayor",
            "riding-city or issuer-city or operator or region",
        ),
        ("concessions", PEOPLE + "a,0x41,,,,,,5,\nb,65,,,,,,5,\n", "line 3", "line 2 says", "column to"),
        ("transfers", "rule,mode,within_s,percent\na,bus,9,5\n", "transfers.csv", "read no more", "by the centre"),
        ("journeys", f"rule,mode\n{'x' * 21},metro\n", "line 2, rule", "xxx", "20 characters"),
        ("journeys", "rule,mode,missing_exit\na,metro,5\n", "line 2, missing_exit", "5", "refuse or accept"),
        ("journeys", "rule,mode,missing_entry_fen\na,metro,yes\n", "line 2, missing_entry_fen", "yes", "whole number"),
        ("decoders", DECODERS + "00083010,32,1,0,,,,\n", "line 2, state_at", "32", "0 to 31"),
        ("decoders", DECODERS + "00083010,0,,0,,,,\n", "line 2, inside", "empty", "apart by blanks"),
        ("decoders", DECODERS + "00083010,0,1 0x100,0,,,,\n", "line 2, inside", "0x100", "0xFF"),
        ("decoders", DECODERS + "00083010,0,1,29,4,,,\n", "line 2, station_at", "29", "0 to 28"),
        ("decoders", DECODERS + "00083010,0,1,0,3,,,\n", "line 2, station_size", "3", "1, 2 or 4"),
        ("decoders", DECODERS + "00083010,0,1,0,2,none,,\n", "line 2, station_form", "none", "binary or bcd"),
        ("decoders", DECODERS + "00083010,0,1,0,2,,,binary\n", "line 2, time_at", "empty", "0 to 28"),
        ("decoders", DECODERS + "00083010,0,1,0,2,,3,\n", "line 2, time_form", "empty", "what is at time_at"),
        ("decoders", DECODERS + "00083010,0,1,0,,,,\n00083010,0,1,0,,,,\n", "line 3", "repeats line 2", "Leave"),
        ("whitelist", "organisation,platform\n83010,50083010\n", "line 2, organisation", "83010", "8 digits"),
        ("whitelist", "organisation,platform\n00083010,50083010\n00083010,50083010\n", "line 3", "repeats", "Leave"),
        ("whitelist", "organisation,platform,modes\n00083010,50083010,bus tram\n", "line 2, modes", "tram", "both"),
        ("acceptance", "riding_city,issuer_city\n320500,\n", "line 2, issuer_city", "empty", "6 digits"),
        ("acceptance", f"{FAMILIES}unified\n", "line 2, family", "is the ministry's code", "Write ministry"),
        ("acceptance", f"{FAMILIES}wechat\n", "line 2, family", '"wechat" is no family', "Write one of ministry, "),
        ("acceptance", f"{FAMILIES}\n320500,310000,\n", "line 3", "says of the same time what line 2", "Let one end"),
        (
            "acceptance",
            "riding_city,issuer_city,mode\n320500,310000,\n320500,310000,metro\n",
            "line 3",
            "line 2 says",
            "column to",
        ),
        ("acceptance", f"{FAMILIES}\n320500.0,310000,\n", "line 3", "says of the same time what line 2", "Let one end"),
        ("acceptance", "riding_city,issuer_city,from\n320500,310000,2024-01-01 00:00+25:00\n", "line 2, from", "+25:00",
         "year first"),
        ("cities", "city,name\n320500,a\n320500.0,b\n", "line 3", "repeats line 2", "Leave one"),
        ("lines", "mode,city,line,name\nbus,320500,7,x\nbus,320500,07,y\n", "line 3", "repeats line 2", "Leave one"),
        ("deny", "account,last\n31048700000000019999,310487000X\n", "line 2, last", "no card account", "20 digits"),
        ("deny", "account,last\n2" + "0" * 19 + ",1" + "0" * 19 + "\n", "line 2, last", "lies before", "Exchange"),
        ("deny", "account,last\n31048700000000010000,3104870000000002FFFF\n", "line 2, last", "differs in length",
         "equal length"),
        ("deny", "account,last\n3104870000000001FFFF,31048700000000010000\n", "line 2, last", "differs in length",
         "equal length"),
        ("cities", "city,name\n320500,a\n320500,b\n", "line 3", "repeats line 2", "Leave one"),
        ("lines", "mode,city,line,name\nbus,320500,70000,x\n", "line 2, line", "70000", "65535"),
        ("fairs", "rule\n", "fairs.csv", "no file of a parameter source", "fares.csv"),
        ("matrix__A", "x,1\n1,1\n", "matrix-A.csv", "no file of a parameter source", "matrix-NAME.csv"),
    ],
)  # fmt: skip
def test_a_slip_is_named_by_file_line_column_and_reason(
    *, edited: Edit, file: str, content: str, place: str, problem: str, remedy: str
) -> None:
    with pytest.raises(ParametersError) as caught:
        edited(**{file: content})
    assert caught.value.thing.endswith(place)
    assert file.replace("__", "-") + ".csv" in caught.value.thing or place.endswith(".csv")
    assert problem in caught.value.problem.en
    assert remedy in caught.value.remedy.en
    assert caught.value.problem.zh
    assert caught.value.remedy.zh


PACKAGE = SOURCE["package.toml"]


@pytest.mark.parametrize(
    ("content", "key", "problem"),
    [
        (PACKAGE.replace("version = 1", "version = 0"), "version", "0"),
        (PACKAGE.replace("version = 1", "version = 4\nprevious = 4"), "previous", "4 is not below version 4"),
        (PACKAGE.replace("version = 1", "version = 0\nprevious = 4"), "version", "0"),
        (PACKAGE.replace('"test"', '"bench"'), "environment", "bench"),
        (PACKAGE.replace("expiry = 2027-01-01", "expiry = 2026-01-01"), "expiry", "behind not_before"),
        (PACKAGE.replace("expiry = 2027-01-01", 'expiry = "2027-01-01"'), "expiry", "2027-01-01"),
        (PACKAGE.replace("not_before = 2026-01-01", ""), "not_before", "None"),
        (PACKAGE.replace("city = 320500", "city = 32"), "city", "32"),
        (PACKAGE.replace("version = 1", "version = 0x" + "F" * 5000), "version", "0xffff"),
        (PACKAGE.replace("city = 320500", "city = [0x" + "F" * 5000 + "]"), "city", "…"),
        (PACKAGE.replace("baud = 115200", "baud = 0"), "reader.baud", "0"),
        (PACKAGE.replace("gap_ms = 20", 'prefix_hex = "2"'), "reader.prefix_hex", "2"),
        (PACKAGE.replace("gap_ms = 20", "gaps = 20"), "reader.gaps", "no such key"),
        (PACKAGE.replace('families = ["ministry"]', 'families = ["all"]'), "limits.families", "all"),
        (PACKAGE.replace("lists_issued", "lists_isued"), "lists_isued", "no such key"),
        (PACKAGE.replace("index = 1", "index = 256"), "roots.1.index", "256"),
        (PACKAGE + "=", "", "not TOML"),
        (None, "", "cannot be read"),
    ],
)
def test_a_slip_in_package_toml_is_named_by_its_key(edited: Edit, content: str | None, key: str, problem: str) -> None:
    with pytest.raises(ParametersError) as caught:
        edited(package=content)
    assert caught.value.thing.endswith(f"package.toml: {key}" if key else "package.toml")
    assert problem in caught.value.problem.en


def test_a_root_key_off_the_curve_is_refused_when_the_source_is_compiled(edited: Edit) -> None:
    source = edited(package=PACKAGE.replace("F8ECFA98", "00000000"))
    with pytest.raises(ParametersError, match="impossible value") as caught:
        compiled(source)
    assert str(source.directory) in caught.value.thing


def test_an_account_of_the_deny_list_stays_out_of_messages(edited: Edit) -> None:
    with pytest.raises(ParametersError) as caught:
        edited(deny="account\n3104870000000001999X\n")
    assert "31048700" not in str(caught.value)


@pytest.mark.parametrize("year", [2026, 2027, 2031])
def test_an_example_is_in_force_all_the_year_it_is_written(tmp_path: Path, year: int) -> None:
    write_source(tmp_path / "city", year)
    source = read_source(tmp_path / "city")
    assert source.not_before == int(datetime(year, 1, 1, tzinfo=LOCAL).timestamp())
    assert source.expiry == int(datetime(year + 1, 1, 1, tzinfo=LOCAL).timestamp())


def test_an_example_is_never_written_over_something(tmp_path: Path) -> None:
    write_source(tmp_path / "city")
    with pytest.raises(ParametersError, match="cannot be made"):
        write_source(tmp_path / "city")
