"""TOML that people edit, value by value: what is wrong is named by file, table and key.

A key that is not known is an error: a slip of typing must not switch a rule off. Dates are days in UTC+8, written
without quotes; as numbers they are 20260801.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, NoReturn

from yima.validator.errors import YimaError
from yima.validator.outside import text_of, toml_of
from yima.validator.texts import Text

ALWAYS, FOR_EVER = 0, 99999999
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,30}")


class TermsError(YimaError):
    """Rules or rates of the centre that cannot be used."""


class Row:
    """One table of the file; every key that is asked for counts as known."""

    def __init__(self, values: Mapping[str, Any], where: str) -> None:
        self._values = dict(values)
        self._asked: set[str] = set()
        self.where = where

    def refuse(self, key: str, english: str, chinese: str) -> NoReturn:
        """Raises TermsError that names this key and says what belongs there."""
        shown = _shown(self._values.get(key))
        there = Text(f"{shown} is not what belongs here", f"{shown} 不是此处应有的值")
        problem = there if key in self._values else Text("is missing", "缺失")
        raise TermsError(f"{self.where}, {key}", problem, Text(f"Write {english}", f"请写{chinese}"))

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        self._asked.add(key)
        return key in self._values

    def number(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """A whole number within the bounds."""
        if not self.has(key) and default is not None:
            return default
        value = self._values.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            self.refuse(key, f"a whole number from {low} to {high}", f"{low} 到 {high} 的整数")
        return value

    def name(self, key: str) -> str:
        """A rule's name: small letters, digits, dots, dashes, underscores; at most 31."""
        value = self._values.get(key) if self.has(key) else None
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            self.refuse(key, "a name of small letters, digits, dots and dashes", "小写字母、数字、点、连字符组成的名称")
        return value

    def party(self, key: str) -> str:
        """8 digits, in quotes."""
        value = self._values.get(key) if self.has(key) else None
        if not isinstance(value, str) or not re.fullmatch("[0-9]{8}", value):
            self.refuse(key, "8 digits in quotes", "带引号的 8 位数字")
        return value

    def word(self, key: str, pattern: re.Pattern[str], english: str, chinese: str) -> str:
        """A text of this form."""
        value = self._values.get(key) if self.has(key) else None
        if not isinstance(value, str) or not pattern.fullmatch(value):
            self.refuse(key, english, chinese)
        return value

    def words(self, key: str, pattern: re.Pattern[str], english: str, chinese: str) -> tuple[str, ...]:
        """Texts of this form, at least one, each once."""
        value = self._values.get(key) if self.has(key) else None
        good = isinstance(value, list) and all(isinstance(one, str) and pattern.fullmatch(one) for one in value)
        if not isinstance(value, list) or not good or not value or len(set(value)) != len(value):
            self.refuse(key, english, chinese)
        return tuple(value)

    def numbers(self, key: str, low: int, high: int) -> tuple[int, ...]:
        """Whole numbers within the bounds, at least one, each once."""
        value = self._values.get(key) if self.has(key) else None
        good = isinstance(value, list) and all(type(one) is int and low <= one <= high for one in value)
        if not isinstance(value, list) or not good or not value or len(set(value)) != len(value):
            self.refuse(key, f"whole numbers from {low} to {high}, each once", f"{low} 到 {high} 的整数，不重复")
        return tuple(value)

    def flag(self, key: str) -> bool:
        """True or false; false when it is not there."""
        value = self._values.get(key) if self.has(key) else False
        if not isinstance(value, bool):
            self.refuse(key, "true or false", "true 或 false")
        return value

    def choice(self, key: str, known: Sequence[str], default: str | None = None) -> str:
        """One of these words."""
        value = self._values.get(key, default) if self.has(key) or default is not None else None
        if value not in known:
            self.refuse(key, "one of " + ", ".join(known), "其中之一：" + "、".join(known))
        return str(value)

    def choices(self, key: str, known: Sequence[str]) -> tuple[str, ...]:
        """Some of these words, each once."""
        value = self._values.get(key) if self.has(key) else None
        if not isinstance(value, list) or not value or any(word not in known for word in value):
            self.refuse(key, "some of " + ", ".join(known), "其中若干：" + "、".join(known))
        if len(set(value)) != len(value):
            self.refuse(key, "a list, nothing twice", "无重复的列表")
        return tuple(value)

    def period(self) -> tuple[int, int]:
        """`from` and `to` as numbers of days; `to` is the first day on which the row holds no more."""
        since, until = self._day("from", ALWAYS), self._day("to", FOR_EVER)
        if since >= until:
            self.refuse("to", "a day behind `from`", "晚于 from 的日期")
        return since, until

    def rows(self, key: str) -> list["Row"]:
        """The tables of an array."""
        value = self._values.get(key, []) if self.has(key) else []
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            self.refuse(key, f"[[{key}]] tables", f"[[{key}]] 表")
        return [Row(one, f"{self.where}: [[{key}]] {place}") for place, one in enumerate(value, 1)]

    def table(self, key: str) -> "Row":
        """One table; an empty one when it is not there."""
        value = self._values.get(key, {}) if self.has(key) else {}
        if not isinstance(value, dict):
            self.refuse(key, f"a table [{key}]", f"表 [{key}]")
        return Row(value, f"{self.where}: [{key}]")

    def end(self) -> None:
        """Raises TermsError for a key that nobody asked for."""
        for key in self._values:
            if key not in self._asked:
                raise TermsError(
                    f"{self.where}, {key}",
                    Text("is not known here", "此处未知"),
                    Text("Check the spelling, or take it out", "请检查拼写，或将其删去"),
                )

    def _day(self, key: str, default: int) -> int:
        if not self.has(key):
            return default
        value = self._values[key]
        if not isinstance(value, date) or isinstance(value, datetime):
            self.refuse(key, "a day without quotes, as 2024-01-01", "不带引号的日期，如 2024-01-01")
        return value.year * 10000 + value.month * 100 + value.day


def read(path: Path) -> Row:
    """The whole file as one table. Raises TermsError."""
    try:
        text = text_of(path)
    except (OSError, UnicodeDecodeError) as error:
        raise TermsError(path, Text(f"cannot be read: {error}", f"无法读取：{error}"), _CHECK) from error
    return parse(text, str(path))


def parse(text: str, where: str) -> Row:
    """The same from text. Raises TermsError."""
    try:
        return Row(toml_of(text), where)
    except tomllib.TOMLDecodeError as error:
        raise TermsError(where, Text(f"is no TOML: {error}", f"不是 TOML：{error}"), _CHECK) from error
    except ValueError as error:  # what Python itself does not take
        raise TermsError(
            where, Text("has a number or a nesting that is too long", "含有过长的数字或过深的嵌套"), _CHECK
        ) from error


def refuse_overlaps(rows: Sequence[tuple[tuple[object, ...], int, int, str]], what: Text) -> None:
    """(what the row is for, since, until, where): no two for the same thing on the same day. Raises TermsError."""
    held: dict[tuple[object, ...], list[tuple[int, int, str]]] = {}
    for key, since, until, where in rows:
        for other_since, other_until, other in held.setdefault(key, []):
            if since < other_until and other_since < until:
                raise TermsError(
                    where,
                    Text(f"{what.en} as {other}, on the same days", f"与 {other} {what.zh}，且日期重叠"),
                    Text("End one before the other begins", "请使其中一条先结束"),
                )
        held[key].append((since, until, where))


def _shown(value: object) -> str:
    try:
        return repr(value)[:40]
    except ValueError:  # a whole number of more digits than Python writes
        return "…"


_CHECK = Text("Check the path and what is written there", "请检查路径与内容")
