"""The device and its reader: gone for good, gone for a while, pulled out and plugged in again."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.running import whole_scanner
from tests.uplinks import until
from tests.validator.test_device import GONE, Bench, Handed, good
from yima.validator import device as device_module
from yima.validator.errors import ReaderError
from yima.validator.happenings import Happening
from yima.validator.judging import Validator
from yima.validator.ports import Reader, open_reader

__all__ = ["good"]


@pytest.fixture
def bench(tmp_path: Path, new_validator: Callable[..., Validator]) -> Bench:
    return Bench(tmp_path, new_validator)


def test_a_reader_that_is_gone_for_good_ends_the_run_with_everything_closed(
    bench: Bench, good: Callable[[], bytes]
) -> None:
    reader = Handed(good(), GONE)
    with pytest.raises(ReaderError, match="is gone"):
        bench.device(reader).run(threading.Event())
    assert reader.closed
    assert bench.commands() == ["OPEN"]
    bench.journal().close()  # nobody holds it any more


def test_a_reader_that_comes_back_is_used_again(
    bench: Bench, good: Callable[[], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_module, "REOPEN_S", 0.001)
    attempts: list[Handed | ReaderError] = [GONE, GONE, Handed(good())]

    def reopen() -> Reader:
        one = attempts.pop(0)
        if isinstance(one, ReaderError):
            raise one
        return one

    summary = bench.device(Handed(good(), GONE), reopen=reopen).run(threading.Event())
    assert summary.recorded == 2
    assert bench.told() == [Happening.READER_LOST, Happening.READER_BACK]


def test_a_scanner_pulled_out_and_plugged_in_again_goes_on(
    bench: Bench, good: Callable[[], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_module, "REOPEN_S", 0.01)
    stop = threading.Event()
    scanners = [whole_scanner()]

    def reopen() -> Reader:
        if len(scanners) == 1:
            scanners.append(whole_scanner())
        return open_reader(f"serial:{scanners[1].path}")

    device = bench.device(open_reader(f"serial:{scanners[0].path}"), reopen=reopen)
    running = threading.Thread(target=device.run, args=(stop,))
    running.start()
    try:
        scanners[0].scan(good())
        until(lambda: len(bench.taps) == 1)
        scanners[0].close()
        until(lambda: Happening.READER_BACK in bench.told())
        scanners[1].scan(good())
        until(lambda: len(bench.taps) == 2)
    finally:
        stop.set()
        running.join()
    scanners[1].close()
    assert bench.commands() == ["OPEN", "OPEN"]
    assert bench.taps[0].read_ms >= 0
