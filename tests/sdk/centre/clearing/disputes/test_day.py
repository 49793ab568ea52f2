"""Disputes through a day: taken in, decided, booked, answered."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.sdk.centre.clearing.money.world import DAYS, moment, put, rates_toml, ride, rules_toml, workspace_of, world
from yima.sdk.centre.clearing import folder
from yima.sdk.centre.clearing.disputes.answering import answer_disputes
from yima.sdk.centre.clearing.disputes.intake import take_files, waiting_files
from yima.sdk.centre.clearing.disputes.settling import settle_disputes
from yima.sdk.centre.clearing.engine import Engine, open_engine
from yima.sdk.centre.clearing.files.layouts import file_name, header, line
from yima.sdk.centre.clearing.files.reading import read_file
from yima.sdk.centre.clearing.files.reconciling import Side, reconcile
from yima.sdk.centre.clearing.money.rates import parse_rates
from yima.sdk.centre.clearing.money.rules import parse_rules
from yima.sdk.centre.clearing.money.settle import settle
from yima.sdk.centre.clearing.money.tables import CLEARED, DISPUTES, NET, POSTINGS
from yima.sdk.centre.clearing.tables import BEHIND, CHECKS, OUTCOMES, REVERSALS
from yima.sdk.centre.clearing.workspace import Workspace

ISSUER, OPERATOR = "99310000", "99310001"
ONE, TWO = DAYS[0], DAYS[1]
RIDES = [
    ride(n, moment_s=moment(ONE, 600 + n), day=ONE, service_date=ONE, account=f"a{n}", gross_fen=300)
    for n in range(1, 7)
]


def check(number: int, **more: Any) -> dict[str, Any]:
    return {
        "device": "bus-1",
        "epoch": 1,
        "sequence": number,
        "hash": bytes([number]) * 32,
        "copy": 0,
        "signed": True,
        "verdict": "OK",
        "why": "NONE",
        "core_reason": 0,
        "core_gross_fen": 300,
        "core_fare_fen": 300,
        "signatures": 7,
        "other": None,
        "code_digest": f"{number:064x}",
        "service_date": ONE,
        "day": ONE,
    } | more


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_engine("duckdb", tmp_path / "scratch")
    yield opened
    opened.close()


@pytest.fixture
def workspace(tmp_path: Path, engine: Engine) -> Iterator[Workspace]:
    """Six bus rides of one day, booked; the second presentation of ride 5's code is ride 6."""
    said = world(RIDES)
    said["rides"][5]["code_digest"] = said["rides"][4]["code_digest"]
    opened = workspace_of(tmp_path / "w", said)
    refused = check(9, verdict="EVIDENCE", why="RIDER_SIGNATURE", signatures=3)
    put(opened, CHECKS, [*(check(n) for n in range(1, 7)), check(8), refused])
    put(opened, BEHIND, [{"device": "bus-1", "epoch": 1, "sequence": n, "day": ONE} for n in (*range(1, 7), 8, 9)])
    outcome = {"device": "bus-1", "epoch": 1, "sequence": 20, "hash": b"o" * 32, "received": 0, "moment": 0}
    put(opened, OUTCOMES, [{**outcome, "tap": 3, "outcome": 3, "reverses": False, "day": ONE}])
    booked(opened, engine, ONE)
    yield opened
    opened.close()


def booked(workspace: Workspace, engine: Engine, day: int) -> None:
    said = world([])
    rules, rates = parse_rules(rules_toml(said["rules"])), parse_rates(rates_toml(said["rates"]))
    settle(workspace, engine, day, rules=rules, rates=rates)


def file(
    folder: Path, kind: str, day: int, by: str, rows: Sequence[dict[str, str | int]], *, sequence: int = 1
) -> Path:
    path = folder / file_name(kind, day, by, sequence)
    path.write_text(header(kind, day, by, len(rows)) + "\n" + "".join(line(kind, row) for row in rows))
    return path


def raised(dispute_id: str, number: int, reason: str, by: str = ISSUER, claimed: int = -1) -> dict[str, str | int]:
    head: dict[str, str | int] = {"dispute_id": dispute_id, "reference": f"bus-1/1/{number}", "raised_by": by}
    return {**head, "reason": reason, "claimed_fen": claimed}


def word(dispute_id: str, by: str, agrees: int = 1, *, of: str = ISSUER) -> dict[str, str | int]:
    return {"dispute_id": dispute_id, "raised_by": of, "confirmed_by": by, "agrees": agrees}


def test_a_day_of_disputes_ends_in_bookings_that_sum_to_nothing(
    workspace: Workspace, engine: Engine, tmp_path: Path
) -> None:
    ours = [
        raised("a", 1, "NOT_MINE"),
        raised("b", 2, "AMOUNT", claimed=200),
        raised("c", 3, "NO_PASSAGE"),
        raised("d", 4, "OTHER"),
        raised("e", 6, "TWICE"),
        raised("f", 6, "NOT_MINE"),
    ]
    theirs = [raised("x", 9, "MISSING", OPERATOR), raised("y", 8, "MISSING", OPERATOR)]
    theirs.append(raised("z", 7, "MISSING", OPERATOR))
    paths = [file(tmp_path, "ED", TWO, ISSUER, ours), file(tmp_path, "ED", TWO, OPERATOR, theirs)]
    assert set(take_files(workspace, TWO, paths).values()) == {"0000"}
    assert settle_disputes(workspace, engine, TWO) == 9
    booked(workspace, engine, TWO)
    decided = {row["dispute_id"]: row for row in workspace.read(DISPUTES, day=TWO).to_pylist()}
    assert {key: (row["decision"], row["decided_by"], row["reply"]) for key, row in decided.items()} == {
        "a": ("REFUSED", "SIGNATURES", "SIGNED_BY_RIDER"),
        "b": ("REFUSED", "SIGNATURES", "CORE_SAYS_OTHERWISE"),
        "c": ("UPHELD", "RULE", "GATE_SAW_NO_PASSAGE"),
        "d": ("WAITING", "NONE", "ASKED"),
        "e": ("UPHELD", "SIGNATURES", "ONE_CODE_PAYS_ONCE"),
        "f": ("REFUSED", "RULE", "DECIDED_BEFORE"),
        "x": ("REFUSED", "SIGNATURES", "RIDER_SIGNATURE"),
        "y": ("REFUSED", "RULE", "LEG_OR_WAITING"),
        "z": ("REFUSED", "RULE", "NEVER_RECEIVED"),
    }
    assert decided["e"]["other"] == "bus-1/1/5" and decided["d"]["against"] == OPERATOR
    rows = workspace.read(CLEARED, day=TWO).to_pylist()
    assert [(row["ride_id"], row["reverses"], row["cause"], row["fare_fen"], row["fee_fen"]) for row in rows] == [
        ("bus-1/1/3", True, "DISPUTE", -300, -2),
        ("bus-1/1/6", True, "DISPUTE", -300, -2),
    ]
    assert sum(row["fen"] for row in workspace.read(POSTINGS, day=TWO).to_pylist()) == 0

    answers = {path.name: path for path in answer_disputes(workspace, engine, TWO)}
    records = read_file(answers[file_name("AD", TWO, ISSUER, 1)]).records
    assert [(row["dispute_id"], row["fare_fen"], row["reverses"]) for row in records] == [
        ("a", 0, 0), ("b", 0, 0), ("c", -300, 1), ("d", 0, 0), ("e", -300, 1), ("f", 0, 0)
    ]  # fmt: skip
    assert len(read_file(answers[file_name("AD", TWO, OPERATOR, 1)]).records) == 9
    ld = read_file(workspace.path / "answers" / str(TWO) / file_name("LD", TWO, ISSUER, 1))
    assert [row["code"] for row in ld.records] == ["0000"]


@pytest.mark.parametrize(("agrees", "fare"), [(1, 0), (0, 300)])
def test_what_waits_is_decided_when_the_other_party_has_spoken(
    workspace: Workspace, engine: Engine, tmp_path: Path, agrees: int, fare: int
) -> None:
    take_files(workspace, TWO, [file(tmp_path, "ED", TWO, ISSUER, [raised("d", 4, "OTHER")])])
    settle_disputes(workspace, engine, TWO)
    booked(workspace, engine, TWO)
    take_files(workspace, DAYS[2], [file(tmp_path, "CM", DAYS[2], OPERATOR, [word("d", OPERATOR, agrees)])])
    assert settle_disputes(workspace, engine, DAYS[2]) == 1
    booked(workspace, engine, DAYS[2])
    assert [row["decision"] for row in workspace.read(DISPUTES).to_pylist()] == [
        "WAITING",
        ("REFUSED", "UPHELD")[agrees],
    ]
    assert sum(row["fare_fen"] for row in workspace.read(CLEARED).to_pylist() if row["ride_id"] == "bus-1/1/4") == fare
    assert settle_disputes(workspace, engine, DAYS[3]) == 0


def test_nobody_else_speaks_for_the_other_party(workspace: Workspace, engine: Engine, tmp_path: Path) -> None:
    take_files(workspace, TWO, [file(tmp_path, "ED", TWO, ISSUER, [raised("d", 4, "OTHER")])])
    settle_disputes(workspace, engine, TWO)
    take_files(workspace, DAYS[2], [file(tmp_path, "CM", DAYS[2], ISSUER, [word("d", ISSUER)])])
    assert settle_disputes(workspace, engine, DAYS[2]) == 0


def test_a_ride_that_is_taken_back_on_this_day_is_not_taken_back_by_a_dispute_too(
    workspace: Workspace, engine: Engine, tmp_path: Path
) -> None:
    """Its legs are settled anew on this day, and the dispute would be upheld over a ride that nobody pays any more."""
    put(workspace, REVERSALS, [{"ride_id": "bus-1/1/3", "why": "PAIRED", "tap": "bus-1/1/3", "day": TWO}])
    take_files(workspace, TWO, [file(tmp_path, "ED", TWO, ISSUER, [raised("c", 3, "NO_PASSAGE")])])
    settle_disputes(workspace, engine, TWO)
    assert [row["reply"] for row in workspace.read(DISPUTES).to_pylist()] == ["NOT_BOOKED"]


def test_a_ride_that_is_taken_back_on_this_day_has_not_paid_for_another_with_its_code(
    workspace: Workspace, engine: Engine, tmp_path: Path
) -> None:
    """The other was void as the second of two, and the first was gone: the code that was used paid for neither."""
    put(workspace, REVERSALS, [{"ride_id": "bus-1/1/5", "why": "REVERSED", "tap": "bus-1/1/5", "day": TWO}])
    take_files(workspace, TWO, [file(tmp_path, "ED", TWO, ISSUER, [raised("e", 6, "TWICE")])])
    settle_disputes(workspace, engine, TWO)
    assert [(row["decision"], row["reply"]) for row in workspace.read(DISPUTES).to_pylist()] == [
        ("REFUSED", "ANOTHER_CODE")
    ]


@pytest.mark.parametrize("numbers", [("e", "f"), ("f", "e")])
def test_of_two_rides_with_one_code_the_second_pays_where_the_first_is_void_since_today(
    numbers: tuple[str, str], workspace: Workspace, engine: Engine, tmp_path: Path
) -> None:
    """A bug found: both were void, one as not ridden, the other as the second of two."""
    outcome = {"device": "bus-1", "epoch": 1, "sequence": 21, "hash": b"p" * 32, "received": 0, "moment": 0}
    put(workspace, OUTCOMES, [{**outcome, "tap": 5, "outcome": 3, "reverses": False, "day": ONE}])
    ours = [raised(numbers[0], 6, "TWICE"), raised(numbers[1], 5, "NO_PASSAGE")]
    take_files(workspace, TWO, [file(tmp_path, "ED", TWO, ISSUER, ours)])
    settle_disputes(workspace, engine, TWO)
    decided = {row["ride_id"]: (row["decision"], row["reply"]) for row in workspace.read(DISPUTES).to_pylist()}
    assert decided == {
        "bus-1/1/5": ("UPHELD", "GATE_SAW_NO_PASSAGE"),
        "bus-1/1/6": ("REFUSED", "ANOTHER_CODE"),
    }


def test_an_amount_that_is_agreed_is_booked_anew_and_the_fees_with_it(
    workspace: Workspace, engine: Engine, tmp_path: Path
) -> None:
    (workspace.path / "tables/checks" / f"day={ONE}" / "test.parquet").unlink()
    put(workspace, CHECKS, [check(2, signatures=0)])
    take_files(workspace, TWO, [file(tmp_path, "ED", TWO, ISSUER, [raised("b", 2, "AMOUNT", claimed=100)])])
    settle_disputes(workspace, engine, TWO)
    booked(workspace, engine, TWO)
    take_files(workspace, DAYS[2], [file(tmp_path, "CM", DAYS[2], OPERATOR, [word("b", OPERATOR)])])
    settle_disputes(workspace, engine, DAYS[2])
    booked(workspace, engine, DAYS[2])
    rows = workspace.read(CLEARED, day=DAYS[2]).to_pylist()
    assert [(row["number"], row["reverses"], row["fare_fen"], row["fee_fen"]) for row in rows] == [
        (1, True, -300, -2),
        (2, False, 100, 1),
    ]
    net = {(row["party_kind"], row["party"]): row["net_fen"] for row in workspace.read(NET, day=DAYS[2]).to_pylist()}
    assert net == {("ISSUER", ISSUER): 199, ("OPERATOR", OPERATOR): -199, ("CENTRE", "00000000"): 0}


def test_a_file_is_taken_once_and_whole(workspace: Workspace, tmp_path: Path) -> None:
    good = file(tmp_path, "ED", TWO, ISSUER, [raised("a", 1, "OTHER")])
    assert take_files(workspace, TWO, [good]) == {good.name: "0000"}
    assert take_files(workspace, TWO, [good]) == {good.name: "0000"}
    assert waiting_files(workspace, TWO, [good]) == [good]
    assert waiting_files(workspace, DAYS[2], [good]) == []
    assert take_files(workspace, DAYS[2], [good]) == {good.name: "0001"}
    same_number = file(tmp_path, "ED", TWO, ISSUER, [raised("a", 2, "OTHER")], sequence=2)
    other_name = file(tmp_path, "ED", TWO, ISSUER, [raised("g", 2, "OTHER", OPERATOR)], sequence=3)
    no_word = file(tmp_path, "ED", TWO, ISSUER, [raised("h", 2, "BECAUSE")], sequence=4)
    too_much = file(tmp_path, "ED", TWO, ISSUER, [raised("i", 2, "AMOUNT", claimed=1 << 24)], sequence=6)
    broken = tmp_path / file_name("ED", TWO, ISSUER, 5)
    broken.write_bytes(good.read_bytes()[:-9])
    codes = take_files(workspace, TWO, [same_number, other_name, no_word, broken, too_much])
    assert list(codes.values()) == ["0004", "0003", "0005", "0002", "0002"]
    assert waiting_files(workspace, ONE, [no_word]) == []  # dated the day after
    assert waiting_files(workspace, DAYS[2], [same_number, no_word, broken]) == []  # answered
    no_word.write_text(no_word.read_text().replace("BECAUSE ", "TWICE   "))
    assert waiting_files(workspace, DAYS[2], [no_word]) == [no_word]
    assert take_files(workspace, DAYS[2], [no_word]) == {no_word.name: "0000"}
    good.write_text(good.read_text().replace("OTHER ", "TWICE "))
    assert take_files(workspace, TWO, [good]) == {good.name: "0004"}


def test_a_file_larger_than_any_is_refused_and_keeps_no_other_from_being_taken(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "FILE_MAX", 1000)
    good = file(tmp_path, "ED", TWO, ISSUER, [raised("a", 1, "OTHER")])
    endless = tmp_path / file_name("ED", TWO, ISSUER, 2)
    endless.write_bytes(good.read_bytes())
    os.truncate(endless, 1 << 40)
    assert waiting_files(workspace, TWO, [good, endless]) == [good, endless]
    assert take_files(workspace, TWO, [good, endless]) == {good.name: "0000", endless.name: "0002"}


def test_reconciliation_names_every_record_of_either_side(workspace: Workspace, engine: Engine) -> None:
    records = [(f"bus-1/1/{number}", 300) for number in (1, 2, 3, 4, 8, 9, 12)]
    records[1] = ("bus-1/1/2", 200)
    theirs = pa.table({"reference": [one for one, _ in records], "fen": [fen for _, fen in records]})
    found = reconcile(workspace, engine, theirs, side=Side.OPERATOR, party=OPERATOR, since=ONE, until=ONE).to_pylist()
    assert {row["reference"][8:]: (row["state"], row["their_fen"], row["our_fen"], row["why"]) for row in found} == {
        "1": ("SAME", 300, 300, None),
        "2": ("OTHER_SUM", 200, 300, None),
        "3": ("SAME", 300, 300, None),
        "4": ("SAME", 300, 300, None),
        "5": ("OURS_ALONE", None, 300, None),
        "6": ("OURS_ALONE", None, 300, None),
        "8": ("THEIRS_ALONE", 300, None, "NO_RIDE"),
        "9": ("THEIRS_ALONE", 300, None, "RIDER_SIGNATURE"),
        "12": ("THEIRS_ALONE", 300, None, "NEVER_RECEIVED"),
    }
    mine = pa.table({"reference": [f"{n:064x}" for n in (1, 2)], "fen": [300, 300]})
    issuers = reconcile(workspace, engine, mine, side=Side.ISSUER, party=ISSUER, since=ONE, until=ONE).to_pylist()
    assert [row["state"] for row in issuers] == ["SAME", "SAME", "OURS_ALONE", "OURS_ALONE", "OURS_ALONE"]


def test_a_ride_that_was_settled_anew_is_reconciled_by_its_tap(engine: Engine, tmp_path: Path) -> None:
    """Its name has a number behind the tap's: it was on either side alone, though both sides have it alike."""
    gone, anew = (
        ride(1, moment_s=moment(ONE, 600), day=day, service_date=ONE, gross_fen=fen)
        for day, fen in ((ONE, 700), (TWO, 400))
    )
    said = world([gone, anew | {"ride_id": "bus-1/1/1#2"}], voids=[("bus-1/1/1", TWO, "PAIRED")])
    workspace = workspace_of(tmp_path / "anew", said)
    for day in (ONE, TWO):
        booked(workspace, engine, day)
    theirs = pa.table({"reference": ["bus-1/1/1"], "fen": [400]})
    found = reconcile(workspace, engine, theirs, side=Side.OPERATOR, party=OPERATOR, since=ONE, until=ONE)
    assert found.to_pylist() == [
        {"reference": "bus-1/1/1", "state": "SAME", "their_fen": 400, "our_fen": 400, "why": None}
    ]
    workspace.close()
