"""`yima run --deny-list`: signed lists come into force beside the taps, survive a restart, outlive a bad one.

The lists are made by `yima params deny`, as an operator makes them.
"""

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.running import whole_scanner
from tests.test_kill_and_resume import Running
from yima.hwsim.scanner import SerialScanner
from yima.sdk.cli.main import main
from yima.sdk.issuer import Issuer, RootAuthority, make_rider
from yima.sdk.parameters.signing import Envelope, make_key_file, sign_package
from yima.sdk.sm2 import SigningKey
from yima.validator.packages import pins_as_text, read_package
from yima.validator.parameters import from_mapping

DAY = 86400
A, B, C = (f"310487000000000800{number:02}" for number in (1, 2, 3))


class Bench:
    """An operator with a key, a device's files, and riders."""

    def __init__(self, directory: Path, root: RootAuthority, issuer: Issuer, forking: str) -> None:
        self.directory = directory
        self.issuer = issuer
        self.root, self.forking = root, forking
        self.key_file = directory / "signer.key"
        self.key: SigningKey = make_key_file(self.key_file)
        self.keys = directory / "city.keys"
        self.keys.write_text(pins_as_text([self.key.compressed]))
        self.shown = 0

    def parameters(self, **limits: int) -> dict[str, Any]:
        return {
            "environment": "test",
            "version": 1,
            "limits": limits,
            "fares": {"bus": 200},
            "roots": [{"certificate": self.root.certificate.hex()}],
            "whitelist": [{"organisation": "00083010", "platform": "50083010"}],
        }

    def package(self, **limits: int) -> Path:
        """A package of parameters, signed by the same key."""
        now = int(time.time())
        envelope = Envelope(environment="test", version=1, not_before=now - DAY, expiry=now + 30 * DAY)
        path = self.directory / "city.ymp"
        path.write_bytes(sign_package(bytes(from_mapping(self.parameters(**limits)).image), envelope, [self.key]))
        return path

    def plain(self) -> Path:
        """Parameters for a bench without keys."""
        path = self.directory / "city.toml"
        path.write_text(
            'environment = "test"\nversion = 1\n[fares]\nbus = 200\n'
            f'[[roots]]\ncertificate = "{self.root.certificate.hex()}"\n'
            '[[whitelist]]\norganisation = "00083010"\nplatform = "50083010"\n'
        )
        return path

    def deny(
        self, name: str, version: int, *accounts: str, base: tuple[Path, ...] = (), signed: bool = True, **more: Any
    ) -> Path:
        """Makes a list of these accounts with `yima params deny build`; more: further options."""
        source = self.directory / f"{name}.csv"
        source.write_text("account\n" + "".join(f"{account}\n" for account in accounts))
        path = self.directory / name
        words = [str(source), "-o", str(path), "--version", str(version)]
        words += ["--key", str(self.key_file)] if signed else []
        words += ["--base", *map(str, base)] if base else []
        for option, value in more.items():
            words += [f"--{option.replace('_', '-')}", str(value)]
        assert main(["params", "deny", "build", *words]) == 0
        return path

    def code(self, account: str) -> bytes:
        """A code that was not shown before."""
        self.shown += 1
        rider = make_rider(
            self.issuer,
            payment_account="6228480402564890",
            card_account=account,
            platform="50083010",
            authorised_until=int(time.time()) + DAY,
            validity_s=600,
            issuer_data=f"{self.shown:04}".encode(),
        )
        return rider.code(int(time.time()))

    def running(self, scanner: SerialScanner, *lists: Path, trust: bool = True, **limits: int) -> Running:
        words = ["--reader", f"serial:{scanner.path}", "--state", str(self.directory / "state"), "--json"]
        if trust:
            words += ["--params", str(self.package(**limits)), "--trust", str(self.keys), "--environment", "test"]
        else:
            words += ["--params", str(self.plain())]
        return Running(self.forking, *words, "--deny-list", *map(str, lists))

    def reasons(self, running: Running, scanner: SerialScanner, *accounts: str) -> list[str]:
        """What becomes of a tap of each."""
        found = []
        for account in accounts:
            scanner.scan(self.code(account))
            found.append(said(running, "tap")["reason"])
        return found


@pytest.fixture
def bench(tmp_path: Path, root: RootAuthority, issuer: Issuer, forking: str) -> Bench:
    return Bench(tmp_path, root, issuer, forking)


def said(running: Running, event: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(running.wait_for(rf'"event": "{event}"'))
    return found


def test_a_list_and_its_increment_come_into_force_and_survive_a_restart(bench: Bench) -> None:
    full = bench.deny("full.ymp", 1, A)
    more = bench.directory / "more.ymp"
    more.write_bytes(full.read_bytes())  # until the increment is there, the same list again: it changes nothing
    with whole_scanner() as scanner:
        running = bench.running(scanner, full, more)
        assert said(running, "started")["deny_list_version"] == 1
        assert bench.reasons(running, scanner, A, B) == ["DENY_LISTED", "ACCEPTED"]
        running.process.send_signal(signal.SIGHUP)
        said(running, "deny_list_unchanged")

        bench.deny("next.ymp", 2, B, base=(full,)).rename(more)
        running.process.send_signal(signal.SIGHUP)
        assert said(running, "deny_list_changed")["deny_list_version"] == 2
        assert bench.reasons(running, scanner, A, B, C) == ["DENY_LISTED", "DENY_LISTED", "ACCEPTED"]
        assert running.end(signal.SIGTERM) == 0

        again = bench.running(scanner, full, more)
        assert said(again, "started")["deny_list_version"] == 2
        assert bench.reasons(again, scanner, A, B, C) == ["DENY_LISTED", "DENY_LISTED", "ACCEPTED"]
        assert again.end(signal.SIGTERM) == 0
        assert "deny_list" not in "".join(again.said).replace("deny_list_version", "").replace("deny_list_issued", "")


def test_a_list_in_force_needs_no_file_and_is_not_verified_again(bench: Bench) -> None:
    full = bench.deny("full.ymp", 1, A)
    with whole_scanner() as scanner:
        first = bench.running(scanner, full)
        said(first, "started")
        assert first.end(signal.SIGTERM) == 0
        full.unlink()
        [kept] = (bench.directory / "state" / "deny").glob("*.ymp")
        data = bytearray(kept.read_bytes())
        data[-1] ^= 1  # an account on the list; whoever hashed the file would see it
        kept.write_bytes(data)
        again = bench.running(scanner, full)
        assert said(again, "started")["deny_list_version"] == 1
        assert "No such file" in said(again, "deny_list_trouble")["problem"]
        assert again.end(signal.SIGTERM) == 0


def test_a_bad_list_keeps_the_old_one_and_is_told_in_both_languages(bench: Bench) -> None:
    full = bench.deny("full.ymp", 2, A)
    stranger = make_key_file(bench.directory / "stranger.key")
    package = read_package(full)
    envelope = Envelope(
        environment="test", version=3, kind=package.kind, not_before=package.not_before, expiry=package.expiry
    )
    bad = {
        "no package": b"rubbish".ljust(200),
        "unsigned list": bench.deny("bare.ymd", 3, B, signed=False).read_bytes(),
        "is not trusted here": sign_package(bytes(package.image), envelope, [stranger]),
        "holds other content than was signed": bench.deny("newer.ymp", 3, B).read_bytes()[:-1] + b"?",
        "older than what": bench.deny("old.ymp", 1, B).read_bytes(),
        "another list than the one in force": bench.deny(
            "lost.ymp", 3, C, base=(bench.deny("elsewhere.ymp", 2, B),)
        ).read_bytes(),
        "is not what belongs here": bench.package().read_bytes(),
    }
    with whole_scanner() as scanner:
        running = bench.running(scanner, full)
        said(running, "started")
        for problem, content in bad.items():
            full.write_bytes(content)
            running.process.send_signal(signal.SIGHUP)
            told = said(running, "deny_list_trouble")
            assert problem in told["problem"]
            assert told["problem_zh"]
            assert told["remedy_zh"] != told["remedy"]
            assert bench.reasons(running, scanner, A, B) == ["DENY_LISTED", "ACCEPTED"]
        assert running.end(signal.SIGTERM) == 0


def test_a_list_that_is_too_old_refuses_everybody_until_there_is_a_newer_one(bench: Bench) -> None:
    now = int(time.time())
    full = bench.deny("full.ymp", 1, A, issued_at=now - 2 * DAY)
    with whole_scanner() as scanner:
        running = bench.running(scanner, full, lists_max_age_s=DAY)
        assert said(running, "started")["deny_list_issued_at"] == now - 2 * DAY
        assert bench.reasons(running, scanner, A, B) == ["LISTS_TOO_OLD", "LISTS_TOO_OLD"]
        bench.deny("next.ymp", 2, C, base=(full,), issued_at=now).rename(full)
        running.process.send_signal(signal.SIGHUP)
        said(running, "deny_list_changed")
        assert bench.reasons(running, scanner, A, B, C) == ["DENY_LISTED", "ACCEPTED", "DENY_LISTED"]
        assert running.end(signal.SIGTERM) == 0


def test_new_parameters_go_on_with_the_list_in_force(bench: Bench) -> None:
    full = bench.deny("full.ymd", 1, A, signed=False)
    with whole_scanner() as scanner:
        running = bench.running(scanner, full, trust=False)
        said(running, "started")
        path = bench.plain()
        path.write_text(path.read_text().replace("version = 1", "version = 2").replace("bus = 200", "bus = 300"))
        running.process.send_signal(signal.SIGHUP)
        assert said(running, "parameters_changed")["parameters_version"] == 2
        assert bench.reasons(running, scanner, A, B) == ["DENY_LISTED", "ACCEPTED"]
        bench.deny("full.ymd", 2, B, signed=False)
        running.process.send_signal(signal.SIGHUP)
        assert said(running, "deny_list_changed")["deny_list_version"] == 2
        assert bench.reasons(running, scanner, A, B) == ["ACCEPTED", "DENY_LISTED"]
        assert running.end(signal.SIGTERM) == 0


@pytest.mark.parametrize(
    ("trust", "options", "problem"),
    [
        (True, {"signed": False}, "is an unsigned list"),
        (False, {"signed": False, "environment": "production"}, "is an unsigned list"),
        (False, {}, "no keys to trust were given"),
        (True, {"environment": "production"}, "production on a test device"),
        (True, {"not_before": 4_000_000_000}, "is not valid yet"),
    ],
)
def test_without_a_list_that_may_be_used_a_device_does_not_start(
    bench: Bench, capsys: pytest.CaptureFixture[str], trust: bool, options: dict[str, Any], problem: str
) -> None:
    path = bench.deny("list", 1, A, **options)
    command = ["run", "--reader", f"file:{bench.directory}", "--state", str(bench.directory / "state")]
    if trust:
        command += ["--params", str(bench.package()), "--trust", str(bench.keys), "--environment", "test"]
    else:
        command += ["--params", str(bench.plain())]
    assert main([*command, "--deny-list", str(path)]) == 6
    assert problem in capsys.readouterr().err
