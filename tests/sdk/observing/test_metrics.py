"""Metrics count what happens and show what stands; nothing of a rider or an address is in them."""

import time
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.sdk.observing.looks import SEEN, metrics
from yima.sdk.observing.metrics import Metrics
from yima.sdk.observing.seen import Seen
from yima.validator.happenings import Happening, Notice, Tap
from yima.validator.judging import Reason, Stage, StageResult, Verdict
from yima.validator.ports import JournalKey


def samples(of: Metrics) -> dict[tuple[str, str], float]:
    """{(name, the one label's value or ""): value}"""
    found = {}
    for family in text_string_to_metric_families(of.page().decode()):
        for sample in family.samples:
            labels = [value for name, value in sample.labels.items() if name != "le"]
            found[sample.name, labels[0] if labels else ""] = sample.value
    return found


def a_tap(reason: Reason = Reason.ACCEPTED, *, again: bool = False, recorded: bool = True) -> Tap:
    verdict = Verdict(
        accepted=reason is Reason.ACCEPTED, reason=reason, family="ministry", fare_fen=200, again=again, digest=None,
        stages=dict.fromkeys(Stage, StageResult.PASSED), code=b"31048700000000019999",
    )  # fmt: skip
    return Tap(
        key=JournalKey("gate-7", 7, 1) if recorded else None, at=1, time_trusted=True, verdict=verdict, gate=None,
        read_ms=30, judge_us=400, journal_ms=0.9, gate_ms=0.1, total_ms=1.5, payload_length=364,
    )  # fmt: skip


def test_taps_are_counted_by_reason_and_timed_by_step() -> None:
    seen = metrics()
    for tap in (
        a_tap(),
        a_tap(),
        a_tap(Reason.CODE_EXPIRED),
        a_tap(again=True),
        a_tap(Reason.CANNOT_RECORD, recorded=False),
    ):
        seen.tap(tap)  # fmt: skip
    found = samples(seen)
    assert found["yima_taps_total", "ACCEPTED"] == 2
    assert found["yima_taps_total", "CODE_EXPIRED"] == 1
    assert found["yima_taps_total", "REPEATED"] == 0
    assert found["yima_taps_again_total", ""] == 1
    assert found["yima_taps_unrecorded_total", ""] == 1
    assert found["yima_fares_fen_total", ""] == 400
    assert found["yima_tap_step_seconds_count", "total"] == 5
    assert abs(found["yima_tap_step_seconds_sum", "judge"] - 5 * 0.0004) < 1e-9


def test_notices_are_counted_and_say_what_is_up() -> None:
    seen = metrics()
    assert (samples(seen)["yima_reader_up", ""], samples(seen)["yima_uplink_up", ""]) == (1, 1)
    for happening in (Happening.READER_LOST, Happening.UPLOAD_TROUBLE):
        seen.notice(Notice(happening=happening))
    seen.notice(Notice(happening=Happening.QUARANTINED, through=9, rejected={8: "why", 9: "why"}))
    found = samples(seen)
    assert (found["yima_reader_up", ""], found["yima_uplink_up", ""], found["yima_quarantined_total", ""]) == (0, 0, 2)
    assert found["yima_notices_total", "reader_lost"] == 1
    seen.notice(Notice(happening=Happening.READER_BACK))
    seen.notice(Notice(happening=Happening.UPLOAD_BACK))
    assert (samples(seen)["yima_reader_up", ""], samples(seen)["yima_uplink_up", ""]) == (1, 1)


def test_what_stands_is_shown() -> None:
    found = samples(metrics(clock_trusted=False))
    assert found["yima_pending_records", ""] == 3
    assert found["yima_oldest_pending_timestamp_seconds", ""] == 1_790_000_000
    assert (found["yima_journal_bytes", ""], found["yima_journal_limit_bytes", ""]) == (1 << 20, 1 << 30)
    assert found["yima_clock_trusted", ""] == 0
    assert (found["yima_memory_used", ""], found["yima_memory_most", ""]) == (240, 5281)
    assert found["yima_memory_refused_total", ""] == 4
    assert found["yima_parameters_waiting_version", ""] == 8
    assert found["yima_parameters_waiting_timestamp_seconds", ""] == 1_795_000_000
    assert (found["yima_parameters_version", ""], found["yima_deny_list_version", ""]) == (7, 12)
    assert (found["yima_thread_up", "yima-uplink"], found["yima_thread_up", "yima-journal"]) == (1, 0)
    assert found["yima_thread_restarts_total", "yima-journal"] == 2
    assert found["yima_lines_dropped_total", ""] == 5
    assert 0 <= found["yima_loop_age_seconds", ""] < 30


def test_a_flood_of_requests_looks_at_the_device_once() -> None:
    looks: list[Any] = []

    def look() -> Seen:
        looks.append(None)
        return SEEN

    seen = Metrics("gate-7", look=look, turned_at=time.monotonic)
    for _ in range(20):
        seen.page()
    assert len(looks) < 20


def test_nothing_of_a_rider_is_in_them() -> None:
    seen = metrics()
    seen.tap(a_tap())
    assert b"310487" not in seen.page()
