"""A collector at work with everything beside it, over a real connection."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx

from tests.uplinks import plain_http
from yima.sdk.centre.collector.app import Collector
from yima.sdk.centre.collector.store import Store
from yima.sdk.cli.collect_fleet import FleetSide
from yima.sdk.serving import Serving


class AtWork:
    """What a test has to do with. url: where the collector listens; events: what it told."""

    def __init__(self, url: str, store: Path, side: FleetSide, events: list[dict[str, Any]]) -> None:
        self.url, self.store, self.side, self.events = url, store, side, events

    def client(self, key: str = "") -> httpx.Client:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return plain_http(base_url=self.url, headers=headers, timeout=200)


@contextmanager
def collector_at_work(
    folder: Path, *, bench: bool = True, readers: Path | None = None, published: Path | None = None
) -> Iterator[AtWork]:
    """As `yima collect` puts it together."""
    events: list[dict[str, Any]] = []
    path = folder / "trips.db"
    with ExitStack() as ending:
        store = Store(path)
        ending.callback(store.close)
        arguments: Any = SimpleNamespace(store=path, bench=bench, readers=readers, published=published)
        sides: list[FleetSide] = []

        def show(event: dict[str, Any]) -> None:
            events.append(event)
            for side in sides:
                side.happened(event)

        side = FleetSide(arguments, show, ending)
        sides.append(side)
        side.follow()
        collector = Collector(
            store,
            enrolled=side.register.keys,
            trust=side.trust,
            may_read=None if bench else side.may_read,
            on_event=show,
        )
        with Serving(side.beside(collector)) as serving:
            yield AtWork(serving.url, path, side, events)
