"""Which verdict a record gets, by what the judges found of it: the first thing that is wrong, in the centre's order."""

from typing import Any

import pytest

from yima.sdk.centre.clearing.tables import Why
from yima.sdk.centre.clearing.taps.judged import AGREE, FACTS, HASH, PARAMETERS, RECORD
from yima.sdk.centre.fleet.verdicts import FUTURE_S, PAST_S, Verdict, _verdict
from yima.validator.judging import Reason

AT = 1_790_000_000
ALL = HASH | FACTS | RECORD | PARAMETERS | AGREE


def verdict(**changes: Any) -> str:
    """Of a ride that was accepted and in which all is well, but for these."""
    found: dict[str, Any] = {
        "rejected": None, "conflict": False, "received": AT, "form": 2, "lacks": 0, "core_reason": Reason.ACCEPTED,
        "reason": Reason.ACCEPTED, "moment": AT, "time_trusted": 1, "vouched": 0, "parameters_version": 1,
        "parameters_digest": "00", **changes,
    }  # fmt: skip
    return str(_verdict(found, {**found, "intact": ALL & ~found["lacks"]}, found)[0])


WRONG: tuple[tuple[str, dict[str, Any]], ...] = (
    (Verdict.QUARANTINE, {"rejected": "so"}),
    (Why.CHAIN, {"lacks": HASH}),
    (Why.FACTS, {"lacks": FACTS}),
    (Why.RECORD, {"lacks": RECORD}),
    (Why.CONFLICT, {"conflict": True}),
    (Verdict.REFUSED, {"reason": Reason.FARE_OVER_CAP}),
    (Verdict.TIME, {"time_trusted": 0}),
    (Why.PARAMETERS_UNKNOWN, {"lacks": PARAMETERS}),
    (Why.ISSUER_SIGNATURE, {"core_reason": 50, "lacks": AGREE}),
)


@pytest.mark.parametrize("first", range(len(WRONG) + 1))
def test_of_all_that_is_wrong_the_first_names_the_verdict(first: int) -> None:
    wrong: dict[str, Any] = {"lacks": 0}
    for _, change in WRONG[first:]:
        wrong |= change | {"lacks": wrong["lacks"] | change.get("lacks", 0)}
    assert verdict(**wrong) == (WRONG[first][0] if first < len(WRONG) else Verdict.OK)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"moment": AT + FUTURE_S}, Verdict.OK),
        ({"moment": AT + FUTURE_S + 1}, Verdict.TIME),
        ({"moment": AT - PAST_S}, Verdict.OK),
        ({"moment": AT - PAST_S - 1}, Verdict.TIME),
        ({"form": 1}, Why.PARAMETERS_UNKNOWN),  # the older form does not say under which it was judged
        ({"core_reason": Reason.NEEDS_RESOLVER, "vouched": 1}, Verdict.OK),
        ({"core_reason": Reason.NEEDS_RESOLVER, "vouched": 0}, Why.CORE_REFUSES),
        ({"core_reason": Reason.NEEDS_RESOLVER, "vouched": None}, Why.CORE_REFUSES),
        ({"core_reason": Reason.NEEDS_RESOLVER, "vouched": 1, "lacks": AGREE}, Why.CORE_REFUSES),
        ({"lacks": AGREE}, Why.FACTS),
        ({"core_reason": 76}, Why.OVER_CAP),
        ({"core_reason": 999}, Why.CORE_REFUSES),
    ],
    ids=str,
)
def test_a_ride_that_was_accepted_is_held_against_what_the_core_says(found: dict[str, Any], expected: str) -> None:
    assert verdict(**found) == expected
