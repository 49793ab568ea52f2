"""The power goes when a step has just been said to be done: what it wrote for institutions is there all the same."""

import os
from pathlib import Path

import pytest

from tests.sdk.centre.clearing.folders import folder
from tests.sdk.centre.clearing.world import DAY
from yima.sdk.centre.clearing.day import STEPS, Centre
from yima.sdk.centre.clearing.folder import CentreFolder


class Disk:
    """What was flushed, by inode, with the size it had then: the rest is lost with the power."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._flushed: dict[int, int] = {}
        flush = os.fsync

        def fsync(descriptor: int) -> None:
            flush(descriptor)
            status = os.fstat(descriptor)
            self._flushed[status.st_ino] = status.st_size

        monkeypatch.setattr(os, "fsync", fsync)

    def lost(self, path: Path) -> list[str]:
        """The names of what would not be there, or not whole, in a folder."""
        found = [path, *path.rglob("*")]
        return [one.name for one in found if self._flushed.get(one.stat().st_ino) != one.stat().st_size]


def test_what_a_step_wrote_for_institutions_is_durable_once_it_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """State said that files and answers were there, and a power cut then left empty ones that nothing makes again."""
    disk = Disk(monkeypatch)
    seen: dict[str, list[str]] = {}

    def commit(what: str) -> None:
        made = {"identity": "answers", "disputes": "answers", "files": "files", "answers": "answers"}
        step = what.removeprefix("done ").removesuffix(f" {DAY + 1}")
        if what == f"done {step} {DAY + 1}" and step in made:
            here = centre.workspace.path / made[step]
            assert len(list((here / str(DAY + 1)).iterdir())) >= 1
            seen[step] = disk.lost(here)

    region = folder(tmp_path / "region")
    (region / "statements").mkdir()
    (region / "statements" / "s").write_bytes(b"nothing")
    with Centre(CentreFolder(region), on_commit=commit) as centre:
        centre.ingest()
        for day in (DAY, DAY + 1):
            for step in STEPS:
                centre.run(step, day)
    assert seen == {"identity": [], "disputes": [], "files": [], "answers": []}


def test_what_a_table_holds_is_durable_with_the_names_of_its_folders_before_anybody_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state said how far a store was read, and of the day that was new with it not even the folder was left."""
    disk = Disk(monkeypatch)
    seen: list[list[str]] = []

    def commit(what: str) -> None:
        if what.count("/") > 1:
            seen.append(disk.lost(centre.workspace.path / "tables"))

    with Centre(CentreFolder(folder(tmp_path / "region")), on_commit=commit) as centre:
        centre.ingest()
        centre.run("rides", DAY)
    assert len(seen) > 10
    assert [lost for lost in seen if lost] == []
