"""What a device tells its hardware, and what the hardware answers, each as one JSON line.

Gate mechanics, bus face and the link between them all speak of these values and of nothing else.

Rules it keeps:
- A line is hostile until it is parsed: at most LINE_MAX bytes, every member there, of its type, in its range.
- A command carries both languages, so that the hardware needs no table of reasons of its own.
"""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from yima.validator.outside import json_of
from yima.validator.texts import Text

LINE_MAX = 4096
FARE_MAX = 0xFFFFFF  # field 9, the cap on one trip, has three bytes: no fare is larger


class Verb(StrEnum):
    """The three things a device can tell its hardware."""

    OPEN = "open"
    REFUSE = "refuse"
    SHOW_AGAIN = "show again"


class BadLineError(ValueError):
    """The other end sent a line that is no command or no receipt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One order to the hardware.

    number: rises by one on a link, names the command in its receipt. reason: number of the verdict's reason. text: what
    the rider reads. fare_fen: what the ride costs, 0 when refused.
    """

    number: int
    verb: Verb
    reason: int
    text: Text
    fare_fen: int = 0

    def line(self) -> bytes:
        """The command as it goes over the link."""
        return _line(
            {
                "number": self.number,
                "verb": self.verb.value,
                "reason": self.reason,
                "en": self.text.en,
                "zh": self.text.zh,
                "fare_fen": self.fare_fen,
            }
        )

    @property
    def accepted(self) -> bool:
        """Whether it is good news for the rider; reason 0 is the only acceptance."""
        return self.reason == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The hardware's answer: it has the command.

    number: the command's. done: whether the hardware did what it was told; a gate in alarm does not open. state: the
    hardware's state afterwards, by its own name for it.
    """

    number: int
    done: bool
    state: str

    def line(self) -> bytes:
        """The receipt as it goes over the link."""
        return _line({"receipt": self.number, "done": self.done, "state": self.state})


def parse_command(line: bytes) -> Command:
    """The command in a line. Raises BadLineError."""
    members = _members(line)
    verb = _text(members, "verb")
    if verb not in list(Verb):
        raise BadLineError(f"no such verb: {verb[:40]!r}")
    return Command(
        number=_number(members, "number", 1 << 53),
        verb=Verb(verb),
        reason=_number(members, "reason", 0xFFFF),
        text=Text(_text(members, "en"), _text(members, "zh")),
        fare_fen=_number(members, "fare_fen", FARE_MAX),
    )


def parse_receipt(line: bytes) -> Receipt:
    """The receipt in a line. Raises BadLineError."""
    members = _members(line)
    done = members.get("done")
    if not isinstance(done, bool):
        raise BadLineError("done is not true or false")
    return Receipt(number=_number(members, "receipt", 1 << 53), done=done, state=_text(members, "state"))


def _line(members: dict[str, Any]) -> bytes:
    return json.dumps(members, ensure_ascii=False).encode() + b"\n"


def _members(line: bytes) -> dict[str, Any]:
    if len(line) > LINE_MAX:
        raise BadLineError(f"longer than {LINE_MAX} bytes")
    try:
        members = json_of(line)
    except ValueError as error:
        raise BadLineError("not a JSON line") from error
    if not isinstance(members, dict):
        raise BadLineError("not a JSON object")
    return members


def _number(members: dict[str, Any], name: str, maximum: int) -> int:
    value = members.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= maximum:
        raise BadLineError(f"{name} is not a number from 0 to {maximum}")
    return value


def _text(members: dict[str, Any], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str):
        raise BadLineError(f"{name} is not a text")
    return value
