"""What a collector's metrics look like when something of everything has happened."""

from pathlib import Path

from yima.sdk.centre.collector.intake import Depth
from yima.sdk.centre.fleet.database import open_fleet
from yima.sdk.centre.fleet.metrics import Metrics


def page_of_a_collector(folder: Path) -> str:
    """Two devices, one of them silent for a little more than 15 minutes; a batch, a refusal, a trouble."""
    database = open_fleet(folder / "trips.db")
    with database.transaction() as rows:
        rows.execute("INSERT INTO devices VALUES ('gate-1', 'k', 'ENROLLED', 100), ('gate-2', 'l', 'REVOKED', 100)")
        rows.execute("INSERT INTO heard VALUES ('gate-1', 2000)")
        rows.execute("INSERT INTO versions VALUES ('gate-1', 1, 7, '', 5, 9), ('gate-1', 2, 3, '', 5, 9)")
        rows.execute("INSERT INTO followed VALUES ('trips', '{}', 1990, 'me', 2910)")
    metrics = Metrics(database, source="trips", depth=lambda: Depth(3, 500, 1.5), now=lambda: 2000 + 901)
    metrics.happened({"event": "batch", "entries": 5, "rejected": {"2": "so"}, "device": "gate-1"})
    metrics.happened({"event": "refused", "status": 403})
    metrics.happened({"event": "trouble", "why": "so"})
    told = metrics.page().decode()
    database.close()
    return told
