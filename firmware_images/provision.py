"""What a factory writes into a device's flash beside the image: settings and a first copy of the parameters.

The layouts stand in boards/mps2_an500/README.md; app/settings.c and app/parameters_flash.c read them.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from yima.firmware_images.hardware import PARAMETERS_HEADER, SETTINGS_HEADER, Hardware, board
from yima.firmware_images.session import Role, StationKey
from yima.validator.errors import ParametersError
from yima.validator.texts import Text

TEXT_MAX = 40
KEYS_MAX = 4
KEY_BYTES = 33
"""A public key, compressed: a device passes over one of another size."""
_HEAD = struct.Struct("<4sIII")  # magic, sequence, size of what follows, its CRC-32
_SETTINGS_MAGIC = b"YSE1"
_TEXTS = {
    1: "terminal",
    6: "vehicle",
    7: "plate",
    8: "driver",
    9: "line_text",
    10: "station_text",
    11: "position",
}
_KEY, _STATION_KEY = 12, 15
_NUMBERS = {2: "city", 3: "line", 4: "station", 5: "direction", 13: "needed", 14: "operator"}
_MOST = {"city": 0xFFFF_FFFF, "operator": 0xFFFF_FFFF, "line": 0xFFFF, "station": 0xFFFF, "direction": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Who a device is and where it stands. Texts: at most 40 bytes of UTF-8, "" leaves the record's tag out. city: the
    division code. operator: the acquirer's organisation code, 8 digits, as a number; 0: not told. line and station: the
    numbers of the parameters. direction: 0 none, 1 entry, 2 exit. keys: 33 bytes
    each, whose signatures count on the first parameters; needed: how many of them. station_keys: who may open a session
    on the station line; none: nobody."""

    terminal: str
    city: int = 0
    operator: int = 0
    line: int = 0
    station: int = 0
    direction: int = 0
    vehicle: str = ""
    plate: str = ""
    driver: str = ""
    line_text: str = ""
    station_text: str = ""
    position: str = ""
    keys: Sequence[bytes] = ()
    needed: int = 1
    station_keys: Sequence[StationKey] = ()


def settings_copy(settings: Settings, sequence: int = 1, hardware: Hardware | None = None) -> bytes:
    """The bytes of one copy of the settings, for either half of Hardware.settings (default: mps2-an500's). Raises
    ParametersError for what does not fit, or what a device would not go by."""
    for name, least, most in _bounds(settings):
        number = getattr(settings, name)
        if not least <= number <= most:
            raise _unusable(name, f"{number} is not {least} to {most}", f"{number} 不在 {least} 至 {most} 之间")
    for key in (*settings.keys, *(one.public for one in settings.station_keys)):
        if len(key) != KEY_BYTES:
            raise _unusable(
                "keys", f"a key has {len(key)} bytes, not {KEY_BYTES}", f"密钥为 {len(key)} 字节，应为 {KEY_BYTES} 字节"
            )
    room = (hardware or board()).settings.size // 2 - SETTINGS_HEADER
    entries = b"".join(bytes([tag, len(value)]) + value for tag, value in _entries(settings))
    most = max(len(settings.keys), len(settings.station_keys))
    if most > KEYS_MAX or len(entries) > room:
        raise _too_large("settings", f"{most} keys, {len(entries)} bytes")
    return _HEAD.pack(_SETTINGS_MAGIC, sequence, len(entries), zlib.crc32(entries)) + entries


def _bounds(settings: Settings) -> Iterator[tuple[str, int, int]]:
    """The numbers of the settings: name, least, most."""
    yield from ((name, 0, most) for name, most in _MOST.items())
    yield "needed", 1, max(1, len(settings.keys))


def read_settings(copies: Sequence[bytes]) -> Settings | None:
    """What the newest whole copy says, as app/settings.c takes it; None: no copy is whole."""
    found = None
    newest = -1
    for copy in copies:
        magic, sequence, size, check = _HEAD.unpack_from(copy)
        entries = copy[_HEAD.size : _HEAD.size + size]
        is_whole = magic == _SETTINGS_MAGIC and 0 < size == len(entries) and zlib.crc32(entries) == check
        if is_whole and sequence > newest:
            newest, found = sequence, _settings(entries)
    return found


def _settings(entries: bytes) -> Settings:
    told: dict[str, Any] = {"terminal": "", "keys": (), "station_keys": ()}
    at = 0
    while at + 2 <= len(entries) and at + 2 + entries[at + 1] <= len(entries):
        tag, value = entries[at], entries[at + 2 : at + 2 + entries[at + 1]]
        at += 2 + len(value)
        if tag in _TEXTS:
            told[_TEXTS[tag]] = value.decode("utf-8", "replace")
        elif tag in _NUMBERS:
            told[_NUMBERS[tag]] = int.from_bytes(value, "little")
        elif tag == _KEY:
            told["keys"] += (value,)
        elif tag == _STATION_KEY and value[:1] and value[0] in set(Role):
            told["station_keys"] += (StationKey(role=Role(value[0]), public=value[1:]),)
    return Settings(**told)


def parameters_copy(parameters: bytes, sequence: int = 1, hardware: Hardware | None = None) -> bytes:
    """The bytes of one copy of the parameters, for either half of Hardware.parameters (default: mps2-an500's).
    parameters: a signed package, or for a test device the bare image (Parameters.image). Raises ParametersError if it
    is larger than a copy."""
    target = hardware or board()
    room = target.waiting.size - target.block - PARAMETERS_HEADER
    if not 0 < len(parameters) <= room:
        raise _too_large("parameters", f"{len(parameters)} of at most {room} bytes")
    head = _HEAD.pack(b"YPR1", sequence, len(parameters), zlib.crc32(parameters))
    return head.ljust(PARAMETERS_HEADER, b"\xff") + parameters


def _entries(settings: Settings) -> Iterator[tuple[int, bytes]]:
    for tag, name in _TEXTS.items():
        text: str = getattr(settings, name)
        if not text.isprintable() or len(value := text.encode()) > TEXT_MAX:
            raise _too_large("settings", f"{text!r}: at most {TEXT_MAX} bytes, without control characters")
        if value:
            yield tag, value
    yield 2, settings.city.to_bytes(4, "little")
    yield 3, settings.line.to_bytes(2, "little")
    yield 4, settings.station.to_bytes(2, "little")
    yield 5, bytes([settings.direction])
    for key in settings.keys:
        yield _KEY, key
    yield 13, bytes([settings.needed])
    if settings.operator:
        yield 14, settings.operator.to_bytes(4, "little")
    for station_key in settings.station_keys:
        yield _STATION_KEY, bytes([station_key.role]) + station_key.public


def _too_large(thing: str, what: str) -> ParametersError:
    return ParametersError(
        thing, Text(f"does not fit into the device: {what}", f"设备容纳不下：{what}"), Text("Make it smaller", "请缩减")
    )


def _unusable(name: str, english: str, chinese: str) -> ParametersError:
    return ParametersError(
        f"settings: {name}",
        Text(english, chinese),
        Text(
            "Give what Settings in firmware_images/provision.py says", "取值见 firmware_images/provision.py 的 Settings"
        ),
    )
