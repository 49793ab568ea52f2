"""What decides a dispute: the table of it, one row a case."""

from typing import Any

import pytest

from yima.sdk.centre.clearing.disputes.deciding import Known, decide
from yima.sdk.centre.clearing.money.tables import Reason
from yima.sdk.centre.clearing.tables import Why

ISSUER, OPERATOR = "99310000", "99310001"
BOOKED = {
    "issuer": ISSUER,
    "operator": OPERATOR,
    "fare_fen": 300,
    "core_fare_fen": 300,
    "signatures": 7,
    "verdict": "OK",
}
CASES: list[tuple[str, dict[str, Any], tuple[str, str, str, str, int]]] = [
    # reason, what differs from BOOKED, (decision, decided by, reply, effect, delta)
    ("NOT_MINE", {}, ("REFUSED", "SIGNATURES", "SIGNED_BY_RIDER", "NONE", 0)),
    ("NOT_MINE", {"signatures": 3}, ("WAITING", "NONE", "ASKED", "NONE", 0)),
    ("NOT_MINE", {"signatures": 0, "agrees": True}, ("UPHELD", "HAND", "AGREED", "VOID", 0)),
    ("NOT_MINE", {"signatures": 0, "agrees": False}, ("REFUSED", "HAND", "CONTESTED", "NONE", 0)),
    ("TWICE", {"other": "x/1/1"}, ("UPHELD", "SIGNATURES", "ONE_CODE_PAYS_ONCE", "VOID", 0)),
    ("TWICE", {}, ("REFUSED", "SIGNATURES", "ANOTHER_CODE", "NONE", 0)),
    ("TWICE", {"signatures": 0}, ("REFUSED", "RULE", "ANOTHER_CODE", "NONE", 0)),
    ("NO_PASSAGE", {"outcome": 2}, ("REFUSED", "RULE", "GATE_SAW_PASSAGE", "NONE", 0)),
    ("NO_PASSAGE", {"outcome": 3}, ("UPHELD", "RULE", "GATE_SAW_NO_PASSAGE", "VOID", 0)),
    ("NO_PASSAGE", {"outcome": 4}, ("UPHELD", "RULE", "GATE_SAW_NO_PASSAGE", "VOID", 0)),
    ("NO_PASSAGE", {"outcome": 5}, ("UPHELD", "RULE", "GATE_SAW_NO_PASSAGE", "VOID", 0)),
    ("NO_PASSAGE", {"outcome": 1}, ("WAITING", "NONE", "ASKED", "NONE", 0)),
    ("NO_PASSAGE", {}, ("WAITING", "NONE", "ASKED", "NONE", 0)),
    ("AMOUNT", {"claimed_fen": 300}, ("REFUSED", "RULE", "NO_OTHER_AMOUNT", "NONE", 0)),
    ("AMOUNT", {"claimed_fen": -1}, ("REFUSED", "RULE", "NO_OTHER_AMOUNT", "NONE", 0)),
    ("AMOUNT", {"claimed_fen": 200}, ("REFUSED", "SIGNATURES", "CORE_SAYS_OTHERWISE", "NONE", 0)),
    ("AMOUNT", {"claimed_fen": 200, "core_fare_fen": 200}, ("UPHELD", "SIGNATURES", "CORE_SAYS_SO", "AMOUNT", -100)),
    ("AMOUNT", {"claimed_fen": 200, "core_fare_fen": 200, "signatures": 6}, ("WAITING", "NONE", "ASKED", "NONE", 0)),
    ("AMOUNT", {"claimed_fen": 200, "signatures": 6}, ("WAITING", "NONE", "ASKED", "NONE", 0)),
    ("AMOUNT", {"claimed_fen": 200, "core_fare_fen": 250}, ("WAITING", "NONE", "ASKED", "NONE", 0)),
    ("AMOUNT", {"claimed_fen": 0, "core_fare_fen": 0}, ("UPHELD", "SIGNATURES", "CORE_SAYS_SO", "AMOUNT", -300)),
    ("AMOUNT", {"claimed_fen": 200, "core_fare_fen": None}, ("WAITING", "NONE", "ASKED", "NONE", 0)),
    ("AMOUNT", {"claimed_fen": 450, "signatures": 0, "agrees": True}, ("UPHELD", "HAND", "AGREED", "AMOUNT", 150)),
    ("NO_REDUCTION", {}, ("REFUSED", "RULE", "RULES_APPLIED", "NONE", 0)),
    ("OTHER", {}, ("WAITING", "NONE", "ASKED", "NONE", 0)),
    ("OTHER", {"raised_by": OPERATOR}, ("WAITING", "NONE", "ASKED", "NONE", 0)),
    ("OTHER", {"raised_by": "99320500", "decided_before": True}, ("REFUSED", "RULE", "NOT_A_PARTY", "NONE", 0)),
    ("OTHER", {"decided_before": True}, ("REFUSED", "RULE", "DECIDED_BEFORE", "NONE", 0)),
    ("MISSING", {"raised_by": "99320500"}, ("REFUSED", "RULE", "NOT_A_PARTY", "NONE", 0)),
    ("OTHER", {"raised_by": "99320500"}, ("REFUSED", "RULE", "NOT_A_PARTY", "NONE", 0)),
    ("OTHER", {"fare_fen": None}, ("REFUSED", "RULE", "NOT_BOOKED", "NONE", 0)),
    ("MISSING", {}, ("REFUSED", "RULE", "PAID", "NONE", 0)),
    ("MISSING", {"fare_fen": None, "verdict": None}, ("REFUSED", "RULE", "NEVER_RECEIVED", "NONE", 0)),
    ("MISSING", {"fare_fen": None}, ("REFUSED", "RULE", "LEG_OR_WAITING", "NONE", 0)),
    (
        "MISSING",
        {"fare_fen": None, "verdict": "EVIDENCE", "why": "RIDER_SIGNATURE"},
        ("REFUSED", "SIGNATURES", "RIDER_SIGNATURE", "NONE", 0),
    ),
    (
        "MISSING",
        {"fare_fen": None, "verdict": "EVIDENCE", "why": "DOUBLE_USE"},
        ("REFUSED", "RULE", "DOUBLE_USE", "NONE", 0),
    ),
]


@pytest.mark.parametrize(("reason", "differs", "ruling"), CASES, ids=range(len(CASES)))
def test_a_dispute_is_decided(reason: str, differs: dict[str, Any], ruling: tuple[str, str, str, str, int]) -> None:
    given: dict[str, Any] = {"raised_by": ISSUER, "claimed_fen": -1} | BOOKED | differs
    got = decide(Known(reason=reason, **given))
    assert (got.decision, got.decided_by, got.reply, got.effect, got.delta_fen) == ruling


@pytest.mark.parametrize("why", Why)
def test_of_what_never_became_a_ride_signatures_decide_where_one_did_not_hold(why: Why) -> None:
    by_signatures = ("CHAIN", "DEVICE_SIGNATURE", "CA_SIGNATURE", "ISSUER_SIGNATURE", "RIDER_SIGNATURE")
    got = decide(Known(reason="MISSING", raised_by=OPERATOR, claimed_fen=-1, verdict="EVIDENCE", why=why))
    assert got.decided_by == ("SIGNATURES" if why in by_signatures else "RULE")
    assert got.reply == why


def test_every_reason_has_a_case() -> None:
    assert {reason for reason, _, _ in CASES} == set(Reason)
