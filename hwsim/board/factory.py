"""What a factory does to a board: keys into the boot ROM, an image into its slot, settings and first parameters.

What the boot ROM is told to trust is for one product, hardware and environment: those of the image. The layouts are the
firmware's (firmware_images/provision.py, image.py); the place of trust is the boot ROM's.
"""

from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from yima.firmware_images.hardware import board
from yima.firmware_images.image import Fault, Image, ImageError, factory_slot, read
from yima.firmware_images.keys import public_test_key
from yima.firmware_images.provision import Settings, parameters_copy, read_settings, settings_copy
from yima.firmware_images.session import ENVIRONMENTS, is_bench_key
from yima.hwsim.board.bootrom import KEYS_MOST, NAME_MOST, Trust, hardware_of, put_trust, trust_of
from yima.hwsim.board.errors import BoardError
from yima.hwsim.board.flash import Flash
from yima.validator.outside import bytes_of
from yima.validator.packages import read_package
from yima.validator.parameters import load
from yima.validator.system.disk import write_whole
from yima.validator.texts import Text


def parameters_bytes(path: Path) -> bytes:
    """What the firmware takes: a signed package as it is, or the plain form compiled. Raises ParametersError."""
    if path.suffix == ".toml":
        return bytes(load(path).image)
    return bytes(read_package(path).data)


def settings_in(path: Path) -> Settings | None:
    """What a board's flash file has for settings; None: it is not there, or has none. Raises HardwareError, OSError."""
    if not path.exists():
        return None
    flash = bytearray(bytes_of(path))
    hardware = hardware_of(flash.ljust(board().block, b"\xff"))
    if len(flash) != hardware.size:
        return None
    return read_settings([bytes(flash[copy.start : copy.end]) for copy in hardware.settings.halves()])


def make_flash(
    path: Path,
    image: bytes,
    *,
    keys: Sequence[Ed25519PublicKey] | None,
    settings: Settings | None = None,
    parameters: bytes | None = None,
    keep: bool = False,
) -> None:
    """Writes a board's flash file, whole or not at all.

    image: signed, for either slot; it is marked confirmed. keys: what the boot ROM trusts; None: what
    it trusts already, or the test key if it trusts nothing. parameters: a package, or
    for a test image a bare parameter image; they are in force, and what came over the station line is gone. keep: what
    else is in an existing file stays (log, settings, parameters, the other slot); the image must then be for the
    product and environment that the board was made for. Raises ImageError, ParametersError, BoardError, OSError.
    """
    shown = read(image, path)
    if shown.hardware is None:
        raise ImageError(path, Fault.NO_HARDWARE)
    hardware = board(shown.hardware)
    slot = hardware.slot_at(shown.address)
    if slot is None:
        raise ImageError(path, Fault.OTHER_SLOT)
    blank = b"\xff" * hardware.size
    flash = bytearray(bytes_of(path) if keep and path.exists() else blank)
    if len(flash) != len(blank):
        raise BoardError(
            path,
            Text(f"has {len(flash)} bytes, a flash has {len(blank)}", f"大小 {len(flash)}，闪存应为 {len(blank)} 字节"),
            Text("Name another file, or leave out --keep", "请换一个文件，或去掉 --keep"),
        )
    if settings and shown.environment != "test" and any(map(is_bench_key, settings.station_keys)):
        raise BoardError(
            path,
            Text(
                "a production board is to trust the TEST station key, which everybody has",
                "量产设备不得信任公开的测试车站密钥",
            ),
            Text("Make a key of your own: yima params new-key", "请用 yima params new-key 生成自己的密钥"),
        )
    put_trust(Flash(flash), _trust(shown, keys, trust_of(Flash(flash)), path))
    flash[slot.start : slot.end] = factory_slot(image[: shown.size], hardware)
    for place, copy in (
        (hardware.settings, settings_copy(settings, hardware=hardware) if settings else b""),
        (hardware.parameters, parameters_copy(parameters, hardware=hardware) if parameters else b""),
    ):
        if copy:
            flash[place.start : place.end] = copy.ljust(place.size // 2, b"\xff") * 2
    if parameters:  # a copy that the station sent counts as later than the factory's
        flash[hardware.waiting.start : hardware.waiting.end] = b"\xff" * hardware.waiting.size
    write_whole(path, bytes(flash))


def _trust(image: Image, keys: Sequence[Ed25519PublicKey] | None, before: Trust | None, path: Path) -> Trust:
    """What the boot ROM is to trust. before: what it trusts already."""
    if image.product is None:
        raise ImageError(path, Fault.NO_PRODUCT)
    if image.hardware is None:
        raise ImageError(path, Fault.NO_HARDWARE)
    if image.environment is None:
        raise ImageError(path, Fault.NO_ENVIRONMENT)
    if image.environment not in ENVIRONMENTS:
        raise ImageError(path, Fault.OTHER_ENVIRONMENT)
    told = (image.product, image.environment, image.hardware)
    if before and (before.product, before.environment, before.hardware) != told:
        made, is_for = f"{before.product}, {before.environment}, {before.hardware}", ", ".join(told)
        raise BoardError(
            path,
            Text(f"this board was made for {made}; the image is for {is_for}", f"本板用于 {made}，映像用于 {is_for}"),
            Text("Flash it without --keep, as a new board", "请去掉 --keep，作为新板烧录"),
        )
    raw = [key.public_bytes_raw() for key in keys] if keys is not None else list(before.keys if before else ())
    raw = list(dict.fromkeys(raw)) or [public_test_key().public_bytes_raw()]
    if image.environment != "test" and public_test_key().public_bytes_raw() in raw:
        raise ImageError(path, Fault.TEST_KEY)
    for name in (image.product, image.hardware):
        if len(name) > NAME_MOST or not (name.isascii() and name.isprintable()):
            raise BoardError(
                path,
                Text(
                    f"the boot ROM has room for names of at most {NAME_MOST} letters of ASCII, not for {name!r}",
                    f"引导程序只容纳不超过 {NAME_MOST} 个 ASCII 字符的名称，容纳不下 {name!r}",
                ),
                Text("Build the image with another name", "请用其他名称重新编译映像"),
            )
    if len(raw) > KEYS_MOST:
        raise BoardError(
            "--key",
            Text(
                f"{len(raw)} keys, and the boot ROM has room for {KEYS_MOST}",
                f"共 {len(raw)} 个公钥，引导程序最多容纳 {KEYS_MOST} 个",
            ),
            Text("Leave some out", "请减少公钥"),
        )
    return Trust(environment=image.environment, product=image.product, hardware=image.hardware, keys=tuple(raw))
