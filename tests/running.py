"""What tests of the running program share: a bench directory, `yima` as a process, a scanner on a pty, its journal."""

import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.uplinks import until
from yima.hwsim.scanner import SerialScanner
from yima.sdk.issuer import Issuer, make_issuer, make_rider, make_root
from yima.validator.journal.facts import TapFacts, parse
from yima.validator.state import look_at_journal

YIMA = [sys.executable, "-m", "yima.sdk.cli.main"]


def make_bench(directory: Path, *, environment: str = "test") -> Issuer:
    """Writes city.toml, under which the riders of the issuer ride for 200 fen, and an empty folder `codes`."""
    root = make_root()
    issuer = make_issuer(root)
    (directory / "city.toml").write_text(
        f'environment = "{environment}"\nversion = 3\n[fares]\nbus = 200\n'
        f'[[roots]]\ncertificate = "{root.certificate.hex()}"\n'
        '[[whitelist]]\norganisation = "00083010"\nplatform = "50083010"\n'
    )
    (directory / "codes").mkdir()
    return issuer


def good_code(issuer: Issuer, number: int = 0) -> bytes:
    """A code of the bench's issuer that is good now; each number is another rider's."""
    now = int(time.time())
    return make_rider(
        issuer,
        payment_account="6228480402564890",
        card_account=f"3104870000000004{number:04}",
        platform="50083010",
        authorised_until=now + 86400,
    ).code(now)


def environment(**more: str) -> dict[str, str]:
    """The environment of a process that speaks English."""
    return {**os.environ, "YIMA_LANG": "en", **more}


def yima(*words: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Runs the command to its end."""
    return subprocess.run(
        [*YIMA, *map(str, words)], capture_output=True, text=True, env=environment(**more), timeout=200, check=False
    )


def run_words(bench: Path, *more: str | Path, reader: str | None = None) -> list[str]:
    """`run` on the bench; reads the folder `codes` unless another reader is named."""
    words = ["run", "--reader", reader or f"file:{bench}/codes", "--params", bench / "city.toml"]
    return [str(word) for word in (*words, "--state", bench / "state", *more)]


def json_lines(text: str) -> list[dict[str, Any]]:
    """The objects, one a line."""
    return [json.loads(line) for line in text.splitlines()]


def recorded(bench: Path) -> int:
    """How many taps the device's journal has."""
    if not (bench / "state").exists():
        return 0
    try:
        journal = look_at_journal(bench / "state")
    except Exception:
        return 0
    try:
        return sum(isinstance(parse(entry.content)[0], TapFacts) for entry in journal.entries(0, 100_000))
    finally:
        journal.close()


@contextmanager
def running(words: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """`yima` as a process, gone when the test ends however it ends. options: as Popen's."""
    with subprocess.Popen([*YIMA, *words], text=True, env=environment(), **options) as process:
        try:
            yield process
        finally:
            process.kill()


def whole_scanner() -> SerialScanner:
    """A scanner whose codes go over the line in one piece each: a machine that stalls within one would make two."""
    return SerialScanner(packet=4096)


def tap_until_recorded(scanner: SerialScanner, bench: Path, count: int) -> None:
    """Shows codes that are none until the journal has that many records; a line just opened loses what was sent."""
    numbers = itertools.count()  # the same payload within two seconds would be one presentation

    def enough() -> bool:
        for _ in range(10):
            scanner.scan(b"no code %d" % next(numbers))
            time.sleep(0.05)  # as long as a scanner's own pause between two codes
        return recorded(bench) >= count

    until(enough)
