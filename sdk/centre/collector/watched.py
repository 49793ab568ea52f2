"""A collector as its console shows it: what it told, and what came of it since the start. The store is not asked."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from yima.sdk.observing.console import Console
from yima.validator.errors import YimaError

DEVICES_MOST: Final = 10_000
"""Devices that are counted."""


class Watching:
    """Counts a collector's events, and shows them where there is to be a console."""

    def __init__(self) -> None:
        self._console: Console | None = None
        self._counts = dict.fromkeys(("batches", "entries", "rejected", "refusals", "troubles"), 0)
        self._devices: set[str] = set()

    def show(
        self, address: str, name: str, token_file: Path | None, *, on_trouble: Callable[[YimaError], None]
    ) -> None:
        """Begins to answer. Raises ServingError."""
        about = {"kind": "collector", "name": name}
        console = Console(address, about, token_file=token_file, look=self._look, on_trouble=on_trouble)
        console.endpoint.start()
        self._console = console

    def happened(self, event: Mapping[str, Any]) -> None:
        """One event of the collector; from any thread."""
        counts = self._counts
        match event["event"]:
            case "batch":
                counts["batches"] += 1
                counts["entries"] += event["entries"]
                counts["rejected"] += len(event["rejected"])
                if len(self._devices) < DEVICES_MOST:
                    self._devices.add(event["device"])
            case "refused":
                counts["refusals"] += 1
            case "trouble":
                counts["troubles"] += 1
        if self._console is not None:
            told = {"at": int(time.time()), **event}
            self._console.happened(lambda: told)
            self._console.endpoint.look()

    def stop(self) -> None:
        """Frees the port."""
        if self._console is not None:
            self._console.endpoint.stop()

    def _look(self) -> dict[str, int]:
        return {**self._counts, "devices": len(self._devices)}
