"""A region with interfaces: the example with everything that can go wrong, consents, keys of each role, every day
settled; and every state of its workspace that there was on the way."""

import asyncio
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.once import once
from tests.sdk.centre.example.region_at_work import example
from yima.sdk.centre.clearing.day import STEPS, Centre
from yima.sdk.centre.clearing.folder import IDENTITY, STATEMENTS, CentreFolder
from yima.sdk.centre.example import region
from yima.sdk.centre.example.making import settlement_days
from yima.sdk.centre.identity.statements import Consent, Revocation, Scope, Statement, sign_statements
from yima.sdk.centre.interfaces.app import interfaces
from yima.sdk.centre.interfaces.keys import KEYS, Role, make_key
from yima.sdk.sm2 import SigningKey

ISSUER, OTHER, BUS = "99310000", "99320500", "99310001"
SHANGHAI, SERVICE = "310000", "travel-app"
IS_KEYS = {ISSUER: SigningKey.from_int(71), OTHER: SigningKey.from_int(72)}
FIRST = region.FIRST_DAY
NOON = region.midnight(8) + 12 * 3600  # a day after the last that is settled
KEY_OF = {
    "issuer": (Role.ISSUER, ISSUER), "other": (Role.ISSUER, OTHER), "operator": (Role.OPERATOR, BUS),
    "city": (Role.CITY, SHANGHAI), "region": (Role.REGION, ""), "auditor": (Role.AUDITOR, ""),
    "clerk": (Role.CLERK, ""), "service": (Role.SERVICE, SERVICE),
}  # fmt: skip
STATES = "states"
_RUNNER = asyncio.Runner()


def region_with_interfaces(factory: pytest.TempPathFactory) -> Path:
    """The folder; states/<n>.json beside it, each as state.json once was. Nobody changes what is in it."""

    def make(folder: Path) -> None:
        shutil.copytree(example(factory), folder, dirs_exist_ok=True)
        (folder / IDENTITY).write_text(identity())
        shutil.rmtree(folder / STATEMENTS, ignore_errors=True)  # the region's own issuers are another matter
        (folder / STATEMENTS).mkdir()
        for name, content in statements().items():
            (folder / STATEMENTS / name).write_bytes(content)
        states: list[bytes] = []

        def note(_name: str) -> None:
            path = folder / "workspace" / "state.json"
            if path.exists() and (now := path.read_bytes()):
                if states and json.loads(states[-1])["done"] == json.loads(now)["done"]:
                    states.pop()
                states.append(now)

        with Centre(CentreFolder(folder), memory="500MB", on_commit=note) as centre:
            centre.ingest()
            for day in settlement_days(folder):
                for step in STEPS:
                    centre.run(step, day)
        (folder / STATES).mkdir()
        for number, state in enumerate(states):
            (folder / STATES / f"{number:04}.json").write_bytes(state)

    return once(factory, "region-with-interfaces", make)


def account(number: int, city: str = SHANGHAI) -> str:
    """One of the example's accounts."""
    return f"{city}1{number:013}"


FULL, RIDES_ONLY, OVER, REVOKED, NOT_BEGUN, LATER = (account(number) for number in (5, 12, 33, 37, 47, 20))
"""Whose rides the service may see, by what was stated of them."""


def identity() -> str:
    """Both issuers are heard."""
    rows = {ISSUER: "310000", OTHER: "320500"}
    return 'environment = "test"\n' + "".join(
        f'[[issuer]]\norganisation = "{name}"\naccounts = ["{begin}"]\n'
        f'[[issuer.keys]]\nkey = "{IS_KEYS[name].compressed.hex()}"\n'
        for name, begin in rows.items()
    )


def consent(whose: str, *scopes: Scope, since: int = FIRST, until: int = FIRST + 20, service: str = SERVICE) -> Consent:
    """A consent of these days."""
    return Consent(account=whose, service=service, scopes=scopes or (Scope.CHARGES,), since=since, until=until)


def signed(number: int, *said: Statement, issued: int = FIRST, issuer: str = ISSUER) -> bytes:
    """A file of statements."""
    return sign_statements(
        said, IS_KEYS[issuer], environment="test", issuer=issuer, number=number, issued=issued
    )  # fmt: skip


def statements() -> dict[str, bytes]:
    """What the issuers state, one file that speaks of another's account, and one that is no file."""
    return {
        "one": signed(
            1, consent(FULL), consent(RIDES_ONLY, Scope.RIDES), consent(OVER, until=FIRST + 3), consent(REVOKED),
            consent(NOT_BEGUN, since=FIRST + 15), consent(LATER, since=FIRST + 1),
        ),
        "two": signed(2, Revocation(number=1, place=4), issued=FIRST + 2),
        "bad": signed(3, consent(account(1, "320500"))),
        "theirs": signed(1, consent(account(1, "320500"), service="other-app"), issuer=OTHER),
        "none": b"nothing\n",
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of the region's workspace that a test may change, under keys of its own."""

    folder: Path
    keys: dict[str, str]
    states: list[bytes]
    clients: dict[str, "Client"] = field(default_factory=dict)

    def client(self, who: str = "", **how: Any) -> "Client":
        """The real application, asked with the key of that name."""
        if how:
            return Client(self, who, **how)
        return self.clients.setdefault(who, self.clients.get(who) or Client(self, who))

    def be(self, state: bytes) -> None:
        """The workspace says that it has come so far."""
        path = self.folder / "workspace" / "state.json"
        fresh = path.with_name("state.json.new")
        fresh.write_bytes(state)
        fresh.replace(path)


class Client:
    """Asks the application over one copy; every refusal must be a problem document."""

    def __init__(
        self,
        copy: Copy,
        who: str,
        *,
        now: float = NOON,
        per_minute: int = 1_000_000,
        clock: Callable[[], float] = lambda: 0.0,
        events: list[dict[str, Any]] | None = None,
    ) -> None:
        told = events if events is not None else []
        self.application = interfaces(
            CentreFolder(copy.folder), per_minute=per_minute, on_event=told.append, now=lambda: now, clock=clock
        )
        self.headers = {"Authorization": f"Bearer {copy.keys[who]}"} if who else {}

    def ask(self, method: str, path: str, headers: Mapping[str, str] | None = None, **how: Any) -> httpx.Response:
        """One request."""
        transport = httpx.ASGITransport(self.application, raise_app_exceptions=False)

        async def asked() -> httpx.Response:
            async with httpx.AsyncClient(transport=transport, base_url="http://centre") as client:
                return await client.request(method, path, headers={**self.headers, **(headers or {})}, **how)

        return _RUNNER.run(asked())

    def get(self, path: str, headers: Mapping[str, str] | None = None, **how: Any) -> httpx.Response:
        """One answer."""
        return self.ask("GET", path, headers, **how)

    def page(self, path: str, **parameters: Any) -> dict[str, Any]:
        """An answer that must be one."""
        response = self.get(path, params={name: one for name, one in parameters.items() if one is not None})
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found

    def all(self, path: str, limit: int = 1000, **parameters: Any) -> list[dict[str, Any]]:
        """Every row of a feed, page by page."""
        rows: list[dict[str, Any]] = []
        after = None
        while True:
            page = self.page(path, after=after, limit=limit, **parameters)
            rows += page["items"]
            after = page["next"]
            if not page["more"]:
                return rows

    def refusal(self, path: str, **how: Any) -> dict[str, Any]:
        """A refusal that must be one, whole and in both languages."""
        response = self.get(path, **how)
        assert response.status_code >= 400, response.text
        assert response.headers["content-type"] == "application/problem+json"
        found: dict[str, Any] = response.json()
        assert found["status"] == response.status_code
        assert found["type"] == f"urn:yima:problem:{found['code']}"
        assert all(found[name] for name in ("thing", "title", "detail"))
        assert all(any("一" <= one <= "鿿" for one in found[name]) for name in ("title_zh", "detail_zh"))
        return found


def copied(whole: Path, to: Path) -> Copy:
    """A copy; what does not change is linked."""
    shutil.copytree(whole / "workspace", to / "workspace", copy_function=os.link)
    for name in ("stores", "parameters"):
        (to / name).mkdir()
    shutil.copy(whole / IDENTITY, to / IDENTITY)
    keys = {name: make_key(to / KEYS, role, of, since=FIRST)[1] for name, (role, of) in KEY_OF.items()}
    states = [path.read_bytes() for path in sorted((whole / STATES).iterdir())]
    made = Copy(to, keys, states)
    made.be(states[-1])  # its own: what is linked nobody may write to
    return made


@cache
def moment(day: int) -> int:
    """Noon of a day of September 2026."""
    return region.midnight(day - FIRST) + 12 * 3600
