"""Certificates by command: an authority, a collector that asks for them, a device that shows its own."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.running import good_code, json_lines, make_bench, run_words, running, yima
from tests.uplinks import until
from yima.sdk.centre.collector.store import Store
from yima.sdk.cli.main import main
from yima.validator.state import DeviceState


class Said(NamedTuple):
    """What a command said and how it ended."""

    status: int
    out: str
    err: str


Command = Callable[..., Said]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """`yima` in this process."""
    monkeypatch.setenv("YIMA_LANG", "en")

    def run(*words: str | Path) -> Said:
        status = main([str(word) for word in words])
        return Said(status, *capsys.readouterr())

    return run


@pytest.fixture
def certificates(command: Command) -> Command:
    return lambda *words: command("centre", "certificates", *words)


@pytest.fixture
def city(tmp_path: Path, command: Command, certificates: Command) -> Path:
    """A folder with an authority, a collector's certificate, and gate-7 enrolled with the key of its state."""
    assert certificates("make", tmp_path / "ca").status == 0
    assert certificates("collector", tmp_path / "ca", "127.0.0.1").status == 0
    state = DeviceState.open(tmp_path / "state", "gate-7")
    assert command("centre", "devices", "enrol", tmp_path / "trips.db", "gate-7", state.key.public).status == 0
    return tmp_path


@pytest.mark.long  # two programs, and the authority between them
def test_a_tap_reaches_a_collector_that_asks_for_certificates(city: Path, certificates: Command) -> None:
    ca, store = city / "ca", city / "trips.db"
    issued = certificates("issue", ca, store, "gate-7", "--out", city / "given", "--json")
    assert json.loads(issued.out)["device"] == "gate-7"
    issuer = make_bench(city)
    (city / "codes" / "1.bin").write_bytes(good_code(issuer))
    collector = ["collect", "--listen", "127.0.0.1:0", "--store", str(store), "--json", "--tls", f"{ca}/collector.pem"]
    asks = ["--client-ca", f"{ca}/ca.pem", "--client-crl", f"{ca}/crl.pem"]
    with running([*collector, *asks], stdout=subprocess.PIPE) as serving:
        assert serving.stdout is not None
        url = json.loads(serving.stdout.readline())["url"]
        assert url.startswith("https://127.0.0.1:")
        shows: list[str | Path] = ["--client-certificate", city / "given" / "gate-7.pem"]
        done = yima(*run_words(city, "--collector", url, "--collector-ca", ca / "ca.pem", *shows, "--json"))
        assert done.returncode == 0, done.stderr
        until(lambda: any(journey.acknowledged for journey in Store(store, read_only=True).journeys()))


def test_who_is_not_enrolled_is_given_no_certificate(city: Path, certificates: Command) -> None:
    refused = certificates("issue", city / "ca", city / "trips.db", "gate-8", "--out", city / "given")
    assert refused.status != 0
    assert "gate-8: is not enrolled: no certificate for it" in refused.err
    assert not (city / "given").exists()


def listed(city: Path, certificates: Command) -> list[dict[str, Any]]:
    return json_lines(certificates("list", city / "ca", "--json").out)


def test_certificates_are_renewed_before_they_end_and_revoked(city: Path, certificates: Command) -> None:
    ca, store, out = city / "ca", city / "trips.db", city / "given"
    certificates("issue", ca, store, "gate-7", "--out", out, "--days", "20")
    first = (out / "gate-7.pem").read_bytes()
    assert certificates("renew", ca, store, "--out", out, "--within", "10").out == ""
    assert (out / "gate-7.pem").read_bytes() == first
    assert "gate-7" in certificates("renew", ca, store, "--out", out).out
    assert (out / "gate-7.pem").read_bytes() != first
    assert certificates("renew", ca, store, "--out", out).out == "", "the new one does not end soon"
    assert len(listed(city, certificates)) == 2
    assert "2 revoked" in certificates("revoke", ca, "gate-7").out
    assert listed(city, certificates) == []
    again = certificates("revoke", ca, "gate-7")
    assert again.status != 0
    assert "has no certificate that holds" in again.err


def test_an_authority_is_made_once_and_a_folder_without_one_is_named(tmp_path: Path, certificates: Command) -> None:
    assert "holds no certificate authority" in certificates("list", tmp_path / "none").err
    certificates("make", tmp_path / "ca")
    assert "holds an authority already" in certificates("make", tmp_path / "ca").err


def test_options_that_mean_nothing_and_files_that_are_none_are_named(tmp_path: Path, command: Command) -> None:
    collect = ("collect", "--store", tmp_path / "trips.db", "--listen", "127.0.0.1:0", "--bench")
    assert "--client-ca: means nothing without --tls" in command(*collect, "--client-ca", "x").err
    assert "none.pem: cannot be used for TLS" in command(*collect, "--tls", tmp_path / "none.pem").err
