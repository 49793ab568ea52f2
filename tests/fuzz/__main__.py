"""`python -m tests.fuzz`: every file of the corpora through its target, and a while of libFuzzer on each.

    run [--seconds N] [TARGET...]   replay the corpora, then search for N seconds a target, as many at once as cores
    seeds [TARGET...]               make the seeds anew and minimise them with the corpora and what was found

Without a clang that has libFuzzer (one is asked of apt where root may) the corpora are replayed all the same, and it
says that nothing was searched. What a search finds stays in build/fuzz; an input that fails is named, with the command
that runs it again.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tests.fuzz.seeds import write_seeds
from tests.fuzz.targets import (
    BUILD,
    CORPUS,
    ROOT,
    TARGETS,
    BuildError,
    Compiler,
    Target,
    compile_object,
    find_compiler,
    install_clang,
    link,
    write_headers,
)

Thing = TypeVar("Thing")
Made = TypeVar("Made")

_FOUND = re.compile(r"[0-9a-f]{40}")  # how libFuzzer names an input
_MOST_LINES = 40
_REPLAY_S, _INPUT_S = 300, 20


class TargetError(Exception):
    """A demand that was not met, a sanitizer's finding, or a hang; what was said of it."""


def say(text: str) -> None:
    """A line of progress, at once."""
    sys.stdout.write(f"fuzz: {text}\n")
    sys.stdout.flush()


def _run(target: Target, arguments: Sequence[str], seconds: float) -> None:
    """Runs a built target. Raises TargetError with the end of what it said."""
    log = ROOT / BUILD / f"{target.name}.log"
    with log.open("w") as output:
        try:
            done = subprocess.run(
                [str(BUILD / target.name), *arguments],
                cwd=ROOT,
                stdout=output,
                stderr=output,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as hung:
            raise TargetError(f"{target.name} did not end within {seconds:.0f} s; see {log}") from hung
    if done.returncode:
        lines = log.read_text(errors="replace").splitlines()
        shown = next((n for n, line in enumerate(lines) if "demanded:" in line or "ERROR" in line), len(lines))
        before = [line for line in lines[:shown] if line.startswith("Running:")][-1:]
        raise TargetError(
            "\n".join([f"{target.name} failed", *before, *lines[shown : shown + _MOST_LINES], *lines[-3:]])
        )


def replay(target: Target) -> None:
    """Every file of its corpus, one after the other."""
    _run(target, [str(path.relative_to(ROOT)) for path in target.files], _REPLAY_S)


def search(target: Target, seconds: int) -> None:
    """libFuzzer from the corpus and from what earlier searches found, which grows."""
    found = BUILD / "found" / target.name
    (ROOT / found).mkdir(parents=True, exist_ok=True)
    arguments = [
        f"-max_total_time={seconds}",
        f"-max_len={target.max_len}",
        f"-timeout={_INPUT_S}",
        f"-artifact_prefix={BUILD / target.name}-",
        *(str(found), str(target.corpus)),
    ]
    _run(target, arguments, seconds + _REPLAY_S)


def minimise(target: Target) -> None:
    """Puts into the corpus the smallest set of inputs that covers what seeds, corpus and found ones cover; those
    with a name of their own stay, whatever they cover."""
    kept, seeds = BUILD / "kept" / target.name, BUILD / "seeds" / target.name
    shutil.rmtree(ROOT / kept, ignore_errors=True)
    (ROOT / kept).mkdir(parents=True)
    places = [seeds, target.corpus, BUILD / "found" / target.name]
    present = [str(place) for place in places if (ROOT / place).is_dir()]
    _run(target, ["-merge=1", "-use_counters=0", f"-max_len={target.max_len}", str(kept), *present], 4 * _REPLAY_S)
    for path in [path for path in target.files if _FOUND.fullmatch(path.name)]:
        path.unlink()
    shutil.copytree(ROOT / kept, ROOT / target.corpus, dirs_exist_ok=True)


def _all_at_once(things: Iterable[Thing], work: Callable[[Thing], Made]) -> list[Made]:
    """As many at once as there are cores; the first failure is raised when those that run have ended."""
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        waiting = [pool.submit(work, thing) for thing in things]
        try:
            return [one.result() for one in waiting]
        finally:
            for one in waiting:
                one.cancel()


def build(targets: Sequence[Target], compiler: Compiler) -> None:
    """Every source once, then every target. Raises BuildError."""
    write_headers()
    wanted = {target.name: target.objects(compiler) for target in targets}
    sources = list(dict.fromkeys(one for objects in wanted.values() for one in objects))
    made = dict(zip(sources, _all_at_once(sources, lambda one: compile_object(*one, compiler)), strict=True))
    _all_at_once(targets, lambda target: link(target, [made[one] for one in wanted[target.name]], compiler))


def _step(what: str, targets: Sequence[Target], work: Callable[[Target], object]) -> None:
    begun = time.monotonic()
    _all_at_once(targets, work)
    say(f"{what} ({time.monotonic() - begun:.0f} s)")


def _compiler() -> Compiler:
    found = find_compiler()
    if not found.fuzzes:
        say("no clang with libFuzzer here; asking apt for it")
        install_clang()
        found = find_compiler()
    return found


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("verb", choices=["run", "seeds"])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(target.name for target in TARGETS))
    parser.add_argument("--seconds", type=int, default=60, help="of searching, a target; 0: replay only")
    arguments = parser.parse_intermixed_args()
    if unknown := set(arguments.targets) - {target.name for target in TARGETS}:
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    return arguments


def main() -> int:
    """The exit status: 0, or 1 if something was found or cannot be built."""
    arguments = _arguments()
    targets = [target for target in TARGETS if not arguments.targets or target.name in arguments.targets]
    compiler = _compiler()
    try:
        begun = time.monotonic()
        build(targets, compiler)
        say(f"{len(targets)} targets built by {' '.join(compiler.command)} ({time.monotonic() - begun:.0f} s)")
        if arguments.verb == "seeds":
            if not compiler.fuzzes:
                say("minimising needs clang with libFuzzer")
                return 1
            _step("seeds made", targets, lambda t: write_seeds(t.name, ROOT / BUILD / "seeds" / t.name))
            _step("corpora minimised", targets, minimise)
            return 0
        _step(f"{sum(len(target.files) for target in targets)} inputs of the corpora hold", targets, replay)
        if not compiler.fuzzes:
            say("nothing was searched: that needs clang with libFuzzer (apt-get install clang libclang-rt-14-dev)")
        elif arguments.seconds:
            _step(f"nothing found in {arguments.seconds} s a target", targets, lambda t: search(t, arguments.seconds))
    except (TargetError, BuildError) as failed:
        say(f"{failed}\nRun it again: {BUILD}/TARGET FILE. Keep the file in {CORPUS}/TARGET.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
