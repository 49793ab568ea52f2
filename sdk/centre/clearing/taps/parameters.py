"""The parameters and deny-lists that facts may name: a folder of what the centre itself has published.

Facts name parameters by version and by digest over the image, so nothing in the folder can be taken for something else;
what they name and the folder has not is said of the tap, never guessed. A deny-list is named by version: each full
list is one, and each increment makes another one of the state that it was made for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from yima.sdk.parameters.parts import images_in
from yima.validator import _core
from yima.validator.deny.denylist import DenyList
from yima.validator.errors import ParametersError
from yima.validator.outside import bytes_of
from yima.validator.packages import Kind, Package, image_is_intact, is_package, read_package
from yima.validator.packages.package import MAGIC, SIZE_MAX
from yima.validator.parameters import load
from yima.validator.texts import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """Images and lists. instead: there is one image, under which every tap is judged, whatever its facts name. Raises
    ParametersError where one is none that the core takes."""

    images: tuple[bytes, ...]
    denies: Sequence[DenyList] = field(default=(), repr=False)
    instead: bool = False

    def judge(self) -> _core.Judge:
        """A judge under all of them, for one thread."""
        return _core.Judge(self.images, tuple(deny.core for deny in self.denies), self.instead)


def load_folder(folder: Path) -> Published:
    """Every file of the folder: signed packages (an increment of a deny-list with what it is for), bare images, and the
    plain TOML form.

    Raises ParametersError.
    """
    images: list[bytes] = []
    lists: dict[bytes, Package] = {}
    if not folder.is_dir():
        raise ParametersError(
            folder,
            Text("is no folder", "不是文件夹"),
            Text("Name the folder of what was published", "请指定已发布参数的文件夹"),
        )
    for path in sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")):
        package = _package(path)
        if package is not None and package.kind is not Kind.PARAMETERS:
            lists[package.id] = package
        else:
            images += images_in(package) if package is not None and package.parts else [_image(path, package)]
    denies = [DenyList.of_packages(_with_base(package, lists)) for package in lists.values()]
    return Published(images=tuple(dict.fromkeys(images)), denies=denies)


def image_of(path: Path) -> tuple[bytes, int]:
    """The image of one file of any of these forms, and the city for which it is (0: any). Raises ParametersError."""
    try:
        package = _package(path)
    except OSError as error:
        raise ParametersError(
            path,
            Text(f"cannot be read: {error.strerror}", f"无法读取：{error.strerror}"),
            Text(
                "Name a package, an image, a TOML file or a source directory", "请指定参数包、镜像、TOML 文件或源目录"
            ),
        ) from error
    if package is not None and package.kind is not Kind.PARAMETERS:
        raise ParametersError(
            path,
            Text("is a deny-list", "是黑名单"),
            Text("Name a package of parameters", "请指定参数包"),
        )
    return _image(path, package), package.city if package else 0


def _package(path: Path) -> Package | None:
    """The package that this file is; None: it is none."""
    with path.open("rb") as file:
        if not is_package(file.read(len(MAGIC))):
            return None
    package = read_package(path)
    if not image_is_intact(package):
        raise ParametersError(
            path,
            Text("its image is damaged", "镜像已损坏"),
            Text("Copy it again from where it was published", "请从发布处重新复制"),
        )
    return package


def _image(path: Path, package: Package | None) -> bytes:
    if package is not None:
        return bytes(package.image)
    return bytes(load(path).image) if path.suffix == ".toml" else _checked(path, bytes_of(path, SIZE_MAX))


def _with_base(package: Package, lists: Mapping[bytes, Package]) -> list[Package]:
    """A list with what it was made for, the full one first."""
    chain = [package]
    while chain[0].kind is Kind.DENY_INCREMENT:
        base = lists.get(chain[0].base)
        if base is None:
            raise ParametersError(
                chain[0].source,
                Text("was made for a deny-list that is not here", "其基础黑名单不在此处"),
                Text("Put the full list and the increments between beside it", "请将全量名单及其间的增量一并放入"),
            )
        chain.insert(0, base)
    return chain


def _checked(path: Path, image: bytes) -> bytes:
    try:
        _core.parameters_check(image)
    except ValueError as error:
        raise ParametersError(
            path,
            Text(f"is no parameter image: {error}", f"不是参数镜像：{error}"),
            Text("Keep only what was published in this folder", "此文件夹只应存放已发布的参数"),
        ) from error
    return image
