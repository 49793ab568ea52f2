"""Takes a payload apart for an engineer's eyes: a code field by field, as far as its bytes reach.

Rules:
- Any bytes of any length give a Dissection, never an exception.
- What is wrong is said with its offset in the payload.
- Everything shown comes through the Veil. Where the account fields are not where they belong, account numbers may lie
  anywhere, and without `reveal` nothing is shown but what is told by marks of its own.
"""

from collections.abc import Iterator, Mapping

from yima.sdk import layouts
from yima.sdk.dissection.families import FAMILIES, family_of
from yima.sdk.dissection.field_names import CERTIFICATE_NAMES, CODE_NAMES
from yima.sdk.dissection.findings import (
    Problem,
    accounts_in_place,
    certificate_in_place,
    is_masked,
    issuer_data_size,
    problems_of,
    signatures_of,
    times_of,
)
from yima.sdk.dissection.masking import Veil
from yima.sdk.dissection.shape import Dissection, Field, moment, problem_objects
from yima.sdk.dissection.suishen import dissect_suishen
from yima.sdk.layouts import Piece
from yima.sdk.roots import RootKeys
from yima.validator.texts import Text

__all__ = ["Dissection", "dissect", "dissect_within"]

_KEY = 23
"""Where the certificate's key lies in a code: what stands before it is short and told by its own marks."""


def dissect(
    payload: bytes, *, roots: RootKeys | None = None, at: int | None = None, reveal: bool = False
) -> Dissection:
    """Dissects one payload that is no trip record. at: unix seconds UTC, adds what the time checks would say."""
    veil = Veil(payload, reveal=reveal)
    return dissect_within(payload, veil, 0, len(payload), roots=roots, at=at)


def dissect_within(
    payload: bytes, veil: Veil, start: int, end: int, *, roots: RootKeys | None = None, at: int | None = None
) -> Dissection:
    """Dissects the code at payload[start:end] and draws the veil over its accounts."""
    code = payload[start:end]
    family = family_of(code)
    if family in ("ministry", "unified"):
        body = start + (family == "unified")  # the unified platform puts 55 before the ministry's layout
        return _dissect_ministry(payload, veil, body, end, family=family, roots=roots or RootKeys(), at=at)
    veil.hide(start, end - start)  # its accounts may lie anywhere
    if family == "suishen":
        return dissect_suishen(code, start, reveal=veil.revealed, at=at)
    problems = (Problem(start, _not_a_code(code)),) if family == "unknown" else ()
    document = {"family": family, "size": len(code), "problems": problem_objects(problems)}
    return Dissection(document=document, problems=problems, note=FAMILIES[family])


def _dissect_ministry(
    payload: bytes, veil: Veil, start: int, end: int, *, family: str, roots: RootKeys, at: int | None
) -> Dissection:
    code = payload[start:end]
    data_size = issuer_data_size(code)
    known = {} if data_size is None else {"issuer_data_length": data_size}
    pieces = {piece.name: piece for piece in layouts.walk(layouts.CODE, code, **known)}
    certificate = {piece.name: piece for piece in layouts.walk(layouts.CERTIFICATE, code[3:120])}
    signatures = signatures_of(code, data_size, roots)

    if is_masked(code):
        for begin, size in ((120, 26), (158, 33), (198, data_size or 0)):
            veil.hide(start + begin, size)
    elif accounts_in_place(code):
        veil.hide_text_account(start + 120, len(code[120:136]), whole=len(code) >= 136)
        veil.hide_packed_account(start + 136, len(code[136:146]), whole=len(code) >= 146)
    elif not veil.revealed:
        shown = ("version", "length", "certificate") if certificate_in_place(code) else ("version", "length")
        pieces = {name: piece for name, piece in pieces.items() if name in shown}
        certificate = certificate if "certificate" in shown else {}
        hidden_from = _KEY if "certificate" in shown else 3
        veil.hide(start + hidden_from, len(code) - hidden_from)
    problems = tuple(Problem(start + p.offset, p.text) for p in problems_of(code, pieces, certificate))

    expires = layouts.expiry_month(certificate["expiry"].raw) if "expiry" in certificate else None
    times = {} if at is None else times_of(pieces, expires, at)
    view = _View(veil, start, pieces)
    document: dict[str, object] = {
        "family": family,
        "version": view.value("version"),
        "certificate": {
            "root_index": _value(certificate, "root_index"),
            "issuer": _value(certificate, "issuer_id"),
            "expires": expires,
            "serial": _value(certificate, "serial"),
        },
        "payment_account": view.payment_account(),
        "card_account": view.card_account(),
        "organisation": view.hex("organisation"),
        "platform": view.hex("platform"),
        "account_type": view.value("account_type"),
        "cap_fen": view.value("cap"),
        "authorised_until": view.value("authorised_until"),
        "validity_s": view.value("validity"),
        "issuer_data": view.hex("issuer_data"),
        "generated_at": view.value("generated_at"),
        "signatures": signatures,
        "problems": problem_objects(problems),
    }
    if at is not None:
        document["time"] = times
    return Dissection(
        document=document,
        fields=tuple(view.rows(certificate)),
        problems=problems,
        signatures=signatures,
        times=times,
    )


class _View:
    """The fields of one code as they may be shown."""

    def __init__(self, veil: Veil, start: int, pieces: Mapping[str, Piece]) -> None:
        self._veil = veil
        self._start = start
        self._pieces = pieces

    def value(self, name: str) -> int | str | None:
        return _value(self._pieces, name)

    def hex(self, name: str) -> str | None:
        piece = self._pieces.get(name)
        return None if piece is None else self._veil.hex(self._start + piece.offset, len(piece.raw))

    def payment_account(self) -> str | None:
        piece = self._pieces.get("payment_account")
        return None if piece is None else self._veil.text(self._start + piece.offset, len(piece.raw)).rstrip(" ")

    def card_account(self) -> str | None:
        shown = self.hex("card_account")
        return None if shown is None else shown.rstrip("f")

    def rows(self, certificate: Mapping[str, Piece]) -> Iterator[Field]:
        for number, (name, names) in enumerate(CODE_NAMES.items(), 1):
            piece = self._pieces.get(name)
            if piece is None:
                return
            if name != "certificate":
                yield self._row(str(number), names, self._start, piece, self._meaning(name))
                continue
            yield self._row(str(number), names, self._start, piece, "")
            for part in certificate.values():
                meaning = _certificate_meaning(part)
                yield self._row("", CERTIFICATE_NAMES[part.name], self._start + piece.offset, part, meaning)

    def _row(self, number: str, name: Text, base: int, piece: Piece, meaning: str) -> Field:
        at, size = base + piece.offset, len(piece.raw)
        raw = "" if piece.name == "certificate" else self._veil.hex(at, size)  # its parts follow
        return Field(number=number, name=name, offset=at, size=size, raw=raw, meaning=meaning)

    def _meaning(self, name: str) -> str:
        if name == "payment_account":
            return self.payment_account() or ""
        if name == "card_account":
            return self.card_account() or ""
        value = self.value(name)
        if not isinstance(value, int):
            return ""
        if name == "cap":
            return f"¥{value / 100:.2f}"
        if name in ("authorised_until", "generated_at"):
            return moment(value)
        return f"{value} s" if name == "validity" else str(value)


def _value(pieces: Mapping[str, Piece], name: str) -> int | str | None:
    value = pieces[name].value if name in pieces else None
    return value.hex() if isinstance(value, bytes) else value


def _certificate_meaning(part: Piece) -> str:
    if part.name == "expiry":
        return layouts.expiry_month(part.raw) or ""
    return str(part.value) if part.name in ("root_index", "key_length") and part.value is not None else ""


def _not_a_code(payload: bytes) -> Text:
    at = payload.find(b"\x24" + layouts.SERVICE_ID) - 3
    if at > 0 and family_of(payload[at:]) == "ministry":
        return Text(
            f"a ministry code seems to begin at byte {at}; the reader put something before it",
            f"第 {at} 字节处似有部标码，其前有阅读器添加的数据",
        )
    return Text(
        f"{len(payload)} bytes that are no code of any known family", f"{len(payload)} 字节，不属于任何已知码类"
    )
