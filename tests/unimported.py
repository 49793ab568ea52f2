"""Modules as if they had never been imported, for a while: what they say when something that they need is missing."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import ModuleType


@contextmanager
def unimported(*heads: str) -> Iterator[None]:
    """Within it modules of these names, and those below them, are imported anew; afterwards those from before are there
    again, in sys.modules and in the packages that they belong to. One without the other, later tests would find a
    package that lacks its modules."""
    before = _taken_out(heads)
    try:
        yield
    finally:
        _taken_out(heads)
        sys.modules.update(before)
        for name, module in before.items():
            parent, _, child = name.rpartition(".")
            if parent in sys.modules:
                setattr(sys.modules[parent], child, module)


def _taken_out(heads: tuple[str, ...]) -> dict[str, ModuleType]:
    names = [name for name in sys.modules if any(f"{name}.".startswith(f"{head}.") for head in heads)]
    taken = {name: sys.modules.pop(name) for name in names}
    for name in names:
        parent, _, child = name.rpartition(".")
        if parent in sys.modules:
            with suppress(AttributeError):
                delattr(sys.modules[parent], child)
    return taken
