"""What the verbs of parameters write: in place whole, and never in the place of what is no file."""

import os
import shutil
from contextlib import chdir
from pathlib import Path

import pytest

from yima.sdk.cli.main import main
from yima.sdk.cli.written import put
from yima.validator.errors import ParametersError
from yima.validator.system import disk

NOWHERE = ("", ".", "/")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source, its signer, a package and a deny-list."""
    folder = tmp_path_factory.mktemp("made")
    with chdir(folder):
        Path("list.csv").write_text("account\n31048700000000019999\n")
        for line in (
            "example city",
            "new-key signer.key --pins signers.txt",
            "build city --key signer.key --parts -o city.ymp",
            "deny build list.csv --version 1 -o list.ymd",
        ):
            assert main(["params", *line.split()]) == 0
    return folder


@pytest.fixture(autouse=True)
def city(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same in a working directory of the test's own."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("place", NOWHERE)
@pytest.mark.parametrize(
    "line",
    [
        "build city --key signer.key -o",
        "sign city.ymp --key signer.key -o",
        "cut city.ymp -o",
        "reissue city.ymp --version 2 --key signer.key --expiry 2100-01-01 -o",
        "rotate-keys city.ymp --old signer.key --new signer.key -o",
        "deny build list.csv --version 1 -o",
        "deny sign list.ymd --key signer.key -o",
        "deny apply list.ymd -o",
        "new-key other.key --pins",
    ],
)
def test_a_place_that_names_no_file_is_said_to_be_none(
    line: str, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bug found: with an empty variable of a shell behind -o these ended in a traceback."""
    before = sorted(Path().rglob("*"))
    assert main(["params", *line.split(), place]) == 6
    assert f"yima: {Path(place)}: is no name of a file. Name a file" in capsys.readouterr().err
    assert sorted(Path().rglob("*")) == before  # no key either, that nobody would trust


@pytest.mark.parametrize("key", ["signer.key", "other.pem"])
@pytest.mark.parametrize("line", ["build city --key signer.key -o", "deny build list.csv --version 1 -o"])
def test_a_private_key_is_not_written_over(line: str, key: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A bug found: with the key's name behind -o as well, a package took the place of the only copy of the key."""
    Path("other.pem").write_text("-----BEGIN PRIVATE KEY-----\n")
    before = Path(key).read_bytes()
    assert main(["params", *line.split(), key]) == 6
    assert Path(key).read_bytes() == before
    assert f"{key}: holds a private key, which would be lost" in capsys.readouterr().err


def test_a_device_is_not_replaced_by_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    """A bug found: `-o /dev/null`, to see only whether a package can be built, took /dev/null away from root."""
    os.mkfifo("pipe")
    assert main(["params", "build", "city", "--key", "signer.key", "-o", "pipe"]) == 6
    assert Path("pipe").is_fifo()
    assert "pipe: is no name of a file" in capsys.readouterr().err


def test_a_file_is_durable_before_it_takes_the_others_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug found: a package was renamed into place unflushed, so that a power cut could leave an empty one."""
    path = Path("out.ymp")
    path.write_bytes(b"old")
    seen: list[tuple[str, bytes]] = []
    for name in ("flush", "replace", "flush_folder"):
        real = getattr(disk, name)

        def watched(*words: object, name: str = name, real: object = real) -> None:
            seen.append((name, path.read_bytes()))
            real(*words)  # type: ignore[operator]

        monkeypatch.setattr(disk, name, watched)
    put(path, b"new")
    assert seen == [("flush", b"old"), ("replace", b"old"), ("flush_folder", b"new"), ("flush", b"new")]


def test_what_is_written_for_devices_may_be_read_by_them() -> None:
    before = os.umask(0o022)
    try:
        put(Path("out.ymp"), b"new")
    finally:
        os.umask(before)
    assert Path("out.ymp").stat().st_mode & 0o777 == 0o644


def test_what_cannot_be_written_whole_leaves_the_old_file_and_nothing_beside_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    Path("out.ymp").write_bytes(b"old")
    monkeypatch.setattr(disk, "flush", full)
    with pytest.raises(ParametersError, match=r"out\.ymp: cannot be written: No space left on device"):
        put(Path("out.ymp"), b"new")
    assert Path("out.ymp").read_bytes() == b"old"
    assert not Path("out.ymp.new").exists()
