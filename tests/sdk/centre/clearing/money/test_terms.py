"""Rules and rates as people write them: what is wrong is named, and nothing wrong is half taken."""

from pathlib import Path

import pytest

from yima.sdk.centre.clearing.money.rates import parse_rates, read_rates
from yima.sdk.centre.clearing.money.rules import FREE, parse_rules, read_rules
from yima.sdk.centre.clearing.toml_rows import TermsError
from yima.sdk.profiles import yangtze_delta
from yima.validator.parameters.rules import FEN_MAX

TRANSFER = """
[[transfer]]
rule = "t"
city = 310000
legs = ["bus-metro"]
within_min = 120
less_fen = 100
funded_by = "riding-city"
"""
CONCESSION = """
[[concession]]
rule = "c"
city = 310000
groups = ["senior", "resident-310104"]
modes = ["bus"]
homes = [310000, 320500]
percent = 50
funded_by = "issuer-city"
"""
TOTAL = """
[[monthly_total]]
rule = "m"
city = 310000
modes = ["metro"]
by = "fen"
tiers = [{ beyond = 7000, percent = 90 }]
funded_by = "operator"
"""
DEFAULT = "[[default]]\nfee = 50000\nissuer_share = 20000\nacquirer_share = 30000\n"


def test_a_file_of_every_kind_of_rule_reads() -> None:
    rules = parse_rules("companion_s = 60\n" + TRANSFER.replace("less_fen = 100", "free = true") + TOTAL + CONCESSION)
    assert (rules.companion_s, rules.transfers[0].less_fen, rules.transfers[0].within_s) == (60, FREE, 7200)
    assert rules.totals[0].tiers == ((7000, 90),)
    assert (rules.concessions[0].homes, rules.concessions[0].percent) == ((310000, 320500), 50)
    everywhere = CONCESSION.replace("homes = [310000, 320500]\n", "").replace("percent = 50", "free = true")
    assert (parse_rules(everywhere).concessions[0].homes, parse_rules(everywhere).concessions[0].percent) == ((0,), 0)
    assert parse_rules("").transfers == ()


@pytest.mark.parametrize(
    ("text", "named", "good", "bad"),
    [
        (CONCESSION.replace("320500", "{}"), "homes", (100000, 999999), (99999, 1000000)),
        (CONCESSION.replace("city = 310000", "city = {}"), "city", (100000, 999999), (99999, 1000000)),
        (CONCESSION.replace("50\n", "{}\n"), "percent", (0, 99), (-1, 100)),
        (TRANSFER.replace("120", "{}"), "within_min", (1, 720), (0, 721)),
        (TRANSFER.replace("fen = 100", "fen = {}"), "less_fen", (1, FEN_MAX), (0, FEN_MAX + 1)),
    ],
)
def test_a_number_reaches_to_both_ends_of_its_range(
    text: str, named: str, good: tuple[int, int], bad: tuple[int, int]
) -> None:
    for number in good:
        parse_rules(text.replace("{}", str(number)))
    for number in bad:
        with pytest.raises(TermsError, match=named):
            parse_rules(text.replace("{}", str(number)))


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("", "is missing"),
        ('within_min = "2h"', "'2h' is not what belongs here"),
        ("within_min = 1.5", "1.5 is not what belongs here"),
        (f"within_min = {'9' * 60}", f"{'9' * 40} is not what belongs here"),
    ],
)
def test_what_is_missing_and_what_stands_there_are_told_apart(written: str, problem: str) -> None:
    with pytest.raises(TermsError) as refused:
        parse_rules(TRANSFER.replace("within_min = 120", written))
    assert refused.value.problem.en == problem
    assert refused.value.problem.zh == problem.replace("is missing", "缺失").replace(
        "is not what belongs here", "不是此处应有的值"
    )


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (TRANSFER.replace("less_fen", "lessfen"), "less_fen"),
        (TRANSFER + "percent = 3\n", "percent"),
        (TRANSFER.replace('"bus-metro"', '"bus-tram"'), "legs"),
        (TRANSFER.replace('"bus-metro"', '"bus-metro", "bus-metro"'), "legs"),
        (TRANSFER.replace("120", "0"), "within_min"),
        (TRANSFER.replace("120", "true"), "within_min"),
        (TRANSFER.replace("riding-city", "somebody"), "funded_by"),
        (TRANSFER + "from = 2026-01-02\nto = 2026-01-02\n", "to"),
        (TRANSFER + 'from = "2026-01-02"\n', "from"),
        (TRANSFER + "from = 2026-01-02T00:00:00\n", "from"),
        (TRANSFER + TRANSFER, "rule"),
        (TRANSFER + TRANSFER.replace('"t"', '"u"'), "[[transfer]] 2"),
        (CONCESSION.replace('"senior"', '"elder"'), "groups"),
        (CONCESSION.replace('["senior", "resident-310104"]', "[]"), "groups"),
        (CONCESSION.replace("320500", "31"), "homes"),
        (CONCESSION.replace("320500", "310000"), "homes"),
        (CONCESSION.replace("320500", "true"), "homes"),
        (CONCESSION.replace("50\n", "100\n"), "percent"),
        (CONCESSION.replace("percent = 50\n", ""), "percent"),
        (CONCESSION.replace("percent = 50\n", "percent = 50\nfree = true\n"), "percent"),
        (CONCESSION + CONCESSION.replace('"c"', '"d"').replace("310000, ", ""), "[[concession]] 2"),
        (TOTAL.replace("tiers", "tier"), "tiers"),
        (TOTAL.replace("[{", "[{ beyond = 7000, percent = 95 }, {"), "beyond"),
        (TOTAL.replace("90", "101"), "percent"),
        (TOTAL.replace("90", "90, city = 310000"), "city"),
        ("companion_s = 9999\n", "companion_s"),
        ("[transfer]\n", "transfer"),
        ("companion = 3\n", "companion"),
        ("a = \n", "TOML"),
    ],
)
def test_what_is_wrong_in_rules_is_named(text: str, named: str) -> None:
    with pytest.raises(TermsError) as caught:
        parse_rules(text)
    assert named in str(caught.value)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        pytest.param("a = " + "[" * 5000 + "]" * 5000, "nesting that is too long", id="nested"),
        pytest.param("companion_s = " + "9" * 5000, "number or a nesting", id="digits"),
        pytest.param("companion_s = 0x" + "f" * 5000, "companion_s", id="hex digits"),
        pytest.param(TRANSFER.replace('"bus-metro"', "0x" + "f" * 5000), "legs", id="hex digits in a list"),
    ],
)
def test_what_is_longer_than_python_takes_is_named_like_anything_else(text: str, named: str) -> None:
    with pytest.raises(TermsError) as caught:
        parse_rules(text)
    assert named in str(caught.value)


def test_rules_of_different_days_may_say_the_same() -> None:
    later = TRANSFER.replace('"t"', '"u"') + "from = 2026-07-01\n"
    assert len(parse_rules(TRANSFER + "to = 2026-07-01\n" + later).transfers) == 2


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "[[default]]"),
        (DEFAULT + "from = 2026-01-01\n", "[[default]]"),
        (DEFAULT + DEFAULT, "[[default]]"),
        (DEFAULT + "to = 2026-01-01\n", "to"),
        (DEFAULT.replace("30000", "30001"), "acquirer_share"),
        (DEFAULT + '[[rate]]\nacquirer = "1"\nissuer = "99310000"\nfee = 1\n', "acquirer"),
        (DEFAULT + 2 * '[[rate]]\nacquirer = "99310001"\nissuer = "99310000"\nfee = 1\n', "[[rate]] 2"),
    ],
)
def test_what_is_wrong_in_rates_is_named(text: str, named: str) -> None:
    with pytest.raises(TermsError) as caught:
        parse_rates(text)
    assert named in str(caught.value)


def test_the_example_of_the_region_reads_and_says_that_it_is_one() -> None:
    folder = Path(yangtze_delta.__file__).parent / "clearing"
    rules = read_rules(folder / "rules.toml")
    every = (*rules.concessions, *rules.transfers, *rules.caps, *rules.totals)
    assert every and all(one.rule.startswith("example-") for one in every)
    assert read_rates(folder / "rates.toml").pairs
