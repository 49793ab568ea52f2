"""Errors that an engineer reads: each names the thing, says what is wrong, and what to do.

A rider's bad bytes are never an error: they are a verdict with a reason. What stands here is about the device and its
surroundings: files, ports, disks, networks. What they say may come from outside, and name an address with a password:
so an error is fit to be shown from the moment it is made.
"""

from enum import StrEnum
from typing import ClassVar

from yima.validator.shown import masked_url, shown
from yima.validator.system_words import in_chinese
from yima.validator.texts import Text, say

__all__ = [
    "BatchTooLargeError",
    "CollectorBusyError",
    "GateError",
    "JournalError",
    "ParametersError",
    "PlaceError",
    "ReaderError",
    "ResolverError",
    "UplinkError",
    "YimaError",
]


class Kind(StrEnum):
    """What an error is about; the command's exit status goes by it."""

    USAGE = "usage"
    INPUT = "input"
    DEVICE = "device"
    STATE = "state"
    PARAMETERS = "parameters"
    NETWORK = "network"


class YimaError(Exception):
    """Something an engineer can mend.

    thing: its name as the engineer knows it (a path, a port, a URL, a field). problem and remedy: in both languages.
    """

    kind: ClassVar[Kind] = Kind.INPUT

    def __init__(self, thing: object, problem: Text, remedy: Text) -> None:
        self.thing = _fit(thing)
        self.problem = Text(_fit(problem.en), _fit(in_chinese(problem.zh)))
        self.remedy = Text(_fit(remedy.en), _fit(remedy.zh))
        super().__init__(self.thing, self.problem, self.remedy)

    def __str__(self) -> str:
        stop = say(Text(". ", "。"))
        return f"{self.thing}: {say(self.problem)}{stop}{say(self.remedy)}{stop}".rstrip()


def _fit(text: object) -> str:
    return shown(masked_url(text))


class ParametersError(YimaError):
    """Parameters that cannot be used; those in force stay in force."""

    kind = Kind.PARAMETERS


class ReaderError(YimaError):
    """A scanner or camera that cannot be opened, or that is gone."""

    kind = Kind.DEVICE


class GateError(YimaError):
    """A gate that cannot be commanded."""

    kind = Kind.DEVICE


class GateShutError(GateError):
    """A gate that says that it did not open."""


class PlaceError(YimaError):
    """Whoever says where the bus is cannot be opened, or is gone; it is tried again."""

    kind = Kind.DEVICE


class JournalError(YimaError):
    """A journal that cannot be written or trusted; the gate stays shut, what is recorded stays recorded."""

    kind = Kind.STATE


class ResolverError(YimaError):
    """A resolver that cannot be used as it is named; one that does not answer is no error but an answer."""

    kind = Kind.NETWORK


class UplinkError(YimaError):
    """A collector that cannot be reached or that answers nonsense; records wait in the journal."""

    kind = Kind.NETWORK


class DeviceKeyError(UplinkError):
    """A device key that cannot be read, made or trusted."""

    kind = Kind.STATE


class CollectorBusyError(UplinkError):
    """The collector asks to come back later. retry_after_s: seconds, bounded."""

    def __init__(self, thing: object, problem: Text, remedy: Text, *, retry_after_s: float | None) -> None:
        super().__init__(thing, problem, remedy)
        self.retry_after_s = retry_after_s


class BatchTooLargeError(UplinkError):
    """Something on the way takes only smaller bodies."""
