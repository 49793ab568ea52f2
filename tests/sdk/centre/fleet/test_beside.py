"""The fleet's interface beside a collector: made when it is asked for, and nothing that takes trips needs it."""

import asyncio

import httpx
from starlette.responses import JSONResponse
from starlette.types import ASGIApp

from yima.sdk.centre.fleet.beside import Beside
from yima.validator.errors import YimaError


def statuses(app: ASGIApp, *paths: str) -> list[int]:
    async def asked() -> list[int]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://collector") as client:
            return [(await client.get(path)).status_code for path in paths]

    return asyncio.run(asked())


def test_the_collectors_own_paths_make_nothing_and_the_others_make_it_once() -> None:
    made: list[int] = []

    def make() -> ASGIApp:
        made.append(1)
        return JSONResponse({}, 202)

    app = Beside(JSONResponse({}, 201), make, stopping=lambda: None, on_trouble=lambda error: None)
    assert statuses(app, "/health", "/ready", "/devices", "/v1/devices/gate-7/7", "/v1/batches") == [201] * 5
    assert made == []
    assert statuses(app, "/metrics", "/v1/fleet/cases", "/devices/") == [202] * 3
    assert made == [1]


def test_a_part_that_is_not_installed_is_named_once_and_trips_are_taken() -> None:
    told: list[YimaError] = []

    def make() -> ASGIApp:
        raise ModuleNotFoundError(name="fastapi")

    app = Beside(JSONResponse({}, 201), make, stopping=lambda: None, on_trouble=told.append)
    assert statuses(app, "/metrics", "/metrics", "/health") == [503, 503, 201]
    (error,) = told
    assert "fastapi" in str(error)
