"""Who answers for a package: two people with two keys, and why; and what a published release may do."""

import json
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.packages_world import NOW, A, B, C
from tests.publication_world import PUBLISHER, answered_for, both, publish
from yima.sdk.centre.packages.canary import LEAST, jump
from yima.sdk.centre.packages.folder import Folder, next_step
from yima.sdk.centre.packages.releases import approved, check_answered_for, proposed, signed
from yima.validator.judging import Reason
from yima.validator.packages import parse_package
from yima.validator.packages.publication import PublicationError, read_release

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3),
)
PACKAGE = parse_package(both(1))
PROPOSED: dict[str, Any] = {
    "targets": (), "why": "x", "publisher": PUBLISHER.compressed, "by": "Li", "at": NOW, "key": A,
}  # fmt: skip


def test_a_release_says_who_proposed_who_approved_and_why() -> None:
    document = answered_for(both(1), targets=({"city": 320500},), why="元旦票价")
    release = check_answered_for(document, PACKAGE)
    assert (release.version, release.why, release.targets) == (1, "元旦票价", ({"city": 320500},))
    assert [(one.role, one.by) for one in document.signatures] == [("proposed", "Li"), ("approved", "Wang")]


@pytest.mark.parametrize(("by", "key"), [("Li", B), ("Wang", A)])
def test_nobody_approves_what_they_proposed(by: str, key: Any) -> None:
    with pytest.raises(PublicationError, match="cannot approve it as well"):
        approved(proposed(PACKAGE, **PROPOSED), by=by, at=NOW, key=key)


def test_a_release_without_a_reason_or_an_approval_is_none() -> None:
    with pytest.raises(PublicationError, match="says not why"):
        proposed(PACKAGE, **(PROPOSED | {"why": " "}))
    with pytest.raises(PublicationError, match="not proposed and approved by two keys"):
        check_answered_for(proposed(PACKAGE, **PROPOSED), PACKAGE)
    with pytest.raises(PublicationError, match="of another package"):
        check_answered_for(answered_for(both(1)), parse_package(both(2)))
    with pytest.raises(PublicationError, match="is not as it is written"):
        proposed(PACKAGE, **(PROPOSED | {"targets": ({"colour": "red"},)}))


def test_only_the_publisher_whom_it_names_publishes_it_and_once(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    document = answered_for(both(1))
    folder.add(document, PACKAGE)
    with pytest.raises(PublicationError, match="not the publisher's key"):
        folder.publish(document, C, NOW, steps=(10_000,), hold_s=0, taps=0)
    publish(folder, both(1))
    with pytest.raises(PublicationError, match="published already"):
        publish(folder, both(1))
    index = folder.index()
    assert index is not None
    assert (index.number, [offer.share for offer in index.offers]) == (1, [10_000])
    assert read_release(folder.proposal(document.id[:8])).version == 1
    with pytest.raises(PublicationError, match="names 0 proposals"):
        folder.proposal("../x")


@pytest.mark.parametrize(
    "signatures",
    [(("proposed", A), ("approved", A)), (("approved", A), ("approved", B)), (("proposed", A), ("proposed", B))],
    ids=["one key as both", "nobody proposed", "nobody approved"],
)
def test_two_keys_answer_for_a_release_one_in_each_role(signatures: Any) -> None:
    """Whatever a file that somebody has put there says of who signed as what."""
    document = replace(proposed(PACKAGE, **PROPOSED), signatures=())
    for place, (role, key) in enumerate(signatures):
        document = signed(document, role, f"somebody {place}", NOW, key)
    with pytest.raises(PublicationError, match="not proposed and approved by two keys"):
        check_answered_for(document, PACKAGE)


def test_what_nobody_has_approved_is_not_published_and_nothing_of_it_is_there_to_fetch(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    document = proposed(PACKAGE, **PROPOSED)
    folder.add(document, PACKAGE)
    with pytest.raises(PublicationError, match="not proposed and approved by two keys"):
        folder.publish(document, PUBLISHER, NOW, steps=(10_000,), hold_s=0, taps=0)
    assert folder.plans() == {}
    assert not folder.www.exists()


def test_of_two_who_publish_a_release_at_once_the_second_changes_nothing(tmp_path: Path) -> None:
    class Slow(Folder):
        """While it writes the release's files, somebody else publishes."""

        def _write(self, path: Path, content: bytes) -> None:
            if not self.plans():
                publish(Folder(tmp_path), both(1), steps=(100, 10_000))
            super()._write(path, content)

    document = answered_for(both(1))
    Folder(tmp_path).add(document, PACKAGE)
    with pytest.raises(PublicationError, match="published already"):
        Slow(tmp_path).publish(document, PUBLISHER, NOW, steps=(10_000,), hold_s=0, taps=0)
    index = Folder(tmp_path).index()
    assert index is not None
    assert (index.number, [offer.share for offer in index.offers]) == (1, [100])


def test_what_is_given_out_may_be_read_by_a_web_server_and_the_rest_by_nobody_else(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    publish(folder, both(1))
    modes = {
        path.relative_to(tmp_path).parts[0]: path.stat().st_mode & 0o777
        for path in sorted(tmp_path.rglob("*.*"))
        if path.is_file()
    }
    assert modes == {"proposals": 0o600, "plans": 0o600, "www": 0o644}


def test_a_beginning_that_two_proposals_share_names_neither(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    for number in range(17):  # there are 16 digits to begin with
        folder.add(proposed(PACKAGE, **(PROPOSED | {"why": f"reason {number}"})))
    beginnings = Counter(name[0] for name in folder.releases())
    beginning, count = beginnings.most_common(1)[0]
    with pytest.raises(PublicationError, match=f"names {count} proposals"):
        folder.proposal(beginning)


@pytest.mark.parametrize("name", ["*", "../elsewhere/x", ""])
def test_a_pattern_or_a_way_to_elsewhere_names_no_proposal(name: str, tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    document = answered_for(both(1))
    folder.add(document)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x.json").write_bytes(document.to_bytes())
    with pytest.raises(PublicationError, match="names 0 proposals"):
        folder.proposal(name)


REFUSED = int(Reason.FARE_OVER_CAP)


@pytest.mark.parametrize(
    ("under", "elsewhere", "jumps"),
    [
        ({0: 100}, {0: 10_000}, False),
        ({0: 95, REFUSED: 5}, {0: 9_500, REFUSED: 500}, False),
        ({0: 80, REFUSED: 20}, {0: 9_900, REFUSED: 100}, True),
        ({REFUSED: 100}, {0: 10_000}, True),
        ({REFUSED: 40}, {0: 10_000}, False),  # too few to say
        ({0: 58, REFUSED: 2}, {0: 10_000, REFUSED: 100}, False),  # may be chance
        ({0: 40, REFUSED: 60}, {0: 10}, True),  # nothing to hold it against
        ({0: 90, REFUSED: 10}, {0: 10}, False),
        ({0: 900_000, REFUSED: 5_000}, {0: 900_000}, False),  # sure, and too small to matter
        ({0: 100}, {0: 50, REFUSED: 50}, False),  # it does good
        ({0: 92_000, REFUSED: 8_000}, {0: 96_000, REFUSED: 4_000}, True),  # twice as large
        ({0: 93_000, REFUSED: 7_000}, {0: 96_000, REFUSED: 4_000}, False),  # sure, and less than twice as large
        ({0: 50, REFUSED: 50}, {}, True),  # half of all
        ({0: 51, REFUSED: 49}, {}, False),
        ({REFUSED: LEAST}, {}, True),
        ({REFUSED: LEAST - 1}, {}, False),
    ],
)
def test_a_reason_jumps_when_it_is_larger_surely_and_by_enough(
    under: dict[int, int], elsewhere: dict[int, int], jumps: bool
) -> None:
    found = jump(under, elsewhere)
    assert (found is not None) is jumps
    assert found is None or found.reason == "FARE_OVER_CAP"


def test_of_two_reasons_the_one_that_jumped_most_is_named_not_the_largest() -> None:
    other = int(Reason.NOT_WHITELISTED)
    found = jump({0: 500, REFUSED: 300, other: 200}, {0: 860, REFUSED: 140})
    assert found is not None
    assert found.reason == "NOT_WHITELISTED"


PLAN = {
    "steps": [100, 10_000],
    "hold_s": 600,
    "taps": 50,
    "digests": ["ab"],
    "began": 1,
    "since": 2,
    "step": 1,
    "place": 7,
    "stopped": "",
}


@given(st.dictionaries(st.sampled_from(sorted(PLAN)), ANYTHING, min_size=1), st.sets(st.sampled_from(sorted(PLAN))))
@example({"step": 2}, set())
@example({"steps": [10_001, 10_000]}, set())
@example({}, {"stopped"})
def test_a_plan_that_somebody_has_changed_is_a_plan_or_the_one_error(changed: dict[str, Any], less: set[str]) -> None:
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "plans" / "1.json"
        path.parent.mkdir()
        path.write_text(json.dumps({name: value for name, value in (PLAN | changed).items() if name not in less}))
        with suppress(PublicationError):
            plan = Folder(Path(place)).plans()["1"]
            assert not less
            assert 0 <= plan.share <= 10_000
            assert next_step(plan, 3, 0).share <= 10_000
            hash(plan)
