"""Pulling packages: what is believed of a publication, what is fetched, and what is refused."""

import gc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.packages_world import DAY, NOW, A, B, C, Disk, deny, versions, waiting
from tests.publication_world import PUBLISHER, TWO, FromFolder, Gate, answered_for, both, publish, share_with
from yima.sdk.centre.packages.folder import Folder, stopped
from yima.sdk.centre.packages.releases import signed
from yima.validator.judging import Moment
from yima.validator.packages import Chain, parse_package
from yima.validator.packages.package import HEADER_SIZE, KEY_SIZE
from yima.validator.packages.publication import (
    INDEX,
    PUBLISHED,
    RELEASE,
    Document,
    Index,
    Offer,
    Place,
    lot,
    parse_document,
)
from yima.validator.packages.store import PackageStore
from yima.validator.upkeep import pulling
from yima.validator.upkeep.pull_thread import HeldByStore
from yima.validator.upkeep.pulling import EVERY_S, WAIT_MAX_S, Fetched


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "centre")


@pytest.fixture
def fetch(folder: Folder) -> FromFolder:
    return FromFolder(folder.www)


@pytest.fixture
def gate(fetch: FromFolder, tmp_path: Path) -> Gate:
    return Gate(fetch, tmp_path / "pulled")


def test_what_is_published_is_taken_once_and_then_nothing_is_fetched_but_the_index(
    folder: Folder, fetch: FromFolder, gate: Gate
) -> None:
    publish(folder, both(1))
    publish(folder, both(2, not_before=NOW + DAY))
    publish(folder, both(3))
    assert gate.ask() == 3
    assert (versions(gate.store), waiting(gate.store), gate.told) == ([3], [2], [])
    fetch.asked.clear()
    assert gate.ask() == 0
    assert fetch.asked == ["index.json"]
    assert list(gate.directory.glob("*.part")) == []


@pytest.mark.parametrize(
    ("targets", "is_for"),
    [
        ((), True),
        (({"city": 320500},), True),
        (({"city": 310000},), False),
        (({"city": 310000}, {"mode": "metro", "line": "2"}), True),
        (({"city": 320500, "mode": "bus"},), False),
        (({"operator": 99310000},), True),
        (({"device": "gate-8"}, {"device": "gate-7"}), True),
    ],
)
def test_a_release_is_for_those_whom_it_names(folder: Folder, gate: Gate, targets: Any, is_for: bool) -> None:
    publish(folder, both(1), targets=targets)
    assert gate.ask() == int(is_for)


def test_a_share_takes_it_and_the_others_when_it_grows(folder: Folder, fetch: FromFolder, tmp_path: Path) -> None:
    gates = [Gate(fetch, tmp_path / str(number), Place(f"gate-{number}")) for number in range(20)]
    data = both(1)
    share = share_with(data, [gate.place.device for gate in gates], 5)
    name = publish(folder, data, steps=(share, 10_000))
    taken = [gate.ask() for gate in gates]
    assert taken == [int(lot(name, gate.place.device) < share) for gate in gates]
    assert sum(taken) == 5
    folder.steer({name: lambda plan: replace(plan, step=1)}, PUBLISHER, NOW)
    assert [gate.ask() for gate in gates] == [1 - had for had in taken]


def test_what_is_stopped_is_taken_by_nobody_any_more(folder: Folder, gate: Gate) -> None:
    name = publish(folder, both(1))
    folder.steer({name: lambda plan: stopped(plan, "harm")}, PUBLISHER, NOW)
    assert gate.ask() == 0


def test_what_finds_no_place_to_wait_holds_up_nothing_behind_it(folder: Folder, gate: Gate) -> None:
    publish(folder, both(1))
    for version in (2, 3, 4, 5, 6):
        publish(folder, both(version, not_before=NOW + version * DAY))
    publish(folder, both(7))
    assert gate.ask() == 6
    assert (versions(gate.store), waiting(gate.store)) == ([7], [2, 3, 4, 5])
    assert ["4 packages wait already" in error for error in gate.told] == [True]
    publish(folder, both(8, replaces=True))
    assert gate.ask() == 1
    assert (versions(gate.store), waiting(gate.store), len(gate.told)) == ([8], [], 1)


# What is not believed


def other_index(folder: Folder, key: Any = PUBLISHER, **changes: Any) -> bytes:
    """The index with other content, signed by `key`."""
    index = folder.index()
    assert index is not None
    statement = replace(index, **changes).statement()
    return signed(Document(kind=INDEX, statement=statement, signatures=()), PUBLISHED, "x", NOW, key).to_bytes()


def test_a_package_that_was_not_copied_holds_up_its_own_chain_and_no_deny_list(folder: Folder, gate: Gate) -> None:
    lists = PackageStore(Disk(), TWO, "test", chain=Chain.DENY)
    gate.puller.serve(Chain.DENY, HeldByStore(lists, lambda data, source: lists.take(data, NOW, source) and None))
    publish(folder, both(1))
    publish(folder, both(2, previous=1))
    publish(folder, deny(3, keys=(A, B), next_keys=TWO.keys, needed=2, previous=0))
    first = folder.www / "packages" / f"{parse_package(both(1)).id.hex()}.ymp"
    first.rename(first.with_suffix(".later"))
    for _ in range(2):
        gate.ask()
        assert (versions(gate.store), versions(lists)) == ([], [3])
    assert len(gate.told) == 1
    assert first.name in gate.told[0]
    assert gate.puller.wait_s() > 2 * EVERY_S, "it asks more seldom"
    first.with_suffix(".later").rename(first)
    assert gate.ask() == 2, "the second was not tried before the first, nor left alone for an hour"
    assert versions(gate.store) == [2]
    assert gate.puller.wait_s() < 2 * EVERY_S


def test_an_index_of_somebody_else_gives_nothing(folder: Folder, fetch: FromFolder, gate: Gate) -> None:
    publish(folder, both(1), steps=(1,))
    offers = (Offer(next(iter(folder.plans())), 10_000),)
    for key in (C, A):
        fetch.instead["index.json"] = other_index(folder, key, offers=offers)
        assert gate.ask() == 0
        assert gate.ask() == 0
    assert ["not signed by the publisher" in line for line in gate.told] == [True], "told once"
    fetch.instead["index.json"] = other_index(folder, PUBLISHER, offers=offers)
    assert gate.ask() == 1


def test_an_older_index_is_not_gone_by_also_after_a_restart(folder: Folder, fetch: FromFolder, gate: Gate) -> None:
    publish(folder, both(1))
    gate.ask()
    name = publish(folder, both(2))
    before = (folder.www / "index.json").read_bytes()
    folder.steer({name: lambda plan: stopped(plan, "harm")}, PUBLISHER, NOW)
    assert gate.ask() == 0
    fetch.instead["index.json"] = before
    gate.start()
    assert gate.ask() == 0
    assert "older than" in gate.told[-1]
    assert versions(gate.store) == [1]


def test_a_strangers_huge_number_locks_nobody_out(folder: Folder, fetch: FromFolder, gate: Gate) -> None:
    publish(folder, both(1))
    fetch.instead["index.json"] = other_index(folder, C, number=1 << 60)
    assert gate.ask() == 0
    del fetch.instead["index.json"]
    assert gate.ask() == 1


class Strange:
    """A publication of whoever stands in the transport: with each question a new index of twenty releases."""

    def __init__(self) -> None:
        self.asked, self.number = 0, 0
        self.files: dict[str, bytes] = {}

    def document(self, path: str, etag: str) -> Fetched:
        if path != "index.json":
            self.asked += 1
            return Fetched(self.files[path])
        self.number += 1
        documents = [answered_for(both(1), why=f"{self.number} {n}", key=C) for n in range(20)]
        self.files = {f"releases/{one.id}.json": replace(one, signatures=()).to_bytes() for one in documents}
        offers = tuple(Offer(one.id, 10_000) for one in documents)
        index = Index(number=self.number, until=NOW + DAY, offers=offers)
        return Fetched(Document(kind=INDEX, statement=index.statement(), signatures=()).to_bytes())

    def package(self, path: str, size: int, into: Path) -> None:
        raise AssertionError(path)


def test_a_strangers_releases_are_not_kept(tmp_path: Path) -> None:
    gate = Gate(Strange(), tmp_path / "pulled")
    for _ in range(3):
        assert gate.ask() == 0
    assert gate.fetch.asked >= 60
    gc.collect()
    assert [one for one in gc.get_objects() if isinstance(one, Document) and one.kind == RELEASE] == []


def test_of_an_index_that_nobody_believed_signed_few_releases_are_fetched_at_once(
    folder: Folder, fetch: FromFolder, gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulling, "STRANGE_MOST", 1)
    strange = Strange()
    Gate(strange, tmp_path / "strange").ask()
    assert strange.asked == 1
    for version in (1, 2, 3):
        publish(folder, both(version))
    while not gate.store.active:
        gate.ask()
    publish(folder, both(4))
    publish(folder, both(5))
    gate.ask()
    assert versions(gate.store) == [5], "its publisher is believed by now"


def test_an_index_that_is_over_gives_nothing(folder: Folder, gate: Gate) -> None:
    publish(folder, both(1))
    assert gate.ask(Moment.at(NOW + DAY)) == 0
    assert "nobody has renewed it" in gate.told[-1]


def test_a_release_needs_as_many_keys_as_a_package(folder: Folder, fetch: FromFolder, gate: Gate) -> None:
    document = answered_for(both(1))
    publish(folder, both(1))
    path = f"releases/{document.id}.json"
    for signatures in ((), document.signatures[:1], (document.signatures[0],) * 2):
        fetch.instead[path] = replace(document, signatures=signatures).to_bytes()
        gate.start()
        assert gate.ask() == 0
        assert "keys that are needed" in gate.told[-1]
    forged = document.signatures[1]._replace(by="Zhao")
    fetch.instead[path] = replace(document, signatures=(document.signatures[0], forged)).to_bytes()
    gate.start()
    assert gate.ask() == 0
    assert "the signature of Zhao does not hold" in gate.told[-1]


def test_other_content_under_a_name_is_not_taken_and_a_mended_copy_is(
    folder: Folder, fetch: FromFolder, gate: Gate
) -> None:
    publish(folder, both(1))
    name = parse_package(both(1)).id.hex()
    for content in (both(2), b"", b"YIMA", both(1)[:-1] + b"x"):
        fetch.instead[f"packages/{name}.ymp"] = content
        assert gate.ask() == 0
    assert versions(gate.store) == []
    fetch.instead.clear()
    assert gate.ask() == 1


def test_what_the_device_refuses_is_told_once_and_not_fetched_again(
    folder: Folder, fetch: FromFolder, gate: Gate
) -> None:
    publish(folder, both(1, environment="production"))
    assert gate.ask() == gate.ask() == 0
    assert len(gate.told) == 1
    assert "other environment" in gate.told[0]
    assert sum(path.endswith(".ymp") for path in fetch.asked) == 1


def test_what_was_refused_is_tried_again_after_an_hour(folder: Folder, fetch: FromFolder, gate: Gate) -> None:
    data = both(1)
    publish(folder, data)
    path = f"packages/{parse_package(data).id.hex()}.ymp"
    last = HEADER_SIZE + 2 * KEY_SIZE + 1 + 2 * (8 + 64) - 1  # byte of the second signature: its id does not cover it
    fetch.instead[path] = data[:last] + bytes([data[last] ^ 1]) + data[last + 1 :]
    assert gate.ask() == 0
    assert "signature" in gate.told[0]
    fetch.instead.clear()
    assert gate.ask(Moment.at(NOW + 3599)) == 0
    assert gate.ask(Moment.at(NOW + 3600)) == 1
    assert len(gate.told) == 1


def test_a_clock_that_is_not_trusted_takes_nothing_and_later_all(folder: Folder, gate: Gate) -> None:
    publish(folder, both(1))
    assert gate.ask(Moment(unix_s=NOW, tick_ms=0, trusted=False)) == 0
    assert "clock is not trusted" in gate.told[-1]
    assert gate.ask() == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[1]",
        b"\xff",
        b'{"statement":"","signatures":{}}',
        b'{"statement":"{}","signatures":[]}',
        b"0" * (1 << 21),
    ],
)
def test_any_other_bytes_as_the_index_are_told(fetch: FromFolder, gate: Gate, content: bytes) -> None:
    fetch.instead["index.json"] = content
    assert gate.ask() == 0
    assert "the index of the publication" in gate.told[-1]


def test_devices_ask_at_different_moments_and_less_often_while_it_fails(gate: Gate) -> None:
    assert 0.75 * EVERY_S <= gate.puller.wait_s() <= 1.25 * EVERY_S
    for _ in range(12):
        gate.ask()
    assert len(gate.told) == 1
    assert EVERY_S * 2 < gate.puller.wait_s() <= 1.25 * WAIT_MAX_S


def test_a_document_is_read_back_as_it_was_written() -> None:
    document = answered_for(both(1))
    assert parse_document(document.to_bytes(), "release") == document
    index = Index(number=3, until=NOW, offers=(Offer("00" * 32, 5, "x"),))
    assert index.statement().isascii()


def test_what_is_half_fetched_goes_on_after_a_restart(folder: Folder, fetch: FromFolder, gate: Gate) -> None:
    publish(folder, both(1))
    fetch.cut_at = 200
    assert gate.ask() == 0
    assert [path.stat().st_size for path in gate.directory.glob("*.part")] == [200]
    fetch.cut_at = None
    gate.start()
    assert gate.ask() == 1
    assert B.compressed in gate.store.trust.keys
