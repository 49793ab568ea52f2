"""A run seen from outside: its metrics, its word to the supervisor, and no secret in anything it puts out."""

import json
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.running import YIMA, environment, good_code, json_lines, make_bench, run_words, running, whole_scanner, yima
from tests.uplinks import answering, http, plain_http, until
from yima.sdk.cli.main import main

SECRET = "s3cr3t"


def a_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def scraped(port: int) -> str:
    """The metrics, as soon as the port answers."""
    found: list[str] = []

    def answered() -> bool:
        try:
            with plain_http(timeout=10) as client:
                found.append(client.get(f"http://127.0.0.1:{port}/metrics").text)
        except httpx.HTTPError:
            return False
        return True

    until(answered)
    return found[-1]


def test_a_run_says_it_is_ready_answers_with_metrics_and_says_it_stops(tmp_path: Path) -> None:
    issuer = make_bench(tmp_path)
    port = a_free_port()
    # A tap is counted when it is judged, and its record stands in the journal a moment later.
    told_of_the_tap = {
        'yima_taps_total{reason="ACCEPTED"} 1.0',
        "yima_pending_records 3.0",  # the start, the parameters, the tap
        "yima_parameters_version 3.0",
        'yima_thread_up{thread="yima-journal"} 1.0',
    }
    with (
        whole_scanner() as scanner,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor,
    ):
        supervisor.bind(str(tmp_path / "notify"))
        supervisor.settimeout(200)
        words = run_words(tmp_path, "--metrics", str(port), "--json", reader=f"serial:{scanner.path}")
        told = environment(NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="1000000")
        with subprocess.Popen([*YIMA, *words], stdout=subprocess.DEVNULL, env=told) as process:
            try:
                assert supervisor.recv(100) == b"READY=1"
                assert {supervisor.recv(100) for _ in range(4)} == {b"WATCHDOG=1"}
                scanner.scan(good_code(issuer))
                until(lambda: told_of_the_tap <= set(scraped(port).splitlines()))
                process.send_signal(signal.SIGTERM)
                while (word := supervisor.recv(100)) != b"STOPPING=1":
                    assert word == b"WATCHDOG=1"
                assert process.wait(200) == 0
            finally:
                process.kill()


def test_a_metrics_port_that_is_taken_is_a_networks_trouble(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_bench(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [*YIMA, *run_words(tmp_path, "--metrics", str(port))],
            capture_output=True, text=True, env=environment(), timeout=200, check=False,
        )  # fmt: skip
    assert done.returncode == 7
    assert str(port) in done.stderr


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


@pytest.mark.parametrize("more", [[], ["--json"]], ids=["for people", "as JSON"])
def test_no_secret_of_an_address_is_in_anything_that_a_run_puts_out(tmp_path: Path, more: list[str]) -> None:
    make_bench(tmp_path)
    port = a_free_port()
    with whole_scanner() as scanner, answering(http("403 Forbidden", b"")) as url:
        words = [
            *run_words(tmp_path, "--metrics", str(port), *more, reader=f"serial:{scanner.path}"),
            "--collector", url.replace("http://", f"http://gate:{SECRET}@"), "--first-within", "0",
        ]  # fmt: skip
        with running(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            until(lambda: 'yima_notices_total{happening="upload_trouble"} 0.0' not in scraped(port))
            scanner.scan(b"no code")
            until(lambda: 'yima_taps_total{reason="UNKNOWN_FAMILY"} 1.0' in scraped(port))
            page = scraped(port)
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=200)
    assert process.returncode == 0
    assert "http://***@127.0.0.1" in out
    if more:
        started = json_lines(out)[0]
        assert started["collector"].startswith("http://***@127.0.0.1")
    for text in (out, err, page, everything_in(tmp_path / "state").decode(errors="replace")):
        assert SECRET not in text


def test_no_secret_is_in_the_error_of_a_process(tmp_path: Path) -> None:
    make_bench(tmp_path)
    done = yima(*run_words(tmp_path, "--reader", f"camera:http://admin:{SECRET}@127.0.0.1:1/video?token={SECRET}"))
    assert (done.returncode, done.stdout) == (4, "")
    assert "http://127.0.0.1:1/video: this stream cannot be opened" in done.stderr
    assert SECRET not in done.stderr


@pytest.mark.parametrize(
    "options",
    [
        ["--reader", f"camera:http://admin:{SECRET}@127.0.0.1:1/video?token={SECRET}"],
        ["--reader", f"camera:rtsp://127.0.0.1:1/user=admin&password={SECRET}&channel=1"],
        ["--reader", f"serial:http://u:{SECRET}@h"],
        ["--reader", f"laser:http://u:{SECRET}@h"],
        ["--gate", f"nothing:http://u:{SECRET}@h"],
        ["--collector", f"ftp://u:{SECRET}@h"],
        ["--collector", f"http://u:{SECRET}@h/?token={SECRET}"],
        ["--resolver", f"sufu=https://u:{SECRET}@h"],
        ["--resolver", f"sufu=http://resolver.example/?{SECRET}"],
        ["--resolver", f"nobody=https://u:{SECRET}@h"],
        ["--metrics", f"http://u:{SECRET}@h"],
        [f"http://u:{SECRET}@h"],
    ],
    ids=lambda options: " ".join(options).replace(SECRET, "…"),
)
@pytest.mark.parametrize("more", [[], pytest.param(["--json"], marks=pytest.mark.long)], ids=["people", "JSON"])
def test_no_secret_of_an_address_is_in_an_error(
    tmp_path: Path, options: list[str], more: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    make_bench(tmp_path)
    (tmp_path / "codes" / "1.bin").write_bytes(b"no code")
    assert main(run_words(tmp_path, *options, *more)) != 0
    out, err = capfd.readouterr()  # also what a library writes there itself
    assert err
    assert SECRET not in out + err
    state = tmp_path / "state"
    assert not state.exists() or SECRET.encode() not in everything_in(state)


def test_a_collectors_escape_sequences_reach_no_terminal(tmp_path: Path) -> None:
    make_bench(tmp_path)
    (tmp_path / "codes" / "1.bin").write_bytes(b"no code")
    why = json.dumps({"acknowledged": 1, "rejected": {"1": "\x1b]0;owned\x07\u202e\nOPEN"}}).encode()
    with answering(http("200 OK", why), http("200 OK", why)) as url:
        words: list[Any] = [*YIMA, *run_words(tmp_path, "--collector", url, "--first-within", "0")]
        ran = subprocess.run(words, capture_output=True, timeout=200, env=environment(), check=False)
        while True:  # a second answer waits for whoever asks
            try:
                httpx.get(url, timeout=5)
            except httpx.HTTPError:
                break
    shown = subprocess.run(
        [*YIMA, "journal", "show", str(tmp_path / "state")], capture_output=True, env=environment(), check=False
    )
    for out in (ran.stdout, ran.stderr, shown.stdout, shown.stderr):
        assert b"\x1b" not in out
        assert "\u202e".encode() not in out
    assert rb"\x1b]0;owned\x07\u202e\nOPEN" in shown.stdout
