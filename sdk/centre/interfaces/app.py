"""The region's read interfaces as an ASGI application (FastAPI); /openapi.json describes it, made from the types."""

import time
from collections.abc import Callable

from fastapi import Depends, FastAPI, Request
from fastapi.security import HTTPBearer
from starlette.responses import Response
from starlette.types import ASGIApp

from yima.sdk.centre.clearing.folder import CentreFolder
from yima.sdk.centre.interfaces import routes_audit, routes_institutions, routes_riders
from yima.sdk.centre.interfaces.answers import answer_as_problems
from yima.sdk.centre.interfaces.desk import Desk
from yima.sdk.centre.interfaces.gatekeeper import Event, Gatekeeper
from yima.sdk.centre.interfaces.keys import KEYS, read_keys
from yima.sdk.centre.interfaces.problems import RefusedError, unavailable
from yima.sdk.centre.interfaces.watched import Watched
from yima.validator.errors import YimaError
from yima.validator.texts import Text
from yima.validator.version import VERSION

PER_MINUTE = 600
_DESCRIPTION = """What institutions, cities, auditors and services may read of the region's clearing. Sums are whole
fen, moments unix seconds UTC, days local dates (UTC+8). Refusals are problem documents (RFC 9457), in English and
Chinese.
清分数据查询接口：金额为分，时刻为 Unix 秒（UTC），日期为本地日期（UTC+8）；拒绝时返回问题文档（RFC 9457）。"""


def interfaces(
    folder: CentreFolder,
    *,
    per_minute: int = PER_MINUTE,
    on_event: Callable[[Event], None] = lambda event: None,
    now: Callable[[], float] = time.time,
    clock: Callable[[], float] = time.monotonic,
) -> ASGIApp:
    """The application over a centre's folder. per_minute: requests of each key. on_event: told of requests and trouble,
    without accounts or keys. now: unix seconds; clock: monotonic seconds."""
    desk = Desk(folder, now)
    keys = Watched(folder.path / KEYS, read_keys)
    return Gatekeeper(
        application(desk, on_event), keys, per_minute=per_minute, on_event=on_event, now=now, clock=clock
    )  # fmt: skip


def application(desk: Desk, on_event: Callable[[Event], None]) -> FastAPI:
    """The application behind the gatekeeper, which has set `state.key`."""
    # The scheme is declared for the document; the gatekeeper has looked at the key before anything comes here.
    bearer = Depends(HTTPBearer(auto_error=False, description="a key of `yima centre keys make`"))
    app = FastAPI(
        title="Yima: the region's interfaces",
        version=VERSION,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[bearer],
    )
    for module in (routes_institutions, routes_riders, routes_audit):
        app.include_router(module.routes(desk))

    def refused(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RefusedError)
        return error.response()

    def in_trouble(_request: Request, error: Exception) -> Response:
        on_event({"event": "trouble", "why": str(error)})
        return unavailable(Text("something of the centre's", "清分中心的数据")).response()

    app.add_exception_handler(RefusedError, refused)
    app.add_exception_handler(YimaError, in_trouble)
    app.add_exception_handler(OSError, in_trouble)
    answer_as_problems(app)
    return app
