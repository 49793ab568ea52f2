"""The offline trip record: what a device hands on about one presentation, accepted or refused.

The bytes are written by the core (core/record.c): TLVs of tag (2), length (2), value; 0011 is SM3 over all before it.
Our own tags: 2001 the reason (2 bytes), 2002 whether the device's clock could be trusted (1 byte),
2003 the rules that set the fare, 2004 who vouched for a code that could not be verified here (1 its issuer, 2 nobody:
accepted at risk), 2005 what the tap was at a gate with a direction (1 entry, 2 exit, 3 over-time exit).
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields

from yima.validator import _core
from yima.validator.errors import ParametersError
from yima.validator.judging import Moment, Verdict, Vouched
from yima.validator.texts import Text
from yima.validator.version import VERSION

_STRING_MAX = 255
_AMOUNT, _VOUCHED = 0x0009, 0x2004


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
        verdict.transaction,
        verdict.vouched,
        min(max(moment.unix_s, 0), 0xFFFFFFFF),
        moment.trusted,
        *(text or None for text in (*texts, verdict.rule)),
    )


def record_is_intact(record: bytes) -> bool:
    """Whether the bytes are a well-formed record whose integrity value agrees. Proves no origin: see core/record.c."""
    return _core.record_check(record)


def fields_of(record: bytes) -> Iterator[tuple[int, bytes]]:
    """(tag, value) one after the other, as far as the bytes hold whole ones."""
    at = 0
    while at + 4 <= len(record):
        tag, size = int.from_bytes(record[at : at + 2]), int.from_bytes(record[at + 2 : at + 4])
        if at + 4 + size > len(record):
            return
        yield tag, record[at + 4 : at + 4 + size]
        at += 4 + size


def amount_of(record: bytes) -> int:
    """The fare in fen (tag 0009, binary); 0 if there is none."""
    return next((int.from_bytes(value) for tag, value in fields_of(record) if tag == _AMOUNT), 0)


def vouched_of(record: bytes) -> Vouched:
    """Who vouched for the code (tag 2004); HERE if the record does not say."""
    said = next((value for tag, value in fields_of(record) if tag == _VOUCHED), b"")
    return Vouched(said[0]) if len(said) == 1 and said[0] in set(Vouched) else Vouched.HERE
