"""A centre at work in its folder: days in their order, each step again at will, what must hold of a day's figures."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from enum import StrEnum
from html.parser import HTMLParser
from itertools import product
from pathlib import Path
from shutil import copytree

import pytest

from tests.sdk.centre.clearing import centre as kept
from tests.sdk.centre.clearing.folders import ISSUER, copied, folder
from tests.sdk.centre.clearing.world import DAY
from tests.sdk.centre.identity.said import ISSUERS, identity_toml
from yima.sdk.centre.clearing.day import STEPS, Centre, report_path
from yima.sdk.centre.clearing.disputes.intake import take_files, waiting_files
from yima.sdk.centre.clearing.files.errors import CODES, NO_ERROR
from yima.sdk.centre.clearing.files.layouts import file_name, header
from yima.sdk.centre.clearing.files.reading import read_file
from yima.sdk.centre.clearing.folder import DEVICES, IDENTITY, INCOMING, STATEMENTS, CentreFolder, FolderError
from yima.sdk.centre.clearing.money import tables as money
from yima.sdk.centre.clearing.money.settle import OrderError
from yima.sdk.centre.clearing.money.tables import CLEARED, POSTINGS
from yima.sdk.centre.clearing.report.figures import DayFigures, faults
from yima.sdk.centre.clearing.report.html import report_page, yuan
from yima.sdk.centre.clearing.report.words import WORDS
from yima.sdk.centre.clearing.tables import Cause, Kind, Source, Verdict, Why
from yima.sdk.centre.clearing.workspace import Workspace
from yima.sdk.centre.identity.issuers import Issuers
from yima.sdk.centre.identity.taking import take_statements

DAYS = [DAY, DAY + 1, DAY + 2]


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("given") / "region")


@pytest.fixture(scope="module")
def cleared(given: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    """Three days, each whole."""
    with Centre(CentreFolder(copied(given, tmp_path_factory.mktemp("cleared") / "region"))) as centre:
        centre.ingest()
        for day in DAYS:
            for step in STEPS:
                centre.run(step, day)
        yield centre


@pytest.mark.slow
@pytest.mark.long
def test_step_by_step_gives_the_bytes_of_day_by_day(given: Path, cleared: Centre, tmp_path: Path) -> None:
    with Centre(CentreFolder(copied(given, tmp_path / "region"))) as other:
        other.ingest()
        for day in DAYS:
            for step in ("rides", "identity", "disputes", "settle"):
                assert day in other.days(step, until=DAY + 9)
                other.run(step, day)
        assert other.days("files", until=DAY + 9) == DAYS
        for day in DAYS:
            assert not other.run("files", day).before
            assert other.run("files", day).before
        mine, theirs = kept.content(cleared.workspace.path), kept.content(other.workspace.path)
        assert [name for name in theirs if not name.startswith("reports") and mine.get(name) != theirs[name]] == []
        assert len(theirs) > 40


def test_a_dispute_is_not_decided_before_what_it_disputes_is_booked(given: Path, tmp_path: Path) -> None:
    """Step by step over several days it was: NOT_BOOKED, refused for good, over a ride booked a moment later."""
    with Centre(CentreFolder(copied(given, tmp_path / "region"))) as centre:
        centre.ingest()
        centre.run("rides", DAY)
        centre.run("identity", DAY)
        with pytest.raises(OrderError, match=f"{DAY + 1}: step rides needs step disputes .* not done for {DAY}"):
            centre.run("rides", DAY + 1)  # a ride that a dispute has taken back would be reversed by a late outcome
        centre.run("disputes", DAY)
        centre.run("rides", DAY + 1)
        centre.run("identity", DAY + 1)
        with pytest.raises(OrderError, match=f"{DAY + 1}: step disputes needs step settle .* not done for {DAY}"):
            centre.run("disputes", DAY + 1)
        centre.run("settle", DAY)
        centre.run("disputes", DAY + 1)
        assert [row["reply"] for row in kept.rows(centre.workspace, money.DISPUTES)] == ["SIGNED_BY_RIDER"]


def test_a_step_for_which_no_day_is_ready_says_which_one_is_missing(given: Path, tmp_path: Path) -> None:
    """`rides` and then `settle`, as the help of the command had it, booked nothing and ended with status 0."""
    with Centre(CentreFolder(copied(given, tmp_path / "region"))) as centre:
        centre.ingest()
        assert centre.days("settle", until=DAY) == []
        centre.run("rides", DAY)
        with pytest.raises(OrderError, match=f"{DAY}: step disputes is not done.*yima centre disputes for it first"):
            centre.days("settle", until=DAY)
        assert centre.days("settle", until=DAY - 1) == []


def test_every_ride_is_there_and_the_money_sums_to_nothing(cleared: Centre) -> None:
    rides = {
        name: (ride["kind"], ride["day"], ride["fare_fen"]) for name, ride in kept.rides(cleared.workspace).items()
    }
    assert rides == {
        "bus-1/7/1": ("BUS", DAY, 200), "bus-1/7/2": ("BUS", DAY, 200), "bus-1/7/3": ("BUS", DAY, 100),
        "bus-1/7/4": ("BUS", DAY, 200), "bus-2/7/1": ("BUS", DAY, 200), "out-309/7/1": ("METRO", DAY + 1, 400),
        "in-205/7/2": ("METRO_NO_EXIT", DAY + 1, 700),
    }  # fmt: skip
    assert sum(row["fen"] for row in kept.rows(cleared.workspace, POSTINGS)) == 0
    booked = kept.rows(cleared.workspace, CLEARED)
    assert {row["ride_id"]: row["fare_fen"] for row in booked if row["cap_fen"] < 0} == {"bus-1/7/2": 100}
    assert [row["ride_id"] for row in booked if row["reverses"]] == ["bus-2/7/1"]


def test_what_is_due_is_every_day_up_to_the_last_or_the_named_one(given: Path, tmp_path: Path) -> None:
    with Centre(CentreFolder(copied(given, tmp_path / "region"))) as centre:
        centre.ingest()
        assert centre.days("rides", until=DAY - 1) == []
        assert centre.days("rides", until=DAY) == [DAY]
        assert centre.days("rides", until=DAY, named=DAY + 1) == [DAY, DAY + 1]
        assert centre.days("rides", until=DAY + 2, named=DAY + 3) == [DAY, DAY + 1, DAY + 2, DAY + 3]
        assert centre.days("rides", until=DAY + 9) == [DAY, DAY + 1, DAY + 2], "legs of the second day are closed"
        with pytest.raises(OrderError, match="disputes is not done"):
            centre.days("settle", until=DAY, named=DAY)
        with pytest.raises(OrderError, match="no day"):
            centre.newest_settled()
        with pytest.raises(OrderError, match="not settled"):
            centre.figures(DAY)
        centre.run("rides", DAY + 1)
        with pytest.raises(OrderError, match="was cleared before it"):
            centre.days("rides", until=DAY, named=DAY)


def test_what_is_done_is_not_due_and_not_done_again(cleared: Centre) -> None:
    assert [(step, day) for step in STEPS for day in DAYS if not cleared.run(step, day).before] == []
    assert cleared.due(until=DAYS[-1]) == []
    assert [cleared.days(step, until=DAYS[-1]) for step in STEPS] == [[]] * len(STEPS)


@pytest.mark.parametrize("step", ["rides", "settle"])
def test_a_day_that_has_not_begun_is_not_closed(given: Path, tmp_path: Path, step: str) -> None:
    """A month that was mistyped closed every day up to it, and nothing was cleared before that day had come."""
    with Centre(CentreFolder(copied(given, tmp_path / "region"))) as centre:
        centre.ingest()
        with pytest.raises(OrderError, match=f"{DAY + 2}: has not begun"):
            centre.days(step, until=DAY, named=DAY + 2)
        with pytest.raises(OrderError, match="has not begun"):
            centre.due(until=DAY, named=DAY + 2)
        assert centre.due(until=DAY, named=DAY + 1) == [DAY, DAY + 1]


def test_a_clock_that_was_wrong_once_makes_no_work_for_every_day_since(given: Path, tmp_path: Path) -> None:
    with Centre(CentreFolder(copied(given, tmp_path / "region"))) as centre:
        centre.ingest()
        (entries,) = (centre.workspace.path / "tables" / "entries").glob(f"day={DAY}")
        copytree(entries, entries.with_name("day=19700101"))
        days = centre.days("rides", until=DAY + 9)
        assert days[:2] == [19700101, 19700102] and days[61:] == [19700303, DAY, DAY + 1, DAY + 2]
        assert centre.days("rides", until=19801231) == [*days[:62], 19801231]


def test_a_day_that_there_is_not_in_a_files_name_ends_no_clearing(given: Path, tmp_path: Path) -> None:
    """After a long pause the calendar jumped to it, and `yima centre day` ended in a traceback, each time."""
    region = copied(given, tmp_path / "region")
    (region / INCOMING / file_name("ED", 20270100, ISSUER, 9)).write_text(header("ED", 20270100, ISSUER, 0) + "\n")
    with Centre(CentreFolder(region)) as centre:
        centre.ingest()
        assert centre.days("rides", until=20270215) == DAYS
        for day, step in product(DAYS[:1], ("rides", "identity", "disputes")):
            centre.run(step, day)
        (answer,) = (centre.workspace.path / "answers" / str(DAY)).glob("LD*")
        assert [record["code"] for record in read_file(answer).records] == ["0002"]


def test_a_file_of_an_institution_is_answered_on_its_day(cleared: Centre) -> None:
    answers = cleared.workspace.path / "answers"
    assert [path.name[:2] for path in sorted((answers / str(DAY + 1)).iterdir())] == ["AD", "AD", "LD", "ev"]
    assert list((answers / str(DAY)).iterdir()) == []
    assert cleared.figures(DAY + 1).of["disputes"] == [
        {"reason": "NOT_MINE", "decision": "REFUSED", "decided_by": "SIGNATURES", "reply": "SIGNED_BY_RIDER",
         "disputes": 1}
    ]  # fmt: skip


def test_a_folder_that_is_none_says_what_lies_in_one(tmp_path: Path, given: Path) -> None:
    with pytest.raises(FolderError, match=r"no folder stores/.*docs/clearing\.md"):
        CentreFolder(tmp_path)
    copy = copied(given, tmp_path / "region")
    (copy / "stores" / "one").mkdir()
    with pytest.raises(FolderError, match="second store is called one"):
        CentreFolder(copy).sources()


@pytest.mark.parametrize("name", [INCOMING, STATEMENTS])
def test_what_is_no_file_among_the_files_handed_in_is_passed_over(given: Path, tmp_path: Path, name: str) -> None:
    """A folder for what was done, or a link to nothing, stopped the day after its rides were closed."""
    copy = copied(given, tmp_path / "region")
    (copy / name / "done").mkdir(parents=True)
    (copy / name / "gone").symlink_to(tmp_path / "nowhere")
    files = {INCOMING: CentreFolder(copy).incoming, STATEMENTS: CentreFolder(copy).statements}[name]()
    assert [path.name for path in files if path.name in {"done", "gone"}] == []
    assert len(files) == (name == INCOMING)


def test_a_file_that_was_handed_in_and_cannot_be_read_is_named(tmp_path: Path) -> None:
    gone, workspace = tmp_path / "gone", Workspace(tmp_path / "w")
    nobody = Issuers(environment="test", keys={}, beginnings={})
    reading: tuple[Callable[[], object], ...] = (
        lambda: waiting_files(workspace, DAY, [gone]), lambda: take_files(workspace, DAY, [gone]),
        lambda: take_statements(workspace, DAY, [gone], nobody),
    )  # fmt: skip
    for read in reading:
        with pytest.raises(FolderError, match="gone: cannot be read: No such file"):
            read()
    workspace.close()


def test_whom_a_folder_lists_as_issuers_is_heard_and_without_a_list_nobody(given: Path, tmp_path: Path) -> None:
    copy = copied(given, tmp_path / "region")
    (copy / IDENTITY).write_text(identity_toml())
    assert CentreFolder(copy).issuers() == ISSUERS
    (copy / IDENTITY).unlink()
    assert CentreFolder(copy).issuers().keys == {}


def test_only_where_a_folder_lists_devices_their_keys_count(given: Path, tmp_path: Path) -> None:
    copy = copied(given, tmp_path / "region")
    (copy / DEVICES).unlink(missing_ok=True)
    assert CentreFolder(copy).keys() is None
    (copy / DEVICES).write_text(f"gate-1 {'a' * 64}\ngate-1 {'B' * 64}  # since May\ngate-2 {'c' * 64}\n")
    assert CentreFolder(copy).keys() == {
        "gate-1": frozenset({"a" * 64, "b" * 64}),
        "gate-2": frozenset({"c" * 64}),
    }


def test_the_figures_of_every_day_are_in_order(cleared: Centre) -> None:
    for day in DAYS:
        figures = cleared.figures(day)
        assert faults(figures) == []
        assert figures.total("net", "net_fen") == figures.total("posted", "fen") == 0
    assert cleared.figures(DAY).equal_fares == (5, 5)
    assert cleared.figures(DAY + 1).equal_fares == (0, 2)


@pytest.mark.parametrize(
    ("name", "column", "said"),
    [("posted", "fen", "sum to 1"), ("net", "net_fen", "net is not"), ("funders", "fen", "funders pay"),
     ("unnamed", "rides", "without a cause")],
)  # fmt: skip
def test_figures_that_do_not_agree_are_named(cleared: Centre, name: str, column: str, said: str) -> None:
    figures = cleared.figures(DAY)
    rows = [dict(row) for row in figures.of[name]]
    rows[0][column] += 1
    wrong = [fault.en for fault in faults(replace(figures, of=figures.of | {name: rows}))]
    assert any(said in fault for fault in wrong), wrong


class Cells(HTMLParser):
    """The cells of a page's tables, by table and row."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in {"td", "th"}:
            self.tables[-1][-1].append("")
        if tag not in {"meta"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.tables and self.tables[-1] and {"td", "th"} & set(self.open):
            self.tables[-1][-1][-1] += data


def test_the_report_says_who_owes_whom_in_both_languages_and_stands_alone(cleared: Centre) -> None:
    figures = cleared.figures(DAY)
    text = report_page(figures)
    page = Cells(text)
    assert page.open == []
    assert re.findall(r"<h2>(.*?) · <span", text) == [
        "Who owes whom", "What for", "By operator and issuer", "Subsidy by funder", "Fares: gate and centre",
        "Rides and bookings", "Taps", "Disputes",
    ]  # fmt: skip
    assert "src=" not in text and "href=" not in text and "<script" not in text
    net = page.tables[0]
    assert net[0] == ["party 机构", "due in 应收", "due out 应付", "net 净额"]
    shown = {row[0].split()[-1]: row[3] for row in net[1:]}
    assert shown["合计"] == "¥0.00"
    assert shown["00320500"] == yuan(-100)  # Suzhou pays for the cap
    (funders,) = (rows for rows in page.tables if rows[0][0] == "funder 出资方")
    (steps,) = (rows for rows in page.tables if rows[0][0] == "taken off by 优惠环节")
    assert {"concession by group 群体优待", "daily cap 日封顶"} <= {row[0].replace(" · ", " ") for row in steps}
    assert steps[-1][1] == funders[-1][-1] != "¥0.00"
    assert "✓" in text and "2026-09-22 清分报告" in text
    assert report_page(figures) == text


def test_a_report_is_a_file_of_the_workspace(cleared: Centre, tmp_path: Path) -> None:
    figures = cleared.figures(DAY)
    path = report_path(cleared.workspace.path, DAY)
    cleared.write_report(figures, path)
    assert path.read_text(encoding="utf-8") == report_page(figures)
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderError, match="cannot be written"):
        cleared.write_report(figures, tmp_path / "file" / "report.html")


def test_a_day_that_is_not_in_order_says_so_on_its_page(cleared: Centre) -> None:
    figures = cleared.figures(DAY)
    wrong = [dict(row) for row in figures.of["posted"]]
    wrong[0]["fen"] += 5
    assert "the postings sum to 5 fen" in report_page(DayFigures(day=DAY, of=figures.of | {"posted": wrong}))


def test_every_word_of_the_tables_has_words_in_both_languages() -> None:
    kinds: tuple[type[StrEnum], ...] = (
        Cause, Kind, Source, Verdict, Why, money.PartyKind, money.Posted, money.Booked, money.Reason, money.Decision,
        money.DecidedBy,
    )  # fmt: skip
    assert {kind: set(words) for kind, words in WORDS.items()} == {kind: set(kind) for kind in kinds}


@pytest.mark.parametrize(("fen", "text"), [(0, "¥0.00"), (-5, "-¥0.05"), (123456, "¥1,234.56"), (-100, "-¥1.00")])
def test_amounts_are_written_to_the_fen(fen: int, text: str) -> None:
    assert yuan(fen) == text


def test_the_page_of_clearing_names_every_error_of_feedback() -> None:
    page = (Path(__file__).parents[4] / "docs" / "clearing.md").read_text(encoding="utf-8")
    told = page.partition("\nErrors in FB: ")[2].partition("\n\n")[0]
    assert re.findall("`([0-9]{6})`", told) == sorted(code for code in CODES.values() if code != NO_ERROR)


def test_the_page_of_clearing_says_why_taps_do_not_count() -> None:
    page = (Path(__file__).parents[4] / "docs" / "clearing.md").read_text(encoding="utf-8")
    table = page.partition("<!-- words of why -->")[2].partition("<!-- end -->")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line.startswith("|")
    ]
    void = {Why.REVERSED, Why.NOT_PASSED}
    expected = [
        [str(why), *WORDS[Why][why], "no ride" if why in void else "counts" if why is Why.NONE else "kept, not paid"]
        for why in Why
    ]
    assert rows[2:] == expected
