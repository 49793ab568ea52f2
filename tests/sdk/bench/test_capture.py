"""yima.sdk.bench.capture: what is in the file when the disk is full can be replayed."""

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from yima.sdk.bench.capture import Capture, CaptureError, Level
from yima.sdk.bench.live import Presentation, watch
from yima.sdk.roots import RootKeys
from yima.validator.ports import open_reader


@pytest.fixture
def shown(code: bytes, tmp_path: Path) -> Presentation:
    """One presentation of a good code."""
    (tmp_path / "code.bin").write_bytes(code)
    return next(watch(open_reader(f"file:{tmp_path / 'code.bin'}"), roots=RootKeys()))


@pytest.fixture
def full_disk() -> Iterator[None]:
    """No file of this process grows beyond 3000 bytes, a few lines of a capture."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_was_captured_before_the_disk_was_full_is_replayed(
    shown: Presentation, tmp_path: Path, full_disk: None
) -> None:
    """A bug found: the last line was torn, and the replay refused all of the capture for it."""
    path = tmp_path / "scans.jsonl"
    capture = Capture(path, Level.RAW)
    kept = 0
    with pytest.raises(CaptureError, match="cannot be written"):
        for kept in range(9):  # noqa: B007 - it is asked for below
            capture.add(shown)
    capture.close()
    assert kept >= 2
    assert path.read_text().count("\n") == kept
    replay = open_reader(f"replay:{path}?speed=0")
    assert [replay.read(0) is not None for _ in range(kept + 1)] == [True] * kept + [False]
