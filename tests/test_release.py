"""What is released: the same bytes wherever built, tagged as what they are, and working where nothing else is."""

import hashlib
import json
import os
import re
import struct
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
X86_64, AARCH64 = "manylinux_2_17_x86_64", "manylinux_2_17_aarch64"
MAC_INTEL, MAC_ARM, WINDOWS = "macosx_11_0_x86_64", "macosx_11_0_arm64", "win_amd64"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="releases are built with Python 3.11"),
    pytest.mark.skipif(not (ROOT / ".git").exists(), reason="a release is made of a commit"),
]


def what_is_here() -> str:
    """A commit of the files as they stand, committed or not."""
    command = ["git", "-c", "user.name=nobody", "-c", "user.email=nobody", "stash", "create"]
    stashed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return stashed.strip() or "HEAD"


def release(commit: str, out: Path, *more: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs the recipe; the caller looks at how it ended."""
    return subprocess.run(
        [sys.executable, ".ci/release.py", "--rehearsal", "--commit", commit, "--out", out, *more],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def commit() -> str:
    return what_is_here()


@pytest.fixture(scope="module")
def released(commit: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("release")
    done = release(commit, out)
    assert done.returncode == 0, done.stderr
    return out


def wheel(released: Path, platform: str) -> Path:
    (found,) = released.glob(f"yima_transit-*-cp311-abi3-{platform}.whl")
    return found


def test_a_second_build_gives_the_same_bytes(
    commit: str, released: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    umask = os.umask(0o077)
    try:
        done = release(
            commit,
            tmp_path / "again",
            *("--only", X86_64, "--only", MAC_ARM, "--only", WINDOWS),
            **{"ZIG_GLOBAL_CACHE_DIR": str(tmp_path / "zig"), "ZIG_LOCAL_CACHE_DIR": str(tmp_path / "zig")},
            **{"CFLAGS": "-O0 -DUNWANTED", "SOURCE_DATE_EPOCH": "1", "TZ": "Asia/Shanghai", "PYTHONHASHSEED": "7"},
        )
    finally:
        os.umask(umask)
    assert done.returncode == 0, done.stderr
    again = sorted(path for path in (tmp_path / "again").iterdir() if path.name != "SHA256SUMS")
    assert len(again) == 4
    assert [path.name for path in again if path.read_bytes() != (released / path.name).read_bytes()] == []


def test_the_sums_are_those_of_the_files(released: Path) -> None:
    lines = (released / "SHA256SUMS").read_text().splitlines()
    sums = {name: digest for digest, name in (line.split("  ") for line in lines)}
    files = [path for path in released.iterdir() if path.name != "SHA256SUMS"]
    assert sums == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    assert len(files) == 6


@pytest.mark.parametrize(("platform", "machine"), [(X86_64, 0x3E), (AARCH64, 0xB7)])
def test_a_wheel_holds_a_library_for_the_machine_of_its_tag(released: Path, platform: str, machine: int) -> None:
    with zipfile.ZipFile(wheel(released, platform)) as archive:
        elf = archive.read("yima/validator/_core.abi3.so")
        (tags,) = [name for name in archive.namelist() if name.endswith("/WHEEL")]
        assert f"Tag: cp311-abi3-{platform}" in archive.read(tags).decode().splitlines()
        assert not [name for name in archive.namelist() if not name.startswith(("yima/", "yima_transit-"))]
    assert elf[:5] == b"\x7fELF\x02"
    assert int.from_bytes(elf[18:20], "little") == machine
    assert bytes(ROOT) not in elf


@pytest.mark.parametrize("platform", [X86_64, AARCH64])
def test_the_library_asks_for_no_glibc_newer_than_its_tag(
    released: Path, platform: str, symbol_versions: Callable[[bytes], set[tuple[int, ...]]]
) -> None:
    with zipfile.ZipFile(wheel(released, platform)) as archive:
        versions = symbol_versions(archive.read("yima/validator/_core.abi3.so"))
    assert versions
    assert max(versions) <= (2, 17)


@pytest.mark.parametrize(("platform", "machine"), [(MAC_INTEL, 0x01000007), (MAC_ARM, 0x0100000C)])
def test_a_wheel_for_macos_holds_a_library_that_its_tags_system_loads(
    released: Path, platform: str, machine: int
) -> None:
    """Mach-O by its load commands: LC_SYMTAB 2, LC_LOAD_DYLIB 0xC, LC_CODE_SIGNATURE 0x1D, LC_BUILD_VERSION 0x32."""
    with zipfile.ZipFile(wheel(released, platform)) as archive:
        library = archive.read("yima/validator/_core.abi3.so")
    magic, kind, _, _, count = struct.unpack_from("<IIIII", library)
    assert (magic, kind) == (0xFEEDFACF, machine)
    commands: dict[int, list[bytes]] = {}
    at = 32
    for _ in range(count):
        command, size = struct.unpack_from("<II", library, at)
        commands.setdefault(command, []).append(library[at : at + size])
        at += size
    (built,) = commands[0x32]
    assert struct.unpack_from("<II", built, 8) == (1, 11 << 16), "macOS 11.0"
    assert [one[24:].rstrip(bytes(1)) for one in commands[0xC]] == [b"/usr/lib/libSystem.B.dylib"]
    assert (0x1D in commands) or platform == MAC_INTEL, "arm64 loads nothing that is not signed"
    (table,) = commands[2]
    symbols, many, strings, _ = struct.unpack_from("<IIII", table, 8)
    exported: set[bytes] = set()
    for entry in range(symbols, symbols + 16 * many, 16):
        name, flags, section = struct.unpack_from("<IBB", library, entry)
        if flags & 1 and section:
            exported.add(library[strings + name :].split(bytes(1), 1)[0])
    assert exported - {b"__mh_dylib_header", b"___dso_handle"} == {b"_PyInit__core"}, "but for the linker's own two"


def test_the_wheel_for_windows_holds_a_library_that_needs_pythons_and_the_systems_alone(released: Path) -> None:
    import pefile

    with zipfile.ZipFile(wheel(released, WINDOWS)) as archive:
        library = pefile.PE(data=archive.read("yima/validator/_core.pyd"))
        assert not [name for name in archive.namelist() if name.endswith(".so")]
    assert library.FILE_HEADER.Machine == 0x8664
    assert [symbol.name for symbol in library.DIRECTORY_ENTRY_EXPORT.symbols] == [b"PyInit__core"]
    needed = {entry.dll.decode().lower() for entry in library.DIRECTORY_ENTRY_IMPORT}
    assert {"python3.dll", "kernel32.dll"} <= needed
    assert {name for name in needed if not name.startswith("api-ms-win-crt-")} == {"python3.dll", "kernel32.dll"}


@pytest.fixture
def symbol_versions(tmp_path: Path) -> Callable[[bytes], set[tuple[int, ...]]]:
    """Reads them from the section .gnu.version_r, which the recipe leaves to auditwheel."""
    from elftools.elf.elffile import ELFFile
    from elftools.elf.gnuversions import GNUVerNeedSection

    def read(elf: bytes) -> set[tuple[int, ...]]:
        path = tmp_path / "library.so"
        path.write_bytes(elf)
        with path.open("rb") as file:
            section = ELFFile(file).get_section_by_name(".gnu.version_r")
            assert isinstance(section, GNUVerNeedSection)
            names = [str(version.name) for _, needs in section.iter_versions() for version in needs]
        return {tuple(map(int, name.removeprefix("GLIBC_").split("."))) for name in names}

    return read


def test_the_wheel_judges_the_labs_vectors_where_no_checkout_is(released: Path, tmp_path: Path) -> None:
    if os.uname().machine != "x86_64":
        pytest.skip("the wheel of another machine")
    bare = tmp_path / "bare"
    venv.create(bare, with_pip=False)
    python = bare / "bin" / "python"
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", wheel(released, X86_64)],
        check=True,
    )
    (site,) = bare.glob("lib/python*/site-packages")
    # Only what we depend on: a .pth file adds the folder, and does not read the .pth files in it.
    (site / "dependencies.pth").write_text(str(Path(pytest.__file__).parent.parent))
    asked = "from yima.validator import _core; print(_core.__file__)"
    found = subprocess.run([python, "-c", asked], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert Path(found.strip()).is_relative_to(site)
    done = subprocess.run(
        [bare / "bin" / "yima", "conform", "--json", ROOT / "tests" / "vectors" / "lab"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    report = json.loads(done.stdout)
    assert (done.returncode, report["agree"], report["differ"]) == (0, 77, 0)


def test_the_sdist_tells_nothing_of_who_packed_it_and_when(released: Path) -> None:
    (sdist,) = released.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        members = archive.getmembers()
    assert {(member.uid, member.gid, member.uname, member.gname) for member in members} == {(0, 0, "", "")}
    assert len({member.mtime for member in members}) == 1
    assert {member.mode for member in members} <= {0o644, 0o755}


def test_nothing_is_overwritten(commit: str, released: Path) -> None:
    before = {path.name: path.read_bytes() for path in released.iterdir()}
    done = release(commit, released, "--only", X86_64)
    assert done.returncode == 1
    assert "already" in done.stderr
    assert before == {path.name: path.read_bytes() for path in released.iterdir()}


def test_a_version_without_a_date_is_not_released(tmp_path: Path) -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    if not re.search(r"^## \S+ · unreleased$", changelog, re.MULTILINE):
        pytest.skip("the newest version has its date")
    command = [sys.executable, ".ci/release.py", "--commit", what_is_here(), "--out", str(tmp_path / "out")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "unreleased" in done.stderr
    assert not (tmp_path / "out").exists()
