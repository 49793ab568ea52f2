"""The cost of a tap as people read it: every part in table and chart, in both languages, drawn to one scale."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.board import RECORD, figures
from yima.hwsim.board.cost_report import brief, chart, section, whole_page
from yima.hwsim.board.costs import PARTS
from yima.hwsim.board.measurement import RATES_MHZ, Measured, model_ms

SVG = "{http://www.w3.org/2000/svg}"
OF_TAP = [part for part in PARTS if part.of_tap]


@pytest.fixture(scope="module")
def drawn(measured: Measured) -> ElementTree.Element:
    return ElementTree.fromstring(chart(measured))


class Tables(HTMLParser):
    """Rows of cells, as text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._inside = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.rows[-1][-1] += data

    def row(self, begins: str) -> list[str]:
        (found,) = (row for row in self.rows if row[0].startswith(begins))
        return found


def bars(drawn: ElementTree.Element, left: float) -> list[float]:
    """Widths of the bars that begin there, from the top down."""
    return [float(bar.attrib["width"]) for bar in drawn.iter(f"{SVG}rect") if bar.attrib.get("x") == f"{left:g}"]


def test_the_table_has_every_part_of_both_taps_and_sums_up(measured: Measured) -> None:
    costs = measured.costs
    tables = Tables(section(measured))
    for part in OF_TAP:
        _, new, _, known, _ = tables.row(f"{part.text.en} {part.text.zh}")
        assert (new, known) == (f"{costs.new_issuer.parts[part.name]:,}", f"{costs.known_issuer.parts[part.name]:,}")
    whole = tables.row("the tap 一次")
    assert [whole[1], whole[3]] == [f"{tap.instructions:,}" for tap in (costs.new_issuer, costs.known_issuer)]
    told = [int(row[1].replace(",", "")) for part in OF_TAP for row in [tables.row(f"{part.text.en} ")]]
    assert sum(told) == costs.new_issuer.instructions


def test_what_is_not_the_taps_is_shown_and_named_so(measured: Measured) -> None:
    tables = Tables(section(measured))
    for part in PARTS:
        if not part.of_tap:
            row = tables.row(f"not the tap's: {part.text.en} 不计入：{part.text.zh}")
            assert row[2] == "–"


def test_milliseconds_are_named_a_model_at_each_rate(measured: Measured) -> None:
    page = section(measured)
    assert "Milliseconds are a model: one instruction a cycle at the rate named" in page
    assert "毫秒数为模型" in page
    tables = Tables(page)
    for mhz in RATES_MHZ:
        row = tables.row(f"{mhz} MHz")
        assert row[2] == f"{measured.costs.new_issuer.instructions / mhz / 1000:.2f} ms"
        assert row[4] == f"{measured.costs.known_issuer.instructions / mhz / 1000:.2f} ms"
        assert row[1] == f"{measured.costs.new_issuer.to_gate / mhz / 1000:.2f} ms"


def test_the_report_says_what_the_record_says(measured: Measured) -> None:
    kept = json.loads(RECORD.read_text())
    assert figures(measured) == kept
    assert f"{kept['flash_bytes']:,} bytes of flash" in section(measured)
    assert f"{kept['boot_instructions']:,} instructions from reset" in section(measured)


def test_bars_stand_in_the_row_of_their_name_and_are_to_one_scale(
    measured: Measured, drawn: ElementTree.Element
) -> None:
    lefts = sorted({float(bar.attrib["x"]) for bar in drawn.iter(f"{SVG}rect") if "x" in bar.attrib})
    assert len(lefts) == 2
    taps = (measured.costs.new_issuer, measured.costs.known_issuer)
    most = max(tap.parts[part.name] for tap in taps for part in OF_TAP)
    longest = max(width for left in lefts for width in bars(drawn, left))
    for left, tap in zip(lefts, taps, strict=True):
        widths = bars(drawn, left)
        assert len(widths) == len(OF_TAP)
        for width, part in zip(widths, OF_TAP, strict=True):
            assert width == pytest.approx(max(1.0, longest * tap.parts[part.name] / most), abs=0.06)
    names = [text.text for text in drawn.iter(f"{SVG}text") if text.attrib.get("text-anchor") == "end"]
    assert names == [name for part in OF_TAP for name in (part.text.en, part.text.zh)]


def test_every_bar_carries_its_value_within_the_picture(measured: Measured, drawn: ElementTree.Element) -> None:
    width = float(drawn.attrib["width"])
    assert drawn.attrib["viewBox"] == f"0 0 {drawn.attrib['width']} {drawn.attrib['height']}"
    values = [text for text in drawn.iter(f"{SVG}text") if "%" in (text.text or "")]
    assert len(values) == 2 * len(OF_TAP)
    for text in values:
        assert float(text.attrib["x"]) + 7.5 * len(text.text or "") <= width  # 12 px letters are narrower
    told = " ".join(text.text or "" for text in values)
    for tap in (measured.costs.new_issuer, measured.costs.known_issuer):
        assert brief(tap.parts["rider_signature"]) in told
    heads = [text.text or "" for text in drawn.iter(f"{SVG}text") if "MHz" in (text.text or "")]
    assert len(heads) == 2
    assert all("model 模型" in head for head in heads)


def test_the_chart_is_told_to_those_who_do_not_see_it(drawn: ElementTree.Element) -> None:
    assert drawn.attrib["role"] == "img"
    title = drawn.find(f"{SVG}title")
    assert title is not None
    assert "new issuer" in (title.text or "")
    assert "已知机构" in (title.text or "")


def test_counts_are_written_briefly() -> None:
    assert [brief(count) for count in (505, 4883, 10_353, 410_286, 1_636_104)] == [
        "505",
        "4,883",
        "10 k",
        "410 k",
        "1.64 M",
    ]
    assert model_ms(4_800_000, 480) == 10.0


def test_the_benchmark_writes_page_and_picture_that_stand_alone(measured: Measured, tmp_path: Path) -> None:
    page, picture = tmp_path / "new" / "board.html", tmp_path / "board.svg"
    words = ["-m", "benchmarks.board", "--json", "--report", str(page), "--chart", str(picture)]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=100, check=True)
    assert done.stdout == RECORD.read_text()
    assert page.read_text(encoding="utf-8") == whole_page(measured)
    assert picture.read_text(encoding="utf-8") == chart(measured) + "\n"
    assert not re.search(r"<script|<link|(src|href)=", page.read_text(encoding="utf-8"))
    assert chart(measured) in page.read_text(encoding="utf-8")


def test_the_benchmark_says_beforehand_what_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    words = ["-m", "benchmarks.board", "--report", str(tmp_path / "file" / "board.html")]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 2
    assert "board.html: " in done.stderr
    assert done.stdout == ""
