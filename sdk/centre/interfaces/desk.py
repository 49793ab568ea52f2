"""What the routes share: what is committed, who consents, the parameters of requests, pages and their answers."""

import os
import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Annotated, Any, Final, TypeVar

from fastapi import Depends, Query, Request
from fastapi import Path as InPath
from pydantic import BeforeValidator
from starlette.responses import Response

from yima.sdk.centre.clearing import parquet
from yima.sdk.centre.clearing.days import day_of, shifted
from yima.sdk.centre.clearing.folder import IDENTITY, CentreFolder
from yima.sdk.centre.identity.consents import Consents
from yima.sdk.centre.identity.issuers import Issuers, read_issuers
from yima.sdk.centre.identity.taking import STATEMENTS, said_of
from yima.sdk.centre.interfaces import cursors
from yima.sdk.centre.interfaces.committed import Committed, Snapshot
from yima.sdk.centre.interfaces.conditional import answer, tag
from yima.sdk.centre.interfaces.keys import Key, Role
from yima.sdk.centre.interfaces.models import Paged
from yima.sdk.centre.interfaces.paging import Row, Rows, page
from yima.sdk.centre.interfaces.problems import Problem, RefusedError, check_parameters, wrong_role
from yima.sdk.centre.interfaces.watched import Watched
from yima.sdk.centre.sharing.pseudonyms import KEY_BYTES, Pseudonyms
from yima.validator.system.disk import create, flush_folder
from yima.validator.texts import Text

LIMIT_MAX: Final = 1000
DAYS_MAX: Final = 366
P = TypeVar("P", bound=Paged)

After = Annotated[
    str | None, Query(pattern=cursors.PATTERN, description="`next` of the answer before; left out: from the beginning")
]
Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="rows at most")]


def _plain(value: object) -> object:
    """As 2026-09-14 alone: a number would be taken for seconds since 1970."""
    if isinstance(value, str) and not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise ValueError("a day as 2026-09-14")
    return value


PlainDay = Annotated[date, BeforeValidator(_plain)]
DayPath = Annotated[PlainDay, InPath(description="as 2026-09-14")]
From = Annotated[PlainDay | None, Query(alias="from", description="the first day; left out: 30 days before `to`")]
To = Annotated[PlainDay | None, Query(description="the last day; left out: the newest that is cleared")]
Account = Annotated[str, InPath(pattern="^[0-9a-f]{20}$", description="20 hex digits")]
MonthText = Annotated[str, Query(pattern="^20[0-9]{2}-(0[1-9]|1[0-2])$", description="as 2026-09")]

REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    400: {"model": Problem, "description": "parameters that do not go together, a cursor of another feed"},
    401: {"model": Problem, "description": "no key that is in force"},
    403: {"model": Problem, "description": "not for this key: its role, another's account, no consent"},
    404: {"model": Problem, "description": "not there for this key"},
    413: {"model": Problem, "description": "a body: there is nothing to send"},
    414: {"model": Problem, "description": "a query that is too long"},
    422: {"model": Problem, "description": "a parameter that is not what it should be"},
    431: {"model": Problem, "description": "headers that are too large"},
    429: {"model": Problem, "description": "too often; Retry-After says how long to wait"},
    503: {"model": Problem, "description": "busy, or something cannot be read; Retry-After says how long to wait"},
}


def only(*roles: Role) -> Callable[[Request], Key]:
    """A dependency: the caller's key, if it is of one of these roles and asks for nothing that is not known here.
    Raises RefusedError."""

    def caller(request: Request) -> Key:
        key: Key = request.state.key
        route = request.scope["route"]
        if key.role not in roles:
            raise wrong_role(route.path, str(key.role))
        check_parameters(request)
        return key

    return caller


AnyKey = Annotated[Key, Depends(only(*Role))]


class Desk:
    """One centre's folder, looked at. now: unix seconds."""

    def __init__(self, folder: CentreFolder, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._committed = Committed(folder.workspace)
        self._issuers = Watched(folder.path / IDENTITY, lambda path: read_issuers(path) if path.exists() else None)
        self._names = folder.workspace / "pseudonyms" / "audit"
        self._kept: set[int] = set()  # months whose key is on disk for good, also where another process has made it
        self._consents: tuple[tuple[object, ...], Consents] | None = None

    def snapshot(self) -> Snapshot:
        """What is committed now. Raises WorkspaceError."""
        return self._committed.now()

    def today(self) -> int:
        """The day it is."""
        return day_of(int(self._now()))

    def owner_of(self, account: str) -> str | None:
        """Whose account it is, as identity.toml says; None: it does not. Raises TermsError."""
        issuers = self._issuers.get()
        return issuers.owner_of(account) if issuers else None

    def consents(self, snapshot: Snapshot) -> Consents:
        """All that issuers have stated of consent and taken back, up to now. Raises TermsError, TableFileError."""
        issuers = self._issuers.get()
        known = (snapshot.stated, issuers)
        held = self._consents
        if held is None or held[0] != known:
            paths = [path for day in snapshot.stated for path in snapshot.of_table(STATEMENTS, day)]
            rows = (row for batch in parquet.read(paths) for row in batch.to_pylist())
            said = [said_of(row) for row in rows if row["kind"] in ("CONSENT", "REVOKE")]
            held = (known, Consents(said, issuers or Issuers(environment="production", keys={}, beginnings={})))
            self._consents = held
        return held[1]

    def names(self, month: int) -> Pseudonyms:
        """Auditors' names for the accounts of a month; its key is made when it is first needed, and durable before a
        name is: with another key all of them would be others. Raises PseudonymError."""
        path = self._names / f"{month}.key"
        if not path.exists():
            self._names.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = path.with_name(f".{month}.{secrets.token_hex(8)}")
            descriptor = create(fresh)
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_hex(KEY_BYTES).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(fresh, path)  # whoever was first has made it
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
            self._kept.discard(month)
        if month not in self._kept:
            for folder in (self._names, self._names.parent, self._names.parent.parent):
                flush_folder(folder)
            self._kept.add(month)
        return Pseudonyms.of(self._names, month)

    def keys_of_names(self) -> list[tuple[str, int]]:
        """Which keys of names there are: answers with names are others once one is made anew."""
        folder = self._names
        found = sorted(folder.glob("*.key")) if folder.is_dir() else []
        return [(path.name, path.stat().st_mtime_ns) for path in found]

    def feed(
        self,
        request: Request,
        key: Key,
        name: str,
        rows: Rows,
        model: type[P],
        *,
        after: str | None,
        limit: int,
        snapshot: Snapshot,
        shape: Callable[[Row], Mapping[str, Any]] = lambda row: row,
        etag_of: Iterable[object] = (),
    ) -> Response:
        """A part of a feed of this key's party."""
        feed = f"{name} {key.role} {key.of}"
        place = cursors.read(after, feed)

        def make() -> P:
            part = page(snapshot.days, rows, place, limit)
            return model.model_validate(
                {
                    "items": [shape(row) for row in part.rows],
                    "next": cursors.written(part.next, feed),
                    "more": part.more,
                }
            )

        return answer(request, tag(request, key.role, key.of, snapshot.version, *etag_of), make)


def span(snapshot: Snapshot, since: date | None, until: date | None) -> tuple[int, ...]:
    """The days of a request. Raises RefusedError for none, or too many."""
    newest = snapshot.days[-1] if snapshot.days else 0
    last = number_of(until) if until else newest
    first = number_of(since) if since else (shifted(last, -30) if last > 19010000 else 0)
    if since and until and since > until:
        raise RefusedError(
            400,
            "DAYS",
            Text("the parameter from", "参数 from"),
            Text("lies behind `to`", "晚于 to"),
            Text("Give a `from` no later than `to`", "from 不得晚于 to"),
        )
    days = tuple(day for day in snapshot.days if first <= day <= last)
    if len(days) > DAYS_MAX:
        raise RefusedError(
            400,
            "DAYS",
            Text("the parameters from and to", "参数 from 与 to"),
            Text(f"span more than {DAYS_MAX} days", f"跨度超过 {DAYS_MAX} 天"),
            Text("Ask for a year at a time", "请逐年请求"),
        )
    return days


def number_of(day: date) -> int:
    """A day as the tables have it."""
    return day.year * 10000 + day.month * 100 + day.day


def month_number(text: str) -> int:
    """A month as 202609."""
    return int(text.replace("-", ""))
