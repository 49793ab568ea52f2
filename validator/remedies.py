"""What to type when a module is missing, in both languages: the one place that gives advice about installing.

Rules it keeps:
- What our extras bring is read from the installed metadata of `yima-transit`; no list beside it could stay true.
- An import name is not what is typed to install it: only names that our metadata requires are ever told. For a module
  that is nobody's we name none, since whoever typed a guess would run a stranger's code.
- A module of Python itself is on no index, and a missing part of ours is a broken installation.
- From a checkout (an editable installation) the advice is the checkout's; from a wheel it is the wheel's.
- What is told works when it is typed: it names the `pip` of the Python that runs, and quotes as the shell wants it.
"""

import re
import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote, urlsplit

from yima.validator.outside import json_of
from yima.validator.shown import shown
from yima.validator.texts import Text

if TYPE_CHECKING:
    from importlib.metadata import Distribution

DISTRIBUTION: Final = "yima-transit"
IMPORT_ROOT: Final = "yima"

# Distributions whose name does not tell the module's; a test holds this against what the installed ones bring.
BROUGHT_BY: Final = {
    "PIL": "pillow",
    "cv2": "opencv-python-headless",
    "elftools": "pyelftools",
    "hid": "hidapi",
    "hidraw": "hidapi",
    "paho": "paho-mqtt",
    "serial": "pyserial",
}

_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")
_EXTRA: Final = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")


class Advice(NamedTuple):
    """What is wrong and what to do: what a YimaError takes after the thing."""

    problem: Text
    remedy: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One line of our metadata. name: of the distribution. text: as pip takes it. extra: empty for what is always
    there."""

    name: str
    text: str
    extra: str


def missing_module(missing: ModuleNotFoundError, *, wanted: Sequence[str] = (), asked_by: str = "") -> Advice:
    """What to do about a module that is not there.

    wanted: the extras that the whole of the matter needs, told together where one of them brings the module.
    asked_by: the distribution that needs the module, where a plug-in may be somebody else's.
    """
    module = missing.name or str(missing)
    package = module.partition(".")[0]
    if package in sys.stdlib_module_names:
        return _lacking_python(module)
    if package == IMPORT_ROOT:
        return Advice(Text(f"{module} is missing from the installation", f"安装不完整，缺少 {module}"), reinstall())
    problem = Text(f"needs the Python package {package}, which is not installed", f"需要 Python 包 {package}，尚未安装")
    found = Installation().requirements_for(package)
    extras = list(dict.fromkeys(requirement.extra for requirement in found))
    if not extras:
        return Advice(problem, _ask(asked_by))
    if "" in extras:
        return Advice(problem, install_extras())
    return Advice(problem, install_extras(*(wanted if set(wanted) & set(extras) else extras[:1])))


def does_not_load(error: Exception) -> Advice:
    """What to do about a module that is there and cannot be imported: a library of the system's that it needs is
    missing, or it was built for another version of what it stands on."""
    said = shown(error, 200)
    return Advice(
        Text(f"its library cannot be loaded ({said})", f"无法加载所需的库（{said}）"),
        Text(
            "Install the library of the system that is named there, or the Python package again",
            "请安装其中提示的系统库，或重新安装该 Python 包",
        ),
    )


def install_extras(*extras: str) -> Text:
    """What to type to have these extras of ours; without any, to have whatever is always needed."""
    here = Installation()
    names = f"[{','.join(extras)}]" if extras else ""
    if here.checkout is None:
        return _type(f"{_pip()} install {_quoted(DISTRIBUTION + names)}")
    return _in_checkout(here.checkout, "." + names)


def install_requirement(name: str) -> Text:
    """What to type to have one distribution that our metadata requires, in the version that it names."""
    return _type(requirement_command(name))


def requirement_command(name: str) -> str:
    """The command alone, for a sentence that offers it beside something else."""
    texts = [found.text for found in Installation().requirements if _plain(found.name) == _plain(name)]
    return f"{_pip()} install {_quoted((texts or [name])[0])}"


def reinstall() -> Text:
    """What to type when a part of ours is missing: pip calls a broken installation satisfied unless it is forced."""
    here = Installation()
    if here.checkout is None:
        return _type(f"{_pip()} install --force-reinstall --no-deps {_quoted(here.origin)}")
    return _in_checkout(here.checkout, ".")


class Installation:
    """What is known of the way in which we were installed."""

    @cached_property
    def metadata(self) -> "Distribution | None":
        """The installed metadata. What a build has left beside the sources was never installed: it has no RECORD."""
        from importlib.metadata import Distribution  # noqa: PLC0415 - every process would pay, and few need advice

        found = Distribution.discover(name=DISTRIBUTION)
        return next((one for one in found if one.read_text("RECORD") is not None), None)

    @cached_property
    def requirements(self) -> tuple[Requirement, ...]:
        """Everything that our metadata requires, extras included, in its order."""
        lines = (self.metadata.requires if self.metadata else None) or []
        return tuple(_parsed(line) for line in lines)

    @cached_property
    def _direct_url(self) -> dict[str, object]:
        """PEP 610: where an installation came from that did not come from an index."""
        text = self.metadata.read_text("direct_url.json") if self.metadata else None
        found = json_of(text) if text else {}
        return found if isinstance(found, dict) else {}

    @property
    def checkout(self) -> Path | None:
        """The folder of an editable installation, in which the Python files are the ones that run."""
        folder, url = self._direct_url.get("dir_info"), urlsplit(str(self._direct_url.get("url", "")))
        if not (isinstance(folder, dict) and folder.get("editable") is True and url.scheme == "file"):
            return None
        return _path_of(url.path)

    @property
    def origin(self) -> str:
        """What pip takes to install the same again: the file or folder if it is still there, else our name."""
        url = urlsplit(str(self._direct_url.get("url", "")))
        path = _path_of(url.path)
        return str(path) if url.scheme == "file" and path.exists() else DISTRIBUTION

    def requirements_for(self, package: str) -> list[Requirement]:
        """Which of our requirements bring a top-level package."""
        name = _plain(BROUGHT_BY.get(package, package))
        return [requirement for requirement in self.requirements if _plain(requirement.name) == name]


def _path_of(url_path: str) -> Path:
    """Windows writes C:/yima as /C:/yima in an address."""
    path = unquote(url_path)
    return Path(path[1:] if re.match(r"/[A-Za-z]:", path) else path)


def _parsed(line: str) -> Requirement:
    text, _, marker = line.partition(";")
    name, extra = _NAME.match(text), _EXTRA.search(marker)
    return Requirement(name=name[0] if name else text, text=text.strip(), extra=extra[1] if extra else "")


def _plain(name: str) -> str:
    """A name without what its spellings differ in: zxing-cpp is imported as zxingcpp, gmssl-pyx as gmssl_pyx."""
    return re.sub(r"[._-]", "", name).lower()


def _lacking_python(module: str) -> Advice:
    version = ".".join(map(str, sys.version_info[:3]))
    problem = Text(
        f"needs {module}, a part of Python itself that Python {version} on {sys.platform} does not have",
        f"需要 Python 自带的模块 {module}，而此 Python（{version}，{sys.platform}）没有它",
    )
    if sys.platform.startswith("linux"):
        remedy = Text(
            "Run it with a Python that was built whole, such as the distribution's; no package brings this module",
            "请改用完整编译的 Python（如发行版自带的）；此模块无法另行安装",
        )
    else:
        remedy = Text(
            "Run it on Linux (on Windows: in WSL), where Python has it; no package brings this module",
            "请在 Linux 上运行（Windows 上可用 WSL），那里的 Python 自带此模块；它无法另行安装",
        )
    return Advice(problem, remedy)


def _ask(asked_by: str) -> Text:
    if asked_by and _plain(asked_by) != _plain(DISTRIBUTION):
        return Text(
            f"It belongs to none of our extras: see what the plug-in {asked_by} says about installing it",
            f"它不属于本软件的任何附加项：请查阅插件 {asked_by} 的安装说明",
        )
    return Text(
        "It belongs to none of our extras: see what the program that imports it says about installing it",
        "它不属于本软件的任何附加项：请查阅导入它的程序的安装说明",
    )


def _pip(folder: Path | None = None) -> str:
    """`pip` where the shell finds the one that belongs to this Python, else that Python by its path from the folder."""
    found, python = shutil.which("pip"), Path(sys.executable).absolute()
    if found and Path(found).absolute().parent == python.parent:
        return "pip"
    if folder is not None and python.is_relative_to(folder):
        python = python.relative_to(folder)
    return f"{_quoted(str(python))} -m pip"


def _quoted(word: str) -> str:
    """One word for the shell; `cmd` on Windows knows no single quotes."""
    quoted = shlex.quote(word)
    return quoted if sys.platform != "win32" or quoted == word else f'"{word}"'


def _type(command: str) -> Text:
    return Text(f"Install it: {command}", f"请安装：{command}")


def _in_checkout(folder: Path, what: str) -> Text:
    """`make setup` renews the checkout's own environment, so it is offered where that is the one that runs. The folder
    stands last: a full stop behind the command would be typed along."""
    place, command = _quoted(str(folder)), f"{_pip(folder)} install -e {_quoted(what)}"
    if Path(sys.prefix).resolve() == (folder / ".venv").resolve():
        return Text(f"Type make setup, or {command}, in {place}", f"请执行 make setup 或 {command}（目录：{place}）")
    return Text(f"Type {command} in {place}", f"请执行 {command}（目录：{place}）")
