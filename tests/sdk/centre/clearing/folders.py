"""Centre's folders for tests: taps of two days, the parameters they name, rules, rates, a dispute handed in."""

import shutil
from pathlib import Path

from tests.sdk.centre.clearing import world
from tests.sdk.centre.clearing.test_against_plain import tariff
from tests.sdk.centre.clearing.world import DAY, NOON, Device
from yima.sdk.centre.clearing.files.layouts import file_name, header, line
from yima.sdk.centre.clearing.folder import INCOMING, PARAMETERS, RATES, RULES, STORES
from yima.validator.journal.facts import Outcome
from yima.validator.judging import Direction, Mode

ISSUER = world.SHANGHAI
RULES_TEXT = """\
[taps]
unsigned = "count"

[rides]
close_after_days = 1
[[rides.missing_exit]]
fen = 700

[[daily_cap]]
rule = "cap-bus"
city = 320500
modes = ["bus"]
cap_fen = 300
funded_by = "riding-city"
"""
RATES_TEXT = """\
[[default]]
fee = 150000
issuer_share = 60000
acquirer_share = 30000
"""


def folder(path: Path) -> Path:
    """On the first day two rides of one rider on a bus, a senior's, one that the gate takes back the day after; a
    journey whose exit comes the day after, an entry without exit; a code shown at two gates."""
    path.mkdir()
    bus, second = Device("bus-1", tariff()), Device("bus-2", tariff())
    enter = Device("in-205", tariff(), Mode.METRO, Direction.ENTRY, 205)
    leave = Device("out-309", tariff(), Mode.METRO, Direction.EXIT, 309)
    for at in (0, 4000):
        bus.tap(world.rider(1).code(NOON + at), NOON + at)
    bus.tap(world.rider(2, account_type=3).code(NOON + 4100), NOON + 4100)
    bus.tap(world.rider(3).code(NOON + 4200), NOON + 4200)
    second.tap(world.rider(4).code(NOON + 60), NOON + 60)
    second.tap(world.rider(3).code(NOON + 4200), NOON + 4230)
    enter.tap(world.rider(5).code(NOON), NOON)
    enter.tap(world.rider(6).code(NOON), NOON + 30)
    leave.tap(world.rider(5, data=b"").code(NOON + 900), NOON + 900, received=NOON + 86400)
    second.outcome(1, Outcome.FAILED, NOON + 61, reverses=True, received=NOON + 86400)
    (path / STORES).mkdir()
    world.store(path / STORES / "one.db", world.all_rows(bus, second, enter, leave))
    (path / PARAMETERS).mkdir()
    (path / PARAMETERS / "city.img").write_bytes(bytes(tariff().image))
    (path / RULES).write_text(RULES_TEXT)
    (path / RATES).write_text(RATES_TEXT)
    (path / INCOMING).mkdir()
    record: dict[str, str | int] = {
        "dispute_id": "d-1", "reference": "bus-1/7/1", "raised_by": ISSUER, "reason": "NOT_MINE", "claimed_fen": -1,
    }  # fmt: skip
    raised = header("ED", DAY + 1, ISSUER, 1) + "\n" + line("ED", record)
    (path / INCOMING / file_name("ED", DAY + 1, ISSUER, 1)).write_text(raised)
    return path


def copied(path: Path, to: Path) -> Path:
    """The same folder without what the centre made of it."""
    return Path(shutil.copytree(path, to, ignore=shutil.ignore_patterns("workspace")))
