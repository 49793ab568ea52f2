"""The devices' signatures, from the collector's own store: what somebody changed in it afterwards does not count."""

import random
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sdk.centre.clearing import centre, world
from tests.sdk.centre.clearing.test_against_plain import tariff
from tests.sdk.centre.clearing.world import DAY, NOON, Device
from yima.sdk.centre.clearing.engine import Engine, open_engine
from yima.sdk.centre.clearing.tables import BATCHES, CHECKS, ENTRIES
from yima.sdk.centre.clearing.taps.batches import Keys, Row, body_of
from yima.sdk.centre.clearing.taps.checks import check_day
from yima.sdk.centre.clearing.taps.ingest import ingest
from yima.sdk.centre.clearing.taps.stores import ParquetSource, Source, SqliteSource, export
from yima.sdk.centre.clearing.workspace import Workspace
from yima.sdk.centre.collector.arrivals import Ledger, Signed
from yima.sdk.centre.collector.enrolment import read_all_keys
from yima.sdk.centre.collector.schema import StoreError
from yima.sdk.centre.collector.store import Store
from yima.validator.journal.older import OlderEntry
from yima.validator.ports import Entry, JournalKey
from yima.validator.state.keys import DeviceKey
from yima.validator.uplink.batches import encode_batch, parse_batch

KEY, OTHER = DeviceKey.generate(), DeviceKey.generate()
COUNT = 6


@pytest.fixture(scope="module")
def bus() -> Device:
    device = Device("bus-1", tariff())
    for card in range(COUNT):
        device.tap(world.rider(card).code(NOON), NOON + card)
    return device


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    opened = open_engine("duckdb", tmp_path_factory.mktemp("scratch"), memory="200MB")
    yield opened
    opened.close()


def entry_of(row: dict[str, Any]) -> Entry:
    key = JournalKey(row["device"], row["epoch"], row["sequence"])
    return Entry(key=key, content=row["entry"], previous=row["previous"], hash=row["hash"])


Sent = tuple[int, int, int]  # first, last (none of it), seconds after noon


def collected(path: Path, device: Device, sent: Sequence[Sent], key: DeviceKey = KEY) -> Path:
    """A store that took these batches, as a device sends them."""
    give(Store(path), device, sent, key)
    return path


def give(store: Ledger, device: Device, sent: Sequence[Sent], key: DeviceKey = KEY) -> None:
    """These batches, as a device sends them; the store is closed."""
    for first, last, at in sent:
        body = encode_batch(device.name, device.epoch, [entry_of(row) for row in device.entries[first - 1 : last]])
        signed = Signed(body, key.sign(body))
        store.accept(parse_batch(body), key.public, received=NOON + at, signed=signed)
    store.close()


def whys(folder: Path, engine: Engine, *sources: Source, days: Sequence[int] = (DAY,), **more: Any) -> list[str]:
    workspace = Workspace(folder / "w")
    for source in sources:
        ingest(workspace, source)
    for day in days:
        check_day(workspace, engine, centre.published(tariff()), day, threads=1, **more)
    found = [row["why"] for row in centre.rows(workspace, CHECKS)]
    workspace.close()
    return found


ONCE = [(1, 2, 1), (3, 6, 2)]
AGAIN = [(1, 2, 1), (1, 2, 2), (2, 4, 2), (3, 6, 3)]  # answers were lost: batches repeat and reach over each other
GAP = [(1, 2, 1), (4, 6, 2), (3, 4, 3), (3, 6, 4)]  # one came before what it follows


@pytest.mark.parametrize("sent", [ONCE, AGAIN, GAP])
def test_what_devices_signed_counts(tmp_path: Path, bus: Device, engine: Engine, sent: list[Sent]) -> None:
    path = collected(tmp_path / "s.db", bus, sent)
    keys = {"bus-1": frozenset({OTHER.public, KEY.public})}
    assert whys(tmp_path, engine, SqliteSource(path, chunk=2), keys=keys) == ["NONE"] * COUNT


def test_a_batch_that_spans_days_is_looked_at_whole(tmp_path: Path, bus: Device, engine: Engine) -> None:
    """The second batch brings the last entries on the next day, and repeats those of the first."""
    path = collected(tmp_path / "s.db", bus, [(1, 4, 1), (3, 6, 86400)])
    keys = {"bus-1": frozenset({KEY.public})}
    assert whys(tmp_path, engine, SqliteSource(path), keys=keys, days=(DAY, DAY + 1)) == ["NONE"] * COUNT


def rewritten(path: Path, device: Device, sequence: int) -> Path:
    """Somebody with the store in hand changes one entry, and every hash behind it so that the chain holds."""
    previous = device.entries[sequence - 2]["hash"]
    connection = sqlite3.connect(path)
    for row in device.entries[sequence - 1 :]:
        entry = bytearray(row["entry"])
        if row["sequence"] == sequence:
            entry[-40] ^= 1
        changed = row | {"entry": bytes(entry), "previous": previous}
        previous = world.link(changed)
        connection.execute(
            "UPDATE entries SET content = ?, previous = ?, hash = ? WHERE sequence = ?",
            (changed["entry"], changed["previous"], previous, row["sequence"]),
        )
    connection.commit()
    connection.close()
    return path


@pytest.mark.parametrize(("sent", "good"), [(ONCE, 2), ([(1, 4, 1), (3, 6, 2)], 0), (GAP, 2)])
def test_what_was_changed_in_the_store_does_not_count(
    tmp_path: Path, bus: Device, engine: Engine, sent: list[Sent], good: int
) -> None:
    path = rewritten(collected(tmp_path / "s.db", bus, sent), bus, 3)
    found = whys(tmp_path, engine, SqliteSource(path))
    assert found == ["NONE"] * good + ["DEVICE_SIGNATURE"] * (COUNT - good)


def test_a_signature_that_was_changed_or_taken_away(tmp_path: Path, bus: Device, engine: Engine) -> None:
    path = collected(tmp_path / "s.db", bus, [(1, 2, 1), (3, 4, 2), (5, 6, 3)])
    connection = sqlite3.connect(path)
    connection.execute("UPDATE batches SET signature = 'zz' WHERE id = 1")
    connection.execute("DELETE FROM batches WHERE id = 2")
    connection.commit()
    connection.close()
    refused = ["DEVICE_SIGNATURE"] * 2 + ["UNSIGNED"] * 2 + ["NONE"] * 2
    assert whys(tmp_path / "any", engine, SqliteSource(path)) == refused
    chained = whys(tmp_path / "chain", engine, SqliteSource(path), unsigned_counts=True)
    assert chained == ["DEVICE_SIGNATURE"] * 2 + ["NONE"] * 4
    keys = {"bus-1": frozenset({KEY.public})}
    assert whys(tmp_path / "list", engine, SqliteSource(path), keys=keys, unsigned_counts=True) == refused


@pytest.mark.parametrize("keys", [{}, {"bus-1": frozenset({OTHER.public})}, {"bus-2": frozenset({KEY.public})}])
def test_a_key_that_is_not_the_devices_signs_nothing(tmp_path: Path, bus: Device, engine: Engine, keys: Keys) -> None:
    path = collected(tmp_path / "s.db", bus, ONCE)
    assert whys(tmp_path, engine, SqliteSource(path), keys=keys) == ["DEVICE_SIGNATURE"] * COUNT


def test_a_false_copy_that_is_read_first_stands_in_the_way_of_nothing(
    tmp_path: Path, bus: Device, engine: Engine
) -> None:
    false = rewritten(collected(tmp_path / "a.db", bus, ONCE), bus, 3)
    good = collected(tmp_path / "b.db", bus, [(1, 6, 9)])
    found = whys(tmp_path, engine, SqliteSource(false), SqliteSource(good))
    counted = {why: found.count(why) for why in found}  # behind the false entry the chain is another
    assert counted == {"NONE": COUNT, "DUPLICATE": 2, "DEVICE_SIGNATURE": 1, "CHAIN": 3}


def test_exported_and_read_elsewhere_it_is_checked_alike(tmp_path: Path, bus: Device, engine: Engine) -> None:
    path = rewritten(collected(tmp_path / "s.db", bus, GAP), bus, 5)
    here = whys(tmp_path / "here", engine, SqliteSource(path))
    assert export(SqliteSource(path, chunk=2), tmp_path / "east") == COUNT
    assert export(SqliteSource(path), tmp_path / "west") == COUNT
    assert whys(tmp_path / "there", engine, ParquetSource(tmp_path / "east")) == here
    assert "DEVICE_SIGNATURE" in here
    twice = whys(tmp_path / "twice", engine, ParquetSource(tmp_path / "east"), ParquetSource(tmp_path / "west"))
    assert sorted(twice) == sorted([*here, *("DUPLICATE" if why == "NONE" else why for why in here)])


def test_a_day_that_was_closed_between_a_signature_and_its_entries(tmp_path: Path, bus: Device, engine: Engine) -> None:
    """The process ended after the signatures were read; the day was closed; the entries belong to the next one."""
    path = collected(tmp_path / "s.db", bus, ONCE)
    workspace = Workspace(tmp_path / "w")
    chunks = SqliteSource(path, chunk=3).chunks({})
    first = next(chunks)
    chunks.close()  # type: ignore[attr-defined]

    class Cut:
        name = "s"

        def chunks(self, cursor: dict[str, int]) -> Iterator[Any]:
            yield first

    ingest(workspace, Cut())
    check_day(workspace, engine, centre.published(tariff()), DAY, threads=1)
    ingest(workspace, SqliteSource(path, chunk=3))
    assert (workspace.days(BATCHES), workspace.days(ENTRIES)) == ([DAY], [DAY + 1])
    check_day(
        workspace, engine, centre.published(tariff()), DAY + 1, threads=1, keys={"bus-1": frozenset({KEY.public})}
    )
    assert [row["why"] for row in centre.rows(workspace, CHECKS)] == ["NONE"] * COUNT
    workspace.close()


def test_every_entry_is_named_after_the_batch_that_brought_it(tmp_path: Path, bus: Device) -> None:
    chance = random.Random(4)
    for turn in range(12):
        sent = []
        for at in range(8):
            first = chance.randint(1, COUNT)
            sent.append((first, chance.randint(first, COUNT), at // 2))  # two in one second
        path = collected(tmp_path / f"{turn}.db", bus, [*sent, (1, COUNT, 9)])
        expected: dict[int, int] = {}
        number = held = 0
        for first, last, _ in [*sent, (1, COUNT, 9)]:
            if first > held + 1 or last <= held:
                continue
            number += 1
            expected |= dict.fromkeys(range(held + 1, last + 1), number)
            held = last
        rows = [row for chunk in SqliteSource(path, chunk=4).chunks({}) for row in chunk.rows.to_pylist()]
        assert {row["sequence"]: row["batch"] for row in rows} == {n: f"{turn}/{of}" for n, of in expected.items()}


@pytest.mark.parametrize("at", [1, 2])
def test_another_entry_under_a_key_that_is_taken_takes_no_signature_from_the_first(
    tmp_path: Path, bus: Device, engine: Engine, at: int
) -> None:
    """The batch of the second one spans the first, and may have come in the same second."""
    path = collected(tmp_path / "s.db", bus, [(1, COUNT, 1)])
    other = Device("bus-1", tariff())
    other.tap(world.rider(99).code(NOON), NOON)
    store = Store(path)
    row = other.entries[0] | {"sequence": 3, "previous": bus.entries[1]["hash"]}
    body = encode_batch("bus-1", 7, [entry_of(row | {"hash": world.link(row)})])
    store.accept(parse_batch(body), KEY.public, received=NOON + at, signed=Signed(body, KEY.sign(body)))
    store.close()
    keys = {"bus-1": frozenset({KEY.public})}
    assert sorted(whys(tmp_path, engine, SqliteSource(path), keys=keys)) == ["CONFLICT", *["NONE"] * COUNT]


BYTES = st.binary(max_size=40)
HASHES = st.binary(min_size=32, max_size=32)


@given(st.booleans(), st.lists(st.tuples(BYTES, HASHES, HASHES, st.integers(0, 1 << 40), st.booleans()), max_size=4))
def test_a_body_is_written_again_as_devices_write_it(
    is_older: bool, some: list[tuple[bytes, bytes, bytes, int, bool]]
) -> None:
    rows, entries = [], []
    for sequence, (content, previous, link, number, flag) in enumerate(some, 1):
        key = JournalKey("gate-7", 9, sequence)
        form = 1 if is_older else 2
        rows.append(Row(sequence, form, content, previous, link, number, flag, number, sequence))
        entries.append(
            OlderEntry(
                key=key, at=number, time_trusted=flag, tick_ms=number, reason=sequence, content=content,
                previous=previous, hash=link,
            )
            if is_older
            else Entry(key=key, content=content, previous=previous, hash=link)
        )  # fmt: skip
    assert body_of("gate-7", 9, rows) == encode_batch("gate-7", 9, entries)


def test_a_list_of_devices_may_have_a_device_twice_here(tmp_path: Path) -> None:
    path = tmp_path / "devices.txt"
    path.write_text(f"# ours\nbus-1 {KEY.public}\nbus-1 {OTHER.public.upper()} # since May\nbus-2 {KEY.public}\n")
    assert read_all_keys(path) == {"bus-1": {KEY.public, OTHER.public}, "bus-2": {KEY.public}}
    path.write_text("bus-1 nothing\n")
    with pytest.raises(StoreError, match=r"devices\.txt:1"):
        read_all_keys(path)
