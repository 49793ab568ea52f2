"""The report and the latencies in it: self-contained, bilingual, and every name escaped."""

import math
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.hwsim.demo.accounts import Account, Tap
from yima.hwsim.demo.fares import NO_FARE, Price
from yima.hwsim.demo.outcomes import Outcome, fares_by_rule
from yima.hwsim.demo.report import check_report, write_report
from yima.hwsim.demo.world import Presentation, make_world
from yima.hwsim.latency import STEPS, percentile, spread
from yima.validator.errors import YimaError
from yima.validator.judging import Reason
from yima.validator.texts import Text

TITLE = Text("A demonstration", "演示")


class Seen(HTMLParser):
    """Elements, and everything that points outside the file."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "action") and not (value or "").startswith("#"):
                self.outside.append(f"{tag} {name}={value}")


def tap(reason: Reason, *, again: bool = False, price: Price = NO_FARE) -> Tap:
    return Tap(
        seq=None if again else 1,
        reason=reason,
        again=again,
        fare_fen=price.fen,
        rule=price.rule,
        account_masked="",
        times_ms=dict.fromkeys(STEPS, 1.5),
    )


@pytest.fixture(scope="module")
def script() -> list[Presentation]:
    return list(make_world(8, 1, 1_795_400_000).script)


@pytest.fixture(scope="module")
def outcomes(script: list[Presentation]) -> list[Outcome]:
    return [Outcome(presentation=one, tap=tap(one.expects, again=one.again, price=one.price)) for one in script]


def written(path: Path, outcomes: list[Outcome], *differences: Text, board: str = "") -> str:
    whole = Account(
        device="bus-1", taps=8, again=1, recorded=7, uploaded=7, acknowledged=7, reversed=1, fares_fen=1250,
        differences=(),
    )  # fmt: skip
    check_report(path)
    write_report(path, title=TITLE, outcomes=outcomes, accounts=[whole], differences=differences, board=board)
    return path.read_text(encoding="utf-8")


def test_it_stands_alone_and_holds_table_and_plot(tmp_path: Path, outcomes: list[Outcome]) -> None:
    page = written(tmp_path / "new" / "report.html", outcomes)
    seen = Seen()
    seen.feed(page)
    assert seen.outside == []
    assert "script" not in seen.elements
    assert "link" not in seen.elements
    assert {"svg", "table", "figure"} <= set(seen.elements)
    assert page.count("</td></tr>") >= len(outcomes)


def test_the_gate_controllers_section_stands_before_the_taps(tmp_path: Path, outcomes: list[Outcome]) -> None:
    page = written(tmp_path / "report.html", outcomes, board="<h2>A tap on the gate controller</h2>")
    assert (
        page.index("Latency by step") < page.index("<h2>A tap on the gate controller</h2>") < page.index("Every tap ·")
    )


def test_it_speaks_both_languages(tmp_path: Path, outcomes: list[Outcome]) -> None:
    page = written(tmp_path / "report.html", outcomes)
    for text in (TITLE, Reason.ACCEPTED.text, Text("Every tap is accounted for", "所有刷码均已入账")):
        assert text.en in page
        assert text.zh in page


def test_it_says_what_is_missing(tmp_path: Path, outcomes: list[Outcome]) -> None:
    page = written(tmp_path / "report.html", outcomes, Text("bus-1: entry 3 is <gone>", "记录 3 <丢失>"))
    assert "bus-1: entry 3 is &lt;gone&gt;" in page
    assert "记录 3 &lt;丢失&gt;" in page
    assert "Every tap is accounted for" not in page


def test_it_marks_an_answer_that_was_not_expected_and_one_that_never_came(
    tmp_path: Path, script: list[Presentation]
) -> None:
    wrong = Outcome(presentation=replace(script[0], expects=Reason.CAP_ZERO), tap=tap(Reason.ACCEPTED))
    silent = Outcome(presentation=script[1], tap=None)
    page = written(tmp_path / "report.html", [wrong, silent])
    assert "expected 应为 Zero balance" in page
    assert "no answer" in page


def test_a_place_that_cannot_be_written_is_said_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(YimaError, match=r"cannot be written.*--out"):
        check_report(tmp_path / "file" / "report.html")


def test_it_shows_what_each_rule_charged(tmp_path: Path, outcomes: list[Outcome]) -> None:
    page = written(tmp_path / "report.html", outcomes)
    rides = [one.presentation for one in outcomes if one.accepted and not one.presentation.again]
    for rule, fares in fares_by_rule(outcomes).items():
        assert fares == [one.price.fen for one in rides if one.price.rule == rule]
        assert f"<code>{rule}</code>" in page
    assert sum(map(len, fares_by_rule(outcomes).values())) == len(rides) > 1


def test_an_outcome_says_how_it_differs(script: list[Presentation]) -> None:
    good = script[0]
    right = tap(good.expects, price=good.price)
    assert Outcome(presentation=good, tap=right).difference is None
    said = [
        Outcome(presentation=good, tap=None).difference,
        Outcome(presentation=good, tap=tap(Reason.CAP_ZERO)).difference,
        Outcome(presentation=good, tap=replace(right, again=True)).difference,
        Outcome(presentation=good, tap=replace(right, trouble="the gate is gone")).difference,
        Outcome(presentation=good, tap=replace(right, fare_fen=1)).difference,
        Outcome(presentation=good, tap=replace(right, rule="")).difference,
    ]
    assert [text and text.en for text in said] == [
        "tap 1 got no answer",
        "tap 1 should be 'Accepted', was 'Zero balance'",
        "tap 1 should be 'Accepted', was 'Accepted' (again)",
        "tap 1: the gate is gone",
        f"tap 1 should cost {good.price.fen} fen by {good.price.rule}, cost 1 fen by {good.price.rule}",
        f"tap 1 should cost {good.price.fen} fen by {good.price.rule}, cost {good.price.fen} fen by –",
    ]


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=300), st.floats(0, 100))
def test_a_percentile_is_a_value_that_was_measured_with_enough_others_below(
    values: list[float], percent: float
) -> None:
    ordered = sorted(values)
    found = percentile(ordered, percent)
    assert found in ordered
    assert sum(value <= found for value in ordered) >= percent / 100 * len(ordered) - 1e-9


def test_the_spread_of_one_to_a_hundred() -> None:
    assert spread(float(number) for number in range(100, 0, -1)) == (100, 50.0, 99.0, 100.0)


def test_nothing_measured_has_no_spread() -> None:
    found = spread([])
    assert found.size == 0
    assert math.isnan(found.p50)
    assert math.isnan(found.p99)
