"""The house's habits, where two files say the same: lint and hooks, version and changelog, editors and formatters."""

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
import tomllib
from datetime import date
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from yima.validator.version import VERSION

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def hooks() -> dict[str, dict[str, Any]]:
    """The hooks of .pre-commit-config.yaml by their ids."""
    (repo,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert repo["repo"] == "local"  # another one would be fetched from elsewhere
    return {hook["id"]: hook for hook in repo["hooks"]}


def commands_of_lint() -> list[list[str]]:
    """What `make lint` would run, set-up left out."""
    printed = subprocess.run(["make", "-n", "lint"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    tools = (".venv/bin/", ".ci/warnings")
    commands = [shlex.split(line) for line in printed.splitlines() if line.startswith(tools)]
    return [command for command in commands if command[0] != ".venv/bin/python"]


def test_every_command_of_lint_is_a_hook_and_every_hook_a_command_of_lint() -> None:
    linted = commands_of_lint()
    hooked = [(shlex.split(hook["entry"]), hook.get("pass_filenames", True)) for hook in hooks().values()]
    matched = [
        [entry for entry, files in hooked if command == entry or (files and command[: len(entry)] == entry)]
        for command in linted
    ]
    assert [len(entries) for entries in matched] == [1] * len(hooked)


def test_lint_takes_in_all_c_that_is_not_generated() -> None:
    (formatted,) = [command for command in commands_of_lint() if command[0].endswith("clang-format")]
    tracked = subprocess.run(
        ["git", "ls-files", "*.c", "*.h"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert set(tracked.split()) - set(formatted) == set()


def test_the_hooks_refuse_a_commit_and_need_no_network(tmp_path: Path) -> None:
    pre_commit = ROOT / ".venv" / "bin" / "pre-commit"
    if not pre_commit.exists():
        pytest.skip("pre-commit is not installed")
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    for name in (".pre-commit-config.yaml", ".clang-format", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "good.py").write_text('"""Fine."""\n')
    (tmp_path / "good.c").write_text("int good;\n")
    environment = os.environ | {"PRE_COMMIT_HOME": str(tmp_path / "cache"), "https_proxy": "http://127.0.0.1:9"}

    def run(*files: str) -> dict[str, str]:
        names = ("ruff", "ruff-format", "clang-format")
        skipped = ",".join(name for name in hooks() if name not in names)
        for command in (["git", "init", "-q"], ["git", "add", *files]):
            subprocess.run(command, cwd=tmp_path, check=True)
        done = subprocess.run(
            [pre_commit, "run", "--files", *files, "--color", "never"],
            cwd=tmp_path,
            env=environment | {"SKIP": skipped},
            capture_output=True,
            text=True,
            check=False,
        )
        verdicts = re.findall(r"^([\w -]+?)\.{3,}(Passed|Failed)$", done.stdout, re.MULTILINE)
        return dict(verdicts)

    assert run("good.py", "good.c") == {"ruff": "Passed", "ruff format": "Passed", "clang-format": "Passed"}
    (tmp_path / "bad.py").write_text("import os\nx = {  }\n")
    (tmp_path / "bad.c").write_text("int  bad;\n")
    assert run("bad.py", "bad.c") == {"ruff": "Failed", "ruff format": "Failed", "clang-format": "Failed"}


def test_the_newest_entry_of_the_changelog_is_the_version_and_the_older_ones_are_older() -> None:
    headings = re.findall(r"^## (.+?) · (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0][0] == VERSION
    numbers = [tuple(map(int, version.split("."))) for version, _ in headings]
    assert numbers == sorted(set(numbers), reverse=True)
    released = headings[1:] if headings[0][1] == "unreleased" else headings
    days = [date.fromisoformat(day) for _, day in released]
    assert days == sorted(days, reverse=True)


def editor() -> configparser.ConfigParser:
    """.editorconfig; its preamble becomes a section."""
    parser = configparser.ConfigParser()
    parser.read_string("[preamble]\n" + (ROOT / ".editorconfig").read_text())
    return parser


def test_editors_ruff_and_clang_format_agree_on_a_lines_length_and_indentation() -> None:
    clang: dict[str, Any] = yaml.safe_load((ROOT / ".clang-format").read_text())
    code = editor()["*.{py,pyi,c,h,def}"]
    assert int(code["max_line_length"]) == PROJECT["tool"]["ruff"]["line-length"] == clang["ColumnLimit"]
    assert int(editor()["*"]["indent_size"]) == clang["IndentWidth"]


def test_tracked_text_is_as_editors_would_leave_it() -> None:
    left_alone = (
        section for section in editor().sections() if editor()[section].get("insert_final_newline") == "unset"
    )
    exempt = {pattern for section in left_alone for pattern in section.strip("{}").split(",")}
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    spoiled = []
    for name in tracked.splitlines():
        path = ROOT / name
        if path.is_symlink() or not path.is_file() or any(fnmatch(name, pattern) for pattern in exempt):
            continue
        content = path.read_bytes()
        if b"\0" in content or not content:
            continue
        content.decode("utf-8")
        if not content.endswith(b"\n") or re.search(rb"[ \t\r]$", content, re.MULTILINE):
            spoiled.append(name)
    assert spoiled == []


FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[!c]*.yml"))


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_an_issue_form_is_one_that_github_shows_and_speaks_both_languages(path: Path) -> None:
    """Required keys by GitHub's "Syntax for issue forms"; a form that lacks one is silently not offered."""
    form = yaml.safe_load(path.read_text())
    assert {"name", "description", "body"} <= set(form)
    ids = [element["id"] for element in form["body"] if element["type"] != "markdown"]
    assert len(ids) == len(set(ids))
    said = [form["name"], form["description"]]
    for element in form["body"]:
        attributes = element["attributes"]
        assert element["type"] in {"markdown", "textarea", "input", "dropdown", "checkboxes"}
        said.append(attributes["value"] if element["type"] == "markdown" else attributes["label"])
        options = attributes.get("options", [])
        assert bool(options) == (element["type"] in {"dropdown", "checkboxes"})
        said += [option["label"] if element["type"] == "checkboxes" else option for option in options]
    assert [text for text in said if not (re.search(r"[A-Za-z]", text) and re.search(r"[一-鿿]", text))] == []


def test_whoever_reports_a_bug_is_told_first_not_to_paste_a_riders_code() -> None:
    first, second, *_ = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / "bug.yml").read_text())["body"]
    assert "real rider's code" in first["attributes"]["value"]
    assert "请勿粘贴真实乘客的二维码" in first["attributes"]["value"]
    assert second["attributes"]["options"][0]["required"] is True


def test_the_devcontainer_has_the_oldest_python_that_is_supported() -> None:
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    oldest = PROJECT["project"]["requires-python"].removeprefix(">=")
    assert container["image"].startswith(f"python:{oldest}-")
    assert container["customizations"]["vscode"]["settings"]["python.analysis.extraPaths"] == [".links"]
