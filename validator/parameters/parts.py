"""Parts of parameters that are written the same way in every source: limits, roots, time bases, card accounts.

The plain form (`loading`) and the source directory (yima.sdk.parameters.source) both take them from here. What is
wrong is a ParametersError that names the source, the key and what to do.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from yima.validator import _core
from yima.validator.errors import ParametersError
from yima.validator.outside import bytes_of
from yima.validator.parameters.image import ENVIRONMENTS
from yima.validator.parameters.rules import Limits, Root
from yima.validator.parameters.tables import Place, Table, hex_bytes, items, numbers
from yima.validator.texts import Text

ROOT_CERTIFICATE_SIZE = 144
_DAY_S = 86400


def environment_of(table: Table) -> str:
    """`test` or `production`."""
    environment = table.take("environment")
    if not isinstance(environment, str) or environment not in ENVIRONMENTS:
        table.place.at("environment").expected(environment, '"test" or "production"', '"test" 或 "production"')
    return environment


def _families(value: object, place: Place, default: Sequence[str]) -> Sequence[str]:
    if value is None:
        return default
    known = _core.FAMILIES[1:]
    found = items(value, place)
    if not all(item in known for item in found):
        names = ", ".join(known)
        place.expected(value, f"a list of {names}", f"{names} 的列表")
    return tuple(str(item) for item in found)


def limits_of(table: Table) -> Limits:
    """The table `limits`."""
    plain = Limits()
    limits = Limits(
        versions=table.bytes_set("versions", plain.versions),
        max_validity_s=table.number("max_validity_s", 1, 65535, plain.max_validity_s),
        future_tolerance_s=table.number("future_tolerance_s", 0, _DAY_S, plain.future_tolerance_s),
        debounce_ms=table.number("debounce_ms", 0, 600_000, plain.debounce_ms),
        account_interval_s=table.number("account_interval_s", 0, _DAY_S, plain.account_interval_s),
        account_types=table.bytes_set("account_types", plain.account_types),
        families=_families(table.take("families"), table.place.at("families"), plain.families),
        lists_max_age_s=table.number("lists_max_age_s", 0, 0x7FFFFFFF, plain.lists_max_age_s),
        offline_max_s=table.number("offline_max_s", 0, 0x7FFFFFFF, plain.offline_max_s),
        taps_per_minute=table.number("taps_per_minute", 1, 6000, plain.taps_per_minute),
    )
    table.done()
    return limits


def _root_of_certificate(certificate: bytes, place: Place) -> Root:
    if not _core.root_certificate_valid(certificate):
        place.refuse(
            Text("not a root certificate, or its signature is wrong", "不是根证书，或其签名错误"),
            Text("Get the certificate again from the platform", "请向平台重新获取该证书"),
        )
    month, year = certificate[11:13].hex()[:2], certificate[11:13].hex()[2:]
    return Root(index=certificate[10], key=certificate[16:80], expires=(2000 + int(year), int(month)))


def _roots_of_file(name: object, place: Place, base: Path) -> list[Root]:
    if not isinstance(name, str) or not name:
        place.expected(name, "the path of a file", "文件路径")
    path = base / name
    try:
        content = bytes_of(path)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        why = error.strerror if isinstance(error, OSError) else error
        raise ParametersError(
            f"{place.source}: {place.key}",
            Text(f"{str(path)!r} cannot be read: {why}", f"无法读取 {str(path)!r}：{why}"),
            Text("Correct the path; it is relative to the parameter file", "请更正路径；它相对于参数文件"),
        ) from error
    if not content or len(content) % ROOT_CERTIFICATE_SIZE:
        place.refuse(
            Text(f"{path} has {len(content)} bytes", f"{path} 有 {len(content)} 字节"),
            Text("It must hold root certificates of 144 bytes each", "文件须由每张 144 字节的根证书组成"),
        )
    size = ROOT_CERTIFICATE_SIZE
    return [_root_of_certificate(content[at : at + size], place) for at in range(0, len(content), size)]


def _root_of_key(table: Table, key: object, index: int) -> Root:
    expires = table.take("expires")
    month = None
    if expires is not None:
        match = re.fullmatch(r"20([0-9]{2})-(0[1-9]|1[0-2])", expires) if isinstance(expires, str) else None
        if not match:
            table.place.at("expires").expected(expires, 'a month such as "2049-12"', '月份，例如 "2049-12"')
        month = (2000 + int(match[1]), int(match[2]))
    return Root(index=index, key=hex_bytes(key, table.place.at("key"), 64), expires=month)


def roots_of(tables: Sequence[Table], base: Path) -> dict[int, Root]:
    """The tables `roots`, by index. base: what paths in them are relative to."""
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
                found = [_root_of_certificate(hex_bytes(certificate, inner, ROOT_CERTIFICATE_SIZE), inner)]
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


def account_of(value: object, place: Place) -> bytes:
    """A card account as its 10 bytes."""
    if not isinstance(value, str) or len(value) != 20 or not re.fullmatch(r"[0-9]+[Ff]*", value):
        # The account itself stays out of messages.
        place.expected("...", "20 digits in quotes, the last ones may be F", "引号内的 20 位数字，末尾可用 F 填充")
    return bytes.fromhex(value)


def time_shifts_of(tables: Sequence[Table]) -> dict[str, tuple[int, ...]]:
    """The tables `time_shifts`, by organisation."""
    shifts: dict[str, tuple[int, ...]] = {}
    for table in tables:
        organisation = table.digits("organisation")
        seconds = numbers(table.take("shifts_s"), table.place.at("shifts_s"), -_DAY_S, _DAY_S)
        table.done()
        shifts[organisation] = shifts.get(organisation, ()) + seconds
    return shifts
