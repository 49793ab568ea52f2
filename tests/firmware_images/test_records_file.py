"""`yima station records FILE`: the firmware's own C at the other end, and the file as somebody reads it afterwards."""

import importlib.util
import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

if not all(map(importlib.util.find_spec, ("imgtool", "cbor2", "smpclient"))):
    pytest.skip("the extra `firmware` is not installed", allow_module_level=True)

from tests.firmware_images.device_host import HostBoard, HostTransport
from yima.firmware_images.cli import station as verb
from yima.firmware_images.provision import Settings
from yima.firmware_images.session import bench_key
from yima.firmware_images.station import Station
from yima.hwsim.board.layout import LOG, LOG_SIZE
from yima.hwsim.board.workshop import CITY, CLOCK, World, make_world
from yima.sdk.cli.main import main

Ask = Callable[..., tuple[int, Any]]


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


@pytest.fixture
def board(library: Path, world: World) -> HostBoard:
    """Has some taps."""
    settings = Settings(terminal="T1", city=CITY, station_keys=[bench_key()])
    made = HostBoard(library, settings, bytes(world.parameters.image))
    made.start(CLOCK, 1000)
    for rider in range(8):
        made.tap(world.code(rider))
    return made


@pytest.fixture
def ask(board: HostBoard, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """`yima station PORT` with these words: (status, what it printed, as JSON where it went well)."""

    def run(*words: str) -> tuple[int, Any]:
        monkeypatch.setattr(verb, "Station", partial(Station, transport=HostTransport(board)))
        status = main(["station", "PORT", *words])
        said = capsys.readouterr()
        return status, json.loads(said.out) if status == 0 else said.err

    return run


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("torn", ['{"n": 1, "d": "0301', '{"n": 1}', "\n", ""])
def test_a_line_that_was_torn_costs_no_record(board: HostBoard, ask: Ask, tmp_path: Path, torn: str) -> None:
    """The record behind it stood on the same line, and was acknowledged."""
    file, records = tmp_path / "trips.jsonl", board.log.records
    file.write_text(torn, encoding="utf-8")
    assert ask("records", str(file))[1]["acknowledged"] == max(records)
    written = file.read_text(encoding="utf-8")[len(torn) :].removeprefix("\n" if torn.strip() else "")
    assert {one["n"]: bytes.fromhex(one["d"]) for one in map(json.loads, written.splitlines())} == records
    assert file.read_text(encoding="utf-8").startswith(torn)


def test_nothing_is_acknowledged_before_the_files_name_is_durable(
    board: HostBoard, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(folder: Path) -> None:
        assert folder == tmp_path
        raise OSError(28, os.strerror(28), str(folder))

    monkeypatch.setattr(verb, "flush_folder", full)
    status, said = ask("records", str(tmp_path / "trips.jsonl"))
    assert (status, board.log.acknowledged) == (3, 0)
    assert "trips.jsonl: cannot be used" in said


def test_a_number_that_is_lost_is_told_once_wherever_an_answer_ends(board: HostBoard, ask: Ask, tmp_path: Path) -> None:
    """An answer tells of the numbers before a record that it has no room for, and so does the next one."""
    records = board.log.records
    board.open_session()
    first = board.ask(0, 64, 2, {"from": 1})["records"]
    lost = first[-1]["n"] + 1
    at = board.flash().index(records[lost], LOG, LOG + LOG_SIZE)
    board.put(at + 30, bytes([board.flash()[at + 30] ^ 1]))
    pages = [board.ask(0, 64, 2, {"from": number})["lost"] for number in (1, lost)]
    assert pages == 2 * [[{"from": lost, "to": lost}]]
    _, said = ask("records", str(tmp_path / "trips.jsonl"))
    assert (said["records"], said["lost"]) == (len(records) - 1, 1)
    assert [one for one in lines(tmp_path / "trips.jsonl") if "lost" in one] == [{"lost": [lost, lost]}]


def test_more_lost_numbers_than_an_answer_has_room_for_are_all_told(board: HostBoard, ask: Ask, tmp_path: Path) -> None:
    """A bug found: of five ranges in one answer the fifth was left out, in the file as well."""
    for step in range(24):
        board.clock(CLOCK + step % 2 * 1000, 1000 + step)  # an entry that is short
        board.turn()
    records = board.log.records
    short = sorted(records)[15:30:2]
    for number in short:
        at = board.flash().index(records[number], LOG, LOG + LOG_SIZE)
        board.put(at + 9, bytes([board.flash()[at + 9] ^ 1]))
    _, said = ask("records", str(tmp_path / "trips.jsonl"))
    assert (said["records"], said["lost"]) == (len(records) - len(short), len(short))
    told = [one["lost"] for one in lines(tmp_path / "trips.jsonl") if "lost" in one]
    assert told == [[number, number] for number in short]


@pytest.mark.parametrize("text", ["-1", "4294967296", "99999999999999999999", "1e9", "٣"])
def test_what_is_no_time_of_unix_seconds_is_refused_before_the_device_is_asked(ask: Ask, text: str) -> None:
    status, said = ask("time", f"--unix={text}")
    assert status == 2
    assert "unix seconds" in said


def test_a_time_that_the_device_does_not_take_is_its_refusal_and_the_newest_is_taken(ask: Ask) -> None:
    assert ask("time", "--unix", "0")[0] == 4
    assert ask("time", "--unix", "4291747199") == (0, {"unix": 4291747199})


@pytest.mark.parametrize("words", [["update"], ["confirm", "FILE"], ["list", "FILE"], ["reset", "FILE"]])
def test_words_that_do_not_go_together_are_said_in_either_language_and_nothing_is_asked(
    board: HostBoard, ask: Ask, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for language, said in (("en", "update names a file, and nothing else does"), ("zh", "update 须指定文件")):
        monkeypatch.setenv("YIMA_LANG", language)
        board.said()
        status, refused = ask("image", *words)
        assert (status, board.said()) == (2, "")
        assert said in refused and "yima station PORT image update FILE" in refused
