"""Who may do what at the station's wire: the firmware's own C on the machine at hand."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

if not all(map(importlib.util.find_spec, ("imgtool", "cbor2", "smpclient"))):
    pytest.skip("the extra `firmware` is not installed", allow_module_level=True)

from tests.firmware_images.device_host import HostBoard
from yima.firmware_images.provision import Settings
from yima.firmware_images.session import Role, Signer, StationKey, bench_key, bench_signer
from yima.hwsim.board.workshop import CITY, CLOCK, World, make_world
from yima.sdk.sm2 import SigningKey

READ, WRITE = 0, 2
OS, IMAGE, YIMA = 0, 1, 64
DENIED = {"rc": 11}
NO_KEY, OLD_CHALLENGE, SIGNATURE = 6, 7, 8
NEEDS = [
    pytest.param(WRITE, OS, 4, {"datetime": "2026-11-27T00:00:00"}, id="time"),
    pytest.param(WRITE, OS, 5, {}, id="reset"),
    pytest.param(WRITE, IMAGE, 0, {"confirm": True}, id="confirm"),
    pytest.param(WRITE, IMAGE, 1, {"off": 0, "data": b"image", "len": 5}, id="upload"),
    pytest.param(WRITE, IMAGE, 5, {}, id="erase"),
    pytest.param(WRITE, YIMA, 1, {"off": 0, "data": b"city", "len": 4}, id="parameters"),
    pytest.param(READ, YIMA, 2, {"from": 0}, id="records"),
    pytest.param(WRITE, YIMA, 3, {"n": 1, "h": bytes(32)}, id="acknowledge"),
]
MECHANIC = Signer(key=SigningKey.from_int(77), role=Role.MAINTENANCE)
KEYS = [bench_key(), StationKey(role=Role.MAINTENANCE, public=MECHANIC.key.compressed)]


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


def made(library: Path, world: World, *, keys: list[StationKey] = KEYS) -> HostBoard:
    board = HostBoard(library, Settings(terminal="T1", city=CITY, station_keys=keys), bytes(world.parameters.image))
    board.start(CLOCK, 1000)
    return board


@pytest.fixture
def board(library: Path, world: World) -> HostBoard:
    """A metro gate that has come up, with a rider's record in its log."""
    board = made(library, world)
    board.tap(world.code(1))
    board.said()
    return board


def challenge(board: HostBoard) -> dict[str, Any]:
    return board.ask(READ, YIMA, 4, {})


def answer(asked: dict[str, Any], signer: Signer | None = None) -> dict[str, Any]:
    return (signer or bench_signer()).answer(asked["challenge"], asked["terminal"], asked["environment"])


def code_of(said: dict[str, Any]) -> int:
    """The number of group 64's error."""
    assert said["err"]["group"] == YIMA
    number: int = said["err"]["rc"]
    return number


@pytest.mark.parametrize(("operation", "group", "command", "body"), NEEDS)
def test_what_changes_something_and_records_need_a_session(
    board: HostBoard, operation: int, group: int, command: int, body: dict[str, Any]
) -> None:
    before = board.flash()
    assert board.ask(operation, group, command, body) == DENIED
    assert f"station refused=NEEDS_SESSION group={group} command={command}" in board.said()
    assert board.flash() == before
    assert board.ask(READ, YIMA, 0, {})["refused"] == 1
    assert board.open_session() == {"role": 1, "minutes": 10}
    assert board.ask(operation, group, command, body) != DENIED


def test_what_only_tells_how_the_device_stands_is_open_and_names_no_account(board: HostBoard) -> None:
    assert board.ask(WRITE, OS, 0, {"d": "hello"}) == {"r": "hello"}
    assert "T1" in board.ask(READ, OS, 7, {"format": "a"})["output"]
    assert "datetime" in board.ask(READ, OS, 4, {})
    assert "images" in board.ask(READ, IMAGE, 0, {})
    state = board.ask(READ, YIMA, 0, {})
    assert (state["session"], state["refused"]) == (0, 0)
    assert not any(isinstance(value, bytes) for value in state.values())


def test_an_answer_opens_one_session_and_no_second_one(board: HostBoard) -> None:
    heard = answer(challenge(board))
    assert board.ask(WRITE, YIMA, 4, heard)["role"] == 1
    assert board.ask(WRITE, YIMA, 4, {"minutes": 0}) == {"role": 0, "minutes": 0}
    assert code_of(board.ask(WRITE, YIMA, 4, heard)) == OLD_CHALLENGE
    challenge(board)
    assert code_of(board.ask(WRITE, YIMA, 4, heard)) == OLD_CHALLENGE
    assert "session refused=OLD_CHALLENGE count=2" in board.said()
    assert board.ask(READ, YIMA, 2, {"from": 0}) == DENIED


@pytest.mark.parametrize("has_parameters", [True, False])
def test_no_challenge_comes_twice_not_even_at_the_same_tick_of_another_start(
    library: Path, world: World, has_parameters: bool
) -> None:
    parameters = bytes(world.parameters.image) if has_parameters else b"none"
    board = HostBoard(library, Settings(terminal="T1", city=CITY), parameters)
    board.start(CLOCK, 1000)
    seen = {bytes(challenge(board)["challenge"]) for _ in range(3)}
    for _ in range(3):
        board.start(CLOCK, 1000)
        seen.add(bytes(challenge(board)["challenge"]))
    assert len(seen) == 6


def test_an_answer_heard_before_a_reset_is_refused_after_it(board: HostBoard) -> None:
    heard = answer(challenge(board))
    assert board.ask(WRITE, YIMA, 4, heard)["role"] == 1
    board.start(CLOCK, 1000)
    assert board.ask(READ, YIMA, 0, {})["session"] == 0
    challenge(board)
    assert code_of(board.ask(WRITE, YIMA, 4, heard)) == OLD_CHALLENGE


def test_an_answer_signed_for_another_device_is_refused_though_the_challenge_were_the_same(board: HostBoard) -> None:
    asked = challenge(board)
    assert code_of(board.ask(WRITE, YIMA, 4, answer(asked | {"terminal": "T2"}))) == SIGNATURE
    asked = challenge(board)
    assert code_of(board.ask(WRITE, YIMA, 4, answer(asked | {"environment": 1}))) == SIGNATURE


@pytest.mark.parametrize(
    "changed", [{"minutes": 11}, {"role": 2}, {"signature": bytes(64)}, {"signature": b"\xff" * 64}]
)
def test_everything_that_is_asked_for_stands_under_the_signature(board: HostBoard, changed: dict[str, Any]) -> None:
    heard = answer(challenge(board)) | changed
    assert code_of(board.ask(WRITE, YIMA, 4, heard)) == SIGNATURE
    assert code_of(board.ask(WRITE, YIMA, 4, answer({**challenge(board), "challenge": bytes(24)}))) == OLD_CHALLENGE
    assert board.ask(READ, YIMA, 0, {})["session"] == 0


@pytest.mark.parametrize(
    "changed", [{"minutes": 241}, {"role": 0}, {"role": 3}, {"signature": b""}, {"challenge": None}]
)
def test_an_answer_out_of_bounds_is_none(board: HostBoard, changed: dict[str, Any]) -> None:
    assert board.ask(WRITE, YIMA, 4, answer(challenge(board)) | changed) == {"rc": 3}


def test_a_strangers_key_opens_nothing_and_a_device_without_keys_obeys_nobody(library: Path, world: World) -> None:
    board = made(library, world)
    assert code_of(board.open_session(Signer(key=SigningKey.from_int(5)))) == SIGNATURE
    assert code_of(made(library, world, keys=[]).open_session()) == NO_KEY


def test_a_session_ends_with_its_minutes_of_the_counter_whatever_the_clock_says(board: HostBoard) -> None:
    board.open_session(Signer(key=bench_signer().key, minutes=2))
    board.clock(CLOCK + 5 * 86400, 1000 + 2 * 60_000 - 1)
    assert "records" in board.ask(READ, YIMA, 2, {"from": 0})
    board.clock(CLOCK - 5 * 86400, 1000 + 2 * 60_000)
    assert board.ask(READ, YIMA, 2, {"from": 0}) == DENIED


def test_a_mechanic_sets_the_time_and_takes_no_records(board: HostBoard) -> None:
    assert board.open_session(MECHANIC)["role"] == 2
    assert board.ask(WRITE, OS, 4, {"datetime": "2026-11-27T00:00:00"}) == {}
    assert board.ask(READ, YIMA, 2, {"from": 0}) == DENIED
    assert board.ask(WRITE, YIMA, 3, {"n": 1, "h": bytes(32)}) == DENIED
    assert "refused=NEEDS_CENTRE" in board.said()
    board.open_session()
    assert board.ask(READ, YIMA, 2, {"from": 0})["records"]


def test_a_refused_answer_leaves_the_session_that_is_open(board: HostBoard) -> None:
    board.open_session(MECHANIC)
    assert code_of(board.open_session(Signer(key=SigningKey.from_int(5)))) == SIGNATURE
    assert board.ask(READ, YIMA, 0, {})["session"] == 2
