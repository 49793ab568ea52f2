"""The boot ROM: which image starts. A model in Python of what MCUboot does when it is built for direct-XIP with revert.

Each image is executed where it lies; of two slots the one with the higher version is tried first. Sources: MCUboot's
design document (image format, trailer) and boot/bootutil/src/loader.c (boot_select_or_erase, boot_load_and_validate).

Rules it keeps:
- Only an image whose SHA-256 and whose Ed25519 signature, under a key in the boot ROM, are good is started, and only
  one made for this product, hardware and environment, by the protected TLVs (beyond what MCUboot checks by itself; its
  place for it is boot_image_check_hook). A production board starts nothing under the test key, whoever wrote it in.
- A slot is tried while its trailer's magic is good and it is either untried (copy_done not set) or confirmed (image_ok
  set); otherwise it is erased, and the other slot is next: that is the revert. An image that does not verify is erased.
- The security counter is read from the protected TLVs only and must reach the floor; the floor rises to the counter of
  a confirmed image, and never falls.
- Every length in a slot is hostile until it is checked against the slot.
Not modelled: the boot ROM's own instructions (it is not counted), encrypted images, dependencies, several images.
"""

import contextlib
import hashlib
import struct
from dataclasses import dataclass
from enum import StrEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from yima.firmware_images.hardware import Hardware, Place, Starts, board
from yima.firmware_images.image import trailer_magic
from yima.firmware_images.keys import public_test_key
from yima.hwsim.board.flash import Flash, FlashRuleError, Memory
from yima.hwsim.board.layout import MPS2

IMAGE_MAGIC = 0x96F3B83D
_ROM_FIXED = 0x100
_TLV_MAGIC, _PROTECTED_MAGIC = 0x6907, 0x6908
_KEY_HASH, _SHA256, _ED25519, _SECURITY_COUNTER = 0x01, 0x10, 0x24, 0x50
_PRODUCT, _ENVIRONMENT, _HARDWARE = 0xA0, 0xA1, 0xA2
_TLVS_MOST = 32
_HEADER = struct.Struct("<IIHHIIBBHII")
_TRUST = 0x100  # in the boot ROM, which comes first in flash
_TRUST_HEAD = struct.Struct("<4sBB2x24s24s")  # magic, environment, count of keys, product, hardware; keys of 32 bytes
_TRUST_MAGIC = b"YBK2"
KEYS_MOST = 8
NAME_MOST = 24
"""Characters of the name of a product and of a hardware."""
_ENVIRONMENTS = {1: "production", 2: "test"}
_TEST_KEY = public_test_key().public_bytes_raw()
_ELF = b"\x7fELF"


class Flag(StrEnum):
    """A flag of the trailer."""

    UNSET = "unset"
    SET = "set"
    BAD = "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A well-formed image in a slot, nothing verified. version: (major, minor, revision, build). made_for: product,
    hardware and environment."""

    slot: Place
    version: tuple[int, int, int, int]
    hashed: bytes
    entry: int
    counter: int | None
    made_for: tuple[bytes | None, bytes | None, bytes | None]
    digest: bytes | None
    key_hash: bytes | None
    signature: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trailer:
    """What a slot's trailer says."""

    magic: bool
    copy_done: Flag
    image_ok: Flag


@dataclass(frozen=True, slots=True, kw_only=True)
class Boot:
    """The outcome of a boot. slot: what starts, None if nothing may. notes: what was seen and done, bilingual."""

    slot: Place | None
    version: tuple[int, int, int, int] | None = None
    vectors: bytes = b""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What the factory wrote into the boot ROM. environment: "production" or "test". keys: raw Ed25519 public keys of
    32 bytes, at most 8."""

    environment: str
    product: str
    hardware: str
    keys: tuple[bytes, ...]


def trust_area(trust: Trust) -> bytes:
    """The bytes of it, for 0x100 of the boot ROM. Raises ValueError for what does not fit."""
    numbers = {name: number for number, name in _ENVIRONMENTS.items()}
    texts = (trust.product.encode("ascii"), trust.hardware.encode("ascii"))
    if len(trust.keys) > KEYS_MOST or any(len(key) != 32 for key in trust.keys) or max(map(len, texts)) > NAME_MOST:
        raise ValueError("up to 8 keys of 32 bytes, names of up to 24")
    return _TRUST_HEAD.pack(_TRUST_MAGIC, numbers[trust.environment], len(trust.keys), *texts) + b"".join(trust.keys)


def trust_of(flash: Flash) -> Trust | None:
    """What a board trusts; None if the area is blank."""
    magic, environment, count, product, hardware = _TRUST_HEAD.unpack(flash.read(_TRUST, _TRUST_HEAD.size))
    if magic != _TRUST_MAGIC or count > KEYS_MOST or environment not in _ENVIRONMENTS:
        return None
    keys = flash.read(_TRUST + _TRUST_HEAD.size, 32 * count)
    return Trust(
        environment=_ENVIRONMENTS[environment],
        product=product.rstrip(b"\0").decode("ascii", "replace"),
        hardware=hardware.rstrip(b"\0").decode("ascii", "replace"),
        keys=tuple(keys[at : at + 32] for at in range(0, len(keys), 32)),
    )


def hardware_of(memory: Memory) -> Hardware:
    """Whose flash this is, as the factory said; blank flash is the emulated board's. Raises HardwareError."""
    trust = trust_of(Flash(memory))
    return board(trust.hardware) if trust else MPS2


def put_trust(flash: Flash, trust: Trust) -> None:
    """Makes the boot ROM trust this; only a factory can."""
    area = trust_area(trust)
    flash.memory[_TRUST : _TRUST + len(area)] = area


def trailer(flash: Flash, slot: Place) -> Trailer:
    """Reads a slot's trailer."""
    unit = flash.hardware.trailer_unit
    return Trailer(
        magic=flash.read(slot.end - 16, 16) == trailer_magic(flash.hardware),
        image_ok=_flag(flash.read(flag_address(flash.hardware, slot, "image_ok"), unit)),
        copy_done=_flag(flash.read(flag_address(flash.hardware, slot, "copy_done"), unit)),
    )


def flag_address(hardware: Hardware, slot: Place, name: str) -> int:
    """Where a flag of a slot's trailer stands: before the magic, which has whole units."""
    unit = hardware.trailer_unit
    return slot.end - max(unit, 16) - unit * (1 if name == "image_ok" else 2)


def flag_set(hardware: Hardware) -> bytes:
    """A flag that is set."""
    return b"\x01".ljust(hardware.trailer_unit, b"\xff")


def _flag(unit: bytes) -> Flag:
    if unit == b"\xff" * len(unit):
        return Flag.UNSET
    return Flag.SET if unit[0] == 1 else Flag.BAD


def image_in(flash: Flash, slot: Place) -> Image | None:
    """The image in a slot if it has the shape of one that is linked for this slot."""
    header = flash.read(slot.start, _HEADER.size)
    magic, load, header_size, protected, size, flags, major, minor, revision, build, _ = _HEADER.unpack(header)
    tlv_room = slot.size - 32 - header_size - size - protected
    if magic != IMAGE_MAGIC or header_size < _HEADER.size or size < 8 or tlv_room < 4:
        return None
    if not flags & _ROM_FIXED or load != slot.start:
        return None
    counter: int | None = None
    protected_tlvs: dict[int, bytes] = {}
    after = slot.start + header_size + size
    if protected:
        found = _entries(flash.read(after, protected), _PROTECTED_MAGIC)
        if found is None:
            return None
        protected_tlvs = found
        value = found.get(_SECURITY_COUNTER)
        counter = int.from_bytes(value, "little") if value is not None and len(value) == 4 else None
    total = struct.unpack("<HH", flash.read(after + protected, 4))[1]
    if not 4 <= total <= tlv_room:
        return None
    open_tlvs = _entries(flash.read(after + protected, total), _TLV_MAGIC)
    if open_tlvs is None:
        return None
    return Image(
        slot=slot,
        version=(major, minor, revision, build),
        hashed=flash.read(slot.start, header_size + size + protected),
        entry=slot.start + header_size,
        counter=counter,
        made_for=(protected_tlvs.get(_PRODUCT), protected_tlvs.get(_HARDWARE), protected_tlvs.get(_ENVIRONMENT)),
        digest=open_tlvs.get(_SHA256),
        key_hash=open_tlvs.get(_KEY_HASH),
        signature=open_tlvs.get(_ED25519),
    )


def _entries(area: bytes, magic: int) -> dict[int, bytes] | None:
    """The TLVs of an area that fill it exactly, None if they do not or one comes twice."""
    if len(area) < 4 or struct.unpack_from("<HH", area) != (magic, len(area)):
        return None
    found: dict[int, bytes] = {}
    at = 4
    while at < len(area):
        if at + 4 > len(area):
            return None
        kind, length = struct.unpack_from("<HH", area, at)
        if at + 4 + length > len(area) or kind in found or len(found) == _TLVS_MOST:
            return None
        found[kind] = area[at + 4 : at + 4 + length]
        at += 4 + length
    return found


def complaint(image: Image, trust: Trust | None, floor: int) -> str | None:
    """Why an image must not start, or None."""
    digest = hashlib.sha256(image.hashed).digest()
    if image.digest != digest:
        return "its digest does not fit 摘要不符"
    key = None
    if trust is not None:
        keys = [key for key in trust.keys if trust.environment == "test" or key != _TEST_KEY]
        key = next((key for key in keys if image.key_hash == hashlib.sha256(_spki(key)).digest()), None)
    if trust is None or key is None or image.signature is None:
        return "it is not signed with a key of this board 签名密钥不受信任"
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(image.signature, digest)
    except InvalidSignature:
        return "its signature does not fit 签名不符"
    if other := _made_for_another(image, trust):
        return f"it is made for another {other}"
    if image.counter is None or image.counter < floor:
        return f"its security counter {image.counter} is below {floor} 安全计数器过低"
    return None


def _made_for_another(image: Image, trust: Trust) -> str | None:
    board = (trust.product, trust.hardware, trust.environment)
    names = ("product 产品", "hardware 硬件", "environment 环境")
    wrong = (n for n, made_for, wanted in zip(names, image.made_for, board, strict=True) if made_for != wanted.encode())
    return next(wrong, None)


def _spki(key: bytes) -> bytes:
    """imgtool hashes the key as SubjectPublicKeyInfo (RFC 8410)."""
    return bytes.fromhex("302a300506032b6570032100") + key


class BootRom:
    """Runs on a board's flash at each reset."""

    def __init__(self, flash: Flash) -> None:
        self._flash = flash
        self._notes: list[str] = []

    def boot(self) -> Boot:
        """Chooses what starts. Raises PowerLostError when power is cut at an operation of its own."""
        self._notes = []
        trust = trust_of(self._flash)
        floor = self.floor()
        images = [image for slot in self._flash.hardware.slots if (image := image_in(self._flash, slot))]
        # Versions are compared without the build number, and slot A wins a tie, as MCUboot does both.
        for image in sorted(images, key=lambda image: image.version[:3], reverse=True):
            if self._tried_before(image):
                continue
            if problem := complaint(image, trust, floor):
                self._give_up(image.slot, problem)
                continue
            vectors = self._flash.read(image.entry, 8)
            if not _can_begin(self._flash.hardware, image, vectors):
                self._give_up(image.slot, "its beginning leads nowhere 映像开头无效")
                continue
            if trailer(self._flash, image.slot).image_ok is Flag.SET and image.counter is not None:
                self._raise_floor(image.counter)
            return Boot(slot=image.slot, version=image.version, vectors=vectors, notes=tuple(self._notes))
        self._notes.append("no image may start 没有可启动的映像")
        return Boot(slot=None, notes=tuple(self._notes))

    def floor(self) -> int:
        """The least security counter that may start: the largest that was ever written."""
        return max((counter for block in self._floor_blocks() for counter in block), default=0)

    def _tried_before(self, image: Image) -> bool:
        """Whether a slot's chance is over; marks it tried if not."""
        state = trailer(self._flash, image.slot)
        if not state.magic:
            self._give_up(image.slot, "nobody asked for it to be started 未请求启动")
            return True
        if state.copy_done is Flag.SET and state.image_ok is not Flag.SET:
            self._give_up(image.slot, "it was started once and not confirmed 试启动后未确认")
            return True
        if state.copy_done is not Flag.SET:
            hardware = self._flash.hardware
            with contextlib.suppress(FlashRuleError):  # a flag that cannot be written any more stops nothing
                self._flash.program(flag_address(hardware, image.slot, "copy_done"), flag_set(hardware))
        return False

    def _give_up(self, slot: Place, why: str) -> None:
        self._notes.append(f"slot {slot.name} is erased 擦除槽: {why}")
        self._flash.erase(slot.start, slot.size)

    def _floor_places(self) -> range:
        floor = self._flash.hardware.floor
        return range(floor.start, floor.end, floor.size // 2)

    def _floor_units(self, place: int) -> range:
        return range(place, place + self._flash.hardware.floor.size // 2, self._flash.hardware.trailer_unit)

    def _floor_blocks(self) -> list[list[int]]:
        blocks = []
        for place in self._floor_places():
            units = (struct.unpack("<II", self._flash.read(at, 8)) for at in self._floor_units(place))
            blocks.append([counter for counter, check in units if counter == check ^ 0xFFFFFFFF])
        return blocks

    def _raise_floor(self, counter: int) -> None:
        """Writes the counter behind the others; a unit that was torn does not agree with its complement and says
        nothing. A block that is full is left until the other one holds the floor."""
        if counter <= self.floor():
            return
        size = self._flash.hardware.trailer_unit
        unit = struct.pack("<II", counter, counter ^ 0xFFFFFFFF).ljust(size, b"\xff")
        for place in self._floor_places():
            for at in self._floor_units(place):
                if self._flash.read(at, size) == b"\xff" * size:
                    self._flash.program(at, unit)
                    return
        first, second = self._floor_places()
        fuller = first if max(self._floor_blocks()[0], default=0) < self.floor() else second
        self._flash.erase(fuller, self._flash.hardware.floor.size // 2)
        self._flash.program(fuller, unit)


def _can_begin(hardware: Hardware, image: Image, beginning: bytes) -> bool:
    """Whether an image begins as this board's do."""
    if hardware.starts is Starts.PROGRAM:
        return beginning[:4] == _ELF
    if hardware.starts is Starts.CODE:
        return True
    stack, reset = struct.unpack("<II", beginning)
    ram = hardware.ram
    return ram.start < stack <= ram.start + ram.size and image.entry <= reset < image.slot.end and bool(reset & 1)
