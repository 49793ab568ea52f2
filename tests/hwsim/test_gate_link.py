"""The wire to simulated hardware: every command has its receipt, and a gate that is gone is an error with a remedy."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.hwsim.bus import BusValidator, Lamp
from yima.hwsim.commands import LINE_MAX, BadLineError, Command, Receipt, Verb, parse_command, parse_receipt
from yima.hwsim.gate import Event, GateState, MetroGate
from yima.hwsim.gate_link import GateServer, SimulatedGate, open_gate
from yima.validator.errors import GateError
from yima.validator.judging import Reason, Verdict
from yima.validator.ports import open_gate as open_any_gate
from yima.validator.texts import Text

TEXTS = st.builds(Text, st.text(max_size=80), st.text(max_size=80))
COMMANDS = st.builds(
    Command,
    number=st.integers(0, 1 << 53),
    verb=st.sampled_from(Verb),
    reason=st.integers(0, 0xFFFF),
    text=TEXTS,
    fare_fen=st.integers(0, 0xFFFFFF),
)


def verdict(reason: Reason = Reason.ACCEPTED, fare_fen: int = 0) -> Verdict:
    return Verdict(
        accepted=reason is Reason.ACCEPTED,
        reason=reason,
        family="ministry",
        stages=MappingProxyType({}),
        fare_fen=fare_fen,
        again=False,
        digest=None,
        code=b"",
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gate.sock"


@pytest.fixture
def answering(path: Path) -> Iterator[Callable[[Callable[[bytes], bytes]], SimulatedGate]]:
    """A gate whose controller answers as told, and a device that is connected to it."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen()

    def start(answer: Callable[[bytes], bytes]) -> SimulatedGate:
        def serve() -> None:
            while True:
                try:
                    link, _ = listener.accept()
                except OSError:
                    return
                with link:
                    while line := link.recv(LINE_MAX):
                        reply = answer(line)
                        if not reply:
                            break
                        link.sendall(reply)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        return SimulatedGate(path, receipt_s=0.3)

    yield start
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


@given(COMMANDS)
def test_a_command_comes_out_of_its_line_as_it_went_in(command: Command) -> None:
    assert parse_command(command.line()) == command


@given(st.builds(Receipt, number=st.integers(0, 1 << 53), done=st.booleans(), state=st.text(max_size=40)))
def test_a_receipt_comes_out_of_its_line_as_it_went_in(receipt: Receipt) -> None:
    assert parse_receipt(receipt.line()) == receipt


@pytest.mark.parametrize("parse", [parse_command, parse_receipt])
@given(line=st.binary(max_size=200))
def test_any_other_line_is_refused_and_nothing_else_happens(
    parse: Callable[[bytes], Command | Receipt], line: bytes
) -> None:
    with pytest.raises(BadLineError):
        parse(line)


@pytest.mark.parametrize(
    "line",
    [
        b'{"number":-1,"verb":"open","reason":0,"en":"","zh":"","fare_fen":0}',
        b'{"number":true,"verb":"open","reason":0,"en":"","zh":"","fare_fen":0}',
        b'{"number":1,"verb":"explode","reason":0,"en":"","zh":"","fare_fen":0}',
        b'{"number":1,"verb":"open","reason":65536,"en":"","zh":"","fare_fen":0}',
        b'{"number":1,"verb":"open","reason":0,"en":null,"zh":"","fare_fen":0}',
        b'{"number":1,"verb":"open","reason":0,"en":"","zh":"","fare_fen":16777216}',
        b'{"number":1,"verb":"open","reason":0,"en":"' + b"x" * LINE_MAX + b'","zh":"","fare_fen":0}',
        b"[" * LINE_MAX,
    ],
)
def test_a_command_with_a_member_out_of_range_is_refused(line: bytes) -> None:
    with pytest.raises(BadLineError):
        parse_command(line)


def test_open_reaches_the_gate_before_the_call_returns(path: Path) -> None:
    gate = MetroGate()
    with GateServer(path, gate):
        device = open_gate(str(path))
        device.open(verdict(fare_fen=300))
        assert gate.condition.state is GateState.OPEN
        device.close()


def test_the_bus_shows_the_reason_in_both_languages(path: Path) -> None:
    bus = BusValidator(shown_ms=60_000)
    with GateServer(path, bus):
        device = open_gate(str(path))
        device.refuse(verdict(Reason.CAP_ZERO))
        assert (bus.face.lamp, bus.face.text) == (Lamp.RED, Reason.CAP_ZERO.text)
        device.close()


def test_what_the_hardware_obeyed_is_heard_in_order(path: Path) -> None:
    heard: list[tuple[int, Verb, str]] = []
    with GateServer(
        path, MetroGate(), lambda command, receipt: heard.append((command.number, command.verb, receipt.state))
    ):
        device = open_gate(str(path))
        device.refuse(verdict(Reason.REPEATED))
        device.open(verdict())
        device.show_again(verdict())
        device.close()
    assert heard == [(1, Verb.REFUSE, "locked"), (2, Verb.OPEN, "open"), (3, Verb.SHOW_AGAIN, "open")]


def test_the_port_finds_the_simulated_gate_by_its_name(path: Path) -> None:
    with GateServer(path, MetroGate()):
        device = open_any_gate(f"sim:{path}")
        device.open(verdict())
        device.close()


def test_a_gate_in_alarm_is_an_error_that_names_the_remedy(path: Path) -> None:
    gate = MetroGate()
    gate.handle(Event.FORCED_ENTRY, 0)
    with GateServer(path, gate):
        device = open_gate(str(path))
        with pytest.raises(GateError, match=r"alarm.*reset the gate"):
            device.open(verdict())
        device.close()


def test_a_gate_that_is_not_there_is_an_error_that_names_it(path: Path) -> None:
    with pytest.raises(GateError, match=r"gate\.sock: the gate is gone.*Start the simulated hardware"):
        open_gate(str(path))


def test_an_address_must_be_given() -> None:
    with pytest.raises(GateError, match="no socket is named"):
        open_gate("")


def test_a_socket_in_use_or_a_path_too_long_is_an_error_that_names_it(path: Path) -> None:
    with GateServer(path, MetroGate()), pytest.raises(GateError, match="cannot listen"):
        GateServer(path, MetroGate())
    with pytest.raises(GateError, match="cannot listen"):
        GateServer(path.parent / ("x" * 120), MetroGate())


def test_a_gate_that_goes_away_is_an_error_at_the_next_command(path: Path) -> None:
    with GateServer(path, MetroGate()):
        device = open_gate(str(path))
        device.open(verdict())
    with pytest.raises(GateError, match="the gate is gone"):
        device.open(verdict())
    device.close()


def test_a_gate_that_was_restarted_is_found_again(path: Path) -> None:
    with GateServer(path, MetroGate()):
        device = open_gate(str(path))
        device.open(verdict())
    again = MetroGate()
    with GateServer(path, again):
        device.open(verdict())
        assert again.condition.state is GateState.OPEN
        device.close()


def test_a_line_that_is_no_command_ends_the_link_and_the_next_device_is_served(path: Path) -> None:
    gate = MetroGate()
    with GateServer(path, gate) as server:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stranger:
            stranger.connect(str(path))
            stranger.sendall(b"GET / HTTP/1.1\r\n")
            assert stranger.recv(100) == b""
        assert len(server.faults) == 1
        device = open_gate(str(path))
        device.open(verdict())
        device.close()
    assert gate.condition.admitted == 1


@pytest.mark.parametrize(
    "reply",
    [b'{"receipt":7,"done":true,"state":"open"}\n', b"nonsense\n", b"x" * (LINE_MAX + 1), b'{"receipt":1}'],
    ids=["of another command", "no receipt", "endless", "cut short"],
)
def test_a_wrong_receipt_is_an_error_and_never_a_success(
    answering: Callable[[Callable[[bytes], bytes]], SimulatedGate], reply: bytes
) -> None:
    device = answering(lambda line: reply)
    with pytest.raises(GateError, match="the gate is gone"):
        device.open(verdict())
    device.close()


def test_a_receipt_without_an_end_is_refused_for_its_length(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()
        gate = SimulatedGate(path, receipt_s=10.0)
        with listener.accept()[0] as link:
            link.sendall(b"x" * (LINE_MAX + 1))
            with pytest.raises(GateError, match="an endless receipt"):
                gate.open(verdict())


def test_half_a_receipt_of_one_link_is_no_part_of_one_on_the_next(
    answering: Callable[[Callable[[bytes], bytes]], SimulatedGate],
) -> None:
    replies = iter([b'{"receipt":1,"done":tr', Receipt(number=2, done=True, state="open").line()])
    device = answering(lambda line: next(replies))
    with pytest.raises(GateError, match="the gate is gone"):
        device.open(verdict())
    device.open(verdict())
    device.close()


def test_the_lock_is_held_while_the_hardware_obeys(path: Path) -> None:
    held: list[bool] = []

    class Watched(MetroGate):
        def obey(self, command: Command, now_ms: int) -> Receipt:
            held.append(server.lock.locked())
            return super().obey(command, now_ms)

    with GateServer(path, Watched()) as server:
        device = open_gate(str(path))
        device.open(verdict())
        device.close()
    assert held == [True]


def test_a_controller_that_drips_its_receipt_holds_no_tap(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            link, _ = listener.accept()
            with link, contextlib.suppress(OSError):  # until the device has had enough
                while True:
                    link.sendall(b" ")
                    time.sleep(0.1)

        thread = threading.Thread(target=serve)
        thread.start()
        gate = SimulatedGate(path, receipt_s=0.3)
        with pytest.raises(GateError, match=r"no receipt in time|timed out"):
            gate.open(verdict())
        thread.join()


def test_a_controller_that_hangs_up_on_a_command_is_an_error_and_hears_it_only_once(
    answering: Callable[[Callable[[bytes], bytes]], SimulatedGate],
) -> None:
    heard: list[bytes] = []

    def hang_up(line: bytes) -> bytes:
        heard.append(line)
        return b""

    device = answering(hang_up)
    with pytest.raises(GateError, match="the gate is gone"):
        device.open(verdict())
    device.close()
    assert len(heard) == 1


def test_a_command_whose_device_has_given_up_waiting_opens_nothing(path: Path) -> None:
    """It came while another device had the link: its ride was taken back, so nobody is to be let in for it."""
    gate = MetroGate()
    with GateServer(path, gate) as server:
        first = open_gate(str(path))
        first.refuse(verdict(Reason.CAP_ZERO))
        second = SimulatedGate(path, receipt_s=0.0)
        with pytest.raises(GateError):
            second.open(verdict(fare_fen=300))
        first.close()
        third = open_gate(str(path))  # its turn comes after the second's
        third.refuse(verdict(Reason.CAP_ZERO))
        assert (gate.condition.state, gate.condition.admitted) == (GateState.LOCKED, 0)
        assert server.faults
        third.close()
