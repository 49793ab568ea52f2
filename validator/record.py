"""The offline trip record: what a device hands on about one presentation, accepted or refused.

The bytes are written by the core (core/record.c): TLVs of tag (2), length (2), value; 0011 is SM3 over all before it.
Our own tags: 2001 the reason (2 bytes), 2002 whether the device's clock could be trusted (1 byte).
"""

from dataclasses import dataclass, fields

from validator import _core
from validator.errors import ParametersError
from validator.judging import Moment, Verdict
from validator.texts import Text
from validator.version import VERSION

_STRING_MAX = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """What a terminal says of itself and of the ride; "" leaves the tag out. At most 255 bytes of UTF-8 each.

    terminal: its id (tag 0003). merchant_type: 4131 is the merchant category of bus lines. position: "lat,lon".
    Raises ParametersError for a text that no record can hold.
    """

    terminal: str
    vendor: str = "yima"
    software: str = VERSION
    merchant_type: str = "4131"
    vehicle: str = ""
    plate: str = ""
    driver: str = ""
    line: str = ""
    station: str = ""
    position: str = ""

    def __post_init__(self) -> None:
        for part in fields(self):
            value: str = getattr(self, part.name)
            if len(value.encode()) > _STRING_MAX or not all(c.isprintable() for c in value):
                raise ParametersError(
                    part.name,
                    Text("no text for a trip record", "不能写入行程记录"),
                    Text("At most 255 bytes, without control characters", "最多 255 字节，不含控制字符"),
                )


def trip_record(code: bytes, verdict: Verdict, *, terminal: Terminal, record_id: str, moment: Moment) -> bytes:
    """The record of one judged code. record_id: unique, at most 255 bytes; raises ValueError otherwise.

    A refused tap's record carries amount 0 and the reason. A time outside 1970 to 2106 is written as the nearer end.
    """
    texts = (
        terminal.vendor,
        terminal.terminal,
        terminal.software,
        record_id,
        terminal.merchant_type,
        terminal.vehicle,
        terminal.plate,
        terminal.driver,
        terminal.line,
        terminal.station,
        terminal.position,
    )
    return _core.record_write(
        code,
        verdict.reason,
        verdict.accepted,
        verdict.fare_fen,
        min(max(moment.unix_s, 0), 0xFFFFFFFF),
        moment.trusted,
        *(text or None for text in texts),
    )


def record_is_intact(record: bytes) -> bool:
    """Whether the bytes are a well-formed record whose integrity value agrees. Proves no origin: see core/record.c."""
    return _core.record_check(record)
