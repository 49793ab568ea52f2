"""The page of `yima phone` as a web application: fresh test codes, for whoever reaches it.

Rules it keeps:
- It gives out test codes, their parameters and roots, and no private key; nothing is written, nothing is remembered.
- What is chosen stands in the address; anything that it does not know is answered 400, in both languages.
- Nothing is fetched from elsewhere: a strict content security policy says so to the browser.
- A code is made at most once a second for each choice.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from yima.sdk.phone.lab import LAB, ORGANISATION, PLATFORM, RIDERS, Phones
from yima.sdk.phone.page import page
from yima.sdk.phone.pictures import Style, png
from yima.sdk.qr import LEVELS, Level
from yima.sdk.trial_parameters import toml
from yima.validator.texts import Text

MADE_BY: Final = "# Made by `yima phone`, for test codes alone 由 yima phone 生成，仅用于测试码"
_HERE: Final = Path(__file__).parent
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; img-src 'self' blob:; connect-src 'self'; script-src 'self'; "
    "style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What is shown. case: of the lab, 0: a good code; rider: from 1; every: seconds from code to code."""

    style: Style = Style.GOOD
    case: int = 0
    rider: int = 1
    level: Level = "L"
    every: int = 5

    @property
    def shown_level(self) -> Level:
        """That of the lab case where it has one."""
        return (LAB[self.case].level if self.case else None) or self.level


class ChoiceError(ValueError):
    """A choice that there is not. why: in both languages."""

    def __init__(self, why: Text) -> None:
        self.why = why
        super().__init__(why.en)


def chosen(asked: QueryParams, default: Choices) -> Choices:
    """What an address asks for. Raises ChoiceError."""
    if unknown := set(asked) - {"style", "case", "rider", "level", "every", "lang"}:
        name = min(unknown)[:20]
        raise ChoiceError(Text(f"there is no choice called {name!r}", f"没有选项 {name!r}"))
    numbers = {str(number): number for number in (0, *sorted(LAB))}
    level = asked.get("level", default.level)
    return Choices(
        style=Style(_one_of("style", asked.get("style", str(default.style)), [str(one) for one in Style])),
        case=numbers[_one_of("case", asked.get("case", str(default.case)), list(numbers))],
        rider=int(_one_of("rider", asked.get("rider", str(default.rider)), [*map(str, range(1, RIDERS + 1))])),
        level=next((one for one in LEVELS if one == _one_of("level", level, list(LEVELS))), "L"),
        every=int(_one_of("every", asked.get("every", str(default.every)), [*map(str, range(1, 61))])),
    )


def phone_app(
    phones: Phones, default: Choices, *, now: Callable[[], int] = lambda: int(time.time()),
    on_code: Callable[[Choices], None] = lambda _choices: None,
) -> Starlette:  # fmt: skip
    """The application, to be served. now: unix seconds UTC. on_code is told of each picture that is asked for."""
    drawn = lru_cache(64)(
        lambda choices, second: png(
            phones.code(choices.case, choices.rider, second), choices.style, choices.shown_level
        )
    )

    def picture(request: Request) -> Response:
        choices = chosen(request.query_params, default)
        on_code(choices)
        return _response(drawn(choices, now()), "image/png")

    def shown_page(request: Request) -> Response:
        choices = chosen(request.query_params, default)
        language = request.query_params.get("lang") or request.headers.get("accept-language", "en")
        return _response(page(choices, "zh" if language.lower().startswith("zh") else "en"), "text/html; charset=utf-8")

    def parameters(_request: Request) -> Response:
        text = toml(phones.roots, ORGANISATION, PLATFORM, made_by=MADE_BY)
        return _response(text.encode(), "text/plain; charset=utf-8")

    def roots(_request: Request) -> Response:
        return _response(b"".join(root.certificate for root in phones.roots), "application/octet-stream")

    def file(name: str, kind: str) -> Callable[[Request], Response]:
        content = (_HERE / name).read_bytes()
        return lambda _request: _response(content, f"{kind}; charset=utf-8")

    def refused(_request: Request, error: Exception) -> Response:
        why = error.why if isinstance(error, ChoiceError) else Text("", "")
        return _response(f"{why.en}\n{why.zh}\n".encode(), "text/plain; charset=utf-8", 400)

    return Starlette(
        routes=[
            Route("/", shown_page, methods=["GET"]),
            Route("/code.png", picture, methods=["GET"]),
            Route("/params.toml", parameters, methods=["GET"]),
            Route("/roots.bin", roots, methods=["GET"]),
            Route("/page.css", file("page.css", "text/css"), methods=["GET"]),
            Route("/page.js", file("page.js", "text/javascript"), methods=["GET"]),
        ],
        exception_handlers={ChoiceError: refused},
    )


def _one_of(name: str, value: str, among: list[str]) -> str:
    if value not in among:
        few = ", ".join(among) if len(among) < 9 else f"{among[0]} … {among[-1]}"
        said = repr(value[:20])
        raise ChoiceError(Text(f"{name} is no {said}: one of {few}", f"{name} 不能为 {said}：可用 {few}"))
    return value


def _response(content: bytes, kind: str, status: int = 200) -> Response:
    return Response(content, status, headers={**_HEADERS, "Content-Type": kind})
