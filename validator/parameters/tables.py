"""Values that a person wrote, taken from tables one by one: for every door through which TOML comes in.

Rules it keeps:
- An error names the source and the key, shows what stands there and says what belongs there.
- A key that nobody takes is an error: a slip of typing.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from yima.validator.errors import ParametersError
from yima.validator.parameters.rules import Mode
from yima.validator.texts import Text


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the parameters a value stands, for errors."""

    source: str
    key: str = ""

    def at(self, key: str) -> "Place":
        """The place of a key below this one."""
        return Place(self.source, f"{self.key}.{key}" if self.key else key)

    def refuse(self, problem: Text, remedy: Text) -> NoReturn:
        """Raises ParametersError that names this place."""
        raise ParametersError(f"{self.source}: {self.key}" if self.key else self.source, problem, remedy)

    def expected(self, value: object, english: str, chinese: str) -> NoReturn:
        """Raises ParametersError that shows the value and says what belongs here."""
        try:
            shown = repr(value)
        except ValueError:  # Python writes no number of more than 4300 digits
            shown = hex(value) if isinstance(value, int) else "…"
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        self.refuse(
            Text(f"{shown} is not what belongs here", f"{shown} 不是此处应有的值"),
            Text(f"Write {english}", f"请写{chinese}"),
        )


class Table:
    """A table whose keys are taken one by one; what is left over at the end is unknown."""

    def __init__(self, values: object, place: Place) -> None:
        if not isinstance(values, Mapping):
            place.expected(values, "a table", "一个表")
        self._values = {str(key): value for key, value in values.items()}
        self._known: list[str] = []
        self.place = place

    def take(self, key: str) -> object:
        """The value, or None if there is no such key."""
        self._known.append(key)
        return self._values.get(key)

    def has(self, key: str) -> bool:
        """Whether there is such a key."""
        return key in self._values

    def number(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """A whole number within the bounds, else the default if the key is not there."""
        value = self.take(key)
        return default if value is None and default is not None else number(value, self.place.at(key), low, high)

    def bytes_set(self, key: str, default: Sequence[int]) -> Sequence[int]:
        """A list of numbers from 0 to 255, else the default."""
        value = self.take(key)
        return default if value is None else numbers(value, self.place.at(key), 0, 255)

    def digits(self, key: str) -> str:
        """8 digits: an organisation, a platform."""
        value = self.take(key)
        if not isinstance(value, str) or not re.fullmatch(r"[0-9]{8}", value):
            self.place.at(key).expected(value, "8 digits in quotes", "引号内的 8 位数字")
        return value

    def tables(self, key: str) -> "list[Table]":
        """Each of a list of tables; none if the key is not there."""
        place = self.place.at(key)
        return [Table(value, place.at(str(i))) for i, value in enumerate(items(self.take(key) or [], place), start=1)]

    def done(self) -> None:
        """Refuses keys that nobody took."""
        for key in self._values:
            if key not in self._known:
                known = ", ".join(self._known)
                self.place.at(key).refuse(
                    Text("no such key", "没有这个键"), Text(f"Known here: {known}", f"此处可用：{known}")
                )


def items(value: object, place: Place) -> Sequence[object]:
    """A list."""
    if not isinstance(value, list | tuple):
        place.expected(value, "a list", "一个列表")
    return value


def number(value: object, place: Place, low: int, high: int) -> int:
    """A whole number within the bounds; True and False are none."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        place.expected(value, f"a whole number from {low} to {high}", f"{low} 到 {high} 的整数")
    return value


def numbers(value: object, place: Place, low: int, high: int) -> tuple[int, ...]:
    """A list of such numbers."""
    return tuple(number(item, place, low, high) for item in items(value, place))


def hex_bytes(value: object, place: Place, size: int) -> bytes:
    """That many bytes, written in hex."""
    if not isinstance(value, str) or not re.fullmatch(rf"[0-9A-Fa-f]{{{2 * size}}}", value):
        place.expected(value, f"{size} bytes as {2 * size} hex digits", f"{size} 字节，即 {2 * size} 位十六进制数")
    return bytes.fromhex(value)


def modes_of(value: object, place: Place) -> tuple[Mode, ...]:
    """One mode or both."""
    found = items(value, place)
    if not found or not all(item in tuple(Mode) for item in found):
        place.expected(value, 'a list of "bus" and "metro"', '"bus"、"metro" 的列表')
    return tuple(Mode(str(item)) for item in found)
