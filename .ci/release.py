"""`make release`: the sdist, and a wheel for each platform, of one commit, with their SHA-256 sums.

Rules it keeps:
- What is released is a commit. It is unpacked from git into a scratch folder; what only lies in the working tree never
  gets in.
- The same commit gives the same bytes on any Linux machine: setuptools and the compiler (ziglang) are the pinned ones,
  the headers are those of Python 3.11, the oldest that the wheels are for; every time stamp is the commit's; folder,
  owner, umask, locale and the caller's own compiler flags have no say.
- A wheel's tags are no promises but findings: auditwheel reads which versions of glibc's symbols the library asks for,
  abi3audit which of Python's, and a wheel that asks for more than its tags allow is not handed over.
- Nothing is overwritten, and a version is released once its heading in CHANGELOG.md has a date.
"""

import argparse
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple

from abi3info import DATAS, FUNCTIONS
from abi3info.models import PyVersion

ROOT = Path(__file__).resolve().parent.parent


class Target(NamedTuple):
    """zig: how the compiler calls it. host: how Python there calls it."""

    zig: str
    host: str


PLATFORMS = {
    "manylinux_2_17_x86_64": Target("x86_64-linux-gnu.2.17", "linux-x86_64"),
    "manylinux_2_17_aarch64": Target("aarch64-linux-gnu.2.17", "linux-aarch64"),
    "macosx_11_0_x86_64": Target("x86_64-macos.11.0", "macosx-11.0-x86_64"),
    "macosx_11_0_arm64": Target("aarch64-macos.11.0", "macosx-11.0-arm64"),
    "win_amd64": Target("x86_64-windows-gnu", "win-amd64"),
}
"""Wheel tag: target. glibc 2.17 is what the oldest Linux that runs Python 3.11 wheels has (PEP 599); macOS 11 is the
first on arm64."""
OLDEST = PyVersion(3, 11)
_HOOK = "import sys; from setuptools import build_meta; {before}build_meta.{hook}(sys.argv[1]{more})"
_SUFFIX = "from setuptools.command import build_ext; build_ext.get_abi3_suffix = lambda: '.pyd'; "
_PYCONFIG = """\
#define MS_WINDOWS 1
#define MS_WIN32 1
#define MS_WIN64 1
#define HAVE_DECLSPEC_DLL 1
#define Py_ENABLE_SHARED 1
#define HAVE_STDDEF_H 1
#define HAVE_SYS_TYPES_H 1
#define HAVE_SYS_STAT_H 1
#define HAVE_WCHAR_H 1
#define STDC_HEADERS 1
#define ALIGNOF_SIZE_T 8
#define SIZEOF_SHORT 2
#define SIZEOF_INT 4
#define SIZEOF_LONG 4
#define SIZEOF_LONG_LONG 8
#define SIZEOF_SIZE_T 8
#define SIZEOF_VOID_P 8
#define SIZEOF_TIME_T 8
#define SIZEOF_WCHAR_T 2
"""
"""What the stable ABI takes from the pyconfig.h of 64-bit Windows: that it is Windows, and the sizes of C's types."""


class ReleaseError(Exception):
    """This is not fit to be released; the message says what to do."""


def main() -> int:
    """0: everything is in the folder. 1: it says what is in the way, and the folder is as it was."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--commit", default="HEAD", help="default HEAD")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", metavar="DIR", help="default dist/")
    parser.add_argument("--only", choices=PLATFORMS, action="append", help="one platform; may be repeated")
    parser.add_argument("--rehearsal", action="store_true", help="a version that has no date yet will do")
    arguments = parser.parse_args()
    try:
        release(arguments.commit, arguments.out, arguments.only or list(PLATFORMS), rehearsal=arguments.rehearsal)
    except ReleaseError as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    return 0


def release(commit: str, out: Path, platforms: list[str], *, rehearsal: bool) -> None:
    """Builds into a scratch folder, checks, and moves into `out`. Raises ReleaseError."""
    if sys.version_info[:2] != (3, 11):
        raise ReleaseError("the wheels are built with Python 3.11, the oldest they are for. Make .venv with python3.11")
    version = _version(_git("show", f"{commit}:CHANGELOG.md").decode(), rehearsal=rehearsal)
    if present := sorted(path.name for path in out.glob(f"yima_transit-{version}[-.]*")):
        raise ReleaseError(f"{out} has {', '.join(present)} already. Move it away, or give another folder with --out")
    epoch = _git("show", "--no-patch", "--format=%ct", f"{commit}^{{commit}}").decode().strip()
    os.umask(0o022)
    with tempfile.TemporaryDirectory(prefix="yima-release-") as scratch:
        tree, made = Path(scratch) / "tree", Path(scratch) / "made"
        _say("sdist")
        _unpack(commit, tree)
        _say("page")
        _build_page(tree)
        _run_hook(tree, made, "build_sdist", _environment(epoch))
        (sdist,) = made.glob("*.tar.gz")
        _settle(sdist, int(epoch))
        for platform in platforms:
            _say(platform)
            _wheel(sdist, made, platform, epoch)
        _hand_over(made, out)


def _build_page(tree: Path) -> None:
    """The core for browsers, of the commit's own sources; wheels are built from an sdist that holds it."""
    command = [sys.executable, str(tree / "sdk" / "web" / "build.py")]
    done = subprocess.run(command, cwd=tree, capture_output=True, encoding="utf-8", errors="replace", check=False)
    if done.returncode:
        raise ReleaseError(f"the page's core cannot be built:\n{done.stderr[-4000:]}")


def _version(changelog: str, *, rehearsal: bool) -> str:
    """Of the newest heading. Raises ReleaseError if it has no date yet, and this is no rehearsal."""
    heading = re.search(r"^## (\S+) · (.+)$", changelog, re.MULTILINE)
    if heading is None:
        raise ReleaseError("CHANGELOG.md has no heading like '## 1.2.3 · 2026-01-31'")
    if heading[2] == "unreleased" and not rehearsal:
        raise ReleaseError(f"CHANGELOG.md calls {heading[1]} unreleased. Put today's date there and commit it")
    return heading[1]


def _wheel(sdist: Path, made: Path, platform: str, epoch: str) -> None:
    """From the sdist, so that an sdist that lacks something is noticed here."""
    target = PLATFORMS[platform]
    with tempfile.TemporaryDirectory(dir=made.parent) as scratch:
        subprocess.run(["tar", "-xzf", sdist, "-C", scratch], check=True)
        (tree,) = Path(scratch).iterdir()
        compiler = f"{sys.executable} -m ziglang cc -target {target.zig}"
        headers, more_to_link, before = _debian_headers(Path(scratch)), "", ""
        if platform.startswith("macosx"):
            more_to_link = " -Wl,-undefined,dynamic_lookup"  # what Python brings is found when it loads us
        elif platform.startswith("win"):
            headers, before = _windows_headers(Path(scratch)), _SUFFIX
            more_to_link = f" {_import_library(Path(scratch))}"
        environment = _environment(epoch) | {
            "CC": compiler,
            "CFLAGS": f"-DNDEBUG -I{headers}",
            "LDSHARED": f"{compiler} -shared -s{more_to_link}",
            "_PYTHON_HOST_PLATFORM": target.host,
        }
        more = f", {{'--build-option': ['--plat-name={platform}']}}"
        _run_hook(tree, made, "build_wheel", environment, more, before=before)
    (wheel,) = made.glob(f"*-{platform}.whl")
    _audit(wheel, platform)


def _audit(wheel: Path, platform: str) -> None:
    """Raises ReleaseError for a wheel that is not what its tags say."""
    command = [sys.executable, "-m", "abi3audit", "--strict", str(wheel)]
    found = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)
    if found.returncode:
        raise ReleaseError(f"{wheel.name} asks for more than Python's stable ABI:\n{found.stdout}{found.stderr}")
    if not platform.startswith("manylinux"):
        return
    found = subprocess.run(
        [sys.executable, "-m", "auditwheel", "show", wheel],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if f'platform tag: "{platform}"' not in " ".join(found.stdout.split()):
        raise ReleaseError(f"{wheel.name} is not what its tag says:\n{found.stdout}{found.stderr}")


def _debian_headers(scratch: Path) -> Path:
    """Debian keeps one pyconfig.h for each architecture and has only this machine's. All that the stable ABI takes from
    it are the sizes of C's types, the same on every 64-bit Linux."""
    folder = scratch / "include"
    for architecture in ("x86_64", "aarch64"):
        (folder / f"{architecture}-linux-gnu").mkdir(parents=True)
        multiarch = Path("/usr/include") / str(sysconfig.get_config_var("MULTIARCH")) / "python3.11"
        if multiarch.exists():
            (folder / f"{architecture}-linux-gnu" / "python3.11").symlink_to(multiarch)
    return folder


def _windows_headers(scratch: Path) -> Path:
    """Python's headers with the pyconfig.h of Windows among them, where they look for it first."""
    folder = scratch / "windows"
    shutil.copytree(sysconfig.get_path("include"), folder)
    (folder / "pyconfig.h").write_text(_PYCONFIG, encoding="utf-8")
    return folder


def _import_library(scratch: Path) -> Path:
    """Of python3.dll, which every Python 3 of Windows brings: made from the list of what is in the stable ABI of the
    oldest Python, so that whatever else is asked for is noticed here."""
    definition, library = scratch / "python3.def", scratch / "python3.lib"
    names = [symbol.name for symbol, one in FUNCTIONS.items() if one.added <= OLDEST]
    names += [f"{symbol.name} DATA" for symbol, one in DATAS.items() if one.added <= OLDEST]
    definition.write_text("\n".join(["LIBRARY python3.dll", "EXPORTS", *sorted(names), ""]), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "ziglang",
        "dlltool",
        "-m",
        "i386:x86-64",
        "-d",
        str(definition),
        "-l",
        str(library),
    ]
    subprocess.run(command, check=True)
    return library


def _settle(sdist: Path, epoch: int) -> None:
    """Packs the sdist again: sorted, owned by nobody, every time stamp the commit's."""
    with tarfile.open(sdist) as archive:
        members = [
            (member, archive.extractfile(member) if member.isfile() else None) for member in archive.getmembers()
        ]
        settled = sdist.with_suffix(".settled")
        with (
            settled.open("wb") as file,
            gzip.GzipFile("", "wb", fileobj=file, mtime=epoch) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as fresh,
        ):
            for member, content in sorted(members, key=lambda pair: pair[0].name):
                entry = tarfile.TarInfo(member.name)
                entry.size, entry.type, entry.mtime = member.size, member.type, epoch
                entry.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
                fresh.addfile(entry, content)
    settled.replace(sdist)


def _hand_over(made: Path, out: Path) -> None:
    files = sorted(made.iterdir())
    out.mkdir(parents=True, exist_ok=True)
    sums = "".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files)
    for file in files:
        (out / file.name).write_bytes(file.read_bytes())
    (out / "SHA256SUMS").write_text(sums, encoding="utf-8")
    print(sums, end="")


def _environment(epoch: str) -> dict[str, str]:
    """All that the build sees of the caller's environment: where programs and the compiler's cache are."""
    kept = ("PATH", "HOME", "ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR")
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        "SOURCE_DATE_EPOCH": epoch,
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONHASHSEED": "0",
    }


def _run_hook(
    tree: Path, made: Path, hook: str, environment: dict[str, str], more: str = "", *, before: str = ""
) -> None:
    """Asks setuptools (PEP 517) in `tree`."""
    made.mkdir(exist_ok=True)
    command = [sys.executable, "-c", _HOOK.format(hook=hook, more=more, before=before), str(made)]
    done = subprocess.run(
        command, cwd=tree, env=environment, capture_output=True, encoding="utf-8", errors="replace", check=False
    )
    if done.returncode:
        raise ReleaseError(f"{hook} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")


def _unpack(commit: str, tree: Path) -> None:
    tree.mkdir()
    subprocess.run(["tar", "-x", "-C", tree], input=_git("archive", commit), check=True)


def _git(*arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        raise ReleaseError(f"git {' '.join(arguments)}: {done.stderr.decode().strip()}")
    return done.stdout


def _say(what: str) -> None:
    print(f"release: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
