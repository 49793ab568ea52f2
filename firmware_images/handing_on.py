"""Hands a device's records on to a collector: the station's part between a board without a network and the centre.

Rules it keeps:
- A record lies in a journal of the station's, durably, before anybody is told of it, under the number that the device
  gave it: what an outcome says of a tap is true of the same tap.
- The device is told of no more than the collector has acknowledged.
- A number that the device has lost, or that others have taken from it, has a note in its place (Note.GAP). It stands
  for nothing and holds up nothing.
- A log whose numbers begin anew (a device that came from its factory again) is another journal, with another epoch.
  What the journal before it still has for the collector goes first: nobody asks that one again.
"""

import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Protocol, Self

from yima.firmware_images.station import Station
from yima.firmware_images.station_messages import Record
from yima.validator.errors import Kind, YimaError
from yima.validator.journal import SegmentJournal
from yima.validator.journal.facts import FactsError, Note, NoteFacts, parse, write
from yima.validator.journal.older import OlderEntry
from yima.validator.ports import DEVICE, Entry
from yima.validator.texts import Text
from yima.validator.uplink.batches import ENTRIES_MAX, fitting

GAP_MAX = 1_000_000
"""Numbers for which there is nothing that are noted one by one; beyond that something else is wrong."""
_NO_CHAIN = bytes(32)
_OURS = ("key", "key.new")
"""What lies beside the journals in the station's folder, in small letters: its key, and that while it is made."""


class HandingOnError(YimaError):
    """Records that cannot be handed on."""

    kind = Kind.DEVICE


class Uplink(Protocol):
    """The way to the collector; see yima.validator.uplink.http."""

    def send(self, entries: Sequence[Entry | OlderEntry], /) -> tuple[int, dict[int, str]]:
        """(highest contiguous durable sequence, {sequence: why it was rejected})."""


class HandedOn(NamedTuple):
    """records, missing: taken from the device, and noted as not there. sent: acknowledged by the collector, refused
    ones included. acknowledged: the device's last acknowledged number now."""

    records: int
    missing: int
    sent: int
    rejected: int
    acknowledged: int


class Relay:
    """The journal of one device's records at a station, in `folder`/terminal, or +terminal where a file of the
    station's own has that name. Raises JournalError, HandingOnError."""

    def __init__(self, folder: Path, terminal: str) -> None:
        if not DEVICE.fullmatch(terminal):
            raise HandingOnError(
                terminal,
                Text("is no name of a device", "不是有效的设备名"),
                Text("1 to 64 letters, digits, dots, dashes, underscores", "1 至 64 个字母、数字、点、横线、下划线"),
            )
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        place = folder / terminal
        if terminal.lower() in _OURS and not place.is_dir():
            place = folder / f"+{terminal}"  # no terminal is called that
        self.journal = _opened(place, terminal)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.journal.close()

    async def is_of_another_log(self, station: Station, following: int) -> bool:
        """Whether the device has another record under the newest number that is kept here, or has not come to it.
        following: the number that it gives next."""
        last = self.journal.last_sequence()
        if following <= last:
            return True
        kept = self.journal.entries(last - 1, 1)[0].content if last else b""
        async for record in station.records(last):
            return bool(last) and record.n == last and record.d != kept and not _is_gap(kept)
        return False

    def begin_anew(self) -> None:
        """What is kept stays, under another name; the journal begins again, with another epoch."""
        folder, device = self.journal.folder, self.journal.device
        self.journal.close()
        folder.rename(folder.with_name(f"{folder.name}.{self.journal.epoch}"))
        self.journal = _opened(folder, device)

    async def take(self, station: Station, following: int) -> tuple[int, int]:
        """Keeps what the device has and this journal has not. (records, numbers that were missing)."""
        records = missing = 0
        async for record in station.records(self.journal.next_sequence()):
            missing += self._note_missing(record.n)
            self.journal.append(record.d)
            records += 1
        return records, missing + self._note_missing(following)

    def _note_missing(self, before: int) -> int:
        first = self.journal.next_sequence()
        if before - first > GAP_MAX:
            raise HandingOnError(
                self.journal.device,
                Text(f"has no records {first} to {before - 1}", f"缺少记录 {first} 至 {before - 1}"),
                Text(
                    f"Take them from where they are; more than {GAP_MAX} are not noted as missing",
                    f"请先找回这些记录；缺失超过 {GAP_MAX} 条时不予登记",
                ),
            )
        note = NoteFacts(
            at=int(time.time()), trusted=True, run=0, tick_ms=0, note=Note.GAP, a=first, b=max(first, before - 1)
        )
        for _ in range(first, before):
            self.journal.append(write(note))
        return max(0, before - first)

    def send(self, uplink: Uplink) -> tuple[int, int]:
        """Sends until the collector has everything; (how many it took, refused ones included, how many of them it
        refused). Raises UplinkError."""
        before, refused = self.journal.acknowledged(), 0
        while pending := fitting(self.journal.pending(ENTRIES_MAX)):
            through, rejected = uplink.send(pending)
            refused += len(rejected)
            stood = self.journal.acknowledged()
            self.journal.acknowledge(through, rejected)
            if through <= stood:
                break
        return self.journal.acknowledged() - before, refused


async def hand_on(station: Station, folder: Path, uplink_for: Callable[[str, int], Uplink]) -> HandedOn:
    """Takes what the device has, hands it to the collector, then tells the device. uplink_for: the way to the collector
    for a device and an epoch. Raises StationError, JournalError, UplinkError, HandingOnError; what was kept stays kept,
    and is sent the next time."""
    state = await station.state()
    before = refused = 0
    with Relay(folder, state.terminal) as relay:
        if await relay.is_of_another_log(station, state.next):
            before, refused = relay.send(uplink_for(state.terminal, relay.journal.epoch))
            if left := relay.journal.last_sequence() - relay.journal.acknowledged():
                raise _held_up(relay.journal, left)
            relay.begin_anew()
        records, missing = await relay.take(station, state.next)
        sent, rejected = relay.send(uplink_for(state.terminal, relay.journal.epoch))
        through = relay.journal.acknowledged()
    acknowledged = await _acknowledge(station, state.ack, through)
    return HandedOn(records, missing, before + sent, refused + rejected, acknowledged)


async def _acknowledge(station: Station, before: int, through: int) -> int:
    """Tells the device that all up to `through` is kept, by its newest record up to there, or as lost."""
    newest: Record | None = None
    async for record in station.records(before + 1):
        if record.n > through:
            break
        newest = record
    told = before if newest is None else await station.acknowledge(newest)
    lost = [one for one in await station.lost(told + 1) if one.start == told + 1 and one.end <= through]
    return await station.acknowledge(Record(n=lost[0].end, d=b"", h=_NO_CHAIN)) if lost else told


def _held_up(journal: SegmentJournal, left: int) -> HandingOnError:
    """The collector takes no more of what an earlier log of the device has left here."""
    return HandingOnError(
        journal.device,
        Text(
            f"numbers begin anew, and {left} records from before are not at the collector",
            f"编号已重新开始，此前的 {left} 条记录尚未到达采集端",
        ),
        Text(
            f"They are kept in {journal.folder}; let the collector take them, then do this again",
            f"记录保存在 {journal.folder}；请待采集端接收后重试",
        ),
    )


def _is_gap(entry: bytes) -> bool:
    try:
        facts, _ = parse(entry)
    except FactsError:  # of a device with older firmware
        return False
    return isinstance(facts, NoteFacts) and facts.note == Note.GAP


def _opened(folder: Path, terminal: str) -> SegmentJournal:
    epoch = int(time.time()) << 16 | secrets.randbelow(1 << 16)
    return SegmentJournal(folder, terminal, epoch_for_new=epoch)
