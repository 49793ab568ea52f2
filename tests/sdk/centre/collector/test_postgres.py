"""What is true of the database that several collectors share, on a real server that the tests start."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.postgres import cluster
from tests.entries import tap
from tests.sdk.centre.collector.test_store import entries, give, held, linked
from tests.uplinks import KEY, record
from yima.sdk.centre.collector import postgres
from yima.sdk.centre.collector.arrivals import Arrival, KeyRefusedError
from yima.sdk.centre.collector.opening import name_of, open_store
from yima.sdk.centre.collector.postgres import PostgresStore
from yima.sdk.centre.collector.postgres_rows import LockedRows
from yima.sdk.centre.collector.postgres_schema import DAY_S
from yima.sdk.centre.collector.schema import StoreError
from yima.sdk.centre.collector.weighing import CONFLICT
from yima.sdk.centre.fleet.database import open_fleet
from yima.sdk.centre.fleet.sources import source_of
from yima.validator.ports import Entry
from yima.validator.uplink.batches import Acknowledgement, Batch

__all__ = ["entries"]
psycopg = pytest.importorskip("psycopg", reason="needs the extra postgres")


@pytest.fixture
def url(new_database: Callable[[], str]) -> str:
    return new_database()


@pytest.fixture
def two(url: str) -> Iterator[tuple[PostgresStore, PostgresStore]]:
    """Two collectors' stores in one database."""
    first, second = PostgresStore(url), PostgresStore(url)
    yield first, second
    first.close()
    second.close()


def at_once(*works: Callable[[], object]) -> list[object]:
    """Each on a thread of its own; what they gave."""
    found: list[object] = [None] * len(works)

    def run(number: int) -> None:
        found[number] = works[number]()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(200)
    return found


def test_two_collectors_that_are_given_the_same_batches_at_once_hold_each_entry_once(
    two: tuple[PostgresStore, PostgresStore], entries: list[Entry]
) -> None:
    group = [
        Arrival(Batch(device=f"gate-{n}", epoch=7, entries=tuple(_of(entries, f"gate-{n}"))), KEY.public, 9)
        for n in range(8)
    ]
    for _ in range(3):
        answers = at_once(lambda: told(two[0], group), lambda: told(two[1], group[::-1]))
        assert answers == [[Acknowledgement(10, {})] * 8] * 2
    assert [(one.device, one.acknowledged, one.conflicts) for one in two[0].journeys()] == [
        (f"gate-{n}", 10, 0) for n in range(8)
    ]
    assert all(len(two[1].entries(f"gate-{n}", 7, after=0, limit=100)) == 10 for n in range(8))


def told(store: PostgresStore, arrivals: list[Arrival]) -> list[Acknowledgement]:
    return [answer[0] for answer in store.accept_all(arrivals) if not isinstance(answer, KeyRefusedError)]


def _of(entries: list[Entry], device: str) -> list[Entry]:
    """The same journal under another device's name."""
    found: list[Entry] = []
    for entry in entries:
        key = entry.key._replace(device=device)
        found.append(linked(replace(entry, key=key, previous=found[-1].hash if found else entry.previous)))
    return found


def test_who_comes_second_to_a_new_device_is_held_to_the_key_of_the_first(
    two: tuple[PostgresStore, PostgresStore], entries: list[Entry]
) -> None:
    batch = Batch(device="gate-7", epoch=7, entries=tuple(entries))
    given = (
        lambda: two[0].accept_all([Arrival(batch, "aa" * 32, 9)])[0],
        lambda: two[1].accept_all([Arrival(batch, "bb" * 32, 9)])[0],
    )
    found = at_once(*given)
    assert sorted(isinstance(one, KeyRefusedError) for one in found) == [False, True]


def test_a_fork_that_two_collectors_bring_is_kept_once(
    two: tuple[PostgresStore, PostgresStore], entries: list[Entry]
) -> None:
    give(two[0], entries)
    fork = linked(replace(entries[4], content=tap(body=record(b"another code"))))
    given = (lambda: give(two[0], [fork]), lambda: give(two[1], [fork]))
    assert at_once(*given) == [(10, {5: CONFLICT})] * 2
    assert two[0].journeys()[0].conflicts == 1


def test_a_collector_that_hangs_with_a_batch_in_hand_holds_nobody_up_for_long(
    url: str, entries: list[Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "ABANDONED_S", 1)
    hanging = PostgresStore(url)
    monkeypatch.undo()
    other = PostgresStore(url)
    with pytest.raises(StoreError, match="cannot be reached"), hanging._transaction() as connection:
        batch = Batch(device="gate-7", epoch=7, entries=tuple(entries))
        LockedRows(connection, [Arrival(batch, KEY.public, 9)], None)
        assert give(other, entries) == (10, {}), "after a second the locks are free"
        connection.execute("SELECT 1")
    assert give(hanging, entries) == (10, {}), "it comes back by itself"
    hanging.close()
    other.close()


def test_taps_of_a_collector_that_is_slower_are_counted_when_it_is_done_and_once(
    url: str, two: tuple[PostgresStore, PostgresStore], entries: list[Entry]
) -> None:
    first, second = two
    give(first, entries[:1])
    with psycopg.connect(url) as slow:
        slow.execute("INSERT INTO entries SELECT * FROM entries WHERE false")
        slow.execute("SELECT pg_current_xact_id()")  # it is to write, and behind its number others write
        give(second, entries[:4])
        rows, place = first.taps_by_image(0)
        assert sum(count for _, _, count in rows) == 1, "what came behind it may not be all that came"
    rows, place = first.taps_by_image(place)
    assert sum(count for _, _, count in rows) == 3
    assert first.taps_by_image(place)[0] == []


def test_who_only_looks_needs_no_more_than_the_right_to_read(url: str, entries: list[Entry]) -> None:
    store = PostgresStore(url)
    give(store, entries[:2])
    store.close()
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("CREATE ROLE looker LOGIN")
        owner.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO looker")
    looker = PostgresStore(url.replace("yima@", "looker@"), read_only=True)
    assert sum(count for _, _, count in looker.taps_by_image(0)[0]) == 2
    assert looker.statements() == []
    with pytest.raises(StoreError, match="permission denied"):
        looker.check_writable()
    looker.close()


def test_a_day_has_a_table_of_its_own_and_midnight_changes_nothing(url: str, entries: list[Entry]) -> None:
    store = PostgresStore(url)
    for part, received in ((entries[:4], DAY_S - 1), (entries[2:7], DAY_S), (entries, 3 * DAY_S)):
        store.accept_all([Arrival(Batch(device="gate-7", epoch=7, entries=tuple(part)), KEY.public, received)])
    assert held(store) == list(range(1, 11))
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT tableoid::regclass::text, count(*) FROM entries GROUP BY 1 ORDER BY 1")
        assert rows.fetchall() == [("entries_19700101", 4), ("entries_19700102", 3), ("entries_19700104", 3)]
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO entries_19700101 SELECT * FROM entries_19700101")
        connection.rollback()
        connection.execute("DROP TABLE entries_19700101")
        connection.commit()
    assert give(store, entries) == (10, {}), "what was moved away was held all the same"
    assert held(store) == [5, 6, 7, 8, 9, 10]
    store.close()


def test_who_reads_for_long_does_not_keep_a_new_day_waiting(url: str, entries: list[Entry]) -> None:
    store = PostgresStore(url)
    with psycopg.connect(url) as reading:
        reading.execute("SELECT count(*) FROM entries")
        assert give(store, entries) == (10, {})
    store.close()


COLLECTOR = """
import sys
from tests.sdk.centre.collector.test_postgres import feed
feed(sys.argv[1], int(sys.argv[2]))
"""


def feed(url: str, count: int) -> None:
    """A collector's process: stores the batches of a journal, two entries each, and says how far it has come."""
    from tests.uplinks import append
    from yima.validator.journal import SegmentJournal

    journal = SegmentJournal(Path(os.environ["JOURNAL"]), "gate-7", epoch_for_new=7)
    append(journal, count)
    store = PostgresStore(url)
    for start in range(0, count, 2):
        print(give(store, journal.entries(start, 2))[0], flush=True)


def test_a_collector_that_is_killed_loses_nothing_it_acknowledged_and_another_goes_on(
    url: str, tmp_path: Path, entries: list[Entry]
) -> None:
    words = [sys.executable, "-c", COLLECTOR, url, "400"]
    environment = {**os.environ, "JOURNAL": str(tmp_path / "j")}
    told = 0
    with subprocess.Popen(words, stdout=subprocess.PIPE, env=environment, text=True) as process:
        assert process.stdout
        for line in process.stdout:
            told = int(line)
            if told >= 40:
                process.send_signal(signal.SIGKILL)
                break
    store = PostgresStore(url)
    question, anew = Batch(device="gate-7", epoch=7, entries=()), {"gate-7": KEY.public}
    acknowledged = store.accept(question, KEY.public, received=99, enrolled=anew)[0].acknowledged
    assert told <= acknowledged <= 400 and acknowledged % 2 == 0
    assert held(store) == list(range(1, min(acknowledged, 100) + 1))
    store.close()


def test_a_server_that_is_gone_is_told_and_found_again_and_one_that_does_not_sync_refused(
    entries: list[Entry],
) -> None:
    with cluster(Path("/dev/shm")) as server:
        store = PostgresStore(server.make("trips"))
        give(store, entries[:4])
        server.kill()
        for work in (lambda: give(store, entries), store.journeys, store.check_writable):
            with pytest.raises(StoreError, match=r"cannot be reached.*pgpass"):
                work()
        server.start()
        assert give(store, entries) == (10, {})
        assert held(store) == list(range(1, 11))
        store.close()
        server.kill()
        server.start("-c fsync=off")
        with pytest.raises(StoreError, match="does not sync"):
            PostgresStore(store._url)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgresql:///trips?what=ever", "no address of a database"),
        ("postgresql:///trips?host=/nowhere", "cannot be reached"),
    ],
)
def test_a_database_that_is_none_is_named_with_what_to_do(url: str, why: str) -> None:
    with pytest.raises(StoreError, match=why):
        PostgresStore(url)


def test_a_password_is_never_shown() -> None:
    with pytest.raises(StoreError) as found:
        PostgresStore("postgresql://yima:secret@127.0.0.1:1/trips")
    assert "secret" not in str(found.value) and "@127.0.0.1:1/trips" in str(found.value)


@pytest.mark.parametrize("password", ["sec ret", "sec%zzret", "sec%00ret"])
@pytest.mark.parametrize("opening", [open_store, name_of, open_fleet, source_of])
def test_a_password_that_makes_an_address_none_is_not_shown_either(
    opening: Callable[[str], object], password: str
) -> None:
    with pytest.raises(StoreError, match="no address of a database") as found:
        opening(f"postgresql://yima:{password}@db/trips")
    assert "sec" not in str(found.value)
