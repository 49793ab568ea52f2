"""A publication's folder: nothing is signed that no device could read, by nobody whom devices do not believe, and what
was signed before is not lost."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.packages_world import NOW, A, B, C
from tests.publication_world import PUBLISHER, FromFolder, Gate, answered_for, both, publish
from yima.sdk.centre.collector.store import Store
from yima.sdk.centre.packages import folder as rules
from yima.sdk.centre.packages.folder import Folder, Plan, stopped
from yima.sdk.centre.packages.releases import approved, check_answered_for, proposed, signed
from yima.sdk.centre.packages.watching import Watch
from yima.validator.packages import Kind, parse_package
from yima.validator.packages.publication import APPROVED, PublicationError

PACKAGE = parse_package(both(1))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*.*")) if path.is_file()}


@pytest.mark.parametrize("why", ["line 1\nline 2", "x" * 1001, " ", "tab\there", "\udcff"])
def test_a_reason_that_no_index_can_hold_stops_nothing_and_leaves_the_index_readable(why: str, tmp_path: Path) -> None:
    """It was signed all the same, and neither a device nor the centre could read any index after it."""
    folder = Folder(tmp_path)
    name = publish(folder, both(1))
    before = contents(tmp_path)
    with pytest.raises(PublicationError, match=r"--why: is not one line of 1 to 1000 characters\. Say it in one line"):
        folder.steer({name: partial(stopped, why=why)}, PUBLISHER, NOW)
    assert contents(tmp_path) == before
    folder.steer({name: partial(stopped, why="x" * 1000)}, PUBLISHER, NOW)
    assert [offer.share for offer in (folder.index() or pytest.fail()).offers] == [0]


def test_who_is_not_the_publisher_neither_stops_nor_renews(tmp_path: Path) -> None:
    """Devices do not believe an index by another key, and took nothing any more, while the centre said all was well."""
    folder = Folder(tmp_path)
    name = publish(folder, both(1))
    before = contents(tmp_path)
    both_ways: tuple[dict[str, partial[Plan]], ...] = ({name: partial(stopped, why="harm")}, {})
    for changes in both_ways:
        with pytest.raises(PublicationError, match="not the publisher's key that the release names"):
            folder.steer(changes, C, NOW)
    assert contents(tmp_path) == before


def test_a_new_publisher_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    old = publish(folder, both(1))
    document = answered_for(both(2), publisher=C.compressed)
    folder.add(document, parse_package(both(2)))
    folder.publish(document, C, NOW + 1, steps=(10_000,), hold_s=0, taps=0)
    with pytest.raises(PublicationError, match="not the publisher's key"):
        folder.steer({old: partial(stopped, why="harm")}, PUBLISHER, NOW)
    folder.steer({old: partial(stopped, why="harm")}, C, NOW)
    assert folder.plans()[old].stopped == "harm"


def test_what_is_not_published_has_no_share_and_can_be_published_afterwards(tmp_path: Path) -> None:
    """A share of it was offered without a file to fetch, and it counted as published for ever."""
    folder = Folder(tmp_path)
    document = answered_for(both(1))
    folder.add(document, PACKAGE)
    for change in (partial(stopped, why="harm"), partial(replace, steps=(5000,))):
        with pytest.raises(PublicationError, match="is not published"):
            folder.steer({document.id: change}, PUBLISHER, NOW)
    assert (folder.plans(), folder.index()) == ({}, None)
    folder.publish(document, PUBLISHER, NOW, steps=(10_000,), hold_s=0, taps=0)
    gate = Gate(FromFolder(folder.www), tmp_path / "gate")
    gate.ask()
    assert gate.store.active[-1].version == 1


def test_a_release_that_is_proposed_again_keeps_its_approval(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    document = answered_for(both(1))
    folder.add(document, PACKAGE)
    again = proposed(
        PACKAGE, targets=(), why="a fare of 1 January", publisher=PUBLISHER.compressed, by="Li", at=NOW + 5, key=A
    )
    assert again.id == document.id
    folder.add(again, PACKAGE)
    assert folder.proposal(document.id) == document
    check_answered_for(folder.proposal(document.id), PACKAGE)


def test_of_two_who_approve_at_once_neither_is_lost(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    document = replace(answered_for(both(1)), signatures=answered_for(both(1)).signatures[:1])
    folder.add(document, PACKAGE)
    for by, key in (("Wang", B), ("Zhao", C)):  # both have read the proposal before the other's was there
        folder.add(approved(document, by=by, at=NOW, key=key))
    assert [one.by for one in folder.proposal(document.id).signatures] == ["Li", "Wang", "Zhao"]


@pytest.mark.parametrize("by", ["", "Li\nWang", "x" * 101])
def test_a_name_that_no_proposal_can_hold_hides_no_others(by: str, tmp_path: Path) -> None:
    """The proposal was kept, and no verb could read the folder any more."""
    folder = Folder(tmp_path)
    plain: dict[str, Any] = {"targets": (), "why": "x", "publisher": PUBLISHER.compressed, "at": NOW, "key": A}
    document = proposed(PACKAGE, by="Li", **plain)
    folder.add(document, PACKAGE)
    with pytest.raises(PublicationError, match="--by: is not one line of 1 to 100 characters"):
        proposed(PACKAGE, by=by, **plain)
    with pytest.raises(PublicationError, match="--by: is not one line of 1 to 100 characters"):
        approved(document, by=by, at=NOW, key=B)
    with pytest.raises(PublicationError, match="is not as it is written"):
        folder.add(signed(document, APPROVED, by, NOW, B))
    assert [*folder.releases()] == [document.id]


def test_of_more_releases_than_an_index_holds_the_oldest_stopped_ones_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index grew past what devices read, and from then on they took nothing."""
    monkeypatch.setattr(rules, "RELEASES_MOST", 3)
    folder = Folder(tmp_path)
    names = [publish(folder, both(version), NOW + version) for version in (1, 2, 3)]
    with pytest.raises(PublicationError, match=r"no room for more than 3 releases that are not stopped\. Stop those"):
        publish(folder, both(4), NOW + 4)
    folder.steer({names[1]: partial(stopped, why="no device needs it")}, PUBLISHER, NOW)
    names.append(publish(folder, both(4), NOW + 4))
    index = folder.index() or pytest.fail()
    assert [offer.release for offer in index.offers] == [names[0], names[2], names[3]]
    assert not folder.is_behind()


def test_an_index_of_long_reasons_stays_as_small_as_devices_read(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    newest = publish(folder, both(2), NOW + 2)
    long = Plan(steps=(100,), hold_s=0, taps=0, digests=(), began=1, since=1, stopped="因" * 1000)
    plans = folder.plans() | {f"{number:064x}": replace(long, began=number) for number in range(200)}
    offers = rules._offers(plans)
    assert 100 < len(offers) < 200
    assert offers[-1].release == newest
    assert offers[0].release == f"{201 - len(offers):064x}", "the oldest are left out"


def test_a_deny_list_spreads_by_time_alone(tmp_path: Path) -> None:
    """No tap names the deny-list that it was judged under: it stayed with its first share for ever."""
    folder, data = Folder(tmp_path / "centre"), both(1, kind=Kind.DENY_LIST)
    document = answered_for(data)
    folder.add(document, parse_package(data))
    with pytest.raises(PublicationError, match="--taps: cannot be counted under a deny-list"):
        folder.publish(document, PUBLISHER, NOW, steps=(100, 10_000), hold_s=600, taps=200)
    assert folder.plans() == {}
    folder.publish(document, PUBLISHER, NOW, steps=(100, 10_000), hold_s=600, taps=0)
    store = Store(tmp_path / "trips.db")
    watch = Watch(folder, store, PUBLISHER)
    assert [watch.round(NOW + at).changes for at in (599, 600)] == [(), ((document.id, "given to 100 %"),)]
    store.close()


def test_what_was_cut_off_between_a_plan_and_its_index_is_signed_by_the_next_round(tmp_path: Path) -> None:
    """A stopped release went on spreading for as long as the index held, half a day and more."""

    class Cut(Folder):
        def _write(self, path: Path, content: bytes) -> None:
            if path.name == "index.json":
                raise KeyboardInterrupt
            super()._write(path, content)

    folder = Folder(tmp_path / "centre")
    name = publish(folder, both(1))
    with pytest.raises(KeyboardInterrupt):
        Cut(folder.path).steer({name: partial(stopped, why="harm")}, PUBLISHER, NOW)
    assert [offer.share for offer in (folder.index() or pytest.fail()).offers] == [10_000]
    store = Store(tmp_path / "trips.db")
    watch = Watch(folder, store, PUBLISHER)
    assert watch.round(NOW + 10).renewed
    assert [offer.share for offer in (folder.index() or pytest.fail()).offers] == [0]
    assert not watch.round(NOW + 20).renewed
    store.close()
