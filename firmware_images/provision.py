"""What a factory writes into a device's flash beside the image: settings and a first copy of the parameters.

The layouts stand in boards/mps2_an500/README.md; app/settings.c and app/parameters_flash.c read them.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from yima.firmware_images.hardware import PARAMETERS_HEADER, SETTINGS_HEADER, Hardware, board
from yima.firmware_images.session import StationKey
from yima.validator.errors import ParametersError
from yima.validator.texts import Text

TEXT_MAX = 40
KEYS_MAX = 4


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
    ParametersError for what does not fit."""
    room = (hardware or board()).settings.size // 2 - SETTINGS_HEADER
    entries = b"".join(bytes([tag, len(value)]) + value for tag, value in _entries(settings))
    most = max(len(settings.keys), len(settings.station_keys))
    if most > KEYS_MAX or len(entries) > room:
        raise _too_large("settings", f"{most} keys, {len(entries)} bytes")
    return struct.pack("<4sIII", b"YSE1", sequence, len(entries), zlib.crc32(entries)) + entries


def parameters_copy(parameters: bytes, sequence: int = 1, hardware: Hardware | None = None) -> bytes:
    """The bytes of one copy of the parameters, for either half of Hardware.parameters (default: mps2-an500's).
    parameters: a signed package, or for a test device the bare image (Parameters.image). Raises ParametersError if it
    is larger than a copy."""
    target = hardware or board()
    room = target.waiting.size - target.block - PARAMETERS_HEADER
    if not 0 < len(parameters) <= room:
        raise _too_large("parameters", f"{len(parameters)} of at most {room} bytes")
    head = struct.pack("<4sIII", b"YPR1", sequence, len(parameters), zlib.crc32(parameters))
    return head.ljust(PARAMETERS_HEADER, b"\xff") + parameters


def _entries(settings: Settings) -> Iterator[tuple[int, bytes]]:
    texts = {
        1: settings.terminal,
        6: settings.vehicle,
        7: settings.plate,
        8: settings.driver,
        9: settings.line_text,
        10: settings.station_text,
        11: settings.position,
    }
    for tag, text in texts.items():
        value = text.encode()
        if len(value) > TEXT_MAX or not text.isprintable():
            raise _too_large("settings", f"{text!r}: at most {TEXT_MAX} bytes, without control characters")
        if value:
            yield tag, value
    yield 2, settings.city.to_bytes(4, "little")
    yield 3, settings.line.to_bytes(2, "little")
    yield 4, settings.station.to_bytes(2, "little")
    yield 5, bytes([settings.direction])
    for key in settings.keys:
        yield 12, key
    yield 13, bytes([settings.needed])
    if settings.operator:
        yield 14, settings.operator.to_bytes(4, "little")
    for station_key in settings.station_keys:
        yield 15, bytes([station_key.role]) + station_key.public


def _too_large(thing: str, what: str) -> ParametersError:
    return ParametersError(
        thing, Text(f"does not fit into the device: {what}", f"设备容纳不下：{what}"), Text("Make it smaller", "请缩减")
    )
