"""The names under which we are installed and imported: whatever docs and advice tell installs us, and imports us."""

import re
from pathlib import Path
from pkgutil import resolve_name

import pytest

from tests.install_commands import commands_in, faults_of

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "docs").rglob("*.svg"))]
PACKAGES = ("validator", "sdk", "hwsim", "firmware_images", "benchmarks")
SOURCES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
MAKER = ROOT / "validator" / "remedies.py"


def test_every_install_command_in_the_docs_installs_us_or_what_we_pin() -> None:
    """They said 'yima[board,firmware]' once: `yima` on the index is somebody else's."""
    told = [(path, command) for path in PAGES for command in commands_in(path.read_text())]
    assert len(told) >= 4
    assert [(path.name, command) for path, command in told if faults_of(command)] == []


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ("pip install 'yima[board,firmware]'", "neither ours"),
        ("pip install -U yima", "neither ours"),
        ("pip install anyio", "neither ours"),
        ("pip install 'yima-transit[cameras]'", "no extra"),
        ("pip install -e '.[boards]'", "no extra"),
        ("pip install 'construct>=2.10.70,<3'", "not pinned"),
        ("pip install ziglang==0.16.0", "neither ours"),
        ("pip install -U", "nothing"),
    ],
)
def test_the_check_finds_what_it_is_for(command: str, fault: str) -> None:
    ((words),) = commands_in(f"Type `{command}`, then go on.")
    assert [fault in said for said in faults_of(words)] == [True]


@pytest.mark.parametrize(
    "command",
    [
        "pip install yima-transit",
        'pip install "yima-transit[camera,uplink]"',
        "pip install -e .",
        "pip install cbor2==6.3.0",
    ],
)
def test_the_check_lets_sound_commands_pass(command: str) -> None:
    ((words),) = commands_in(f"请执行 {command}（目录：/x）")
    assert faults_of(words) == []


def test_advice_about_installing_is_given_in_one_place() -> None:
    assert [path.name for path in SOURCES if "pip install" in path.read_text() and path != MAKER] == []


def test_modules_and_names_in_the_docs_are_there() -> None:
    dotted = re.compile(rf"\byima\.(?:{'|'.join(PACKAGES)})(?:\.\w+)*")
    named = {name for path in PAGES for name in dotted.findall(path.read_text())}
    assert named
    for name in named:
        resolve_name(name)


def test_nothing_is_imported_or_run_by_the_name_of_a_folder() -> None:
    """They stand at the top of the checkout only; installed, they are under yima."""
    old = re.compile(
        r"(?:^|[\s`])(?:python -m|from|import) (?:validator|sdk|hwsim|firmware_images)\b(?![/-])", re.MULTILINE
    )
    for path in (*PAGES, *SOURCES):
        assert old.findall(path.read_text()) == [], path
