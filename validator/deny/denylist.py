"""The deny-list of national size: card accounts that may not ride, looked up where the files lie.

Rules it keeps:
- A list is one full file and, upon it, increments, each made for exactly the state before it; the digest says which.
- Opening maps the files and looks at their headers: microseconds, whatever the size. `verify` looks at every byte; it
  belongs to activation, once, not to every start.
- A file in use is never written: a new one is put in its place by renaming. (One that shrinks while it is mapped kills
  the process.)
- Exact: an account is denied if and only if the list says so. Accounts stay out of messages.

The layout of a file is described in core/deny.c. A signed list is a package whose image is such a file; `DenyList`
takes the image as it takes any buffer.
"""

import mmap
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from yima.validator import _core
from yima.validator.errors import ParametersError
from yima.validator.parameters.image import ENVIRONMENTS
from yima.validator.texts import Text

if TYPE_CHECKING:
    from yima.validator.packages import Package

__all__ = ["DenyList", "FileCounts", "account_bytes"]

Buffer: TypeAlias = bytes | bytearray | memoryview | mmap.mmap

_NAMES = {number: name for name, number in ENVIRONMENTS.items()}
_ACCOUNT = re.compile(r"(?=.{20}\Z)[0-9]+[Ff]*")
_AGAIN = Text("Get the file again from where it was made", "请重新获取该文件")
_ORDER = Text("Give the full list first, then its increments, oldest first", "请先给出全量名单，再按时间顺序给出增量")
# What the core says, in Chinese, and what to do about it.
_PROBLEMS = {
    "truncated": ("文件不完整", _AGAIN),
    "not a deny-list of this format": ("不是本格式的黑名单", Text("Check which file it is", "请检查文件")),
    "impossible value or size": ("数值或大小不合理", _AGAIN),
    "an increment where a full list belongs, or the other way round": ("全量与增量颠倒", _ORDER),
    "made for another state of the list": (
        "该增量适用于另一版本的名单",
        Text("Apply the increments between, or take the full list", "请补齐中间的增量，或使用全量名单"),
    ),
    "not newer than what it was made for": ("不比其基础名单新", Text("Give it a higher version", "请提高版本号")),
    "of the other environment": (
        "环境不同（测试／生产）",
        Text("Never mix test and production", "测试与生产不可混用"),
    ),
    "one increment too many": ("增量过多", Text("Take a new full list", "请使用新的全量名单")),
    "rows not in ascending order": ("行未按升序排列", _AGAIN),
    "index astray": ("索引错误", _AGAIN),
    "digest wrong": ("摘要不符", _AGAIN),
}


class FileCounts(NamedTuple):
    """What one file of a list holds."""

    denied: int
    allowed: int
    denied_ranges: int
    allowed_ranges: int


def account_bytes(account: str) -> bytes:
    """The 10 bytes of field 5 from 20 digits, F padded; ValueError if it is none."""
    if not _ACCOUNT.fullmatch(account):
        raise ValueError("a card account is 20 digits, the last ones may be F")
    return bytes.fromhex(account)


class DenyList:
    """An open list. core: what a Validator borrows. Several threads may look up at once; nothing changes it."""

    def __init__(self, full: Buffer, *increments: Buffer, sources: Sequence[str] = ()) -> None:
        """Opens buffers, which must not change. sources: a name for each, for errors. Raises ParametersError."""
        self._sources = tuple(sources) or ("deny-list",) * (1 + len(increments))
        try:
            self.core = _core.DenyList(full, *increments)
        except ValueError as error:
            raise _explained(error, self._sources) from error

    @classmethod
    def open(cls, full: str | Path, *increments: str | Path) -> "DenyList":
        """Maps files. Raises ParametersError that names the file, the byte and what to do."""
        paths = tuple(map(Path, (full, *increments)))
        return cls(*map(_mapped, paths), sources=tuple(map(str, paths)))

    @classmethod
    def of_packages(cls, packages: "Sequence[Package]") -> "DenyList":
        """The list in signed packages: the full one, then its increments, as a PackageStore has them in force.

        Raises ParametersError, also where a list says another environment or version than the envelope around it.
        """
        images = tuple(package.image for package in packages)
        sources = tuple(package.source for package in packages)
        for number, package in enumerate(packages, start=1):
            inside = cls(*images[:number], sources=sources[:number])
            if (inside.environment, inside.version) != (package.environment, package.version):
                raise ParametersError(
                    package.source,
                    Text(
                        f"holds a {inside.environment} list of version {inside.version}",
                        f"其中为 {inside.environment} 名单，版本 {inside.version}",
                    ),
                    Text("Build the package again with the list's own values", "请以名单自身的环境与版本重新打包"),
                )
        return cls(*images, sources=sources)

    def has(self, account: str | bytes) -> bool:
        """Whether a card account is denied: 20 digits, F padded, or the 10 bytes of field 5. ValueError if neither."""
        return self.core.has(account if isinstance(account, bytes) else account_bytes(account))

    def verify(self) -> None:
        """Looks at every byte: digests, order, index. A second for a hundred megabytes. Raises ParametersError."""
        try:
            self.core.verify()
        except ValueError as error:
            raise _explained(error, self._sources) from error

    @property
    def version(self) -> int:
        """Of the newest file."""
        return self.core.version

    @property
    def issued_at(self) -> int:
        """When the newest file was drawn up, unix seconds."""
        return self.core.issued_at

    @property
    def environment(self) -> str:
        """`test` or `production`."""
        return _NAMES[self.core.environment]

    @property
    def digest(self) -> bytes:
        """32 bytes that name this state of the list; the next increment is made for it."""
        return self.core.digest

    @property
    def files(self) -> tuple[FileCounts, ...]:
        """What each file holds: the full list, then the increments."""
        return tuple(FileCounts(*counts) for counts in self.core.counts)


def _mapped(path: Path) -> Buffer:
    try:
        with path.open("rb") as file:
            try:
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except ValueError:  # an empty file cannot be mapped; the core says what is wrong with it
                return b""
    except OSError as error:
        raise ParametersError(
            path,
            Text(f"cannot be read: {error.strerror}", f"无法读取：{error.strerror}"),
            Text("Check the path and its permissions", "请检查路径与权限"),
        ) from error
    mapped.madvise(mmap.MADV_RANDOM)  # a look-up touches two places; reading ahead would only wear out the disk's time
    return mapped


def _explained(error: ValueError, sources: tuple[str, ...]) -> ParametersError:
    problem, file, offset = error.args
    chinese, remedy = _PROBLEMS[problem]
    return ParametersError(sources[file], Text(f"{problem}, at byte {offset}", f"{chinese}，第 {offset} 字节"), remedy)
