"""A device's metrics in Prometheus' text form, by prometheus-client (the extra `metrics`).

Rules:
- What happens is counted as it happens, by the callbacks of the device; what stands is looked at when it is asked for,
  at most once a second.
- Labels have few values: reasons, steps, happenings, threads. No account, no address, no text from outside.
- Every name begins with `yima_`; a test holds the alert rules and the dashboard against them.
"""

import time
from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from yima.sdk.observing.seen import Seen
from yima.validator.guarding.watched import Standing
from yima.validator.happenings import Happening, Notice, Tap
from yima.validator.judging import Reason
from yima.validator.version import VERSION

BUCKETS_S: Final = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
LOOK_EVERY_S: Final = 1.0
STEPS: Final = ("read", "judge", "asked", "journal", "gate", "total")


class Metrics:
    """Counts taps and notices, and gives the page. look: how the device stands; turned_at: see `Turning`."""

    def __init__(self, device: str, *, look: Callable[[], Seen], turned_at: Callable[[], float]) -> None:
        self._registry = CollectorRegistry()
        registry = self._registry
        self._taps = Counter("yima_taps", "Presentations, by reason", ["reason"], registry=registry)
        self._again = Counter("yima_taps_again", "Presentations shown again: nothing was recorded", registry=registry)
        self._unrecorded = Counter("yima_taps_unrecorded", "New presentations without a record", registry=registry)
        self._fares = Counter("yima_fares_fen", "Fares of accepted taps, in fen", registry=registry)
        self._steps = Histogram(
            "yima_tap_step_seconds", "How long each step of a tap took", ["step"], buckets=BUCKETS_S, registry=registry
        )
        self._notices = Counter("yima_notices", "What happened besides taps", ["happening"], registry=registry)
        self._quarantined = Counter("yima_quarantined", "Records that the collector refused", registry=registry)
        self._reader = Gauge("yima_reader_up", "1 while there is a reader", registry=registry)
        self._uplink = Gauge("yima_uplink_up", "0 while uploads fail", registry=registry)
        about = Gauge(
            "yima_info", "Version of the software, name of the device", ["version", "device"], registry=registry
        )
        about.labels(VERSION, device).set(1)
        self._reader.set(1)
        self._uplink.set(1)
        for reason in Reason:  # a reason that never came is 0, not missing
            self._taps.labels(reason.name)
        for step in STEPS:
            self._steps.labels(step)
        for happening in Happening:
            self._notices.labels(str(happening))
        registry.register(_Standing(look, turned_at))

    def tap(self, tap: Tap) -> None:
        """One presentation."""
        if tap.verdict.again:
            self._again.inc()
        else:
            self._taps.labels(tap.verdict.reason.name).inc()
            if tap.key is None:
                self._unrecorded.inc()
            elif tap.verdict.accepted:
                self._fares.inc(tap.verdict.fare_fen)
        for step, milliseconds in zip(
            STEPS,
            (tap.read_ms, tap.judge_us / 1e3, tap.asked_ms, tap.journal_ms, tap.gate_ms, tap.total_ms),
            strict=True,
        ):
            self._steps.labels(step).observe(milliseconds / 1e3)

    def notice(self, notice: Notice) -> None:
        """What happened besides."""
        self._notices.labels(str(notice.happening)).inc()
        if notice.rejected:
            self._quarantined.inc(len(notice.rejected))
        if notice.happening in _UP:
            gauge, value = _UP[notice.happening]
            {"reader": self._reader, "uplink": self._uplink}[gauge].set(value)

    def page(self) -> bytes:
        """The metrics as Prometheus reads them."""
        return generate_latest(self._registry)


_UP: Final = {
    Happening.READER_LOST: ("reader", 0),
    Happening.READER_BACK: ("reader", 1),
    Happening.UPLOAD_TROUBLE: ("uplink", 0),
    Happening.UPLOAD_BACK: ("uplink", 1),
}


class _Standing:
    """What stands, as gauges."""

    def __init__(self, look: Callable[[], Seen], turned_at: Callable[[], float]) -> None:
        self._look, self._turned_at = look, turned_at
        self._seen: Seen | None = None
        self._looked_at = 0.0

    def collect(self) -> Iterator[Metric]:
        """Called for every page."""
        now = time.monotonic()
        if self._seen is None or now - self._looked_at >= LOOK_EVERY_S:
            self._seen, self._looked_at = self._look(), now
        seen = self._seen
        for name, text, value in (
            ("yima_pending_records", "Records that wait; -1: unknown", seen.pending),
            ("yima_oldest_pending_timestamp_seconds", "Of the oldest; 0: none", seen.oldest_pending_at),
            ("yima_journal_bytes", "Size of the journal; -1: unknown", seen.journal_bytes),
            ("yima_journal_limit_bytes", "What it may grow to; 0: no limit", seen.journal_limit_bytes),
            ("yima_memory_used", "Used codes that are remembered", seen.memory.used),
            ("yima_memory_most", "Used codes that can be remembered", seen.memory.most),
            ("yima_clock_trusted", "1 while the device knows the time", int(seen.clock_trusted)),
            ("yima_parameters_version", "Version of the parameters in force", seen.parameters_version),
            ("yima_parameters_not_before_timestamp_seconds", "0: unsigned", seen.parameters_not_before),
            ("yima_parameters_expiry_timestamp_seconds", "0: unsigned", seen.parameters_expiry),
            ("yima_parameters_waiting_version", "Of those that come next; 0: none wait", seen.parameters_waiting),
            ("yima_parameters_waiting_timestamp_seconds", "When they come; 0: none", seen.parameters_waiting_from),
            ("yima_deny_list_version", "Version of the deny-list in force; 0: none", seen.deny_list_version),
            ("yima_deny_list_issued_timestamp_seconds", "When it was drawn up; 0: none", seen.deny_list_issued_at),
            ("yima_loop_age_seconds", "Since the loop of a tap turned last", max(0.0, now - self._turned_at())),
        ):  # fmt: skip
            yield GaugeMetricFamily(name, text, value=value)
        yield CounterMetricFamily(
            "yima_memory_refused",
            "Good codes turned away because no more used codes could be remembered",
            value=seen.memory.refused,
        )
        yield CounterMetricFamily(
            "yima_lines_dropped",
            "Lines of output that nobody read fast enough, or for which the disk had no room",
            value=seen.lines_dropped,
        )
        up = GaugeMetricFamily("yima_thread_up", "1 while the thread runs", labels=["thread"])
        restarts = CounterMetricFamily("yima_thread_restarts", "How often it was begun again", labels=["thread"])
        for thread in seen.threads:
            up.add_metric([thread.name], int(thread.standing is Standing.RUNNING))
            restarts.add_metric([thread.name], thread.restarts)
        yield up
        yield restarts
