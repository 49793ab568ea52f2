"""From a source directory to a package, and from whatever a person has in hand to its rules.

A source directory, a package and the plain TOML form all say the same kind of thing; `open_any` reads each, so pages
and comparisons work on all of them. It shows, it does not trust: who signed a package is for
yima.sdk.parameters.signing.verify_package to say, and a device asks that anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from yima.sdk.parameters.parts import refuse_part
from yima.sdk.parameters.signing import Envelope, sign_package
from yima.sdk.parameters.source import Source, read_source
from yima.sdk.sm2 import SigningKey
from yima.validator.errors import ParametersError
from yima.validator.packages import MAGIC, Kind, Package, is_package, read_package
from yima.validator.parameters import Parameters, from_image, from_rules, load
from yima.validator.parameters.rules import Rules
from yima.validator.system.paths import is_folder
from yima.validator.texts import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What was opened. package: None for the plain form and for a source; city: 0 for any."""

    name: str
    rules: Rules
    city: int = 0
    source: Source | None = None
    package: Package | None = None


def compiled(source: Source) -> Parameters:
    """The source as a device has it. Raises ParametersError for what only the core can see."""
    return from_rules(source.rules, str(source.directory))


def build_package(
    source: Source,
    keys: Sequence[SigningKey],
    *,
    next_keys: Sequence[bytes] = (),
    needed: int = 1,
    in_parts: bool = False,
) -> bytes:
    """The package of a source, signed by the keys; unsigned if there are none. next_keys: see Envelope;
    in_parts: see sign_package."""
    envelope = Envelope(
        environment=source.rules.environment,
        version=source.rules.version,
        previous=source.previous,
        replaces=source.replaces,
        not_before=source.not_before,
        expiry=source.expiry,
        city=source.city,
        next_keys=next_keys,
        needed=needed,
    )
    return sign_package(bytes(compiled(source).image), envelope, keys, in_parts=in_parts)


def open_whole(path: Path) -> Opened:
    """The same, where it says what all rides cost: a gate's own part is refused too."""
    opened = open_any(path)
    refuse_part(opened.package)
    return opened


def open_any(path: Path) -> Opened:
    """A source directory, a package or a plain TOML file. Raises ParametersError."""
    if is_folder(path):
        source = read_source(path)
        compiled(source)
        return Opened(name=str(path), rules=source.rules, city=source.city, source=source)
    try:
        with path.open("rb") as file:
            packed = is_package(file.read(len(MAGIC)))
    except OSError as error:
        raise ParametersError(
            path,
            Text(f"cannot be read: {error.strerror}", f"无法读取：{error.strerror}"),
            Text("Check the path and its permissions", "请检查路径与权限"),
        ) from error
    if not packed:
        return Opened(name=str(path), rules=load(path).rules)
    package = read_package(path)
    if package.kind is not Kind.PARAMETERS:
        raise ParametersError(
            path,
            Text("a deny-list, not parameters", "是黑名单，不是参数"),
            Text("Look at it with: yima params deny show", "请用 yima params deny show 查看"),
        )
    return Opened(name=str(path), rules=from_image(package.image, str(path)).rules, city=package.city, package=package)
