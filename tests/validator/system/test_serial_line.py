"""A line is read alike where there is a select on it and where it must be asked, as on Windows."""

import os
import termios
import tty
from collections.abc import Iterator

import pytest

from yima.hwsim.scanner import SerialScanner
from yima.validator.errors import ReaderError
from yima.validator.readers.serial import SerialReader
from yima.validator.system import serial_line


@pytest.fixture(params=["select", "asked"])
def reader(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[SerialScanner, SerialReader]]:
    with SerialScanner(baud=4_000_000) as scanner:
        if request.param == "asked":
            monkeypatch.setattr(serial_line, "termios", None)
        reader = SerialReader(scanner.path)
        yield scanner, reader
        reader.close()


def test_every_byte_comes_through(reader: tuple[SerialScanner, SerialReader]) -> None:
    scanner, device = reader
    text = bytes(range(0x20, 0x100)) + bytes(range(0x20)) + b"."
    scanner.scan(text)
    reading = device.read(5)
    assert reading is not None
    assert reading.payload == text
    assert device.read(0.01) is None


def test_a_port_that_was_closed_is_gone(reader: tuple[SerialScanner, SerialReader]) -> None:
    _, device = reader
    device.close()
    with pytest.raises(ReaderError, match="gone"):
        device.read(0.1)


def test_a_line_on_which_a_driver_translates_is_known_as_such() -> None:
    outside, inside = os.openpty()
    with os.fdopen(outside, "rb", 0), os.fdopen(inside, "rb", 0) as line:
        assert serial_line.translates(line), "as a terminal is made: a CR becomes LF, and it is echoed"
        tty.setraw(line.fileno())
        assert not serial_line.translates(line)
        settings = termios.tcgetattr(line.fileno())
        settings[0] |= termios.IXON
        termios.tcsetattr(line.fileno(), termios.TCSANOW, settings)
        assert serial_line.translates(line)


@pytest.mark.parametrize(
    ("refused", "problem"),
    [
        (
            "could not open port 'COM9': FileNotFoundError(2, 'It cannot be found.', None, 2)",
            "no such port",
        ),
        ("could not open port 'COM3': PermissionError(13, 'Access is denied.', None, 5)", "another program"),
    ],
)
def test_what_windows_says_of_a_port_is_understood(refused: str, problem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str, baud: int) -> None:
        raise OSError(refused)

    monkeypatch.setattr(serial_line, "open_raw", refuse)
    with pytest.raises(ReaderError, match=problem):
        SerialReader("COM3")
