"""`yima run`, `yima collect` and `yima journal` as an engineer meets them."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.entries import note
from tests.running import whole_scanner
from tests.sdk.cli.service_schemas import COLLECTOR
from tests.uplinks import plain_http
from yima.sdk.centre.interfaces.keys import Role, make_key
from yima.sdk.cli.main import main
from yima.sdk.issuer import make_issuer, make_rider, make_root
from yima.validator.state import DeviceState


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    """A directory with parameters, three good codes and one that is none."""
    root = make_root()
    issuer = make_issuer(root)
    (tmp_path / "city.toml").write_text(
        'environment = "test"\nversion = 3\n[fares]\nbus = 200\n'
        f'[[roots]]\ncertificate = "{root.certificate.hex()}"\n'
        '[[whitelist]]\norganisation = "00083010"\nplatform = "50083010"\n'
    )
    (tmp_path / "codes").mkdir()
    now = int(time.time())
    for number in range(3):
        rider = make_rider(
            issuer,
            payment_account="6228480402564890",
            card_account=f"3104870000000004{number:04}",
            platform="50083010",
            authorised_until=now + 86400,
        )
        (tmp_path / "codes" / f"{number}.bin").write_bytes(rider.code(now))
    (tmp_path / "codes" / "9.bin").write_bytes(b"no code")
    return tmp_path


def yima(*words: str | Path, language: str = "en") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "yima.sdk.cli.main", *map(str, words)],
        capture_output=True,
        text=True,
        env={**os.environ, "YIMA_LANG": language},
        timeout=200,
        check=False,
    )


def run_words(bench: Path, *more: str | Path) -> list[str]:
    return ["run", "--reader", f"file:{bench}/codes", "--params", f"{bench}/city.toml", "--state", f"{bench}/state"] + [
        str(word) for word in more
    ]


def json_lines(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def collecting(bench: Path) -> Iterator[str]:
    """A `yima collect` process; its URL."""
    words = ["collect", "--listen", "127.0.0.1:0", "--store", f"{bench}/trips.db", "--bench", "--json"]
    with subprocess.Popen(
        [sys.executable, "-m", "yima.sdk.cli.main", *words], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        listening = json.loads(process.stdout.readline())
        yield str(listening["url"])
        process.send_signal(signal.SIGTERM)
        lines = [listening, *map(json.loads, process.stdout)]
        assert process.wait(200) == 0
        assert lines[-1]["event"] == "stopped"
        for line in lines:
            COLLECTOR.validate(line)


def test_json_lines_say_start_taps_and_end(bench: Path, collecting: str) -> None:
    done = yima(*run_words(bench, "--json", "--collector", collecting, "--device", "gate-7"))
    assert done.returncode == 0
    started, *between, stopped = json_lines(done)
    assert (started["event"], started["device"], started["resumed_at"]) == ("started", "gate-7", 1)
    assert (started["environment"], started["parameters_version"], started["clock_trusted"]) == ("test", 3, True)
    taps = [line for line in between if line["event"] == "tap"]
    assert [tap["reason"] for tap in taps] == ["ACCEPTED", "ACCEPTED", "ACCEPTED", "UNKNOWN_FAMILY"]
    assert [tap["seq"] for tap in taps] == [3, 4, 5, 6], "behind the start and the parameters"
    assert [tap["account_masked"] for tap in taps][:2] == ["3104************0000", "3104************0001"]
    assert taps[0]["fare_fen"] == 200
    assert (taps[0]["english"], taps[0]["chinese"]) == ("Accepted", "请通行")
    assert {"read_ms", "judge_us", "journal_ms", "gate_ms", "total_ms", "payload_length", "case"} <= set(taps[0])
    ended = {"taps": 4, "recorded": 4, "reversed": 0, "acknowledged": 6, "pending": 0}
    assert stopped == {"event": "stopped", **ended}
    # The console gate speaks on stderr, so that stdout stays JSON.
    assert done.stderr.count("OPEN") == 3
    with plain_http() as client:
        (row,) = client.get(f"{collecting}/devices").json()["devices"]
    assert (row["device"], row["acknowledged"], row["rejected"]) == ("gate-7", 6, 0)


def test_the_next_start_goes_on_where_the_last_one_stopped(bench: Path) -> None:
    first = json_lines(yima(*run_words(bench, "--json")))
    second = json_lines(yima(*run_words(bench, "--json")))
    assert second[0]["device"] == first[0]["device"]
    assert second[0]["epoch"] == first[0]["epoch"]
    assert (second[0]["resumed_at"], second[0]["pending"]) == (7, 6)
    assert [line["reason"] for line in second if line["event"] == "tap"][:3] == ["REPEATED"] * 3
    assert second[-1]["pending"] == 12


def test_a_person_sees_a_line_a_tap_in_both_languages_and_no_whole_account(bench: Path) -> None:
    done = yima(*run_words(bench))
    assert done.returncode == 0
    assert done.stdout.count("OPEN   开闸  Accepted 请通行") == 3
    assert "REFUSE 拒绝  Not a code of any known family 无法识别的码" in done.stdout
    assert "310487" not in done.stdout + done.stderr
    assert "stopped: 4 taps, 4 recorded" in done.stdout
    assert "已停止：刷码 4 次" in yima(*run_words(bench), language="zh").stdout


def test_sigterm_ends_a_run_in_order(bench: Path) -> None:
    words = run_words(bench, "--json")
    with (
        whole_scanner() as scanner,
        subprocess.Popen(
            [sys.executable, "-m", "yima.sdk.cli.main", *words[:2], f"serial:{scanner.path}", *words[3:]],
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["event"] == "started"
        process.send_signal(signal.SIGTERM)
        assert json.loads(process.stdout.readlines()[-1])["event"] == "stopped"
        assert process.wait(200) == 0


def test_output_that_nobody_reads_ends_the_run_without_a_traceback(bench: Path) -> None:
    words = run_words(bench)
    process = subprocess.Popen(
        [sys.executable, "-m", "yima.sdk.cli.main", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    with process.stderr as errors:
        assert errors.read() == b""
    assert process.wait(200) == 1


def test_what_cannot_start_is_one_line_that_names_the_thing(
    bench: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YIMA_LANG", "en")
    cases: list[tuple[list[str], str, int]] = [
        (["--params", f"{bench}/nowhere.toml"], "nowhere.toml", 6),
        (["--reader", f"file:{bench}/none"], "none", 4),
        (["--reader", "laser:1"], "no such reader", 4),
        (["--reader", "serial:/dev/ttyNONE"], "/dev/ttyNONE", 4),
        (["--gate", "drawbridge:"], "no such gate", 4),
        (["--collector", "collector"], "no address of a collector", 7),
        (["--state", f"{bench}/city.toml"], "state directory", 5),
        (["--device", "gate 7", "--state", f"{bench}/other"], "no name for a device", 5),
        (["--line", "x" * 300], "no text for a trip record", 6),
    ]
    for more, says, status in cases:
        assert main(run_words(bench, *more)) == status, more
        said = capsys.readouterr().err
        assert says in said, more
        assert said.count("\n") == 1, said
    assert main(run_words(bench, "--batch-count", "0")) == 2
    assert main(run_words(bench, "--batch-age", "-1")) == 2
    more, says, status = cases[3]
    done = yima(*run_words(bench, *more))
    assert (done.returncode, done.stderr.count("\n")) == (status, 1), "as a process too"
    assert says in done.stderr


def test_a_state_directory_belongs_to_one_device(
    bench: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YIMA_LANG", "en")
    assert yima(*run_words(bench, "--device", "gate-7")).returncode == 0
    assert main(run_words(bench, "--device", "gate-8")) == 5
    assert "belongs to device gate-7" in capsys.readouterr().err
    (bench / "state" / "device").write_bytes(b"\xff\xfe")
    assert main(run_words(bench)) == 5
    assert "not text" in capsys.readouterr().err


def test_a_clock_before_the_newest_record_is_not_believed_unless_one_says_so(bench: Path) -> None:
    state = DeviceState.open(bench / "state")
    journal = state.open_journal()
    journal.append(note(at=int(time.time()) + 7200))
    journal.close()
    doubtful = json_lines(yima(*run_words(bench, "--json")))
    assert doubtful[0]["clock_trusted"] is False
    assert reasons(doubtful)[0] == "TIME_UNTRUSTED"
    assert "--trust-clock" in yima(*run_words(bench)).stdout
    believed = json_lines(yima(*run_words(bench, "--json", "--trust-clock")))
    assert reasons(believed)[0] == "ACCEPTED"
    assert [line["event"] for line in believed].count("clock") == 2, "the start, and who said that it is right"


def reasons(lines: list[dict[str, Any]]) -> list[str]:
    """Of the taps that a run has told of."""
    return [line["reason"] for line in lines if line["event"] == "tap"]


def test_the_journal_can_be_shown_and_verified(bench: Path, capsys: pytest.CaptureFixture[str]) -> None:
    yima(*run_words(bench, "--device", "gate-7"))
    state = str(bench / "state")
    assert main(["journal", "show", state, "--json", "--last", "2"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["device"], shown["last"], shown["acknowledged"], shown["pending"]) == ("gate-7", 6, 0, 6)
    assert [(record["sequence"], record["reason"]) for record in shown["records"]] == [
        (5, "ACCEPTED"),
        (6, "UNKNOWN_FAMILY"),
    ]
    assert main(["journal", "verify", state]) == 0
    assert re.search(r"\b6\b", capsys.readouterr().out)
    segment = bench / "state" / "journal" / "0000000001.seg"
    content = bytearray(segment.read_bytes())
    content[300] ^= 1
    segment.write_bytes(content)
    assert main(["journal", "verify", state]) == 5
    assert "entry 1 in 0000000001.seg is not as it was written" in capsys.readouterr().err
    assert main(["journal", "show", str(bench / "nowhere")]) == 5


def test_a_collector_knows_who_may_send_and_who_may_read_and_hears_of_changes(bench: Path) -> None:
    """The first who came owned a device's name for good; SIGHUP, at which `run` reads again, ended the collector."""
    readers = bench / "keys.toml"
    _, shown = make_key(readers, Role.AUDITOR, "", since=20200101)
    _, issuers = make_key(readers, Role.ISSUER, "99310000", since=20200101)
    words = ["collect", "--listen", "127.0.0.1:0", "--store", f"{bench}/trips.db", "--json"]
    words += ["--readers", str(readers)]
    with subprocess.Popen(
        [sys.executable, "-m", "yima.sdk.cli.main", *words], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = str(json.loads(process.stdout.readline())["url"])
        refused = yima(*run_words(bench, "--json", "--collector", url, "--device", "gate-7"))
        assert json_lines(refused)[-1]["pending"] == 6
        line = re.search(r"gate-7 [0-9a-f]{64}", refused.stdout + refused.stderr)
        assert line is not None, "a device that is refused prints its line"
        assert main(["centre", "devices", "enrol", f"{bench}/trips.db", *line[0].split()]) == 0
        process.send_signal(signal.SIGHUP)
        done = yima(*run_words(bench, "--json", "--collector", url, "--device", "gate-7"))
        assert json_lines(done)[-1]["pending"] == 0
        with plain_http(base_url=url) as client:
            assert client.get("/devices").status_code == 401
            assert client.get("/devices", headers={"Authorization": f"Bearer {issuers}"}).status_code == 401
            known = client.get("/devices", headers={"Authorization": f"Bearer {shown}"}).json()
            assert [row["device"] for row in known["devices"]] == ["gate-7"]
        process.send_signal(signal.SIGTERM)
        lines = [*map(json.loads, process.stdout)]
        assert process.wait(200) == 0
        assert {"refused", "device", "batch", "stopped"} == {line["event"] for line in lines}
        for told in lines:
            COLLECTOR.validate(told)


def test_a_collector_that_cannot_start_says_why(bench: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        busy = f"127.0.0.1:{taken.getsockname()[1]}"
        assert main(["collect", "--listen", busy, "--store", f"{bench}/trips.db", "--bench"]) == 7
        assert busy in capsys.readouterr().err
    for words, says, status in (
        (["--listen", "8080", "--store", f"{bench}/trips.db", "--bench"], "HOST:PORT", 7),
        (["--listen", "127.0.0.1:0", "--store", f"{bench}/none/trips.db", "--bench"], "none/trips.db", 5),
        (["--listen", "127.0.0.1:0", "--store", f"{bench}/city.toml", "--bench"], "city.toml", 5),
        (["--store", f"{bench}/trips.db", "--bench", "--readers", "keys.toml"], "--readers", 5),
    ):
        assert main(["collect", *words]) == status
        assert says in capsys.readouterr().err.replace("主机:端口", "HOST:PORT")


@pytest.mark.parametrize("verb", ["run", "collect", "journal"])
def test_help_shows_examples_in_both_languages(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0
    text = capsys.readouterr().out
    assert "examples 示例" in text
    assert f"yima {verb}" in text
