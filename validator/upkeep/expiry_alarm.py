"""Telling that a package nears its expiry, or is past it: once for each change of its standing, not once a tap."""

from collections.abc import Callable, Mapping

from yima.validator.errors import ParametersError
from yima.validator.packages import Standing, when
from yima.validator.texts import Text


class ExpiryAlarm:
    """texts: what to say of a standing, with `{}` for the moment; a standing without a text is not told."""

    def __init__(
        self, thing: str, texts: Mapping[Standing, Text], remedy: Text, tell: Callable[[ParametersError], None]
    ) -> None:
        self._thing, self._texts, self._remedy, self._tell = thing, texts, remedy, tell
        self._told: Standing | None = None

    def look(self, standing: Standing, expiry: int) -> None:
        """Tells if this standing is new. expiry: unix seconds."""
        if standing is self._told:
            return
        self._told = standing
        if text := self._texts.get(standing):
            moment = when(expiry)
            problem = Text(text.en.format(moment), text.zh.format(moment))
            self._tell(ParametersError(self._thing, problem, self._remedy))
