"""A module that is spoken to, whose own words are no codes; and lines that a server hands on."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.validator.readers.test_serial_reader import CODE, SOUND, payload
from yima.hwsim.scanner import SerialScanner
from yima.validator.errors import ReaderError
from yima.validator.readers.dialogue import Dialogue, Speaking
from yima.validator.readers.framing import Profile
from yima.validator.readers.serial import open_reader

REPLY = bytes.fromhex("02000001003331")
TRIGGER = bytes.fromhex("7e000801000201abcd")
ENOUGH_S = 10


@contextmanager
def module(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A real TCP server with one connection, on which a module talks: the reader's place."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.settimeout(ENOUGH_S)
                talk(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"socket://127.0.0.1:{listening.getsockname()[1]}"
        thread.join()


def received(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (part := connection.recv(size - len(data))):
        data += part
    return data


def test_a_line_behind_a_socket_is_read_and_its_end_is_told() -> None:
    def talk(connection: socket.socket) -> None:
        for code in (CODE, SOUND[0]):  # what came before a port was open is nobody's
            assert received(connection, 1) == b"T"
            connection.sendall(code)
        received(connection, 1)

    with module(talk) as place:
        reader = open_reader(f"{place}?trigger=54&trigger_ms=60000")
        assert [payload(reader.read(ENOUGH_S)) for _ in range(2)] == [CODE, SOUND[0]]
        with pytest.raises(ReaderError, match="gone while reading"):
            reader.read(ENOUGH_S)
        reader.close()


def test_commands_are_sent_at_opening_and_their_answers_are_no_codes() -> None:
    heard: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        for size in (3, 2):
            heard.append(received(connection, size))
            connection.sendall(REPLY)
        heard.append(received(connection, 1))  # nothing more, until the test has its code
        connection.close()

    with module(talk) as place:
        reader = open_reader(f"{place}?init=010203,0405")
        assert reader.read(0.05) is None
        reader.close()
    assert heard == [b"\1\2\3", b"\4\5", b""]


def test_a_trigger_begins_each_reading_and_is_sent_again_when_nothing_comes() -> None:
    heard: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        for answer in (b"", CODE, SOUND[0]):
            heard.append(received(connection, len(TRIGGER)))
            connection.sendall(REPLY)
            time.sleep(0.06)  # the module looks for a code
            connection.sendall(answer)
        received(connection, 1 << 10)

    with module(talk) as place:
        reader = open_reader(f"{place}?trigger={TRIGGER.hex()}&trigger_ms=300&ignore={REPLY.hex()}")
        assert [payload(reader.read(ENOUGH_S)) for _ in range(2)] == [CODE, SOUND[0]]
        reader.close()
    assert heard == [TRIGGER] * 3


def test_a_trigger_is_due_again_as_long_after_the_last_as_the_address_says() -> None:
    sent: list[bytes] = []
    dialogue = Dialogue(trigger=TRIGGER, trigger_s=0.3)
    speaking = Speaking(dialogue, Profile.for_line(baud=115200, gap_ms=20), sent.append, lambda wait_s: None)
    begun = 1 << 62  # later than the monotonic clock that the first trigger goes by
    for after_ms, so_far in ((0, 1), (1, 1), (299, 1), (300, 2), (301, 2), (1000, 3), (1299, 3), (1300, 4)):
        speaking.look(begun + after_ms * 1_000_000)
        assert sent == [TRIGGER] * so_far, after_ms


def test_a_module_that_has_stopped_reading_holds_nobody() -> None:
    controller, line = os.openpty()
    reader = open_reader(os.ttyname(line))
    try:
        with pytest.raises(ReaderError, match="gone while reading"):
            reader._send(bytes(1 << 20))
    finally:
        reader.close()
        os.close(controller)
        os.close(line)


@pytest.mark.parametrize(
    ("words", "sent"),
    [
        (REPLY.hex(), [REPLY, REPLY * 2]),
        ("06", [b"\6" * 5]),
        ("474d*", [b"GM65 V1.0.22\r\n", b"GM"]),
        (f"06,{REPLY.hex()}", [REPLY + b"\6"]),
    ],
)
def test_a_modules_own_words_are_no_codes(words: str, sent: list[bytes]) -> None:
    with SerialScanner() as scanner:
        reader = open_reader(f"{scanner.path}?ignore={words}")
        for data in sent:
            scanner.send(data)
            assert reader.read(0.1) is None
            scanner.send(data + CODE)
            assert payload(reader.read(ENOUGH_S)) == CODE
        scanner.send(b"hello, I am a poster")
        assert payload(reader.read(ENOUGH_S)) == b"hello, I am a poster"
        reader.close()


def test_a_code_is_never_ignored_however_it_begins() -> None:
    with SerialScanner() as scanner:
        reader = open_reader(f"{scanner.path}?ignore={CODE[:1].hex()}*,{CODE[:3].hex()}")
        scanner.send(CODE)
        assert payload(reader.read(ENOUGH_S)) == CODE
        reader.close()


@pytest.mark.parametrize(
    "options", ["init=0", "init=", "init=01,", "init=01*", "trigger=01,02", "trigger_ms=1", "ignore=*", "ignore=zz"]
)
def test_bytes_that_are_none_are_named(options: str) -> None:
    with SerialScanner() as scanner, pytest.raises(ReaderError, match=options.partition("=")[0]):
        open_reader(f"{scanner.path}?{options}")


@pytest.mark.parametrize("place", ["socket://127.0.0.1:1", "rfc2217://127.0.0.1:1", "socket://nowhere", "spy://x"])
def test_a_server_that_cannot_be_had_is_named(place: str) -> None:
    with pytest.raises(ReaderError, match=place.partition(":")[0]):
        open_reader(place)


@pytest.mark.parametrize("scheme", ["socket", "rfc2217"])
@pytest.mark.parametrize("server", ["127.0.0.1", "127.0.0.1:", "127.0.0.1:99999", "127.0.0.1:x", ":1", "[::1", ""])
def test_a_server_without_host_and_port_is_refused_in_our_words(scheme: str, server: str) -> None:
    with pytest.raises(ReaderError, match="names no host and port"):
        open_reader(f"{scheme}://{server}")
