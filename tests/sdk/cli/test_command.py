"""yima.sdk.cli.main: finds verbs, imports only the one asked for, and says what went wrong in one line."""

import os
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from tests.install_commands import commands_in
from yima.sdk.cli import main as command
from yima.validator.version import VERSION

ROOT = Path(__file__).parents[3]


def yima(*words: str, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    """The command as its own process."""
    variables = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    line = [sys.executable, "-W", "error", "-m", "yima.sdk.cli.main", *words]
    return subprocess.run(line, input=stdin, capture_output=True, env=variables, timeout=200, check=False)


def without(module: str, *words: str) -> subprocess.CompletedProcess[str]:
    """The command as its own process, in which a module is missing."""
    program = f"import sys; sys.modules[{module!r}] = None; from yima.sdk.cli.main import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, timeout=200, check=False
    )


def entry(name: str, module: str) -> EntryPoint:
    return EntryPoint(name, module, "yima.commands")


def test_alone_it_lists_the_verbs_with_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([]) == 0
    listed = capsys.readouterr().out
    for verb in ("issue", "inspect", "judge", "conform", "params", "run", "collect", "demo"):
        assert f"\n  {verb} " in listed
    assert command.main(["--help"]) == 0
    assert capsys.readouterr().out == listed


def test_it_tells_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--version"]) == 0
    assert capsys.readouterr().out == f"yima {VERSION}\n"


def test_an_unknown_verb_is_one_line_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["jugde"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("yima: jugde: no such verb")
    assert said.count("\n") == 1
    assert "judge" in said


def test_wrong_usage_is_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["judge"]) == 2
    assert command.main(["judge", "--hex", "80", "--params", "x", "--at", "noon"]) == 2
    assert command.main(["judge", "--hex", "80", "--params", "x", "--at", str(1 << 32)]) == 2
    assert command.main(["inspect", "file", "--hex", "80"]) == 2
    assert "usage: yima judge" in capsys.readouterr().err


def test_help_of_a_verb_is_status_0(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("issue", "inspect", "judge", "conform", "params"):
        assert command.main([verb, "--help"]) == 0
        assert f"usage: yima {verb}" in capsys.readouterr().out


def test_a_verb_whose_extra_is_missing_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.setattr(command, "entry_points", lambda group: [entry("collect", "uvicorn")])
    assert command.main(["collect"]) == 2
    assert commands_in(capsys.readouterr().err) == [["-e", ".[uplink]"]]
    assert command.main([]) == 0
    assert commands_in(capsys.readouterr().out) == [["-e", ".[uplink]"]]


@pytest.mark.parametrize(
    ("verb", "module", "extra"),
    [
        ("collect", "anyio", "uplink"),
        ("resolver", "starlette", "uplink"),
        ("image", "ziglang", "firmware"),
        ("board", "smp", "board"),
    ],
)
def test_what_a_verb_lacks_is_told_by_its_extra(verb: str, module: str, extra: str, tmp_path: Path) -> None:
    """`collect` said `pip install anyio` once, and `board` the firmware's extra."""
    words = {
        "image": ["build", "--folder", str(tmp_path)],
        "collect": ["--db", str(tmp_path / "trips.db")],
        "board": ["cuts"],
    }
    done = without(module, verb, *words.get(verb, []))
    assert done.returncode == 2, done.stderr
    assert f"needs the Python package {module}" in done.stderr
    assert commands_in(done.stderr) == [["-e", f".[{extra}]"]]


@pytest.mark.parametrize("verb", ["run", "journal"])
def test_a_part_of_python_itself_is_not_looked_for_on_the_index(verb: str) -> None:
    """On Windows these said `pip install fcntl`; a Python with the locks of neither system still says what it lacks."""
    done = without("fcntl", verb, "--help")
    assert done.returncode == 2, done.stderr
    assert f"yima {verb}: needs msvcrt, a part of Python itself" in done.stderr
    assert commands_in(done.stderr) == []


def test_a_missing_part_of_ours_is_not_looked_for_on_pypi(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "entry_points", lambda group: [entry("board", "yima.hwsim.cli.nowhere")])
    assert command.main(["board"]) == 2
    said = capsys.readouterr().err
    assert "yima.hwsim.cli.nowhere is missing" in said
    assert commands_in(said) == [["-e", "."]]


def test_ctrl_c_is_status_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(words: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "_run", interrupted)
    assert command.main([]) == 130


def test_judging_imports_neither_camera_nor_server(code_file: Path, params_file: Path, now: int) -> None:
    line = ["judge", str(code_file), "--params", str(params_file), "--at", str(now)]
    program = (
        f"import sys; from yima.sdk.cli.main import main; status = main({line!r}); "
        "print(sorted({'cv2', 'zxingcpp', 'uvicorn', 'starlette', 'httpx', 'numpy', 'hwsim'} & set(sys.modules))); "
        "sys.exit(status)"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, env=environment, timeout=200, check=False
    )
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, b"[]"), done.stderr


def test_as_a_process_its_status_is_the_verbs(code_file: Path, params_file: Path, now: int) -> None:
    judge = ("judge", "--params", str(params_file), "--at")
    assert yima(*judge, str(now), str(code_file)).returncode == 0
    assert yima(*judge, str(now + 3600), str(code_file)).returncode == 1
    missing = yima(*judge, str(now), "nowhere.bin")
    assert missing.returncode == 3
    assert missing.stderr.count(b"\n") == 1
    assert missing.stderr.startswith(b"yima: nowhere.bin: ")


def test_errors_follow_the_language_of_the_environment() -> None:
    assert "无法读取" in yima("inspect", "nowhere.bin", YIMA_LANG="zh").stderr.decode()


def test_a_code_comes_through_standard_input(code_file: Path) -> None:
    done = yima("inspect", "-", "--json", stdin=code_file.read_bytes())
    assert done.returncode == 0
    assert b'"family": "ministry"' in done.stdout


def test_a_terminal_without_chinese_gets_escapes_and_no_traceback(code_file: Path) -> None:
    done = yima("inspect", str(code_file), PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_reader_that_goes_away_is_no_traceback(code_file: Path) -> None:
    program = f"{sys.executable} -m yima.sdk.cli.main inspect {code_file} --json"
    line = ["bash", "-c", f"set -o pipefail; {program} | exec 0<&-"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(line, capture_output=True, env=environment, timeout=200, check=False)
    assert done.stderr == b""


LONG = "n" * 300


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["inspect", LONG], 3),
        (["inspect", "80" * 332], 3),
        (["judge", "{code}", "--params", LONG], 6),
        (["judge", LONG, "--params", "{code}"], 3),
        (["conform", LONG], 3),
        (["params", "show", LONG], 6),
        (["params", "lint", LONG], 6),
        (["params", "build", LONG, "-o", "{code}.out"], 6),
        (["params", "diff", LONG, LONG], 6),
        (["params", "new-key", "{code}.key", "--pins", LONG], 6),
        (["bench", f"file:{LONG}"], 4),
        (["bench", f"camera:{LONG}"], 4),
        (["bench", f"camera:/dev/{LONG}"], 4),
        (["bench", f"replay:{LONG}"], 4),
        (["bench", f"serial:{LONG}"], 4),
        (["issue", "--out", LONG], 3),
        (["journal", "show", LONG], 5),
        (["run", "--reader", f"file:{LONG}", "--params", "{params}", "--state", "{code}.state"], 4),
    ],
)
def test_a_name_longer_than_a_system_takes_is_one_line(
    words: list[str], status: int, code_file: Path, params_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main([word.format(code=code_file, params=params_file) for word in words]) == status
    said = capsys.readouterr().err
    assert said.startswith("yima: ")
    assert said.count("\n") == 1
