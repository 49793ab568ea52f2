"""What a bench needs runs where Python has no fcntl, no termios, no pread: on Windows (see tests.without_posix)."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.affected import module_name, modules_of
from tests.running import environment, good_code, make_bench
from tests.without_posix import MODULES
from yima.validator.state import DeviceState

ROOT = Path(__file__).parent.parent
FOLDERS = ("validator", "sdk", "hwsim", "firmware_images")
OURS = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py") if path.name != "__main__.py")
PYTHON = [sys.executable, "-m", "tests.without_posix"]


def yima(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PYTHON, *map(str, words)],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


class Ended(NamedTuple):
    """How a command ended and what it said."""

    returncode: int
    stdout: str
    stderr: str


def each(*commands: Sequence[str | Path]) -> list[Ended]:
    """What `yima` answers to one command line after the other, all in one process."""
    done = yima("each", *(json.dumps([str(word) for word in words]) for words in commands))
    assert done.returncode == 0, done.stderr
    return [Ended(*json.loads(line)) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("bench")
    issuer = make_bench(directory)
    for number in range(2):
        (directory / "codes" / f"{number}.bin").write_bytes(good_code(issuer, number))
    return directory


@pytest.fixture(scope="module")
def ran(bench: Path) -> Iterator[str]:
    """A collector and a device that sends to it, both without POSIX; what the collector then tells of its devices."""
    words = ["collect", "--listen", "127.0.0.1:0", "--store", str(bench / "trips.db"), "--bench", "--json"]
    with subprocess.Popen(
        [*PYTHON, *words], cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True
    ) as collector:
        assert collector.stdout is not None
        url = json.loads(collector.stdout.readline())["url"]
        at_it = ("--state", bench / "state", "--collector", url, "--batch-age", "0.1")
        done = yima("run", "--reader", f"file:{bench / 'codes'}", "--params", bench / "city.toml", *at_it, "--json")
        assert done.returncode == 0, done.stderr
        with urllib.request.urlopen(f"{url}/devices") as answer:
            told = answer.read().decode()
        collector.terminate()
        collector.wait(200)
    yield told


def test_every_module_of_ours_imports_and_every_verb_shows_its_help() -> None:
    names = [module_name(path.relative_to(ROOT)) for path in OURS if path.name != "gen_table.py"]
    verbs = sorted(entry.name for entry in entry_points(group="yima.commands"))
    imported, *helped = each(["modules", *names], *([verb, "--help"] for verb in verbs))
    assert (imported.stdout, imported.returncode) == ("", 0)
    assert len(names) > 300
    for verb, done in zip(verbs, helped, strict=True):
        assert done.returncode == 0, (verb, done.stderr)
        assert f"usage: yima {verb}" in done.stdout


def test_only_the_room_that_knows_systems_imports_what_not_every_system_has() -> None:
    at_home = {path for path in OURS if path.parent == ROOT / "validator" / "system"}
    names = {str(path.relative_to(ROOT)): modules_of(path) & {*MODULES, "msvcrt"} for path in set(OURS) - at_home}
    assert {path: found for path, found in names.items() if found} == {
        "hwsim/pseudo_terminal.py": {"tty"},
        "sdk/doorway.py": {"resource"},  # it does without where there is none
    }


def test_what_needs_posix_says_so_in_a_sentence_and_what_to_do() -> None:
    commands = [["demo"], ["board", "run"], ["board", "cuts"], ["bench", "frames:x"], ["bench", "board:x"]]
    for words, done in zip(commands, each(*commands), strict=True):
        assert done.returncode == 2, words
        assert len(done.stderr.splitlines()) == 1, words
        assert "needs pseudo-terminals and local sockets" in done.stderr, words
        assert "WSL" in done.stderr, words


def test_a_device_records_sends_and_can_be_looked_at(bench: Path, ran: str) -> None:
    state, out = bench / "state", bench / "all.jsonl"
    shown, verified, exported = each(
        ["journal", "show", state, "--json"],
        ["journal", "verify", state, "--json"],
        ["journal", "export", state, "--form", "jsonl", "--out", out],
    )
    found = json.loads(shown.stdout)
    assert (found["last"], found["pending"]) == (len(found["records"]), 0)
    assert sum(record.get("reason") == "ACCEPTED" for record in found["records"]) == 2
    assert json.loads(verified.stdout)["verified"] == found["last"]
    assert found["device"] in ran
    assert exported.returncode == 0
    assert len(out.read_text().splitlines()) == found["last"]


@pytest.mark.usefixtures("ran")
def test_a_second_device_on_the_same_state_is_told_who_has_it(bench: Path) -> None:
    words = [
        "run",
        "--reader",
        f"file:{bench / 'codes'}",
        "--params",
        str(bench / "city.toml"),
        "--state",
        str(bench / "two"),
    ]
    words += ["--json"]
    DeviceState.open(bench / "two")
    holding = subprocess.Popen(
        [*PYTHON[:2], "tests.without_posix", "hold", str(bench / "two" / "journal" / "lock")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    with holding:
        assert holding.stdout is not None
        assert holding.stdout.readline() == b"held\n"
        done = yima(*words)
        holding.kill()
    assert done.returncode == 5
    assert f"in use by process {holding.pid}" in done.stderr
    assert yima(*words).returncode == 0, "the lock died with its process"


def test_a_capture_is_kept_and_replayed(bench: Path) -> None:
    capture = bench / "capture.jsonl"
    done = each(
        ["bench", f"file:{bench / 'codes'}", "--capture", capture, "--keep", "raw", "--json"],
        ["bench", f"replay:{capture}?speed=0", "--json"],
    )
    codes = [[json.loads(line)["code"] for line in one.stdout.splitlines()] for one in done]
    assert len(codes[0]) == 2
    assert codes[0] == codes[1]


def test_a_code_and_a_picture_are_inspected(bench: Path) -> None:
    from yima.sdk.qr import qr_png

    qr_png((bench / "codes" / "0.bin").read_bytes(), bench / "code.png")
    paths = (bench / "codes" / "0.bin", bench / "code.png")
    for path, done in zip(paths, each(*(("inspect", path, "--json") for path in paths)), strict=True):
        assert done.returncode == 0, (path, done.stderr)
        assert json.loads(done.stdout)["family"] == "ministry", path


def test_a_port_that_is_not_there_is_said() -> None:
    done = yima("bench", "serial:COM3")
    assert done.returncode == 4
    assert "COM3: there is no such port" in done.stderr
