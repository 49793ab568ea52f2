"""Errors that an engineer reads: each names the thing, says what is wrong, and what to do.

A rider's bad bytes are never an error: they are a verdict with a reason. What stands here is about the device and its
surroundings: files, ports, disks, networks.
"""

from yima.validator.texts import Text, say

__all__ = [
    "BatchTooLargeError",
    "CollectorBusyError",
    "GateError",
    "JournalError",
    "ParametersError",
    "ReaderError",
    "ResolverError",
    "UplinkError",
    "YimaError",
]


class YimaError(Exception):
    """Something an engineer can mend.

    thing: its name as the engineer knows it (a path, a port, a URL, a field). problem and remedy: in both languages.
    """

    def __init__(self, thing: object, problem: Text, remedy: Text) -> None:
        super().__init__(str(thing), problem, remedy)
        self.thing = str(thing)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.thing}: {say(self.problem)}. {say(self.remedy)}."


class ParametersError(YimaError):
    """Parameters that cannot be used; those in force stay in force."""


class ReaderError(YimaError):
    """A scanner or camera that cannot be opened, or that is gone."""


class GateError(YimaError):
    """A gate that cannot be commanded."""


class GateShutError(GateError):
    """A gate that says that it did not open."""


class JournalError(YimaError):
    """A journal that cannot be written or trusted; the gate stays shut, what is recorded stays recorded."""


class ResolverError(YimaError):
    """A resolver that cannot be used as it is named; one that does not answer is no error but an answer."""


class UplinkError(YimaError):
    """A collector that cannot be reached or that answers nonsense; records wait in the journal."""


class CollectorBusyError(UplinkError):
    """The collector asks to come back later. retry_after_s: seconds, bounded."""

    def __init__(self, thing: object, problem: Text, remedy: Text, *, retry_after_s: float | None) -> None:
        super().__init__(thing, problem, remedy)
        self.retry_after_s = retry_after_s


class BatchTooLargeError(UplinkError):
    """Something on the way takes only smaller bodies."""
