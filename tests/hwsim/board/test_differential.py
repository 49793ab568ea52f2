"""The board and the host's core: one verdict and the same record, byte for byte, for every code."""

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.entries import record_name
from yima.hwsim.board.emulator import Board
from yima.hwsim.board.layout import FLASH_SIZE, SCANNER, STACK_SIZE
from yima.hwsim.board.log_reader import read_log
from yima.hwsim.board.station import Station
from yima.hwsim.board.workshop import CITY, CLOCK, Firmware, World, equip
from yima.validator.journal.facts import parse
from yima.validator.judging import GateContext, Mode, Moment, Validator
from yima.validator.judging.record import Terminal, tap_entry
from yima.validator.parameters import Parameters, from_mapping

CODES = int(os.environ.get("YIMA_BOARD_CODES", "60"))
STACK_MOST = STACK_SIZE * 3 // 4  # room for what no test reaches
ROUND = 40


def parameters_of(vector: dict[str, Any]) -> Parameters:
    gate = vector["gate"]
    return from_mapping(
        {
            "environment": "test",
            "version": 1,
            "limits": {
                "max_validity_s": gate["max_validity_s"],
                "future_tolerance_s": gate["future_tolerance_s"],
                "account_types": gate["account_types"],
            },
            "fares": {gate["mode"]: gate["fare_fen"]},
            "roots": vector["roots"],
            "whitelist": [{"organisation": pair[0], "platform": pair[1]} for pair in vector["whitelist"]],
        },
        source=str(vector["case"]),
    )


class Pair:
    """A board and a host with the same parameters, clock and place."""

    def __init__(self, board: Board, parameters: Parameters, clock: int) -> None:
        self.board = board
        self._clock = clock
        self._tick_ms = 0
        self._host = Validator(parameters, GateContext(mode=Mode.BUS, city=CITY))
        self._begun = board.power_off().now  # cycles since the board was made, which other pairs may have used
        board.set_rtc(clock)
        board.power_on()
        board.run(2000, until=b"ready terminal")
        board.run(20)

    def second(self) -> int:
        """What the board's clock shows."""
        return self._clock + (self.board.run(0.001).now - self._begun) // self.board.mhz // 1_000_000

    def next_second(self) -> int:
        """Lets the board's clock reach the beginning of a second, so that a tap lies within it."""
        now = (self.board.run(0.001).now - self._begun) / self.board.mhz / 1000
        self.board.run(1000 - now % 1000 + 10)
        return self.second()

    def differences(self, code: bytes) -> list[str]:
        """Shows a code to both; what is not the same."""
        records = read_log(bytes(self.board.flash)).records
        unix_s = self.next_second()
        self.board.feed(SCANNER, code)
        outcome = self.board.run(1500, until=b"record=") + self.board.run(30)
        lines = [line for line in outcome.status.splitlines() if line.startswith("tap ")]
        if len(lines) != 1:
            return [f"{len(lines)} taps: {outcome.status!r}"]
        said = dict(word.split("=", 1) for word in lines[0].split()[1:])
        milliseconds = outcome.now // self.board.mhz // 1000
        verdict = self._host.judge(code, Moment(unix_s=unix_s, tick_ms=milliseconds))
        wanted = (verdict.reason.name, verdict.accepted, verdict.fare_fen, verdict.again)
        got = (said["name"], said["accepted"] == "1", int(said["fare"]), said["again"] == "1")
        found = [] if got == wanted else [f"{got} != {wanted}"]
        written = read_log(bytes(self.board.flash)).records.keys() - records.keys()
        for number in written:
            record = read_log(bytes(self.board.flash)).records[number]
            moment = Moment(unix_s=unix_s, tick_ms=parse(record)[0].tick_ms)
            wanted_entry = tap_entry(
                self._host,
                verdict,
                terminal=Terminal(terminal="T1"),
                record_id=record_name("T1", unix_s, number),
                moment=moment,
                run=1,
            )
            if record != wanted_entry or moment.tick_ms <= self._tick_ms:
                found.append(f"record {number} differs")
            self._tick_ms = moment.tick_ms
        return found


@pytest.fixture
def pair(tmp_path: Path, firmware: Firmware) -> Iterator[Callable[[Parameters, int], Pair]]:
    """Makes pairs one after the other; the board is one, with new flash and without power in between."""
    path = tmp_path / "flash"
    path.write_bytes(b"\xff" * FLASH_SIZE)
    with Board(path) as board:

        def make(parameters: Parameters, clock: int) -> Pair:
            equip(tmp_path / "equipped", firmware.image, parameters)
            board.power_off()
            board.flash[:] = (tmp_path / "equipped").read_bytes()
            return Pair(board, parameters, clock)

        yield make


@pytest.mark.slow
@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.long)])
def test_lab_vectors_have_the_same_verdict_and_record(
    pair: Callable[[Parameters, int], Pair],
    lab: dict[int, dict[str, Any]],
    stack_used: Callable[[Board], int],
    every: int,
) -> None:
    found = {}
    for case, vector in list(lab.items())[::every]:
        both = pair(parameters_of(vector), vector["clock"])
        if differences := both.differences(bytes.fromhex(vector["code"])):
            found[case] = differences
        assert 1000 < stack_used(both.board) <= STACK_MOST, case
    assert found == {}


def mutated(chance: random.Random, code: bytes) -> bytes:
    """A code with a few bytes changed, cut short, or none at all; never so that a line cannot carry it."""
    changed = bytearray(code)
    kind = chance.randrange(10)
    for _ in range(chance.randrange(1, 4)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    if kind == 0:
        return chance.randbytes(chance.randrange(1, 60))
    return code if kind < 3 else bytes(changed)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_random_and_mutated_codes_have_the_same_verdict_and_record(
    pair: Callable[[Parameters, int], Pair], world: World
) -> None:
    chance = random.Random("the board against the host")
    both = pair(world.parameters, CLOCK)
    station = Station(both.board)
    found = []
    for number in range(CODES):
        code = mutated(chance, world.code(number, both.second()))
        if problems := differences_after_framing(both, code):
            found.append((number, code.hex(), problems))
        if number % ROUND == ROUND - 1:
            records = station.records(station.state()["ack"] + 1)
            station.acknowledge(records[-1])
    assert found == []


def differences_after_framing(both: Pair, code: bytes) -> list[str]:
    """Only what the line hands over as one payload, as it is, is put to both; framing has tests of its own."""
    from yima.validator.readers.framing import Framer, Profile

    framer = Framer(Profile.for_line(baud=115200, mode="raw"))
    readings = [*framer.feed(code, 0), *framer.silence(10**10)]
    if [reading.payload for reading in readings] != [code]:
        return []
    return both.differences(code)
