"""The metrics of one run of a device and the port they are asked at: put together here, so that `yima run` need not."""

from collections.abc import Callable

from yima.sdk.observing.endpoint import Endpoint, Page, address_of
from yima.sdk.observing.metrics import Metrics
from yima.sdk.observing.seen import Looking, Seen
from yima.validator.errors import YimaError
from yima.validator.happenings import Notice, Tap

_TEXT = "text/plain; version=1.0.0; charset=utf-8"


class Observer:
    """The metrics of one run, on a port. address: HOST:PORT, or PORT on this machine.

    on_trouble: told when its thread dies. Raises ServingError if the port cannot be had.
    """

    def __init__(self, address: str, device: str, *, on_trouble: Callable[[YimaError], None]) -> None:
        self._looking: Looking | None = None
        self._turned_at: Callable[[], float] = lambda: 0.0
        self._metrics = Metrics(device, look=self._look, turned_at=self._turned)
        self._endpoint = Endpoint(
            address_of(address), {"/metrics": Page(_TEXT, self._metrics.page)}, on_trouble=on_trouble
        )

    def start(self, looking: Looking, turned_at: Callable[[], float]) -> None:
        """Begins to answer, with looks at this device."""
        self._looking, self._turned_at = looking, turned_at
        self._endpoint.start()

    def tap(self, tap: Tap) -> None:
        """One presentation."""
        self._metrics.tap(tap)

    def notice(self, notice: Notice) -> None:
        """What happened besides."""
        self._metrics.notice(notice)

    def turned(self) -> None:
        """The loop of a tap has turned."""
        self._endpoint.look()

    def stop(self) -> None:
        """Frees the port."""
        self._endpoint.stop()

    def _turned(self) -> float:
        return self._turned_at()

    def _look(self) -> Seen:
        assert self._looking is not None  # nothing is asked before `start`
        return self._looking.look()
