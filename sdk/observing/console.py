"""The console of a running device or collector: a page that shows what happens as it happens, and changes nothing.

Rules:
- No tap waits for it: what happens is put in a row of a fixed length, and made into JSON only where somebody asks, on
  the thread that answers. Who asks too seldom misses some, and the page says how many.
- It says what `--json` says: accounts masked, no secret.
- Beyond this machine it asks for a token. On this machine it answers only to this machine's names, so that no page of
  another site gets at it by a name of its own that leads here.
"""

import hmac
import ipaddress
import itertools
import json
import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from yima.sdk.line_words import in_chinese
from yima.sdk.listening import ServingError
from yima.sdk.observing.endpoint import Endpoint, Page, address_of
from yima.sdk.observing.seen import Looking
from yima.sdk.tap_lines import HAPPENINGS, notice_as_mapping, tap_as_mapping
from yima.validator.errors import YimaError
from yima.validator.happenings import Notice, Tap
from yima.validator.outside import text_of
from yima.validator.texts import Text
from yima.validator.version import VERSION

KEPT: Final = 200
TOKEN_LEAST: Final = 16
_FOLDER: Final = Path(__file__).resolve().parents[1] / "web" / "console"
_HEADERS: Final = (
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options: nosniff",
    "Referrer-Policy: no-referrer",
    "Cache-Control: no-store",
)
_FILES: Final = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/console.js": ("console.js", "text/javascript; charset=utf-8"),
    "/texts.js": ("texts.js", "text/javascript; charset=utf-8"),
    "/console.css": ("console.css", "text/css; charset=utf-8"),
}
_STATE: Final = "/state.json"

Event = Mapping[str, Any]


class Console:
    """The page and what it shows. about: what does not change; look: how it stands now, on the thread that answers.

    Raises ServingError where the port cannot be had, or others than this machine would see it without a token.
    """

    def __init__(
        self,
        address: str,
        about: Event,
        *,
        token_file: Path | None = None,
        look: Callable[[], Event],
        on_trouble: Callable[[YimaError], None],
    ) -> None:
        host, port = address_of(address)
        token = None if token_file is None else _token_in(token_file)
        if token is None and not _is_here(host):
            raise ServingError(
                address,
                Text("others than this machine could see every tap", "本机以外的人可看到每次刷码"),
                Text(
                    "Give --console-token FILE as well, or the address 127.0.0.1",
                    "请同时给出 --console-token 文件，或使用 127.0.0.1",
                ),
            )
        self._about = {**about, "version": VERSION, "run": secrets.token_hex(8)}  # events are numbered anew in each
        self._look = look
        self._events: deque[tuple[int, Callable[[], Event]]] = deque(maxlen=KEPT)
        self._told: dict[int, str] = {}  # made once: a viewer shall cost the loop of a tap little
        self._numbers = itertools.count(1)
        pages = {path: Page(kind, (_FOLDER / name).read_bytes, _HEADERS) for path, (name, kind) in _FILES.items()}
        pages[_STATE] = Page("application/json", self._state, _HEADERS)

        def guard(path: str, headers: Mapping[str, str]) -> str | None:
            if token is None:
                return None if _is_here(_name_in(headers.get("host", ""))) else "421 Misdirected Request"
            given = headers.get("authorization", "").encode()
            is_right = path != _STATE or hmac.compare_digest(given, b"Bearer " + token)
            return None if is_right else "401 Unauthorized"

        self.endpoint = Endpoint((host, port), pages, on_trouble=on_trouble, name="yima-console", guard=guard)

    def happened(self, make: Callable[[], Event]) -> None:
        """One thing; `make` is called where somebody asks for it, on the thread that answers. Returns at once."""
        self._events.append((next(self._numbers), make))

    def _state(self) -> bytes:
        while True:
            try:
                events = list(self._events)
                break
            except RuntimeError:  # one more has come meanwhile
                continue
        told = self._told
        self._told = {number: told.get(number) or _json({"number": number, **make()}) for number, make in events}
        standing = _json({"about": self._about, "now": time.time(), "standing": self._look()})
        return f'{standing[:-1]}, "events": [{", ".join(self._told.values())}]}}'.encode("utf-8", "replace")


class DeviceConsole:
    """The console of one run of a device: an observer like the metrics."""

    def __init__(
        self, address: str, device: str, *, token_file: Path | None, on_trouble: Callable[[YimaError], None]
    ) -> None:
        self._looking: Looking | None = None
        self._turned_at: Callable[[], float] = lambda: 0.0
        self._console = Console(
            address,
            {"kind": "device", "name": device},
            token_file=token_file,
            look=self._look,
            on_trouble=on_trouble,
        )

    def start(self, looking: Looking, turned_at: Callable[[], float]) -> None:
        """Begins to answer, with looks at this device."""
        self._looking, self._turned_at = looking, turned_at
        self._console.endpoint.start()

    def tap(self, tap: Tap) -> None:
        """One presentation."""
        self._console.happened(lambda: tap_as_mapping(tap) | _faults_in_chinese(tap))

    def notice(self, notice: Notice) -> None:
        """What happened besides."""
        at, text = int(time.time()), HAPPENINGS[notice.happening]
        self._console.happened(lambda: {"at": at, **notice_as_mapping(notice), "english": text.en, "chinese": text.zh})

    def turned(self) -> None:
        """The loop of a tap has turned."""
        self._console.endpoint.look()

    def stop(self) -> None:
        """Frees the port."""
        self._console.endpoint.stop()

    def _look(self) -> Event:
        assert self._looking is not None  # nothing is asked before `start`
        age_s = max(0.0, time.monotonic() - self._turned_at())
        seen = self._looking.look()
        named = {"memory": seen.memory._asdict(), "threads": [thread._asdict() for thread in seen.threads]}
        return {**asdict(seen), **named, "loop_age_s": round(age_s, 1)}


def _faults_in_chinese(tap: Tap) -> dict[str, Any]:
    return {"faults_zh": [*map(in_chinese, tap.faults)]} if tap.faults else {}


def _json(what: Event) -> str:
    return json.dumps(what, ensure_ascii=False, default=str)


def _is_here(host: str) -> bool:
    """Whether it means this machine: an address does whoever names it, a name of another site never."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _name_in(host: str) -> str:
    """Of a Host header, without the port."""
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]


def _token_in(path: Path) -> bytes:
    try:
        token = text_of(path).strip()
    except (OSError, UnicodeDecodeError) as error:
        why = Text("the token cannot be read", "无法读取令牌")
        raise ServingError(str(path), why, Text("Check the path", "请检查路径")) from error
    if len(token) < TOKEN_LEAST or not (token.isascii() and token.isprintable()) or " " in token:
        why = Text(f"no token of at least {TOKEN_LEAST} characters", f"不是至少 {TOKEN_LEAST} 个字符的令牌")
        remedy = Text("Write one line into it: openssl rand -hex 16", "请写入一行：openssl rand -hex 16")
        raise ServingError(str(path), why, remedy)
    return token.encode()
