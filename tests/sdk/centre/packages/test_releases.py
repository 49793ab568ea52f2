"""Who answers for a package: two people with two keys, and why; and what a published release may do."""

import json
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.packages_world import NOW, A, B, C
from tests.publication_world import PUBLISHER, answered_for, both, publish
from yima.sdk.centre.packages.canary import jump
from yima.sdk.centre.packages.folder import Folder, next_step
from yima.sdk.centre.packages.releases import approved, check_answered_for, proposed
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
    ],
)
def test_a_reason_jumps_when_it_is_larger_surely_and_by_enough(
    under: dict[int, int], elsewhere: dict[int, int], jumps: bool
) -> None:
    found = jump(under, elsewhere)
    assert (found is not None) is jumps
    assert found is None or found.reason == "FARE_OVER_CAP"


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
