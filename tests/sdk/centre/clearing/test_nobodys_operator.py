"""Facts have room for operators that there are not: no money goes there, and no file names another by it."""

from pathlib import Path

import pytest

from tests.sdk.centre.clearing import centre as kept
from tests.sdk.centre.clearing import world
from tests.sdk.centre.clearing.folders import folder
from tests.sdk.centre.clearing.test_against_plain import tariff
from tests.sdk.centre.clearing.world import DAY, NOON, Device
from yima.sdk.centre.clearing.day import STEPS, Centre
from yima.sdk.centre.clearing.files.layouts import EVERYBODY
from yima.sdk.centre.clearing.files.reading import read_file
from yima.sdk.centre.clearing.folder import STORES, CentreFolder
from yima.sdk.centre.clearing.money.tables import NET


@pytest.mark.parametrize(("operator", "why"), [(99_999_999, "NONE"), (400_000_010, "FACTS"), (0xFFFFFFFF, "FACTS")])
def test_an_operator_of_more_than_eight_digits_is_not_paid(tmp_path: Path, operator: int, why: str) -> None:
    """400000010 was paid; in the net, in CL and in FB it was cut to 40000001, which is another operator."""
    region = folder(tmp_path / "region")
    bus = Device("bus-9", tariff(), operator=operator)
    assert bus.tap(world.rider(9).code(NOON + 500), NOON + 500).accepted
    world.store(region / STORES / "two.db", bus.entries)
    with Centre(CentreFolder(region)) as centre:
        centre.ingest()
        for step in STEPS:
            centre.run(step, DAY)
        assert kept.why(centre.workspace)[DAY, "bus-9/7/1", 0] == why
        parties = {row["party"] for row in kept.rows(centre.workspace, NET) if row["party_kind"] == "OPERATOR"}
        assert parties == {f"{world.OPERATOR:08}"} | ({f"{operator:08}"} if why == "NONE" else set())
        files = [read_file(path) for path in (centre.workspace.path / "files" / str(DAY)).rglob("FB*")]
    theirs = [row["acquirer"] for one in files for row in one.records if row["reference"] == "bus-9/7/1"]
    assert theirs == [f"{operator:08}" if why == "NONE" else EVERYBODY]
