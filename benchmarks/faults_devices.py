"""Devices with the journal, key and sender that every device has; only their waits are short."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.ingest_load import entry_of
from yima.sdk.centre.fleet.database import open_fleet
from yima.sdk.centre.fleet.devices import Register
from yima.validator.journal import SegmentJournal
from yima.validator.journal.files import FolderFiles
from yima.validator.ports import Entry
from yima.validator.state.keys import DeviceKey
from yima.validator.uplink import sender
from yima.validator.uplink.http import HttpUplink
from yima.validator.uplink.sender import BatchPolicy, Sender

POLICY = BatchPolicy(count=100, age_s=0.05, check_in_s=2.0)
POISON_EVERY = 500


def hurry() -> None:
    """A device waits up to a minute behind a failure; thousands of failures are to fit into a few minutes."""
    sender.WAIT_MIN_S, sender.WAIT_MAX_S = 0.01, 0.5


class _Unflushed(FolderFiles):
    """Nobody cuts these devices' power."""

    def flush(self, name: str) -> None:
        """Leaves it to the system."""


class Journal:
    """One journal of a device, from its first entry. poisoned: the sequences that are no entries of a device."""

    def __init__(self, folder: Path, device: str, epoch: int, number: int, count: int) -> None:
        self.device, self.epoch, self.last = device, epoch, count
        self.poisoned = range(POISON_EVERY, count + 1, POISON_EVERY)
        self.file = SegmentJournal(folder, device, epoch_for_new=epoch, files=_Unflushed(folder))
        for sequence in range(1, count + 1):
            is_poison = sequence % POISON_EVERY == 0
            self.file.append(b"poison %d %d" % (number, sequence) if is_poison else entry_of(number, sequence))

    def entries(self) -> Iterator[Entry]:
        """All, in order."""
        for after in range(0, self.last, 1000):
            yield from self.file.entries(after, 1000)


class Device:
    """A device that sends; re-flashed once, if it has a second journal: then its key is another, and its first journal
    is no longer sent."""

    def __init__(self, folder: Path, name: str, number: int, counts: tuple[int, ...]) -> None:
        self.name, self._folder = name, folder
        self._counts, self._number = counts, number
        self.journals: list[Journal] = []
        self.flashed = len(counts) == 1
        self._key = DeviceKey.generate()
        self._sender: Sender | None = None
        self._make()

    @property
    def is_done(self) -> bool:
        """Whether everything was acknowledged, of the journal that is sent."""
        return self.journals[-1].file.acknowledged() == self.journals[-1].last

    def start(self, url: str) -> None:
        """Sends."""
        journal = self.journals[-1]
        uplink = HttpUplink(url, key=self._key, device=self.name, epoch=journal.epoch, total_s=15.0)
        self._sender = Sender(
            journal=journal.file, uplink=uplink, policy=POLICY, now=lambda: int(time.time()),
            on_trouble=lambda error: None, on_recovered=lambda: None, on_answer=lambda through, rejected: None,
        )  # fmt: skip
        self._sender.start()

    def flash(self, store: str, url: str) -> None:
        """Everything on it is gone; it is enrolled anew under its name."""
        self.stop()
        self._key, self.flashed = DeviceKey.generate(), True
        database = open_fleet(store)
        try:
            Register(database, on_trouble=lambda error: None).rotate(
                self.name, self._key.public, who="benchmark", why="re-flashed"
            )
        finally:
            database.close()
        self._make()
        self.start(url)

    def stop(self) -> None:
        """Sends no more."""
        if self._sender is not None:
            self._sender.stop(20.0)

    def close(self) -> None:
        """Its files are closed and gone."""
        self.stop()
        for journal in self.journals:
            journal.file.close()
        shutil.rmtree(self._folder)

    def _make(self) -> None:
        place = len(self.journals)
        folder = self._folder / str(place)
        folder.mkdir(parents=True)
        number = 2 * self._number + place
        self.journals.append(Journal(folder, self.name, 7 + place, number, self._counts[place]))
