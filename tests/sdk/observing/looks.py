"""What tests of observing share: a look at a device as it could be, and metrics of it."""

import time
from dataclasses import replace
from typing import Any

from yima.sdk.observing.metrics import Metrics
from yima.sdk.observing.seen import Seen
from yima.validator.guarding.watched import Standing, ThreadState
from yima.validator.judging.judge import Memory

SEEN = Seen(
    pending=3,
    oldest_pending_at=1_790_000_000,
    journal_bytes=1 << 20,
    journal_limit_bytes=1 << 30,
    memory=Memory(used=240, most=5281, refused=4, lost_until=0),
    clock_trusted=True,
    parameters_version=7,
    parameters_not_before=1_780_000_000,
    parameters_expiry=1_800_000_000,
    parameters_waiting=8,
    parameters_waiting_from=1_795_000_000,
    deny_list_version=12,
    deny_list_issued_at=1_789_000_000,
    threads=(ThreadState("yima-uplink", Standing.RUNNING, 0), ThreadState("yima-journal", Standing.DEAD, 2)),
    lines_dropped=5,
)


def metrics(**changes: Any) -> Metrics:
    """Metrics of a device that stands like this."""
    return Metrics("gate-7", look=lambda: replace(SEEN, **changes), turned_at=time.monotonic)
