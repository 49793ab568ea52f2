"""`python ticks.py TICKS`: a program that only ticks, in a process of its own (it loads the emulator).

Its SysTick handler adds one to the pins, each time an event, and nothing else happens. The answer is JSON: the pins at
the end, how often the run came back for its list of events to be emptied, and the faults.
"""

import json
import struct
import sys

from yima.hwsim.board.engine import Engine
from yima.hwsim.board.layout import FLASH_SIZE, RAM_BASE, RAM_SIZE
from yima.hwsim.board.processor import Kind, Stop

MHZ = 25
TICK = 1000  # cycles
MAIN, HANDLER, SYSTICK_VECTOR = 0x100, 0x140, 4 * 15
# ldr r0, =SysTick; movs r1, #249; lsls r1, #2; adds r1, #3; str r1, [r0, #4]; movs r1, #7; str r1, [r0]; wfi; b wfi
MAIN_CODE = struct.pack(
    "<10HI", 0x4804, 0x21F9, 0x0089, 0x3103, 0x6041, 0x2107, 0x6001, 0xBF30, 0xE7FD, 0xBF00, 0xE000E010
)
# ldr r0, =LED0; ldr r1, [r0]; adds r1, #1; str r1, [r0]; bx lr
HANDLER_CODE = struct.pack("<6HI", 0x4802, 0x6801, 0x3101, 0x6001, 0x4770, 0xBF00, 0x40028000)


def play(ticks: int) -> dict[str, object]:
    """Runs until that many ticks have gone by."""
    flash, ram = bytearray(b"\xff" * FLASH_SIZE), bytearray(RAM_SIZE)
    flash[0:8] = struct.pack("<II", RAM_BASE + 0x1000, MAIN | 1)
    flash[SYSTICK_VECTOR : SYSTICK_VECTOR + 4] = struct.pack("<I", HANDLER | 1)
    flash[MAIN : MAIN + len(MAIN_CODE)] = MAIN_CODE
    flash[HANDLER : HANDLER + len(HANDLER_CODE)] = HANDLER_CODE
    engine = Engine(flash, ram, mhz=MHZ)
    engine.reset(0, bytes(flash[:0x200]), 0)
    pins = emptied = 0
    faults = []
    end = ticks * TICK + TICK // 2
    while engine.now < end:
        stop = engine.run(end)
        for event in engine.events():
            if event.kind is Kind.PINS:
                pins = event.a
            elif event.kind is Kind.FAULT:
                faults.append([event.a, hex(event.b), hex(event.c)])
        emptied += stop is Stop.EVENTS
        if stop is Stop.LOCKUP:
            break
    return {"pins": pins, "emptied": emptied, "faults": faults}


if __name__ == "__main__":
    json.dump(play(int(sys.argv[1])), sys.stdout)
