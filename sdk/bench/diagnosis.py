"""What some bytes are, what happened to them on the way, and what cures it: one answer for every surface.

How an answer is found:
- Everything that can be undone without loss is undone, up to three things one over the other, until a code comes out
  whose signatures hold: that is proved.
- Else, of what is left when the wrapping is off, it is asked what was lost, by shape and by likelihood.
- The cause is the first harmful thing that happened, seen from the outside; harmless wrapping is named where there is
  nothing else. `steps` has all of them.

Any bytes of any length give a Diagnosis, never an exception; nothing in it quotes the input.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from yima.sdk.bench.causes import CAUSES, Cause, Explained
from yima.sdk.bench.charsets import MANY, undone, utf8_layers
from yima.sdk.bench.lines import mismatch
from yima.sdk.bench.losses import changed_in_place, loss_of
from yima.sdk.bench.packets import MARK, framed, unpacked
from yima.sdk.bench.pasted import Pasted, SlipError, text_of, unpaste
from yima.sdk.bench.rewritten import inside, rewritten
from yima.sdk.bench.wholeness import is_proved
from yima.sdk.dissection.families import family_of

_DEPTH: Final = 3
_STATES: Final = 600
_SIZE_MOST: Final = 1 << 14
_PACKED: Final = (
    (b"\x1f\x8b\x08", "gzip"), (b"PK\x03\x04", "zip"), (b"\x78\x01", "zlib"), (b"\x78\x9c", "zlib"),
    (b"\x78\xda", "zlib"), (b"\xfd7zXZ\x00", "xz"), (b"BZh", "bzip2"), (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x04\x22\x4d\x18", "lz4"),
)  # fmt: skip
_OPEN: Final = frozenset({Cause.UNDETERMINED, Cause.WHOLE})
_MODEMS: Final = re.compile(rb"(?:AT(?:\+[A-Z]+\??|[EIQVZ][0-9]?|&[A-Z][0-9]?)?[\r\n]*)+")
_MODEMS_DETAIL: Final = "AT alone: ModemManager asks for a modem, stop it"
_SIGNED: Final = frozenset({"ministry", "unified", "unknown"})
"""Families in which damage is looked for; of the others the first bytes are all that can be known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happened, undone. detail: English, what was found; never bytes of the input."""

    cause: Cause
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """The answer. cause: see Cause; steps: from the outside in; proved: undoing them gave `payload`, a code whose
    signatures hold. payload: the bytes as far as they could be had."""

    cause: Cause
    proved: bool
    payload: bytes
    steps: tuple[Step, ...] = ()

    @property
    def explained(self) -> Explained:
        """What it means and what to do."""
        return CAUSES[self.cause]

    @property
    def detail(self) -> str:
        """Of the step that is the cause."""
        return next((step.detail for step in self.steps if step.cause == self.cause and step.detail), "")

    @property
    def harmless(self) -> bool:
        """Whether every byte of the code is there as it was."""
        return all(CAUSES[step.cause].harmless for step in self.steps) and CAUSES[self.cause].harmless

    def document(self) -> dict[str, object]:
        """As JSON."""
        what, cure, _ = self.explained
        return {
            "cause": str(self.cause),
            "proved": self.proved,
            "detail": self.detail,
            "what": {"en": what.en, "zh": what.zh},
            "cure": {"en": cure.en, "zh": cure.zh},
            "steps": [{"cause": str(step.cause), "detail": step.detail} for step in self.steps],
            "size": len(self.payload),
        }


def diagnose(data: bytes, *, read_baud: int = 0) -> Diagnosis:
    """Says what these bytes are. read_baud: the speed of the line that they came over, 0: none or not known."""
    data = data[:_SIZE_MOST]
    states = list(states_of(data))
    return _whole(states) or _lost(states) or _surely_reencoded(data) or _none(data, read_baud)


def _whole(states: list[tuple[bytes, tuple[Step, ...]]]) -> Diagnosis | None:
    """A code that is proved, something packed, or another family's code."""
    for payload, steps in states:
        packed = next((name for mark, name in _PACKED if payload.startswith(mark)), "")
        if packed and all(CAUSES[step.cause].harmless for step in steps):
            return answered(payload, (*steps, Step(cause=Cause.COMPRESSED, detail=packed)), proved=False)
        if is_proved(payload):
            return answered(payload, steps, proved=True)
    for payload, steps in states:
        if family_of(payload) not in _SIGNED and (not steps or all(CAUSES[step.cause].harmless for step in steps)):
            return answered(payload, steps, proved=False)
    return None


def _none(data: bytes, read_baud: int) -> Diagnosis:
    """Of bytes in which no code is seen."""
    slower = mismatch(data, read_baud)
    if slower is not None:
        step = Step(cause=Cause.BAUD_MISMATCH, detail=slower.rates(read_baud))
        return Diagnosis(cause=step.cause, proved=False, payload=data, steps=(step,))
    step = Step(cause=Cause.NOT_A_CODE, detail=_MODEMS_DETAIL if _MODEMS.fullmatch(data) else "")
    return Diagnosis(cause=step.cause, proved=False, payload=data, steps=(step,) if step.detail else ())


def _lost(states: list[tuple[bytes, tuple[Step, ...]]]) -> Diagnosis | None:
    """What the first of these has lost of which that can be told; else the first that at least looks like a code."""
    left_open = None
    for payload, steps in states:
        if MARK not in payload and any(not CAUSES[step.cause].harmless for step in steps):
            continue
        found = loss_of(payload) if left_open is None else changed_in_place(payload)
        if found is None or is_mere(found.cause, steps):
            continue
        more = (*steps, Step(cause=found.cause, detail=found.detail))
        answer = answered(found.restored or payload, more, proved=found.restored is not None)
        if found.cause not in _OPEN:
            return answer
        left_open = left_open or answer
    return left_open


def answered(payload: bytes, steps: tuple[Step, ...], *, proved: bool) -> Diagnosis:
    """The cause is the outermost step that does harm."""
    causes = [step.cause for step in steps]
    harmful = [cause for cause in causes if not CAUSES[cause].harmless]
    cause = (harmful or [one for one in causes if one != Cause.WHOLE] or [Cause.WHOLE])[0]
    return Diagnosis(cause=cause, proved=proved, payload=payload, steps=steps)


def is_mere(cause: Cause, steps: tuple[Step, ...]) -> bool:
    """Whether a loss says nothing since it is found behind something dubious: of inverted bits anything may be said."""
    dubious = {Cause.BIT_INVERTED, Cause.NIBBLE_SWAPPED, Cause.CHARSET_REENCODED, Cause.CODEWORDS, Cause.BYTE_ORDER}
    return cause == Cause.UNDETERMINED and any(step.cause in dubious for step in steps)


def states_of(data: bytes) -> Iterator[tuple[bytes, tuple[Step, ...]]]:
    """The bytes, and everything that comes out when up to three things are undone: fewest first, and of as many those
    that only take off what stands around."""
    seen = {data}
    level: list[tuple[bytes, tuple[Step, ...]]] = [(data, ())]
    for _ in range(_DEPTH + 1):
        following = []
        for payload, steps in level:
            yield payload, steps
            if is_proved(payload):
                return
            for inner, step in _undone(payload, is_damaged=any(not CAUSES[one.cause].harmless for one in steps)):
                if inner and inner not in seen and len(seen) < _STATES:
                    seen.add(inner)
                    following.append((inner, (*steps, step)))
        level = sorted(following, key=lambda state: any(not CAUSES[step.cause].harmless for step in state[1]))


def _undone(data: bytes, *, is_damaged: bool) -> Iterator[tuple[bytes, Step]]:
    """What these bytes may be instead. is_damaged: something harmful was undone already; then only what stands around
    the code is taken off, since of guesses upon guesses one fits anything."""
    if is_damaged:
        yield from ((inner.data, Step(cause=inner.cause, detail=inner.detail)) for inner in framed(data))
        return
    text = text_of(data)
    if text is not None:
        if text.encode() != data:
            yield text.encode(), Step(cause=Cause.BOM)
        elif family_of(data) == "unknown":
            pasted = _pasted(text)
            if pasted:
                yield pasted.data, Step(cause=pasted.cause, detail=pasted.form)
        yield from ((inner.data, Step(cause=inner.cause, detail=inner.detail)) for inner in inside(text))
    for inner in (*rewritten(data), *unpacked(data)):
        yield inner.data, Step(cause=inner.cause, detail=inner.detail)
    for one in undone(data):
        if one.written == "utf-8" and one.taken_for == "latin-1":
            cause = Cause.DOUBLE_UTF8 if one.times > 1 else Cause.UTF8_REENCODED
            yield one.data, Step(cause=cause, detail=f"{one.times} layers" if one.times > 1 else "")
        else:
            detail = f"taken for {one.taken_for}, written as {one.written}"
            yield one.data, Step(cause=Cause.CHARSET_REENCODED, detail=detail)
    for translated, before, detail in (
        (b"\r\n", b"\n", "0A became 0D 0A"),
        (b"\r\n", b"\r", "0D became 0D 0A"),
        (b"\r\r\n", b"\n", "0A became 0D 0D 0A"),
        (b"\r\r\n", b"\r", "0D became 0D 0D 0A"),
    ):
        if translated in data:
            yield data.replace(translated, before), Step(cause=Cause.NEWLINE_TRANSLATED, detail=detail)


def _pasted(text: str) -> Pasted | None:
    """As it stands, or without its last letter or two where the text is cut in the middle of a byte."""
    for whole in (text, text.rstrip()[:-1], text.rstrip()[:-2]):
        try:
            found = unpaste(whole)
        except SlipError:
            continue
        if found and (whole == text or MARK in found.data):
            return found
    return None


def _surely_reencoded(data: bytes) -> Diagnosis | None:
    """UTF-8 over Latin-1 shows by itself, whatever was written in it."""
    inner, layers = utf8_layers(data)
    if layers and sum(byte > 0x7F for byte in inner) >= MANY:
        cause = Cause.DOUBLE_UTF8 if layers > 1 else Cause.UTF8_REENCODED
        return Diagnosis(cause=cause, proved=False, payload=inner, steps=(Step(cause=cause),))
    return None
