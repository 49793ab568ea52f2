"""A scanner on a real (pseudo-)terminal: every byte arrives, and a port that is not there or gone says what to do."""

import json
import os
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from yima.hwsim.scanner import SerialScanner
from yima.validator.errors import ReaderError
from yima.validator.ports import Reading
from yima.validator.ports import open_reader as open_by_name
from yima.validator.readers.framing import Profile
from yima.validator.readers.serial import SerialReader, open_reader
from yima.validator.system import serial_line

VECTORS = sorted((Path(__file__).parents[2] / "vectors" / "lab").glob("*.json"))
CODES = [bytes.fromhex(json.loads(path.read_text())["code"]) for path in VECTORS]
SOUND = [bytes.fromhex(json.loads(path.read_text())["code"]) for path in VECTORS if 5684 <= int(path.stem) <= 5715]
CODE = CODES[0]
FAST = 4_000_000  # the pace does not matter here
PATIENT_MS = 2000  # a machine that stalls while it sends makes no two of a code


@pytest.fixture
def scanner() -> Iterator[SerialScanner]:
    with SerialScanner(baud=FAST) as device:
        yield device


@pytest.fixture
def reader(scanner: SerialScanner) -> Iterator[SerialReader]:
    device = SerialReader(scanner.path)
    yield device
    device.close()


def payload(reading: Reading | None) -> bytes:
    assert reading is not None
    return reading.payload


def test_every_vector_comes_through(scanner: SerialScanner, reader: SerialReader) -> None:
    for code in CODES:
        scanner.scan(code)
        assert payload(reader.read(5)) == code


def test_every_byte_value_comes_through(scanner: SerialScanner, reader: SerialReader) -> None:
    text = bytes(range(0x20, 0x7F)) + bytes(range(0x80, 0x100)) + bytes(range(0x20)) + b"\x7f."
    assert len(set(text)) == 256
    scanner.scan(text)
    assert payload(reader.read(5)) == text


def test_nothing_comes_in_time(reader: SerialReader) -> None:
    assert reader.read(0) is None
    assert reader.read(0.01) is None


def test_a_reading_knows_when_its_bytes_came(scanner: SerialScanner, reader: SerialReader) -> None:
    sent_first, sent_last = scanner.scan(CODE)
    reading = reader.read(5)
    assert reading is not None
    assert sent_first <= reading.first_ns <= reading.last_ns
    assert sent_last <= reading.last_ns


def test_codes_that_wait_in_the_line_come_one_by_one(scanner: SerialScanner, reader: SerialReader) -> None:
    for code in SOUND[:3]:
        scanner.scan(code)
    assert [payload(reader.read(5)) for _ in range(3)] == SOUND[:3]
    assert reader.read(0.05) is None


def test_a_text_code_ends_by_silence(scanner: SerialScanner, reader: SerialReader) -> None:
    scanner.scan(b"https://example.org/t?c=310000")
    assert payload(reader.read(5)) == b"https://example.org/t?c=310000"


@pytest.mark.parametrize(
    ("prefix", "suffix"), [(b"", b""), (b"\x02", b"\x03"), (b"]Q1", b"\r\n"), (b"\\000026", b"\n")]
)
def test_prefix_and_suffix_and_packets(prefix: bytes, suffix: bytes) -> None:
    with SerialScanner(baud=460_800, prefix=prefix, suffix=suffix, packet=64) as device:
        line = SerialReader(device.path, gap_ms=PATIENT_MS)
        sending = threading.Thread(target=lambda: [device.scan(code) for code in SOUND[:4]])
        sending.start()
        assert [payload(line.read(5)) for _ in range(4)] == SOUND[:4]
        sending.join()
        line.close()


def test_a_slow_line_is_read_whole() -> None:
    with SerialScanner(baud=9600) as device:
        line = open_reader(f"{device.path}?baud=9600&gap_ms={PATIENT_MS}&mode=auto")
        sending = threading.Thread(target=device.scan, args=(CODE,))
        sending.start()
        assert payload(line.read(5)) == CODE
        sending.join()
        line.close()


def test_a_hex_line_is_decoded_as_the_address_asks(scanner: SerialScanner) -> None:
    for mode, expected in (("auto", CODE), ("hex", CODE), ("raw", CODE.hex().encode())):
        line = open_reader(f"{scanner.path}?mode={mode}")
        scanner.scan(CODE.hex().encode())
        assert payload(line.read(5)) == expected
        line.close()


def test_it_is_found_by_its_name(scanner: SerialScanner) -> None:
    line = open_by_name(f"serial:{scanner.path}")
    scanner.scan(CODE)
    assert payload(line.read(5)) == CODE
    line.close()


def test_the_line_is_raw_even_if_it_was_not(scanner: SerialScanner) -> None:
    descriptor = os.open(scanner.path, os.O_RDWR | os.O_NOCTTY)
    settings = termios.tcgetattr(descriptor)
    settings[0] |= termios.IXON | termios.IXOFF | termios.ICRNL | termios.ISTRIP
    settings[3] |= termios.ICANON | termios.ECHO
    termios.tcsetattr(descriptor, termios.TCSANOW, settings)
    line = SerialReader(scanner.path)
    now = termios.tcgetattr(descriptor)
    assert not now[0] & (termios.IXON | termios.IXOFF | termios.ICRNL | termios.INLCR | termios.IGNCR | termios.ISTRIP)
    assert not now[3] & (termios.ICANON | termios.ECHO)
    scanner.scan(CODE[:3] + b"$" + b"\x11\x13\r\n\x00\x03\x04\x1a\x7f" * 30)
    assert payload(line.read(5)) == CODE[:3] + b"$" + b"\x11\x13\r\n\x00\x03\x04\x1a\x7f" * 30
    line.close()
    os.close(descriptor)


def test_a_line_that_never_falls_silent_keeps_nobody_waiting(
    reader: SerialReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = count(0, 1_000_000)  # each look at the clock finds it a millisecond on
    monkeypatch.setattr("yima.validator.readers.serial.time.monotonic_ns", lambda: next(clock))
    monkeypatch.setattr(reader, "_receive", lambda wait_s: b"\xfe" * 100)
    readings = [reader.read(0.05) for _ in range(20)]
    assert None in readings, "a read comes back in time, whatever arrives"
    assert all(4000 < len(reading.payload) <= 4096 for reading in readings if reading), "noise goes in long pieces"


def test_a_scanner_that_is_unplugged_while_it_is_opened_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that has gone answers with an error of its own, which ended the device."""
    scanner, translates = SerialScanner(), serial_line.translates

    def unplugged(port: Any) -> bool:
        scanner.close()
        return translates(port)

    monkeypatch.setattr(serial_line, "translates", unplugged)
    with pytest.raises(ReaderError, match="it is no serial port that can be used"):
        SerialReader(scanner.path)


def test_a_missing_port_is_named() -> None:
    with pytest.raises(ReaderError) as caught:
        open_reader("/dev/ttyUSB77")
    assert caught.value.thing == "/dev/ttyUSB77"
    assert "no such port" in caught.value.problem.en


def test_a_busy_port_is_named(scanner: SerialScanner, reader: SerialReader) -> None:
    with pytest.raises(ReaderError) as caught:
        SerialReader(scanner.path)
    assert caught.value.thing == reader.path
    assert "another program" in caught.value.problem.en
    assert "fuser" in caught.value.remedy.zh


def test_a_port_that_was_closed_is_free_again(scanner: SerialScanner) -> None:
    for _ in range(2):
        line = SerialReader(scanner.path)
        scanner.scan(CODE)
        assert payload(line.read(5)) == CODE
        line.close()


@pytest.mark.parametrize("place", ["/dev/null", "/tmp", __file__])
def test_what_is_no_serial_port_is_refused(place: str) -> None:
    with pytest.raises(ReaderError) as caught:
        open_reader(place)
    assert caught.value.thing == place


def test_a_port_one_may_not_open_names_the_group(tmp_path: Path) -> None:
    script = (
        "import os, sys\n"
        "from yima.validator.errors import ReaderError\n"
        "from yima.validator.readers.serial import open_reader\n"
        "master, slave = os.openpty()\n"
        "os.chmod(os.ttyname(slave), 0)\n"
        "if os.getuid() == 0: os.setuid(65534)\n"
        "try: open_reader(os.ttyname(slave))\n"
        "except ReaderError as refused: sys.exit(0 if 'dialout' in refused.remedy.en else str(refused))\n"
        "sys.exit('it opened')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=Path.cwd())
    assert (done.returncode, done.stderr) == (0, "")


def test_a_scanner_that_is_unplugged_ends_the_wait() -> None:
    device = SerialScanner(baud=FAST)
    line = SerialReader(device.path)
    plug = threading.Timer(0.05, device.close)
    plug.start()
    with pytest.raises(ReaderError) as caught:
        line.read(30)
    assert caught.value.thing == device.path
    assert "gone" in caught.value.problem.en
    with pytest.raises(ReaderError):
        line.read(0)
    plug.join()
    line.close()


@pytest.mark.parametrize(
    "options",
    ["speed=1", "baud=fast", "baud=0", "baud=-1", "gap_ms=0", "mode=morse", "baud", "baud=9600&baud=1", "baud=²"],
)
def test_an_option_that_makes_no_sense_is_named(scanner: SerialScanner, options: str) -> None:
    with pytest.raises(ReaderError) as caught:
        open_reader(f"{scanner.path}?{options}")
    assert options.partition("&")[2] or options in caught.value.thing


def test_an_empty_address_says_how_to_write_one() -> None:
    for address in ("", "?baud=9600"):
        with pytest.raises(ReaderError) as caught:
            open_reader(address)
        assert "/dev/ttyUSB0" in caught.value.remedy.en


def test_a_line_of_which_nothing_is_said_ends_a_frame_after_twenty_milliseconds(scanner: SerialScanner) -> None:
    said, unsaid = open_reader(f"{scanner.path}?gap_ms=20&baud=115200"), Profile()
    said.close()
    device = open_reader(scanner.path)
    device.close()
    assert device._framer._profile == said._framer._profile == unsaid
