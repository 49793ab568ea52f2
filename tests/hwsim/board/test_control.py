"""The control socket: what a host may ask of the board, what bad lines get, and whose socket it takes."""

import contextlib
import json
import selectors
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from yima.hwsim.board.backend import BoardGate, open_gate, open_reader
from yima.hwsim.board.control import LINE_MAX, Control
from yima.hwsim.board.layout import PIN_BUZZER, PIN_GATE, PIN_GREEN
from yima.validator.errors import GateError, ReaderError
from yima.validator.judging import Reason, Verdict


class Served:
    """A control in a selector that a thread serves, as a live board does."""

    def __init__(self, path: Path) -> None:
        self._watch = selectors.DefaultSelector()
        self.control = Control(str(path), self._watch)
        self.path = path
        self._ended = threading.Event()
        self._scanned: list[bytes] = []
        self.failed: Exception | None = None
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def scan(self, data: bytes) -> None:
        """The scanner sends."""
        self._scanned.append(data)

    def close(self) -> None:
        """As a board that is switched off."""
        self._ended.set()
        self._thread.join()
        self._watch.close()
        self.control.close()

    def _serve(self) -> None:
        while not self._ended.is_set():
            for key, _ in self._watch.select(0.005):
                try:
                    key.data(key.fileobj)
                except Exception as error:  # for the test to see
                    self.failed = error
                    return
            while self._scanned:
                self.control.scanned(self._scanned.pop(0))


@pytest.fixture
def folder() -> Iterator[Path]:
    """A socket's path is short, so this is no folder of pytest's."""
    with tempfile.TemporaryDirectory(prefix="yima-") as name:
        yield Path(name)


@pytest.fixture
def serve(folder: Path) -> Iterator[Callable[[], Served]]:
    with contextlib.ExitStack() as closing:

        def start() -> Served:
            served = Served(folder / "control")
            closing.callback(served.close)
            return served

        yield start


def link(served: Served) -> socket.socket:
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(200)
    client.connect(str(served.path))
    return client


def ask(client: socket.socket, line: bytes) -> dict[str, Any] | None:
    """One line and its answer; None when the link was ended."""
    try:
        client.sendall(line + b"\n")
        answer = client.makefile("rb").readline()
    except (ConnectionResetError, BrokenPipeError):
        return None
    return json.loads(answer) if answer else None


def opened(gate: BoardGate) -> None:
    gate.open(
        Verdict(
            accepted=True,
            reason=Reason.ACCEPTED,
            family="ministry",
            stages={},
            fare_fen=200,
            again=False,
            digest=None,
            code=b"",
        )
    )


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense",
        b"[]",
        b"7",
        b"null",
        b"{}",
        b'{"pins": 1}',
        b'{"pins": 32, "ms": 10}',
        b'{"pins": -1, "ms": 10}',
        b'{"pins": 1, "ms": 0}',
        b'{"pins": 1, "ms": 60001}',
        b'{"pins": Infinity, "ms": 1}',
        b'{"pins": [1], "ms": 1}',
        b"[" * 5000,
        b'"\xff"',
        b"x" * (LINE_MAX + 4096),
    ],
    ids=lambda line: line[:24].decode("latin-1"),
)
def test_a_line_that_is_no_message_ends_its_link_and_no_other(serve: Callable[[], Served], line: bytes) -> None:
    served = serve()
    with link(served) as good, link(served) as bad:
        assert ask(bad, line) is None
        assert ask(good, b'{"pins": 1, "ms": 1000}') == {"driven": 1}
    assert served.failed is None


def test_pins_fall_when_their_time_is_over(folder: Path) -> None:
    with contextlib.ExitStack() as closing:
        served = Served(folder / "control")
        closing.callback(served.close)
        client = closing.enter_context(link(served))
        ask(client, b'{"pins": 5, "ms": 1000}')
        ask(client, b'{"pins": 8, "ms": 60000}')
        assert served.control.changed(time.monotonic()) == PIN_GATE | PIN_GREEN | PIN_BUZZER
        assert served.control.changed(time.monotonic() + 2) == PIN_BUZZER
        assert served.control.changed(time.monotonic() + 2) is None
        assert served.control.changed(time.monotonic() + 61) == 0


def test_what_the_scanner_sends_goes_to_those_who_asked(serve: Callable[[], Served]) -> None:
    served = serve()
    reader = open_reader(str(served.path))
    with link(served) as other:
        served.scan(b"https://example.test/1\r\n")
        reading = reader.read(10)
        assert reading is not None
        assert reading.payload == b"https://example.test/1"
        assert ask(other, b'{"pins": 1, "ms": 10}') == {"driven": 1}  # and nothing before it
    reader.close()


def test_a_gate_finds_a_board_that_was_switched_off_and_on(serve: Callable[[], Served]) -> None:
    served = serve()
    gate = open_gate(str(served.path))
    opened(gate)
    served.close()
    with pytest.raises(GateError, match=r"the board is gone.*yima board run --control"):
        opened(gate)
    again = serve()
    opened(gate)
    assert again.control.changed(time.monotonic()) == PIN_GATE | PIN_GREEN | PIN_BUZZER
    gate.close()


def test_an_answer_to_something_else_is_never_taken_for_this_ones(folder: Path) -> None:
    """A board that answers late: the command fails, and the next one has a link of its own."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(folder / "control"))
    listener.listen()
    gate = open_gate(str(folder / "control"))
    first, _ = listener.accept()

    def answer(client: socket.socket, answers: list[int]) -> None:
        with client, client.makefile("rb") as lines:
            for pins in answers:
                lines.readline()
                client.sendall(json.dumps({"driven": pins}).encode() + b"\n")
            lines.readline()  # until the other side ends it

    wrong = threading.Thread(target=answer, args=(first, [PIN_BUZZER]))
    wrong.start()
    with pytest.raises(GateError, match="the board is gone"):
        opened(gate)
    wrong.join(200)

    def accept() -> None:
        answer(listener.accept()[0], [PIN_GATE | PIN_GREEN, PIN_BUZZER])

    right = threading.Thread(target=accept)
    right.start()
    opened(gate)
    gate.close()
    right.join(200)
    listener.close()


def test_a_board_that_goes_when_its_gate_is_open_has_opened_it(folder: Path) -> None:
    """The beep behind it failed, and the ride of somebody who walked through was taken back."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(folder / "control"))
    listener.listen()
    gate = open_gate(str(folder / "control"))
    client, _ = listener.accept()

    def answer_and_go() -> None:
        with client, client.makefile("rb") as lines:
            lines.readline()
            listener.close()
            client.sendall(json.dumps({"driven": PIN_GATE | PIN_GREEN}).encode() + b"\n")

    board = threading.Thread(target=answer_and_go)
    board.start()
    opened(gate)
    board.join(200)
    with pytest.raises(GateError, match="the board is gone"):
        opened(gate)
    gate.close()


def test_what_a_host_asked_for_that_has_left_since_is_not_done(folder: Path) -> None:
    with selectors.DefaultSelector() as watch, contextlib.closing(Control(str(folder / "control"), watch)) as control:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.connect(str(folder / "control"))
            client.sendall(b'{"pins": 1, "ms": 1000}\n')  # and no patience for the answer
        for _ in range(2):  # the board looks at last: it is let in, then heard
            for key, _ in watch.select(0):
                key.data(key.fileobj)
        assert control.changed(time.monotonic()) is None


def test_a_socket_left_behind_is_taken_over(folder: Path, serve: Callable[[], Served]) -> None:
    left = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    left.bind(str(folder / "control"))
    left.listen()
    left.close()  # as SIGKILL closes it: the name stays
    with pytest.raises(ReaderError, match="no board answers there"):
        open_reader(str(folder / "control"))
    served = serve()
    with link(served) as client:
        assert ask(client, b'{"scanner": true}') == {"scanner": True}


def test_a_socket_in_use_and_another_file_are_left_alone(folder: Path, serve: Callable[[], Served]) -> None:
    served = serve()
    (folder / "file").write_text("somebody's")
    with selectors.DefaultSelector() as watch:
        with pytest.raises(OSError, match="another board listens there"):
            Control(str(served.path), watch)
        with pytest.raises(OSError, match=str(folder / "file")):
            Control(str(folder / "file"), watch)
    with link(served) as client:
        assert ask(client, b'{"pins": 1, "ms": 10}') == {"driven": 1}
    assert (folder / "file").read_text() == "somebody's"
