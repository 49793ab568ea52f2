"""Cuts a scanner's byte stream into payloads; bytes and arrival times in, Readings out, no I/O and no clock.

Rules it keeps:
- A ministry code ends where its own length field says, at the byte, so nothing waits for silence on the good path and
  CR, LF or NUL inside a signature cut nothing. The length is believed only together with field 13 and the two 15 marks
  in front of the signatures: a code that contradicts itself is ended by silence, whole, and judged as it is.
- Everything else (text codes, damaged codes, hex and base64 lines) ends by silence. A line is called silent only by the
  caller, who has looked: bytes that waited in a buffer while the device was busy are not a pause.
- What a scanner puts around a code (STX, AIM `]Q1`, ECI `\\000026`, CR, LF, ETX) is taken off; what else was mended is
  said in Reading.faults. A valid code in the stream is always delivered, whatever stands before or after it.
- The same bytes give the same payloads in whatever pieces they come.
- Memory is bounded: one frame is at most 4096 bytes, a flood without silence gives one Reading.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final, Literal

from yima.validator.ports import Reading

__all__ = ["Framer", "Profile"]

LIMIT: Final = 4096
"""Most bytes of one frame, and of Reading.payload."""

Mode = Literal["auto", "raw", "hex", "base64"]

_SHORTEST: Final = 332  # a code without issuer data (field 14)
_LONGEST: Final = 364  # a code with 32 bytes of it
_NOISE: Final = 32  # so many unknown bytes before a code are dropped; more are a frame of their own
_SIGNAL: Final = 3  # so many control bytes alone are a scanner's word to its host
_TRAILER: Final = 8  # so many bytes behind a code belong to it: suffix, block check
_FORMS: Final = range(226, 513)  # sizes in which a code, sound or damaged, is expected inside a hex or base64 line

# 02 01 is how a family of codes begins, not an STX.
_PREFIX: Final = re.compile(rb"(?:\x02(?!\x01)|\]Q[0-9]|\\[0-9]{6})+")
_BETWEEN: Final = re.compile(rb"(?:[\x03\r\n]|\x02(?!\x01)|\]Q[0-9]|\\[0-9]{6})*")
_SUFFIX: Final = re.compile(rb"(?:\r\n|\r|\n)?\x03?\Z")
_AHEAD: Final = re.compile(rb"(?:\x02|\]Q[0-9]|\\[0-9]{6})+\Z")
# Version, length, 24 and as much of the certificate's service id as is in sight.
_START_INSIDE: Final = re.compile(
    rb"\x55?[\x80-\xff]\x01[\x49-\x69]\$(?:\x01(?:\x01(?:\x00\x00?)?)?\Z|\x01\x01\x00\x00|\Z)"
)
_LINES: Final = re.compile(rb"[\r\n]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How one scanner behaves on its line.

    gap_ns: silence that ends a frame; longer than any pause inside one (a USB-CDC scanner sends packets of 64 bytes, an
    FTDI chip hands over every 16 ms). patience_ns: silence that ends a code whose length field says that bytes are
    missing. mode: `auto` recognises hex and base64 lines, `raw` never decodes, `hex` and `base64` decode every line.
    prefix, suffix: what this scanner puts around a code besides the usual (STX, AIM, ECI; CR, LF, ETX).
    """

    gap_ns: int = 20_000_000
    patience_ns: int = 150_000_000
    mode: Mode = "auto"
    prefix: bytes = b""
    suffix: bytes = b""

    @classmethod
    def for_line(
        cls, *, baud: int, gap_ms: int = 20, mode: Mode = "auto", prefix: bytes = b"", suffix: bytes = b""
    ) -> "Profile":
        """The profile of an 8N1 line: no gap is shorter than three characters, patience is never shorter than a gap."""
        gap_ns = max(gap_ms * 1_000_000, 3 * 10 * 1_000_000_000 // baud)
        return cls(gap_ns=gap_ns, patience_ns=max(150_000_000, 3 * gap_ns), mode=mode, prefix=prefix, suffix=suffix)


class Framer:
    """One line's stream. Not for use by several threads."""

    def __init__(self, profile: Profile | None = None) -> None:
        self._profile = profile or Profile()
        self._bytes = bytearray()
        self._arrivals: list[int] = []  # of each byte in _bytes
        self._last_ns = 0  # when the last byte of all came
        self._checked = 0  # no code starts before this offset
        self._behind_code = False  # a code was delivered since the last silence
        self._flooded = False  # a frame hit LIMIT since the last silence

    @property
    def held(self) -> int:
        """How many bytes wait for their end; never more than LIMIT."""
        return len(self._bytes)

    @property
    def deadline_ns(self) -> int | None:
        """When silence(now_ns) will end the frame, or the burst behind a code, if no byte comes until then; None when
        neither is open."""
        if not self._bytes and not self._behind_code:
            return None
        if self._checked == len(self._bytes):
            return self._last_ns + self._profile.gap_ns
        claimed = _claimed(self._bytes, self._checked)
        # A code's first bytes do not tell its length; a pause behind them must not part them from the rest either.
        begins = claimed is None and len(self._bytes) <= _TRAILER
        missing = begins or (claimed is not None and self._checked + claimed > len(self._bytes))
        return self._last_ns + (self._profile.patience_ns if missing else self._profile.gap_ns)

    def feed(self, data: bytes, now_ns: int) -> list[Reading]:
        """Takes bytes that arrived at now_ns (time.monotonic_ns); returns the codes they completed."""
        readings: list[Reading] = []
        self._last_ns = now_ns
        view = memoryview(data)
        while view:
            piece = view[: LIMIT - len(self._bytes)]
            view = view[len(piece) :]
            self._bytes += piece
            self._arrivals += [now_ns] * len(piece)
            self._deliver_codes(readings, silent=False)
            if len(self._bytes) == LIMIT:
                self._overflow(readings)
        return readings

    def silence(self, now_ns: int) -> list[Reading]:
        """Nothing has arrived until now_ns: returns what that silence ended, if it was long enough."""
        deadline_ns = self.deadline_ns
        if deadline_ns is None or now_ns < deadline_ns:
            return []
        readings: list[Reading] = []
        self._deliver_codes(readings, silent=True)
        if not self._flooded and not (self._behind_code and len(self._bytes) <= _TRAILER):
            self._deliver_frame(readings, len(self._bytes))
        self._drop(len(self._bytes))
        self._behind_code = self._flooded = False
        return readings

    def _deliver_codes(self, readings: list[Reading], *, silent: bool) -> None:
        """Every whole code, leftmost first. A start whose end has not come yet holds back those behind it, unless
        silence says that its end will not come: so the cut depends on the bytes alone, not on the pieces."""
        at = self._checked
        while at < len(self._bytes):
            claimed = _claimed(self._bytes, at)
            if claimed is None or at + claimed > len(self._bytes):
                if not silent:
                    break
            elif claimed and _is_sound(self._bytes, at, claimed):
                inside = _START_INSIDE.search(self._bytes, at + 5, at + claimed)
                if inside:  # a code cut short, and the next one behind it? Only that one's end can tell
                    begin, length = inside.start(), _claimed(self._bytes, inside.start()) or 0
                    if begin + length > len(self._bytes):
                        if not silent:
                            break
                    elif _is_sound(self._bytes, begin, length):
                        at, claimed = begin, length
                self._deliver_code(readings, at, claimed)
                at = -1
            at += 1
        self._checked = at

    def _deliver_code(self, readings: list[Reading], at: int, length: int) -> None:
        faults: tuple[str, ...] = ()
        if not _BETWEEN.fullmatch(self._bytes, 0, at):
            if at <= _NOISE or self._flooded:
                faults = (f"{at} bytes of noise before the code dropped",)
            else:
                ahead = _AHEAD.search(self._bytes, 0, at)
                self._deliver_frame(readings, ahead.start() if ahead else at)
        readings.append(
            Reading(
                payload=bytes(self._bytes[at : at + length]),
                first_ns=self._arrivals[at],
                last_ns=self._arrivals[at + length - 1],
                faults=faults,
            )
        )
        self._drop(at + length)
        self._behind_code, self._flooded = True, False

    def _deliver_frame(self, readings: list[Reading], end: int, *faults: str) -> None:
        """The first `end` bytes as a frame that something other than its own length has ended."""
        frame = bytes(self._bytes[:end])
        own = self._profile.prefix
        start = len(own) if own and frame.startswith(own) else 0
        prefix = (_BETWEEN if self._behind_code else _PREFIX).match(frame, start)
        start = prefix.end() if prefix else start
        bare, fault = _without_suffix(frame[start:], self._profile.suffix)
        payloads, form = _unfold(bare, self._profile.mode)
        noted = (*faults, *(text for text in (fault, form) if text))
        for payload in payloads:
            if payload and not _is_signal(payload):
                first_ns, last_ns = self._arrivals[start], self._arrivals[start + len(bare) - 1]
                readings.append(Reading(payload=payload, first_ns=first_ns, last_ns=last_ns, faults=noted))

    def _overflow(self, readings: list[Reading]) -> None:
        """Keeps only the start that may still become a code (shorter than one code), so memory stays bounded."""
        if not self._flooded:
            self._deliver_frame(readings, self._checked, "no end in sight: cut, the rest up to a silence dropped")
        self._flooded = True
        self._drop(self._checked)

    def _drop(self, count: int) -> None:
        del self._bytes[:count]
        del self._arrivals[:count]
        self._checked = 0


def unfolded(payload: bytes) -> tuple[bytes, str]:
    """The code inside a payload that is a hex or base64 text of one, and what there is to say about it; else the
    payload itself: what a symbol holds is taken as what a line brings."""
    payloads, fault = _unfold(payload, "auto") if payload.isascii() else ([payload], "")
    return (payloads[0], fault) if len(payloads) == 1 else (payload, "")


def _claimed(data: bytearray | bytes, at: int) -> int | None:
    """The length that a code starting here claims; 0 when none can start here, None while too few bytes are there.

    Field 1 is 80 or more, field 2 names 332..364 in all, field 3 begins with 24; the unified form puts a 55 in front.
    """
    lead = 1 if data[at] == 0x55 else 0
    head = data[at + lead : at + lead + 4]
    if len(head) > 0 and head[0] < 0x80:
        return 0
    if len(head) > 1 and head[1] != 0x01:  # the high byte of 329..361
        return 0
    if len(head) > 2 and not _SHORTEST <= 0x103 + head[2] <= _LONGEST:
        return 0
    if len(head) < 4:
        return None
    return lead + 0x103 + head[2] if head[3] == 0x24 else 0


def _is_sound(data: bytearray | bytes, at: int, length: int) -> bool:
    """Whether the claimed length agrees with field 13 and with the 15 in front of either signature."""
    lead = 1 if data[at] == 0x55 else 0
    at, issuer_data = at + lead, length - lead - _SHORTEST
    return data[at + 197] == issuer_data and data[at + 198 + issuer_data] == data[at + 267 + issuer_data] == 0x15


def _without_suffix(frame: bytes, own: bytes = b"") -> tuple[bytes, str]:
    """The frame without what the scanner put behind it, and what there is to say about it.

    A binary frame that is as long as it says itself loses nothing, even if it ends in 0D; one that is a little longer
    loses exactly the surplus. Only without that help is a suffix recognised by its looks, `own` before the usual ones.
    """
    if own and len(frame) > len(own) and len(frame) not in _sizes(frame):
        frame = frame.removesuffix(own)
    if frame.isascii():
        return frame.rstrip(b"\r\n\x03"), ""
    sizes = [size for size in _sizes(frame) if 0 <= len(frame) - size <= _TRAILER]
    for size in sizes:
        if _SUFFIX.fullmatch(frame[size:]):
            return frame[:size], ""
    if sizes:
        return frame[: sizes[0]], f"{len(frame) - sizes[0]} bytes behind the code dropped"
    bare = _SUFFIX.sub(b"", frame, count=1)
    claimed = _claimed(frame, 0)
    if claimed and len(bare) < claimed:
        return bare, f"cut short: {len(bare)} of {claimed} bytes came"
    return bare, ""


def _sizes(frame: bytes) -> list[int]:
    """What a code, perhaps a damaged one, says of its own size, largest first: by field 2, and by field 13 if the 15
    marks bear it out."""
    lead = 1 if frame[0] == 0x55 else 0
    by_length = lead + 3 + int.from_bytes(frame[lead + 1 : lead + 3], "big")
    sizes = [by_length] if by_length in _FORMS else []
    by_data = lead + _SHORTEST + (frame[lead + 197] if len(frame) > lead + 197 else 0)
    if by_data <= len(frame) and _is_sound(frame, 0, by_data):
        sizes.append(by_data)
    return sorted(sizes, reverse=True)


def _unfold(frame: bytes, mode: Mode) -> tuple[list[bytes], str]:
    """The payloads inside a hex or base64 line (or several lines in one burst), or the frame itself."""
    for name, decode in (("hex", _from_hex), ("base64", _from_base64)):
        if mode not in {"auto", name}:
            continue
        for lines in ([frame], _LINES.split(frame)):
            decoded = [payload for line in lines if _has_shape(payload := decode(line))]
            if len(decoded) == len(lines):
                return decoded, f"decoded from a {name} line"
        if mode == name and (payload := decode(frame)):
            return [payload], f"decoded from a {name} line"
    return [frame], f"no {mode} line, taken as it came" if mode in {"hex", "base64"} and frame else ""


def _is_signal(payload: bytes) -> bool:
    """Whether these are a scanner's signals to its host, such as a heartbeat 06, and nothing that was shown to it."""
    return len(payload) <= _SIGNAL and max(payload) < 0x20


def _has_shape(payload: bytes) -> bool:
    """Whether decoded bytes look like a code of the ministry's, sound or damaged: a text code may well consist of hex
    digits or of base64's letters."""
    return len(payload) in _FORMS and (payload[3] == 0x24 or payload[4] == 0x24 or len(payload) in _sizes(payload))


def _from_hex(line: bytes) -> bytes:
    """The bytes that a line of hex digits, perhaps in groups, stands for; empty if it is none."""
    try:
        return bytes.fromhex(line.decode("ascii"))
    except ValueError:
        return b""


def _from_base64(line: bytes) -> bytes:
    """The bytes that a base64 line of either alphabet, padded or not, stands for; empty if it is none."""
    digits = b"".join(line.split()).rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    try:
        return base64.b64decode(digits + b"=" * (-len(digits) % 4), validate=True)
    except binascii.Error:
        return b""
