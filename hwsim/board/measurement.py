"""One measurement: firmware built here, flashed onto a board, and its taps counted.

It repeats to the instruction for the same sources, compiler and codes. Riders made for the occasion have keys of their
own, and the cost of a verification depends on those a little; what must repeat uses codes that were kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from yima.hwsim.board.costs import Costs, measure
from yima.hwsim.board.workshop import CLOCK, equip, make_firmware, make_world
from yima.validator.parameters import Parameters

RATES_MHZ = (100, 216, 480)
"""Clock rates for the model of one instruction a cycle: a small Cortex-M7, a common one, a current one."""
CODES = 5
"""Enough of one issuer to earn its table, and one more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Counts, and the sizes of the image that was counted. flash_bytes: code and constants. ram_bytes: with stack."""

    costs: Costs
    flash_bytes: int
    ram_bytes: int


def measure_codes(directory: Path, parameters: Parameters, codes: Sequence[bytes], clock: int) -> Measured:
    """Builds the bus validator in `directory` and counts. codes: of one issuer, good under the parameters at `clock`
    (Unix seconds). Raises YimaError."""
    firmware = make_firmware(directory)
    flash = directory / "flash"
    equip(flash, firmware.image, parameters)
    costs = measure(flash, firmware.slot_a.elf, codes, clock)
    return Measured(costs=costs, flash_bytes=len(firmware.slot_a.image), ram_bytes=firmware.slot_a.ram_bytes)


def measure_new_riders(directory: Path) -> Measured:
    """As `measure_codes`, with an issuer and riders that are made for it. Raises YimaError."""
    world = make_world()
    return measure_codes(directory, world.parameters, [world.code(rider) for rider in range(CODES)], CLOCK)


def model_ms(instructions: int, mhz: int) -> float:
    """Milliseconds at one instruction a cycle: a model, to be named so wherever it is shown."""
    return instructions / mhz / 1000
