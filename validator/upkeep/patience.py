"""What could not be done for a reason that passes, as a full disk: it is tried again now and then, and told once."""

from yima.validator.errors import YimaError
from yima.validator.judging import Moment

AGAIN_MS = 60_000
"""How long it is left alone: each try writes to the disk."""


class Patience:
    """With one thing, until it is done."""

    def __init__(self) -> None:
        self._until_ms = 0
        self._told = ""

    def is_over(self, now: Moment) -> bool:
        """Whether it is to be tried."""
        return now.tick_ms >= self._until_ms

    def is_news(self, error: YimaError, now: Moment) -> bool:
        """It was tried and could not be done; whether nobody was told so yet."""
        self._until_ms = now.tick_ms + AGAIN_MS
        told, self._told = self._told, str(error)
        return self._told != told
