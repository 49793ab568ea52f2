"""Signs images with imgtool and writes down what was made: a manifest beside the images.

Rules it keeps:
- imgtool is called as a program of its own, with every option given: no default of another version decides.
- What it made is checked by our own reader before it is handed on.
- The test key signs test images only.
- What the header has no room for, and a key that cannot sign, are refused here: imgtool shows where in it that failed.
"""

import hashlib
import importlib.util
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from yima.firmware_images.build import Built, Environment, Slot
from yima.firmware_images.hardware import IMAGE_HEADER, Hardware, board
from yima.firmware_images.image import COUNTER_MAX, ENVIRONMENT_TLV, HARDWARE_TLV, PRODUCT_TLV, verify
from yima.firmware_images.keys import pem_of_test_key, public_half_of, public_test_key
from yima.validator.errors import YimaError
from yima.validator.outside import bytes_of, json_of
from yima.validator.system.disk import write_whole
from yima.validator.texts import Text
from yima.validator.version import VERSION

MANIFEST = "manifest.json"
FORMAT = "yima firmware 2"
_ANY_FORMAT = "yima firmware "
_VERSION = re.compile(r"(0|[1-9]\d*)(?:\.(0|[1-9]\d*)(?:\.(0|[1-9]\d*)(?:\+(0|[1-9]\d*))?)?)?", re.ASCII)
_VERSION_MOST = (0xFF, 0xFF, 0xFFFF, 0xFFFFFFFF)
"""Of major, minor, revision and build: what the header has room for."""
_VERSION_LONGEST = 40
_SAID = ("name", "binary", "sha256", "slot", "product", "environment", "hardware")


class SigningError(YimaError):
    """An image could not be signed, or what was signed is not usable."""


def named_before(folder: Path) -> set[str]:
    """The images that the folder's manifest names, which a build replaces; none where there is no manifest. Raises
    SigningError where that file is somebody else's."""
    path = folder / MANIFEST
    try:
        found = json_of(bytes_of(path))
    except FileNotFoundError:
        return set()
    except ValueError:
        found = None
    if not isinstance(found, dict) or not str(found.get("format")).startswith(_ANY_FORMAT):
        raise _error(
            path,
            "is no manifest of firmware, and would be written over",
            "不是固件清单，编译将覆盖该文件",
            "yima image build --folder ANOTHER",
        )
    entries = found.get("images")
    return {str(one["name"]) for one in entries if _is_entry(one)} if isinstance(entries, list) else set()


def write_builds(builds: Iterable[Built], folder: Path) -> Path:
    """Writes each image as NAME.bin beside its ELF, and the manifest in place of the one before. Returns the manifest's
    path. Raises SigningError where the file of that name is somebody else's."""
    named_before(folder)
    entries = []
    for built in builds:
        name = built.elf.stem
        write_whole(folder / f"{name}.bin", built.image, 0o666)
        entries.append(
            {
                "name": name,
                "product": built.product.full_name,
                "hardware": built.hardware.name,
                "slot": str(built.slot),
                "address": built.slot.of(built.hardware).start,
                "environment": str(built.environment),
                "core_version": VERSION,
                "elf": built.elf.name,
                "binary": f"{name}.bin",
                "size": len(built.image),
                "sha256": hashlib.sha256(built.image).hexdigest(),
                "ram_bytes": built.ram_bytes,
            }
        )
    return _write_manifest(folder, {"format": FORMAT, "images": entries})


def sign_folder(
    folder: Path, *, version: str = VERSION, counter: int | None = None, key: Path | None = None
) -> list[Path]:
    """Signs every image of the manifest in `folder`; the manifest then says so. key: None is the test key. counter:
    with a key of one's own it must be told; test images have 1. Returns the signed files. Raises SigningError."""
    manifest = read_manifest(folder)
    if counter is None:
        if key is not None:
            raise _error(
                key,
                "no security counter was told; the boot ROM knows by it which images are too old to start",
                "未指定安全计数器；引导程序据此判断映像是否过旧",
                "--counter N",
            )
        counter = 1
    signed: dict[Path, bytes] = {}  # written when all of them are there: the manifest speaks of all
    for entry in manifest["images"]:
        path = folder / f"{entry['name']}.img"
        data = (folder / entry["binary"]).read_bytes()
        if hashlib.sha256(data).hexdigest() != entry["sha256"]:
            raise _error(folder / entry["binary"], "changed since it was built", "编译后被改动", "yima image build")
        image = sign(
            data,
            Slot(entry["slot"]),
            entry["product"],
            environment=Environment(entry["environment"]),
            version=version,
            counter=counter,
            key=key,
            hardware=board(entry["hardware"]),
        )
        signed[path] = image
        entry["signed"] = {
            "file": path.name,
            "size": len(image),
            "sha256": hashlib.sha256(image).hexdigest(),
            "version": version,
            "security_counter": counter,
            "test_key": key is None,
        }
    for path, image in signed.items():
        write_whole(path, image, 0o666)
    _write_manifest(folder, manifest)
    return list(signed)


def sign(
    data: bytes,
    slot: Slot,
    product: str,
    *,
    environment: Environment = Environment.TEST,
    version: str = VERSION,
    counter: int = 1,
    key: Path | None = None,
    hardware: Hardware | None = None,
) -> bytes:
    """The MCUboot image of `data` (what a build made). version: as imgtool takes it, e.g. 0.2.0+7. counter: 32 bits.
    hardware: default mps2-an500. Raises SigningError, KeyFileError; the test key (None) signs test images only."""
    _check_numbers(version, counter)
    public: Ed25519PublicKey = public_test_key() if key is None else public_half_of(key)
    hardware = hardware or board()
    place, align = slot.of(hardware), str(hardware.trailer_unit)
    if key is None and environment is not Environment.TEST:
        raise _error(product, "the test key signs no production image", "测试密钥不能签名正式映像", "--key FILE")
    if importlib.util.find_spec("imgtool") is None:
        raise ModuleNotFoundError("No module named 'imgtool'", name="imgtool")
    texts = ((PRODUCT_TLV, product), (ENVIRONMENT_TLV, str(environment)), (HARDWARE_TLV, hardware.name))
    with tempfile.TemporaryDirectory() as scratch:
        key_path = key or Path(scratch, "TEST-ONLY.pem")
        if key is None:
            key_path.write_bytes(pem_of_test_key())
        plain, image = Path(scratch, "plain.bin"), Path(scratch, "signed.bin")
        plain.write_bytes(data)
        command = [
            *(sys.executable, "-m", "imgtool.main", "sign", "--key", str(key_path)),
            *("--header-size", hex(IMAGE_HEADER), "--pad-header", "--slot-size", hex(place.size)),
            *("--align", align, "--max-align", align, "--endian", "little", "--erased-val", "0xff", "--sha", "256"),
            *("--version", version, "--security-counter", str(counter), "--rom-fixed", hex(place.start)),
            *(word for tlv, text in texts for word in ("--custom-tlv", hex(tlv), text)),
            *(str(plain), str(image)),
        ]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)
        if done.returncode:
            said = (done.stderr or done.stdout).strip()
            raise _error(product, f"imgtool refused: {said}", f"imgtool 拒绝：{said}", "imgtool sign --help")
        made = image.read_bytes()
    verify(made, [public], counter_floor=counter, product=product, environment=str(environment), hardware=hardware.name)
    return made


def _check_numbers(version: str, counter: int) -> None:
    """Raises SigningError for what an image cannot say."""
    found = _VERSION.fullmatch(version)
    numbers = [int(number) for number in found.groups("0")] if found and len(version) < _VERSION_LONGEST else None
    if numbers is None or any(number > most for number, most in zip(numbers, _VERSION_MOST, strict=True)):
        raise _error(
            version,
            "is no version of an image: major.minor.revision+build, at most 255.255.65535+4294967295",
            "不是有效的映像版本：主.次.修订+构建号，最大 255.255.65535+4294967295",
            "--image-version 1.2.3",
        )
    if not 0 <= counter <= COUNTER_MAX:
        raise _error(
            f"counter {counter}",
            f"is no security counter: 0 to {COUNTER_MAX}",
            f"不是有效的安全计数器：应为 0 至 {COUNTER_MAX}",
            "--counter N",
        )


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a folder of builds. Raises SigningError if there is none."""
    path = folder / MANIFEST
    try:
        manifest = json_of(bytes_of(path))
    except (OSError, ValueError) as error:
        raise _error(path, f"no manifest: {error}", f"没有清单：{error}", "yima image build") from error
    if (
        not isinstance(manifest, dict)
        or manifest.get("format") != FORMAT
        or not isinstance(manifest.get("images"), list)
        or not all(map(_is_entry, manifest["images"]))
    ):
        raise _error(path, "not a manifest of firmware", "不是固件清单", "yima image build")
    return manifest


def _is_entry(entry: object) -> bool:
    """Whether it says what signing must know, of files that lie beside the manifest."""
    if not isinstance(entry, dict) or not all(isinstance(entry.get(word), str) for word in _SAID):
        return False
    beside = all(Path(entry[word]).name == entry[word] for word in ("name", "binary"))
    return beside and entry["slot"] in set(Slot) and entry["environment"] in set(Environment)


def _write_manifest(folder: Path, manifest: object) -> Path:
    path = folder / MANIFEST
    write_whole(path, (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode(), 0o666)
    return path


def _error(thing: object, problem: str, chinese: str, remedy: str) -> SigningError:
    return SigningError(thing, Text(problem, chinese), Text(f"See: {remedy}", f"参见：{remedy}"))
