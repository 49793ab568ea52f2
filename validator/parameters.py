"""Parameters of a gate: the one door through which configuration enters.

Rules it keeps:
- What comes in is checked to the last key before anything uses it; an unknown key is an error: a slip of typing.
- An error names the file, the key and what to do. Nothing is half loaded.
- What goes on to the core is one image of bytes (validator.parameter_image), which the core checks again.

The TOML form; `from_mapping` takes the same keys. Only environment and version must be there:

    environment = "test"                    # or "production"
    version = 1
    [limits]                                # each has a default, see parameter_image.Limits
    max_validity_s = 1200
    [fares]                                 # fen; a mode without a fare refuses with NO_FARE
    bus = 200
    [[roots]]                               # certificate, or index and key (and expires = "2049-12"), or
    file = "roots.bin"                      # n times 144 bytes, relative to the TOML file
    [[whitelist]]
    organisation = "00083010"
    platform = "50083010"
    city = 310000                           # left out: accepted everywhere
    modes = ["bus", "metro"]                # the default
    [acceptance]                            # riding city = issuers' cities; left out: all are accepted
    320500 = [310000, 320500]
    [[deny]]                                # account, or first and last (inclusive): 20 digits, F padded
    account = "3104870000000001FFFF"
    [[time_shifts]]
    organisation = "00083010"
    shifts_s = [-28800, 28800]
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import NoReturn

from validator import _core
from validator.errors import ParametersError
from validator.parameter_image import ENVIRONMENTS, MODE_NUMBERS, Limits, Mode, Pair, Root, Rules, build
from validator.texts import Text

__all__ = ["MODE_NUMBERS", "Limits", "Mode", "Pair", "Parameters", "Root", "from_mapping", "load"]

ROOT_CERTIFICATE_SIZE = 144
_DAY_S = 86400


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """Parameters in force. image: what the core reads. fares_fen: by mode. roots: by index. source: where from."""

    environment: str
    version: int
    image: bytes = field(repr=False)
    fares_fen: Mapping[Mode, int]
    roots: Mapping[int, Root]
    source: str


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the parameters a value stands, for errors."""

    source: str
    key: str = ""

    def at(self, key: str) -> "_Place":
        return _Place(self.source, f"{self.key}.{key}" if self.key else key)

    def refuse(self, problem: Text, remedy: Text) -> NoReturn:
        raise ParametersError(f"{self.source}: {self.key}" if self.key else self.source, problem, remedy)

    def expected(self, value: object, english: str, chinese: str) -> NoReturn:
        shown = repr(value) if len(repr(value)) <= 60 else repr(value)[:57] + "..."
        self.refuse(
            Text(f"{shown} is not what belongs here", f"{shown} 不是此处应有的值"),
            Text(f"Write {english}", f"请写{chinese}"),
        )


class _Table:
    """A table whose keys are taken one by one; what is left over at the end is unknown."""

    def __init__(self, values: object, place: _Place) -> None:
        if not isinstance(values, Mapping):
            place.expected(values, "a table", "一个表")
        self._values = {str(key): value for key, value in values.items()}
        self._known: list[str] = []
        self.place = place

    def take(self, key: str) -> object:
        """The value, or None if there is no such key."""
        self._known.append(key)
        return self._values.get(key)

    def number(self, key: str, low: int, high: int, default: int | None = None) -> int:
        value = self.take(key)
        return default if value is None and default is not None else _number(value, self.place.at(key), low, high)

    def bytes_set(self, key: str, default: Sequence[int]) -> Sequence[int]:
        value = self.take(key)
        return default if value is None else _numbers(value, self.place.at(key), 0, 255)

    def digits(self, key: str) -> str:
        value = self.take(key)
        if not isinstance(value, str) or not re.fullmatch(r"[0-9]{8}", value):
            self.place.at(key).expected(value, "8 digits in quotes", "引号内的 8 位数字")
        return value

    def tables(self, key: str) -> "list[_Table]":
        """Each of a list of tables; none if the key is not there."""
        place = self.place.at(key)
        return [_Table(value, place.at(str(i))) for i, value in enumerate(_items(self.take(key) or [], place), start=1)]

    def done(self) -> None:
        """Refuses keys that nobody took."""
        for key in self._values:
            if key not in self._known:
                known = ", ".join(self._known)
                self.place.at(key).refuse(
                    Text("no such key", "没有这个键"), Text(f"Known here: {known}", f"此处可用：{known}")
                )


def _items(value: object, place: _Place) -> Sequence[object]:
    if not isinstance(value, list | tuple):
        place.expected(value, "a list", "一个列表")
    return value


def _number(value: object, place: _Place, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        place.expected(value, f"a whole number from {low} to {high}", f"{low} 到 {high} 的整数")
    return value


def _numbers(value: object, place: _Place, low: int, high: int) -> tuple[int, ...]:
    return tuple(_number(item, place, low, high) for item in _items(value, place))


def _bytes(value: object, place: _Place, size: int) -> bytes:
    if not isinstance(value, str) or not re.fullmatch(rf"[0-9A-Fa-f]{{{2 * size}}}", value):
        place.expected(value, f"{size} bytes as {2 * size} hex digits", f"{size} 字节，即 {2 * size} 位十六进制数")
    return bytes.fromhex(value)


def _limits(table: _Table) -> Limits:
    plain = Limits()
    limits = Limits(
        versions=table.bytes_set("versions", plain.versions),
        max_validity_s=table.number("max_validity_s", 1, 65535, plain.max_validity_s),
        future_tolerance_s=table.number("future_tolerance_s", 0, _DAY_S, plain.future_tolerance_s),
        debounce_ms=table.number("debounce_ms", 0, 600_000, plain.debounce_ms),
        account_interval_s=table.number("account_interval_s", 0, _DAY_S, plain.account_interval_s),
        account_types=table.bytes_set("account_types", plain.account_types),
    )
    table.done()
    return limits


def _fares(table: _Table) -> dict[Mode, int]:
    fares = {}
    for mode in Mode:
        value = table.take(mode)
        if value is not None:
            fares[mode] = _number(value, table.place.at(mode), 0, 0xFFFFFF)
    table.done()
    return fares


def _root_of_certificate(certificate: bytes, place: _Place) -> Root:
    if not _core.root_certificate_valid(certificate):
        place.refuse(
            Text("not a root certificate, or its signature is wrong", "不是根证书，或其签名错误"),
            Text("Get the certificate again from the platform", "请向平台重新获取该证书"),
        )
    month, year = certificate[11:13].hex()[:2], certificate[11:13].hex()[2:]
    return Root(index=certificate[10], key=certificate[16:80], expires=(2000 + int(year), int(month)))


def _roots_of_file(name: object, place: _Place, base: Path) -> list[Root]:
    if not isinstance(name, str) or not name:
        place.expected(name, "the path of a file", "文件路径")
    path = base / name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ParametersError(
            f"{place.source}: {place.key}",
            Text(f"{path} cannot be read: {error.strerror}", f"无法读取 {path}：{error.strerror}"),
            Text("Correct the path; it is relative to the parameter file", "请更正路径；它相对于参数文件"),
        ) from error
    if not content or len(content) % ROOT_CERTIFICATE_SIZE:
        place.refuse(
            Text(f"{path} has {len(content)} bytes", f"{path} 有 {len(content)} 字节"),
            Text("It must hold root certificates of 144 bytes each", "文件须由每张 144 字节的根证书组成"),
        )
    size = ROOT_CERTIFICATE_SIZE
    return [_root_of_certificate(content[at : at + size], place) for at in range(0, len(content), size)]


def _root_of_key(table: _Table, key: object, index: int) -> Root:
    expires = table.take("expires")
    month = None
    if expires is not None:
        match = re.fullmatch(r"20([0-9]{2})-(0[1-9]|1[0-2])", expires) if isinstance(expires, str) else None
        if not match:
            table.place.at("expires").expected(expires, 'a month such as "2049-12"', '月份，例如 "2049-12"')
        month = (2000 + int(match[1]), int(match[2]))
    return Root(index=index, key=_bytes(key, table.place.at("key"), 64), expires=month)


def _roots(tables: Sequence[_Table], base: Path) -> dict[int, Root]:
    roots: dict[int, Root] = {}
    for table in tables:
        place = table.place
        certificate, key, file = table.take("certificate"), table.take("key"), table.take("file")
        given = [value for value in (certificate, key, file) if value is not None]
        if len(given) != 1:
            place.refuse(
                Text("a root is given in one way", "每个根证书只能以一种方式给出"),
                Text("Write certificate, or index and key, or file", "请写 certificate，或 index 加 key，或 file"),
            )
        if file is not None:
            found = _roots_of_file(file, place.at("file"), base)
        else:
            index = table.number("index", 0, 255, -1 if key is None else None)
            if key is not None:
                found = [_root_of_key(table, key, index)]
            else:
                inner = place.at("certificate")
                found = [_root_of_certificate(_bytes(certificate, inner, ROOT_CERTIFICATE_SIZE), inner)]
                if index not in {-1, found[0].index}:
                    place.at("index").expected(index, f"{found[0].index}, the certificate's", "与证书一致的索引")
        table.done()
        for root in found:
            if root.index in roots:
                place.refuse(
                    Text(f"root index {root.index} is already taken", f"根索引 {root.index} 重复"),
                    Text("Leave one of them", "请只保留一个"),
                )
            roots[root.index] = root
    return roots


def _modes(value: object, place: _Place) -> tuple[Mode, ...]:
    items = _items(value, place)
    if not items or not all(item in tuple(Mode) for item in items):
        place.expected(value, 'a list of "bus" and "metro"', '"bus"、"metro" 的列表')
    return tuple(Mode(str(item)) for item in items)


def _whitelist(tables: Sequence[_Table]) -> list[Pair]:
    pairs: dict[tuple[str, str], Pair] = {}
    for table in tables:
        modes = table.take("modes")
        pair = Pair(
            organisation=table.digits("organisation"),
            platform=table.digits("platform"),
            city=table.number("city", 1, 999999, 0),
            modes=tuple(Mode) if modes is None else _modes(modes, table.place.at("modes")),
        )
        table.done()
        if (pair.organisation, pair.platform) in pairs:
            table.place.refuse(
                Text(f"{pair.organisation}/{pair.platform} stands twice", f"{pair.organisation}/{pair.platform} 重复"),
                Text("Leave one of them", "请只保留一个"),
            )
        pairs[pair.organisation, pair.platform] = pair
    return list(pairs.values())


def _acceptance(value: object, place: _Place) -> dict[int, tuple[int, ...]]:
    if not isinstance(value, Mapping):
        place.expected(value, "a table of cities", "城市表")
    acceptance = {}
    for key, issuers in value.items():
        inner = place.at(str(key))
        if not re.fullmatch(r"[1-9][0-9]{5}", str(key)):
            inner.expected(key, "a city's division code, 6 digits", "6 位行政区划代码")
        acceptance[int(key)] = _numbers(issuers, inner, 100000, 999999)
    return acceptance


def _account(value: object, place: _Place) -> bytes:
    if not isinstance(value, str) or len(value) != 20 or not re.fullmatch(r"[0-9]+[Ff]*", value):
        # The account itself stays out of messages.
        place.expected("...", "20 digits in quotes, the last ones may be F", "引号内的 20 位数字，末尾可用 F 填充")
    return bytes.fromhex(value)


def _deny(tables: Sequence[_Table]) -> list[tuple[bytes, bytes]]:
    ranges = []
    for table in tables:
        account, first, last = table.take("account"), table.take("first"), table.take("last")
        if account is not None and first is None and last is None:
            first = last = account
        elif account is not None or first is None or last is None:
            table.place.refuse(
                Text("neither one account nor a range", "既不是单个账户也不是范围"),
                Text("Write account, or first and last", "请写 account，或 first 和 last"),
            )
        low, high = _account(first, table.place), _account(last, table.place)
        if low > high:
            table.place.refuse(
                Text("first lies behind last", "first 大于 last"), Text("Exchange the two", "请对调两者")
            )
        table.done()
        ranges.append((low, high))
    return ranges


def _time_shifts(tables: Sequence[_Table]) -> dict[str, tuple[int, ...]]:
    shifts: dict[str, tuple[int, ...]] = {}
    for table in tables:
        organisation = table.digits("organisation")
        seconds = _numbers(table.take("shifts_s"), table.place.at("shifts_s"), -_DAY_S, _DAY_S)
        table.done()
        shifts[organisation] = shifts.get(organisation, ()) + seconds
    return shifts


def from_mapping(mapping: Mapping[str, object], source: str = "parameters", base: Path = Path()) -> Parameters:
    """Parameters from the keys of the TOML form. base: what paths in it are relative to. Raises ParametersError."""
    table = _Table(mapping, _Place(source))
    environment = table.take("environment")
    if not isinstance(environment, str) or environment not in ENVIRONMENTS:
        table.place.at("environment").expected(environment, '"test" or "production"', '"test" 或 "production"')
    acceptance = table.take("acceptance")
    rules = Rules(
        environment=environment,
        version=table.number("version", 0, 0xFFFFFFFF),
        limits=_limits(_Table(table.take("limits") or {}, table.place.at("limits"))),
        fares_fen=_fares(_Table(table.take("fares") or {}, table.place.at("fares"))),
        roots=_roots(table.tables("roots"), base),
        whitelist=_whitelist(table.tables("whitelist")),
        acceptance=None if acceptance is None else _acceptance(acceptance, table.place.at("acceptance")),
        deny=_deny(table.tables("deny")),
        time_shifts=_time_shifts(table.tables("time_shifts")),
    )
    table.done()
    image = build(rules)
    try:
        _core.parameters_check(image)
    except ValueError as error:  # what only the core can see: a root key off the curve
        raise ParametersError(
            source,
            Text(f"refused by the core: {error}", f"核心拒绝：{error}"),
            Text("Check the root keys", "请检查根公钥"),
        ) from error
    return Parameters(
        environment=environment,
        version=rules.version,
        image=image,
        fares_fen=MappingProxyType(rules.fares_fen),
        roots=MappingProxyType(rules.roots),
        source=source,
    )


def load(path: str | Path) -> Parameters:
    """Parameters from a TOML file. Raises ParametersError that names the file, the line or key, and what to do."""
    path = Path(path)
    try:
        mapping = tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise ParametersError(
            path,
            Text(f"cannot be read: {error.strerror}", f"无法读取：{error.strerror}"),
            Text("Check the path and its permissions", "请检查路径与权限"),
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ParametersError(
            path, Text(f"not TOML: {error}", f"不是 TOML：{error}"), Text("Mend that place", "请修正该处")
        ) from error
    return from_mapping(mapping, source=str(path), base=path.parent)
