"""Who has run what since when: which statements make one spell, and when a spell is proven."""

from yima.sdk.centre.collector.arrivals import Statement
from yima.sdk.centre.packages.report import spells
from yima.validator.state.keys import DeviceKey
from yima.validator.uplink.versions import Versions, encode_versions, signed_bytes

KEY = DeviceKey.generate()


def said(
    first: int, last: int, *, of: str = "gate-1", by: str = "gate-1", since: int = 7, software: str = "1"
) -> Statement:
    """A statement that came from `by` and speaks of `of`, with its signature."""
    body = encode_versions(Versions(device=of, software=software, parameters=3, since=since))
    return Statement(by, body, KEY.public, KEY.sign(signed_bytes(body)), first, last)


def test_what_a_device_signs_of_another_proves_nothing_of_either() -> None:
    (spell,) = spells([said(1, 2, of="gate-2")])
    assert (spell.device, spell.proven) == ("gate-1", False)


def test_a_spell_goes_on_while_version_and_beginning_are_the_same_and_each_statement_in_it_has_to_hold() -> None:
    good, later = said(10, 20), said(30, 40, software="2")
    (spell,) = spells([good, later])
    assert (spell.heard, spell.heard_last, spell.software, spell.proven) == (10, 40, "2", True)
    for statements in ([good._replace(signature="00" * 64), later], [good, later._replace(signature="00" * 64)]):
        assert [one.proven for one in spells(statements)] == [False]


def test_the_same_version_that_came_into_force_anew_is_another_spell() -> None:
    found = spells([said(10, 20, since=7), said(30, 40, since=25)])
    assert [(one.since, one.heard, one.heard_last) for one in found] == [(7, 10, 20), (25, 30, 40)]
