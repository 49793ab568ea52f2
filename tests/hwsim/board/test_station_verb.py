"""`yima station` against a board that runs at the host's pace."""

import asyncio
import json
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hwsim.board.test_live_board import Running
from tests.running import json_lines, running, yima
from yima.firmware_images.station import Station, StationError
from yima.hwsim.board.workshop import Firmware, World, equip
from yima.sdk.cli.main import main
from yima.sdk.parameters.signing import make_key_file
from yima.validator.journal.facts import TimeFacts, parse


@pytest.fixture
def board(tmp_path: Path, firmware: Firmware, world: World) -> Iterator[Running]:
    """Runs, its station line at tmp_path/station."""
    flash = tmp_path / "flash"
    equip(flash, firmware.image, world.parameters)
    running = Running(flash, "--link", f"station={tmp_path / 'station'}")
    running.status("ready terminal")
    yield running
    running.stop()


@pytest.fixture
def ask(board: Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., list[dict[str, Any]]]:
    """`yima station` with these words; what it printed."""

    def run(*words: str, status: int = 0) -> list[dict[str, Any]]:
        ended = main(["station", str(tmp_path / "station"), *words])
        said = capsys.readouterr()
        assert ended == status, said.err
        return json_lines(said.out) if not status else [{"error": said.err}]

    return run


def test_a_station_reads_the_state_sets_the_time_and_takes_records(
    ask: Callable[..., list[dict[str, Any]]], tmp_path: Path
) -> None:
    (state,) = json_lines(yima("station", tmp_path / "station", "state").stdout)
    assert (state["product"], state["terminal"], state["software"]) == ("yima-bus-validator", "T1", "0.1.0")
    now = int(time.time())
    assert ask("time", "--unix", str(now))[0]["unix"] - now in range(5)
    kept = tmp_path / "trips.jsonl"
    (said,) = ask("records", str(kept))
    records = [json.loads(line) for line in kept.read_text().splitlines()]
    assert [record["n"] for record in records] == list(range(1, said["records"] + 1))
    assert said["acknowledged"] == said["records"]
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert isinstance(parse(bytes.fromhex(records[0]["d"]))[0], TimeFacts)
    assert ask("records", str(kept)) == [{"records": 0, "lost": 0, "acknowledged": None}]
    assert [image["active"] for image in ask("image", "list")] == [True]


@pytest.mark.slow
@pytest.mark.long
def test_records_are_handed_to_a_collector_and_only_then_acknowledged(
    ask: Callable[..., list[dict[str, Any]]], tmp_path: Path
) -> None:
    state, nobody, network, usage = str(tmp_path / "state"), "http://127.0.0.1:9", 7, 2
    ask("records", "--to", nobody, "--state", state, status=network)
    assert ask("state")[0]["ack"] == 0
    ask("records", status=usage)
    ask("records", str(tmp_path / "trips"), "--to", nobody, status=usage)
    words = ["collect", "--listen", "127.0.0.1:0", "--store", str(tmp_path / "trips.db"), "--bench", "--json"]
    with running(words, stdout=subprocess.PIPE) as collector:
        assert collector.stdout
        url = json.loads(collector.stdout.readline())["url"]
        (said,) = ask("records", "--to", url, "--state", state)
        (again,) = ask("records", "--to", url, "--state", state)
    assert said["sent"] == said["acknowledged"] == ask("state")[0]["next"] - 1
    assert (said["missing"], said["rejected"]) == (0, 0)
    assert (again["records"], again["acknowledged"]) == (0, said["acknowledged"])


@pytest.mark.long
def test_what_the_device_refuses_is_told_and_a_file_that_is_not_there_is_named(
    ask: Callable[..., list[dict[str, Any]]], tmp_path: Path
) -> None:
    junk = tmp_path / "junk"
    junk.write_bytes(b"junk" * 50)
    device, file = 4, 3
    assert "REFUSED" in ask("parameters", str(junk), status=device)[0]["error"]
    assert "INVALID_IMAGE_HEADER_MAGIC" in ask("image", "update", str(junk), status=device)[0]["error"]
    assert "cannot be used" in ask("parameters", str(tmp_path / "gone"), status=file)[0]["error"]


@pytest.mark.long
def test_a_session_that_was_left_open_is_other_programs_too_until_it_is_ended(
    ask: Callable[..., list[dict[str, Any]]], tmp_path: Path
) -> None:
    async def other_program() -> None:
        async with Station(tmp_path / "station") as station:
            await station.set_clock(int(time.time()))

    with pytest.raises(StationError, match="EACCESSDENIED"):
        asyncio.run(other_program())
    assert ask("--minutes", "5", "open") == [{"session": "centre", "minutes": 5}]
    asyncio.run(other_program())
    assert ask("state")[0]["session"] == 1
    ask("close")
    with pytest.raises(StationError, match="EACCESSDENIED"):
        asyncio.run(other_program())
    ask("time")
    assert ask("state")[0]["session"] == 0, "a command's own session ends with it"


def test_a_key_that_the_device_does_not_know_opens_nothing_and_a_role_without_a_key_is_named(
    ask: Callable[..., list[dict[str, Any]]], tmp_path: Path
) -> None:
    stranger, trips, device = tmp_path / "stranger.key", tmp_path / "trips.jsonl", 4
    secret = make_key_file(stranger).secret
    (refused,) = ask("--key", str(stranger), "records", str(trips), status=device)
    assert "SIGNATURE" in refused["error"] and "--key" in refused["error"]
    assert f"{secret:x}" not in refused["error"]
    assert trips.read_bytes() == b""
    assert "NO_KEY" in ask("--role", "maintenance", "open", status=device)[0]["error"]
    assert ask("state")[0]["refused"] == 3
