"""What a scanner or camera reads, presentation by presentation: when it came, what it is, what happened to it, what its
signatures and a gate's parameters say. No terminal here: the verb shows it, a capture keeps it.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from yima.sdk.bench.card import diagnose_card
from yima.sdk.bench.causes import Cause
from yima.sdk.bench.diagnosis import Diagnosis, diagnose
from yima.sdk.dissection.code import dissect
from yima.sdk.dissection.families import family_of
from yima.sdk.dissection.shape import Dissection
from yima.sdk.roots import RootKeys
from yima.validator.judging import Moment, Validator, Verdict
from yima.validator.ports import Reader, Reading

_STEP_S = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """One thing that was shown. at_ms, last_ms: when its first and last byte came, since the bench began. dissection:
    of the bytes as they were, where what happened to them can be undone. verdict: a gate's, None without parameters."""

    number: int
    reading: Reading
    at_ms: float
    last_ms: float
    family: str
    diagnosis: Diagnosis
    dissection: Dissection
    verdict: Verdict | None = None
    again: bool = False

    def document(self) -> dict[str, object]:
        """As one JSON object; accounts masked unless the dissection reveals them."""
        shown: dict[str, object] = {
            "event": "presentation", "number": self.number, "at_ms": round(self.at_ms, 3),
            "took_ms": round(self.last_ms - self.at_ms, 3), "size": len(self.reading.payload), "family": self.family,
            "again": self.again, "faults": list(self.reading.faults), "diagnosis": self.diagnosis.document(),
            "code": self.dissection.document,
        }  # fmt: skip
        if self.verdict is not None:
            shown["verdict"] = {"accepted": self.verdict.accepted, "reason": self.verdict.reason.name}
        return shown


@dataclass(slots=True, kw_only=True)
class Tally:
    """What a bench has seen so far. took_ms: of each presentation, first to last byte."""

    presentations: int = 0
    whole: int = 0
    causes: dict[str, int] = field(default_factory=dict)
    took_ms: list[float] = field(default_factory=list)

    def add(self, shown: Presentation) -> None:
        """Counts one."""
        self.presentations += 1
        self.whole += shown.diagnosis.harmless and shown.dissection.sound
        cause = str(shown.diagnosis.cause)
        self.causes[cause] = self.causes.get(cause, 0) + 1
        self.took_ms.append(shown.last_ms - shown.at_ms)

    def histogram(self, bars: int = 24) -> Iterator[tuple[str, int, str]]:
        """(how long, how many, a bar) by powers of two of a millisecond; nothing where nothing was read."""
        edges = [0.0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, float("inf")]
        counts = [sum(low <= took < high for took in self.took_ms) for low, high in pairwise(edges)]
        for (low, high), count in zip(pairwise(edges), counts, strict=True):
            if count:
                upper = f"< {high:g} ms" if high < float("inf") else f">= {low:g} ms"
                yield upper, count, "█" * max(1, round(bars * count / max(counts)))


def watch(
    reader: Reader,
    *,
    roots: RootKeys,
    validator: Validator | None = None,
    baud: int = 0,
    reveal: bool = False,
    quiet_s: float = 20.0,
    quiet: Callable[[], None] = lambda: None,
) -> Iterator[Presentation]:
    """Presentations until the reader is exhausted. quiet: called whenever nothing came for quiet_s. Raises ReaderError
    when the reader is gone."""
    began_ns = heard_ns = time.monotonic_ns()
    number, last = 0, b""
    while not reader.exhausted:
        reading = reader.read(_STEP_S)
        now_ns = time.monotonic_ns()
        if reading is None:
            if now_ns - heard_ns >= quiet_s * 1e9:
                heard_ns = now_ns
                quiet()
            continue
        heard_ns = now_ns
        number += 1
        found = diagnose_card(reading.payload) or diagnose(reading.payload, read_baud=baud)
        code = found.payload if found.proved or found.harmless else reading.payload
        verdict = validator.judge(code, Moment.at(int(time.time()))) if validator else None
        yield Presentation(
            number=number,
            reading=reading,
            at_ms=max(0, reading.first_ns - began_ns) / 1e6,
            last_ms=max(0, reading.last_ns - began_ns) / 1e6,
            family=family_of(code),
            diagnosis=found,
            dissection=dissect(code, roots=roots, reveal=reveal),
            verdict=verdict,
            again=reading.payload == last,
        )
        last = reading.payload


def is_worth_telling(found: Diagnosis) -> bool:
    """Whether a diagnosis says more than that all is well."""
    return found.cause is not Cause.WHOLE
