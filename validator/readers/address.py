"""The form of a reader's address: `PLACE?option=value&option=value`, the part after `serial:` or `camera:`.

An option that nobody knows or that makes no sense is an error that names it; nothing is guessed.
"""

import re
from collections.abc import Collection, Mapping

from yima.validator.errors import ReaderError
from yima.validator.texts import Text


def split(address: str, *, known: Collection[str]) -> tuple[str, dict[str, str]]:
    """The place and its options. Raises ReaderError for an empty place or an unknown or malformed option."""
    place, _, query = address.partition("?")
    if not place:
        raise ReaderError(
            address or "''",
            Text("the address names no device", "地址中没有设备"),
            Text("Write it after the colon, as in serial:/dev/ttyUSB0", "请写在冒号之后，例如 serial:/dev/ttyUSB0"),
        )
    options: dict[str, str] = {}
    for part in filter(None, query.split("&")):
        name, equals, value = part.partition("=")
        if name not in known or not equals or name in options:
            raise ReaderError(
                f"{place}?{part}",
                Text(f"'{part}' is not an option of this reader", f"该读码器没有选项“{part}”"),
                Text(f"Options are {', '.join(sorted(known))}", f"可用选项：{'、'.join(sorted(known))}"),
            )
        options[name] = value
    return place, options


def number(place: str, options: Mapping[str, str], name: str, default: int, *, least: int, most: int) -> int:
    """A whole number among the options, within least..most. Raises ReaderError."""
    text = options.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and least <= int(text) <= most):
        raise ReaderError(
            f"{place}?{name}={text}",
            Text(f"'{text}' is no value for {name}", f"“{text}”不能用作 {name} 的值"),
            Text(f"Give a whole number from {least} to {most}", f"请给出 {least} 到 {most} 之间的整数"),
        )
    return int(text)


def hex_bytes(place: str, options: Mapping[str, str], name: str) -> bytes:
    """A few bytes in hex among the options, none if it is not there. Raises ReaderError."""
    text = options.get(name, "")
    if not re.fullmatch(r"([0-9A-Fa-f]{2}){0,8}", text):
        raise ReaderError(
            f"{place}?{name}={text}",
            Text(f"'{text}' is no value for {name}", f"“{text}”不能用作 {name} 的值"),
            Text("Give up to 8 bytes as hex digits", "请给出至多 8 个字节的十六进制数"),
        )
    return bytes.fromhex(text)


def completed(specification: str, back_end: str, defaults: Mapping[str, str]) -> str:
    """A reader's specification with the options it leaves open; untouched if another back-end is meant."""
    if not specification.startswith(f"{back_end}:"):
        return specification
    place, _, query = specification.partition("?")
    given = [part for part in query.split("&") if part]
    named = {part.partition("=")[0] for part in given}
    more = [f"{name}={value}" for name, value in defaults.items() if value and name not in named]
    return f"{place}?{'&'.join(given + more)}" if given or more else place


def choice(place: str, options: Mapping[str, str], name: str, default: str, *, among: Collection[str]) -> str:
    """One word of several. Raises ReaderError."""
    text = options.get(name, default)
    if text not in among:
        raise ReaderError(
            f"{place}?{name}={text}",
            Text(f"'{text}' is no value for {name}", f"“{text}”不能用作 {name} 的值"),
            Text(f"Give one of {', '.join(sorted(among))}", f"可用值：{'、'.join(sorted(among))}"),
        )
    return text
