"""A gate with a passage sensor as the host's device has it: told apart from app/gate.c, to be held against it."""

from collections.abc import Sequence
from typing import Protocol

from yima.validator.device import OPENED_MAX
from yima.validator.errors import GateShutError
from yima.validator.judging import Verdict
from yima.validator.texts import Text

OPEN_MS = 5000


class Counter(Protocol):
    """What has the millisecond counter."""

    tick_ms: int


class Passage:
    """Opens when it is told to and can, for five seconds, and knows who has gone through.

    Riders go in the order in which they were let in. When the gate shuts, those who did not come have not passed, but
    for one who stands in the sensor: that one is through when he leaves it. Of more than a device keeps in mind the
    oldest is forgotten.
    """

    senses_passage = True

    def __init__(self, clocks: Counter, fails: bool) -> None:
        self._clocks = clocks
        self.fails = fails
        self._until = self._admitted = 0
        self._is_inside = False
        self._riders: list[bool | None] = []  # who has passed; None: is still to come

    def open(self, verdict: Verdict) -> None:
        if self.fails:
            raise GateShutError("gate", Text("cannot open", "无法打开"), Text("Free it", "请排除故障"))
        self._give_up()
        if self._clocks.tick_ms >= self._until:
            self._admitted = self._riders.count(None)
        self._admitted += 1
        self._riders = [*self._riders[-OPENED_MAX + 1 :], None]
        self._until = self._clocks.tick_ms + OPEN_MS

    def enter(self) -> None:
        self._give_up()
        self._is_inside = True

    def leave(self) -> None:
        self._give_up()
        if self._is_inside and self._admitted:
            if None in self._riders:
                self._riders[self._riders.index(None)] = True
            self._admitted -= 1
            self._until = self._until if self._admitted else 0
        self._is_inside = False
        self._give_up()

    def passages(self) -> Sequence[bool]:
        self._give_up()
        ended: list[bool] = []
        while self._riders and (passed := self._riders[0]) is not None:
            ended.append(passed)
            del self._riders[0]
        return ended

    def _give_up(self) -> None:
        if self._clocks.tick_ms < self._until:
            return
        coming = [place for place, passed in enumerate(self._riders) if passed is None]
        for place in coming[1 if self._is_inside else 0 :]:
            self._riders[place] = False

    def refuse(self, verdict: Verdict) -> None:
        pass

    def show_again(self, verdict: Verdict) -> None:
        pass

    def close(self) -> None:
        pass
