"""`yima resolver` and `yima run --resolver`: three processes' worth of a ride that only its issuer can vouch for."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.sdk.cli.service_schemas import RESOLVER
from yima.sdk.cli import main as command
from yima.validator.journal.facts import TapFacts, parse
from yima.validator.journal.kept import code_of, kept_tap
from yima.validator.judging import Vouched
from yima.validator.state import DeviceState

ROOT = Path(__file__).parents[3]
PARAMETERS = """
environment = "test"
version = 1
[limits]
families = ["sufu"]
[fares]
bus = 200
[[resolved]]
family = "sufu"
prefix = "js:"
deadline_ms = 5000
at_risk_rides = 1
at_risk_fen = 1000
"""


def process(*words: str) -> subprocess.Popen[str]:
    variables = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "YIMA_LANG": "en"}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "yima.sdk.cli.main", *words],
        stdout=subprocess.PIPE, text=True, env=variables,
    )  # fmt: skip


@contextmanager
def resolver(*words: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The verb as its own process; (its URL, the process)."""
    with process("resolver", "--listen", "127.0.0.1:0", "--json", *words) as running:
        assert running.stdout is not None
        try:
            started = json.loads(running.stdout.readline())
            assert started["event"] == "listening"
            RESOLVER.validate(started)
            yield started["url"], running
        finally:
            running.send_signal(signal.SIGTERM)
            running.wait(200)


def taps(tmp_path: Path, codes: list[bytes], *words: str) -> list[dict[str, Any]]:
    """What `yima run` says of these codes, each shown once."""
    folder = tmp_path / "codes"
    folder.mkdir(exist_ok=True)
    for number, code in enumerate(codes):
        (folder / f"{number}.bin").write_bytes(code)
    params = tmp_path / "params.toml"
    params.write_text(PARAMETERS)
    where = ["--reader", f"file:{folder}", "--params", str(params), "--state", str(tmp_path / "state")]
    with process("run", *where, "--json", "--trust-clock", *words) as running:
        out, _ = running.communicate(timeout=200)
        assert running.returncode == 0
    return [said for line in out.splitlines() if (said := json.loads(line))["event"] == "tap"]


def test_a_ride_that_its_issuer_vouches_for(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens.txt"
    tokens.write_text("accept js:good\nrefuse js:bad\n")
    with resolver("--tokens", str(tokens)) as (url, running):
        good, bad = taps(tmp_path, [b"js:good", b"js:bad"], "--resolver", f"sufu={url}")
        assert running.stdout is not None
        asked = [json.loads(running.stdout.readline()) for _ in range(2)]
    assert (good["accepted"], good["reason"], good["fare_fen"], good["vouched"]) == (True, "ACCEPTED", 200, "issuer")
    assert (bad["accepted"], bad["reason"], bad["fare_fen"]) == (False, "RESOLVER_REFUSED", 0)
    assert good["asked_ms"] > 0
    assert [question["answer"] for question in asked] == ["accept", "refuse"]
    for question in asked:
        RESOLVER.validate(question)


def test_without_anybody_to_ask_the_code_is_refused(tmp_path: Path) -> None:
    [tap] = taps(tmp_path, [b"js:good"])
    assert (tap["accepted"], tap["reason"], tap["family"]) == (False, "NEEDS_RESOLVER", "sufu")


def test_rides_at_risk_are_bounded_over_restarts(tmp_path: Path) -> None:
    nobody = "sufu=http://127.0.0.1:1"
    first, second = taps(tmp_path, [b"js:1", b"js:2"], "--resolver", nobody)
    assert (first["accepted"], first["vouched"]) == (True, "nobody")
    assert second["reason"] == "AT_RISK_LIMIT"
    after = taps(tmp_path, [b"js:3", b"js:1"], "--resolver", nobody)
    assert [tap["reason"] for tap in after] == ["AT_RISK_LIMIT", "REPEATED"]
    journal = DeviceState.open(tmp_path / "state").open_journal()
    entries = [entry for entry in journal.entries(0, 20) if isinstance(parse(entry.content)[0], TapFacts)]
    kept = [kept_tap(entry.content) for entry in entries]
    assert [tap and tap.vouched for tap in kept] == [Vouched.NOBODY, *[Vouched.HERE] * 3]
    assert [code_of(entry.content) for entry in entries] == [b"js:1", b"js:2", b"js:3", b"js:1"]
    journal.close()


def test_the_verb_answers_in_words_and_stops_cleanly(tmp_path: Path) -> None:
    with process("resolver", "--listen", "127.0.0.1:0", "--default", "accept") as running:
        assert running.stdout is not None
        line = running.stdout.readline()
        assert "listening on http://127.0.0.1:" in line
        assert "no province's service" in line
        url = line.split()[2].rstrip(",")
        [tap] = taps(tmp_path, [b"js:anything"], "--resolver", f"sufu={url}")
        assert tap["accepted"]
        assert running.stdout.readline().startswith("sufu token ")
        running.send_signal(signal.SIGTERM)
        out, _ = running.communicate(timeout=200)
    assert (running.returncode, out) == (0, "stopped\n")


@pytest.mark.parametrize(
    "words",
    [
        ["resolver", "--listen", "nowhere"],
        ["resolver", "--tokens", "/nonexistent/tokens"],
        ["resolver", "--delay-ms", "-1"],
    ],
)
def test_what_cannot_start_says_why(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        status = command.main(words)
    except SystemExit as ended:  # argparse's own way
        status = int(str(ended.code))
    assert status != 0
    assert capsys.readouterr().err


@pytest.mark.parametrize("word", ["https://resolver.example", "ministry=https://x", "=https://x", "sufu"])
def test_a_resolver_is_named_with_its_family(word: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ["run", "--reader", "file:x", "--params", "x", "--state", str(tmp_path / "s"), "--resolver", word]
    try:
        status = command.main(words)
    except SystemExit as ended:
        status = int(str(ended.code))
    assert status != 0
    assert capsys.readouterr().err
