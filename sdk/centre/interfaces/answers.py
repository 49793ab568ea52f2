"""How an application of the centre refuses what FastAPI itself finds wrong, and how its document says so."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from yima.sdk.centre.interfaces.problems import MEDIA_TYPE, RefusedError, not_found
from yima.validator.texts import Text


def answer_as_problems(app: FastAPI) -> None:
    """From now on its refusals are problem documents, and /openapi.json shows them under the media type they have."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _by_status)
    app.openapi = _described(app)  # type: ignore[method-assign]


def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    name = str(first["loc"][-1]) if first["loc"] else "body"
    return RefusedError(
        422,
        "PARAMETER",
        Text(f"the parameter {name}", f"参数 {name}"),
        Text(f"is not what belongs there: {first['msg']}", "不是此处应有的值"),
        Text("/openapi.json says what it may be", "允许的取值见 /openapi.json"),
    ).response()


def _by_status(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return not_found(Text("this path", "此路径")).response()
    return RefusedError(
        error.status_code,
        "METHOD" if error.status_code == 405 else "REQUEST",
        Text("this request", "此请求"),
        Text("is not one that is answered here", "不是此处可受理的请求"),
        Text("/openapi.json says which are", "可受理的请求见 /openapi.json"),
        headers=error.headers,
    ).response()


def _described(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """The document with refusals under the media type that they have."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = plain()
            for operations in document["paths"].values():
                for operation in operations.values():
                    for status, response in operation["responses"].items():
                        if int(status) >= 400 and "$ref" in str(response["content"]):
                            response["content"][MEDIA_TYPE] = response["content"].pop("application/json")
            for unused in ("HTTPValidationError", "ValidationError"):
                document["components"]["schemas"].pop(unused, None)
        assert app.openapi_schema is not None
        return app.openapi_schema

    return described
