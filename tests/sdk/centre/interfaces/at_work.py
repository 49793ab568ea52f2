"""Interfaces over the cleared region: copies of its workspace that a test may change, keys of each role, the
application asked as a client asks it."""

import asyncio
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from tests.sdk.centre.example.consents import FIRST, ISSUER, OTHER, SERVICE, SHANGHAI
from tests.sdk.centre.example.region_at_work import STATES
from yima.sdk.centre.clearing.folder import IDENTITY, CentreFolder
from yima.sdk.centre.example import region
from yima.sdk.centre.interfaces.app import interfaces
from yima.sdk.centre.interfaces.keys import KEYS, Role, make_key

BUS = "99310001"
NOON = region.midnight(8) + 12 * 3600  # a day after the last that is settled
KEY_OF = {
    "issuer": (Role.ISSUER, ISSUER), "other": (Role.ISSUER, OTHER), "operator": (Role.OPERATOR, BUS),
    "city": (Role.CITY, SHANGHAI), "region": (Role.REGION, ""), "auditor": (Role.AUDITOR, ""),
    "clerk": (Role.CLERK, ""), "service": (Role.SERVICE, SERVICE),
}  # fmt: skip
_RUNNER = asyncio.Runner()


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
