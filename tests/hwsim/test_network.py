"""The network that can be cut: devices see resets and refusals, and the same address works again afterwards."""

import socket
import threading
from collections.abc import Iterator

import pytest

from yima.hwsim.network import Network


@pytest.fixture
def echo() -> Iterator[tuple[str, int]]:
    """A server that sends back what it gets."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer(link: socket.socket) -> None:
        with link:
            try:
                while piece := link.recv(65536):
                    link.sendall(piece)
            except ConnectionError:
                return  # the network was cut

    def serve() -> None:
        while True:
            try:
                link, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(link,), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    address: tuple[str, int] = listener.getsockname()
    yield address
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(timeout=5)


@pytest.fixture
def network(echo: tuple[str, int]) -> Iterator[Network]:
    with Network(echo) as relay:
        yield relay


def connect(network: Network) -> socket.socket:
    link = socket.create_connection(network.address, timeout=5)
    link.settimeout(5)
    return link


def said_back(link: socket.socket, message: bytes) -> bytes:
    link.sendall(message)
    answer = b""
    while len(answer) < len(message):
        piece = link.recv(65536)
        if not piece:
            break
        answer += piece
    return answer


def test_bytes_go_both_ways_unchanged_and_are_counted(network: Network) -> None:
    message = bytes(range(256)) * 1000
    with connect(network) as link:
        assert said_back(link, message) == message
    assert network.bytes_up == network.bytes_down == len(message)
    assert network.connections == 1


def test_a_cut_resets_the_connections_in_use(network: Network) -> None:
    with connect(network) as link:
        assert said_back(link, b"before") == b"before"
        network.cut()
        assert not network.up
        with pytest.raises(ConnectionResetError):
            link.recv(1)


def test_a_cut_network_refuses_new_connections(network: Network) -> None:
    network.cut()
    with pytest.raises(ConnectionRefusedError):
        connect(network)


def test_restored_it_is_there_again_at_the_same_address(network: Network) -> None:
    address = network.address
    network.cut()
    network.restore()
    assert network.address == address
    with connect(network) as link:
        assert said_back(link, b"after") == b"after"


def test_cutting_and_restoring_twice_changes_nothing_more(network: Network) -> None:
    network.restore()
    network.cut()
    network.cut()
    network.restore()
    with connect(network) as link:
        assert said_back(link, b"still") == b"still"


def test_a_collector_that_is_not_there_ends_the_connection_and_not_the_network() -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        address = nobody.getsockname()
    with Network(address) as network:
        for _ in range(2):
            with connect(network) as link:
                assert link.recv(1) == b""


def test_the_end_of_one_side_reaches_the_other(network: Network) -> None:
    with connect(network) as link:
        assert said_back(link, b"last words") == b"last words"
        link.shutdown(socket.SHUT_WR)
        assert link.recv(1) == b""
