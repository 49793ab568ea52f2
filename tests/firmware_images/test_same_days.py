"""The host's device and the firmware's live through the same random days and do the same.

One is validator/device.py with its journal, the other firmware_images/app/device.c with its flash log. Both have the
core's loop in common, and nothing around it: this holds that what is around it agrees as well, to the byte of every
entry. A day is riders, wrong and used codes, time that passes and clocks that jump, a station that sets them, journals
that take nothing, gates that cannot open, other parameters, power cuts, acknowledgements, and who goes through the
passage.
"""

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.firmware_images.device_host import HostBoard
from tests.firmware_images.passage import OPEN_MS, Passage
from yima.firmware_images.provision import Settings
from yima.hwsim.board.workshop import CITY, CLOCK, ORGANISATION, PLATFORM, make_world
from yima.sdk.parameters.signing import Envelope, sign_package
from yima.sdk.sm2 import SigningKey
from yima.validator.device import OPENED_MAX, Device
from yima.validator.errors import JournalError
from yima.validator.happenings import Happening, Notice, Tap
from yima.validator.journal import SegmentJournal, backlog
from yima.validator.journal.facts import Outcome, OutcomeFacts, TapFacts, parse
from yima.validator.journal.glance import reverses
from yima.validator.judging import GateContext, Mode, Moment, Validator
from yima.validator.judging.record import Terminal
from yima.validator.parameters import Parameters, from_mapping
from yima.validator.ports import JournalKey, Reading
from yima.validator.texts import Text

DAY_S, GRACE_S = 86_400, 3 * 86_400
EARLIEST = 1_767_225_600

Event = tuple[str, Any]
WORLD = make_world()
KEY = SigningKey.from_int(5)
POSTER = b"HTTP" + b"x" * 2900


@dataclass(slots=True)
class Clocks:
    unix_s: int = CLOCK
    tick_ms: int = 5_000

    def now(self) -> Moment:
        return Moment(unix_s=self.unix_s, tick_ms=self.tick_ms)


class Failing(SegmentJournal):
    """A journal that takes nothing when it is told so."""

    fails = False

    def append(self, content: bytes) -> JournalKey:
        if self.fails:
            raise JournalError("journal", Text("takes nothing", "无法写入"), Text("Wait", "请稍候"))
        return super().append(content)


@dataclass(slots=True)
class Seen:
    """What one of the two did: taps as (reason, let in, again, entry), and how it stood after each event."""

    taps: list[tuple[str, bool, bool, int]] = field(default_factory=list)
    stands: list[tuple[bool, bool]] = field(default_factory=list)
    entries: list[bytes] = field(default_factory=list)


class Host:
    """One device over its power cuts; its reader makes the day go on."""

    def __init__(self, folder: Path, first: Parameters) -> None:
        self._path = folder / "journal"
        self.clocks = Clocks()
        self.seen = Seen()
        self._parameters, self._until = first, CLOCK + 100 * DAY_S + GRACE_S
        self._handed: Parameters | None = None
        self._fails = self._gate_fails = self._in_service = False

    def live(self, events: Sequence[Event], takes: Sequence[bool]) -> Seen:
        self._events, self._takes = list(events), list(takes)
        while True:
            self._run()
            if not self._events:
                break
            _, (off_s, drift_s) = self._events.pop(0)  # the power is gone
            self.clocks.unix_s += off_s + drift_s
            self.clocks.tick_ms = 3_000
        journal = SegmentJournal(self._path, "T1", epoch_for_new=1)
        self.seen.entries = [entry.content for entry in journal.entries(0, 10_000)]
        journal.close()
        return self.seen

    def _run(self) -> None:
        self._journal = Failing(self._path, "T1", epoch_for_new=1)
        self._journal.fails = self._fails
        self._gate = Passage(self.clocks, self._gate_fails)
        self._in_service = False
        self._begun = self._over = False
        self._device = Device(
            reader=self,
            validator=Validator(self._parameters, GateContext(mode=Mode.METRO, city=CITY)),
            journal=self._journal,
            gate=self._gate,
            clock=self.clocks,
            terminal=Terminal(terminal="T1", software="host"),
            on_tap=self._tap,
            on_notice=self._notice,
            upkeep=self,
            not_before=EARLIEST,
        )
        self._device.run(threading.Event())

    def _tap(self, tap: Tap) -> None:
        verdict = tap.verdict
        went = verdict.accepted or verdict.was_accepted
        self.seen.taps.append((verdict.reason.name, went, verdict.again, tap.key.sequence if tap.key else 0))

    def _notice(self, notice: Notice) -> None:
        if notice.happening is Happening.SERVICE:
            self._in_service = notice.reason is None

    def look(self, now: Moment) -> Parameters | None:
        handed, self._handed = self._handed, None
        return handed

    def until(self) -> int:
        return self._until

    @property
    def exhausted(self) -> bool:
        return self._over

    def read(self, timeout_s: float) -> Reading | None:
        """The next event of the day; a tap is handed over as if its last byte had come this moment."""
        if self._begun:
            self.seen.stands.append((self._in_service, self._device.time_trusted))
        self._begun = True
        if not self._events or self._events[0][0] == "power":
            self._over = True
            return None
        kind, value = self._events.pop(0)
        match kind:
            case "show":
                now = time.monotonic_ns() + 10**12
                return Reading(payload=value, first_ns=now, last_ns=now)
            case "time":
                self.clocks.unix_s += value // 1000
                self.clocks.tick_ms += value
            case "jump":
                self.clocks.unix_s += value
            case "confirm":
                self.clocks.unix_s = value
                self._device.confirm_time("station")
            case "journal":
                self._fails = self._journal.fails = value
            case "gate":
                self._gate_fails = self._gate.fails = value
            case "parameters" if self._takes.pop(0):
                self._parameters, self._until = value[0], value[2] + GRACE_S
                self._handed = self._parameters
            case "enter":
                self._gate.enter()
            case "leave":
                self._gate.leave()
            case "acknowledge":
                self._journal.acknowledge(self._journal.last_sequence(), {})
        return None

    def close(self) -> None:
        pass


def live_on_board(board: HostBoard, events: Sequence[Event]) -> tuple[Seen, list[bool]]:
    """The same day on the board, and which parameters it took."""
    seen, takes, clocks = Seen(), [], Clocks()
    board.start(clocks.unix_s, clocks.tick_ms)
    board.turn()
    for number, (kind, value) in enumerate(events):
        match kind:
            case "show":
                board.tap(value)
            case "time":
                clocks.unix_s += value // 1000
                clocks.tick_ms += value
            case "jump":
                clocks.unix_s += value
            case "confirm":
                clocks.unix_s = value
                board.confirm(value)
            case "journal":
                board.refuse_flash(value)
            case "gate":
                board.fail_gate(value)
            case "parameters":
                takes.append(bool(board.take(value[1])))
            case "enter":
                board.enter()
            case "leave":
                board.leave()
            case "acknowledge":
                board.acknowledge(max(board.log.records))
            case "power":
                clocks.unix_s += sum(value)
                clocks.tick_ms = 3_000
                board.start(clocks.unix_s, clocks.tick_ms)
        board.clock(clocks.unix_s, clocks.tick_ms)
        board.turn()
        is_at_end = number + 1 == len(events)
        if kind != "power":
            seen.stands.append(board.stands)
        for tap in board.told():
            seen.taps.append(
                (tap["name"], tap["accepted"] == "1", tap["again"] == "1", int(tap["record"]))
            )  # fmt: skip
        assert board.astray == 0 or not is_at_end
    return seen, takes


def parameters_of(version: int, expiry: int, **limits: int) -> tuple[Parameters, bytes, int]:
    """What a host judges by, the package for the board, and its expiry."""
    made = from_mapping(
        {
            "environment": "test",
            "version": version,
            "fares": {"metro": 300 + version},
            "roots": [{"certificate": WORLD.root.certificate.hex()}],
            "whitelist": [{"organisation": ORGANISATION, "platform": PLATFORM}],
            "limits": limits,
        },
        source=f"version {version}",
    )
    envelope = Envelope(
        environment="test", version=version, not_before=EARLIEST, expiry=expiry, next_keys=(KEY.compressed,)
    )
    return made, sign_package(bytes(made.image), envelope, [KEY]), expiry


FIRST = parameters_of(1, CLOCK + 100 * DAY_S)
LIMITS: dict[str, Sequence[Any]] = {
    "offline_max_s": (0, 600, DAY_S),
    "debounce_ms": (2000, 500),
    "account_interval_s": (0, 0, 30),
}


def a_day(seed: int, events: int = 120) -> list[Event]:
    """Random events; power comes back with its clock right, or not."""
    draw = random.Random(seed)
    made: list[Event] = []
    version, jumped, fails = 1, 0, False
    true_s = CLOCK  # what a right clock would show
    codes = [WORLD.code(0), WORLD.code(99, CLOCK - DAY_S)]

    def kinds() -> Sequence[tuple[int, Callable[[], Event]]]:
        return (
            (10, lambda: ("show", new_code())),
            (8, lambda: ("show", draw.choice(codes[-5:]))),
            (2, lambda: ("show", draw.choice([codes[0], codes[1], b"", b"no code", codes[0][:-1], POSTER]))),
            (12, lambda: ("time", draw.choice([300, 1000, 3000, 20_000, 70_000]))),
            (1, lambda: ("time", draw.choice([3_600_000, 5 * 3_600_000]))),
            (2, lambda: ("jump", draw.choice([-DAY_S, -3000, 4000, 2 * DAY_S, 1]))),
            (2, lambda: ("jump", -jumped)),
            (2, lambda: ("confirm", true_s + draw.choice([0, 0, -90, 90]))),
            (2, lambda: ("journal", draw.random() < 0.4)),
            (3, lambda: ("gate", draw.random() < 0.5)),
            (2, lambda: ("parameters", draw_parameters())),
            (6, lambda: ("enter", None)),
            (6, lambda: ("leave", None)),
            (1, lambda: ("acknowledge", None)),
            (1, lambda: ("power", (draw.choice([1, 60, 7200]), draw.choice([0, 0, 0, -3600, DAY_S])))),
        )  # fmt: skip

    def new_code() -> bytes:
        codes.append(WORLD.code(len(codes), true_s))
        return codes[-1]

    def draw_parameters() -> tuple[Parameters, bytes, int]:
        expiry = CLOCK + draw.choice([100 * DAY_S, 100 * DAY_S, -2 * DAY_S, 3600])
        return parameters_of(version + 1, expiry, **{name: draw.choice(those) for name, those in LIMITS.items()})

    while len(made) < events:
        table = kinds()
        kind, value = draw.choices([make for _, make in table], [weight for weight, _ in table])[0]()
        if kind == "acknowledge" and fails:
            continue  # a flash that takes nothing takes no acknowledgement
        if kind == "parameters" and fails:
            continue
        version += kind == "parameters"
        fails = value if kind == "journal" else fails
        true_s += value // 1000 if kind == "time" else value[0] if kind == "power" else 0
        jumped = jumped + value if kind == "jump" else 0 if kind == "confirm" else jumped
        jumped += value[1] if kind == "power" else 0
        made.append((kind, value))
    return made


REVERSING = 8  # of this day it is known that gates fail for riders who were let in


def kept_of_both(library: Path, tmp_path: Path, events: list[Event]) -> list[bytes]:
    """What lies in the log of the board after these events, and in the host's journal."""
    board = HostBoard(library, Settings(terminal="T1", city=CITY, keys=(KEY.compressed,)), FIRST[1])
    on_board, takes = live_on_board(board, events)
    host = Host(tmp_path, FIRST[0])
    on_host = host.live(events, takes)
    assert on_host.taps == on_board.taps
    assert on_host.stands == on_board.stands
    log = board.log
    assert not log.complaints
    kept = [log.records[number] for number in sorted(log.records)]
    assert on_host.entries[len(on_host.entries) - len(kept) :] == kept
    return kept


@pytest.mark.parametrize("seed", range(12))
def test_the_same_random_day_is_the_same_on_host_and_board(
    seed: int, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "UNSENT_S", 0)
    kept = kept_of_both(library, tmp_path, a_day(seed))
    assert seed != REVERSING or any(map(reverses, kept))
    assert len(kept) > 20


def test_of_more_riders_than_are_kept_in_mind_the_oldest_is_forgotten_by_both(library: Path, tmp_path: Path) -> None:
    """A bug found: the board forgot the newest, of whom the core was to hear, and told of the oldest, whom it had
    forgotten."""
    riders = OPENED_MAX + 1
    events: list[Event] = [("show", WORLD.code(rider, CLOCK)) for rider in range(riders)]
    events += [("enter", None), ("leave", None)] * (riders - 2) + [("time", 2 * OPEN_MS)]
    facts = [parse(entry)[0] for entry in kept_of_both(library, tmp_path, events)]
    taps = [number for number, one in enumerate(facts, 1) if isinstance(one, TapFacts)]
    ends = [(one.tap, one.outcome) for one in facts if isinstance(one, OutcomeFacts)]
    assert [tap for tap, _ in ends] == taps[1:]
    assert [end for _, end in ends] == [Outcome.PASSED] * (riders - 2) + [Outcome.NOT_PASSED]


def test_who_stands_in_the_sensor_when_the_gate_shuts_is_not_taken_for_the_next_rider(
    library: Path, tmp_path: Path
) -> None:
    """A bug found: when the one in the sensor left, the gate shut before the next rider, whose way in was recorded as
    not taken; and who had not come was said to have passed in the next one's place."""
    first, stays_away, third = (("show", WORLD.code(rider, CLOCK)) for rider in range(3))
    late: list[Event] = [("enter", None), ("time", 2 * OPEN_MS), third, ("leave", None), ("time", 1000)]
    events = [first, stays_away, *late, ("enter", None), ("leave", None), ("time", 2 * OPEN_MS)]
    facts = [parse(entry)[0] for entry in kept_of_both(library, tmp_path, events)]
    ends = [one.outcome for one in facts if isinstance(one, OutcomeFacts)]
    assert ends == [Outcome.PASSED, Outcome.NOT_PASSED, Outcome.PASSED]
