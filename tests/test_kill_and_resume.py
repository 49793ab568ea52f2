"""kill -9 in the middle of work, again and again: what the gate opened for is at the collector exactly once."""

import contextlib
import os
import queue
import random
import re
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.entries import reason_of, taps_of
from tests.forked import Forked, server_of
from tests.running import whole_scanner
from yima.sdk.centre.collector.app import Collector
from yima.sdk.centre.collector.store import Store
from yima.sdk.issuer import Issuer, make_issuer, make_rider, make_root
from yima.sdk.serving import Serving
from yima.validator.errors import JournalError
from yima.validator.journal.kept import code_of
from yima.validator.state import look_at_journal

ROUNDS = 10
PARAMETERS = """
environment = "test"
version = 1
[fares]
bus = 200
[[roots]]
certificate = "{root}"
[[whitelist]]
organisation = "00083010"
platform = "50083010"
"""


class Running:
    """A `yima run` process and the lines it says. server: of tests.forked."""

    def __init__(self, server: str, *arguments: str) -> None:
        said, says = os.pipe()
        with Path(os.devnull).open() as nothing:
            streams = (nothing.fileno(), says, says)
            self.process = Forked(server, ("run", *arguments), streams, {**os.environ, "YIMA_LANG": "en"})
        os.close(says)
        self._output = os.fdopen(said, encoding="utf-8")
        self.lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.said: list[str] = []
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def _listen(self) -> None:
        with self._output as lines:
            for line in lines:
                self.said.append(line)
                self.lines.put(line)

    def wait_for(self, pattern: str) -> str:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            with contextlib.suppress(queue.Empty):
                line = self.lines.get(timeout=0.1)
                if re.search(pattern, line):
                    return line
        raise AssertionError(f"{pattern!r} was never said: {''.join(self.said)}")

    def end(self, number: signal.Signals | None = None) -> int:
        if number:
            self.process.send_signal(number)
        status = self.process.wait(200)
        self._listener.join(200)
        return status

    def opened_for(self) -> list[str]:
        """The last four digits of each card account that the gate opened for."""
        return [found[1] for line in self.said if (found := re.search(r"^OPEN .*\*(\d{4})$", line.rstrip()))]


def code(issuer: Issuer, number: int) -> bytes:
    now = int(time.time())
    rider = make_rider(
        issuer,
        payment_account="6228480402564890",
        card_account=f"3104870000000003{number:04}",
        platform="50083010",
        authorised_until=now + 86400,
        validity_s=600,
    )
    return rider.code(now)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> str:
    return server_of(tmp_path_factory)


@pytest.mark.slow
def test_kill_and_resume_loses_nothing_and_doubles_nothing(tmp_path: Path, server: str) -> None:
    chance = random.Random(20261123)
    root = make_root()
    issuer = make_issuer(root)
    parameters = tmp_path / "parameters.toml"
    parameters.write_text(PARAMETERS.format(root=root.certificate.hex()))
    store = Store(tmp_path / "trips.db")
    serving = Serving(Collector(store).app())
    url, port = serving.url, int(serving.url.rpartition(":")[2])
    opened: list[str] = []
    last: bytes | None = None
    number = 0
    with whole_scanner() as scanner:
        arguments = [
            "--reader",
            f"serial:{scanner.path}",
            "--params",
            str(parameters),
            "--state",
            str(tmp_path / "state"),
        ]
        arguments += ["--collector", url, "--batch-count", "3", "--batch-age", "0.05", "--device", "gate-7"]
        arguments += ["--first-within", "0"]
        pieces = scanner.packet
        for cycle in range(ROUNDS):
            if cycle == 3:
                serving.stop()  # two rounds without network
            if cycle == 5:
                serving = Serving(Collector(store).app(), port=port)
            running = Running(server, *arguments)
            running.wait_for("next record")
            if last is not None:
                # Half a code may still lie in the line from before; this one comes after a silence.
                time.sleep(0.2)
                scanner.scan(last)
                running.wait_for("^REFUSE .*Code already used")
            for _ in range(chance.randint(1, 4)):
                last = code(issuer, number)
                scanner.scan(last)
                running.wait_for(rf"^OPEN .*\*{number:04}$")
                number += 1
            # The last tap of the round is killed at any of its moments, from the first byte to after the gate.
            dying = code(issuer, number)
            number += 1
            killer = threading.Timer(chance.uniform(0, 0.045), running.process.kill)
            killer.start()
            scanner.packet = 1
            scanner.scan(dying)
            scanner.packet = pieces
            killer.join()
            running.end(signal.SIGKILL)
            opened += running.opened_for()
            if running.opened_for()[-1] == f"{number - 1:04}":
                last = dying
        running = Running(server, *arguments)
        running.wait_for("next record")
        scanner.scan(code(issuer, number))
        running.wait_for(rf"^OPEN .*\*{number:04}$")
        assert running.end(signal.SIGTERM) == 0
        opened += running.opened_for()
        assert re.search(r"stopped: .* 0 waiting", running.said[-1])
    serving.stop()

    journal = look_at_journal(tmp_path / "state")
    entries = journal.entries(0, 10_000)
    assert journal.verify() == len(entries) == journal.acknowledged()
    assert journal.quarantined() == []
    held = store.entries("gate-7", journal.epoch, after=0, limit=10_000)
    assert [(row["sequence"], row["hash"], row["content"]) for row in held] == [
        (entry.key.sequence, entry.hash, entry.content) for entry in entries
    ]
    assert all(row["rejected"] is None for row in held)
    taps = taps_of({entry.key.sequence: entry.content for entry in entries})
    taken = [content for content in taps.values() if reason_of(content) == 0]
    accepted = Counter((code_of(content) or b"")[136:146].hex()[-4:] for content in taken)
    assert set(accepted.values()) == {1}, "a code was accepted twice"
    assert len(opened) == len(set(opened)) > ROUNDS
    assert set(opened) <= set(accepted), "the gate opened without a record"
    # At most the tap that was being killed is on record without its gate having been heard.
    assert len(accepted) - len(opened) <= ROUNDS
    journal.close()
    store.close()


def test_two_devices_on_one_state_directory_are_told_apart(tmp_path: Path, server: str) -> None:
    root = make_root()
    parameters = tmp_path / "parameters.toml"
    parameters.write_text(PARAMETERS.format(root=root.certificate.hex()))
    with whole_scanner() as scanner, whole_scanner() as other:
        common = ["--params", str(parameters), "--state", str(tmp_path / "state")]
        first = Running(server, "--reader", f"serial:{scanner.path}", *common)
        first.wait_for("next record")
        second = Running(server, "--reader", f"serial:{other.path}", *common)
        line = second.wait_for("yima: ")
        assert f"in use by process {first.process.pid}" in line
        assert second.end() == 5
        assert first.end(signal.SIGTERM) == 0
    with pytest.raises(JournalError, match="there is no journal"):
        look_at_journal(tmp_path)
