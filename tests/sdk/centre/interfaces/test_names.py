"""Auditors' names: the key of a month's is on disk for good before the first name is told."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sdk.centre.clearing.test_power_cut import Disk
from yima.sdk.centre.clearing.folder import PARAMETERS, STORES, CentreFolder
from yima.sdk.centre.interfaces.desk import Desk

MONTH = 202609


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[CentreFolder]:
    for name in (STORES, PARAMETERS, "workspace"):
        (tmp_path / name).mkdir()
    yield CentreFolder(tmp_path)


def test_a_key_and_the_folders_that_were_made_for_it_outlast_a_power_cut(
    folder: CentreFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the name of the key gone another was made, and an auditor had two names for one account in one month."""
    disk = Disk(monkeypatch)
    Desk(folder).names(MONTH)
    assert disk.lost(folder.workspace) == []
    (folder.workspace / "pseudonyms" / "audit" / f"{MONTH}.key").unlink()
    desk = Desk(folder)
    desk.names(MONTH)
    assert disk.lost(folder.workspace) == []


def test_a_key_that_another_process_has_just_made_is_flushed_too_and_once(
    folder: CentreFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    Desk(folder).names(MONTH)
    flushed: list[int] = []
    monkeypatch.setattr(os, "fsync", flushed.append)
    desk = Desk(folder)
    names = {desk.names(MONTH).rider(0, "a") for _ in range(3)}
    assert len(names) == 1
    assert len(flushed) == 3  # the folder of the keys, and the two above it
