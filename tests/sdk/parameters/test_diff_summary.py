"""A change of parameters in words."""

from dataclasses import replace
from pathlib import Path

import pytest

from yima.sdk.parameters.diff_summary import summary
from yima.sdk.parameters.whitelist_source import read_homes
from yima.sdk.parameters.wording import Wording
from yima.validator.errors import ParametersError
from yima.validator.parameters.rules import OPEN, Concession, LabelKey, LabelKind, Matrix, Mode, Rules

SIZE = 240
NEW_YEAR = 1767196800  # 2026-01-01 in UTC+8
OLD = Rules(
    environment="test",
    version=1,
    matrices={
        "network": Matrix(
            stations=range(1, SIZE + 1),
            fares=tuple(tuple(None if a == b else 300 for b in range(SIZE)) for a in range(SIZE)),
        )
    },
    concessions=[Concession(rule="zone", group="senior", issuer_city=330400, riding_city=320500, percent=50)],
    labels={LabelKey(LabelKind.CITY, 330400): "Jiaxing", LabelKey(LabelKind.CITY, 320500): "Suzhou"},
)


def said(new: Rules) -> list[str]:
    return [text.en for text in summary(OLD, new, Wording(OLD))]


def risen(by: int) -> Rules:
    fares = tuple(tuple(fen and fen + by for fen in row) for row in OLD.matrices["network"].fares)
    return replace(OLD, matrices={"network": Matrix(stations=range(1, SIZE + 1), fares=fares)})


def test_a_fare_rise_is_counted_and_told_by_its_amount() -> None:
    """A bug found: twelve pairs were listed, and no sum."""
    assert said(risen(100)) == ["network: 57,360 pairs dearer by ¥1.00, none cheaper"]
    assert said(risen(-50)) == ["network: none dearer, 57,360 pairs cheaper by ¥0.50"]
    assert said(OLD) == []


def test_who_loses_and_who_gains_is_told() -> None:
    (free,) = (replace(row, percent=0) for row in OLD.concessions)
    assert said(replace(OLD, concessions=[])) == ["senior (Jiaxing 330400 → Suzhou 320500) lose the half fare"]
    assert said(replace(OLD, concessions=[free])) == [
        "senior (Jiaxing 330400 → Suzhou 320500) had the half fare, get the free ride"
    ]
    student = replace(free, group="student")
    assert "student (Jiaxing 330400 → Suzhou 320500) gain the free ride" in said(
        replace(OLD, concessions=[*OLD.concessions, student])
    )


def test_a_reduction_is_told_with_all_that_it_names() -> None:
    """A bug found: one institution's riders on one line of the metro lost it, and «all» were said to."""
    (row,) = OLD.concessions
    narrow = replace(row, group="", organisation="00083010", mode=Mode.METRO, line=4)
    held = replace(OLD, concessions=[narrow, replace(narrow, mode=None)])
    where = "Jiaxing 330400 → Suzhou 320500, 00083010"
    assert [text.en for text in summary(held, replace(OLD, concessions=[]), Wording(OLD))] == [
        f"all 所有乘客 ({where}, metro 地铁, line 线路 4) lose the half fare",
        f"all 所有乘客 ({where}, line 线路 4) lose the half fare",
    ]


def test_reductions_that_follow_one_another_are_compared_at_each_time() -> None:
    """A bug found: of a reduction's times one was looked at, so that rows in another order were told as a change."""
    (half,) = (replace(row, to_s=NEW_YEAR) for row in OLD.concessions)
    free = replace(half, from_s=NEW_YEAR, to_s=OPEN, percent=0)
    changing = replace(OLD, concessions=[half, free])
    whose = "senior (Jiaxing 330400 → Suzhou 320500)"

    def told(*rows: Concession) -> list[str]:
        return [text.en for text in summary(changing, replace(OLD, concessions=rows), Wording(OLD))]

    assert told(half, free) == told(free, half) == []
    assert told(replace(half, percent=60), free) == [
        f"{whose} had the half fare, get 60% of the fare before 2026-01-01"
    ]
    assert told(replace(half, to_s=NEW_YEAR + 86400), replace(free, from_s=NEW_YEAR + 86400)) == [
        f"{whose} had the free ride, get the half fare from 2026-01-01 before 2026-01-02"
    ]
    assert told(half) == [f"{whose} lose the free ride from 2026-01-01"]


def test_pairs_that_come_and_go_are_counted() -> None:
    smaller = Matrix(stations=(1, 2, 999), fares=((None, 300, 400), (300, None, 400), (400, 400, None)))
    assert said(replace(OLD, matrices={"network": smaller})) == [
        "network: none dearer, none cheaper, 4 pairs new, 57,358 pairs gone"
    ]


def test_the_homes_of_many_institutions_stand_in_one_file(tmp_path: Path) -> None:
    file = tmp_path / "homes.csv"
    file.write_text("organisation,city,platform\n00083010,310000,50083010\n01011000,,01011000\n")
    assert read_homes(file) == {"00083010": 310000, "01011000": 0}
    # As --home says it, in whose words the file is asked for.
    file.write_text("organisation,city\n00083010,0\n01011000,0.0\n")
    assert read_homes(file) == {"00083010": 0, "01011000": 0}
    # As a whitelist.csv has them: once for each platform of an institution.
    file.write_text("organisation,platform,city\n00083010,50083010,310000\n00083010,50083011,310000.0\n")
    assert read_homes(file) == {"00083010": 310000}
    file.write_text("organisation,city\n00083010,310000\n00083010,320500\n1,2\n")
    with pytest.raises(ParametersError, match=r"line 3: repeats line 2(?s:.*)|line 4"):
        read_homes(file)
