"""The calibration card: one symbol that holds every byte once. What a scanner makes of it names what it does to codes.

Since all that should come is known, nothing is guessed: what can be undone must give the card again to the byte, and of
what is lost the bytes that no longer occur say which kind it is.
"""

from typing import Final

from yima.sdk.bench.causes import Cause
from yima.sdk.bench.charsets import replaced
from yima.sdk.bench.diagnosis import Diagnosis, Step, answered, is_mere, states_of
from yima.sdk.bench.losses import KINDS
from yima.sdk.bench.mapped import MAPPINGS

HEAD: Final = b"YIMA CARD 1 "
TAIL: Final = b" YIMA"
CARD: Final = HEAD + bytes(range(256)) + TAIL
"""What the symbol holds."""
_SPOKEN: Final = (b"YIMA", b"CARD")


def diagnose_card(data: bytes) -> Diagnosis | None:
    """What a scanner did to the card; None if these bytes are not of it."""
    near: Diagnosis | None = None
    within: Diagnosis | None = None
    for payload, steps in states_of(data):
        if payload == CARD:
            return answered(CARD, steps, proved=True)
        if CARD in payload:
            within = within or answered(CARD, (*steps, Step(cause=Cause.FRAMED)), proved=True)
        if near is None or near.steps[-1].cause is Cause.UNDETERMINED:
            found = _changed(payload) or _lost(payload)
            if found and not is_mere(found.cause, steps) and (near is None or found.cause is not Cause.UNDETERMINED):
                near = answered(payload, (*steps, found), proved=False)
    return within or near


def _changed(payload: bytes) -> Step | None:
    """Bytes of one kind that became others, in their places."""
    found = next(((cause, detail) for cause, detail, table in MAPPINGS if payload == CARD.translate(table)), None)
    return Step(cause=found[0], detail=found[1]) if found else None


def _lost(payload: bytes) -> Step | None:
    """By the bytes that do not come any more, or come too often; None if these are not of the card."""
    if not payload.startswith(_SPOKEN[0]) or _SPOKEN[1] not in payload[:12]:
        return None
    body = payload.removeprefix(HEAD).removesuffix(TAIL)
    missing = frozenset(range(256)) - frozenset(body)
    dropped = CARD.translate(None, bytes(missing))
    said = f"missing: {_ranges(missing)}" if missing else ""
    kind = next((cause for cause, _, kind, _ in KINDS if kind == missing), None)
    answers = (
        (replaced(payload) >= 3 or body.count(b"?") > 16, Cause.CHARSET_REPLACED, said),
        (body == bytes(byte & 0x7F for byte in range(256)), Cause.SEVEN_BIT, "the eighth bit is stripped"),
        (kind is not None and dropped.endswith(body + TAIL), kind, said),  # nothing else is changed
        (missing == {0x1D} and body.count(b"]") == 2, Cause.CONTROL_BYTES_REPLACED, "1D became 5D"),
        (bool(missing) and missing <= {0x0A, 0x0D}, Cause.NEWLINE_TRANSLATED, said),
        (CARD.startswith(payload), Cause.CUT, f"{len(payload)} of {len(CARD)} bytes came"),
    )
    holds = next(((cause, detail) for is_so, cause, detail in answers if is_so and cause), (Cause.UNDETERMINED, said))
    return Step(cause=holds[0], detail=holds[1])


def _ranges(values: frozenset[int]) -> str:
    """`00, 11, 80-FF`."""
    told: list[list[int]] = []
    for value in sorted(values):
        if told and told[-1][1] == value - 1:
            told[-1][1] = value
        else:
            told.append([value, value])
    return ", ".join(f"{low:02X}" if low == high else f"{low:02X}-{high:02X}" for low, high in told)
