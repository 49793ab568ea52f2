"""What a collector's console counts, and that it counts no endless number of names."""

import pytest

from yima.sdk.centre.collector import watched
from yima.sdk.centre.collector.watched import Watching


def test_every_event_is_counted_and_of_devices_no_more_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched, "DEVICES_MOST", 2)
    watching = Watching()
    for device in ("gate-1", "gate-2", "gate-2", "gate-3"):
        watching.happened({"event": "batch", "device": device, "entries": 5, "rejected": {"2": "so"}})
    watching.happened({"event": "refused", "status": 403, "why": "so"})
    watching.happened({"event": "trouble", "why": "so"})
    watching.happened({"event": "device", "device": "gate-4", "key": "", "how": "enrolled"})
    assert watching._look() == {
        "batches": 4, "entries": 20, "rejected": 4, "refusals": 1, "troubles": 1, "devices": 2,
    }  # fmt: skip
