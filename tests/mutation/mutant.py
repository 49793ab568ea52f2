"""One small change to a source, and the name it goes by.

A mutant is named by its file, the function it lies in, the text of the line and what becomes of it: never by a line's
number. So a reason given for a mutant in the ledger holds for as long as the line stands, wherever it moves to, and
asks for a new look as soon as somebody rewrites it."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """Text offsets count characters of the source that it was made from."""

    path: str  # from the root of the repository
    function: str  # empty outside of every function
    line: str  # the line where the change begins, stripped
    change: str  # "old → new"
    start: int
    end: int
    text: str  # stands in place of [start, end)
    occurrence: int = 1  # among those that are alike in all of the above

    @property
    def name(self) -> str:
        """What a person reads and the ledger compares."""
        again = f" (no. {self.occurrence})" if self.occurrence > 1 else ""
        return f"{self.path} | {self.function} | {self.line} | {self.change}{again}"

    def applied(self, source: str) -> str:
        """The source with this change in it."""
        return source[: self.start] + self.text + source[self.end :]

    def rank(self, seed: int) -> bytes:
        """Where the mutant stands in the draw. It depends on nothing but seed and name, so that an edit elsewhere
        leaves the draw as it was."""
        return hashlib.sha256(f"{seed}|{self.name}".encode()).digest()


def made(path: str, source: str, function: str, change: tuple[int, int, str]) -> Mutant:
    """The mutant of `source` for a change (start, end, text): `text` in place of [start, end)."""
    start, end, text = change
    begins = source.rfind("\n", 0, start) + 1
    ends = source.find("\n", start)
    line = source[begins : ends if ends >= 0 else len(source)].strip()
    becomes = f"{_on_one_line(source[start:end])} → {_on_one_line(text) or 'nothing'}"
    return Mutant(path=path, function=function, line=line, change=becomes, start=start, end=end, text=text)


def numbered(mutants: Iterable[Mutant]) -> list[Mutant]:
    """The mutants in the order of the source, each once, those of one name told apart by their number."""
    seen: Counter[str] = Counter()
    told_apart = []
    for mutant in sorted(set(mutants), key=lambda one: (one.start, one.end, one.text)):
        seen[mutant.name] += 1
        told_apart.append(replace(mutant, occurrence=seen[mutant.name]))
    return told_apart


def _on_one_line(text: str) -> str:
    return " ".join(text.split())
