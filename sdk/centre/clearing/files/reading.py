"""Reading files of fixed-width lines: every character is looked at, what is wrong is named with its line.

Bytes that others sent are hostile until they are read; nothing is half read.
"""

from dataclasses import dataclass
from pathlib import Path

from yima.sdk.centre.clearing.days import is_day
from yima.sdk.centre.clearing.files.layouts import (
    FILLER,
    HEADER_SIZE,
    LAYOUTS,
    NAME,
    RECORDS_MAX,
    VERSION,
    Field,
    Kind,
    record_size,
)
from yima.validator.errors import YimaError
from yima.validator.outside import bytes_of
from yima.validator.texts import Text

FILE_MAX = HEADER_SIZE + 1 + RECORDS_MAX * (max(map(record_size, LAYOUTS)) + 1)
"""Bytes of the largest file that there is."""


class ClearingFileError(YimaError):
    """A file that is not what the clearing exchanges."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearingFile:
    """One file. organisation: its 8 digits, of which the name has the last 7. records: field by name; numbers are int,
    text without blanks behind it."""

    kind: str
    day: int
    organisation: str
    sequence: int
    records: tuple[dict[str, str | int], ...]


def read_file(path: Path) -> ClearingFile:
    """The file at `path`, under its own name. Raises ClearingFileError."""
    try:
        content = bytes_of(path, FILE_MAX)
    except OSError as error:
        raise _wrong(str(path), 0, Text(f"cannot be read: {error.strerror}", f"无法读取：{error.strerror}")) from error
    return parse_file(path.name, content)


def parse_file(name: str, content: bytes) -> ClearingFile:
    """The same from bytes. Raises ClearingFileError."""
    match = NAME.fullmatch(name)
    if match is None:
        raise _wrong(name, 0, Text("has not the name of a clearing file", "文件名不合规范"))
    kind = match[1]
    try:
        text = content.decode("ascii")
    except UnicodeDecodeError as error:
        at = content.count(b"\n", 0, error.start) + 1
        raise _wrong(name, at, Text("holds a byte that is not ASCII", "含有非 ASCII 字节")) from error
    first, _, rest = text.partition("\n")
    if not text.endswith("\n") or len(first) != HEADER_SIZE:
        raise _wrong(name, 1, Text("is no first line, or the last line has no end", "首行不合规范，或末行未结束"))
    digits = first[2:31]
    size = record_size(kind)
    if first[:2] != VERSION or first[31:] != FILLER or not digits.isdecimal():
        raise _wrong(name, 1, Text("is no first line of this version", "首行版本或格式不符"))
    day = int(digits[6:14])
    if int(digits[25:29]) != size or int(digits[:6]) != rest.count("\n") or day != 20_000_000 + int(match[2]):
        raise _wrong(name, 1, Text("says another day, length or count", "日期、记录长度或条数不符"))
    if not is_day(day):
        raise _wrong(name, 1, Text("says a day that there is not", "日期不存在"))
    organisation = digits[17:25]
    if digits[14:17] != "000" or organisation[1:] != match[3]:
        raise _wrong(name, 1, Text("says another organisation than the name", "机构与文件名不符"))
    return ClearingFile(
        kind=kind,
        day=day,
        organisation=organisation,
        sequence=int(match[4]),
        records=tuple(parse_record(name, at, kind, record) for at, record in enumerate(rest.split("\n")[:-1], 2)),
    )


def parse_record(name: str, at: int, kind: str, record: str) -> dict[str, str | int]:
    """One line of a file, without its end; `at` is its number. Raises ClearingFileError."""
    if len(record) != record_size(kind):
        raise _wrong(name, at, Text("has not the length that the first line says", "长度与首行不符"))
    values: dict[str, str | int] = {}
    start = 0
    for field in LAYOUTS[kind]:
        values[field.name] = _value(name, at, field, record[start : start + field.width])
        start += field.width
    return values


def _value(name: str, at: int, field: Field, text: str) -> str | int:
    if field.kind is Kind.TEXT:
        if (text.startswith(" ") and text.strip()) or not text.isprintable():
            raise _wrong(name, at, Text(f"{field.name} is no text", f"{field.name} 不是文本"))
        return text.rstrip(" ")
    digits = text[1:] if field.kind is Kind.SIGNED else text
    if not (digits.isdecimal() and (field.kind is Kind.NUMBER or text[0] in "+-")):
        raise _wrong(name, at, Text(f"{field.name} is no number", f"{field.name} 不是数字"))
    return int(text)


def _wrong(name: str, line: int, problem: Text) -> ClearingFileError:
    where = f"{name}: line {line}" if line else name
    return ClearingFileError(where, problem, Text("Ask the sender for the file again", "请发送方重新发送"))
