"""calendar.csv and bands.csv, and the columns of fares.csv and concessions.csv that go by them."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.sdk.parameters.calendar_files import Times, bands_of, calendar_of
from yima.sdk.parameters.compile import compiled
from yima.sdk.parameters.example import SOURCE, write_source
from yima.sdk.parameters.source import Source, read_source
from yima.validator.errors import ParametersError
from yima.validator.parameters.reading import read
from yima.validator.parameters.rules import By, Calendar, Choice, Habits, Rounding, When

Edit = Callable[..., Source]
CALENDAR = "kind,weekdays,from,to\nwork,mon-fri,,\nrest,sat sun,,\nrest,,2026-10-01,2026-10-08\nwork,,2026-10-10,\n"
BANDS = "band,from,to\npeak,07:00,08:30\npeak,17:00,18:30\nnight,23:00,01:00\nearly,0:00,7:00\n"
FARES = SOURCE["fares.csv"].replace("fen,table", "fen,table,days,bands,by")
WEEK = ("work", "work", "work", "work", "work", "rest", "rest")


@pytest.fixture
def edited(tmp_path: Path) -> Edit:
    """Reads the example with a calendar, bands and other files in it."""

    def read_it(**files: str) -> Source:
        write_source(tmp_path / "city")
        for name, content in {"calendar": CALENDAR, "bands": BANDS, **files}.items():
            (tmp_path / "city" / (name + (".toml" if name == "package" else ".csv"))).write_text(content)
        return read_source(tmp_path / "city")

    return read_it


def day(text: str) -> int:
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


def test_a_calendar_and_bands_are_read_and_come_back_from_the_image(edited: Edit) -> None:
    source = edited(
        fares=FARES + "peak,bus,320500,,,,flat,300,,work,peak,entry\n",
        concessions="rule,organisation,line,riding_city,days,by,percent\na,00083010,101,320500,rest,tap,62.5\n",
        package=SOURCE["package.toml"]
        + '[tariff]\nconcessions = "best"\nrounding = "down"\nround_fen = 10\nday_begins = "04:00"\n',
    )
    rules = source.rules
    assert rules.calendar == Calendar(
        week=WEEK,
        exceptions=[
            (day("2026-10-01"), day("2026-10-07"), "rest"),
            (day("2026-10-10"), day("2026-10-10"), "work"),
        ],
    )
    assert rules.bands == {
        "peak": ((420, 510), (1020, 1110)), "night": ((0, 60), (1380, 1440)), "early": ((0, 420),)
    }  # fmt: skip
    assert rules.fares[-1].when == When(("work",), ("peak",), By.ENTRY)
    row = rules.concessions[0]
    assert (row.organisation, row.line, row.percent, row.when) == ("00083010", 101, 62.5, When(("rest",), (), By.TAP))
    assert rules.habits == Habits(choice=Choice.BEST, rounding=Rounding.DOWN, unit_fen=10, day_begins_min=240)
    again = read(compiled(source).image)
    assert (again.habits, list(again.concessions)) == (rules.habits, rules.concessions)
    assert again.calendar == Calendar(week=WEEK, exceptions=tuple(rules.calendar.exceptions))
    assert {name: tuple(ranges) for name, ranges in again.bands.items()} == rules.bands
    assert {fare.rule: fare.when for fare in again.fares} == {fare.rule: fare.when for fare in rules.fares}


@pytest.mark.parametrize(
    ("name", "content", "place", "says"),
    [
        ("calendar", "kind,weekdays\nwork,mon-fri\n", "weekdays", "sat, sun of no kind"),
        ("calendar", "kind,weekdays\nwork,mon-sun\nrest,sun\n", "line 3, weekdays", "sun is work already"),
        ("calendar", "kind,weekdays\nwork,monday\n", "line 2, weekdays", "mon-fri"),
        ("calendar", "kind,weekdays\nwork,fri-mon\n", "line 2, weekdays", "mon-fri"),
        ("calendar", "kind,weekdays,from\nwork,mon-sun,2026-01-01\n", "line 2", "one of weekdays and from"),
        ("calendar", "kind,weekdays,to\nwork,mon-sun,2027-01-01\n", "line 2, to", "nothing: a row of weekdays"),
        ("calendar", "kind,from,to\nrest,2026-10-01,2026-10-01\n", "line 2, to", "behind from"),
        ("calendar", "kind,from,to\na,2026-10-01,2026-10-08\nb,2026-10-07,\n", "line 3", "a row before says (a)"),
        ("calendar", "kind,from\nrest,2026-10-01 05:00\n", "line 2, from", "a day without a time"),
        ("bands", "band,from,to\na,07:00,07:00\n", "line 2, to", "the same as from"),
        ("bands", "band,from,to\na,7,8\n", "line 2, from", "a time such as 07:20"),
        ("bands", "band,from,to\na,07:60,08:00\n", "line 2, from", "a time such as 07:20"),
        ("bands", "band,from,to\na,24:00,08:00\n", "line 2, from", "a time such as 07:20"),
        ("bands", "band,from,to\na,07:00,09:00\na,08:59,10:00\n", "line 3", "overlaps an earlier row of a"),
        ("bands", "band,from,to\n" + "".join(f"a{n},{n:02}:00,{n:02}:30\n" for n in range(16)), "line 1", "16 names"),
        ("fares", FARES + "x,bus,320500,,,,flat,3,,holiday,,tap\n", "line 5, days", "Names there: rest, work"),
        ("fares", FARES + "x,bus,320500,,,,flat,3,,,noon,tap\n", "line 5, bands", "early, night, peak"),
        ("fares", FARES + "x,bus,320500,,,,flat,3,,work,,\n", "line 5, by", "entry, exit or tap"),
        ("fares", FARES + "x,bus,320500,,,,flat,3,,,,tap\n", "line 5, by", "neither days nor bands"),
        ("concessions", "rule,line,percent\na,7,50\n", "line 2, riding_city", "the city whose line it is"),
        ("concessions", "rule,organisation,percent\na,00000000,50\n", "line 2, organisation", "8 digits"),
        ("concessions", "rule,days,by,percent\na,work,tap,5\nb,work,tap,6\n", "line 3", "what line 2 says"),
        ("package", SOURCE["package.toml"] + '[tariff]\nrounding = "even"\n', "tariff.rounding", '"half-up"'),
        ("package", SOURCE["package.toml"] + "[tariff]\nround_fen = 5\n", "tariff.round_fen", "1 or 10"),
        ("package", SOURCE["package.toml"] + '[tariff]\nday_begins = "4"\n', "tariff.day_begins", '"04:00"'),
        ("package", SOURCE["package.toml"] + "[tariff]\nround = 5\n", "tariff.round", "no such key"),
    ],
)
def test_what_is_wrong_is_named_by_its_place(edited: Edit, name: str, content: str, place: str, says: str) -> None:
    with pytest.raises(ParametersError) as refused:
        edited(**{name: content})
    assert place in str(refused.value)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("first", "second", "clash"),
    [
        ("work,peak,tap", "work,peak,tap", True),
        ("work,peak,tap", "work,early,tap", False),  # other hours
        ("work,peak,tap", "rest,peak,tap", False),  # other days
        ("work,peak,entry", "rest,peak,exit", True),  # who entered on one day may leave on another
        ("work,peak,tap", ",peak,tap", False),  # one says more
        (",early,tap", ",night,tap", True),  # midnight to one
        (",early night,tap", ",peak,tap", False),
    ],
)
def test_two_fares_that_could_both_hold_and_say_as_much_are_refused(
    edited: Edit, first: str, second: str, *, clash: bool
) -> None:
    rows = "".join(f"x{n},bus,320500,,,,flat,3,,{when}\n" for n, when in enumerate((first, second)))
    if clash:
        with pytest.raises(ParametersError, match="says of the same time what line 5 says"):
            edited(fares=FARES + rows)
    else:
        compiled(edited(fares=FARES + rows))


MINUTES = st.integers(0, 1439)


@given(st.lists(st.tuples(MINUTES, st.integers(0, 1440)), max_size=4))
def test_every_minute_is_in_a_band_or_not_as_its_rows_say(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, int]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "bands.csv"
    path.write_text(
        "band,from,to\n" + "".join(f"a,{a // 60:02}:{a % 60:02},{b // 60:02}:{b % 60:02}\n" for a, b in rows)
    )
    covers = [[m for m in range(1440) if (a <= m < b if a < b else m >= a or m < b)] for a, b in rows]
    every = [minute for cover in covers for minute in cover]
    if len(set(every)) < len(every) or any(a == b for a, b in rows):
        with pytest.raises(ParametersError):
            bands_of(path)
        return
    ranges = bands_of(path).get("a", ())
    assert {m for a, b in ranges for m in range(a, b)} == set(every)
    assert all(0 <= a < b <= 1440 for a, b in ranges)


@given(st.text(st.sampled_from("kind,weekdaysfrom to-mon\n2026-10-01"), max_size=120))
def test_whatever_stands_in_a_calendar_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "calendar.csv"
    path.write_text("kind,weekdays,from,to\n" + text)
    try:
        found = calendar_of(path)
    except ParametersError as error:
        assert "calendar.csv" in str(error)
        return
    assert found is not None
    days = [n for first, last, _ in found.exceptions for n in range(first, min(last, first + 400) + 1)]
    assert len(set(days)) == len(days)
    assert not Times(found).may_meet(When(("a",), (), By.TAP), When(("b",), (), By.TAP))


def test_a_date_is_a_day_in_utc_8(tmp_path: Path) -> None:
    path = tmp_path / "calendar.csv"
    for number in (0, 1, 20_000, 30_000):
        when = date(1970, 1, 2) + timedelta(days=number)
        path.write_text(f"kind,from\nrest,{when}\n")
        found = calendar_of(path)
        assert found is not None
        assert found.exceptions == [(number + 1, number + 1, "rest")]
