"""Which taps count: one test a reason, each with what it must be told apart from."""

import sqlite3
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.sdk.centre.clearing import centre, world
from tests.sdk.centre.clearing.test_against_plain import tariff
from tests.sdk.centre.clearing.world import DAY, NOON, Device, link
from yima.sdk.centre.clearing.engine import open_engine
from yima.sdk.centre.clearing.tables import CHECKS, JUDGED, OUTCOMES, TAILS, TAPS, VOIDS
from yima.sdk.centre.clearing.taps.checks import check_day
from yima.sdk.centre.clearing.taps.ingest import ingest
from yima.sdk.centre.clearing.taps.judged import Judges, judge_day
from yima.sdk.centre.clearing.taps.stores import SourceError, SqliteSource
from yima.sdk.centre.clearing.workspace import Workspace
from yima.sdk.issuer import make_issuer, make_rider, make_root
from yima.sdk.parameters.example import SOURCE
from yima.validator import _core
from yima.validator.journal.facts import Outcome
from yima.validator.judging import Moment, Reason, Vouched
from yima.validator.judging.record import Terminal, tap_entry
from yima.validator.parameters import from_mapping


@pytest.fixture
def bus() -> Device:
    return Device("bus-1", tariff())


def checked(
    folder: Path, *devices: Device, days: int = 1, rows: list[dict[str, Any]] | None = None, **more: Any
) -> list[dict[str, Any]]:
    """The checks of these devices' entries, in order. more: conflicts for the store, published for the centre."""
    rows = world.all_rows(*devices) if rows is None else rows
    store = world.store(folder / "store.db", rows, more.get("conflicts", ()))
    workspace = Workspace(folder / "w")
    engine = open_engine("duckdb", workspace.scratch, memory="200MB")
    ingest(workspace, SqliteSource(store))
    for day in range(DAY, DAY + days):
        published = more.get("published") or centre.published(tariff())
        check_day(workspace, engine, published, day, unsigned_counts=True)
    engine.close()
    workspace.close()
    return centre.rows(workspace, CHECKS)


def whys(found: list[dict[str, Any]]) -> list[str]:
    return [row["why"] for row in found]


def rechained(device: Device, place: int, entry: bytes) -> None:
    """Puts another entry in the journal, as a device would that lies: everything after it is chained anew."""
    previous = device.entries[place]["previous"]
    for row in device.entries[place:]:
        row["entry"] = entry if row is device.entries[place] else row["entry"]
        row["previous"] = previous
        previous = row["hash"] = link(row)


def resealed(record: bytes, at: int, value: bytes) -> bytes:
    """A record with other bytes at a place, its integrity value made to agree."""
    body = record[:at] + value + record[at + len(value) : -36]
    return body + record[-36:-32] + _core.sm3(body)


def test_a_good_tap_counts_with_all_three_signatures(tmp_path: Path, bus: Device) -> None:
    bus.tap(world.rider(1).code(NOON), NOON + 5)
    (row,) = checked(tmp_path, bus)
    assert (row["verdict"], row["why"], row["signatures"]) == ("OK", "NONE", 7)
    assert (row["core_reason"], row["core_gross_fen"], row["core_fare_fen"]) == (0, 200, 200)


def test_a_refused_tap_is_no_row(tmp_path: Path, bus: Device) -> None:
    assert not bus.tap(world.rider(1).code(NOON - 9999), NOON).accepted
    assert checked(tmp_path, bus) == []


def test_an_entry_whose_hash_does_not_hold(tmp_path: Path, bus: Device) -> None:
    for card in range(3):
        bus.tap(world.rider(card).code(NOON), NOON + card)
    bus.entries[1]["hash"] = bytes(32)
    # The next one names a hash that nobody has, so it has no place either; the one before stands.
    assert whys(checked(tmp_path, bus)) == ["NONE", "CHAIN", "CHAIN"]


def test_an_entry_that_was_put_in_between_breaks_the_chain(tmp_path: Path, bus: Device) -> None:
    for card in range(3):
        bus.tap(world.rider(card).code(NOON), NOON + card)
    other = Device("bus-1", tariff())
    other.tap(world.rider(7).code(NOON), NOON)
    bus.entries[1]["previous"] = other.entries[0]["hash"]
    bus.entries[1]["hash"] = link(bus.entries[1])
    assert whys(checked(tmp_path, bus)) == ["NONE", "CHAIN", "CHAIN"]


def test_the_first_entry_follows_nothing(tmp_path: Path, bus: Device) -> None:
    bus.tap(world.rider(1).code(NOON), NOON)
    bus.entries[0]["previous"] = b"\1" * 32
    bus.entries[0]["hash"] = link(bus.entries[0])
    assert whys(checked(tmp_path, bus)) == ["CHAIN"]


def test_the_chain_goes_on_over_days(tmp_path: Path, bus: Device) -> None:
    bus.tap(world.rider(1).code(NOON), NOON)
    bus.tap(world.rider(2).code(NOON + 86400), NOON + 86400)
    bus.tap(world.rider(3).code(NOON + 2 * 86400), NOON + 2 * 86400)
    bus.entries[2]["previous"] = b"\1" * 32
    bus.entries[2]["hash"] = link(bus.entries[2])
    assert whys(checked(tmp_path, bus, days=3)) == ["NONE", "NONE", "CHAIN"]


def test_a_day_on_which_nothing_came_hands_on_the_tails_and_says_nothing_else(tmp_path: Path, bus: Device) -> None:
    other = Device("bus-0", tariff())
    bus.tap(world.rider(1).code(NOON), NOON)
    other.tap(world.rider(2).code(NOON), NOON)
    found = checked(tmp_path, bus, other, days=3)
    assert [(row["device"], row["day"]) for row in found] == [("bus-0", DAY), ("bus-1", DAY)]
    workspace = Workspace(tmp_path / "w")
    first, *rest = (workspace.read(TAILS, day=day).to_pylist() for day in (DAY, DAY + 1, DAY + 2))
    assert [(row["device"], row["sequence"]) for row in first] == [("bus-0", 1), ("bus-1", 1)]
    assert rest == [[row | {"day": day} for row in first] for day in (DAY + 1, DAY + 2)]
    assert workspace.done_days("judged") == workspace.done_days("checks") == [DAY, DAY + 1, DAY + 2]
    workspace.close()


def test_an_entry_whose_predecessor_is_not_here_is_not_blamed(tmp_path: Path, bus: Device) -> None:
    bus.tap(world.rider(1).code(NOON), NOON)
    bus.tap(world.rider(2).code(NOON), NOON + 9)
    assert whys(checked(tmp_path, rows=bus.entries[1:])) == ["NONE"]


def test_bytes_that_are_no_entry(tmp_path: Path, bus: Device) -> None:
    bus.append(b"\0" * 50, received=NOON)
    assert whys(checked(tmp_path, bus)) == ["FACTS"]


def test_a_record_that_is_not_whole(tmp_path: Path, bus: Device) -> None:
    bus.tap(world.rider(1).code(NOON), NOON)
    entry = bus.entries[0]["entry"]
    rechained(bus, 0, entry[:-1] + bytes([entry[-1] ^ 1]))
    assert whys(checked(tmp_path, bus)) == ["RECORD"]


def test_facts_that_say_other_than_the_record(tmp_path: Path) -> None:
    lies = {
        "fare": (60, (100).to_bytes(4)), "code": (88, bytes(32)), "account": (120, b"\x31" * 10),
        "account type": (39, b"\5"), "moment": (4, (NOON - 1).to_bytes(8)),
    }  # fmt: skip
    buses = [Device(f"bus-{name.replace(' ', '-')}", tariff()) for name in lies]
    for card, (bus, (offset, value)) in enumerate(zip(buses, lies.values(), strict=True)):
        bus.tap(world.rider(card).code(NOON - 5), NOON)
        entry = bus.entries[0]["entry"]
        rechained(bus, 0, entry[:offset] + value + entry[offset + len(value) :])
    found = {row["device"]: row["why"] for row in checked(tmp_path, *buses)}
    assert found == {bus.name: "FACTS" for bus in buses}


def test_each_of_the_three_signatures_is_checked_again(tmp_path: Path) -> None:
    broken = [(3 + 60, "CA_SIGNATURE", 0), (198 + 7 + 9, "ISSUER_SIGNATURE", 1), (267 + 7 + 9, "RIDER_SIGNATURE", 3)]
    buses = [Device(f"bus-{why}", tariff()) for _, why, _ in broken]
    for card, (bus, (at, _, _)) in enumerate(zip(buses, broken, strict=True)):
        code = world.rider(card).code(NOON)
        bus.tap(code, NOON)
        entry = bus.entries[0]["entry"]
        size = int.from_bytes(entry[:2])
        place, record = entry.index(code) - size + at, entry[size:]
        rechained(bus, 0, entry[:size] + resealed(record, place, bytes([record[place] ^ 1])))
    found = {row["device"]: (row["verdict"], row["why"], row["signatures"]) for row in checked(tmp_path, *buses)}
    assert found == {f"bus-{why}": ("EVIDENCE", why, signatures) for _, why, signatures in broken}


def test_a_tap_under_parameters_that_nobody_published(tmp_path: Path, bus: Device) -> None:
    bus.tap(world.rider(1).code(NOON), NOON)
    other = centre.published(world.parameters(tmp_path / "other", version=2))
    (row,) = checked(tmp_path, bus, published=other)
    assert (row["why"], row["core_reason"]) == ("PARAMETERS_UNKNOWN", None)


def test_each_tap_is_judged_under_the_version_that_it_names(tmp_path: Path, bus: Device) -> None:
    dearer = SOURCE["fares.csv"].replace("flat,200", "flat,300")
    newer = world.parameters(tmp_path / "newer", version=2, fares=dearer)
    second = Device("bus-2", newer)
    bus.tap(world.rider(1).code(NOON), NOON)
    second.tap(world.rider(2).code(NOON), NOON)
    found = checked(tmp_path, bus, second, published=centre.published(tariff(), newer))
    assert [(row["why"], row["core_fare_fen"]) for row in found] == [("NONE", 200), ("NONE", 300)]


def a_gate_that_accepts(bus: Device, code: bytes, at: int) -> None:
    """Journals a refused code as accepted, with facts and record as a gate would write them that lies."""
    good = Device(bus.name, tariff())
    good.tap(world.rider(99).code(at), at)
    entry = good.entries[0]["entry"]
    size = int.from_bytes(entry[:2])
    old = world.rider(99).code(at)
    record = entry[size:]
    assert record[5:9] == (1).to_bytes(2) + len(old).to_bytes(2), "tag 0001 follows tag 0000"
    body = record[:9] + code + record[9 + len(code) : -36]
    bus.append(entry[:size] + body + record[-36:-32] + _core.sm3(body), received=at + 30)


def test_a_gate_that_let_in_what_it_had_to_refuse(tmp_path: Path, bus: Device) -> None:
    a_gate_that_accepts(bus, world.rider(1).code(NOON - 9999), NOON)
    a_gate_that_accepts(bus, world.rider(1, cap=100).code(NOON), NOON)
    expired, poor = checked(tmp_path, bus)
    assert (expired["why"], expired["core_reason"]) == ("CORE_REFUSES", int(Reason.CODE_EXPIRED))
    assert (poor["why"], poor["core_reason"]) == ("OVER_CAP", int(Reason.FARE_OVER_CAP))
    assert (poor["signatures"], poor["verdict"]) == (7, "EVIDENCE")


def test_a_code_of_another_root_is_no_money(tmp_path: Path, bus: Device) -> None:
    stranger = make_rider(
        make_issuer(make_root(1), world.SHANGHAI), payment_account="6228480402564890",
        card_account="31048700000000000001", platform="50083010", authorised_until=NOON + 86400, issuer_data=bytes(7),
    )  # fmt: skip
    a_gate_that_accepts(bus, stranger.code(NOON), NOON)
    assert whys(checked(tmp_path, bus)) == ["CA_SIGNATURE"]


def test_the_same_entry_again_changes_nothing(tmp_path: Path, bus: Device) -> None:
    bus.tap(world.rider(1).code(NOON), NOON)
    bus.tap(world.rider(2).code(NOON), NOON + 9)
    workspace = Workspace(tmp_path / "w")
    for place, day in enumerate((0, 0, 1)):
        rows = [row | {"received": row["received"] + 86400 * day} for row in bus.entries]
        store = world.store(tmp_path / f"{place}.db", rows)
        centre.run(workspace, [store], centre.published(tariff()), [DAY + day] if place else [])
    found = centre.rows(workspace, CHECKS)
    assert [(row["sequence"], row["copy"], row["why"]) for row in found] == [
        (1, 0, "NONE"), (1, 1, "DUPLICATE"), (2, 0, "NONE"), (2, 1, "DUPLICATE"),
        (1, 1, "DUPLICATE"), (2, 1, "DUPLICATE"),
    ]  # fmt: skip
    assert len(centre.rides(workspace)) == 2
    workspace.close()


def test_another_entry_under_a_key_that_is_taken_is_evidence(tmp_path: Path, bus: Device) -> None:
    other = Device("bus-1", tariff())
    bus.tap(world.rider(1).code(NOON), NOON)
    other.tap(world.rider(2).code(NOON), NOON - 60)
    found = checked(tmp_path, bus, conflicts=other.entries)
    assert sorted((row["why"], row["other"]) for row in found) == [("CONFLICT", "bus-1/7/1"), ("NONE", None)]
    (counts,) = [row for row in found if row["why"] == "NONE"]
    assert counts["hash"] == bus.entries[0]["hash"], "what the collector held first stays, whatever its clock says"


def test_a_code_pays_once_and_the_earliest_counts(tmp_path: Path, bus: Device) -> None:
    second, third = Device("bus-2", tariff()), Device("bus-3", tariff())
    code = world.rider(1).code(NOON)
    bus.tap(code, NOON + 20)
    second.tap(code, NOON + 10)
    third.tap(code, NOON + 10)
    found = checked(tmp_path, bus, second, third)
    assert [(row["device"], row["why"], row["other"]) for row in found] == [
        ("bus-1", "DOUBLE_USE", "bus-2/7/1"), ("bus-2", "NONE", None), ("bus-3", "DOUBLE_USE", "bus-2/7/1"),
    ]  # fmt: skip


def test_a_use_that_was_settled_stays_when_an_earlier_one_comes_late(tmp_path: Path, bus: Device) -> None:
    late = Device("bus-2", tariff())
    code = world.rider(1).code(NOON)
    bus.tap(code, NOON + 20)
    late.tap(code, NOON + 10, received=NOON + 2 * 86400)
    found = checked(tmp_path, bus, late, days=3)
    assert [(row["device"], row["why"], row["other"]) for row in found] == [
        ("bus-1", "NONE", None), ("bus-2", "DOUBLE_USE", "bus-1/7/1"),
    ]  # fmt: skip


def test_a_reversed_tap_is_no_ride_and_its_code_may_be_shown_again(tmp_path: Path, bus: Device) -> None:
    second = Device("bus-2", tariff())
    code = world.rider(1).code(NOON)
    bus.tap(code, NOON)
    bus.outcome(1, Outcome.FAILED, NOON + 2, reverses=True)
    second.tap(code, NOON + 30)
    found = checked(tmp_path, bus, second)
    assert [(row["verdict"], row["why"]) for row in found] == [("VOID", "REVERSED"), ("OK", "NONE")]


@pytest.mark.parametrize("reverses", [False, True])
def test_a_tap_that_its_issuer_vouched_for_is_taken_back_alike(tmp_path: Path, reverses: bool) -> None:
    resolved = {"family": "sufu", "prefix": "example-js:", "city": 320000, "remember_s": 300}
    parameters = from_mapping(
        {
            "environment": "test", "version": 1, "limits": {"families": ["ministry", "sufu"]},
            "fares": {"bus": 200, "metro": 300}, "resolved": [resolved],
        }
    )  # fmt: skip
    bus, now = Device("bus-1", parameters), Moment.at(NOON)
    asked = bus.validator.judge(b"example-js:0001", now)
    verdict = bus.validator.settle(asked, now, Reason.ACCEPTED, Vouched.ISSUER)
    terminal = Terminal(terminal="bus-1")
    entry = tap_entry(bus.validator, verdict, terminal=terminal, record_id="1", moment=now, run=1)
    bus.append(entry, received=NOON + 30)
    bus.outcome(1, Outcome.FAILED, NOON + 2, reverses=reverses)
    assert whys(checked(tmp_path, bus, published=centre.published(parameters))) == ["REVERSED" if reverses else "NONE"]


def test_an_outcome_that_is_not_of_the_chain_reverses_nothing(tmp_path: Path, bus: Device) -> None:
    bus.tap(world.rider(1).code(NOON), NOON)
    bus.outcome(1, Outcome.FAILED, NOON + 2, reverses=True)
    bus.entries[1]["hash"] = bytes(32)
    assert [row["why"] for row in checked(tmp_path, bus)] == ["NONE", "CHAIN"]


def test_a_reversal_that_comes_a_day_late_voids_what_counted(tmp_path: Path, bus: Device) -> None:
    bus.tap(world.rider(1).code(NOON), NOON)
    bus.outcome(1, Outcome.UNKNOWN, NOON + 2, reverses=True, received=NOON + 86400)
    checked(tmp_path, bus, days=2)
    workspace = Workspace(tmp_path / "w")
    assert [(row["device"], row["sequence"], row["day"]) for row in centre.rows(workspace, VOIDS)] == [
        ("bus-1", 1, DAY + 1)
    ]
    workspace.close()


def test_a_rider_who_did_not_pass_and_was_let_in_again(tmp_path: Path) -> None:
    said = {600: "NOT_PASSED", 601: "NONE"}
    buses = [Device(f"bus-{after_s}", tariff()) for after_s in said]
    for bus, after_s in zip(buses, said, strict=True):
        bus.tap(world.rider(after_s).code(NOON), NOON)
        bus.outcome(1, Outcome.NOT_PASSED, NOON + 5, reverses=False)
        bus.tap(world.rider(after_s).code(NOON + after_s), NOON + after_s)
    found = [(row["device"], row["why"]) for row in checked(tmp_path, *buses)]
    assert found == [(f"bus-{after_s}", each) for after_s, why in said.items() for each in (why, "NONE")]


def test_records_of_the_older_form_are_kept_and_judged_as_far_as_they_reach(tmp_path: Path, bus: Device) -> None:
    bus.tap(world.rider(1).code(NOON), NOON)
    record = bus.entries[0]["entry"][int.from_bytes(bus.entries[0]["entry"][:2]) :]
    own = record[:-36] + bytes.fromhex("2004000101" + "2005000102")  # the older form's own tags stood before 0011
    whole = own + record[-36:-32] + _core.sm3(own)
    good = world.older_row(whole, 1, NOON, bytes(32))
    broken = world.older_row(whole[:-1] + bytes([whole[-1] ^ 1]), 2, NOON + 60, good["hash"])
    workspace = Workspace(tmp_path / "w")
    ingest(workspace, SqliteSource(world.older_store(tmp_path / "old.db", [good, broken])))
    engine = open_engine("duckdb", workspace.scratch)
    check_day(workspace, engine, centre.published(tariff()), DAY, threads=1, unsigned_counts=True)
    engine.close()
    assert whys(centre.rows(workspace, CHECKS)) == ["PARAMETERS_UNKNOWN", "RECORD"]
    tap, _ = centre.rows(workspace, TAPS)
    assert (tap["form"], tap["fare_fen"], tap["moment"], tap["service_date"]) == (1, 200, NOON, DAY)
    assert (tap["vouched"], tap["transaction"]) == (1, 2)
    assert (tap["city"], tap["operator"], tap["rules"], tap["code_digest"]) == (None, None, None, None)
    assert [row["intact"] for row in centre.rows(workspace, JUDGED)] == [7, 3]
    assert centre.rows(workspace, OUTCOMES) == []
    workspace.close()


def test_a_source_that_is_no_store_is_named(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE entries (a)").connection.close()
    workspace = Workspace(tmp_path / "w")
    with pytest.raises(SourceError, match=r"other\.db"):
        ingest(workspace, SqliteSource(tmp_path / "other.db"))
    with pytest.raises(SourceError):
        ingest(workspace, SqliteSource(tmp_path / "none.db"))
    workspace.close()


def test_portions_are_judged_on_all_threads_and_come_back_in_their_order(
    tmp_path: Path, bus: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    for card in range(30):
        bus.tap(world.rider(card).code(NOON), NOON + card)
    written = []
    sizes: set[int] = set()
    judged = Judges.judged

    def watched(self: Judges, rows: pa.RecordBatch, day: int) -> tuple[pa.RecordBatch, pa.RecordBatch]:
        sizes.add(rows.num_rows)
        return judged(self, rows, day)

    monkeypatch.setattr(Judges, "judged", watched)
    store = world.store(tmp_path / "store.db", bus.entries)
    for portion, threads in ((1 << 13, 1), (4, 3)):
        monkeypatch.setattr(sys.modules[Judges.__module__], "_PORTION", portion)
        workspace = Workspace(tmp_path / str(portion))
        ingest(workspace, SqliteSource(store))
        judge_day(workspace, centre.published(tariff()), DAY, threads=threads)
        workspace.close()
        written.append(centre.content(tmp_path / str(portion)))
    assert sizes == {30, 4, 2}
    assert written[0] == written[1]
