"""Files that verbs write for devices: whole and durable, or as they were."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from yima.validator.errors import ParametersError
from yima.validator.system.disk import write_whole
from yima.validator.texts import Text


def write(path: Path, data: bytes) -> None:
    """Writes a file and says so. Raises ParametersError."""
    put(path, data)
    print(f"written 已写入: {path}  {len(data)} bytes 字节")


def put(path: Path, data: bytes) -> None:
    """Writes a file: it is durable when this returns, and is renamed into place, as a device may have the old one
    mapped. Raises ParametersError, also where a private key lies there, of which there may be no other copy."""
    with writing(path):
        if path.is_file() and _is_private(path):
            raise ParametersError(
                path,
                Text("holds a private key, which would be lost", "其中是私钥，写入会使其丢失"),
                Text("Give another file with -o", "请用 -o 指定其他文件"),
            )
        write_whole(named(path), data, 0o666)  # for devices, which are other users


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Around what writes that file. Raises ParametersError for what the system says against it."""
    try:
        yield
    except OSError as error:
        raise ParametersError(
            path,
            Text(f"cannot be written: {error.strerror}", f"无法写入：{error.strerror}"),
            Text("Check the path, its permissions and the space there", "请检查路径、权限与剩余空间"),
        ) from error


def named(path: Path) -> Path:
    """The path. Raises ParametersError where it names no file: it is empty, `.` or `/`, or there lies what a file must
    not take the place of, such as /dev/null."""
    if not path.name or (os.path.exists(path) and not os.path.isfile(path)):  # noqa: PTH110, PTH113 - which raise
        raise ParametersError(
            path,
            Text("is no name of a file", "不是文件名"),
            Text("Name a file, which may be there or not, such as out/city-1.ymp", "请指定文件，如 out/city-1.ymp"),
        )
    return path


def _is_private(path: Path) -> bool:
    """Whether a key of ours or a PEM file says of itself that it is private."""
    with path.open("rb") as file:
        return b"PRIVATE" in file.read(64)
