"""Cuts the board's power at every flash operation of a day at work, and inside each, and looks what is left.

A scenario is played once, with every flash operation noted, and with what the board promised by then: a gate that
opened promises a record, an answer to the station promises what it says. From the notes follows every state that a cut
can leave (flash.cut_states); each is booted in a fresh board.

What must hold after every cut:
- the board boots, without a fault or the watchdog, and says that it is ready;
- what boots is an image that was signed (checked by firmware_images.image, not by the boot ROM's own code), and the one
  that was promised: before the station asks for a trial the old one, after the confirmation the new one;
- no promised record is missing, none is there twice, none differs; what was acknowledged stays acknowledged;
- the log's chain holds (checked by log_reader and not by the firmware);
- the station gets every record that it has not acknowledged; with `taps`, the next tap is recorded under a new number.
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from firmware_images.image import ImageError, read, verify
from hwsim.board.emulator import Board, Outcome
from hwsim.board.flash import Cut, Operation, cut_states
from hwsim.board.layout import PIN_GATE, SCANNER, SLOTS
from hwsim.board.log_reader import read_log
from hwsim.board.station import Station

_READY_MS = 2000.0
_TAP_MS = 1000.0


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
    """A cut that was not survived."""

    operation: int
    cut: Cut
    what: str


def lost_cuts(losses: Sequence[Loss]) -> int:
    """How many cuts were not survived; one may lose in several ways."""
    return len({(loss.operation, loss.cut) for loss in losses})


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


def problems(board: Board, scenario: Scenario, state: bytes, operation: int, *, tap: bool) -> list[str]:
    """Boots a state and says what does not hold."""
    board.power_off()
    board.flash[:] = state
    board.set_rtc(scenario.clock + 60)
    boot = board.power_on()
    outcome = boot + board.run(_READY_MS, until=b"ready terminal")
    found = _boots(outcome)
    found += _image(bytes(board.flash), outcome, scenario)
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
        if kept is not None and kept != promise.data:
            found.append(f"record {promise.number} differs")
    if not found:
        found += _station_gets(board, log.records, log.acknowledged)
    if not found and tap and scenario.next_code:
        found += _goes_on(board, scenario.next_code, max([*log.records, log.acknowledged]))
    return found


def _boots(outcome: Outcome) -> list[str]:
    if outcome.state != "running" or "ready terminal" not in outcome.status:
        return [f"it does not come up: {outcome.state}, {outcome.status[-200:]!r}"]
    return [note for _, note in outcome.notes if "fault" in note or "watchdog" in note]


def _image(flash: bytes, outcome: Outcome, scenario: Scenario) -> list[str]:
    for slot in SLOTS:
        if slot.name == outcome.slot:
            try:
                verify(flash[slot.start : slot.end], [Ed25519PublicKey.from_public_bytes(scenario.key)])
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
    """Every state of the scenario; the last is the end, without a cut."""
    memory = bytearray(scenario.start)
    yield from cut_states(memory, scenario.operations)
    yield len(scenario.operations), None, memory


def survive(
    scenario: Scenario,
    *,
    every: int = 1,
    tap_every: int = 1,
    workers: int = 0,
) -> tuple[int, list[Loss]]:
    """Tries every `every`-th state, in `workers` processes (default: one a processor); how many were tried, and what
    was not survived. tap_every: after every how many of those a tap must work as well."""
    count = workers or len(os.sched_getaffinity(0))
    tried, losses = 0, []
    with ProcessPoolExecutor(count) as pool:
        shares = [pool.submit(_share, scenario, every, tap_every, number, count) for number in range(count)]
        for share in shares:
            share_tried, share_losses = share.result()
            tried += share_tried
            losses += share_losses
    return tried, losses


def _share(scenario: Scenario, every: int, tap_every: int, number: int, count: int) -> tuple[int, list[Loss]]:
    tried, losses = 0, []
    with tempfile.TemporaryDirectory(prefix="yima-cuts-") as directory:
        path = Path(directory) / "flash"
        path.write_bytes(scenario.start)
        with Board(path) as board:
            for index, (operation, cut, state) in enumerate(states(scenario)):
                if index % every or index // every % count != number:
                    continue
                tap = index // every // count % tap_every == 0
                what = problems(board, scenario, bytes(state), operation, tap=tap)
                losses += [Loss(operation, cut or Cut.BEFORE, one) for one in what]
                tried += 1
    return tried, losses
