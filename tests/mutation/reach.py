"""Which functions a test runs through, of Python and of the core: what pytest's plugin notes when tests are measured.

Python's are seen by a profiler; those of the core by an extension that was built with reach.c in it; and a test that
compiles sources of the core by itself is taken to reach all that stands in them."""

import ctypes
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

ROOT = Path.cwd()
COMPILED_LOG = "YIMA_MUTATION_COMPILED"
_PLACES = 1 << 14


class Reach:
    """Collects from the moment it is made."""

    def __init__(self, extension: Path | None) -> None:
        """extension: one that was built with reach.c; None if nobody asks for the core's functions."""
        self._core = _Core(extension) if extension else None
        self._codes: set[CodeType] = set()
        self._lines = len(_commands())
        self.watch()

    def watch(self) -> None:
        """Once more, should somebody have set a profiler of his own."""
        threading.setprofile(self._note)
        sys.setprofile(self._note)

    def _note(self, frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            self._codes.add(frame.f_code)

    def take(self) -> dict[str, set[str]]:
        """`functions`, and `compiled` (names of C files), since the last call."""
        codes, self._codes = self._codes, set()
        commands = _commands()
        words = " ".join(commands[self._lines :]).split()
        self._lines = len(commands)
        names = {name for code in codes if (name := function_name(code))}
        return {
            "functions": names | (self._core.reached() if self._core else set()),
            "compiled": {Path(word).name for word in words if word.endswith(".c")},
        }


def function_name(code: CodeType) -> str | None:
    """`path | qualified name` as a mutant has them, None for what is not ours."""
    path = Path(code.co_filename)
    if not path.is_absolute():
        return None
    path = path.resolve()  # imports go through links
    if not path.is_relative_to(ROOT) or "site-packages" in path.parts:
        return None
    return f"{path.relative_to(ROOT)} | {code.co_qualname.replace('<locals>.', '')}"


class _Core:
    """The extension that counts."""

    def __init__(self, extension: Path) -> None:
        self._library = ctypes.CDLL(str(extension))
        self._library.yima_reached.restype = ctypes.c_size_t
        self._out = (ctypes.c_void_p * _PLACES)()
        listed = subprocess.run(["nm", str(extension)], capture_output=True, text=True, check=True).stdout
        rows = [line.split() for line in listed.splitlines()]
        names = {int(row[0], 16): row[2] for row in rows if len(row) == 3 and row[1] in "tT"}
        here = ctypes.cast(self._library.yima_reached, ctypes.c_void_p).value or 0
        (there,) = (place for place, name in names.items() if name == "yima_reached")
        self._names = {here - there + place: name for place, name in names.items()}

    def reached(self) -> set[str]:
        """` | name` of each function since the last call: two of one name in two files are one here."""
        count = self._library.yima_reached(self._out)
        return {f" | {self._names[place]}" for place in self._out[:count] if place is not None}


def _commands() -> list[str]:
    log = Path(os.environ[COMPILED_LOG])  # every workshop's cc notes its command lines
    return log.read_text().splitlines() if log.exists() else []


def computed_s() -> float:
    """Of processors, by this process and the children that have ended: what others do on the machine is left out."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system
