"""Refusals as problem documents (RFC 9457): each names the thing, says what is wrong and what to do, in both languages.

Nothing of a key, and nothing that a caller sent but the name of a parameter, is repeated in one.
"""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from yima.validator.shown import shown
from yima.validator.texts import Text

MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """Why a request was refused, RFC 9457; what is wrong and what to do, in English and Chinese."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(description="urn:yima:problem: and the code", examples=["urn:yima:problem:KEY"])
    status: int
    code: str = Field(description="the problem in one word, which stays", examples=["KEY"])
    thing: str = Field(description="what is meant: a parameter, a header, a day")
    title: str
    title_zh: str
    detail: str = Field(description="what to do")
    detail_zh: str


class RefusedError(Exception):
    """A request that is refused. code: one word that stays. thing: as the caller knows it."""

    def __init__(
        self,
        status: int,
        code: str,
        thing: Text,
        problem: Text,
        remedy: Text,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {thing.en}")
        self.status, self.code, self.thing = status, code, thing
        self.problem, self.remedy = problem, remedy
        self.headers = dict(headers or {})

    def document(self) -> dict[str, Any]:
        """The problem document."""
        en, zh = shown(self.thing.en, 80), shown(self.thing.zh, 80)
        return Problem(
            type=f"urn:yima:problem:{self.code}",
            status=self.status,
            code=self.code,
            thing=en,
            title=f"{en} {self.problem.en}",
            title_zh=f"{zh}：{self.problem.zh}",
            detail=f"{self.remedy.en}.",
            detail_zh=f"{self.remedy.zh}。",
        ).model_dump()

    def content(self) -> bytes:
        """The same as bytes."""
        return json.dumps(self.document(), ensure_ascii=False).encode()

    def response(self) -> Response:
        """The answer."""
        headers = {"Cache-Control": "no-store", **self.headers}
        return Response(self.content(), self.status, headers=headers, media_type=MEDIA_TYPE)


def wrong_key() -> RefusedError:
    """Without a key that holds nothing is told, not even whether there is such a path."""
    return RefusedError(
        401,
        "KEY",
        Text("the header Authorization", "请求头 Authorization"),
        Text("holds no key that is in force", "没有有效密钥"),
        Text(
            "Send Authorization: Bearer and a key of yima centre keys make",
            "请发送 Authorization: Bearer 及 yima centre keys make 生成的密钥",
        ),
        headers={"WWW-Authenticate": 'Bearer realm="yima"'},
    )


def wrong_role(path: str, role: str) -> RefusedError:
    """A key of another role."""
    return RefusedError(
        403,
        "ROLE",
        Text(path, path),
        Text(f"is not for a key of role {role}", f"不对角色 {role} 开放"),
        Text("docs/region.md says what each role sees", "各角色所见见 docs/region.md"),
    )


def not_found(thing: Text) -> RefusedError:
    """Nothing of that name for this caller."""
    return RefusedError(
        404,
        "NOT_FOUND",
        thing,
        Text("is not there for this key", "对此密钥不存在"),
        Text("Look into /openapi.json, or list what there is", "请查看 /openapi.json 或先列出已有内容"),
    )


def unavailable(thing: Text) -> RefusedError:
    """Something of the centre's that cannot be read; which file it is, its own people are told."""
    return RefusedError(
        503,
        "UNAVAILABLE",
        thing,
        Text("cannot be read at the moment", "暂时无法读取"),
        Text("Try again later; the centre has been told", "请稍后重试，清分中心已获知"),
        headers={"Retry-After": "30"},
    )


def check_parameters(request: Request) -> None:
    """Asked for by a route's dependency: a slip in a name would be a default in silence. Raises RefusedError for a
    parameter that the route does not know, or that comes twice."""
    known = {parameter.alias for parameter in request.scope["route"].dependant.query_params}
    names = [name for name, _ in request.query_params.multi_items()]
    for name in names:
        if name not in known or names.count(name) > 1:
            raise RefusedError(
                422,
                "PARAMETER",
                Text(f"the parameter {name or 'without a name'}", f"参数 {name or '（无名称）'}"),
                Text("is not known here, or comes twice", "在此未知，或重复"),
                Text(
                    "Send the parameters that /openapi.json names, each once",
                    "请只发送 /openapi.json 所列参数，每个一次",
                ),
            )
