"""A list of devices: `device hexkey` a line, `#` begins a comment.

A device prints its line when it is refused; the key is the public one, so the list is no secret. A collector's register
(`yima centre devices`) takes devices from such a list, and gives one for a centre's folder.
"""

from collections.abc import Iterator
from pathlib import Path

from yima.sdk.centre.collector.schema import StoreError
from yima.validator.outside import text_of
from yima.validator.ports import DEVICE
from yima.validator.texts import Text
from yima.validator.uplink.batches import HASH

FILE_MAX = 16 << 20


def read_devices(path: Path) -> dict[str, str]:
    """Key by device. Raises StoreError with the line that is wrong."""
    found: dict[str, str] = {}
    for where, device, key in _lines(path):
        if device in found:
            raise _wrong(where)
        found[device] = key
    return found


def read_all_keys(path: Path) -> dict[str, frozenset[str]]:
    """Every key by device, for who checks what was sent before a device had its newest key: a device may have several
    lines. Raises StoreError with the line that is wrong."""
    found: dict[str, set[str]] = {}
    for _, device, key in _lines(path):
        found.setdefault(device, set()).add(key)
    return {device: frozenset(keys) for device, keys in found.items()}


def _lines(path: Path) -> Iterator[tuple[str, str, str]]:
    """Where a line stands, its device and its key."""
    try:
        text = text_of(path, FILE_MAX)
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(
            path,
            Text(f"the list of devices cannot be read ({error})", f"无法读取设备清单（{error}）"),
            Text("Check the path; the file is text, `device hexkey` a line", "请检查路径；文件为文本，每行“设备 公钥”"),
        ) from error
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        device, key = words if len(words) == 2 else ("", "")
        where = f"{path}:{number}"
        if not DEVICE.fullmatch(device) or not HASH.fullmatch(key.lower()):
            raise _wrong(where)
        yield where, device, key.lower()


def _wrong(where: str) -> StoreError:
    return StoreError(
        where,
        Text("not a device and its key, or a device named twice", "不是“设备 公钥”，或设备重复"),
        Text("Write `device hexkey`, the key as 64 hexadecimal digits", "请写“设备 公钥”，公钥为 64 位十六进制"),
    )
