"""`python stops.py FLASH CODE PLAN`: a tap with a debugger's stops, in a process of its own (it loads the emulator).

PLAN is JSON: by name, a play with its breakpoints, how many steps follow a stop at one, and after how many stops the
debugger leaves; `null` plays without a debugger. The answer is JSON by name: what the board did, which must not depend
on the plan, how many stops there were, and where.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from yima.hwsim.board.debugger import BoardTarget
from yima.hwsim.board.machine import Machine
from yima.hwsim.board.workshop import CLOCK

MHZ = 480
BOOT, TAP = 50_000 * MHZ, 60_000 * MHZ  # cycles
PC = 15


def play(flash: bytes, code: bytes, plan: dict[str, Any] | None) -> dict[str, Any]:
    """One power-on and one tap."""
    memory = bytearray(flash)
    machine = Machine(memory, mhz=MHZ)
    machine.set_rtc(CLOCK)
    target = BoardTarget(machine)
    machine.power_on()
    places: set[int] = set()
    stops = steps = 0
    did: dict[str, Any] = {"status": b"", "pins": [], "notes": []}

    def run(end: int) -> None:
        nonlocal stops, steps
        while machine.now < end:
            happened = machine.run(end - machine.now)
            did["status"] += bytes(happened.sent[2])
            did["pins"] += happened.pins
            did["notes"] += happened.notes
            if not machine.paused:
                continue
            stops += 1
            at = target.registers()[PC]
            places.add(at)
            if plan is None or stops >= plan["stops"]:
                target.detach()
                continue
            steps = plan["steps"] if at in plan["breakpoints"] else steps - 1
            target.resume(step=steps > 0)

    if plan is not None:
        target.attach()
        for address in plan["breakpoints"]:
            assert target.set_breakpoint(address, True)
        target.resume(step=False)
    run(BOOT)
    machine.feed(0, code)
    run(BOOT + TAP)
    did["status"] = did["status"].decode()
    did |= {"now": machine.now, "insns": machine.insns}
    did |= {
        "flash": hashlib.sha256(memory).hexdigest(),
        "ram": hashlib.sha256(target.read(0x2000_0000, 1 << 17)).hexdigest(),
    }
    return {"did": did, "stops": stops, "places": sorted(places)}


if __name__ == "__main__":
    plays = json.loads(sys.argv[3])
    flash, code = (Path(name).read_bytes() for name in sys.argv[1:3])
    json.dump({name: play(flash, code, plan) for name, plan in plays.items()}, sys.stdout)
