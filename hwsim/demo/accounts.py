"""Whether every tap is accounted for: what the devices said, what their journals hold, what the collector has.

Rules it keeps:
- The stores are read as they lie on disk, after or beside the processes that write them; nobody's word is taken.
- A difference is a sentence that names device and sequence; no difference means that
  taps - shown again = taps in the journal, its entries = collector's entries, one by one with equal hashes, both chains
  unbroken, everything acknowledged, nothing in quarantine, and the reason on record is the reason that was shown.
- A ride that its own entry reverses counts as one whose gate failed, and costs nothing: what the collector's entries
  come to is what riders were told.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from yima.sdk.centre.collector.store import Store
from yima.validator.errors import JournalError
from yima.validator.journal import JournalView
from yima.validator.journal.facts import FactsError, OutcomeFacts, TapFacts, parse
from yima.validator.judging import Reason
from yima.validator.ports import Entry
from yima.validator.texts import Text

_ALL = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Tap:
    """One line that a device printed about a tap. seq: its record's sequence, None when shown again. rule: what set the
    fare.

    times_ms: see yima.hwsim.latency.STEPS. trouble: why the record or the gate failed, if one did.
    """

    seq: int | None
    reason: Reason
    again: bool
    fare_fen: int
    rule: str
    account_masked: str
    times_ms: Mapping[str, float]
    trouble: str | None = None

    @property
    def reversed(self) -> bool:
        """Its gate did not open: recorded as a ride, and taken back."""
        return self.seq is not None and self.reason is Reason.GATE_FAILED

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> "Tap":
        """The tap in a JSON object of `yima run --json`. Raises KeyError or ValueError if it is none."""
        judge, journal, gate, total = line["judge_us"] / 1000, line["journal_ms"], line["gate_ms"], line["total_ms"]
        before = max(0.0, total - judge - journal - gate)  # from the last byte, or the frame, until judging began
        times = {"read": line["read_ms"] + before, "judge": judge, "journal": journal, "gate": gate, "total": total}
        return cls(
            seq=line["seq"],
            reason=Reason(line["reason_number"]),
            again=line["again"],
            fare_fen=line["fare_fen"],
            rule=line["rule"],
            account_masked=line["account_masked"],
            times_ms=times,
            trouble=line["trouble"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One device's account. taps and again: what it said; recorded, uploaded, acknowledged: how many entries each place
    holds; reversed: rides taken back; fares_fen: what the collector's entries come to without them."""

    device: str
    taps: int
    again: int
    recorded: int
    uploaded: int
    acknowledged: int
    reversed: int
    fares_fen: int
    differences: tuple[Text, ...]


def account(device: str, taps: Sequence[Tap], journal: Path, collector: Path) -> Account:
    """Holds a device's taps, its journal and the collector's store (paths) against each other.

    The collector must have stopped: its store has one owner at a time. Raises JournalError or StoreError when a store
    cannot be read at all.
    """
    view = JournalView.open(journal)
    try:
        entries = view.entries(0, _ALL)
        acknowledged = view.acknowledged()
        found = [*_chain(view), *_taps_against_journal(device, taps, entries)]
        quarantined = view.quarantined()
    finally:
        view.close()
    collected = _collected(collector, device, view.epoch)
    found += _journal_against_collector(device, entries, collected)
    rides = _rides({row["sequence"]: row["content"] for row in collected})
    told_fen = sum(tap.fare_fen for tap in taps if not tap.again)
    if rides.fares_fen != told_fen:
        found.append(
            Text(
                f"{device}: riders were told {told_fen} fen in all, the collector's entries come to {rides.fares_fen}",
                f"{device}：告知乘客合计 {told_fen} 分，采集端记录合计 {rides.fares_fen} 分",
            )
        )
    if acknowledged != len(entries):
        found.append(
            Text(
                f"{device}: {acknowledged} of {len(entries)} entries are acknowledged",
                f"{device}：{len(entries)} 条记录中仅 {acknowledged} 条已确认",
            )
        )
    found += [
        Text(
            f"{device}: entry {one.sequence} is in quarantine: {one.why}",
            f"{device}：记录 {one.sequence} 被隔离：{one.why}",
        )
        for one in quarantined
    ]
    return Account(
        device=device,
        taps=len(taps),
        again=sum(tap.again for tap in taps),
        recorded=len(entries),
        uploaded=len(collected),
        acknowledged=acknowledged,
        reversed=len(rides.reversed),
        fares_fen=rides.fares_fen,
        differences=tuple(found),
    )


def _collected(path: Path, device: str, epoch: int) -> Sequence[Mapping[str, Any]]:
    store = Store(path)
    try:
        return store.entries(device, epoch, after=0, limit=_ALL)
    finally:
        store.close()


def _chain(view: JournalView) -> Iterator[Text]:
    try:
        view.verify()
    except JournalError as error:
        yield Text(f"{view.device}: the journal's chain is broken: {error}", f"{view.device}：日志链断裂：{error}")


def _taps_against_journal(device: str, taps: Sequence[Tap], entries: Sequence[Entry]) -> Iterator[Text]:
    told = {tap.seq: tap for tap in taps if not tap.again}
    on_record = {entry.key.sequence: reason for entry in entries if (reason := _reason_of(entry)) is not None}
    rides = _rides({entry.key.sequence: entry.content for entry in entries})
    on_record |= dict.fromkeys(rides.reversed, int(Reason.GATE_FAILED))
    expected = sum(not tap.again for tap in taps)
    if expected != len(on_record):
        yield Text(
            f"{device}: {expected} taps should be on record, the journal holds {len(on_record)}",
            f"{device}：应有 {expected} 条记录，日志中有 {len(on_record)} 条",
        )
    for sequence in sorted(told.keys() - on_record.keys(), key=str):
        yield Text(f"{device}: tap {sequence} has no entry in the journal", f"{device}：刷码 {sequence} 没有日志记录")
    for sequence in sorted(on_record.keys() - told.keys()):
        yield Text(f"{device}: entry {sequence} belongs to no tap", f"{device}：记录 {sequence} 没有对应的刷码")
    for sequence, reason in on_record.items():
        if sequence in told and told[sequence].reason != reason:
            yield Text(
                f"{device}: tap {sequence} was answered {told[sequence].reason}, recorded {reason}",
                f"{device}：刷码 {sequence} 应答为 {told[sequence].reason}，记录为 {reason}",
            )


class _Rides(NamedTuple):
    """What entries come to: sequences of rides that were reversed, and the fares of all others in fen."""

    reversed: frozenset[int]
    fares_fen: int


def _rides(contents: Mapping[int, bytes]) -> _Rides:
    """contents: entries by sequence. One that cannot be read is no ride; that it differs is said elsewhere."""
    fares, reversed_ = {}, set()
    for sequence, content in contents.items():
        try:
            facts, _ = parse(content)
        except FactsError:
            continue
        if isinstance(facts, TapFacts) and facts.accepted:
            fares[sequence] = facts.fare_fen
        elif isinstance(facts, OutcomeFacts) and facts.reverses:
            reversed_.add(facts.tap)
    return _Rides(frozenset(reversed_), sum(fen for sequence, fen in fares.items() if sequence not in reversed_))


def _reason_of(entry: Entry) -> int | None:
    """A tap's reason; None of an entry of another kind. What cannot be read is no tap that was answered."""
    try:
        facts, _ = parse(entry.content)
    except FactsError:
        return -1
    return facts.reason if isinstance(facts, TapFacts) else None


def _journal_against_collector(
    device: str, entries: Sequence[Entry], collected: Sequence[Mapping[str, Any]]
) -> Iterator[Text]:
    there = {row["sequence"]: row for row in collected}
    here = {entry.key.sequence: entry for entry in entries}
    for sequence in sorted(here.keys() - there.keys()):
        yield Text(f"{device}: entry {sequence} is not at the collector", f"{device}：记录 {sequence} 未到达采集端")
    for sequence in sorted(there.keys() - here.keys()):
        yield Text(f"{device}: the collector has entry {sequence} of nobody", f"{device}：采集端多出记录 {sequence}")
    for sequence in sorted(here.keys() & there.keys()):
        ours, theirs = here[sequence], there[sequence]
        if (ours.content, ours.hash) != (theirs["content"], theirs["hash"]):
            yield Text(
                f"{device}: entry {sequence} differs at the collector", f"{device}：记录 {sequence} 与采集端不一致"
            )
        if theirs["rejected"] is not None:
            yield Text(
                f"{device}: the collector refused entry {sequence}: {theirs['rejected']}",
                f"{device}：采集端拒收记录 {sequence}：{theirs['rejected']}",
            )
