"""Reads and checks MCUboot images: ours, on the host and in the board's boot ROM, apart from imgtool that makes them.

Rules it keeps:
- Every byte is hostile until the signature holds; lengths are compared with what is there before anything is read.
- What decides (security counter, product, environment, hardware) is read from the protected TLVs only: the others are
  not signed. A TLV that stands twice makes the image none: one reader would take the first, another the last.
- An image is refused for one named reason (Fault); the order is form, product, hardware, environment, key, digest,
  signature, counter.
- The test key, which everybody has, signs no production image.

Format: MCUboot's bootutil/image.h. Header of 32 bytes in a space of 0x200, image, protected TLVs (signed), TLVs. The
Ed25519 signature is over the SHA-256 of header, image and protected TLVs, as imgtool makes it without --pure.
"""

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from yima.firmware_images.hardware import IMAGE_HEADER, Hardware, board, boards
from yima.firmware_images.keys import is_test_key
from yima.validator.errors import YimaError
from yima.validator.texts import Text

MAGIC = 0x96F3B83D
FLAG_ROM_FIXED = 0x100
_HEADER = struct.Struct("<IIHHIIBBHI4x")
_TLV_MAGIC, _PROTECTED_MAGIC = 0x6907, 0x6908
_KEY_HASH, _SHA256, _ED25519, _COUNTER = 0x01, 0x10, 0x24, 0x50
PRODUCT_TLV, ENVIRONMENT_TLV, HARDWARE_TLV = 0xA0, 0xA1, 0xA2
"""Of the range that MCUboot leaves to vendors; each holds an ASCII text."""
COUNTER_MAX = 0xFFFFFFFF
TLVS_MAX = 32
"""In one area; an image has nine in both."""


class Fault(StrEnum):
    """Why an image is not taken."""

    TOO_LARGE = "larger than a slot"
    NOT_AN_IMAGE = "no image header"
    TRUNCATED = "sizes do not add up"
    TLV_TWICE = "a TLV stands twice"
    OTHER_SLOT = "linked for no slot of this board"
    NO_PRODUCT = "no product in the protected TLVs"
    OTHER_PRODUCT = "made for another product"
    NO_HARDWARE = "no hardware in the protected TLVs"
    OTHER_HARDWARE = "made for another hardware"
    NO_ENVIRONMENT = "no environment in the protected TLVs"
    OTHER_ENVIRONMENT = "made for another environment"
    TEST_KEY = "a production image under the TEST key, which everybody has"
    UNKNOWN_KEY = "signed by no key that is trusted"
    BAD_DIGEST = "digest wrong: bytes were changed"
    BAD_SIGNATURE = "signature wrong"
    NO_COUNTER = "no security counter in the protected TLVs"
    OLDER = "security counter below the floor"


_CHINESE = {
    Fault.TOO_LARGE: "大于槽位",
    Fault.NOT_AN_IMAGE: "没有映像头",
    Fault.TRUNCATED: "长度不符",
    Fault.TLV_TWICE: "同一 TLV 出现两次",
    Fault.OTHER_SLOT: "链接地址不是本板的槽位",
    Fault.NO_PRODUCT: "受保护 TLV 中没有产品名",
    Fault.OTHER_PRODUCT: "属于其他产品",
    Fault.NO_HARDWARE: "受保护 TLV 中没有硬件名",
    Fault.OTHER_HARDWARE: "属于其他硬件",
    Fault.NO_ENVIRONMENT: "受保护 TLV 中没有环境",
    Fault.OTHER_ENVIRONMENT: "属于其他环境（测试或正式）",
    Fault.TEST_KEY: "正式映像使用了公开的测试密钥签名",
    Fault.UNKNOWN_KEY: "签名密钥不受信任",
    Fault.BAD_DIGEST: "摘要不符，内容被改动",
    Fault.BAD_SIGNATURE: "签名错误",
    Fault.NO_COUNTER: "受保护 TLV 中没有安全计数器",
    Fault.OLDER: "安全计数器低于下限",
}


class ImageError(YimaError):
    """An image that is not taken."""

    def __init__(self, thing: object, fault: Fault) -> None:
        super().__init__(
            thing,
            Text(f"image refused: {fault}", f"映像被拒绝：{_CHINESE[fault]}"),
            Text("Build and sign it anew for this device", "请为本设备重新编译并签名"),
        )
        self.fault = fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What an image says of itself; believed only after verify.

    version: (major, minor, revision, build). address: the slot it runs in. digest: SHA-256 by its TLV; signed_digest:
    as it is. counter, product, environment ("test" or "production"), hardware: of the protected TLVs, None if absent.
    size: without anything behind the TLVs.
    """

    version: tuple[int, int, int, int]
    address: int
    payload_size: int
    size: int
    digest: bytes
    signed_digest: bytes
    key_hash: bytes
    signature: bytes
    counter: int | None
    product: str | None
    environment: str | None
    hardware: str | None
    test_key: bool

    @property
    def version_text(self) -> str:
        """As imgtool writes it: 0.1.0+7, without a build number of 0."""
        major, minor, revision, build = self.version
        return f"{major}.{minor}.{revision}" + (f"+{build}" if build else "")


def read(data: bytes, thing: object = "image") -> Image:
    """Reads an image, or a slot that begins with one. Raises ImageError for its form; checks no digest. Of a hardware
    that is known here, the slot that it is linked for is looked at as well."""
    if len(data) > max(board(name).slots[0].size for name in boards()):
        raise ImageError(thing, Fault.TOO_LARGE)
    if len(data) < IMAGE_HEADER or int.from_bytes(data[:4], "little") != MAGIC:
        raise ImageError(thing, Fault.NOT_AN_IMAGE)
    _, address, header_size, protected_size, payload_size, flags, major, minor, revision, build = _HEADER.unpack_from(
        data
    )
    end = header_size + payload_size
    if header_size != IMAGE_HEADER or end > len(data):
        raise ImageError(thing, Fault.TRUNCATED)
    if not flags & FLAG_ROM_FIXED:
        raise ImageError(thing, Fault.OTHER_SLOT)
    protected: dict[int, bytes] = {}
    if protected_size:
        protected, size = _tlvs(data, end, _PROTECTED_MAGIC, thing)
        if size != protected_size:
            raise ImageError(thing, Fault.TRUNCATED)
        end += size
    tlvs, size = _tlvs(data, end, _TLV_MAGIC, thing)
    counter = protected.get(_COUNTER)
    if counter is not None and len(counter) != 4:
        raise ImageError(thing, Fault.TRUNCATED)
    hardware = _text(protected, HARDWARE_TLV)
    _check_place(hardware, address, end + size, len(data), thing)
    key_hash = tlvs.get(_KEY_HASH, b"")
    return Image(
        version=(major, minor, revision, build),
        address=address,
        payload_size=payload_size,
        size=end + size,
        digest=tlvs.get(_SHA256, b""),
        signed_digest=hashlib.sha256(data[:end]).digest(),
        key_hash=key_hash,
        signature=tlvs.get(_ED25519, b""),
        counter=None if counter is None else int.from_bytes(counter, "little"),
        product=_text(protected, PRODUCT_TLV),
        environment=_text(protected, ENVIRONMENT_TLV),
        hardware=hardware,
        test_key=is_test_key(key_hash),
    )


def _check_place(hardware: str | None, address: int, size: int, held: int, thing: object) -> None:
    """Whether it fits a slot of the board that it names, if that is one of ours."""
    if hardware not in boards():
        return
    slot = board(hardware).slot_at(address)
    if slot is None:
        raise ImageError(thing, Fault.OTHER_SLOT)
    if held > slot.size or size > slot.size - board(hardware).trailer_size:
        raise ImageError(thing, Fault.TOO_LARGE)


def verify(
    data: bytes,
    keys: Sequence[Ed25519PublicKey],
    *,
    counter_floor: int = 0,
    product: str | None = None,
    environment: str | None = None,
    hardware: str | None = None,
    thing: object = "image",
) -> Image:
    """The image, if it may run: signed by one of `keys`, its security counter not below the floor, made for `product`,
    `environment` and `hardware` (None: for any). Raises ImageError with the first fault."""
    image = read(data, thing)
    misfit = _misfit(image, product, environment, hardware)
    if misfit:
        raise ImageError(thing, misfit)
    key = next((key for key in keys if key_hash_of(key) == image.key_hash), None)
    if key is None:
        raise ImageError(thing, Fault.UNKNOWN_KEY)
    if image.digest != image.signed_digest:
        raise ImageError(thing, Fault.BAD_DIGEST)
    try:
        key.verify(image.signature, image.signed_digest)
    except InvalidSignature as error:
        raise ImageError(thing, Fault.BAD_SIGNATURE) from error
    if image.counter is None:
        raise ImageError(thing, Fault.NO_COUNTER)
    if image.counter < counter_floor:
        raise ImageError(thing, Fault.OLDER)
    return image


def _misfit(image: Image, product: str | None, environment: str | None, hardware: str | None) -> Fault | None:
    """Why an image is not for such a device, or under a key that is not for such an image."""
    for found, wanted, none, other in (
        (image.product, product, Fault.NO_PRODUCT, Fault.OTHER_PRODUCT),
        (image.hardware, hardware, Fault.NO_HARDWARE, Fault.OTHER_HARDWARE),
        (image.environment, environment, Fault.NO_ENVIRONMENT, Fault.OTHER_ENVIRONMENT),
    ):
        if found is None:
            return none
        if wanted is not None and found != wanted:
            return other
    return Fault.TEST_KEY if image.test_key and image.environment != "test" else None


def key_hash_of(key: Ed25519PublicKey) -> bytes:
    """How an image names its key: SHA-256 of the key's SubjectPublicKeyInfo."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()


def trailer_magic(hardware: Hardware) -> bytes:
    """MCUboot's 16 bytes at the end of a slot whose image may start. Flash with larger units than 8 has another one,
    which names the unit."""
    if hardware.trailer_unit == 8:
        return bytes.fromhex("77c295f360d2ef7f3552500f2cb67980")
    return hardware.trailer_unit.to_bytes(2, "little") + bytes.fromhex("2de15d29410b8d77679c110f1f8a")


def factory_slot(image: bytes, hardware: Hardware | None = None) -> bytes:
    """A whole slot as the factory writes it: the image, FF, and a trailer that says tried and confirmed. hardware:
    default mps2-an500."""
    hardware = hardware or board()
    unit = hardware.trailer_unit
    flags = b"\x01".ljust(unit, b"\xff") * 2
    trailer = flags + trailer_magic(hardware).rjust(max(unit, 16), b"\xff")
    size = hardware.slots[0].size
    if len(image) > size - hardware.trailer_size:
        raise ImageError("image", Fault.TOO_LARGE)
    return image.ljust(size - len(trailer), b"\xff") + trailer


def _tlvs(data: bytes, at: int, magic: int, thing: object) -> tuple[dict[int, bytes], int]:
    """The TLVs of one area, and the area's size."""
    if len(data) - at < 4:
        raise ImageError(thing, Fault.TRUNCATED)
    found_magic, size = struct.unpack_from("<HH", data, at)
    if found_magic != magic or not 4 <= size <= len(data) - at:
        raise ImageError(thing, Fault.TRUNCATED)
    tlvs: dict[int, bytes] = {}
    place, end = at + 4, at + size
    while place < end:
        if end - place < 4:
            raise ImageError(thing, Fault.TRUNCATED)
        kind, length = struct.unpack_from("<HH", data, place)
        if length > end - place - 4 or len(tlvs) == TLVS_MAX:
            raise ImageError(thing, Fault.TRUNCATED)
        if kind in tlvs:
            raise ImageError(thing, Fault.TLV_TWICE)
        tlvs[kind] = data[place + 4 : place + 4 + length]
        place += 4 + length
    return tlvs, size


def _text(tlvs: dict[int, bytes], kind: int) -> str | None:
    value = tlvs.get(kind)
    return None if value is None else value.decode("ascii", "replace")
