"""The whitelist file of the ministry's platform: which institution's codes, made by which platform, are to be taken.

The form, a text file:
- its name: `BCBN`, a day as yymmdd, 24 digits, `A`;
- line 1: `01`;
- line 2: the number of records, 6 digits, and 20 letters `F`;
- then one line an institution: its code (8 digits), three spaces, the code-issuing platform's (8 digits).

Rules it keeps:
- Every line is checked; what is wrong is named with file, line and reason. Nothing is half read.
- What is written reads back as the same. Lines are written with LF; CR LF and a last line without its end are read too.
  What the 24 digits of the name mean is not public: they are kept as they are.
- The file knows no cities and no modes. Who takes it over into parameters says where each institution is at home.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from yima.validator.errors import ParametersError
from yima.validator.system.disk import write_whole
from yima.validator.texts import Text

FIRST_LINE = "01"
RECORDS_MAX = 999_999  # the count has six digits
_RECORD = re.compile(r"([0-9]{8})   ([0-9]{8})")
_COUNT = re.compile(r"([0-9]{6})F{20}")
_NAME = re.compile(r"BCBN([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{24})A")
_SIZE_MAX = (RECORDS_MAX + 2) * 28
# The least whitelist that the acceptance lab asks a terminal under test to hold.
LAB_MINIMUM = (
    ("00083010", "50083010"),
    ("01011000", "01011000"),
    ("01523990", "50023301"),
    ("09981001", "50023301"),
)


class WhitelistFileError(ParametersError):
    """A whitelist file that is not what the platform sends out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhitelistFile:
    """One whitelist. issued: the day in its name. serial: the 24 digits there. pairs: (institution, platform), 8 digits
    each, in the file's order. Values that no file could hold are the caller's mistake: ValueError."""

    issued: date
    serial: str
    pairs: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        if not re.fullmatch("[0-9]{24}", self.serial) or not 2000 <= self.issued.year <= 2099:
            raise ValueError("serial: 24 digits; issued: 2000 to 2099")
        if len(self.pairs) > RECORDS_MAX or not all(_RECORD.fullmatch("   ".join(pair)) for pair in self.pairs):
            raise ValueError("pairs: at most 999999, each of 8 and 8 digits")
        if len({institution for institution, _ in self.pairs}) != len(self.pairs):
            raise ValueError("pairs: an institution stands twice")

    @property
    def name(self) -> str:
        """The file's name."""
        return f"BCBN{self.issued:%y%m%d}{self.serial}A"

    def content(self) -> bytes:
        """The file's bytes."""
        lines = [FIRST_LINE, f"{len(self.pairs):06}{'F' * 20}", *("   ".join(pair) for pair in self.pairs)]
        return "".join(f"{line}\n" for line in lines).encode("ascii")

    def write(self, directory: Path) -> Path:
        """Writes it under its own name; returns the path. Raises WhitelistFileError."""
        path = directory / self.name
        try:
            write_whole(path, self.content(), 0o666)  # for whoever hands it on
        except OSError as error:
            raise WhitelistFileError(
                path,
                Text(f"cannot be written ({error.strerror})", f"无法写入（{error.strerror}）"),
                Text("Choose a directory that is there and may be written", "请选择可写的目录"),
            ) from error
        return path


def read_whitelist_file(path: Path) -> WhitelistFile:
    """The whitelist in a file that bears its proper name. Raises WhitelistFileError."""
    try:
        with path.open("rb") as file:
            content = file.read(_SIZE_MAX + 1)
    except OSError as error:
        raise WhitelistFileError(
            path,
            Text(f"cannot be read ({error.strerror})", f"无法读取（{error.strerror}）"),
            Text("Check the path and its permissions", "请检查路径与权限"),
        ) from error
    return parse_whitelist_file(path.name, content, str(path))


def parse_whitelist_file(name: str, content: bytes, thing: str = "") -> WhitelistFile:
    """The whitelist in these bytes. name: the file's own; thing: how errors call it. Raises WhitelistFileError."""
    thing = thing or name
    issued, serial = _named(name, thing)
    if len(content) > _SIZE_MAX:
        raise _wrong(thing, 0, Text("longer than any whitelist can be", "超出白名单文件的最大长度"))
    try:
        text = content.decode("ascii")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _wrong(thing, line, Text("holds a byte that is not ASCII", "含有非 ASCII 字节")) from error
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    lines = [line.removesuffix("\r") for line in lines]
    if not lines or lines[0] != FIRST_LINE:
        raise _wrong(thing, 1, Text(f"must be {FIRST_LINE}", f"应为 {FIRST_LINE}"))
    count = _COUNT.fullmatch(lines[1]) if len(lines) > 1 else None
    if count is None:
        raise _wrong(thing, 2, Text("must be a count of 6 digits and 20 F", "应为 6 位记录数与 20 个 F"))
    pairs = _pairs(lines[2:], thing)
    if len(pairs) != int(count[1]):
        said, there = int(count[1]), len(pairs)
        raise _wrong(thing, 2, Text(f"it says {said} records, there are {there}", f"声明 {said} 条，实有 {there} 条"))
    return WhitelistFile(issued=issued, serial=serial, pairs=tuple(pairs))


def compare(old: Iterable[tuple[str, str]], new: Iterable[tuple[str, str]]) -> tuple[list[str], list[str], list[str]]:
    """Institutions that came, that went, and whose platform changed, each sorted."""
    before, after = dict(old), dict(new)
    changed = [one for one in before.keys() & after.keys() if before[one] != after[one]]
    return sorted(after.keys() - before.keys()), sorted(before.keys() - after.keys()), sorted(changed)


def _named(name: str, thing: str) -> tuple[date, str]:
    match = _NAME.fullmatch(name)
    try:
        if match:
            return date(2000 + int(match[1]), int(match[2]), int(match[3])), match[4]
    except ValueError:  # its six digits are no day
        pass
    raise WhitelistFileError(
        thing,
        Text("the name is not BCBN, yymmdd, 24 digits, A", "文件名应为 BCBN、yymmdd、24 位数字、A"),
        Text("Keep the name under which the platform sent it", "请保留平台下发时的文件名"),
    )


def _pairs(lines: list[str], thing: str) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    first_at: dict[str, int] = {}
    for number, line in enumerate(lines, 3):
        match = _RECORD.fullmatch(line)
        if match is None:
            shown = repr(line if len(line) <= 40 else line[:40] + "…")
            raise _wrong(
                thing,
                number,
                Text(f"{shown} is not 8 digits, three spaces, 8 digits", f"{shown} 不是 8 位数字、三个空格、8 位数字"),
            )
        if match[1] in first_at:
            at = first_at[match[1]]
            raise _wrong(thing, number, Text(f"{match[1]} stands in line {at} already", f"{match[1]} 已在第 {at} 行"))
        first_at[match[1]] = number
        pairs.append((match[1], match[2]))
    return pairs


def _wrong(thing: str, line: int, problem: Text) -> WhitelistFileError:
    """line: 0 for the file as a whole."""
    return WhitelistFileError(
        f"{thing}, line {line}" if line else thing,
        problem,
        Text("Get the file from the platform again", "请向平台重新获取该文件"),
    )
