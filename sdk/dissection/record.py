"""Takes a trip record (TLV, spec: tag 2, length 2, value) apart, with the code inside it.

Rules:
- Unknown tags are kept and shown, never refused; a record that breaks off is shown as far as it goes.
- Integrity is plain SM3 over every byte before tag 0011: a checksum, not an authenticator.
- Accounts are hidden in the code, in tag 0001 and wherever else in the record they stand.
"""

from collections.abc import Iterator
from typing import NamedTuple

from yima.sdk import sm2
from yima.sdk.dissection.code import dissect_within
from yima.sdk.dissection.field_names import NUMBER_TAGS, TAG_NAMES, TEXT_TAGS
from yima.sdk.dissection.findings import Problem
from yima.sdk.dissection.masking import Veil
from yima.sdk.dissection.shape import Dissection, Field, moment, problem_objects
from yima.sdk.roots import RootKeys
from yima.validator.texts import Text

_FIRST = bytes.fromhex("0000000100")
"""Tag 0000, one byte, 00: how every record begins."""

CODE_TAG = 0x0001
INTEGRITY_TAG = 0x0011
_TIME_TAG = 0x0010
_AMOUNT_TAG = 0x0009


class _Tag(NamedTuple):
    """One TLV: at is where its tag begins, start where its value does; whole: the record reaches its end."""

    tag: int
    at: int
    start: int
    size: int
    whole: bool


def is_record(payload: bytes) -> bool:
    """Whether the bytes begin as a trip record does."""
    return payload.startswith(_FIRST)


def dissect_record(
    record: bytes, *, roots: RootKeys | None = None, at: int | None = None, reveal: bool = False
) -> Dissection:
    """Dissects a record; any bytes are taken. at: unix seconds UTC, adds time checks of the code inside."""
    veil = Veil(record, reveal=reveal)
    tags = list(_tags(record))
    problems = list(_problems(record, tags))
    code = next((tag for tag in tags if tag.tag == CODE_TAG), None)
    inside = None
    if code is not None:
        inside = dissect_within(record, veil, code.start, code.start + code.size, roots=roots, at=at)
        problems += inside.problems
    document: dict[str, object] = {
        "tags": {f"{tag.tag:04X}": _value(veil, record, tag) for tag in reversed(tags)},  # the first of a tag stands
        "integrity": record_integrity(record),
        "code": None if inside is None else inside.document,
        "problems": problem_objects(tuple(problems)),
    }
    fields = tuple(_row(veil, record, tag) for tag in tags)
    if inside is None:
        return Dissection(document=document, fields=fields, problems=tuple(problems))
    return Dissection(
        document=document,
        fields=fields + inside.fields,
        problems=tuple(problems),
        signatures=inside.signatures,
        times=inside.times,
        note=inside.note,
    )


def record_integrity(record: bytes) -> bool:
    """Whether tag 0011 is there and agrees with the bytes before it."""
    tag = next((tag for tag in _tags(record) if tag.tag == INTEGRITY_TAG), None)
    return tag is not None and tag.whole and record[tag.start : tag.start + tag.size] == sm2.sm3(record[: tag.at])


def _tags(record: bytes) -> Iterator[_Tag]:
    at = 0
    while at + 4 <= len(record):
        tag, size = int.from_bytes(record[at : at + 2]), int.from_bytes(record[at + 2 : at + 4])
        there = min(size, len(record) - at - 4)
        yield _Tag(tag, at, at + 4, there, there == size)
        at += 4 + size


def _problems(record: bytes, tags: list[_Tag]) -> Iterator[Problem]:
    seen = set()
    for tag in tags:
        name = f"{tag.tag:04X}"
        if not tag.whole:
            yield Problem(tag.at, Text(f"tag {name} is longer than the record", f"标签 {name} 超出记录末尾"))
        if tag.tag in seen:
            yield Problem(tag.at, Text(f"tag {name} stands twice", f"标签 {name} 重复"))
        seen.add(tag.tag)
    end = tags[-1].start + tags[-1].size if tags else 0
    if end < len(record):
        yield Problem(end, Text(f"{len(record) - end} bytes that are no tag", f"末尾 {len(record) - end} 字节不成标签"))
    if CODE_TAG not in seen:
        yield Problem(len(record), Text("no code (tag 0001)", "缺少二维码数据（标签 0001）"))
    if INTEGRITY_TAG not in seen:
        yield Problem(len(record), Text("no integrity (tag 0011)", "缺少完整性校验（标签 0011）"))
        return
    integrity = next(tag for tag in tags if tag.tag == INTEGRITY_TAG)
    if not record_integrity(record):
        text = Text("integrity does not agree with the bytes before it", "完整性校验与其前的数据不符")
        yield Problem(integrity.at, text)
    if integrity is not tags[-1]:
        yield Problem(
            integrity.start + integrity.size, Text("tags behind 0011 are not covered", "0011 之后的标签不受校验")
        )


def _value(veil: Veil, record: bytes, tag: _Tag) -> str | int:
    hidden = veil.is_hidden(tag.start, tag.size)
    if tag.tag in TEXT_TAGS:
        return veil.text(tag.start, tag.size)
    if tag.tag in NUMBER_TAGS and 1 <= tag.size <= 4 and not hidden:
        return int.from_bytes(record[tag.start : tag.start + tag.size])
    return veil.hex(tag.start, tag.size)


def _row(veil: Veil, record: bytes, tag: _Tag) -> Field:
    value = _value(veil, record, tag)
    raw = veil.hex(tag.start, tag.size)
    meaning = "" if value == raw else str(value)
    if isinstance(value, int) and tag.tag == _TIME_TAG:
        meaning = moment(value)
    if isinstance(value, int) and tag.tag == _AMOUNT_TAG:
        # Some terminals write BCD, some binary; the record does not say which.
        meaning = f"¥{value / 100:.2f}" + (
            f" (BCD: ¥{int(raw) / 100:.2f})" if raw.isdecimal() and int(raw) != value else ""
        )
    name = TAG_NAMES.get(tag.tag, Text("not known here", "未知标签"))
    shown = "" if tag.tag == CODE_TAG else raw  # its fields follow
    return Field(number=f"{tag.tag:04X}", name=name, offset=tag.start, size=tag.size, raw=shown, meaning=meaning)
