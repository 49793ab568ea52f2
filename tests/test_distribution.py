"""What we hand out: the sdist, the wheel that is built from it, and that wheel in a bare environment among strangers.

The environment has the index's `validator` beside ours, and a package that is called `yima` as ours is; remedies are
typed there as they are printed.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from tests.install_commands import ROOT, commands_in
from tests.once import once
from yima.validator.version import VERSION

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
FOLDERS = ("validator", "sdk", "hwsim", "firmware_images")
MADE_HERE = shutil.ignore_patterns("__pycache__", "*.so", "*.pyc", ".*_cache")
METADATA = f"yima_transit-{VERSION}.dist-info"


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkout without what was made in it: an old build/ would go into a new wheel."""

    def make(folder: Path) -> None:
        for name in ("pyproject.toml", "MANIFEST.in", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, folder)
        for name in (*FOLDERS, "tests", "benchmarks"):
            shutil.copytree(ROOT / name, folder / name, ignore=MADE_HERE)

    return once(tmp_path_factory, "sources", make)


@pytest.fixture(scope="session")
def sdist(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    def make(folder: Path) -> None:
        program = "import sys; from setuptools.build_meta import build_sdist; build_sdist(sys.argv[1])"
        subprocess.run([sys.executable, "-c", program, str(folder)], cwd=sources, check=True, capture_output=True)

    (made,) = once(tmp_path_factory, "sdist", make).iterdir()
    return made


@pytest.fixture(scope="session")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    def make(folder: Path) -> None:
        cc = "cc" if shutil.which("cc") else f"{sys.executable} -m ziglang cc"
        quick = f"sh -c 'exec {cc} \"$@\" -O0' cc"  # what is built runs little here
        pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
        environment = {**os.environ, "CC": quick, "LDSHARED": f"{cc} -shared"}
        subprocess.run([*pip, "--wheel-dir", str(folder), str(sdist)], env=environment, check=True, cwd=folder)

    (made,) = once(tmp_path_factory, "wheel", make).iterdir()
    return made


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for name in FOLDERS for path in (folder / name).rglob("*") if path.is_file()}


def test_the_sdist_is_what_the_wheel_is_built_from(sdist: Path, sources: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {member.name for member in archive if member.isfile()}
    held = {name.partition("/")[2] for name in names}
    assert {name.partition("/")[0] for name in names} == {f"yima_transit-{VERSION}"}
    made = {name for name in held if name.startswith("yima_transit.egg-info/")} | {"PKG-INFO", "setup.cfg"}
    assert held - made == files_of(sources) | {"pyproject.toml", "MANIFEST.in", "README.md", "LICENSE"}


def test_the_wheel_has_one_roof_and_every_file_under_it(wheel: Path, sources: Path) -> None:
    assert wheel.name.startswith(f"yima_transit-{VERSION}-cp311-abi3-")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.partition("/")[0] for name in names} == {"yima", METADATA}
    ours = {name.removeprefix("yima/") for name in names if name.startswith("yima/")}
    assert ours == files_of(sources) | {"validator/_core.abi3.so"}
    assert "__init__.py" not in ours  # whoever else is called yima keeps that file, and we lose nothing by it


class Bare:
    """An environment with nothing in it but pip."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = folder / "bin" / "python"
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if name not in ("PYTHONPATH", "VIRTUAL_ENV", "YIMA_CORE_IN")
        } | {"YIMA_LANG": "en", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        (self.site,) = folder.glob("lib/python*/site-packages")
        (pip,) = (each for each in metadata.distributions(name="pip"))
        for path in pip.files or ():  # as it stands here: to install it anew takes seconds
            if ".." not in path.parts:
                (self.site / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(str(path.locate()), self.site / path)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """The Python there with these arguments."""
        return self.shell([str(self.python), *words])

    def shell(self, line: str | list[str]) -> subprocess.CompletedProcess[str]:
        """A command as it is typed in some other folder."""
        return subprocess.run(
            line,
            shell=isinstance(line, str),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def pip(self, *words: str) -> None:
        done = self.run("-m", "pip", "--quiet", *words)
        assert done.returncode == 0, done.stderr

    def gives(self, program: str) -> str:
        done = self.run("-c", program)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture(scope="session")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Bare:
    """Ours alone: no requirement of it is there."""
    made = Bare(tmp_path_factory.mktemp("bare") / "of ours")
    made.pip("install", "--no-deps", "--no-index", str(wheel))
    return made


@pytest.fixture(scope="session")
def index(bare: Bare) -> Bare:
    """The same with the index's `validator` beside it."""
    done = bare.run("-m", "pip", "install", "--quiet", "--retries", "1", "validator")
    if done.returncode:
        pytest.skip(f"the index does not give its package `validator`: {done.stderr.strip().splitlines()[-1]}")
    return bare


@pytest.mark.long
def test_a_strangers_package_of_our_name_does_not_hide_ours(bare: Bare) -> None:
    stranger = bare.site / "yima" / "__init__.py"
    stranger.write_text("WHOSE = 'theirs'\n")
    assert (
        bare.gives("import yima; from yima.validator import VERSION; print(yima.WHOSE, VERSION)") == f"theirs {VERSION}"
    )
    stranger.unlink()
    assert bare.gives("from yima.validator import VERSION; print(VERSION)") == VERSION


@pytest.mark.long
def test_what_is_broken_is_mended_by_typing_what_is_printed(bare: Bare) -> None:
    gone = bare.site / "yima" / "sdk" / "cli" / "collect.py"
    gone.unlink()
    assert type_what_is_told(bare, "collect") == ["--force-reinstall", "--no-deps"]
    assert gone.exists()


@pytest.mark.long
def test_the_indexs_validator_and_ours_stand_side_by_side(index: Bare) -> None:
    whose = "import validator, yima.validator as ours; print(validator.__file__, ours.__file__, sep='\\n')"
    theirs, ours = index.gives(whose).splitlines()
    assert Path(theirs) == index.site / "validator" / "__init__.py"
    assert Path(ours) == index.site / "yima" / "validator" / "__init__.py"
    assert index.gives("from yima.validator import Validator; print(Validator.__module__)").startswith(
        "yima.validator."
    )
    assert index.gives("from validator import validate; print(validate.__module__)").startswith("validator")
    index.pip("uninstall", "--yes", "validator")
    assert index.run("-c", "import validator").returncode
    assert index.gives("from yima.validator import Validator; print(Validator.__module__)").startswith(
        "yima.validator."
    )


@pytest.mark.long
def test_a_missing_extra_is_there_after_typing_what_is_printed(index: Bare) -> None:
    """First what is always needed, then the collector's extra; `pip install anyio` would have brought one of four."""
    assert type_what_is_told(index, "issue") == ["yima-transit"]
    assert type_what_is_told(index, "collect") == ["yima-transit[uplink]"]
    helped = index.shell([str(index.folder / "bin" / "yima"), "collect", "--help"])
    assert helped.stdout.startswith("usage: yima collect"), helped.stderr
    assert index.run("-m", "pip", "check").returncode == 0


def type_what_is_told(bare: Bare, verb: str) -> list[str]:
    """Types what `yima VERB` says is to be typed; returns the words after `pip install`, paths left out."""
    done = bare.run("-m", "yima.sdk.cli.main", verb, "--help")
    assert done.returncode == 2, done.stdout + done.stderr
    command = done.stderr.strip().rpartition("Install it: ")[2].removesuffix(".")
    typed = bare.shell(command)
    assert typed.returncode == 0, typed.stderr
    ((*words,),) = commands_in(command)
    return [word for word in words if "/" not in word]
