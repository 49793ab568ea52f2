"""A line that a server hands on by RFC 2217: its bytes, its speed, and what a server may make us hold."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest
import serial
import serial.rfc2217

from tests.uplinks import until
from tests.validator.readers.test_serial_dialogue import ENOUGH_S, module
from tests.validator.readers.test_serial_reader import CODE, payload
from yima.validator.errors import ReaderError
from yima.validator.readers.serial import open_reader
from yima.validator.readers.telnet_line import SUBNEGOTIATION_MAX, UNREAD_MAX, TelnetLine

IAC, SB, SE, COM_PORT, SIGNATURE = b"\xff", b"\xfa", b"\xf0", b"\x2c", b"\x64"
TRIGGERED = "?baud=19200&trigger=54&trigger_ms=60000"  # the module is sent a T


class Sending:
    """Where a manager of pyserial writes what goes to the client; its own thread writes as well."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._writing = threading.Lock()

    def write(self, data: bytes) -> None:
        with self._writing:
            self._connection.sendall(data)


@contextmanager
def server(answer: Callable[[Sending, int], None]) -> Iterator[str]:
    """A real server of RFC 2217: its URL. answer: called at each T from the client, with the line's speed."""
    done = threading.Event()

    def talk(connection: socket.socket) -> None:
        line = serial.serial_for_url("loop://", timeout=0)  # the port whose speed is set
        out = Sending(connection)
        manager = serial.rfc2217.PortManager(line, out)
        connection.settimeout(0.02)
        while not done.is_set():
            try:
                data = connection.recv(1024)
            except TimeoutError:
                continue
            except OSError:
                break
            if not data:
                break
            for byte in manager.filter(data):
                assert byte == b"T"
                answer(out, line.baudrate)

    with module(talk) as place:
        try:
            yield place.replace("socket", "rfc2217")
        finally:
            done.set()


def escaped(data: bytes) -> bytes:
    return data.replace(IAC, IAC + IAC)


def test_a_server_hands_on_bytes_and_speed() -> None:
    speeds: list[int] = []

    def answer(out: Sending, speed: int) -> None:
        speeds.append(speed)
        out.write(escaped(CODE))

    with server(answer) as url, closing(open_reader(url + TRIGGERED)) as reader:
        assert payload(reader.read(ENOUGH_S)) == CODE
    assert speeds
    assert set(speeds) == {19200}


@pytest.mark.parametrize(
    "said",
    [
        IAC + SE,
        IAC + SB + COM_PORT + IAC + SE + IAC + SE,
        IAC + SB + COM_PORT + bytes(SUBNEGOTIATION_MAX),
        (IAC + SB + COM_PORT + SIGNATURE + IAC + IAC).ljust(2 * SUBNEGOTIATION_MAX, IAC),
    ],
    ids=["an end without a beginning", "two ends", "no end", "no end, all of it escaped"],
)
def test_a_server_that_says_what_is_no_telnet_is_gone_and_ends_no_thread(said: bytes) -> None:
    """Of an end that had no beginning pyserial's thread ended with a traceback; what had no end filled the memory."""

    def answer(out: Sending, _speed: int) -> None:
        out.write(said)

    with (
        server(answer) as url,
        closing(open_reader(url + TRIGGERED)) as reader,
        pytest.raises(ReaderError, match="gone while reading"),
    ):
        reader.read(ENOUGH_S)


def test_a_line_on_which_nothing_comes_is_waited_for_no_longer_than_was_said() -> None:
    with server(lambda out, speed: None) as url, closing(open_reader(url)) as reader:
        assert reader.read(0.05) is None
        assert reader.read(0) is None


@pytest.mark.parametrize("text", [b"", b"Scanner 1", IAC + IAC, b"x" * (SUBNEGOTIATION_MAX - 4)])
def test_a_signature_of_any_length_that_servers_have_is_no_trouble(text: bytes) -> None:
    signed = IAC + SB + COM_PORT + SIGNATURE + text + IAC + SE

    def answer(out: Sending, _speed: int) -> None:
        out.write(2 * signed + IAC + b"\xfb" + IAC + escaped(CODE))  # WILL, of the option 255

    with server(answer) as url, closing(open_reader(url + TRIGGERED)) as reader:
        assert payload(reader.read(ENOUGH_S)) == CODE


def test_what_nobody_reads_yet_stays_at_the_server_and_none_of_it_is_lost() -> None:
    """A server that never ceases to send filled the memory while a gate was opening."""
    flood = bytes(range(255)) * 400

    def answer(out: Sending, _speed: int) -> None:
        threading.Thread(target=out.write, args=(flood,)).start()

    with server(answer) as url:
        line = TelnetLine(url, timeout=ENOUGH_S)
        with closing(line):
            line.write(b"T")
            until(lambda: line.in_waiting >= UNREAD_MAX)
            taken = b""
            while len(taken) < len(flood):
                taken += line.read(1)
                held = line.in_waiting
                assert held <= UNREAD_MAX + 1024
                taken += line.read(held)
    assert taken == flood


def test_a_line_that_is_closed_while_more_waits_than_it_holds_is_closed_at_once() -> None:
    def answer(out: Sending, _speed: int) -> None:
        threading.Thread(target=_written, args=(out,)).start()

    def _written(out: Sending) -> None:
        try:
            out.write(bytes(8 << 20))
        except OSError:
            gone.set()

    gone = threading.Event()
    with server(answer) as url:
        line = TelnetLine(url, timeout=ENOUGH_S)
        line.write(b"T")
        until(lambda: line.in_waiting >= UNREAD_MAX)
        reading = line._thread
        line.close()
        assert not reading.is_alive()
    assert gone.wait(ENOUGH_S)
