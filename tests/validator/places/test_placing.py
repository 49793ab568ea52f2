"""Who listens to an announcer: parts are put together, trouble is told once, nothing ends the listening."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from yima.validator.errors import PlaceError
from yima.validator.guarding.watched import Standing
from yima.validator.happenings import Happening, Notice
from yima.validator.judging import Direction, GateContext, Mode
from yima.validator.places.placing import Placing
from yima.validator.ports import Whereabouts
from yima.validator.texts import Text

WITHIN_S = 5.0
HERE = GateContext(mode=Mode.BUS, city=320500, line=1, station=1, operator=7)
GONE = PlaceError("line", Text("is gone", "已断开"), Text("Plug it in", "请接好"))


class Saying:
    """An announcer that says what it was given, then nothing; exceptions are raised."""

    def __init__(self, *given: Any) -> None:
        self._given = list(given)
        self.closed = 0

    def read(self, timeout_s: float) -> Any:
        if not self._given:
            time.sleep(0.001)
            return None
        one = self._given.pop(0)
        if isinstance(one, Exception):
            raise one
        return one

    def close(self) -> None:
        self.closed += 1
        raise OSError("it will not be closed")


class Listening:
    def __init__(self, *announcers: Saying, known: Callable[[GateContext], bool] = lambda gate: True) -> None:
        self.announcers = list(announcers)
        self.notices: list[Notice] = []
        self.placing = Placing(self.announcers[0], HERE, reopen=self.reopen, known=known, reopen_s=0.001)
        self.opened = iter(self.announcers[1:])

    def reopen(self) -> Saying:
        found = next(self.opened, None)
        if found is None:
            raise GONE
        return found

    def __enter__(self) -> "Listening":
        self.placing.start(self.notices.append)
        return self

    def __exit__(self, *_: object) -> None:
        self.placing.stop()
        assert self.placing.thread.standing is Standing.ENDED

    def until(self, due: Callable[[], bool]) -> None:
        end = time.monotonic() + WITHIN_S
        while not due():
            assert time.monotonic() < end, self.notices
            time.sleep(0.001)

    def at(self, **where: Any) -> None:
        """Waits until it is there, and not taken twice."""
        due = replace(HERE, **where)
        self.until(lambda: self.placing.take() == due)
        assert self.placing.take() is None

    def told(self) -> list[Happening]:
        return [notice.happening for notice in self.notices]


def test_parts_are_put_together_and_the_newest_is_taken_once() -> None:
    said = (
        Whereabouts(line=7, stop=2),
        Whereabouts(stop=3),
        Whereabouts(direction=Direction.EXIT),
        Whereabouts(stop=4, direction=Direction.NONE),
    )
    with Listening(Saying(*said)) as listening:
        listening.at(line=7, station=4)
    assert listening.told() == []
    assert listening.announcers[0].closed == 1


def test_what_is_said_again_moves_nothing() -> None:
    with Listening(Saying(Whereabouts(line=1, stop=1), Whereabouts())) as listening:
        time.sleep(0.02)
        assert listening.placing.take() is None


@pytest.mark.parametrize(
    "fault",
    [
        GONE, RuntimeError("a driver's own"), "a text", Whereabouts(line=70000), Whereabouts(stop=-1),
        Whereabouts(line=True), Whereabouts(direction="exit"),  # type: ignore[arg-type]
    ],
)  # fmt: skip
def test_whatever_a_back_end_does_is_told_once_and_it_is_opened_again(fault: object) -> None:
    with Listening(Saying(fault), Saying(fault), Saying(Whereabouts(stop=9))) as listening:
        listening.at(station=9)
    assert listening.told() == [Happening.PLACE_TROUBLE, Happening.PLACE_BACK]
    assert isinstance(listening.notices[0].error, PlaceError)
    assert [one.closed for one in listening.announcers] == [1, 1, 1]


def test_the_bus_stays_where_it_was_said_to_be_while_nobody_says_more() -> None:
    with Listening(Saying(Whereabouts(stop=5), GONE)) as listening:
        listening.until(lambda: Happening.PLACE_TROUBLE in listening.told())
        listening.at(station=5)


def test_an_unknown_stop_is_told_once_and_the_bus_is_there_all_the_same() -> None:
    said = [Whereabouts(stop=99), Whereabouts(stop=99), Whereabouts(stop=2), Whereabouts(stop=99)]
    with Listening(Saying(*said), known=lambda gate: gate.station < 10) as listening:
        listening.at(station=99)
    unknown = [notice.place.station for notice in listening.notices if notice.place]
    assert listening.told() == [Happening.PLACE_UNKNOWN] * 2
    assert unknown == [99, 99]


def test_who_knows_the_stops_may_fail_and_is_told() -> None:
    def known(gate: GateContext) -> bool:
        raise KeyError(gate.station)

    with Listening(Saying(Whereabouts(stop=2)), known=known) as listening:
        listening.until(lambda: Happening.PLACE_TROUBLE in listening.told())
        listening.at(station=2)


def test_where_the_bus_begins_is_looked_up_as_well() -> None:
    with Listening(Saying(), known=lambda gate: False) as listening:
        listening.until(lambda: listening.told() == [Happening.PLACE_UNKNOWN])


def test_a_back_end_that_hangs_holds_up_nobody() -> None:
    release = threading.Event()

    class Hanging(Saying):
        def read(self, timeout_s: float) -> Any:
            release.wait()  # whoever waited for it would wait for ever

    listening = Listening(Hanging())
    listening.placing.start(listening.notices.append)
    assert listening.placing.take() is None
    release.set()
    listening.placing.stop()
