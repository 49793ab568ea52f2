"""A collector's metrics in Prometheus' text form, by prometheus-client (the extra `metrics`).

Rules:
- What happens is counted as it happens, by this process; what stands in the tables is every collector's, so it is the
  same whichever of them is asked. The tables are looked at no more than once a second.
- Labels have few values: verdicts, kinds, versions. No device, no account, no text from outside.
- Every name begins with `yima_collector_`; a test holds the alert rules and the dashboard against them.
"""

import threading
import time
from collections import Counter as Tally
from collections.abc import Callable, Iterator
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from yima.sdk.centre.collector.intake import Depth
from yima.sdk.centre.fleet import following, hearing, versions
from yima.sdk.centre.fleet.cases import Cases
from yima.sdk.centre.fleet.database import Database
from yima.sdk.centre.fleet.devices import State
from yima.sdk.centre.fleet.versions import Of
from yima.validator.errors import YimaError
from yima.validator.version import VERSION

SILENCES_S: Final = (900, 3600, 86400)
VERSIONS_MOST: Final = 20
LOOK_EVERY_S: Final = 1.0


class Metrics:
    """Counts a collector's events and gives the page. source: the store's name as it is followed; None: it is not.
    depth: what waits for the store. now: unix seconds."""

    def __init__(
        self,
        database: Database,
        *,
        source: str | None,
        depth: Callable[[], Depth],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._registry = registry = CollectorRegistry()
        self._batches = Counter("yima_collector_batches", "Batches that were answered", registry=registry)
        self._entries = Counter("yima_collector_entries", "Records in them, again or new", registry=registry)
        self._quarantined = Counter("yima_collector_quarantined", "Records answered as refused", registry=registry)
        self._refused = Counter("yima_collector_refused", "Requests refused", ["status"], registry=registry)
        self._troubles = Counter("yima_collector_troubles", "Troubles of store and tables", registry=registry)
        about = Gauge("yima_collector_info", "Version of the software", ["version"], registry=registry)
        about.labels(VERSION).set(1)
        for status in ("400", "401", "403", "413"):  # what never came is 0, not missing
            self._refused.labels(status)
        registry.register(_Standing(database, source=source, depth=depth, now=now))

    def happened(self, event: dict[str, Any]) -> None:
        """One event of the collector; from any thread."""
        match event["event"]:
            case "batch":
                self._batches.inc()
                self._entries.inc(event["entries"])
                self._quarantined.inc(len(event["rejected"]))
            case "refused":
                self._refused.labels(str(event["status"])).inc()
            case "trouble":
                self._troubles.inc()

    def page(self) -> bytes:
        """The metrics as Prometheus reads them."""
        return generate_latest(self._registry)


class _Standing:
    """What stands, as gauges."""

    def __init__(
        self, database: Database, *, source: str | None, depth: Callable[[], Depth], now: Callable[[], float]
    ) -> None:
        self._database, self._source, self._depth, self._now = database, source, depth, now
        self._turn = threading.Lock()
        self._seen: list[Metric] = []
        self._looked_at = -LOOK_EVERY_S

    def collect(self) -> Iterator[Metric]:
        """Called for every page."""
        depth = self._depth()
        yield GaugeMetricFamily("yima_collector_waiting_batches", "Batches that wait for the store", depth.batches)
        yield GaugeMetricFamily("yima_collector_waiting_bytes", "Bytes of bodies in memory", depth.bytes)
        yield GaugeMetricFamily("yima_collector_waiting_age_seconds", "Of the batch that waits longest", depth.oldest_s)
        with self._turn:
            if time.monotonic() - self._looked_at >= LOOK_EVERY_S:
                self._looked_at = time.monotonic()
                try:
                    self._seen = [*self._tables(), GaugeMetricFamily("yima_collector_tables_up", "0: unreadable", 1)]
                except YimaError:
                    self._seen = [GaugeMetricFamily("yima_collector_tables_up", "0: unreadable", 0)]
            seen = self._seen
        yield from seen

    def _tables(self) -> Iterator[Metric]:
        now = int(self._now())
        records = CounterMetricFamily("yima_collector_records", "Records judged again", labels=["verdict"])
        for verdict, count in ({"OK": 0} | following.counts(self._database)).items():
            records.add_metric([verdict], count)
        yield records
        cases = GaugeMetricFamily("yima_collector_open_cases", "Cases that nobody settled yet", labels=["kind"])
        for kind, count in Cases(self._database).counts().items():
            cases.add_metric([str(kind)], count)
        yield cases
        standing = following.standing(self._database, self._source or "", now)
        yield GaugeMetricFamily("yima_collector_follows", "1 while somebody judges again", int(standing.follows))
        yield GaugeMetricFamily(
            "yima_collector_judged_timestamp_seconds", "When the newest record came that was judged", standing.at
        )
        with self._database.reading() as rows:
            states = rows.execute("SELECT state, COUNT(*) FROM devices GROUP BY state").fetchall()
        devices = GaugeMetricFamily("yima_collector_devices", "Devices in the register", labels=["state"])
        for state, count in (dict.fromkeys(State, 0) | dict(states)).items():
            devices.add_metric([str(state)], count)
        yield devices
        silent = GaugeMetricFamily(
            "yima_collector_silent_devices", "Enrolled devices not heard of for longer", labels=["longer_than_s"]
        )
        for seconds in SILENCES_S:
            silent.add_metric([str(seconds)], hearing.silent(self._database, now=now, longer_than_s=seconds))
        yield silent
        field = GaugeMetricFamily("yima_collector_running", "Devices by what they run", labels=["of", "version"])
        for of in Of:
            tally = Tally(one.version for one in versions.running(self._database, of))
            for version, count in sorted(tally.items())[-VERSIONS_MOST:]:
                field.add_metric([str(of), str(version)], count)
        yield field
