"""Flash memory as the board has it: its rules, its operations counted, and what power loss leaves behind.

The same rules as the flash controller's in soc_devices.c, for what the boot ROM writes and for tools, and the model of
a cut: power can go before an operation, inside it, or after it.

Rules it keeps:
- Program: an aligned unit, new = old AND data; a bit that would go from 0 to 1 is refused. Erase: a block to FF. How
  large they are the board's description says.
- An operation that is cut leaves any mixture of what was and what would have been: a torn write has some of its bits,
  a half erase has erased some bytes, none, or all. The mixtures are chosen by the operation's number, so that a run can
  be repeated.
Not modelled: wear, ECC (a torn unit reads as it stands, and the same way each time), disturbed neighbours.
"""

import mmap
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from yima.firmware_images.hardware import Hardware
from yima.hwsim.board.layout import MPS2


class PowerLostError(Exception):
    """Power went at a flash operation; nothing after it happened."""


class FlashRuleError(ValueError):
    """An operation that flash hardware refuses."""


Memory = bytearray | mmap.mmap  # the whole flash; a mapped file is shared with other processes


class Cut(StrEnum):
    """Where in an operation power goes."""

    BEFORE = "before"
    TORN = "inside, torn"
    NEARLY = "inside, nearly done"


@dataclass(frozen=True, slots=True)
class Operation:
    """One change of flash. address: of the unit or block. data: the bytes to program, None to erase."""

    address: int
    data: bytes | None
    hardware: Hardware = MPS2

    @property
    def size(self) -> int:
        """How many bytes it touches."""
        return self.hardware.block if self.data is None else self.hardware.unit

    def result(self, old: bytes) -> bytes:
        """What the bytes are when it is done. Raises FlashRuleError."""
        place = self.hardware.writable
        if self.address % self.size or not place.start <= self.address < place.end or len(old) != self.size:
            raise FlashRuleError(f"{self.address:#x} is not a place for {self.size} bytes")
        if self.data is None:
            return b"\xff" * self.size
        if any(new & ~was for new, was in zip(self.data, old, strict=True)):
            raise FlashRuleError(f"a bit would go from 0 to 1 at {self.address:#x}")
        return self.data

    def cut(self, old: bytes, where: Cut, number: int) -> bytes:
        """What the bytes are when power goes during it. number: of the operation, chooses the mixture."""
        if where is Cut.BEFORE:
            return old
        done = self.result(old)
        chance = random.Random(f"{number} {self.address} {where.value}")  # noqa: S311 - a repeatable choice
        if self.data is not None:
            keep = chance.randbytes(self.size)
            if where is Cut.NEARLY:
                keep = bytes(byte & chance.randrange(256) & chance.randrange(256) for byte in keep)
            return bytes(was & (new | mask) for was, new, mask in zip(old, done, keep, strict=True))
        if where is Cut.TORN:  # half erase: a run of bytes is erased, the rest weak or as it was
            begin, end = sorted(chance.sample(range(self.size + 1), 2))
            return old[:begin] + done[begin:end] + bytes(byte | chance.randrange(256) for byte in old[end:])
        spots = chance.sample(range(self.size), 8)
        nearly = bytearray(done)
        for spot in spots:
            nearly[spot] = old[spot] | chance.randrange(256)
        return bytes(nearly)


class Flash:
    """Flash with its operations counted, that loses power at one of them if told so.

    memory: changed in place. `log` holds every operation that was begun, if keep_log is set. hardware: whose flash it
    is.
    """

    def __init__(self, memory: Memory, *, keep_log: bool = False, hardware: Hardware = MPS2) -> None:
        self.memory = memory
        self.hardware = hardware
        self.operations = 0
        self.log: list[Operation] = []
        self._keep_log = keep_log
        self._cut: tuple[int, Cut] | None = None

    def cut_at(self, operation: int, where: Cut) -> None:
        """Loses power at operation number `operation` (from 0)."""
        self._cut = operation, where

    def uncut(self) -> None:
        """Forgets cut_at."""
        self._cut = None

    def note(self, operation: Operation) -> None:
        """Counts an operation that the flash controller has begun on the same memory."""
        if self._keep_log:
            self.log.append(operation)
        self.operations += 1

    def read(self, address: int, size: int) -> bytes:
        """The bytes there."""
        return bytes(self.memory[address : address + size])

    def program(self, address: int, data: bytes) -> None:
        """Programs whole units. Raises FlashRuleError, PowerLostError."""
        for at in range(0, len(data), self.hardware.unit):
            self.apply(Operation(address + at, data[at : at + self.hardware.unit], self.hardware))

    def erase(self, address: int, size: int = 1) -> None:
        """Erases whole blocks, ascending, as many as hold so many bytes. Raises FlashRuleError, PowerLostError."""
        for at in range(address, address + size, self.hardware.block):
            self.apply(Operation(at, None, self.hardware))

    def apply(self, operation: Operation) -> None:
        """Does one operation, or loses power at it."""
        where = slice(operation.address, operation.address + operation.size)
        old = bytes(self.memory[where])
        new = operation.result(old)
        if self._keep_log:
            self.log.append(operation)
        if self._cut and self._cut[0] == self.operations:
            self.memory[where] = operation.cut(old, self._cut[1], self.operations)
            raise PowerLostError(f"at operation {self.operations}")
        self.memory[where] = new
        self.operations += 1


def cut_states(memory: bytearray, operations: Sequence[Operation]) -> Iterator[tuple[int, Cut, bytearray]]:
    """Every state that a power cut during the operations can leave: the operation's number, the cut, and the flash.

    memory: the flash before the first operation; it moves along, and at the end holds the state after the last. What is
    handed out is the same buffer each time: copy it to keep it.
    """
    flash = Flash(memory)
    for number, operation in enumerate(operations):
        where = slice(operation.address, operation.address + operation.size)
        old = bytes(memory[where])
        for cut in Cut:
            torn = operation.cut(old, cut, number)
            if cut is not Cut.BEFORE and torn == old:
                continue  # the same state as before it
            memory[where] = torn
            yield number, cut, memory
            memory[where] = old
        flash.apply(operation)
