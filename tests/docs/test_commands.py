"""Every `sh` block of the pages does what a reader would see: page by page, in order, in a folder like a checkout.

The folder holds links to what the repository holds, and nothing that was built; what a page makes is made there. A
block that cannot run here says why in a comment above it, `<!-- no-run: needs a scanner -->`; a block below
`<!-- file: NAME -->` is a file that the page has the reader save. Chinese pages have the same blocks (test_form.py).
What changes the repository itself is not for this folder of links: CONTRIBUTING and its like are not run here.
`yima` is a fork of one that has imported (tests/forked.py); where a page names its file, as the README does, it is
that file.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, Page, kept, name_of, parse, read
from tests.forked import server_of
from tests.validator.core.c_library import core_file

ENOUGH_S = 110
CORE = "docs/quickstart-core.md"
LONGEST, LONG = (
    {"docs/clearing.md", "docs/deny-list.md", "docs/firmware.md", "docs/parameters.md", "docs/region.md", CORE},
    [pytest.mark.long],
)  # their verbs have tests of their own in tests/sdk/cli; the core's page runs upon a core that is compiled already
RUNNABLE = [path for path in PAGES if path.name == "README.md" or path.is_relative_to(ROOT / "docs")]
RUNNABLE = [path for path in RUNNABLE if "zh" not in path.parts]


def script_of(page: Page) -> str:
    """The page's commands as one script that says where it is; empty where nothing is to be run."""
    steps, commands = ["set -euo pipefail"], 0
    for block in page.blocks:
        if name := block.notes.get("file"):
            steps.append(f"cat > {name} <<'END OF THE FILE'\n{block.text}END OF THE FILE")
        elif block.language == "sh" and "no-run" not in block.notes:
            steps.append(f"echo '@@ {page.path.name}, line {block.line}' >&2\n{block.text}")
            commands += 1
    return "\n".join(steps) + "\n" if commands else ""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> str:
    return server_of(tmp_path_factory)


def checkout(folder: Path, server: str) -> dict[str, str]:
    """Makes a folder look like a fresh checkout, set up. Returns the environment of its shell."""
    for path in kept():
        (folder / path.name).symlink_to(path)
    commands = {"yima": f'"{sys.executable}" -S -E "{ROOT}/tests/forked.py" "{server}"'}
    if not shutil.which("cc"):
        commands["cc"] = f'"{sys.executable}" -m ziglang cc'
    tools = folder.parent / f"{folder.name}-tools"
    tools.mkdir()
    for name, command in commands.items():
        (tools / name).write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        (tools / name).chmod(0o755)
    return os.environ | {"PATH": f"{tools}:{folder}/.venv/bin:{os.environ['PATH']}"}


def run(page: Page, folder: Path, server: str) -> tuple[int, str]:
    """Runs a page's commands in a folder; whatever they left in the background ends with them. Exit status, output."""
    environment = checkout(folder, server)
    shell = subprocess.Popen(
        ["bash", "-c", script_of(page)],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        output, _ = shell.communicate(timeout=ENOUGH_S)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(shell.pid, signal.SIGKILL)
        shell.wait()
    return shell.returncode, output


def is_running(pid: int) -> bool:
    """Whether a process still does anything; a killed one may be listed until its heir has asked after it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=LONG if name_of(path) in LONGEST else ()) for path in RUNNABLE if script_of(read(path))],
    ids=name_of,
)
def test_the_commands_of_a_page_work_as_written(path: Path, tmp_path: Path, server: str) -> None:
    status, output = run(read(path), tmp_path, server)
    assert status == 0, output[-4000:]


@pytest.mark.slow
def test_the_page_of_the_core_works_upon_a_core_compiled_already(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, server: str
) -> None:
    """As written but for two: the core's sources are the run's one library of them, and no objects for a Cortex-M7 are
    made, which `yima image build` makes for the README."""
    page, core = read(ROOT / CORE), str(core_file(tmp_path_factory))
    blocks = [
        replace(block, text=block.text.replace("validator/core/*.c", core))
        for block in page.blocks
        if "objects" not in block.text
    ]
    assert (len(blocks), sum(core in block.text for block in blocks)) == (len(page.blocks) - 1, 1)
    status, output = run(replace(page, blocks=blocks), tmp_path, server)
    assert status == 0, output[-4000:]


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_a_block_that_does_not_run_says_why(path: Path) -> None:
    reasons = [block.notes["no-run"] for block in read(path).blocks if "no-run" in block.notes]
    assert all(len(reason.split()) >= 3 for reason in reasons)


def test_a_command_that_fails_is_noticed_with_its_place(tmp_path: Path, server: str) -> None:
    text = "```sh\ntrue\n```\n\n<!-- no-run: it would fail -->\n```sh\nfalse\n```\n\n```sh\nyima no-such-verb\n```\n"
    status, output = run(parse(text, ROOT / "docs" / "page.md"), tmp_path, server)
    assert status != 0
    assert "@@ page.md, line 11" in output
    assert "no-such-verb" in output


def test_a_failure_in_the_middle_of_a_pipe_or_block_is_noticed(tmp_path: Path, server: str) -> None:
    status, _ = run(parse("```sh\nfalse | cat\ntrue\n```\n", ROOT / "docs" / "page.md"), tmp_path, server)
    assert status != 0


def test_what_a_page_leaves_in_the_background_ends_with_it(tmp_path: Path, server: str) -> None:
    text = "```sh\nsleep 600 > /dev/null 2>&1 &\necho $! > sleeper\n```\n"
    status, _ = run(parse(text, ROOT / "docs" / "page.md"), tmp_path, server)
    assert status == 0
    while is_running(int((tmp_path / "sleeper").read_text())):
        time.sleep(0.05)
