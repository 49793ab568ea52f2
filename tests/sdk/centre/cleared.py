"""The folder of the clearing's tests with every step of four days done, once for all tests of a run."""

import shutil
from pathlib import Path

import pytest

from tests.once import once
from tests.sdk.centre.clearing.folders import folder
from tests.sdk.centre.clearing.world import DAY
from yima.sdk.centre.clearing.day import STEPS, Centre
from yima.sdk.centre.clearing.folder import CentreFolder

DAYS = [DAY + more for more in range(4)]


def cleared_folder(factory: pytest.TempPathFactory, to: Path) -> Path:
    """A copy of it: a process has its workspace for itself."""

    def make(made: Path) -> None:
        with Centre(CentreFolder(folder(made / "region"))) as centre:
            centre.ingest()
            for day in DAYS:
                for step in STEPS:
                    centre.run(step, day)

    return Path(shutil.copytree(once(factory, "cleared-folder", make) / "region", to))
