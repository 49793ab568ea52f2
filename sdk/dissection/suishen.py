"""Takes 随申码's transit form apart: the text around it, the decoded fields, the two signatures' places.

Offsets of fields are in the decoded bytes, since in base64 they have no place of their own; problems are told at their
byte of the payload. The card number is masked, and the text that holds it is not shown. Signatures are not checked: the
keys are no root certificates, and a validator's parameters hold them.
"""

from collections.abc import Iterator
from datetime import datetime

from yima.sdk import suishen
from yima.sdk.dissection.families import FAMILIES
from yima.sdk.dissection.findings import FUTURE_TOLERANCE_S, Problem
from yima.sdk.dissection.masking import Veil
from yima.sdk.dissection.shape import Dissection, Field, moment, problem_objects
from yima.sdk.layouts import Piece, digits, walk
from yima.validator.texts import Text

NAMES = {
    "outer_signature": Text("outer signature", "外层签名"),
    "uuid": Text("UUID", "UUID"),
    "flags": Text("flags (4000: usable for transit)", "标志（4000：可用于交通）"),
    "client": Text("client", "客户端"),
    "expiry": Text("expiry, Beijing time", "失效时间（北京时间）"),
    "key_index": Text("index of the outer key", "外层公钥索引"),
    "card_account": Text("card number", "卡号"),
    "enabled": Text("enabled for (8000: metro)", "开通标志（8000：地铁）"),
    "user_type": Text("user type", "用户类型"),
    "cap": Text("cap on one trip", "单次消费金额上限"),
    "validity": Text("validity", "二维码有效时间"),
    "generated_at": Text("generation time", "二维码生成时间"),
    "transport_key_index": Text("index of the transport key", "交通公钥索引"),
    "reserved": Text("reserved", "保留"),
    "transport_signature": Text("transport signature", "交通数据签名"),
}
_USERS = {number: name for name, number in suishen.USER_TYPES.items()}
_CARD_AT = 115


def dissect_suishen(code: bytes, start: int, *, reveal: bool, at: int | None) -> Dissection:
    """Dissects a code that begins as this form does. start: of it in the payload. at: unix seconds, checks times."""
    said, body = suishen.unwrap(code)
    veil = Veil(body, reveal=reveal)
    if len(body) == suishen.BODY_SIZE:
        veil.hide_packed_account(_CARD_AT, 10, whole=True)
    else:
        veil.hide(0, len(body))  # the card number may lie anywhere
    pieces = {piece.name: piece for piece in walk(suishen.BODY, body)}
    problems = tuple(Problem(start + problem.offset, problem.text) for problem in _problems(code, said, body, pieces))
    expires = _expires(pieces)
    times = {} if at is None else _times(pieces, expires, at)
    document: dict[str, object] = {
        "family": "suishen",
        "size": len(code),
        "decoded_size": len(body),
        "card_account": _card(veil, body),
        "flags": _number(pieces, "flags"),
        "enabled": _number(pieces, "enabled"),
        "user_type": _number(pieces, "user_type"),
        "cap_fen": _number(pieces, "cap"),
        "validity_s": _number(pieces, "validity"),
        "generated_at": _number(pieces, "generated_at"),
        "expires_at": expires,
        "key_index": _number(pieces, "key_index"),
        "transport_key_index": _number(pieces, "transport_key_index"),
        "problems": problem_objects(problems),
    }
    if at is not None:
        document["time"] = times
    return Dissection(
        document=document,
        fields=tuple(_row(piece, veil) for piece in pieces.values()),
        problems=problems,
        times=times,
        note=FAMILIES["suishen"],
    )


def _problems(code: bytes, said: int | None, body: bytes, pieces: dict[str, Piece]) -> Iterator[Problem]:
    size_at, text_at = len(suishen.PREFIX), len(suishen.PREFIX) + 4
    if not code.endswith(suishen.END):
        yield Problem(len(code), Text("does not end in ##", "未以 ## 结尾"))
    if not body:
        yield Problem(text_at, Text("what follows is no base64url", "其后不是 base64url 数据"))
        return
    if said != len(body):
        yield Problem(
            size_at,
            Text(f"says {said} decoded bytes, there are {len(body)}", f"标称 {said} 字节，实有 {len(body)} 字节"),
        )
    if len(body) != suishen.BODY_SIZE:
        en, zh = f"{len(body)} decoded bytes: this form has 211", f"解码后 {len(body)} 字节：该形态应为 211 字节"
        yield Problem(text_at, Text(en, zh))
        return
    if suishen.wrap(body) != code.replace(b"=", b"") and said == len(body) and code.endswith(suishen.END):
        yield Problem(text_at, Text("not as an encoder writes it", "编码不规范"))
    if not digits(pieces["card_account"].raw):
        yield Problem(text_at, Text("card number: not decimal digits", "卡号不是十进制数字"))
    if _expires(pieces) is None:
        yield Problem(text_at, Text("expiry: no moment (yyyyMMddHHmmss)", "失效时间无效（yyyyMMddHHmmss）"))
    if _number(pieces, "user_type") not in _USERS:
        yield Problem(text_at, Text("user type: none that is known (1 to 4)", "未知用户类型（已知 1 至 4）"))


def _times(pieces: dict[str, Piece], expires: int | None, at: int) -> dict[str, str | None]:
    made, validity = _number(pieces, "generated_at"), _number(pieces, "validity")
    code = None
    if made is not None and validity is not None:
        code = "from the future" if made > at + FUTURE_TOLERANCE_S else "expired" if at > made + validity else "valid"
    return {
        "authorisation": None if expires is None else "expired" if at > expires else "valid",
        "code": code,
    }


def _expires(pieces: dict[str, Piece]) -> int | None:
    raw = pieces["expiry"].raw if "expiry" in pieces else b""
    if len(raw) != 14 or not raw.isdigit():
        return None
    try:
        return int(datetime.strptime(raw.decode(), "%Y%m%d%H%M%S").replace(tzinfo=suishen.BEIJING).timestamp())
    except ValueError:
        return None


def _number(pieces: dict[str, Piece], name: str) -> int | None:
    value = pieces[name].value if name in pieces else None
    return value if isinstance(value, int) else None


def _card(veil: Veil, body: bytes) -> str | None:
    return veil.hex(_CARD_AT, 10).rstrip("f") if len(body) == suishen.BODY_SIZE else None


def _row(piece: Piece, veil: Veil) -> Field:
    raw = veil.hex(piece.offset, len(piece.raw))
    meaning = _meaning(piece) if not veil.is_hidden(piece.offset, len(piece.raw)) else ""
    return Field(number="", name=NAMES[piece.name], offset=piece.offset, size=len(piece.raw), raw=raw, meaning=meaning)


def _meaning(piece: Piece) -> str:
    value = piece.value
    if piece.name == "expiry":
        return piece.raw.decode("ascii", "replace") if piece.raw.isdigit() else ""
    if not isinstance(value, int):
        return ""
    return {
        "user_type": _USERS.get(value, "?"),
        "cap": f"¥{value / 100:.2f}",
        "validity": f"{value} s",
        "generated_at": moment(value) if piece.name == "generated_at" else "",
        "flags": f"{value:04x}",
        "enabled": f"{value:04x}",
    }.get(piece.name, str(value))
