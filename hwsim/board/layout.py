"""Where things lie on the emulated board, mps2-an500, and what its lines and pins are called.

The places are those of firmware_images/boards/mps2_an500/board.toml; the rest is the same on every board (port.h).
"""

from typing import Final

from yima.firmware_images.hardware import Place, board

MPS2: Final = board("mps2-an500")

FLASH_SIZE: Final = MPS2.size
FLASH_BLOCK: Final = MPS2.block
FLASH_UNIT: Final = MPS2.unit
FLASH_LOW: Final = MPS2.writable.start  # the controller changes nothing below
FLASH_HIGH: Final = MPS2.writable.end  # nor from here on
PARAMETERS: Final = tuple(copy.start for copy in MPS2.parameters.halves())
LOG: Final = MPS2.log.start
LOG_SIZE: Final = MPS2.log.size
SETTINGS: Final = tuple(copy.start for copy in MPS2.settings.halves())

RAM_BASE: Final = MPS2.ram.start
RAM_SIZE: Final = MPS2.ram.size
STACK_SIZE: Final = MPS2.ram.stack

SCANNER: Final = 0  # UARTs
STATION: Final = 1
STATUS: Final = 2

PIN_GATE: Final = 1 << 0
PIN_RED: Final = 1 << 1
PIN_GREEN: Final = 1 << 2
PIN_BUZZER: Final = 1 << 3
PIN_OUT_OF_SERVICE: Final = 1 << 4
GATE_FAULT: Final = 1 << 1  # an input, as is the passage sensor, bit 0

Slot = Place
SLOTS: Final = MPS2.slots
SLOT_A: Final = SLOTS[0]
SLOT_B: Final = SLOTS[1]
