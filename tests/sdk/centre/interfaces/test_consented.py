"""A rider's month: for the issuer all of it, for a service what is consented to, as long as it is."""

import json
from collections import Counter
from typing import Any

import pytest

from tests.sdk.centre.example.consents import FIRST, FULL, ISSUER, LATER, NOT_BEGUN, OVER, REVOKED, RIDES_ONLY, account
from tests.sdk.centre.example.region_at_work import cleared_example
from tests.sdk.centre.interfaces.at_work import NOON, Client, Copy, copied, moment
from tests.sdk.centre.interfaces.test_feeds import table
from yima.sdk.centre.identity.consents import Consents, Permission
from yima.sdk.centre.identity.statements import Scope
from yima.sdk.centre.interfaces.keys import KEYS, Role, make_key

MONTH = {"month": "2026-09"}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return copied(cleared_example(tmp_path_factory), tmp_path_factory.mktemp("months"))


def path(of: str) -> str:
    return f"/v1/accounts/{of}/rides"


def test_every_month_of_every_rider_is_what_the_tables_hold(copy: Copy) -> None:
    """By plain Python over the whole table: what stands, what it costs, how it came to that."""
    client = copy.client("issuer")
    booked = [row for row in table(copy, "cleared") if row["issuer"] == ISSUER]
    whole = 0
    for of in sorted({row["account"] for row in booked}):
        rows = [row for row in booked if row["account"] == of]
        told = client.page(path(of), limit=1000, **MONTH)
        fares = Counter[str]()
        standing = Counter[str]()
        for row in rows:
            fares[row["ride_id"]] += row["fare_fen"]
            standing[row["ride_id"]] += -1 if row["reverses"] else 1
        assert {one["ride_id"]: (one["fare_fen"], one["stands"]) for one in told["items"]} == {
            ride: (fares[ride], standing[ride] > 0) for ride in fares
        }
        charged = sorted(one["clearing"] for ride in told["items"] for one in ride["charges"])
        assert charged == sorted(str(row["clearing"]) for row in rows)
        assert told["fare_fen"] == sum(fares.values()) and told["rides"] == len(fares)
        moments = [one["moment"] for one in told["items"]]
        assert moments == sorted(moments)
        whole += told["fare_fen"]
        assert client.page(path(of), month="2026-10")["items"] == []
    assert whole == sum(row["fare_fen"] for row in booked) != 0


def test_pages_of_a_month_show_it_as_it_stood_on_the_first_one(copy: Copy) -> None:
    client = copy.client("issuer")
    of = FULL
    copy.be(copy.states[len(copy.states) // 2])
    try:
        before = client.page(path(of), **MONTH)["items"]
        first = client.page(path(of), limit=1, **MONTH)
        copy.be(copy.states[-1])
        rides, after, more = first["items"], first["next"], first["more"]
        while more:
            page = client.page(path(of), limit=1, after=after, **MONTH)
            assert page["as_of"] == first["as_of"] < "2026-09-13"
            rides += page["items"]
            after, more = page["next"], page["more"]
    finally:
        copy.be(copy.states[-1])
    assert rides == before != []
    refusal = client.refusal(path(RIDES_ONLY), params={**MONTH, "after": after})
    assert refusal["code"] == "CURSOR"


def test_a_page_of_a_day_that_a_restored_centre_has_not_cleared_is_refused(copy: Copy) -> None:
    client = copy.client("issuer")
    after = client.page(path(FULL), limit=1, **MONTH)["next"]
    copy.be(copy.states[0])
    try:
        assert client.refusal(path(FULL), params={**MONTH, "after": after})["code"] == "CURSOR"
    finally:
        copy.be(copy.states[-1])


def test_a_service_sees_what_the_rider_consents_to(copy: Copy) -> None:
    service, issuer = copy.client("service"), copy.client("issuer")
    assert service.page(path(FULL), **MONTH)["items"] == issuer.page(path(FULL), **MONTH)["items"] != []
    rides = service.page(path(RIDES_ONLY), **MONTH)
    assert rides["items"] != [] and rides["fare_fen"] is None
    for one, whole in zip(rides["items"], issuer.page(path(RIDES_ONLY), **MONTH)["items"], strict=True):
        assert (one["fare_fen"], one["reductions_fen"], one["charges"]) == (None, None, [])
        hidden = ("fare_fen", "reductions_fen", "charges")
        assert {name: one[name] for name in one if name not in hidden} == {
            name: whole[name] for name in whole if name not in hidden
        }


def test_where_some_costs_are_closed_no_sum_has_them_in_it(copy: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all rides where and when, of those from the second day on the costs as well: a sum would tell the rest."""
    spans = ((Scope.RIDES, 0, 99999999), (Scope.CHARGES, FIRST + 1, 99999999))
    monkeypatch.setattr(Consents, "permission", lambda *_: Permission(spans=spans))
    told = copy.client("service", now=NOON).page(path(LATER), **MONTH)
    closed = {one["service_date"]: one["fare_fen"] is None for one in told["items"]}
    assert closed == {day: day == "2026-09-07" for day in closed} and len(closed) > 1
    assert told["fare_fen"] is None


def test_an_answer_is_another_where_consents_open_something_else_though_nothing_was_cleared(
    copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At midnight one of two consents ends: whoever has the answer of before is not told that it is the same."""
    client = copy.client("service", now=NOON)
    tags: list[str] = []
    for scope in (Scope.CHARGES, Scope.RIDES):
        opened = Permission(spans=((scope, 0, 99999999),))
        monkeypatch.setattr(Consents, "permission", lambda *_, opened=opened: opened)
        asked = client.get(path(LATER), {"If-None-Match": ", ".join(tags)}, params=MONTH)
        assert asked.status_code == 200
        tags.append(asked.headers["etag"])
    assert tags[0] != tags[1]


def test_rides_before_the_consent_stay_closed(copy: Copy) -> None:
    whole = copy.client("issuer").page(path(LATER), **MONTH)["items"]
    dates = {one["service_date"] for one in whole}
    seen = copy.client("service").page(path(LATER), **MONTH)["items"]
    assert dates > {one["service_date"] for one in seen} == dates - {"2026-09-07"}
    assert [one for one in whole if one["service_date"] != "2026-09-07"] == seen


@pytest.mark.parametrize(
    ("of", "code"),
    [
        (OVER, "CONSENT_OVER"), (REVOKED, "CONSENT_REVOKED"), (NOT_BEGUN, "CONSENT_NOT_BEGUN"),
        (account(50), "NO_CONSENT"), (account(999999), "NO_CONSENT"), (account(1, "320500"), "NO_CONSENT"),
        (account(1, "888888"), "NO_CONSENT"),
    ],
)  # fmt: skip
def test_without_a_consent_that_holds_the_reason_is_told(copy: Copy, of: str, code: str) -> None:
    refusal = copy.client("service").refusal(path(of), params=MONTH)
    assert (refusal["status"], refusal["code"]) == (403, code)
    assert of not in str(refusal)


def test_a_consent_ends_on_its_day_and_no_sooner(copy: Copy) -> None:
    midnight = moment(FIRST + 3) - 12 * 3600
    assert copy.client("service", now=midnight - 1).page(path(OVER), **MONTH)["items"]
    assert copy.client("service", now=midnight).refusal(path(OVER), params=MONTH)["code"] == "CONSENT_OVER"
    assert copy.client("service", now=moment(FIRST + 15)).page(path(NOT_BEGUN), **MONTH)["items"] == []


def test_a_revocation_holds_from_the_moment_that_it_is_taken_in_also_for_who_has_the_answer(copy: Copy) -> None:
    """Not from the end of that day: what is asked for with the ETag of what one has is refused as well."""
    client = copy.client("service", now=moment(FIRST + 2))
    steps = [state for state in copy.states if "settle net" in json.loads(state)["done"]]
    taken = next(place for place, state in enumerate(steps) if FIRST + 2 in json.loads(state)["done"]["identity"])
    assert FIRST + 2 not in json.loads(steps[taken])["done"]["answers"], "the day itself is under way"
    try:
        copy.be(steps[taken - 1])
        seen = client.get(path(REVOKED), params=MONTH)
        assert seen.status_code == 200 and seen.json()["items"] != []
        same = client.get(path(REVOKED), {"If-None-Match": seen.headers["etag"]}, params=MONTH)
        assert same.status_code == 304
        copy.be(steps[taken])
        how: dict[str, Any] = {"headers": {"If-None-Match": seen.headers["etag"]}, "params": MONTH}
        assert client.refusal(path(REVOKED), **how)["code"] == "CONSENT_REVOKED"
        after = {"after": seen.json()["next"], **MONTH}
        assert client.refusal(path(REVOKED), params=after)["code"] == "CONSENT_REVOKED"
    finally:
        copy.be(copy.states[-1])


def test_a_key_of_another_service_sees_nothing_of_it(copy: Copy) -> None:
    shown = make_key(copy.folder / KEYS, Role.SERVICE, "other-app", since=FIRST)[1]
    client = Client(Copy(copy.folder, {"app": shown}, []), "app", now=NOON)
    assert client.refusal(path(FULL), params=MONTH)["code"] == "NO_CONSENT"
    assert client.page(path(account(1, "320500")), **MONTH)["account"] == account(1, "320500")
