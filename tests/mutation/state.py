"""What an outcome was found with: a digest of all that every test rests on, and one of each file of tests, so that a
test that is added asks for nothing anew but what it may notice."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from tests.affected import modules_of
from tests.mutation.targets import Language

_FOLDERS = ("validator", "sdk", "hwsim", "firmware_images", "tests")
_SUFFIXES = (".py", ".c", ".h", ".def", ".json", ".csv")


@dataclass(frozen=True)
class State:
    """`base`: of sources, fixtures, helpers and vectors. `tests`: of each file of tests, with those it imports."""

    base: str
    tests: dict[str, str]

    @cached_property
    def whole(self) -> str:
        """Of everything."""
        return _digest([self.base, *(f"{file} {stamp}" for file, stamp in sorted(self.tests.items()))])

    def of_test(self, name: str) -> str:
        """Changes with whatever the outcome of this test rests on; with everything, if the file is none of tests."""
        stamp = self.tests.get(name.partition("::")[0])
        return _digest([self.base, stamp]) if stamp else self.whole


def state_of(root: Path, language: Language) -> State:
    """The state of a tree. Raises SyntaxError for a file of tests that is no Python."""
    base, texts, imports = [repr(replace(language, draw=0))], {}, {}
    for folder in _FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            name = path.relative_to(root)
            if path.suffix not in _SUFFIXES or "mutation" in name.parts:
                continue
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            if folder == "tests" and path.name.startswith("test_") and path.suffix == ".py":
                texts[str(name)] = digest
                imports[str(name)] = {f"{module.replace('.', '/')}.py" for module in modules_of(path)}
            else:
                base.append(f"{name} {digest}")
    return State(_digest(base), {name: _digest(texts[one] for one in _closure(name, imports)) for name in texts})


def _closure(name: str, imports: dict[str, set[str]]) -> list[str]:
    found, waiting = {name}, [name]
    while waiting:
        more = (imports[waiting.pop()] & imports.keys()) - found
        found |= more
        waiting += more
    return sorted(found)


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
