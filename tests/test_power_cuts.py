"""Power goes at flash operations of a day's trips and of a firmware update, and inside them; nothing promised is lost.

A sample here, so that it ends in minutes; `yima board cuts` tries every one. YIMA_CUTS_EVERY=1 does so with the trips.
"""

import importlib.util
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

NEEDED = ("unicorn", "elftools", "imgtool", "smp", "ziglang")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(7200),
    pytest.mark.skipif(
        not all(importlib.util.find_spec(name) for name in NEEDED),
        reason="the extras `board` and `firmware` are not installed",
    ),
]
EVERY = int(os.environ.get("YIMA_CUTS_EVERY", "160"))


# In CI the flash log is cut on the host and on the board `posix` (tests/hwsim/board/test_other_boards.py).
@pytest.mark.long
@pytest.mark.parametrize(("name", "every"), [("trips", EVERY), ("trial", 1), ("update", 200)])
def test_every_cut_is_survived(name: str, every: int, capsys: pytest.CaptureFixture[str]) -> None:
    from yima.hwsim.board import cut_scenarios
    from yima.hwsim.board.power_cuts import Scenario, survive
    from yima.hwsim.board.workshop import Firmware, World, make_firmware, make_world

    plays: dict[str, Callable[[Path, Firmware, World], Scenario]] = {
        "trips": cut_scenarios.trips,
        "trial": cut_scenarios.trial,
        "update": cut_scenarios.update,
    }
    with tempfile.TemporaryDirectory(prefix="yima-cuts-") as scratch:
        directory = Path(scratch)
        scenario = plays[name](directory, make_firmware(directory / "firmware"), make_world())
        outcome = survive(scenario, every=every, tap_every=10)
        if name == "trips":
            notices_a_log_that_forgets(directory, scenario)
    with capsys.disabled():
        print(f"\n{name}: {len(scenario.operations)} flash operations, {outcome}")
    assert outcome.losses == []
    assert outcome.tried > 30
    assert outcome.again > 10


def notices_a_log_that_forgets(directory: Path, scenario: Any) -> None:
    """The test itself can fail: a flash from which a promised record was taken away is complained of."""
    from yima.hwsim.board.emulator import Board
    from yima.hwsim.board.layout import LOG, LOG_SIZE
    from yima.hwsim.board.power_cuts import problems

    lost = bytearray(scenario.start)
    lost[LOG : LOG + LOG_SIZE] = b"\xff" * LOG_SIZE
    with Board(directory / "flash", keep_operations=True) as board:
        assert problems(board, scenario, scenario.start, 0, tap=True).problems == []
        found = problems(board, scenario, bytes(lost), 0, tap=False).problems
    assert any("is missing" in one for one in found)
    assert any("acknowledged is 0" in one for one in found)


def test_a_sample_leaves_out_only_what_lies_within_a_row_of_programs() -> None:
    from yima.hwsim.board.flash import Operation
    from yima.hwsim.board.power_cuts import chosen

    row = [Operation(0x40000 + 8 * unit, bytes(8)) for unit in range(100)]
    operations = [Operation(0x40000, None), *row, Operation(0x50000, bytes(8)), Operation(0x41000, None)]
    assert chosen(operations, 1) == set(range(len(operations) + 1))
    assert chosen(operations, 1000) == {0, 1, 100, 101, 102, 103}
    assert chosen(operations, 40) == {0, 1, 40, 80, 100, 101, 102, 103}
