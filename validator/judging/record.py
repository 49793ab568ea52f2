"""What a device hands on of one presentation: the ministry's trip record of an accepted ride, and the entry around it.

The record's bytes are written by the core (core/record.c): TLVs of tag (2), length (2), value, 0000 to 0011 and no
others; 0011 is SM3 over all before it. An entry is the facts of the tap (yima.validator.journal.facts) and then a body:
the record if the ride was accepted, else the payload as it was scanned, or the beginning and the SM3 of a long one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields

from yima.validator import _core
from yima.validator.errors import ParametersError
from yima.validator.judging import Mode, Moment, Validator, Verdict
from yima.validator.parameters.image import MODE_NUMBERS
from yima.validator.texts import Text
from yima.validator.version import VERSION

_STRING_MAX = 255
_ID_MAX = 64  # of a terminal, whose record ids begin with it


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """What a terminal says of itself and of the ride; "" leaves the tag out. At most 255 bytes of UTF-8 each.

    terminal: its id (tag 0003), at most 64 bytes. merchant_type: "" is the gate's mode's, 4131 for a bus, 4111 for a
    metro. position: "lat,lon". Raises ParametersError for a text that no record can hold.
    """

    terminal: str
    vendor: str = "yima"
    software: str = VERSION
    merchant_type: str = ""
    vehicle: str = ""
    plate: str = ""
    driver: str = ""
    line: str = ""
    station: str = ""
    position: str = ""

    def __post_init__(self) -> None:
        for part in fields(self):
            value: str = getattr(self, part.name)
            most = _ID_MAX if part.name == "terminal" else _STRING_MAX
            if not value.isprintable() or len(value.encode()) > most:
                raise ParametersError(
                    part.name,
                    Text("no text for a trip record", "不能写入行程记录"),
                    Text(f"At most {most} bytes, without control characters", f"最多 {most} 字节，不含控制字符"),
                )


def trip_record(verdict: Verdict, *, mode: Mode, terminal: Terminal, record_id: str, moment: Moment) -> bytes:
    """The ministry's record of an accepted ride. record_id: unique, at most 255 bytes.

    Raises ValueError for a refused verdict, and for a record_id that is too long. A time outside 1970 to 2106 is
    written as the nearer end.
    """
    if not verdict.accepted:
        raise ValueError("a refused tap has no trip record")
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
        verdict.code,
        verdict.fare_fen,
        MODE_NUMBERS[mode],
        min(max(moment.unix_s, 0), 0xFFFFFFFF),
        *(text or None for text in texts),
    )


def tap_entry(
    validator: Validator, verdict: Verdict, *, terminal: Terminal, record_id: str, moment: Moment, run: int
) -> bytes:
    """The entry of a tap that `validator` judged, with the verdict as it was in the end: facts, then the body.

    run: how often the device has started. Raises ValueError as trip_record does.
    """
    if not verdict.accepted:
        return validator.refusal(verdict, moment, run)
    facts, mode = validator.facts(verdict, moment, run), validator.gate.mode
    return facts + trip_record(verdict, mode=mode, terminal=terminal, record_id=record_id, moment=moment)


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
