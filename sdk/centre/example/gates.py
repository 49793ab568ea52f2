"""A device of the example: it judges with the real core, journals as devices do, and uploads in signed batches.

Rules it keeps:
- Facts are those of the core, the entry of a tap is followed by one of what the gate did, and both are chained.
- Without a line it keeps what it has; when the line is back all of it goes out, in order.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from yima.sdk.centre.example.region import Post
from yima.validator.journal.facts import Outcome, OutcomeFacts, write
from yima.validator.journal.form import FIRST_PREVIOUS, chain
from yima.validator.judging import Moment, Validator, Verdict
from yima.validator.judging.record import Terminal, tap_entry
from yima.validator.parameters import Parameters
from yima.validator.ports import Entry, JournalKey
from yima.validator.state.keys import DeviceKey
from yima.validator.uplink.batches import encode_batch

EPOCH = 7
TAP, OUTCOME = 1, 2
_BATCH_MOST, _BATCH_S = 200, 900
_ARRIVES_S = 30


class Kept(NamedTuple):
    """An entry of the journal with what a collector's store says of it beside its bytes."""

    entry: Entry
    kind: int
    at: int
    tick_ms: int
    reason: int
    rejected: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A batch as it arrived. body: what was signed, None where the entries say it. taken: its sequence was held
    already, with other content."""

    device: str
    key: str
    signature: str
    kept: list[Kept]
    received: int
    taken: bool = False
    body: bytes | None = None


class Gate:
    """One device. send: what takes its batches. offline: whether its line is down."""

    def __init__(self, post: Post, parameters: Parameters, seed: int, send: Callable[[Sent], None]) -> None:
        self.name, self.post, self.offline = post.name, post, False
        self._send = send
        secret = hashlib.sha256(f"yima test device {seed} {post.name}".encode()).digest()
        self._key = DeviceKey(Ed25519PrivateKey.from_private_bytes(secret))
        self._terminal = Terminal(terminal=post.name)
        self._kept: list[Kept] = []
        self._others: list[Kept] = []
        self._sequence = 0
        self._previous = FIRST_PREVIOUS
        self._codes = 0
        self.starts(parameters)

    def starts(self, parameters: Parameters) -> None:
        """With these parameters in force, before service begins."""
        self.parameters = parameters
        self.validator = Validator(parameters, self.post.gate)

    def judge(self, code: bytes, at: int) -> Verdict:
        """The core's verdict. Issuers that are seen often earn their tables, as in a device's idle time."""
        self._codes += 1
        if self._codes <= 400 or self._codes % 64 == 0:
            self.validator.idle()
        return self.validator.judge(code, Moment.at(at))

    def entry(self, verdict: Verdict, at: int) -> bytes:
        """The entry of a tap: facts and body."""
        record_id = f"{self.name}-{self._sequence + 1}"
        moment = Moment.at(at)
        return tap_entry(self.validator, verdict, terminal=self._terminal, record_id=record_id, moment=moment, run=1)

    def tap(self, code: bytes, at: int) -> tuple[int, Verdict]:
        """A presentation, journalled; returns its sequence."""
        verdict = self.judge(code, at)
        return self.keep(self.entry(verdict, at), TAP, at, reason=verdict.reason), verdict

    def outcome(self, tap: int, at: int, outcome: Outcome = Outcome.PASSED, *, reverses: bool = False) -> None:
        """What the gate did with an accepted tap."""
        facts = OutcomeFacts(
            at=at, trusted=True, run=1, tick_ms=at * 1000, tap=tap, outcome=outcome, reverses=reverses, code=None
        )
        self.keep(write(facts), OUTCOME, at)

    def keep(
        self, content: bytes, kind: int, at: int, *, reason: int = 0, rejected: str | None = None,
        decayed: bytes | None = None,
    ) -> int:  # fmt: skip
        """Journals an entry; returns its sequence. decayed: what becomes of its bytes afterwards."""
        is_due = self._kept and (len(self._kept) >= _BATCH_MOST or at - self._kept[0].at > _BATCH_S)
        if is_due and kind == TAP and not self.offline:
            self.flush()
        self._sequence += 1
        digest = chain(self._previous, self.name, EPOCH, self._sequence, content)
        entry = Entry(
            key=JournalKey(self.name, EPOCH, self._sequence),
            content=content if decayed is None else decayed,
            previous=self._previous,
            hash=digest,
        )
        self._kept.append(Kept(entry, kind, at, at * 1000, reason, rejected))
        self._previous = digest
        return self._sequence

    def tells_otherwise(self, content: bytes, at: int) -> None:
        """Sends the last entry's sequence a second time, with other content: a journal that was rolled back."""
        last = self._kept[-1].entry
        digest = chain(last.previous, *last.key, content)
        other = Entry(key=last.key, content=content, previous=last.previous, hash=digest)
        self._others.append(Kept(other, TAP, at, at * 1000, 0, None))

    def flush(self, received: int | None = None) -> None:
        """Sends all that it has. received: unix seconds; soon after the last entry unless given."""
        kept, self._kept = self._kept, []
        others, self._others = self._others, []
        for start in range(0, len(kept), _BATCH_MOST):
            self._sends(kept[start : start + _BATCH_MOST], received)
        for other in others:
            self._sends([other], received, taken=True)

    def _sends(self, kept: list[Kept], received: int | None, *, taken: bool = False) -> None:
        body = encode_batch(self.name, EPOCH, [one.entry for one in kept])
        self._send(
            Sent(
                device=self.name,
                key=self._key.public,
                signature=self._key.sign(body),
                kept=kept,
                received=kept[-1].at + _ARRIVES_S if received is None else received,
                taken=taken,
                body=body if taken else None,
            )
        )
