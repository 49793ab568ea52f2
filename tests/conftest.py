"""What every test may use: the lab's vectors and the public certificates, as they stand in tests/vectors."""

import gc
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# Tests do not time: a slow machine is no failure. Where branches are counted, every run takes the same ones, and few
# examples do.
COUNTED = "YIMA_COVERAGE_IN" in os.environ
# CI takes fewer than hypothesis would; `make test-long` takes more.
EXAMPLES = int(os.environ.get("YIMA_EXAMPLES", "30"))
settings.register_profile("yima", deadline=None, derandomize=COUNTED, max_examples=10 if COUNTED else EXAMPLES)
settings.load_profile("yima")

# `make sanitize` says which build of the core it means; testing another one by accident would prove nothing.
if wanted := os.environ.get("YIMA_CORE_IN"):
    from yima.validator import _core

    assert Path(_core.__file__).is_relative_to(Path(wanted).resolve()), _core.__file__

# Counters are written when a worker ends: on a busy machine that takes longer than the ten seconds it is given.
if "YIMA_COVERAGE_IN" in os.environ:
    import xdist.workermanage

    xdist.workermanage.NodeManager.EXIT_TIMEOUT = 300

# Stores and journals wait for the disk at each commit, which proves nothing here: what tests write goes to memory where
# there is enough of it and programs may be started from it. Whoever sets TMPDIR chooses.
MEMORY = Path("/dev/shm")
ENOUGH = 4 << 30  # bytes; a whole run leaves some hundred MB
if (
    "TMPDIR" not in os.environ
    and os.access(MEMORY, os.W_OK | os.X_OK)
    and not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC
    and shutil.disk_usage(MEMORY).free >= ENOUGH
):
    os.environ["TMPDIR"] = str(MEMORY)
    tempfile.tempdir = None

VECTORS = Path(__file__).parent / "vectors"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long goes first, so that nothing long is left for one worker at the end. A worker begins with a part
    of the whole that lies in one piece: each part begins with its share of what takes long."""
    slow = [item for item in items if item.get_closest_marker("slow")]
    fast = [item for item in items if not item.get_closest_marker("slow")]
    parts = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    share = -(-len(items) // parts)
    ordered: list[pytest.Item] = []
    for part in range(parts):
        first = slow[part::parts]
        ordered += first + fast[: share - len(first)]
        fast = fast[share - len(first) :]
    items[:] = ordered + fast


# Nearly all that is made while tests are collected stays: to look for garbage among it takes longer than garbage does.
gc.disable()


def pytest_collection_finish() -> None:
    """Ten thousand tests stay to the end: whatever collects garbage, as a device does when it starts, would look at
    each of them again. From here on garbage is looked for as ever, only less often than a program does that runs for
    weeks."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


def lab_vectors() -> list[dict[str, Any]]:
    """All vectors of the lab's cases, by case number."""
    return [json.loads(path.read_text()) for path in sorted((VECTORS / "lab").glob("*.json"))]


@pytest.fixture(scope="session")
def lab() -> dict[int, dict[str, Any]]:
    """Lab vectors by case number."""
    return {vector["case"]: vector for vector in lab_vectors()}


@pytest.fixture(scope="session")
def public_certificates() -> dict[str, Any]:
    """Public key material of test environments."""
    found: dict[str, Any] = json.loads((VECTORS / "public-certificates.json").read_text())
    return found
