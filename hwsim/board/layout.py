"""Where things lie on the board. Source: firmware_images/boards/mps2_an500/README.md."""

from dataclasses import dataclass
from typing import Final

FLASH_SIZE: Final = 1 << 20
RAM_BASE: Final = 0x2000_0000
RAM_SIZE: Final = 128 << 10
FLASH_BLOCK: Final = 4096
FLASH_UNIT: Final = 8

BOOT_ROM: Final = 0x0000_0000
FLASH_LOW: Final = 0x0001_0000  # the controller changes nothing below
FLASH_HIGH: Final = 0x000E_4000  # nor from here on
PARAMETERS: Final = (0x0008_0000, 0x0009_0000)
LOG: Final = 0x000A_0000
LOG_SIZE: Final = 256 << 10
SETTINGS: Final = (0x000E_0000, 0x000E_1000)
FLOOR: Final = 0x000E_2000  # two blocks: the boot ROM's security counter floor

SCANNER: Final = 0  # UARTs
STATION: Final = 1
STATUS: Final = 2

PIN_GATE: Final = 1 << 0
PIN_RED: Final = 1 << 1
PIN_GREEN: Final = 1 << 2
PIN_BUZZER: Final = 1 << 3
PIN_OUT_OF_SERVICE: Final = 1 << 4
GATE_FAULT: Final = 1 << 1  # an input, as is the passage sensor, bit 0


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for one image. start: its flash address. size: bytes."""

    name: str
    start: int
    size: int = 192 << 10

    @property
    def end(self) -> int:
        """The address behind the slot."""
        return self.start + self.size


SLOT_A: Final = Slot("A", 0x0001_0000)
SLOT_B: Final = Slot("B", 0x0004_0000)
SLOTS: Final = (SLOT_A, SLOT_B)
