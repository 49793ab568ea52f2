"""Files that verbs write for devices: whole or not at all."""

from pathlib import Path

from yima.validator.errors import ParametersError
from yima.validator.texts import Text


def write(path: Path, data: bytes) -> None:
    """Writes a file and says so. Raises ParametersError."""
    beside = path.with_name(path.name + ".new")  # renamed into place: a device may have the old file mapped
    try:
        beside.write_bytes(data)
        beside.replace(path)
    except OSError as error:
        raise ParametersError(
            path,
            Text(f"cannot be written: {error.strerror}", f"无法写入：{error.strerror}"),
            Text("Check the path and its permissions", "请检查路径与权限"),
        ) from error
    print(f"written 已写入: {path}  {len(data)} bytes 字节")
