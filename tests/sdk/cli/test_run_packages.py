"""`yima run` on signed packages: a newer one comes into force at SIGHUP, without a restart, and no older one ever."""

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.running import whole_scanner
from tests.test_kill_and_resume import Running
from tests.uplinks import until
from yima.sdk.centre.collector.app import Collector
from yima.sdk.centre.collector.store import Store
from yima.sdk.cli.main import main
from yima.sdk.issuer import Issuer, RootAuthority, make_rider
from yima.sdk.parameters.signing import Envelope, sign_package
from yima.sdk.serving import Serving
from yima.sdk.sm2 import SigningKey
from yima.validator.packages import pins_as_text
from yima.validator.parameters import from_mapping
from yima.validator.uplink.versions import parse_versions

KEY = SigningKey.generate()
DAY = 86400


class City:
    """Who makes packages and codes."""

    def __init__(self, directory: Path, root: RootAuthority, issuer: Issuer) -> None:
        self.file = directory / "city.ymp"
        self.keys = directory / "city.keys"
        self.keys.write_text(pins_as_text([KEY.compressed]))
        self.key = KEY
        self.root = root
        self.issuer = issuer
        self.accounts = 0

    def put(self, version: int, *, key: SigningKey = KEY, environment: str = "test", begin: int = -DAY) -> None:
        """Puts a package beside the device, in which a ride by bus costs its version in yuan; begin: its time, seconds
        from now."""
        rules: dict[str, Any] = {
            "environment": environment,
            "version": version,
            "fares": {"bus": 100 * version},
            "roots": [{"certificate": self.root.certificate.hex()}],
            "whitelist": [{"organisation": "00083010", "platform": "50083010"}],
        }
        now = int(time.time())
        envelope = Envelope(
            environment=environment,
            version=version,
            not_before=now + begin,
            expiry=now + 30 * DAY,
            next_keys=[KEY.compressed],
        )
        self.file.write_bytes(sign_package(bytes(from_mapping(rules).image), envelope, [key]))

    def code(self) -> bytes:
        """A new rider's code."""
        now = int(time.time())
        self.accounts += 1
        rider = make_rider(
            self.issuer,
            payment_account="6228480402564890",
            card_account=f"3104870000000005{self.accounts:04}",
            platform="50083010",
            authorised_until=now + DAY,
            validity_s=600,
        )
        return rider.code(now)


@pytest.fixture
def city(tmp_path: Path, root: RootAuthority, issuer: Issuer) -> City:
    return City(tmp_path, root, issuer)


def said(running: Running, event: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(running.wait_for(rf'"event": "{event}"'))
    return found


def test_a_newer_package_comes_into_force_at_sighup_and_an_older_one_never(
    city: City, tmp_path: Path, forking: str
) -> None:
    with whole_scanner() as scanner:
        words = ["--reader", f"serial:{scanner.path}", "--params", str(city.file), "--state", str(tmp_path / "state")]
        words += ["--trust", str(city.keys), "--environment", "test", "--json"]
        city.put(1)
        running = Running(forking, *words)
        assert said(running, "started")["parameters_version"] == 1
        first = city.code()
        scanner.scan(first)
        assert said(running, "tap")["fare_fen"] == 100

        city.put(2)
        running.process.send_signal(signal.SIGHUP)
        assert said(running, "parameters_changed")["parameters_version"] == 2
        scanner.scan(city.code())
        assert said(running, "tap")["fare_fen"] == 200
        scanner.scan(first)
        tap = said(running, "tap")
        assert not tap["accepted"], "what was used stays used"
        assert tap["again"] or tap["reason"] == "REPEATED"

        running.process.send_signal(signal.SIGHUP)
        said(running, "parameters_unchanged")
        city.put(1)
        running.process.send_signal(signal.SIGHUP)
        assert "older than what this device has had" in said(running, "parameters_trouble")["problem"]
        scanner.scan(city.code())
        assert said(running, "tap")["fare_fen"] == 200
        assert running.end(signal.SIGTERM) == 0

        again = Running(forking, *words)
        assert said(again, "started")["parameters_version"] == 2
        said(again, "parameters_trouble")
        scanner.scan(first)
        assert said(again, "tap")["reason"] == "REPEATED"
        assert again.end(signal.SIGTERM) == 0
    kept = sorted(path.name[:10] for path in (tmp_path / "state" / "packages").iterdir())
    assert kept == ["0000000001", "0000000002", "state"]


def test_what_waits_is_told_at_start_when_it_comes_and_to_the_collector(
    city: City, tmp_path: Path, forking: str
) -> None:
    store = Store(tmp_path / "trips.db")
    city.put(1)
    with whole_scanner() as scanner, Serving(Collector(store).app()) as serving:
        words = ["--reader", f"serial:{scanner.path}", "--params", str(city.file), "--state", str(tmp_path / "state")]
        words += ["--trust", str(city.keys), "--environment", "test", "--collector", serving.url, "--json"]
        words += ["--first-within", "0"]
        running = Running(forking, *words)
        assert said(running, "started")["parameters_waiting"] == []
        until(lambda: len(store.statements()) == 1)
        city.put(2, begin=DAY)
        running.process.send_signal(signal.SIGHUP)
        assert [row["version"] for row in said(running, "parameters_unchanged")["parameters_waiting"]] == [2]
        city.put(3)
        running.process.send_signal(signal.SIGHUP)
        changed = said(running, "parameters_changed")
        assert (changed["parameters_version"], changed["parameters_waiting"][0]["version"]) == (3, 2)
        assert running.end(signal.SIGTERM) == 0
        again = Running(forking, *words)
        assert said(again, "started")["parameters_waiting"][0]["version"] == 2
        until(lambda: parse_versions(store.statements()[-1].said).parameters == 3)
        assert again.end(signal.SIGTERM) == 0
    first, *_, last = (parse_versions(row.said) for row in store.statements())
    assert (first.parameters, first.waiting) == (1, ())
    assert [one.version for one in last.waiting] == [2]
    store.close()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--environment", "test"), "no keys to trust were given"),
        (("--trust", "KEYS"), "test on a production device"),
        (("--trust", "OTHERS", "--environment", "test"), "not trusted here"),
        (("--trust", "city.ymp"), "is not text"),
    ],
)
def test_what_is_not_trusted_does_not_start(
    city: City, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], problem: str
) -> None:
    city.put(1)
    others = tmp_path / "others.keys"
    others.write_text(pins_as_text([SigningKey.generate().compressed]))
    paths = {"KEYS": str(city.keys), "OTHERS": str(others), "city.ymp": str(city.file)}
    command = ["run", "--reader", f"file:{tmp_path}", "--params", str(city.file), "--state", str(tmp_path / "state")]
    assert main([*command, *(paths.get(word, word) for word in words)]) == 6
    assert problem in capsys.readouterr().err


def test_a_plain_file_of_the_other_environment_does_not_start(
    params_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["run", "--reader", f"file:{tmp_path}", "--params", str(params_file), "--state", str(tmp_path / "state")]
    assert main([*command, "--environment", "production"]) == 6
    assert "other environment" in capsys.readouterr().err
    assert not (tmp_path / "state").exists()
