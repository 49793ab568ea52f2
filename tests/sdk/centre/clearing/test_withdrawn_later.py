"""A stolen issuer's key: gates that had not got the withdrawal yet let riders in, and the centre sees it."""

from array import array
from dataclasses import replace
from pathlib import Path

import pytest

from tests.sdk.centre.clearing.world import NOON, OUTSIDE, SHANGHAI, SUZHOU, Device, parameters, rider
from yima.sdk.centre.clearing.taps.parameters import Published
from yima.validator.judging import Reason
from yima.validator.parameters import from_rules
from yima.validator.parameters.rules import OPEN, Revocation


def reasons(published: Published, *entries: bytes) -> list[Reason]:
    """What the centre's judge says of these entries."""
    ends = [sum(map(len, entries[:count])) for count in range(len(entries) + 1)]
    answer = published.judge().judge(b"".join(entries), array("i", ends).tobytes())
    return [Reason(number) for number in array("q", bytes(answer["reason"]))]


@pytest.mark.parametrize(
    ("revoked", "found"),
    [
        (Revocation(root=1), [Reason.CERTIFICATE_REVOKED] * 2),
        (Revocation(root=1, organisation=SHANGHAI), [Reason.CERTIFICATE_REVOKED, Reason.ACCEPTED]),
        (Revocation(root=1, organisation=SUZHOU), [Reason.ACCEPTED, Reason.CERTIFICATE_REVOKED]),
        (Revocation(root=1, from_s=NOON + 60), [Reason.ACCEPTED] * 2),
        (Revocation(root=1, from_s=NOON - 60, to_s=OPEN), [Reason.CERTIFICATE_REVOKED] * 2),
        (Revocation(root=2), [Reason.ACCEPTED] * 2),
    ],
)
def test_a_certificate_that_newer_parameters_withdraw_is_not_good_at_a_gate_with_older_ones(
    revoked: Revocation, found: list[Reason], tmp_path: Path
) -> None:
    old = parameters(tmp_path / "source")
    gate = Device("bus-1", old, line=1, station=1)
    for card, issuer_id in ((1, SHANGHAI), (2, SUZHOU)):
        assert gate.tap(rider(card, issuer_id, OUTSIDE).code(NOON), NOON).accepted
    taps = [row["entry"] for row in gate.entries]
    newer = bytes(from_rules(replace(old.rules, version=2, revoked=[revoked]), "newer").image)
    image = bytes(old.image)
    assert reasons(Published(images=(image,)), *taps) == [Reason.ACCEPTED] * 2
    assert reasons(Published(images=(image, newer)), *taps) == found
    assert reasons(Published(images=(newer, image)), *taps) == found
