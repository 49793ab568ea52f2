"""yima.validator.remedies: the command that is told fits the module, the way we were installed, and the shell."""

import json
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.metadata import Distribution, distribution, packages_distributions
from pathlib import Path
from typing import Any

import pytest

from tests.affected import modules_of
from tests.install_commands import EXTRAS, ROOT, commands_in, faults_of
from tests.test_structure import SOURCES
from yima.firmware_images.build import COMPILER
from yima.validator import remedies
from yima.validator.errors import YimaError
from yima.validator.remedies import Advice, install_extras, install_requirement, missing_module
from yima.validator.texts import Text

Install = Callable[[dict[str, Any] | None], Path]


@cache
def foreign() -> list[str]:
    """What is imported anywhere and is not ours."""
    named = {name.partition(".")[0] for path in SOURCES for name in modules_of(path)}
    return sorted(named - {"yima", "benchmarks", *sys.stdlib_module_names})


@cache
def brought() -> Mapping[str, Sequence[str]]:
    """The distributions that bring each module, as the installed ones have it; looked up before any test adds one."""
    return packages_distributions()


def our_metadata() -> Distribution:
    return next(one for one in Distribution.discover(name="yima-transit") if one.read_text("RECORD") is not None)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts our metadata first on the path, as an installer would have written it; direct_url as in PEP 610."""

    def put(direct_url: dict[str, Any] | None) -> Path:
        folder = tmp_path / "site" / "yima_transit-0.1.0.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(our_metadata().read_text("METADATA") or "")
        (folder / "RECORD").write_text("")
        if direct_url is not None:
            (folder / "direct_url.json").write_text(json.dumps(direct_url))
        monkeypatch.syspath_prepend(str(folder.parent))
        return folder

    return put


@pytest.fixture
def on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shell finds the pip of the Python that runs."""
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))


def about(module: str, **more: Any) -> Advice:
    return missing_module(ModuleNotFoundError(f"No module named {module!r}", name=module), **more)


# What is imported, and what brings it


def test_every_import_of_ours_is_brought_by_a_requirement_of_ours(install: Install) -> None:
    """Held against what the installed distributions say of themselves."""
    here = brought()  # before a test adds one
    install(None)
    for module in foreign():
        if module == "pyspark" and module not in here:
            continue  # make test-long installs it
        assert {found.name for found in remedies.Installation().requirements_for(module)} == set(here[module]), module
        commands = commands_in(about(module).remedy.en)
        assert [faults_of(command) for command in commands] == [[]], module


def test_names_that_differ_are_listed_only_where_they_must_be() -> None:
    assert set(remedies.BROUGHT_BY) <= set(foreign())
    for module, name in remedies.BROUGHT_BY.items():
        assert name in brought()[module]
        assert module not in {name, name.replace("-", "_")}


@pytest.mark.usefixtures("on_path")
def test_a_missing_extra_of_the_wheel_is_told_by_its_name(install: Install) -> None:
    install(None)
    for module, extra in (
        ("cv2", "camera"),
        ("zxingcpp", "camera"),
        ("matplotlib.figure", "report"),
        ("unicorn", "board"),
    ):
        problem, remedy = about(module)
        package = module.partition(".")[0]
        assert problem == Text(
            f"needs the Python package {package}, which is not installed", f"需要 Python 包 {package}，尚未安装"
        )
        assert remedy == Text(
            f"Install it: pip install 'yima-transit[{extra}]'", f"请安装：pip install 'yima-transit[{extra}]'"
        )


@pytest.mark.usefixtures("on_path")
def test_collect_without_its_extra_says_uplink_and_not_anyio(install: Install) -> None:
    """It said `pip install anyio`: that came with the extra, and was not named in it."""
    install(None)
    for module in ("anyio", "anyio.to_thread", "starlette.applications", "uvicorn", "httpx"):
        assert about(module).remedy.en == "Install it: pip install 'yima-transit[uplink]'"


@pytest.mark.usefixtures("on_path")
def test_of_several_extras_the_one_that_is_wanted_is_told(install: Install) -> None:
    install(None)
    assert about("smp").remedy.en.endswith("'yima-transit[firmware]'")
    assert about("smp", wanted=["board"]).remedy.en.endswith("'yima-transit[board]'")
    assert about("elftools", wanted=["board", "firmware"]).remedy.en.endswith("'yima-transit[board,firmware]'")
    assert about("cv2", wanted=["board"]).remedy.en.endswith("'yima-transit[camera]'")


@pytest.mark.usefixtures("on_path")
def test_what_is_always_needed_comes_without_an_extra(install: Install) -> None:
    install(None)
    for module in ("serial", "cryptography.hazmat", "construct"):
        assert about(module).remedy.en == "Install it: pip install yima-transit"


# What no extra brings


@pytest.mark.parametrize(("platform", "place"), [("win32", "in WSL"), ("darwin", "on Linux"), ("linux", "built whole")])
def test_a_module_of_python_itself_is_not_looked_for_on_the_index(
    platform: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It said `pip install fcntl` on Windows."""
    monkeypatch.setattr(sys, "platform", platform)
    for module in ("fcntl", "termios", "_sqlite3"):
        problem, remedy = about(module)
        assert module in problem.en
        assert module in problem.zh
        assert platform in problem.en
        assert place in remedy.en
        assert "install" not in remedy.en
        assert "pip" not in remedy.zh


def test_a_module_that_is_nobodys_is_not_guessed_at(install: Install) -> None:
    install(None)
    problem, remedy = about("gate_of_a_vendor.driver", asked_by="vendor-gate")
    assert "gate_of_a_vendor" in problem.en
    assert "vendor-gate" in remedy.en
    assert "vendor-gate" in remedy.zh
    for advice in (remedy, about("gate_of_a_vendor").remedy, about("gate_of_a_vendor", asked_by="yima-transit").remedy):
        assert "pip" not in advice.en + advice.zh
        assert "yima-transit" not in advice.en


@pytest.mark.usefixtures("on_path")
def test_a_missing_part_of_ours_is_installed_again_by_force(install: Install) -> None:
    """Without force pip calls it satisfied."""
    install(None)
    problem, remedy = about("yima.hwsim.board")
    assert "yima.hwsim.board is missing" in problem.en
    assert remedy.en == "Install it: pip install --force-reinstall --no-deps yima-transit"


@pytest.mark.usefixtures("on_path")
def test_it_is_installed_again_from_the_file_it_came_from_while_that_is_there(install: Install, tmp_path: Path) -> None:
    wheel = tmp_path / "dist of ours" / "yima_transit-0.1.0-cp311-abi3-linux_x86_64.whl"
    wheel.parent.mkdir()
    wheel.touch()
    install({"url": wheel.as_uri(), "archive_info": {}})
    assert about("yima.sdk").remedy.en.endswith(f"--no-deps '{wheel}'")
    assert about("cv2").remedy.en.endswith("pip install 'yima-transit[camera]'")
    wheel.unlink()
    assert about("yima.sdk").remedy.en.endswith("--no-deps yima-transit")


# How we were installed


@pytest.mark.usefixtures("on_path")
def test_in_a_checkout_the_remedy_is_the_checkouts(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = tmp_path / "yima"
    install({"url": checkout.as_uri(), "dir_info": {"editable": True}})
    assert about("cv2").remedy == Text(
        f"Type pip install -e '.[camera]' in {checkout}", f"请执行 pip install -e '.[camera]'（目录：{checkout}）"
    )
    assert about("yima.sdk").remedy.en == f"Type pip install -e . in {checkout}"
    monkeypatch.setattr(sys, "prefix", str(checkout / ".venv"))
    monkeypatch.setattr(sys, "executable", str(checkout / ".venv" / "bin" / "python"))
    python = ".venv/bin/python -m pip"
    assert about("cv2").remedy.en == f"Type make setup, or {python} install -e '.[camera]', in {checkout}"
    assert about("cv2").remedy.zh == f"请执行 make setup 或 {python} install -e '.[camera]'（目录：{checkout}）"


def test_these_tests_run_in_a_checkout() -> None:
    checkout = remedies.Installation().checkout
    assert checkout is not None
    assert checkout.samefile(ROOT)


@pytest.mark.parametrize(
    "direct_url",
    [
        {"url": "file:///home/someone/yima", "dir_info": {}},
        {"url": "file:///home/someone/yima", "dir_info": {"editable": False}},
        {"url": "https://example.org/yima.git", "vcs_info": {"vcs": "git", "commit_id": "0" * 40}},
        {"url": "https://example.org/yima", "dir_info": {"editable": True}},
        {},
    ],
)
def test_what_was_copied_from_a_folder_is_no_checkout(install: Install, direct_url: dict[str, Any]) -> None:
    install(direct_url)
    assert remedies.Installation().checkout is None


def test_metadata_that_a_build_left_beside_the_sources_is_no_installation(install: Install) -> None:
    folder = install({"url": "file:///elsewhere", "dir_info": {"editable": True}})
    (folder / "RECORD").unlink()
    checkout = remedies.Installation().checkout
    assert checkout is not None
    assert checkout.samefile(ROOT)


# What the shell makes of it


@pytest.mark.usefixtures("on_path")
def test_words_are_quoted_as_the_shell_wants_it(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    install(None)
    assert install_extras("camera", "uplink").en == "Install it: pip install 'yima-transit[camera,uplink]'"
    monkeypatch.setattr(sys, "platform", "win32")
    assert install_extras("camera").en.endswith('install "yima-transit[camera]"')


def test_another_pythons_pip_is_never_told(install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The `pip` first on the path may install where nobody looks."""
    install(None)
    other = tmp_path / "bin" / "pip"
    other.parent.mkdir()
    other.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(other.parent))
    command = install_extras("camera").en.partition(": ")[2]
    assert shlex.split(command) == [sys.executable, "-m", "pip", "install", "yima-transit[camera]"]


@pytest.mark.usefixtures("on_path")
def test_one_requirement_is_told_in_the_version_that_is_pinned() -> None:
    assert install_requirement("ziglang").en == f"Install it: pip install ziglang=={COMPILER}"
    assert install_requirement("zxing_cpp").zh.startswith("请安装：pip install zxing-cpp==")


def test_every_extra_that_the_code_asks_for_is_there() -> None:
    assert set(EXTRAS) == set(our_metadata().metadata.get_all("Provides-Extra") or [])
    assert distribution("yima-transit").name == "yima-transit"


# Where it is asked


def test_a_reader_says_what_it_lacks_and_not_the_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a reader lacked, the camera's extra was told."""
    for module, absent in (("serial", "camera"), ("fcntl", "install")):
        program = (
            f"import sys; sys.modules[{module!r}] = None\n"
            "from importlib.metadata import EntryPoint\n"
            "from yima.validator import ports\n"
            f"ports.entry_points = lambda group: [EntryPoint('thing', {module!r}, group)]\n"
            "try: ports.open_reader('thing:')\n"
            "except ports.ReaderError as error: print(error.problem.en, '|', error.remedy.en)"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=200)
        problem, _, remedy = done.stdout.partition("|")
        assert module in problem
        assert absent not in remedy


def test_it_reads_as_a_line_of_an_error() -> None:
    error = YimaError("camera:0", *about("cv2"))
    assert "camera:0: needs the Python package cv2, which is not installed. Type " in str(error)
