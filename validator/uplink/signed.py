"""What an uplink does whatever carries it: a device's batch, signed, and nothing believed but an answer to it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from yima.validator.journal.older import OlderEntry
from yima.validator.ports import Entry
from yima.validator.state.keys import DeviceKey
from yima.validator.uplink.batches import (
    ANSWER_MAX,
    KEY_HEADER,
    SIGNATURE_HEADER,
    BatchError,
    encode_batch,
    parse_answer,
)
from yima.validator.uplink.refusals import nonsense
from yima.validator.uplink.versions import VERSIONS_HEADER, VERSIONS_SIGNATURE_HEADER, signed_bytes

PATH = "/v1/batches"


class SignedUplink(ABC):
    """Sends one journal's entries to the collector at `url`. versions gives the statement that goes with every batch
    (`versions`). encrypted: whether nobody on the way reads along."""

    encrypted: bool

    def __init__(
        self, url: str, *, key: DeviceKey, device: str, epoch: int, versions: Callable[[], bytes] | None = None
    ) -> None:
        self.url = url
        self._key, self._device, self._epoch, self._versions = key, device, epoch, versions

    def send(self, entries: Sequence[Entry | OlderEntry]) -> tuple[int, dict[int, str]]:
        """(highest contiguous durable sequence, {sequence: why it was rejected}). No entries: only asks.

        Raises UplinkError; CollectorBusyError and BatchTooLargeError say what to do differently.
        """
        body = encode_batch(self._device, self._epoch, entries)
        answer = self.exchange(PATH, body, answer_max=ANSWER_MAX)
        try:
            found = parse_answer(answer, entries)
        except BatchError as error:
            raise nonsense(self.url, str(error)) from error
        return found.acknowledged, found.rejected

    @abstractmethod
    def exchange(self, path: str, body: bytes, *, answer_max: int) -> bytes:
        """The answer to a body that this device signs. Raises UplinkError for anything but a 200 of bounded size."""

    @abstractmethod
    def close(self) -> None:
        """Ends the connection."""

    @property
    def enrolment(self) -> str:
        """The device's line for a collector's register."""
        return f"{self._device} {self._key.public}"

    def headers(self, body: bytes) -> dict[str, str]:
        """What goes beside a body."""
        found = {KEY_HEADER: self._key.public, SIGNATURE_HEADER: self._key.sign(body)}
        if self._versions is not None:
            statement = self._versions()
            found[VERSIONS_HEADER] = statement.decode("ascii")
            found[VERSIONS_SIGNATURE_HEADER] = self._key.sign(signed_bytes(statement))
        return found
