"""Cuts the board's power at every flash operation of a day at work, and inside each, and looks what is left.

A scenario is played once, with every flash operation noted, and with what the board promised by then: a gate that
opened promises a record, an answer to the station promises what it says. From the notes follows every state that a cut
can leave (flash.cut_states); each is booted. A boot mends the flash (an erase, a mark) and writes down that it
happened: power goes a second time at the operations of that, once for each different way of mending.

What must hold after every cut:
- the board boots, without a fault or the watchdog, and says that it is ready;
- what boots is an image that was signed (checked by firmware_images/image.py, not by the boot ROM's own code), and the
  one that was promised: before the station asks for a trial the old one, after the confirmation the new one;
- no promised record is missing, none is there twice, none differs; what was acknowledged stays acknowledged;
- the log's chain holds (checked by log_reader and not by the firmware);
- the station gets every record that it has not acknowledged; with a tap, the next one is recorded under a new number.
  While a slot is written nothing else changes: of those cuts only the ones with a tap have the station ask.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from yima.firmware_images.image import ImageError, read, verify
from yima.hwsim.board.emulator import Board, Outcome
from yima.hwsim.board.errors import BoardError
from yima.hwsim.board.flash import Cut, Operation, cut_states
from yima.hwsim.board.layout import PIN_GATE, SCANNER
from yima.hwsim.board.log_reader import read_log
from yima.hwsim.board.station import Station
from yima.validator.journal.facts import FactsError, NoteFacts, TimeFacts, parse
from yima.validator.system.posix import processors

_Shape = tuple[int, ...]
_Way = tuple[int, tuple[Operation, ...]]
_READY_MS = 2000.0
_TAP_MS = 1000.0
_MHZ = 25  # the real part's: the slower it goes, the less it does while its status line is sent, which costs us most


@dataclass(frozen=True, slots=True)
class Promise:
    """From flash operation `since` on: record `number` is durable as `data`; or, without data, all to `number` are with
    the station; or, with `slots`, one of these boots until the next such promise."""

    since: int
    number: int = 0
    data: bytes = b""
    slots: tuple[str, ...] = ()


@dataclass(slots=True)
class Scenario:
    """A played scenario. start: the flash before it. clock: unix seconds. next_code: for a tap after a cut."""

    name: str
    start: bytes
    clock: int
    key: bytes
    next_code: bytes = b""
    operations: list[Operation] = field(default_factory=list)
    promises: list[Promise] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Loss:
    """A cut that was not survived. again: the second cut, at an operation of the mending, if that was it."""

    operation: int
    cut: Cut
    what: str
    again: tuple[int, Cut] | None = None

    def __str__(self) -> str:
        second = f", then operation {self.again[0]} of the mending, {self.again[1]}" if self.again else ""
        return f"operation {self.operation} cut {self.cut}{second}: {self.what}"


@dataclass(frozen=True, slots=True)
class Survived:
    """tried: cuts. again: second cuts, while the flash was mended after a first. losses: what did not hold."""

    tried: int
    again: int
    losses: Sequence[Loss]

    @property
    def lost(self) -> int:
        """How many cuts were not survived; one may lose in several ways."""
        return len({(loss.operation, loss.cut, loss.again) for loss in self.losses})

    def __str__(self) -> str:
        counted = f"{self.tried} cuts tried, {self.again} second cuts, {self.lost} not survived"
        return f"{counted} 断电 {self.tried} 次，恢复中再断电 {self.again} 次，未通过 {self.lost} 次"


@dataclass(frozen=True, slots=True)
class Recovered:
    """A boot after a cut. problems: what does not hold. mended: the flash operations until it was ready."""

    problems: list[str]
    mended: tuple[Operation, ...]


@dataclass(slots=True)
class _Share:
    """One worker's part. ways: each mending that was seen, by its shape: the first state that needed it, and its
    operations."""

    tried: int = 0
    losses: list[Loss] = field(default_factory=list)
    ways: dict[_Shape, _Way] = field(default_factory=dict)


class Player:
    """Plays a scenario on a board that keeps its operations."""

    def __init__(self, board: Board, scenario: Scenario) -> None:
        self._board = board
        self._scenario = scenario
        self.station = Station(board)
        log = read_log(scenario.start)
        scenario.promises += [Promise(0, number, data) for number, data in log.records.items()]
        if log.acknowledged:
            scenario.promises.append(Promise(0, log.acknowledged))
        board.set_rtc(scenario.clock)
        board.power_on()
        self.now = board.run(_READY_MS, until=b"ready terminal")
        self.promise_slots((self.now.slot or "",))

    def tap(self, code: bytes) -> None:
        """A tap that must open the gate; promises its record from the moment the gate opened."""
        before = max(read_log(bytes(self._board.flash)).records, default=0)
        self._board.feed(SCANNER, code)
        tapped = self._board.run(_TAP_MS, until=b"record=") + self._board.run(400)
        self.now = tapped
        opened = [change.operations for change in tapped.pins if change.pins & PIN_GATE]
        if not opened:
            raise ValueError(f"the gate stayed shut: {tapped.status}")
        data = read_log(bytes(self._board.flash)).records[before + 1]
        self._scenario.promises.append(Promise(opened[0], before + 1, data))

    def acknowledge(self) -> None:
        """The station takes all records and acknowledges them."""
        records = self.station.records(read_log(bytes(self._board.flash)).acknowledged + 1)
        self.station.acknowledge(records[-1])
        self._promise_now(Promise(self.operations(), records[-1].number))

    def update(self, image: bytes) -> None:
        """The station uploads an image for slot B, has it tried, and confirms it."""
        self.station.upload(image)
        self.promise_slots(("A", "B"))
        self.station.try_image(read(image).digest)
        self.station.reset()
        self.station.confirm()
        self.promise_slots(("B",))
        self.now = self.station.reset()

    def write_while_on_trial(self, image: bytes) -> None:
        """An image is on trial and the station wants to write the slot of its fall-back: it must not. Then the image is
        confirmed."""
        self.promise_slots(("A", "B"))
        attempts: tuple[Callable[[], None], ...] = (partial(self.station.upload, image), self.station.erase)
        for attempt in attempts:
            try:
                attempt()
            except BoardError:
                continue
            raise ValueError("the fall-back of an image on trial was written")
        self.station.confirm()
        self.promise_slots(("B",))

    def operations(self) -> int:
        """Flash operations until now."""
        return self._board.run(0.001).operations

    def promise_slots(self, slots: tuple[str, ...]) -> None:
        """From now on one of these slots boots."""
        self._promise_now(Promise(self.operations(), slots=slots))

    def finish(self) -> None:
        """Keeps the operations."""
        self._scenario.operations = self._board.operations()

    def _promise_now(self, promise: Promise) -> None:
        self._scenario.promises.append(promise)


def problems(
    board: Board, scenario: Scenario, state: bytes, operation: int, *, tap: bool, ask: bool = True
) -> Recovered:
    """Boots a state and says what does not hold. board: one that keeps its operations. ask: the station does."""
    board.power_off()
    board.flash[:] = state
    board.set_rtc(scenario.clock + 60)
    boot = board.power_on()
    outcome = boot + board.run(_READY_MS, until=b"ready terminal")
    mended = tuple(board.operations()) if outcome.operations else ()
    found = _boots(outcome)
    found += _image(board, outcome, scenario)
    due = [promise for promise in scenario.promises if promise.since <= operation]
    slots = [promise.slots for promise in due if promise.slots]
    if slots and outcome.slot not in slots[-1]:
        found.append(f"slot {outcome.slot} booted, not one of {slots[-1]}")
    log = read_log(bytes(board.flash))
    found += log.complaints
    with_station = max((promise.number for promise in due if promise.number and not promise.data), default=0)
    if log.acknowledged < with_station:
        found.append(f"acknowledged is {log.acknowledged}, the station had an answer for {with_station}")
    later = [promise for promise in scenario.promises if promise.data]
    for promise in later:
        kept = log.records.get(promise.number)
        if kept is None and promise in due and promise.number > log.acknowledged:
            found.append(f"record {promise.number} is missing")
        is_taken = kept is not None and promise not in due and _is_of_a_boot(kept)
        if kept is not None and kept != promise.data and not is_taken:
            found.append(f"record {promise.number} differs")
    if ask and not found:
        found += _station_gets(board, log.records, log.acknowledged)
    if not found and tap and scenario.next_code:
        found += _goes_on(board, scenario.next_code, max([*log.records, log.acknowledged]))
    return Recovered(found, mended)


def _is_of_a_boot(data: bytes) -> bool:
    """Whether an entry is what a boot writes down. It may have a number that no tap was promised before the cut."""
    try:
        facts, _ = parse(data)
    except FactsError:
        return False
    return isinstance(facts, TimeFacts | NoteFacts)


def _boots(outcome: Outcome) -> list[str]:
    if outcome.state != "running" or "ready terminal" not in outcome.status:
        return [f"it does not come up: {outcome.state}, {outcome.status[-200:]!r}"]
    return [note for _, note in outcome.notes if "fault" in note or "watchdog" in note]


def _image(board: Board, outcome: Outcome, scenario: Scenario) -> list[str]:
    for slot in board.hardware.slots:
        if slot.name == outcome.slot:
            try:
                verify(board.flash[slot.start : slot.end], [Ed25519PublicKey.from_public_bytes(scenario.key)])
            except ImageError as error:
                return [f"what booted was not signed: {error.fault}"]
    return []


def _station_gets(board: Board, records: dict[int, bytes], acknowledged: int) -> list[str]:
    sent = {record.number: record.data for record in Station(board).records(acknowledged + 1)}
    wanted = {number: data for number, data in records.items() if number > acknowledged}
    return [] if sent == wanted else [f"the station gets {sorted(sent)}, the log holds {sorted(wanted)}"]


def _goes_on(board: Board, code: bytes, last: int) -> list[str]:
    board.feed(SCANNER, code)
    outcome = board.run(_TAP_MS, until=b"record=") + board.run(5)
    log = read_log(bytes(board.flash))
    if not any(change.pins & PIN_GATE for change in outcome.pins) or max(log.records, default=0) != last + 1:
        return [f"the next tap did not work: {outcome.status[-200:]!r}"]
    return list(log.complaints)


def states(scenario: Scenario) -> Iterator[tuple[int, Cut | None, bytearray]]:
    """Every state of the scenario; the last is the end, without a cut. The buffer is the same each time."""
    memory = bytearray(scenario.start)
    yield from cut_states(memory, scenario.operations)
    yield len(scenario.operations), None, memory


def chosen(operations: Sequence[Operation], every: int) -> set[int]:
    """The numbers of the operations to cut: every `every`-th within a row of programs, each at the address behind the
    one before; and all that are not within one, as there something begins, ends, or is erased."""

    def within_a_row(number: int) -> bool:
        three = operations[max(0, number - 1) : number + 2]
        return (
            len(three) == 3
            and all(one.data is not None for one in three)
            and three[0].address + three[0].size == three[1].address == three[2].address - three[1].size
        )

    return {number for number in range(len(operations) + 1) if number % every == 0 or not within_a_row(number)}


def shape_of(operations: Sequence[Operation]) -> _Shape:
    """What a mending did, apart from where and with what data: 0 for an erase, else how many programs are in the row.
    Every boot writes down that it happened, with its time; two that did the same for the log have one shape."""
    shape: list[int] = []
    end = -1
    for one in operations:
        if one.data is None:
            shape.append(0)
        elif shape and shape[-1] and one.address == end:
            shape[-1] += 1
        else:
            shape.append(1)
        end = one.address + one.size
    return tuple(shape)


def survive(scenario: Scenario, *, every: int = 1, tap_every: int = 1, workers: int = 0) -> Survived:
    """Cuts the `chosen` operations, in `workers` processes (default: one a processor); then, for each way in which the
    boots after that mended the flash, cuts a second time at the `chosen` operations of the mending. tap_every: after
    every how many of the first cuts a tap must work as well."""
    count = workers or processors()
    numbers = chosen(scenario.operations, every)
    with ProcessPoolExecutor(count) as pool:
        shares = [pool.submit(_first_cuts, scenario, numbers, tap_every, share, count) for share in range(count)]
        first = _merged(share.result() for share in shares)
        ways = sorted(first.ways.values(), key=lambda way: way[0])
        shares = [pool.submit(_second_cuts, scenario, ways[share::count], every) for share in range(count)]
        second = _merged(share.result() for share in shares)
    return Survived(tried=first.tried, again=second.tried, losses=first.losses + second.losses)


def _merged(shares: Iterable[_Share]) -> _Share:
    merged = _Share()
    for share in shares:
        merged.tried += share.tried
        merged.losses += share.losses
        for shape, way in share.ways.items():
            merged.ways[shape] = min(way, merged.ways.get(shape, way), key=lambda each: each[0])
    return merged


def _first_cuts(scenario: Scenario, numbers: set[int], tap_every: int, share_number: int, shares: int) -> _Share:
    share = _Share()
    turn = 0
    with _bench(scenario) as board:
        for index, (operation, cut, state) in enumerate(states(scenario)):
            if operation not in numbers:
                continue
            turn += 1
            if turn % shares != share_number:
                continue
            tap = turn // shares % tap_every == 0
            ask = tap or not _writes_a_slot(board, scenario.operations[operation : operation + 1])
            recovered = problems(board, scenario, bytes(state), operation, tap=tap, ask=ask)
            share.losses += [Loss(operation, cut or Cut.BEFORE, one) for one in recovered.problems]
            share.tried += 1
            if recovered.mended:
                share.ways.setdefault(shape_of(recovered.mended), (index, recovered.mended))
    return share


def _writes_a_slot(board: Board, operations: Sequence[Operation]) -> bool:
    """Whether one of them programs an image."""
    slots = board.hardware.slots
    return any(one.data is not None and slot.start <= one.address < slot.end for one in operations for slot in slots)


def _second_cuts(scenario: Scenario, ways: Sequence[_Way], every: int) -> _Share:
    share = _Share()
    wanted = dict(ways)
    with _bench(scenario) as board:
        for index, (operation, first, state) in enumerate(states(scenario)):
            if index not in wanted:
                continue
            numbers = chosen(wanted[index], every)
            for number, cut, torn in cut_states(bytearray(state), wanted[index]):
                if number not in numbers:
                    continue
                recovered = problems(board, scenario, bytes(torn), operation, tap=True)
                again = number, cut
                share.losses += [Loss(operation, first or Cut.BEFORE, one, again) for one in recovered.problems]
                share.tried += 1
    return share


@contextmanager
def _bench(scenario: Scenario) -> Iterator[Board]:
    with tempfile.TemporaryDirectory(prefix="yima-cuts-") as directory:
        path = Path(directory) / "flash"
        path.write_bytes(scenario.start)
        with Board(path, mhz=_MHZ, keep_operations=True) as board:
            yield board
