"""A live board in a terminal: its events as lines, and Ctrl-C as its power switch."""

import json
import signal
from collections.abc import Callable
from typing import Any

from yima.validator.texts import Text, say

_WAITING = Text(
    "waits at its first instruction for gdb: target remote, then continue",
    "停在第一条指令，等待 gdb：target remote 后 continue",
)
_PINS = ("gate", "red", "green", "buzzer", "out-of-service")


class Stopped:
    """Ctrl-C and SIGTERM as a question to ask, so that the board is switched off in order."""

    def __enter__(self) -> Callable[[], bool]:
        self._asked = False
        self._before = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}
        return lambda: self._asked

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, *_: object) -> None:
        self._asked = True


class Screen:
    """Events as lines."""

    def __init__(self, as_json: bool) -> None:
        self._json = as_json
        self._pins = 0
        self._status = ""

    def __call__(self, event: dict[str, Any]) -> None:
        if self._json:
            print(json.dumps(event, ensure_ascii=False), flush=True)
            return
        for name, path in event.get("paths", {}).items():
            print(f"{name:10}{path}", flush=True)
        if "gdb" in event.get("paths", {}):
            print(f"board     {say(_WAITING)}", flush=True)
        if "status" in event:
            *lines, self._status = (self._status + event["status"]).split("\n")
            for line in lines:
                print(f"status    {line}", flush=True)
        for key in ("note", "state"):
            if key in event:
                print(f"board     {event[key]}", flush=True)
        if "pins" in event:
            for bit, name in enumerate(_PINS):
                if (event["pins"] ^ self._pins) >> bit & 1:
                    print(f"pin       {name} {'on' if event['pins'] >> bit & 1 else 'off'}", flush=True)
            self._pins = event["pins"]
