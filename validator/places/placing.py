"""Who listens to a stop announcer, on a thread of its own, so that no tap waits for what it says or does not say.

Rules it keeps:
- What is said in parts is put together here; the device takes the whole, between two taps, and the newest alone.
- A back-end may raise anything, answer anything, or hang: it is told once, closed, and opened again after a pause. The
  bus stays where it was last said to be.
- A place for which the parameters have no fare is told, once for each; the bus is there all the same, and its records
  say so.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final

from yima.validator.errors import PlaceError, YimaError
from yima.validator.guarding.guards import trouble
from yima.validator.guarding.watched import ThreadState, Watched
from yima.validator.happenings import Happening, Notice
from yima.validator.judging import Direction, GateContext
from yima.validator.judging.loop import TapLoop
from yima.validator.ports import Place, Whereabouts

_POLL_S: Final = 0.2
_REOPEN_S: Final = 3.0
_STOP_S: Final = 1.0
_NUMBER_MAX: Final = 0xFFFF


class Placing:
    """Where one bus is. gate: where it is before anything was said. reopen: opens the announcer's line anew.

    known: whether riders there can be charged by the parameters in force; asked on the listening thread.
    """

    def __init__(
        self,
        place: Place,
        gate: GateContext,
        *,
        reopen: Callable[[], Place],
        known: Callable[[GateContext], bool] = lambda gate: True,
        reopen_s: float = _REOPEN_S,
    ) -> None:
        self._place: Place | None = place
        self._reopen = reopen
        self._reopen_s = reopen_s
        self._known = known
        self._gate = self._taken = gate
        self._judged: tuple[GateContext, bool] = (gate, True)
        self._told = ""
        self._tell: Callable[[Notice], None] = lambda notice: None
        self._stopping = threading.Event()
        self._watched = Watched("place", self._listen, on_trouble=self._trouble)

    @property
    def thread(self) -> ThreadState:
        """How its thread stands."""
        return self._watched.state

    def start(self, tell: Callable[[Notice], None]) -> None:
        """Begins to listen. tell: is called on the listening thread."""
        self._tell = tell
        self._watched.start()

    def take(self) -> GateContext | None:
        """Where the bus is, if it was said to be elsewhere since the last call. Never waits."""
        self._watched.look()
        gate = self._gate
        if gate == self._taken:
            return None
        self._taken = gate
        return gate

    def move(self, loop: TapLoop) -> None:
        """The bus is where it was last said to be. Between two taps, or before one is judged; never waits."""
        place = self.take()
        if place is not None and loop.place(place):
            self._tell(Notice(happening=Happening.PLACE, place=place))

    def stop(self) -> None:
        """Ends listening; a back-end that hangs is left to itself."""
        self._stopping.set()
        self._watched.join(_STOP_S)

    def _listen(self) -> None:
        try:
            self._look_up(self._gate)
            while not self._stopping.is_set():
                try:
                    self._hear(self._open())
                except Exception as error:  # whatever a back-end does
                    self._close()
                    self._trouble(error if isinstance(error, PlaceError) else trouble(PlaceError, "place", error))
                    self._stopping.wait(self._reopen_s)
        finally:
            self._close()

    def _open(self) -> Place:
        if self._place is None:
            self._place = self._reopen()
        return self._place

    def _hear(self, place: Place) -> None:
        said: object = place.read(_POLL_S)
        if said is not None and not _is_whereabouts(said):
            raise trouble(PlaceError, "place", said)
        if self._told:
            self._told = ""
            self._tell(Notice(happening=Happening.PLACE_BACK))
        if isinstance(said, Whereabouts):
            here = self._gate
            gate = replace(
                here,
                line=here.line if said.line is None else said.line,
                station=here.station if said.stop is None else said.stop,
                direction=said.direction or here.direction,
            )
            self._gate = gate
            self._look_up(gate)

    def _look_up(self, gate: GateContext) -> None:
        known = True
        try:
            known = self._known(gate)
        except Exception as error:  # the bus moves, whether its stop is known or cannot be told
            self._trouble(trouble(PlaceError, "place", error))
        judged = (gate, known)
        if judged != self._judged and not judged[1]:
            self._tell(Notice(happening=Happening.PLACE_UNKNOWN, place=gate))
        self._judged = judged

    def _trouble(self, error: YimaError) -> None:
        if str(error) != self._told:
            self._told = str(error)
            self._tell(Notice(happening=Happening.PLACE_TROUBLE, error=error))

    def _close(self) -> None:
        place, self._place = self._place, None
        with suppress(Exception):  # what is gone may not be closed
            if place is not None:
                place.close()


def _is_whereabouts(said: object) -> bool:
    return (
        isinstance(said, Whereabouts)
        and all(
            number is None or (isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= _NUMBER_MAX)
            for number in (said.line, said.stop)
        )
        and (said.direction is None or isinstance(said.direction, Direction))
    )
