"""All that is wrong with a source, told at once: who mends a file wants its every fault, not the first.

Whoever reads within `every_problem` goes on behind a fault: it is noted, something harmless takes the place of the
value, and at the end one error tells them all, so that nothing harmless is ever used. Elsewhere a fault raises at once.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from yima.validator.errors import ParametersError

MOST = 200
"""Faults that are noted; behind them reading ends, for a list of a million bad lines helps nobody."""

Made = TypeVar("Made")
_NOTED: ContextVar[list[ParametersError] | None] = ContextVar("noted", default=None)


class ManyProblemsError(ParametersError):
    """Several faults, each said on a line of its own. Thing, problem and remedy are those of the first."""

    def __init__(self, every: Sequence[ParametersError]) -> None:
        super().__init__(every[0].thing, every[0].problem, every[0].remedy)
        self.every = tuple(every)

    def __str__(self) -> str:
        return "\n".join(map(str, self.every))


def problems_of(error: ParametersError) -> tuple[ParametersError, ...]:
    """The faults that an error tells, one or many."""
    return error.every if isinstance(error, ManyProblemsError) else (error,)


@contextmanager
def every_problem() -> Iterator[None]:
    """What is read within goes on behind faults; raises ParametersError at the end if there were any."""
    noted: list[ParametersError] = []
    token = _NOTED.set(noted)
    try:
        yield
    except ParametersError as error:
        noted += [one for one in problems_of(error) if not _among(one, noted)]
    finally:
        _NOTED.reset(token)
    if noted:
        raise noted[0] if len(noted) == 1 else ManyProblemsError(noted)


def tell(error: ParametersError) -> None:
    """Notes a fault where reading goes on behind it; else raises it."""
    noted = _NOTED.get()
    if noted is None or len(noted) >= MOST:
        raise error
    if not _among(error, noted):  # a cell that is read twice is wrong once
        noted.append(error)


def attempt(make: Callable[[], Made], instead: Made) -> Made:
    """What it makes; `instead` where a fault was noted."""
    try:
        return make()
    except ParametersError as error:
        tell(error)
        return instead


def told() -> int:
    """How many faults are noted so far."""
    return len(_NOTED.get() or ())


def _among(error: ParametersError, noted: Sequence[ParametersError]) -> bool:
    return any((one.thing, one.problem) == (error.thing, error.problem) for one in noted)
