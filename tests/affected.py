"""`python -m tests.affected`: the tests that the changed files touch, one path a line, for `make check`.

What counts as changed is what differs from main (or from the commit before, on main itself), committed or not. A
changed test is itself touched. A changed module touches the test that mirrors it and every test that imports it. A
changed C file of the core touches the core's tests, a page those of the pages. What a change reaches through other
modules is left to `make test`: this is a loop of a minute, not a proof.
"""

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("validator", "sdk", "hwsim", "firmware_images")
CORE_TESTS = (
    "tests/validator/core",
    "tests/validator/test_lab_vectors.py",
    "tests/validator/judging",
    "tests/validator/parameters/test_door.py",
    "tests/validator/parameters/test_sections.py",
)
"""What a change of the C core is first seen by."""


def _statements(module: ast.Module) -> Iterator[ast.AST]:
    """Every statement, however deep in others; what is no statement imports nothing."""
    waiting: list[ast.AST] = [module]
    while waiting:
        node = waiting.pop()
        yield node
        for part in ("body", "orelse", "handlers", "finalbody", "cases"):
            waiting += getattr(node, part, ())


@cache
def modules_of(path: Path) -> frozenset[str]:
    """Every module that a file imports, wherever the import stands; of `from a import b` both a and a.b."""
    names: set[str] = set()
    for node in _statements(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(names)


def module_name(path: Path) -> str:
    """What a source file is imported as: validator/uplink/sender.py is yima.validator.uplink.sender."""
    parts = list(path.with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(["yima", *parts] if parts[0] in PACKAGES else parts)


def touched(changed: Iterable[Path], root: Path = ROOT) -> set[Path]:
    """Test files and folders, relative to `root`, that these files (relative as well) touch."""
    tests = [path.relative_to(root) for path in sorted((root / "tests").rglob("test_*.py"))]
    imports = {test: modules_of(root / test) for test in tests}
    found: set[Path] = set()
    for path in changed:
        if path in imports:
            found.add(path)
        elif path.suffix == ".md" or path.parts[0] == "docs":
            found |= {test for test in tests if test.parent == Path("tests/docs")}
        elif path.parts[0] == "tests":
            found |= {test for test in tests if test.parent == path.parent}
        elif path.suffix == ".py":
            name = module_name(path)
            mirrored = Path("tests", *path.parent.parts, f"test_{path.stem}.py")
            found |= {test for test in tests if test == mirrored or name in imports[test]}
        elif path.suffix in {".c", ".h", ".def"} and path.parts[0] == "validator":
            found |= {Path(place) for place in CORE_TESTS if (root / place).exists()}
        elif path.parts[0] in PACKAGES:
            folder = Path("tests", *path.parent.parts)
            found |= {test for test in tests if folder in (test.parent, *test.parents)}
    return found


def changed_files() -> list[Path]:
    """What differs from main, committed or not, and what git does not know yet."""
    base = _git("merge-base", "HEAD", "main")[0]
    if base == _git("rev-parse", "HEAD")[0]:
        base = _git("rev-parse", "HEAD~1")[0]
    names = {*_git("diff", "--name-only", "--diff-filter=d", base), *_git("ls-files", "--others", "--exclude-standard")}
    return sorted(Path(name) for name in names)


def _git(*words: str) -> list[str]:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def main() -> int:
    """Prints the paths; tests/test_structure.py is always among them."""
    sys.stdout.writelines(f"{path}\n" for path in sorted({Path("tests/test_structure.py"), *touched(changed_files())}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
