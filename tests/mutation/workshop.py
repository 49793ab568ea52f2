"""A copy of the repository in which a mutant is put in place, built and run against tests.

The rules: the working tree itself is never touched. A mutant stands where the original stood, so every path and every
import means the mutant, whoever asks, other processes too. A C mutant is one compilation and one link; if it comes to
the same object code as the original it is no change. Warnings do not count: the tests must notice, not the compiler."""

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from tests.mutation.mutant import Mutant
from tests.mutation.python_operators import same_code
from tests.mutation.targets import ROOT

EXTENSION = "validator/_core.abi3.so"
_COLLECTED_NOTHING = 5
START_PATIENCE_S, TEST_PATIENCE_S = 60.0, 5.0
_WAITING = 20


class Build(Enum):
    """How the extension is compiled: the flags beside its own."""

    PLAIN = ()
    SANITIZED = (
        *("-O1", "-g", "-fno-omit-frame-pointer"),
        *("-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"),
    )
    COUNTING = ("-O1", "-fno-ipa-sra", "-finstrument-functions")  # with reach.c; each function keeps its name


class Outcome(Enum):
    """What became of a mutant."""

    NOTICED = "noticed"
    HUNG = "hung"  # noticed as well
    SURVIVED = "survived"
    SAME = "same code"
    INVALID = "does not compile"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of pytest: whether all was well, and the test that was not or never came to its end."""

    outcome: Outcome
    by: str = ""


class Workshop:
    """One copy, at `folder`; nobody else may work in it."""

    def __init__(self, folder: Path) -> None:
        self.root = folder.resolve()
        self._objects: dict[Build, dict[str, bytes]] = {}
        self._needs: dict[str, set[str]] = {}
        self._corpora_hold = False
        self._copy_tree()
        self._extension = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["ext-modules"][0]

    def _copy_tree(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        )
        for name in filter(None, listed.stdout.decode().split("\0")):
            target = self.root / name
            if (ROOT / name).exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, target, follow_symlinks=False)
        compiler = self.root / "build" / "bin" / "cc"
        compiler.parent.mkdir(parents=True)
        compiler.write_text(
            f'#!/bin/sh\necho "$*" >>"$YIMA_MUTATION_COMPILED"\nexec {shutil.which("cc") or "cc"} "$@" -w\n'
        )
        compiler.chmod(0o755)

    def build(self, build: Build = Build.PLAIN) -> None:
        """The extension as it is without any mutant."""
        if build not in self._objects:
            sources = sorted({*self._extension["sources"], *self._of_the_core()})
            self._objects[build] = {source: self._compiled(source, build) for source in sources}
        self._link(self._objects[build], build)

    def needed_by(self, path: str) -> list[str]:
        """The C sources that a source or a header goes into, itself among them. Known once something is built."""
        return sorted(source for source, needs in self._needs.items() if path in needs)

    def _of_the_core(self) -> list[str]:
        return [str(path.relative_to(self.root)) for path in (self.root / "validator" / "core").glob("*.c")]

    def _compiled(self, source: str, build: Build) -> bytes:
        """The object code. Raises CalledProcessError if the compiler refuses."""
        target, needs = self.root / "build" / "one.o", self.root / "build" / "one.d"
        folders = [*self._extension["include-dirs"], sysconfig.get_path("include")]
        flags = [flag for flag in self._extension["extra-compile-args"] if not flag.startswith("-W")]
        macros = [f"-D{name}={value}" for name, value in self._extension["define-macros"]]
        command = ["cc", *flags, *build.value, "-w", "-fPIC", "-MMD", *macros]
        command += [*(f"-I{folder}" for folder in folders), "-c", source, "-o", str(target)]
        subprocess.run(command, cwd=self.root, capture_output=True, check=True, timeout=60)
        self._needs[source] = set(needs.read_text().replace("\\\n", " ").split()[1:])
        return target.read_bytes()

    def _link(self, objects: Mapping[str, bytes], build: Build) -> None:
        folder = self.root / "build" / "objects"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for source in self._extension["sources"]:
            (folder / f"{Path(source).parent.name}-{Path(source).stem}.o").write_bytes(objects[source])
        shared = [flag for flag in build.value if flag.startswith("-fsanitize")]
        if build is Build.COUNTING:
            shared.append(str(self.root / "tests" / "mutation" / "reach.c"))
        made = self.root / "build" / "core.so"
        subprocess.run(
            ["cc", "-shared", "-fPIC", *shared, *map(str, sorted(folder.iterdir())), "-o", str(made)],
            capture_output=True,
            check=True,
            timeout=60,
        )
        made.replace(self.root / EXTENSION)

    @contextmanager
    def holding(self, mutant: Mutant, build: Build = Build.PLAIN) -> Iterator[Outcome | None]:
        """Puts the mutant in place and takes it out again. Gives SAME or INVALID where there is nothing to run."""
        path = self.root / mutant.path
        original = path.read_text()
        try:
            path.write_text(mutant.applied(original))
            self._forget_compiled(path)
            yield self._built(mutant, original, build)
        finally:
            path.write_text(original)
            self._forget_compiled(path)

    @staticmethod
    def _forget_compiled(path: Path) -> None:
        """A mutant may be as long as the original and be written within the same second: Python would not see it."""
        for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*"):
            compiled.unlink()

    def _built(self, mutant: Mutant, original: str, build: Build) -> Outcome | None:
        if mutant.path.endswith(".py"):
            return Outcome.SAME if same_code(original, mutant.applied(original)) else None
        changed = dict(self._objects[build])
        try:
            for source in self.needed_by(mutant.path):
                changed[source] = self._compiled(source, build)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return Outcome.INVALID
        if changed == self._objects[build]:
            return Outcome.SAME
        try:
            self._link(changed, build)
        except subprocess.CalledProcessError:
            return Outcome.INVALID
        return None

    def run_tests(
        self,
        arguments: Sequence[str],
        *,
        sanitized: bool = False,
        variables: Mapping[str, str] | None = None,
        patience_s: Callable[[str], float] = lambda test: TEST_PATIENCE_S,
        may_be_empty: bool = False,
    ) -> Run:
        """Runs pytest here until the first failure. One that computes for longer than `patience_s` of its name hangs.
        Raises RuntimeError where no test ran at all, unless it `may_be_empty`."""
        log = self.root / "build" / "tests.log"
        log.unlink(missing_ok=True)
        command = [sys.executable, "-m", "pytest", "-x", "-p", "tests.mutation.plugin", "--hypothesis-profile=mutation"]
        command += [
            "-p",
            "no:cacheprovider",
            "--timeout=0",
            f"--basetemp={self.root / 'build' / 'tmp'}",
            "--tb=line",
            *arguments,
        ]
        with (self.root / "build" / "output.txt").open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=self.root,
                env=self._environment(log, sanitized) | dict(variables or {}),
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
            hung = _watch(process, log, patience_s)
        lines = log.read_text().splitlines() if log.exists() else []
        if hung:
            return Run(outcome=Outcome.HUNG, by=lines[-1].partition(" ")[2] if lines else "")
        if process.returncode == 0 or (may_be_empty and process.returncode == _COLLECTED_NOTHING):
            return Run(outcome=Outcome.SURVIVED)
        if process.returncode == _COLLECTED_NOTHING:
            raise RuntimeError(f"no test ran: {' '.join(arguments)}\n{self.output()}")
        last = lines[-1] if lines else ""
        return Run(outcome=Outcome.NOTICED, by=last.partition(" ")[2])

    def check_corpora(self) -> None:
        """Raises RuntimeError if a corpus fails without any mutant. Done once, which also compiles every target."""
        if not self._corpora_hold:
            if self.run_corpora("validator/core/sm3.c").outcome is not Outcome.SURVIVED:
                raise RuntimeError(f"without any mutant a fuzz corpus fails\n{self.output()}")
            self._corpora_hold = True

    def run_corpora(self, path: str) -> Run:
        """Runs the fuzz corpora through the targets that this source of the core goes into."""
        command = [sys.executable, "-m", "tests.mutation.corpora", *self.needed_by(path)]
        with (self.root / "build" / "output.txt").open("wb") as output:
            done = subprocess.run(
                command,
                cwd=self.root,
                env=self._environment(Path(os.devnull), False),
                stdout=output,
                stderr=output,
                check=False,
            )
        return Run(outcome=Outcome.NOTICED, by="a fuzz corpus") if done.returncode else Run(outcome=Outcome.SURVIVED)

    def output(self) -> str:
        """What pytest wrote last."""
        return (self.root / "build" / "output.txt").read_text(errors="replace")

    def write_json(self, name: str, value: object) -> Path:
        """For the plugin."""
        path = self.root / "build" / name
        path.write_text(json.dumps(value))
        return path

    def _environment(self, log: Path, sanitized: bool) -> dict[str, str]:
        environment = os.environ | {
            "PATH": f"{self.root / 'build' / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(self.root / ".links"),
            "PYTHONDONTWRITEBYTECODE": "1",  # a change of the same size within a second would be taken for the original
            "YIMA_CORE_IN": str(self.root),
            "YIMA_MUTATION_LOG": str(log),
            "YIMA_MUTATION_COMPILED": str(self.root / "build" / "compiled.log"),
        }
        if sanitized:
            libraries = [_library_of_the_compiler(name) for name in ("libasan.so", "libubsan.so")]
            environment["LD_PRELOAD"] = " ".join(libraries)
            environment["ASAN_OPTIONS"] = "detect_leaks=0"
            environment["UBSAN_OPTIONS"] = "halt_on_error=1"
        return environment


def _library_of_the_compiler(name: str) -> str:
    done = subprocess.run(["cc", f"-print-file-name={name}"], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _watch(process: subprocess.Popen[bytes], log: Path, patience_s: Callable[[str], float]) -> bool:
    """Waits for the end; if a test does not come to its own, ends the process and what it started. Patience is spent by
    what the process computes, so that a busy machine spends none; one that only waits has `_WAITING` times as long."""
    test, since, since_cpu = "", time.monotonic(), 0.0
    while True:
        try:
            process.wait(timeout=0.05)
        except subprocess.TimeoutExpired:
            pass
        else:
            return False
        now_at = log.read_text().rpartition("begun ")[2].strip() if log.exists() else ""
        if now_at != test:
            test, since, since_cpu = now_at, time.monotonic(), _computed_s(process.pid)
        patience = patience_s(test) if test else START_PATIENCE_S
        if _computed_s(process.pid) - since_cpu > patience or time.monotonic() - since > _WAITING * patience:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return True


def _computed_s(pid: int) -> float:
    """Seconds of a processor that a process has used by itself: what it has compiled is left out."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")
