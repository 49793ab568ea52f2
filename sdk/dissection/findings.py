"""What is wrong with a code, byte by byte, what its signatures say, and what its times say.

A second opinion beside the core's: it shares no line with it, checks signatures with libcrypto, does not stop at the
first fault and gives no verdict. Any bytes of any length are taken; offsets here count from the start of the code.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from yima.sdk import layouts, sm2
from yima.sdk.dissection.field_names import CERTIFICATE_NAMES, CODE_NAMES
from yima.sdk.layouts import Piece
from yima.sdk.roots import RootKeys
from yima.validator.texts import Text

VERSIONS = (0x80, 0x81)
# A validator's defaults, for what the time checks would say.
FUTURE_TOLERANCE_S = 20
MAX_VALIDITY_S = 1200

_CERTIFICATE_VALUES: dict[str, tuple[int | bytes, ...]] = {
    "header": (0x24,),
    "service_id": (layouts.SERVICE_ID,),
    "format": (0x12,),
    "signature_algorithm": (4,),
    "encryption_algorithm": (4, 0),  # 00 was seen in one builder; FF must be refused (5756)
    "curve_parameter": (0,),
    "key_length": (33,),
}


class Problem(NamedTuple):
    """Something wrong, at a byte."""

    offset: int
    text: Text


def issuer_data_size(code: bytes) -> int | None:
    """How many bytes field 14 has: as field 13 says, unless only the total size puts the signatures' marks in place."""
    if len(code) < 198:
        return None
    said, by_size = code[197], len(code) - layouts.CODE_MIN
    for c in (said, by_size):
        marks = code[198 + c : 199 + c] + code[267 + c : 268 + c] if 0 <= c <= layouts.ISSUER_DATA_MAX else b""
        if marks == bytes([layouts.SIGNATURE_TAG] * 2):
            return c
    return said


def is_masked(code: bytes) -> bool:
    """Whether a capture of the bench left out accounts, rider's key and issuer's data: zeros where a code, of which
    every mark is in its place, has them."""
    size = len(code) - layouts.CODE_MIN
    return (
        0 <= size <= layouts.ISSUER_DATA_MAX
        and size == code[197]
        and code[198 + size] == code[267 + size] == layouts.SIGNATURE_TAG
        and code[146:150] == code[10:14]  # the institution is the certificate's
        and not any(code[120:146] + code[158:191] + code[198 : 198 + size])
    )


def accounts_in_place(code: bytes) -> bool:
    """Whether fields 4 and 5 are where they belong, or left out. Of the four marks in and around them one may be
    damaged."""
    if is_masked(code):
        return True
    marks = []
    if len(code) > 120:
        marks.append(all(0x20 <= byte <= 0x7E for byte in code[120:136]))
    if len(code) >= 146:
        marks.append(layouts.digits(code[136:146]) is not None)
    if len(code) >= 150:
        marks.append(code[146:150] == code[10:14])  # the institution is the certificate's
    if len(code) >= 191:
        marks.append(sm2.decompress(code[158:191]) is not None)
    return marks.count(False) <= (1 if len(marks) == 4 else 0)


def certificate_in_place(code: bytes) -> bool:
    """Whether the certificate's fields before its key are where they belong."""
    return code[3:8] == b"\x24" + layouts.SERVICE_ID and code[22:23] == b"\x21"


def problems_of(code: bytes, fields: Mapping[str, Piece], certificate: Mapping[str, Piece]) -> Iterator[Problem]:
    """What is wrong with the form, in the code's order; `code` is not empty."""
    yield from _size_problems(code)
    yield from _certificate_problems(certificate)
    if not accounts_in_place(code):
        yield Problem(
            120,
            Text(
                "fields are not where they belong; account numbers may lie anywhere, so nothing more is shown without "
                "--reveal",
                "字段错位，账户号位置不明；除非使用 --reveal，否则不予显示",
            ),
        )
        return
    yield from _body_problems(code, fields)
    yield from _signature_mark_problems(fields)
    last = list(fields.values())[-1]
    end = last.offset + last.size
    if last.value is None:
        names = CODE_NAMES[last.name]
        yield Problem(len(code), Text(f"cut off within field “{names.en}”", f"在字段“{names.zh}”中截断"))
    elif last.name == "rider_signature" and end < len(code):
        more = len(code) - end
        yield Problem(end, Text(f"{more} bytes behind field 17", f"字段 17 之后多出 {more} 字节"))


def signatures_of(code: bytes, data_size: int | None, roots: RootKeys) -> dict[str, str]:
    """What libcrypto says of the three signatures; bytes that are missing make one invalid, unless a capture left them
    out."""
    certificate = code[3:120]
    loaded = roots.of(certificate[5]) if len(certificate) > 5 else ()
    span = certificate[slice(*layouts.CA_SPAN)]
    by_root = any(_verifies(root.key, span, certificate[53:117]) for root in loaded)
    c = data_size or 0
    issuer = _signed(code, layouts.issuer_span(c), certificate[20:53])
    rider = _signed(code, layouts.rider_span(c), code[158:191])
    signed_over_zeros = "not kept" if is_masked(code) else "invalid"
    return {
        "certificate": "unknown root" if not loaded else "valid" if by_root else "invalid",
        "issuer": "valid" if issuer else signed_over_zeros,
        "rider": "valid" if rider else signed_over_zeros,
    }


def times_of(fields: Mapping[str, Piece], expires: str | None, at: int) -> dict[str, str | None]:
    """What a validator with default limits says of the times at that moment; None where a field is missing."""
    until, validity, made = (_number(fields, name) for name in ("authorised_until", "validity", "generated_at"))
    code: str | None = None
    if made is not None and validity is not None:
        code = "from the future" if made > at + FUTURE_TOLERANCE_S else "expired" if at > made + validity else "valid"
    month = datetime.fromtimestamp(at, UTC).strftime("%Y-%m")
    return {
        "certificate": None if expires is None else "expired" if month > expires else "valid",
        "authorisation": None if until is None else "expired" if at > until else "valid",
        "validity": None if validity is None else "too long" if validity > MAX_VALIDITY_S else "valid",
        "code": code,
    }


def _size_problems(code: bytes) -> Iterator[Problem]:
    version, size = code[0], len(code)
    if version not in VERSIONS:
        yield Problem(
            0, Text(f"version {version:02x} is not known (80, 81)", f"未知版本号 {version:02x}（已知 80、81）")
        )
    said = int.from_bytes(code[1:3]) + 3
    if said != size:
        en, zh = (
            f"the length field says {said} bytes in all, not {size}",
            f"长度字段表示共 {said} 字节，实有 {size} 字节",
        )
        yield Problem(1, Text(en, zh))
    if not layouts.CODE_MIN <= size <= layouts.CODE_MAX:
        en, zh = f"{size} bytes: a code has 332 to 364", f"共 {size} 字节：二维码数据应为 332 至 364 字节"
        yield Problem(min(size, layouts.CODE_MAX), Text(en, zh))


def _certificate_problems(certificate: Mapping[str, Piece]) -> Iterator[Problem]:
    for name, piece in certificate.items():
        if piece.value is None:
            continue
        at, names = 3 + piece.offset, CERTIFICATE_NAMES[name]
        right = _CERTIFICATE_VALUES.get(name, ())
        if right and piece.value not in right:
            wanted = " / ".join(value.hex() if isinstance(value, bytes) else f"{value:02x}" for value in right)
            en = f"certificate: {names.en} is {piece.raw.hex()}, not {wanted}"
            yield Problem(at, Text(en, f"证书{names.zh}为 {piece.raw.hex()}，应为 {wanted}"))
        if name == "expiry" and layouts.expiry_month(piece.raw) is None:
            yield Problem(at, Text("certificate: expiry names no month (MMYY)", "证书失效日期不是有效年月（MMYY）"))
        if name == "issuer_key" and sm2.decompress(piece.raw) is None:
            yield Problem(at, Text("certificate: issuer's key is not on the curve", "证书中的发卡机构公钥不在曲线上"))


def _body_problems(code: bytes, fields: Mapping[str, Piece]) -> Iterator[Problem]:
    """Of fields 4 to 13, each only where it is whole."""
    left_out = ("payment_account", "rider_key") if is_masked(code) else ()
    whole = {name: piece.raw for name, piece in fields.items() if piece.value is not None and name not in left_out}
    wrong = [120 + i for i, byte in enumerate(whole.get("payment_account", b"")) if not 0x20 <= byte <= 0x7E]
    if wrong:
        yield Problem(wrong[0], Text("payment account: not printable here", "支付账户号含不可打印字符"))
    if "card_account" in whole and not layouts.digits(whole["card_account"]):
        yield Problem(136, Text("card account: not decimal digits", "卡账户号不是十进制数字"))
    if "organisation" in whole and whole["organisation"] != code[10:14]:
        yield Problem(146, Text("institution differs from the certificate's issuer", "发卡机构号与证书不一致"))
    if "rider_key" in whole and sm2.decompress(whole["rider_key"]) is None:
        yield Problem(158, Text("rider's key is not on the curve", "用户公钥不在曲线上"))
    if "issuer_data_length" in whole:
        said, by_size = code[197], len(code) - layouts.CODE_MIN
        if said > layouts.ISSUER_DATA_MAX:
            yield Problem(197, Text(f"issuer's data of {said} bytes: at most 32", f"自定义域长度 {said}，最长 32 字节"))
        elif said != by_size and 0 <= by_size <= layouts.ISSUER_DATA_MAX:
            en, zh = (
                f"issuer's data of {said} bytes, but the size leaves {by_size}",
                f"自定义域长度 {said}，按总长应为 {by_size}",
            )
            yield Problem(197, Text(en, zh))


def _signature_mark_problems(fields: Mapping[str, Piece]) -> Iterator[Problem]:
    for name in ("issuer_signature", "rider_signature"):
        piece = fields.get(name)
        if piece is not None and piece.value is not None and piece.raw[0] != layouts.SIGNATURE_TAG:
            names, mark = CODE_NAMES[name], f"{piece.raw[0]:02x}"
            yield Problem(
                piece.offset, Text(f"{names.en} begins with {mark}, not 15", f"{names.zh}以 {mark} 开头，应为 15")
            )


def _number(fields: Mapping[str, Piece], name: str) -> int | None:
    piece = fields.get(name)
    return piece.value if piece is not None and isinstance(piece.value, int) else None


def _signed(code: bytes, span: tuple[int, int], key: bytes) -> bool:
    """Whether the signature field that stands right behind the span holds."""
    signature = code[span[1] : span[1] + 65]
    return signature[:1] == bytes([layouts.SIGNATURE_TAG]) and _verifies(key, code[slice(*span)], signature[1:])


def _verifies(key: bytes, message: bytes, signature: bytes) -> bool:
    return len(key) in (33, 64) and len(signature) == 64 and sm2.verify(key, message, signature)
