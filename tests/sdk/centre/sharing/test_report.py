"""The page of a shared day: it says what the public tables say, whole, and nothing else."""

import re
from html.parser import HTMLParser

import pyarrow as pa

from yima.sdk.centre.sharing.flows import SCHEMA
from yima.sdk.centre.sharing.money import EQUAL_TREATMENT, SUBSIDIES
from yima.sdk.centre.sharing.report import DOT, Public, shared_page

DAY = 20260914
FLOWS = [
    ("issuers", 310000, "310000", "310000", "all", 60),
    ("issuers", 310000, "330400", "310000", "all", 25),
    ("issuers", 310000, "other", "other", "all", 14),
    ("issuers", 310000, "330400", "310000", "08", None),
    ("issuers", 310000, "all", "all", "08", 99),
    ("issuers", 320500, "320500", "320500", "all", 40),
    ("issuers", 320500, "all", "all", "17", 40),
    ("stations", 310000, "99310002-1", "99310002-2", "all", 77),
]


class Tables(HTMLParser):
    """The cells of every table, row by row, without what decorates them; and all that a page could fetch."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.fetched: list[str] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [tag] if tag in {"script", "link", "img", "iframe"} else []
        self.fetched += [name for name, _ in attrs if name in {"src", "href"}]
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in {"td", "th"}:
            self.tables[-1][-1].append("")
        self.open = [*self.open, tag] if tag not in {"meta"} else self.open

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if {"td", "th"} & set(self.open):
            self.tables[-1][-1][-1] += data


def page(*, simulated: bool = True) -> str:
    names = ("flow", "city", "from", "to", "hour", "rides")
    flows = [{"date": DAY, **dict(zip(names, row, strict=True))} for row in FLOWS]
    subsidies = [{"date": DAY, "party_kind": "CITY", "party": "00330400", "rides": 21, "fen": 2150}]
    more = [
        {"date": DAY, "from": "330400", "to": "320500", "party_kind": "CITY", "party": "00330400", "rides": 12}
        | {"difference_fen": 1250}
    ]
    return shared_page(
        Public(
            service_date=DAY,
            k=10,
            flows=pa.Table.from_pylist(flows, SCHEMA),
            subsidies=pa.Table.from_pylist(subsidies, SUBSIDIES),
            equal_treatment=pa.Table.from_pylist(more, EQUAL_TREATMENT) if simulated else None,
            version=7,
            digest="ab" * 16,
        )
    )


def test_the_matrix_has_what_flows_publish_and_dots_for_the_rest() -> None:
    matrix, hours, *_ = Tables(page()).tables
    assert [row[1:] for row in matrix] == [
        ["Shanghai 上海", "Suzhou 苏州"],
        ["60", DOT],
        [DOT, "40"],
        ["25", DOT],
        ["14", DOT],
        ["99", "40"],
    ]
    assert [row[0] for row in matrix[1:-1]] == [
        "Shanghai 上海",
        "Suzhou 苏州",
        "Jiaxing 嘉兴",
        "others, together 其他合计",
    ]
    assert hours[1:] == [["08:00", "99", DOT], ["17:00", DOT, "40"]]


def test_funders_and_pairs_are_told_in_yuan() -> None:
    *_, subsidies, equal = Tables(page()).tables
    assert subsidies[1:] == [["Jiaxing 嘉兴", "21", "¥21.50"]]
    assert equal[1:] == [["Jiaxing 嘉兴", "Suzhou 苏州", "Jiaxing 嘉兴", "12", "¥12.50"]]
    assert len(Tables(page(simulated=False)).tables) == 3


def test_the_page_stands_alone_in_both_languages_and_by_day_and_night() -> None:
    made = page()
    assert Tables(made).fetched == []
    assert "url(" not in made and "@import" not in made
    assert "prefers-color-scheme: dark" in made
    for english, chinese in (("Hours", "分时"), ("Subsidy by funder", "各出资方补贴"), ("equal treatment", "同等待遇")):
        assert english in made and chinese in made


def test_no_number_stands_in_it_that_is_in_no_public_table() -> None:
    cells = [cell for table in Tables(page()).tables for row in table[1:] for cell in row[1:]]
    known = {str(row[-1]) for row in FLOWS} | {"99", "21", "12", "¥21.50", "¥12.50", DOT}
    assert {cell for cell in cells if re.search(r"\d|·", cell)} <= known
