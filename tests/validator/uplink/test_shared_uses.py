"""Codes used at other gates of a station: heard, kept for as long as codes last, never in the way of a tap."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from tests.sdk.centre.clearing import world
from tests.sdk.centre.clearing.world import NOON, rider
from tests.sdk.centre.fleet.at_work import AtWork, collector_at_work
from tests.uplinks import answering, http, until
from yima.sdk.issuer import make_rider
from yima.validator import _core
from yima.validator.errors import YimaError
from yima.validator.guarding.watched import Standing
from yima.validator.journal import SegmentJournal
from yima.validator.judging import Direction, GateContext, Mode, Moment, Reason, Validator, Verdict
from yima.validator.judging.record import Terminal, tap_entry
from yima.validator.parameters import Parameters
from yima.validator.state.keys import DeviceKey
from yima.validator.uplink import shared_uses
from yima.validator.uplink.http import HttpUplink
from yima.validator.uplink.shared_uses import SharedUses, with_room
from yima.validator.uplink.uses_wire import Used, encode_answer

CODE = bytes(range(32))


@pytest.fixture(scope="module")
def parameters(tmp_path_factory: pytest.TempPathFactory) -> Parameters:
    return world.parameters(tmp_path_factory.mktemp("source"))


@pytest.fixture(scope="module")
def at_work(tmp_path_factory: pytest.TempPathFactory, parameters: Parameters) -> Iterator[AtWork]:
    folder = tmp_path_factory.mktemp("collector")
    (folder / "published").mkdir()
    (folder / "published" / "v1.img").write_bytes(parameters.image)
    with collector_at_work(folder, published=folder / "published") as at_work:
        yield at_work


class Gate:
    """A gate of a metro station, with its journal and what it hears of others. Its clock is now, its codes of now."""

    def __init__(self, folder: Path, url: str, name: str, parameters: Parameters, station: int = 101) -> None:
        place = GateContext(mode=Mode.METRO, city=world.CITY, station=station, direction=Direction.ENTRY, line=1)
        self.name, self.key = name, DeviceKey.generate()
        self.validator = with_room(parameters, place)
        folder.mkdir(exist_ok=True)
        self.journal = SegmentJournal(folder / name, name, epoch_for_new=7)
        self.uplink = HttpUplink(url, key=self.key, device=name, epoch=7)
        self.told: list[object] = []
        self.uses = SharedUses(
            HttpUplink(url, key=self.key, device=name, epoch=7, total_s=40),
            device=name,
            validator=self.validator,
            parameters=parameters,
            now=lambda: int(time.time()),
            on_trouble=self.told.append,
            on_recovered=lambda: self.told.append("back"),
        )

    def tap(self, code: bytes) -> Verdict:
        moment = Moment.at(int(time.time()))
        verdict = self.validator.judge(code, moment)
        entry = tap_entry(
            self.validator, verdict, terminal=Terminal(terminal=self.name), record_id="", moment=moment, run=1
        )
        self.journal.append(entry)
        return verdict

    def send(self) -> None:
        self.uplink.send(list(self.journal.pending(100)))

    def holds(self, code: bytes) -> bool:
        self.uses.turn()
        return self.validator.core.holds(code)

    def close(self) -> None:
        self.uses.stop()
        self.uplink.close()
        self.journal.close()


def fresh(card: int) -> bytes:
    """A code of this moment; the world's riders are authorised for long enough only around its noon."""
    now = int(time.time())
    return make_rider(
        world.issuer(),
        payment_account="6228480402564890",
        card_account=f"310487{card:014d}",
        platform=world.PLATFORMS[world.SHANGHAI],
        authorised_until=now + 86400,
        cap_fen=2000,
        issuer_data=world.OUTSIDE,
    ).code(now)


def test_a_stop_ends_the_asking(at_work: AtWork, parameters: Parameters, tmp_path: Path) -> None:
    gate = Gate(tmp_path, at_work.url, "north-1", parameters)
    with gate.uses:
        assert gate.uses.thread.standing is Standing.RUNNING
    gate.close()
    until(lambda: gate.uses.thread.standing is Standing.ENDED)


def test_a_code_that_opened_one_gate_opens_no_other_of_the_station(
    at_work: AtWork, parameters: Parameters, tmp_path: Path
) -> None:
    """A code was good once at every gate of a station."""
    one, two = (Gate(tmp_path, at_work.url, name, parameters) for name in ("north-1", "north-2"))
    far = Gate(tmp_path, at_work.url, "far-1", parameters, station=205)
    for gate in (one, two, far):
        gate.send()
    with one.uses, two.uses, far.uses:
        first = one.tap(fresh(1))
        assert first.accepted and first.digest is not None
        one.send()
        until(lambda: two.holds(first.digest or b""))
        assert two.tap(first.code).reason is Reason.REPEATED
        other = two.tap(fresh(2))
        assert other.accepted, "others ride as ever"
        two.send()
        until(lambda: one.holds(other.digest or b""))
        assert not far.holds(first.digest), "another station is not told"
    for gate in (one, two, far):
        assert gate.told == []
        gate.close()


def test_a_stranger_hears_nothing(at_work: AtWork, parameters: Parameters, tmp_path: Path) -> None:
    mine, his = (Gate(tmp_path / name, at_work.url, "south-1", parameters) for name in ("mine", "his"))
    mine.send()
    with his.uses:
        until(lambda: bool(his.told))
    assert "answers 403" in str(his.told[0])
    for gate in (mine, his):
        gate.close()


def handed(parameters: Parameters, *, now: int = NOON, **more: Any) -> SharedUses:
    """One that hears nothing by itself."""
    gate = GateContext(mode=Mode.BUS, city=world.CITY)
    return SharedUses(
        HttpUplink("http://127.0.0.1:1", key=DeviceKey.generate(), device="gate-7", epoch=7),
        device="gate-7",
        validator=with_room(parameters, gate),
        parameters=parameters,
        now=lambda: now,
        on_trouble=more.get("on_trouble", lambda error: None),
        on_recovered=lambda: None,
    )


def used(code: bytes = CODE, *, at: int = NOON - 5, good_until: int = NOON + 60, taken_back: bool = False) -> Used:
    return Used(code, at, good_until, 1, taken_back)


def turn(uses: SharedUses, *came: Used) -> None:
    uses._came.extend(came)
    while uses._came:
        uses.turn()


def test_a_ride_that_was_taken_back_there_may_begin_here(parameters: Parameters) -> None:
    uses = handed(parameters)
    turn(uses, used())
    assert uses._validator.core.holds(CODE)
    turn(uses, used(taken_back=True))
    assert not uses._validator.core.holds(CODE)


def test_what_this_gate_let_through_nobody_takes_back(parameters: Parameters) -> None:
    uses = handed(parameters)
    verdict = uses._validator.judge(rider(1).code(NOON), Moment.at(NOON))
    assert verdict.accepted and verdict.digest is not None
    turn(uses, used(verdict.digest), used(verdict.digest, taken_back=True))
    assert uses._validator.core.holds(verdict.digest)


def test_what_came_longer_ago_than_any_code_lasts_is_no_longer_theirs_to_take_back(parameters: Parameters) -> None:
    uses = handed(parameters)
    turn(uses, used())
    ((at, code),) = uses._taken
    uses._taken[0] = (at - uses._lasts_s, code)
    turn(uses, used(taken_back=True))
    assert uses._validator.core.holds(CODE)


def test_what_has_ended_or_lies_ahead_is_not_kept(parameters: Parameters) -> None:
    uses = handed(parameters)
    turn(uses, used(good_until=NOON - 1), used(at=NOON + 2000))
    assert uses._validator.memory.used == 0


def test_whoever_answers_can_shut_out_no_rider_for_ever(
    parameters: Parameters, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A memory that is full refuses riders: what comes from elsewhere must never fill it."""
    monkeypatch.setattr(shared_uses, "ROOM_MOST", 1000)
    told: list[YimaError] = []
    uses = handed(parameters, on_trouble=told.append)
    many = 1200
    turn(uses, *(used(_core.sm3(number.to_bytes(4)), good_until=1 << 60) for number in range(1, many + 1)))
    memory = uses._validator.memory
    assert (memory.used, uses.left_out) == (1000, 200)
    assert memory.most - memory.used >= Validator(parameters, uses._validator.gate).memory.most
    assert len(told) == 1
    at = NOON + 5
    assert uses._validator.judge(rider(1).code(at), Moment.at(at)).accepted
    assert uses._validator.memory.lost_until == 0


def test_a_turn_takes_over_only_a_few(parameters: Parameters) -> None:
    uses = handed(parameters)
    uses._came.extend(used(_core.sm3(number.to_bytes(4))) for number in range(1, 101))
    uses.turn()
    assert uses._validator.memory.used == shared_uses.A_TURN


def test_an_answer_that_is_none_is_told_and_asked_again(parameters: Parameters) -> None:
    told: list[YimaError] = []
    good = http("200 OK", encode_answer(5, [used()]))
    with answering(http("200 OK", b"nonsense"), good) as url:
        uses = handed(parameters, on_trouble=told.append)
        uses._uplink = HttpUplink(url, key=DeviceKey.generate(), device="gate-7", epoch=7)
        with uses:
            until(lambda: bool(uses._came))
    assert "makes no sense" in str(told[0])


class Stopping(threading.Event):
    """Writes down for how long it is waited for, and is set in the end."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout)
        if len(self.waits) == 3:
            self.set()
        return self.is_set()


class AtOnce:
    """A collector that keeps no answer until there is something to say, as one does that is about to end."""

    def __init__(self, *answers: list[Used]) -> None:
        self._answers = list(answers)

    def exchange(self, path: str, body: bytes, *, answer_max: int) -> bytes:
        return encode_answer(5, self._answers.pop(0))


def test_whoever_says_nothing_at_once_is_not_asked_again_at_once(parameters: Parameters) -> None:
    uses = handed(parameters)
    uses._uplink, uses._stop = cast(HttpUplink, AtOnce([], [used()], [])), Stopping()
    uses._listen()
    assert uses._stop.waits == [shared_uses.HASTY_S, 0.0, shared_uses.HASTY_S]


def test_without_a_network_a_gate_goes_by_its_own_memory_and_waits_for_nobody(parameters: Parameters) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes the connection, and never answers
        uses = handed(parameters)
        uses._uplink = HttpUplink(
            f"http://127.0.0.1:{silent.getsockname()[1]}", key=DeviceKey.generate(), device="gate-7", epoch=7,
            total_s=3600,
        )  # fmt: skip  # whoever waited for it would be waiting still
        with uses:
            for _ in range(100):
                uses.turn()
            code = rider(1).code(NOON)
            assert uses._validator.judge(code, Moment.at(NOON)).accepted
            assert uses._validator.judge(code, Moment.at(NOON + 9)).reason is not Reason.ACCEPTED
