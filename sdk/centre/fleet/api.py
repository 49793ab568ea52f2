"""The collector's whole interface as one application (FastAPI), described by /openapi.json.

    POST /v1/batches, /v1/uses      devices: signed bodies, no key of a reader
    GET  /v1/devices/…, /devices    how far journals have come               (R)
         /v1/fleet/devices          the register: enrol, rotate, revoke, release (operator), list, log (R)
         /v1/fleet/cases            what somebody has to decide about (R); settle (operator)
         /v1/fleet/versions, /duty  who runs what since when                 (R)
         /v1/fleet/records          everything that is held, by cursor       (R)
    GET  /metrics                   for Prometheus                           (R)

R: for who has a key of `yima centre keys make` in the role operator, auditor, clerk or region. On a bench everyone is
an operator.

Rules it keeps: nothing is told or done without such a key; whatever is done is kept with the key's id; refusals are
problem documents in both languages; a body that is too large or takes too long is given up before anything looks at it.
"""

import asyncio
import base64
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

from fastapi import Depends, FastAPI, Path, Query, Request
from fastapi.security import HTTPBearer
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from yima.sdk.centre.clearing.taps.stores import Source, SourceError
from yima.sdk.centre.fleet import exporting, hearing, models, versions
from yima.sdk.centre.fleet.cases import LISTED_MOST, Cases, Kind
from yima.sdk.centre.fleet.database import Database, FleetError, FleetTroubleError, NotThereError
from yima.sdk.centre.fleet.devices import Register
from yima.sdk.centre.fleet.feed import Feed
from yima.sdk.centre.fleet.versions import Of
from yima.sdk.centre.interfaces.answers import answer_as_problems
from yima.sdk.centre.interfaces.keys import Key, Role
from yima.sdk.centre.interfaces.problems import (
    Problem,
    RefusedError,
    check_parameters,
    not_found,
    unavailable,
    wrong_key,
)
from yima.validator.errors import YimaError
from yima.validator.journal.exporting import as_mapping
from yima.validator.texts import Text
from yima.validator.version import VERSION

READERS = frozenset({Role.OPERATOR, Role.AUDITOR, Role.CLERK, Role.REGION})
WRITERS = frozenset({Role.OPERATOR})
BODY_MAX = 4096
BODY_WITHIN_S = 10.0
_DESCRIPTION = """What devices send to a collector, and what a city may see and do there. 采集端接口。"""
_REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem} for status in (400, 401, 403, 404, 405, 408, 409, 411, 413, 422, 503)
}  # fmt: skip
_SAID = {"content": {"application/json": {"schema": {"type": "object"}}}, "description": "see docs/fleet.md"}
Number = Annotated[int, Path(ge=1, le=(1 << 62))]
Behind = Annotated[str, Query(pattern="^[A-Za-z0-9._-]{0,64}$", description="a device's name")]
Limit = Annotated[int, Query(ge=1, le=LISTED_MOST)]
DeviceName = Annotated[str, Path(pattern="^[A-Za-z0-9._-]{1,64}$")]


class Caller(NamedTuple):
    """Who asks: how the log calls him, and what he may do."""

    who: str
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """What the interface speaks for. source: the store as it is exported. metrics: the page; None: the extra is not
    installed. key_of: whose key a shown one is; None, for a bench: everyone is an operator."""

    database: Database
    register: Register
    feed: Feed
    source: Source
    metrics: Callable[[], bytes] | None
    key_of: Callable[[str], Key | None] | None
    now: Callable[[], float] = time.time


def application(fleet: Fleet) -> ASGIApp:
    """What belongs to a collector; its own paths are described here, and answered by itself (`beside`)."""
    app = FastAPI(
        title="Yima: a collector", version=VERSION, description=_DESCRIPTION, docs_url=None, redoc_url=None,
        redirect_slashes=False, responses=_REFUSALS,
    )  # fmt: skip
    _add_devices_side(app, fleet)
    _add_register(app, fleet)
    _add_cases(app, fleet)
    _add_reports(app, fleet)
    app.add_exception_handler(RefusedError, _refused)
    app.add_exception_handler(YimaError, _in_trouble)
    answer_as_problems(app)
    return _Bounded(app)


def _may(fleet: Fleet, roles: frozenset[Role]) -> Any:
    """What a route depends on: a caller of one of these roles."""
    bearer = HTTPBearer(auto_error=False, description="a key of `yima centre keys make`")

    def caller(request: Request, _shown: Annotated[Any, Depends(bearer)]) -> Caller:
        if fleet.key_of is None:
            check_parameters(request)
            return Caller("bench", Role.OPERATOR)
        scheme, _, shown = request.headers.get("authorization", "").partition(" ")
        key = fleet.key_of(shown.strip()) if scheme.lower() == "bearer" else None
        if key is None or key.role not in READERS:
            raise wrong_key()
        if key.role not in roles:
            raise RefusedError(
                403,
                "ROLE",
                Text("this key", "此密钥"),
                Text(f"is of the role {key.role}", f"角色为 {key.role}"),
                Text("An operator's key is needed", "需要 operator 角色的密钥"),
            )
        check_parameters(request)
        return Caller(f"key {key.id}", key.role)

    return Depends(caller)


def _add_devices_side(app: FastAPI, fleet: Fleet) -> None:
    """What devices ask, and what the collector answers itself; their refusals are {"error": …}."""
    said = _REFUSALS | dict.fromkeys((200, 400, 401, 403, 408, 413, 415, 503), _SAID)
    more: dict[str, Any] = {"responses": said, "response_class": Response}

    async def elsewhere(_request: Request) -> Response:
        """Answered by the collector itself."""
        raise not_found(Text("this path", "此路径"))

    app.post("/v1/batches", tags=["devices"], operation_id="send", **more)(elsewhere)
    app.post("/v1/uses", operation_id="uses", tags=["devices"], **more)(fleet.feed.answer)
    app.get("/v1/devices/{device}/{epoch}", operation_id="journal", tags=["devices"], **more)(elsewhere)
    app.get("/devices", operation_id="journals", tags=["devices"], **more)(elsewhere)
    app.get("/health", operation_id="health", tags=["service"], **more)(elsewhere)
    app.get("/ready", operation_id="ready", tags=["service"], **more)(elsewhere)


def _add_register(app: FastAPI, fleet: Fleet) -> None:
    reads, writes = _may(fleet, READERS), _may(fleet, WRITERS)
    path = "/v1/fleet/devices"

    @app.get(path, tags=["register"])
    def listed(after: Behind = "", limit: Limit = 100, _caller: Caller = reads) -> models.Devices:
        """Names that are taken, in their order. after: the last one that was seen."""
        heard = hearing.heard_at(fleet.database)
        found = fleet.register.listed(after=after, limit=limit)
        return models.Devices(
            items=[models.DeviceRow(**one._asdict(), heard_at=heard.get(one.device, 0)) for one in found]
        )

    @app.post(path, tags=["register"])
    def enrol(said: models.Enrol, caller: Caller = writes) -> models.DeviceRow:
        """It may send from now on."""
        return _device(fleet.register.enrol(said.device, said.key, who=caller.who, why=said.why))

    @app.get(path + "/{device}/log", tags=["register"])
    def log(device: DeviceName, _caller: Caller = reads) -> models.Log:
        """What was ever done to the name."""
        return models.Log(items=[models.LogRow.model_validate(one) for one in fleet.register.log(device)])

    @app.post(path + "/{device}/rotate", tags=["register"])
    def rotate(device: DeviceName, said: models.Rotate, caller: Caller = writes) -> models.DeviceRow:
        """Another key for it."""
        return _device(fleet.register.rotate(device, said.key, who=caller.who, why=said.why))

    @app.post(path + "/{device}/revoke", tags=["register"])
    def revoke(device: DeviceName, said: models.Ended, caller: Caller = writes) -> models.DeviceRow:
        """It may not send any more; its name stays taken."""
        return _device(fleet.register.revoke(device, who=caller.who, why=said.why))

    @app.post(path + "/{device}/release", tags=["register"])
    def release(device: DeviceName, said: models.Ended, caller: Caller = writes) -> models.DeviceRow:
        """Its name is free; the answer is how it stood."""
        return _device(fleet.register.release(device, who=caller.who, why=said.why))


def _add_cases(app: FastAPI, fleet: Fleet) -> None:
    reads, writes = _may(fleet, READERS), _may(fleet, WRITERS)
    cases = Cases(fleet.database)

    @app.get("/v1/fleet/cases", tags=["cases"])
    def listed(
        kind: Kind | None = None,
        settled: bool | None = False,
        after: Annotated[int, Query(ge=0, le=1 << 62)] = 0,
        limit: Limit = 100,
        _caller: Caller = reads,
    ) -> models.CasesPage:
        """Open cases, or settled ones. after: the last number that was seen."""
        found = cases.listed(kind=kind, settled=settled, after=after, limit=limit)
        return models.CasesPage(items=[models.CaseRow.model_validate(one) for one in found])

    @app.get("/v1/fleet/cases/{number}", tags=["cases"])
    def one(number: Number, _caller: Caller = reads) -> models.CaseWhole:
        """A case with its record and its decisions."""
        return _whole(cases, number)

    @app.post("/v1/fleet/cases/{number}/settle", tags=["cases"])
    def settle(number: Number, said: models.Settle, caller: Caller = writes) -> models.CaseWhole:
        """Decides about it, with a reason."""
        cases.settle(number, said.decision, who=caller.who, why=said.why, now=int(fleet.now()))
        return _whole(cases, number)


def _add_reports(app: FastAPI, fleet: Fleet) -> None:
    reads = _may(fleet, READERS)

    @app.get("/v1/fleet/versions", tags=["reports"])
    def running(
        of: Of = Of.PARAMETERS, after: Behind = "", limit: Limit = 100, _caller: Caller = reads
    ) -> models.Versions:
        """The newest version of each device, since when, and when it was seen last. after: the last name."""
        found = versions.running(fleet.database, of, after=after, limit=limit)
        return models.Versions(items=[models.RunningRow.model_validate(one) for one in found])

    @app.get("/v1/fleet/duty", tags=["reports"])
    def duty(
        version: Annotated[int, Query(ge=1, le=0xFFFF_FFFF)],
        published: Annotated[int, Query(ge=0, le=1 << 40, description="unix seconds")],
        within_days: Annotated[int, Query(ge=1, le=3650)] = versions.ADDED_DAYS,
        of: Of = Of.PARAMETERS,
        _caller: Caller = reads,
    ) -> models.Proofs:
        """Whether every enrolled device had a version, or a newer one, within so many days of its publication."""
        now = int(fleet.now())
        found = versions.prove(
            fleet.database, version, published=published, within_days=within_days, now=now, of=of
        )  # fmt: skip
        return models.Proofs(items=[models.ProofRow.model_validate(one) for one in found])

    @app.get("/v1/fleet/records", tags=["reports"])
    def records(
        after: Annotated[str, Query(max_length=exporting.CURSOR_MAX)] = "", _caller: Caller = reads
    ) -> models.Records:
        """Everything that is held, in the order in which it was stored. after: `next` of the answer before."""
        found = exporting.page(fleet.source, after)
        return models.Records(items=[_record(row) for row in found.rows], next=found.next, more=found.more)

    @app.get("/metrics", tags=["service"], response_class=Response)
    def metrics(_caller: Caller = reads) -> Response:
        """The metrics in Prometheus' text form."""
        if fleet.metrics is None:
            raise not_found(Text("this path: the extra `metrics` is not installed", "此路径（未安装 metrics 组件）"))
        return Response(fleet.metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _device(one: Any) -> models.DeviceRow:
    return models.DeviceRow(**one._asdict())


def _whole(cases: Cases, number: int) -> models.CaseWhole:
    case, decided = cases.found(number)
    record = as_mapping(case.sequence, bytes.fromhex(case.entry), bytes.fromhex(case.hash), reveal=False)
    return models.CaseWhole(
        **case._asdict(), record=record, decisions=[models.DecidedRow.model_validate(one) for one in decided]
    )


def _record(row: dict[str, Any]) -> models.RecordRow:
    content = base64.b64encode(row["entry"]).decode()
    return models.RecordRow(
        **row | {"content": content, "previous": row["previous"].hex(), "hash": row["hash"].hex()}
    )  # fmt: skip


# ---- refusals ------------------------------------------------------------------------------------------------------


def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    return error.response()


def _in_trouble(_request: Request, error: Exception) -> Response:
    assert isinstance(error, YimaError)
    if isinstance(error, (FleetTroubleError, SourceError)) or not isinstance(error, FleetError):
        return unavailable(Text("the collector's tables", "采集端数据")).response()
    status = 404 if isinstance(error, NotThereError) else 400 if error.thing == "after" else 409
    return RefusedError(status, "REFUSED", Text(error.thing, error.thing), error.problem, error.remedy).response()


class _Bounded:
    """Bodies of the fleet's own paths are small, and whole in time before anybody looks at the request; the others
    bound theirs themselves."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/v1/fleet"):
            try:
                async with asyncio.timeout(BODY_WITHIN_S):
                    body = await _received(dict(scope["headers"]), receive)
            except ClientDisconnect:
                return
            except TimeoutError:
                await _slow().response()(scope, receive, send)
                return
            except RefusedError as refused:
                await refused.response()(scope, receive, send)
                return
            receive = _again(body, receive)
        await self._app(scope, receive, send)


async def _received(headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
    """The body, counted as it comes, whatever its headers say. Raises RefusedError for one that is too large, or says
    so, ClientDisconnect."""
    length = headers.get(b"content-length", b"0")
    if not length.isdigit() or len(length) > 9 or int(length) > BODY_MAX:
        raise _large()
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > BODY_MAX:
            raise _large()
        if not message.get("more_body"):
            return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """Gives what was received once more, and then what comes."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def once_more() -> Message:
        return messages.pop() if messages else await receive()

    return once_more


def _large() -> RefusedError:
    return RefusedError(
        413,
        "BODY",
        Text("the body", "请求体"),
        Text(f"is larger than {BODY_MAX} bytes", f"超过 {BODY_MAX} 字节"),
        Text("Send the JSON that /openapi.json describes", "请发送 /openapi.json 所述的 JSON"),
        headers={"Connection": "close"},
    )


def _slow() -> RefusedError:
    return RefusedError(
        408,
        "SLOW",
        Text("the body", "请求体"),
        Text(f"took longer than {BODY_WITHIN_S:.0f} s", f"超过 {BODY_WITHIN_S:.0f} 秒未收完"),
        Text("Send it at once, all that the headers promise", "请一次发完请求头所声明的全部内容"),
        headers={"Connection": "close"},
    )
