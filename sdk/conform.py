"""Conformance: a folder of vectors, each a code and the verdict it must get, judged by the real core.

A vector is a JSON file in the form of `tests/vectors/lab`:
- `clock`: unix seconds at which it is judged, the clock trusted; `code`: the payload, hex;
- `roots`: [{"index", "certificate"}] with 144-byte root certificates in hex; `whitelist`: [[organisation, platform]];
- `gate`: `mode` (bus), `fare_fen` (0), `city` (not told) and the names of parameters' [limits]; what is left out has
  the default in brackets, or that of parameters;
- `expect`: `accepted`, and `case`, the lab number of the reason, null where there is none;
- `case` and `title` name it; other keys are ignored.

Rules:
- Each vector is judged alone, by a validator that has seen nothing before.
- A vector that cannot be read is an error with file and key, never a vector that differs or is left out.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from yima.validator.errors import ParametersError, YimaError
from yima.validator.judging import GateContext, Moment, Validator, Verdict
from yima.validator.outside import json_of
from yima.validator.parameters import Mode, Parameters, from_mapping
from yima.validator.system.paths import is_folder
from yima.validator.texts import Text

__all__ = ["Outcome", "Vector", "VectorError", "load_folder", "load_vector", "run"]

_SIZE_MAX = 1 << 20


class VectorError(YimaError):
    """A vector, or a folder of them, that cannot be judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """One code and what must come of it. case: the lab's number as the file has it; clock: unix seconds UTC."""

    file: str
    case: object
    title: str
    clock: int
    code: bytes
    parameters: Parameters
    gate: GateContext
    accepted: bool
    expected_case: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A vector and the verdict it got."""

    vector: Vector
    verdict: Verdict

    @property
    def agrees(self) -> bool:
        """Whether the verdict and the lab's number are those expected."""
        expected = (self.vector.accepted, self.vector.expected_case)
        return (self.verdict.accepted, self.verdict.case) == expected


def load_folder(folder: Path) -> list[Vector]:
    """All vectors (*.json) of a folder, by name. Raises VectorError: no folder, none in it, or one is malformed."""
    if not is_folder(folder):
        raise VectorError(
            folder, Text("is no folder", "不是文件夹"), Text("Give a folder of vectors", "请给出测试向量文件夹")
        )
    paths = sorted(folder.glob("*.json"))
    if not paths:
        remedy = Text("Put one JSON file a vector into it", "请放入测试向量，每个一个 JSON 文件")
        raise VectorError(folder, Text("holds no vector (*.json)", "不含测试向量（*.json）"), remedy)
    return [load_vector(path) for path in paths]


def load_vector(path: Path) -> Vector:
    """One vector. Raises VectorError that names the file and the key."""
    try:
        with path.open("rb") as file:
            content: object = json_of(_sized(file.read(_SIZE_MAX + 1)))
    except OSError as error:
        problem = Text(f"cannot be read ({error.strerror})", f"无法读取（{error.strerror}）")
        raise VectorError(path, problem, Text("Check its permissions", "请检查权限")) from error
    except ValueError as error:
        problem = Text(f"is no JSON ({error})", f"不是 JSON（{error}）")
        raise VectorError(
            path, problem, Text("Correct it or take it out of the folder", "请更正或移出文件夹")
        ) from error
    return _vector(_Object(content, str(path), ""), path)


def _sized(content: bytes) -> bytes:
    if len(content) > _SIZE_MAX:
        raise ValueError(f"larger than {_SIZE_MAX >> 20} MiB")
    return content


def run(vectors: list[Vector]) -> Iterator[Outcome]:
    """Judges each vector by a fresh validator."""
    for vector in vectors:
        validator = Validator(vector.parameters, vector.gate, table_bytes=0)
        yield Outcome(vector=vector, verdict=validator.judge(vector.code, Moment.at(vector.clock)))


class _Object:
    """A JSON object whose values are asked for by key and type; what is missing or wrong names file and key."""

    def __init__(self, content: object, file: str, key: str) -> None:
        self.file, self.key = file, key
        if not isinstance(content, dict):
            self.refuse("", "is no object", "不是对象")
        self.content: dict[str, object] = content

    def refuse(self, key: str, en: str, zh: str) -> NoReturn:
        path = ".".join(part for part in (self.key, key) if part)
        thing = f"{self.file}: {path}" if path else self.file
        raise VectorError(
            thing, Text(en, zh), Text("The form is that of tests/vectors/lab", "格式同 tests/vectors/lab")
        )

    def get(self, key: str) -> object:
        if key not in self.content:
            self.refuse(key, "is missing", "缺失")
        return self.content[key]

    def inner(self, key: str) -> "_Object":
        return _Object(self.get(key), self.file, f"{self.key}.{key}" if self.key else key)

    def number(self, key: str, high: int) -> int:
        value = self.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= high:
            self.refuse(key, f"is no whole number from 0 to {high}", f"不是 0 到 {high} 的整数")
        return value

    def items(self, key: str) -> list[object]:
        value = self.get(key)
        if not isinstance(value, list):
            self.refuse(key, "is no list", "不是列表")
        return value


def _vector(top: _Object, path: Path) -> Vector:
    gate, expect = top.inner("gate"), top.inner("expect")
    limits: dict[str, object] = dict(gate.content)
    mode = limits.pop("mode", "bus")
    if mode not in tuple(Mode):
        gate.refuse("mode", "is neither bus nor metro", "不是 bus 或 metro")
    city = gate.number("city", 999_999) if limits.pop("city", None) is not None else 0
    mapping: Mapping[str, object] = {
        "environment": "test",
        "version": 1,
        "limits": {key: value for key, value in limits.items() if key != "fare_fen"},
        "fares": {str(mode): limits.get("fare_fen", 0)},
        "roots": list(_roots(top)),
        "whitelist": list(_pairs(top)),
    }
    accepted = expect.get("accepted")
    if not isinstance(accepted, bool):
        expect.refuse("accepted", "is neither true nor false", "不是 true 或 false")
    try:
        parameters = from_mapping(mapping, source=str(path), base=path.parent)
    except ParametersError as error:
        # The vector's `gate` is the parameters' `limits` and `fares`; the file and its remedy stay as they are.
        thing = re.sub(r": (limits|fares)\b", ": gate", error.thing)
        raise VectorError(thing, error.problem, error.remedy) from error
    return Vector(
        file=path.name,
        case=top.content.get("case"),
        title=str(top.content.get("title", "")),
        clock=top.number("clock", 0xFFFFFFFF),
        code=_hex(top, "code"),
        parameters=parameters,
        gate=GateContext(mode=Mode(str(mode)), city=city),
        accepted=accepted,
        expected_case=None if expect.get("case") is None else expect.number("case", 0xFFFF),
    )


def _roots(top: _Object) -> Iterator[dict[str, object]]:
    for number, entry in enumerate(top.items("roots"), 1):
        root = _Object(entry, top.file, f"roots.{number}")
        yield {"certificate": root.get("certificate")} | (
            {"index": root.get("index")} if "index" in root.content else {}
        )


def _pairs(top: _Object) -> Iterator[dict[str, object]]:
    for number, entry in enumerate(top.items("whitelist"), 1):
        if not isinstance(entry, list) or len(entry) != 2:
            top.refuse(f"whitelist.{number}", "is no pair of organisation and platform", "不是机构号与平台号的组合")
        yield {"organisation": entry[0], "platform": entry[1]}


def _hex(top: _Object, key: str) -> bytes:
    value = top.get(key)
    if not isinstance(value, str) or not re.fullmatch(r"(?:[0-9A-Fa-f]{2})*", value):
        top.refuse(key, "is no hex", "不是十六进制")
    return bytes.fromhex(value)
