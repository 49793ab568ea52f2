"""`python -m benchmarks.memory`: whether the memory of used codes forgets any that could still be shown.

Hours of virtual time at one gate: new riders at the highest rate, codes of the largest validity that parameters allow,
and photographs of codes shown again by somebody else, at any time while they are good, and once more at the very end.
The loop of a tap judges; every hour the device starts anew and fills its memory from the entries it wrote, every two
hours other parameters come. A code that opens the gate twice is the failure that this looks for: then it exits with 1.
"""

import argparse
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any

from rich.console import Console

from yima.sdk.cli.arguments import WholeNumber
from yima.sdk.issuer import Issuer, Rider, make_issuer, make_rider, make_root
from yima.validator.judging import GateContext, Mode, Validator
from yima.validator.judging.loop import GateAnswer, Step, TapLoop
from yima.validator.judging.record import Terminal
from yima.validator.parameters import Parameters, from_mapping
from yima.validator.texts import Text, say

LONGEST_S = 65535
_BEGIN = 1_790_000_000
_TERMINAL = Terminal(terminal="bench")
_RIDERS = 500
_ORGANISATION, _PLATFORM = "00083010", "50083010"


class _Gate:
    """A loop with a list for a journal, at a gate that opens."""

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters
        self.entries: list[bytes] = []
        self.opened: Counter[bytes] = Counter()
        self.reasons: Counter[str] = Counter()
        self._run = 0
        self.start(_BEGIN)

    def start(self, now: int) -> None:
        """A start: the memory is filled from the entries."""
        self._run += 1
        self.validator = Validator(self._parameters, GateContext(mode=Mode.BUS))
        self.loop = TapLoop(self.validator, _TERMINAL, run=self._run, senses_passage=False, not_before=_BEGIN)
        self._carry_out(self.loop.moment(now, now * 1000, self._next))

    def use(self, parameters: Parameters) -> None:
        """Other parameters."""
        self._parameters = parameters
        self.validator.use(parameters)
        self._carry_out(self.loop.parameters(0))

    def show(self, code: bytes, now: int) -> None:
        """One presentation; with a debounce of 0 nothing is in view from the one before."""
        tick = now * 1000
        self._carry_out(self.loop.moment(now, tick, self._next))
        self._carry_out(self.loop.reading(code, now, tick, 0, self._next), code)

    @property
    def _next(self) -> int:
        return len(self.entries) + 1

    def _carry_out(self, step: Step, code: bytes = b"") -> None:
        while step is not Step.NOTHING:
            match step:
                case Step.RECORD:
                    self.entries.append(self.loop.entry)
                    step = self.loop.recorded(len(self.entries))
                case Step.OPEN:
                    self.opened[code] += 1
                    self.reasons["ACCEPTED"] += 1
                    step = self.loop.gate(self.loop.state.tap, GateAnswer.OPENED)
                case Step.REFUSE:
                    self.reasons[self.loop.verdict.reason.name] += 1
                    step = self.loop.done()
                case Step.REFILL:
                    for entry in self.entries:
                        self.validator.remember(entry)
                    step = self.loop.done()
                case _:
                    step = self.loop.done()


def _parameters(version: int, certificate: str, rate: int, validity_s: int) -> Parameters:
    return from_mapping(
        {
            "environment": "test",
            "version": version,
            "fares": {"bus": 200},
            "limits": {"max_validity_s": validity_s, "taps_per_minute": rate, "debounce_ms": 0},
            "roots": [{"certificate": certificate}],
            "whitelist": [{"organisation": _ORGANISATION, "platform": _PLATFORM}],
        },
        source="the benchmark of the memory",
    )


def _codes(issuer: Issuer, validity_s: int) -> Callable[[int, int], bytes]:
    """Makes the code that rider `number` shows at a time; a rider has as many as he likes."""

    @cache
    def rider(number: int) -> Rider:
        return make_rider(
            issuer, payment_account="6228480402564890", card_account=f"3104870000{number:010}", platform=_PLATFORM,
            authorised_until=_BEGIN + 10 * 86400, validity_s=validity_s,
        )  # fmt: skip

    return lambda number, now: rider(number % _RIDERS).code(now)


def measured(*, rate: int, made_for: int, hours: float, validity_s: int, seed: int = 1) -> dict[str, Any]:
    """Runs it. rate: new riders a minute; made_for: what the parameters say of them."""
    draw = random.Random(seed)
    root = make_root()
    code_at = _codes(make_issuer(root, _ORGANISATION), validity_s)
    certificate = root.certificate.hex()
    gate = _Gate(_parameters(1, certificate, made_for, validity_s))
    again: dict[int, list[bytes]] = {}  # what is shown again, by the minute
    most_used, shown, begun = 0, 0, time.perf_counter()
    minutes = round(hours * 60)
    for minute in range(minutes):
        at = _BEGIN + 60 * minute
        if minute and minute % 60 == 0:
            gate.start(at)
        if minute and minute % 120 == 0:
            gate.use(_parameters(1 + minute // 120, certificate, made_for, validity_s))
        for code in again.pop(minute, ()):
            shown += 1
            gate.show(code, at)
        for number in range(rate):
            now = at + 60 * number // rate
            code = code_at(minute * rate + number, now)
            gate.show(code, now)
            last = min(minutes - 1, minute + validity_s // 60)
            for when in {draw.randint(minute + 1, max(minute + 1, last)), last}:
                again.setdefault(when, []).append(code)
        most_used = max(most_used, gate.validator.memory.used)
    memory = gate.validator.memory
    return {
        "taps_per_minute": rate,
        "made_for_taps_per_minute": made_for,
        "hours": hours,
        "validity_s": validity_s,
        "new_codes": rate * minutes,
        "shown_again": shown,
        "starts": max(1, -(-minutes // 60)),
        "accepted": sum(gate.opened.values()),
        "accepted_twice": sum(count > 1 for count in gate.opened.values()),
        "refused_memory_full": gate.reasons["MEMORY_FULL"],
        "refused_repeated": gate.reasons["REPEATED"],
        "memory_most_used": most_used,
        "memory_entries": memory.most,
        "seconds": round(time.perf_counter() - begun, 1),
    }


def main() -> int:
    """Measures and says so; 1 if a code was accepted twice."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--rate", type=WholeNumber(1, 6000), default=240, help="new riders a minute")
    parser.add_argument(
        "--made-for", type=WholeNumber(1, 6000), help="taps_per_minute of the parameters; default: rate"
    )
    parser.add_argument("--hours", type=float, default=6.0, help="of virtual time")
    parser.add_argument("--validity", type=WholeNumber(120, LONGEST_S), default=LONGEST_S, help="of a code, seconds")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    asked = parser.parse_args()
    found = measured(
        rate=asked.rate, made_for=asked.made_for or asked.rate, hours=asked.hours, validity_s=asked.validity
    )
    if asked.json:
        print(json.dumps(found))
    else:
        console = Console(highlight=False)
        for name, value in found.items():
            console.print(f"{name:26} {value}")
        verdict = Text("no code was accepted twice", "没有码被重复受理")
        console.print(say(verdict if not found["accepted_twice"] else Text("ACCEPTED TWICE", "重复受理")))
    return int(found["accepted_twice"] > 0)


if __name__ == "__main__":
    raise SystemExit(main())
