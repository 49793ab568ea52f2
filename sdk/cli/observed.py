"""Whether a run is observed, by its command line; the libraries for it are loaded only then."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from yima.sdk.observing.seen import Looking
from yima.validator.happenings import Happening, Notice, Tap

if TYPE_CHECKING:
    from yima.sdk.observing.observer import Observer


class Unobserved:
    """Nobody looks."""

    def start(self, looking: Looking, turned_at: Callable[[], float]) -> None:
        """See Observer."""

    def tap(self, tap: Tap) -> None:
        """See Observer."""

    def notice(self, notice: Notice) -> None:
        """See Observer."""

    def turned(self) -> None:
        """See Observer."""

    def stop(self) -> None:
        """See Observer."""


def observer_for(address: str | None, device: str, tell: Callable[[Notice], None]) -> "Observer | Unobserved":
    """What answers with metrics at [HOST:]PORT, if it is to. Raises ServingError when the port cannot be had."""
    if address is None:
        return Unobserved()
    from yima.sdk.observing.observer import Observer  # noqa: PLC0415 - an optional extra

    return Observer(
        address, device, on_trouble=lambda error: tell(Notice(happening=Happening.METRICS_TROUBLE, error=error))
    )
