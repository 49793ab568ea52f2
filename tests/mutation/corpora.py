"""`python -m tests.mutation.corpora SOURCE...`, in a workshop: the fuzz corpora through every target that has one of
these sources in it, which are compiled anew. Ends with status 1 where a target fails. All other objects are compiled
once and kept."""

import sys
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz.__main__ import TargetError, replay
from tests.fuzz.targets import (
    BUILD,
    ROOT,
    TARGETS,
    BuildError,
    Compiler,
    compile_object,
    find_compiler,
    link,
    object_of,
    write_headers,
)


def main(sources: Sequence[str]) -> int:
    """The exit status."""
    changed = {Path(source) for source in sources}
    compiler = find_compiler()
    (ROOT / BUILD).mkdir(parents=True, exist_ok=True)
    if not (ROOT / BUILD / "world.h").exists():
        write_headers()
    made: list[Path] = []
    try:
        for target in TARGETS:
            objects = target.objects(compiler)
            if changed & {source for source, _ in objects}:
                link(target, [_object(*one, compiler, changed, made) for one in objects], compiler)
                replay(target)
    except (TargetError, BuildError) as failed:
        sys.stdout.write(f"{failed}\n")
        return 1
    finally:
        for one in made:
            (ROOT / one).unlink(missing_ok=True)
    return 0


def _object(source: Path, defines: Sequence[str], compiler: Compiler, changed: set[Path], made: list[Path]) -> Path:
    kept = object_of(source, defines)
    if (source in changed and kept not in made) or not (ROOT / kept).exists():
        compile_object(source, defines, compiler)
        if source in changed:
            made.append(kept)
    return kept


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
