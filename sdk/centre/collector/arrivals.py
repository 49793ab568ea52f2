"""What comes to a collector and what it says of it, and the port behind which it is kept.

`Ledger` is the port. `store.Store` keeps trips in one SQLite file, `postgres.PostgresStore` in a database that several
collectors share; what a batch is worth is the same for both (`weighing`).
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from yima.validator.journal.older import OlderEntry
from yima.validator.ports import Entry
from yima.validator.uplink.batches import Acknowledgement, Batch


class KeyRefusedError(Exception):
    """A batch signed by a key that is not the device's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """How far one journal has come: acknowledged is the highest sequence held without a gap."""

    device: str
    epoch: int
    acknowledged: int
    rejected: int
    conflicts: int
    last_at: int


class Signed(NamedTuple):
    """A batch as it came: the body, and the signature over it (128 hex digits)."""

    body: bytes
    signature: str


class Arrival(NamedTuple):
    """A batch that came, signed by `key` (64 hex digits). received: unix seconds. signed: what the device signed, None
    where nobody needs to know later. stated: what it said of its versions, whose signature holds."""

    batch: Batch
    key: str
    received: int
    signed: Signed | None = None
    stated: Signed | None = None


class Statement(NamedTuple):
    """What a device said of its versions (`yima.validator.uplink.versions`), and the signature over it by `key`. first,
    last: when it said so first, and at the latest; unix seconds by the collector's clock, SAID_EVERY_S apart."""

    device: str
    said: bytes
    key: str
    signature: str
    first: int
    last: int


SAID_EVERY_S = 60
"""Seconds after which it is noted again that a device still says the same."""


class Proof(NamedTuple):
    """A signature that is kept. body: what was signed; None: the batch of the entries from first to last, in form."""

    first: int
    last: int
    form: int
    key: str
    signature: str
    body: bytes | None
    received: int


Answer = tuple[Acknowledgement, bool]
"""What a device is told, and whether it is new here."""


class Ledger(ABC):
    """Where trips are kept. Threads may share one. Everything raises StoreError."""

    def accept(
        self,
        batch: Batch,
        key: str,
        *,
        received: int,
        enrolled: Mapping[str, str] | None = None,
        signed: Signed | None = None,
    ) -> Answer:
        """Stores what it can of a batch signed by `key` (64 hex digits); (the answer, whether the device is new here).

        enrolled: the keys by device that are accepted; None: the first key a device shows is its key. received: unix
        seconds. signed: what the device signed, None where nobody needs to know later. Raises KeyRefusedError,
        StoreError; then nothing was stored.
        """
        (answer,) = self.accept_all([Arrival(batch, key, received, signed)], enrolled=enrolled)
        if isinstance(answer, KeyRefusedError):
            raise answer
        return answer

    @abstractmethod
    def accept_all(
        self, arrivals: Sequence[Arrival], *, enrolled: Mapping[str, str] | None = None
    ) -> list[Answer | KeyRefusedError]:
        """Several batches, of any devices, in one transaction; what `accept` gives or raises for each. When it returns
        they are on stable storage, by one sync for all. Raises StoreError; then none of them is acknowledged."""

    @abstractmethod
    def statements(self, after: int = 0) -> list[Statement]:
        """What devices said of their versions, the last of it not before `after` (unix seconds), in order of coming."""

    @abstractmethod
    def taps_by_image(self, after: int) -> tuple[list[tuple[bytes, int, int]], int]:
        """(the first 16 bytes of SM3 over the image that judged, reason, how many) of the taps that came behind the
        place `after`, 0: of the newest ones; and the place to go on from, before which nothing more will come."""

    @abstractmethod
    def journeys(self) -> list[Journey]:
        """Every (device, epoch) it holds something of."""

    @abstractmethod
    def entries(self, device: str, epoch: int, *, after: int, limit: int) -> list[dict[str, Any]]:
        """What it holds of one journal beyond `after`, by the columns' names.

        content: facts and body; of an entry of the older form (1) the trip record.
        """

    @abstractmethod
    def proofs(self, device: str, epoch: int) -> list[Proof]:
        """The signatures under the batches of one journal, in the order in which they came."""

    @abstractmethod
    def held(self, device: str, epoch: int, first: int, last: int) -> list[Entry | OlderEntry]:
        """The entries from `first` to `last` as they came."""

    @abstractmethod
    def check_writable(self) -> None:
        """Raises StoreError when nothing could be written now."""

    @abstractmethod
    def close(self) -> None:
        """Leaves it whole; twice is once."""
