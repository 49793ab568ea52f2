"""A bus that is told where it is: each tap is charged and recorded where it was made."""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.validator.test_device import Bench
from yima.sdk.issuer import Rider
from yima.validator.errors import PlaceError
from yima.validator.happenings import Happening
from yima.validator.journal.facts import TapFacts, parse
from yima.validator.judging import Direction, GateContext, Mode, Reason, Validator
from yima.validator.judging.loop import GateAnswer, TapLoop
from yima.validator.judging.record import Terminal, fields_of
from yima.validator.parameters.rules import Fare, FareKind, Stage, Station
from yima.validator.places.placing import Placing
from yima.validator.ports import Reading, Whereabouts
from yima.validator.texts import Text

WITHIN_S = 5.0
LINE, STATION = 0x000D, 0x000E  # tags of the ministry's record
STAGED: dict[str, Any] = {
    "fares": [Fare(rule="k7", mode=Mode.BUS, city=320500, line=7, kind=FareKind.STAGES, table="k7")],
    "stages": {"k7": [Stage(up_to_m=3000, fen=100), Stage(up_to_m=6000, fen=200), Stage(up_to_m=None, fen=300)]},
    "stations": [Station(mode=Mode.BUS, city=320500, line=7, station=n, metres=4000 * n) for n in (1, 2, 3)],
}
Ruled = Callable[..., Validator]
Script = Sequence[Whereabouts | PlaceError | bytes]


class Drive:
    """An announcer and a reader on one bus: `stop N` is said before the code behind it is shown."""

    def __init__(self, bench: Bench, script: Script) -> None:
        self._bench = bench
        self._script = list(script)
        self._said: Whereabouts | PlaceError | None = None
        self._due = 0  # places that must have been taken before the next code is shown

    # the announcer
    def announced(self) -> "Drive":
        return self

    def read(self, timeout_s: float) -> Any:
        said, self._said = self._said, None
        if isinstance(said, PlaceError):
            raise said
        if said is None:
            time.sleep(0.001)
        return said

    def close(self) -> None:
        pass

    # the reader
    def codes(self) -> "Codes":
        return Codes(self)

    def next(self) -> bytes | None:
        taken = len([one for one in self._bench.notices if one.happening is Happening.PLACE])
        if self._said is not None or taken < self._due:  # what was said is heard before anything else comes
            time.sleep(0.001)
            return None
        one = self._script.pop(0)
        if isinstance(one, bytes):
            return one
        self._said = one
        self._due += isinstance(one, Whereabouts)
        return None

    @property
    def over(self) -> bool:
        return not self._script


class Codes:
    def __init__(self, drive: Drive) -> None:
        self._drive = drive

    @property
    def exhausted(self) -> bool:
        return self._drive.over

    def read(self, timeout_s: float) -> Reading | None:
        code = self._drive.next()
        now = time.monotonic_ns()
        return None if code is None else Reading(payload=code, first_ns=now, last_ns=now)

    def close(self) -> None:
        pass


@pytest.fixture
def codes(new_rider: Callable[..., Rider]) -> list[bytes]:
    now = int(time.time())
    return [
        new_rider(card_account=f"310487000000000200{n:02}", authorised_until=now + 86400).code(now) for n in range(6)
    ]


def driven(tmp_path: Path, validator: Validator, script: Script) -> Bench:
    bench = Bench(tmp_path, lambda: validator)
    drive = Drive(bench, script)
    placing = Placing(drive, validator.gate, reopen=drive.announced, reopen_s=0.001)
    bench.device(drive.codes(), placing=placing).run(threading.Event())
    return bench


def taps(bench: Bench) -> list[tuple[int, int, Direction, int, str]]:
    """Of each tap: line, station, direction, fare, reason."""
    journal = bench.journal()
    found = [parse(entry.content) for entry in journal.pending(99)]
    journal.close()
    return [
        (facts.line, facts.station, facts.direction, facts.fare_fen, Reason(facts.reason).name)
        for facts, _ in found
        if isinstance(facts, TapFacts)
    ]


def test_staged_fares_follow_the_bus_and_the_facts_say_where_each_tap_was_made(
    tmp_path: Path, ruled: Ruled, codes: list[bytes]
) -> None:
    """A bug found: line and stop were fixed when the process started, so every rider paid the first stop's fare."""
    script: Script = [
        Whereabouts(line=7, stop=1), codes[0], codes[1], Whereabouts(stop=2), codes[2], Whereabouts(stop=3), codes[3],
    ]  # fmt: skip
    bench = driven(tmp_path, ruled(**STAGED), script)
    none = Direction.NONE
    assert taps(bench) == [
        (7, 1, none, 300, "ACCEPTED"),
        (7, 1, none, 300, "ACCEPTED"),
        (7, 2, none, 200, "ACCEPTED"),
        (7, 3, none, 100, "ACCEPTED"),
    ]
    places = [notice.place for notice in bench.notices if notice.happening is Happening.PLACE]
    assert [(place.line, place.station) for place in places if place] == [(7, 1), (7, 2), (7, 3)]


def test_the_ministrys_record_says_the_same_place(tmp_path: Path, ruled: Ruled, codes: list[bytes]) -> None:
    bench = driven(tmp_path, ruled(**STAGED), [Whereabouts(line=7, stop=2), codes[0]])
    journal = bench.journal()
    facts, record = parse(journal.pending(99)[-1].content)
    journal.close()
    assert isinstance(facts, TapFacts)
    tags = dict(fields_of(record))
    assert (tags[LINE], tags[STATION]) == (b"7", b"2")


def test_a_stop_without_a_fare_is_refused_and_recorded_where_it_was(
    tmp_path: Path, ruled: Ruled, codes: list[bytes]
) -> None:
    bench = driven(tmp_path, ruled(**STAGED), [Whereabouts(line=7, stop=99), codes[0], Whereabouts(stop=3), codes[1]])
    assert taps(bench) == [(7, 99, Direction.NONE, 0, "RIDE_NOT_PRICED"), (7, 3, Direction.NONE, 100, "ACCEPTED")]


def test_an_announcer_that_is_gone_leaves_the_bus_where_it_was(
    tmp_path: Path, ruled: Ruled, codes: list[bytes]
) -> None:
    gone = PlaceError("line", Text("is gone", "已断开"), Text("Plug it in", "请接好"))
    script: Script = [Whereabouts(line=7, stop=2), codes[0], gone, codes[1], Whereabouts(stop=3), codes[2]]
    bench = driven(tmp_path, ruled(**STAGED), script)
    assert [(station, fen) for _, station, _, fen, _ in taps(bench)] == [(2, 200), (2, 200), (3, 100)]
    assert Happening.PLACE_TROUBLE in bench.told()


def loop_of(validator: Validator) -> TapLoop:
    return TapLoop(validator, Terminal(terminal="gate-7"), run=1, senses_passage=False, not_before=0)


def test_a_metro_gate_stands_where_it_stands(ruled: Ruled) -> None:
    validator = ruled(mode=Mode.METRO, line=1, station=5, direction=Direction.EXIT)
    here = validator.gate
    elsewhere = GateContext(mode=Mode.METRO, city=320500, line=1, station=6, direction=Direction.EXIT)
    assert loop_of(validator).place(elsewhere) is False
    assert validator.gate == here


def test_nothing_moves_while_a_tap_is_in_hand(ruled: Ruled, codes: list[bytes]) -> None:
    validator = ruled(**STAGED, line=7, station=1)
    loop, now = loop_of(validator), int(time.time())
    step = loop.moment(now, 1000, 1)
    while step.name != "NOTHING":
        step = loop.recorded(1) if step.name == "RECORD" else loop.done()
    assert loop.reading(codes[0], now, 1001, 0, 2).name == "RECORD"
    stop_2 = GateContext(mode=Mode.BUS, city=320500, line=7, station=2)
    assert loop.place(stop_2) is False
    assert loop.state.unexpected == 1
    facts, _ = parse(loop.entry)
    assert isinstance(facts, TapFacts)
    assert facts.station == 1
    loop.recorded(2)
    loop.gate(2, GateAnswer.OPENED)
    assert loop.place(stop_2) is True
    assert validator.gate == stop_2
