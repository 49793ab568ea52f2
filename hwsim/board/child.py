"""`python -m yima.hwsim.board.child`: the emulator's own process. JSON lines in on stdin, one answer each on stdout.

It exists because of a licence: unicorn is under the GPL, so nothing but this process loads it. Each line in is
{"do": verb, ...}; each line out is {"ok": {...}}, {"error": text}, or of what an engineer can mend {"refused": [thing,
[problem, in Chinese], [remedy, in Chinese]]}. Bytes are hex. The verbs are the public methods of
`Session` below. While the board is live (see live.py), lines {"event": {...}} come unasked.
"""

import json
import mmap
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from yima.hwsim.board.flash import Cut
from yima.hwsim.board.flaws import Flaws, Harm
from yima.hwsim.board.live import Live
from yima.hwsim.board.machine import Happened, Machine
from yima.validator.errors import YimaError
from yima.validator.outside import json_of
from yima.validator.texts import Text


class Session:
    """What the parent can ask for. Every method takes a request's members and returns the answer's."""

    def __init__(self) -> None:
        self._machine: Machine | None = None

    @property
    def machine(self) -> Machine:
        """The board. Raises ValueError before `open`."""
        if self._machine is None:
            raise ValueError("open comes first")
        return self._machine

    def obey(self, verb: str, members: dict[str, Any]) -> dict[str, Any]:
        """Does one request. Raises ValueError for an unknown verb."""
        if verb.startswith("_") or verb in {"machine", "obey", "close"}:
            raise ValueError(f"no verb {verb}")
        answer: dict[str, Any] = getattr(self, verb)(**members)
        return answer

    def open(self, *, flash: str, mhz: int, keep_operations: bool = False, ram_seed: int = 0) -> dict[str, Any]:
        """Takes a flash file, shared with whoever maps it."""
        with Path(flash).open("r+b") as file:
            memory = mmap.mmap(file.fileno(), 0)
        self.close()
        self._machine = Machine(memory, mhz=mhz, keep_operations=keep_operations, ram_seed=ram_seed, file=Path(flash))
        return {}

    def close(self) -> None:
        """Power off, and what ran the firmware is gone."""
        if self._machine:
            self._machine.close()
            self._machine = None

    def power_on(self) -> dict[str, Any]:
        """Boots."""
        return self._tell(self.machine.power_on())

    def power_off(self) -> dict[str, Any]:
        """Takes the power away."""
        self.machine.power_off()
        return self._tell(Happened())

    def feed(self, *, uart: int, data: str, harm: int = 0) -> dict[str, Any]:
        """Bytes onto a line."""
        if uart not in range(3):
            raise ValueError(f"no UART {uart}")
        return {"fed": self.machine.feed(uart, bytes.fromhex(data), Harm(harm))}

    def set_flaws(self, **switches: int) -> dict[str, Any]:
        """What is slow or wrong about the board."""
        self.machine.set_flaws(Flaws(**switches))
        return {}

    def run(self, *, cycles: int, uart: int = 0, until: str = "") -> dict[str, Any]:
        """Lets time pass."""
        return self._tell(self.machine.run(cycles, until=(uart, bytes.fromhex(until)) if until else None))

    def set_rtc(self, *, unix_s: int, stopped: bool = False) -> dict[str, Any]:
        """Sets the battery-backed clock."""
        self.machine.set_rtc(unix_s, stopped=stopped)
        return {}

    def set_buttons(self, *, value: int) -> dict[str, Any]:
        """Sets the input pins."""
        self.machine.set_buttons(value)
        return {}

    def cut_at(self, *, operation: int, where: str, brown_out: bool = False) -> dict[str, Any]:
        """Plans a loss of power, or a dip."""
        self.machine.cut_at(operation, Cut(where), brown_out=brown_out)
        return {}

    def operations(self) -> dict[str, Any]:
        """The flash operations since power-on."""
        log = self.machine.flash.log
        return {"operations": [[one.address, None if one.data is None else one.data.hex()] for one in log]}

    def mark(self, *, marks: dict[str, int]) -> dict[str, Any]:
        """Parts of the cost by function address."""
        self.machine.mark({int(address): part for address, part in marks.items()})
        return {}

    def parts(self, *, clear: bool = False) -> dict[str, Any]:
        """Instructions by part."""
        found = {"spent": self.machine.spent(), "entered": self.machine.entered()}
        if clear:
            self.machine.clear_parts()
        return found

    def untouched(self, *, address: int, size: int) -> dict[str, Any]:
        """RAM that nobody wrote since power-on."""
        return {"size": self.machine.untouched(address, size)}

    def live(self, *, links: dict[str, str] | None = None, control: str = "", gdb: int | None = None) -> dict[str, Any]:
        """Runs at the pace of the host's clock, until a line comes on stdin; the line is then obeyed as usual."""
        places = {int(uart): Path(path) for uart, path in (links or {}).items()}
        live = Live(self.machine, places, _say, control=control, gdb=gdb)
        with live:
            _say({"event": {"paths": live.paths}})
            live.run(sys.stdin.fileno())
        return self._tell(Happened())

    def _tell(self, happened: Happened) -> dict[str, Any]:
        machine = self.machine
        return {
            "state": machine.state.value,
            "slot": machine.boot.slot.name if machine.boot and machine.boot.slot else None,
            "now": machine.now,
            "insns": machine.insns,
            "operations": machine.flash.operations,
            "sent": {str(uart): data.hex() for uart, data in happened.sent.items() if data},
            "pins": happened.pins,
            "notes": happened.notes,
        }


def _say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Answers until stdin ends; then nothing of the board goes on."""
    # Unbuffered, because a live board watches the descriptor itself.
    with closing(Session()) as session, open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as requests:
        while line := requests.readline():
            try:
                request = json_of(line)
                verb = request.pop("do")
                _say({"ok": session.obey(verb, request)})
            except YimaError as error:
                _say({"refused": [error.thing, error.problem, error.remedy]})
            except OSError as error:
                _say({"refused": [*_unusable(error)]})
            except (ValueError, TypeError, AttributeError, KeyError) as error:
                _say({"error": f"{type(error).__name__}: {error}"})


def _unusable(error: OSError) -> tuple[str, Text, Text]:
    """What the system does not let a board have: a link's place, a socket, a port."""
    said = error.strerror or str(error)
    return (
        str(error.filename or "board"),
        Text(f"cannot be used: {said}", f"无法使用：{said}"),
        Text("Name another place; nothing that lies there is taken away", "请另选位置；不会删除该处已有的文件"),
    )


if __name__ == "__main__":
    main()
