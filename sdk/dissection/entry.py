"""Takes an entry apart: the facts field by field, by the core's own table, and the body behind them as what it is.

Rules:
- Bytes that are no entry are none of this module's: `is_entry` says so before.
- The account among the facts is hidden as it is in a code; the body is shown through a veil of its own.
- Of a long payload that was refused the body has the first bytes and the SM3 (`cut_from`): it is shown as that, and not
  taken apart as the code that it is not.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from yima.sdk.dissection.code import dissect
from yima.sdk.dissection.families import FAMILIES, family_of
from yima.sdk.dissection.findings import Problem
from yima.sdk.dissection.masking import Veil
from yima.sdk.dissection.record import dissect_record
from yima.sdk.dissection.shape import Dissection, Field, moment, problem_objects
from yima.sdk.roots import RootKeys
from yima.validator import _core
from yima.validator.journal.facts import FactsError, parse
from yima.validator.judging import Reason
from yima.validator.texts import Text

_TAP, _RULE = 1, 5
_RULES_AT, _RULE_SIZE = 148, 12
_ACCOUNT_AT, _ACCOUNT_SIZE = 120, 10
_DIGEST_SIZE = 32
_KINDS = {1: "tap", 2: "outcome", 3: "time", 4: "note"}
_TIMES = frozenset({"at", "good_until", "entry_at", "expected", "found"})
_REASONS = {int(reason): reason for reason in Reason}


def is_entry(payload: bytes) -> bool:
    """Whether the bytes are facts and a body, as a device keeps them."""
    try:
        parse(payload)
    except FactsError:
        return False
    return True


def dissect_entry(
    entry: bytes, *, roots: RootKeys | None = None, at: int | None = None, reveal: bool = False
) -> Dissection:
    """Dissects an entry. at: unix seconds UTC, adds time checks of the code inside. Raises ValueError for no entry."""
    values = _core.facts_read(entry)
    kind, size = values["kind"], values["size"]
    veil = Veil(entry, reveal=reveal)
    if kind == _TAP:
        veil.hide_packed_account(_ACCOUNT_AT, _ACCOUNT_SIZE, whole=True)
    facts = tuple(_facts(veil, values))
    document: dict[str, object] = {"facts": {"kind": _KINDS[kind], **_document(veil, values)}}
    if kind != _TAP:
        text = veil.text(size, len(entry) - size)
        body = Field(
            number="body", name=Text("text", "正文"), offset=size, size=len(entry) - size, raw="", meaning=text
        )
        document["text"] = text
        return Dissection(document=document, fields=(*facts, body) if text else facts)
    if values["cut_from"]:
        return _with_cut(veil, entry[size:], Dissection(document=document, fields=facts), values["cut_from"])
    take_apart = dissect_record if values["reason"] == Reason.ACCEPTED else dissect
    inside = take_apart(entry[size:], roots=roots, at=at, reveal=reveal)
    document["record" if values["reason"] == Reason.ACCEPTED else "code"] = inside.document
    return Dissection(
        document=document,
        fields=facts + tuple(replace(field, offset=field.offset + size) for field in inside.fields),
        problems=tuple(Problem(problem.offset + size, problem.text) for problem in inside.problems),
        signatures=inside.signatures,
        times=inside.times,
        note=inside.note,
    )


def _with_cut(veil: Veil, body: bytes, facts: Dissection, cut_from: int) -> Dissection:
    """The facts, and behind them the body as the first bytes and the SM3 of so many bytes."""
    start, kept = _RULES_AT, len(body) - _DIGEST_SIZE  # a refused tap has no rules
    family = family_of(body[:kept])
    veil.hide(start, kept)  # accounts may lie anywhere
    told = Text(
        f"{cut_from} bytes were scanned, more than any code of a ride has; the first {kept} and the SM3 are kept",
        f"扫得 {cut_from} 字节，超过任何乘车码；只保存前 {kept} 字节和 SM3",
    )
    problems = (Problem(start, told),)
    digest = veil.hex(start + kept, _DIGEST_SIZE)
    names = Text("payload, its first bytes", "载荷开头"), Text("payload, SM3 of all of it", "整个载荷的 SM3")
    places = (start, kept), (start + kept, _DIGEST_SIZE)
    code = {"family": family, "size": cut_from, "kept": kept, "sm3": digest, "problems": problem_objects(problems)}
    return Dissection(
        document=facts.document | {"code": code},
        fields=facts.fields
        + tuple(
            Field(number="body", name=name, offset=at, size=size, raw=veil.hex(at, size), meaning="")
            for name, (at, size) in zip(names, places, strict=True)
        ),
        problems=problems,
        note=FAMILIES[family],
    )


def _document(veil: Veil, values: dict[str, Any]) -> dict[str, object]:
    shown = {name: value.hex() if isinstance(value, bytes) else value for name, value in values.items()}
    for name in ("kind", "size", "form", "rule_count"):
        shown.pop(name, None)
    if "account" in shown:
        shown["account"] = veil.hex(_ACCOUNT_AT, _ACCOUNT_SIZE)
    return shown


def _facts(veil: Veil, values: dict[str, Any]) -> Iterator[Field]:
    for kind, form, name, offset, size, english, chinese in _core.FACTS_LAYOUT:
        if kind in (0, values["kind"]) and form != "Z":
            yield _field(veil, Text(english, chinese), offset, size, _meaning(name, values[name]))
    names_at = _RULES_AT + _RULE_SIZE * len(values.get("rules", ()))
    for number, rule in enumerate(values.get("rules", ())):
        start = _RULES_AT + _RULE_SIZE * number
        for kind, _, name, offset, size, english, chinese in _core.FACTS_LAYOUT:
            if kind == _RULE:
                title = Text(f"rule {number + 1}: {english}", f"规则 {number + 1}：{chinese}")
                yield _field(veil, title, start + offset, size, _meaning(name, rule[name]))
    for number, rule in enumerate(values.get("rules", ())):
        size = len(rule["name"])
        title = Text(f"rule {number + 1}: name", f"规则 {number + 1}：名称")
        yield _field(veil, title, names_at + 1, size, rule["name"])
        names_at += 1 + size


def _field(veil: Veil, name: Text, offset: int, size: int, meaning: str) -> Field:
    return Field(number="facts", name=name, offset=offset, size=size, raw=veil.hex(offset, size), meaning=meaning)


def _meaning(name: str, value: object) -> str:
    if not isinstance(value, int):
        return ""
    if name == "reason" and value in _REASONS:
        reason = _REASONS[value]
        return f"{reason.name} {reason.chinese}"
    if name in _TIMES and 0 < value < 1 << 32:
        return moment(value)
    if name.endswith("fen"):
        return f"{'-' if value < 0 else ''}¥{abs(value) / 100:.2f}"
    return str(value)
