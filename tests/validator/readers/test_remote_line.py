"""A line that a server hands on, after the server has broken it off."""

import socket
import struct
from typing import Any

from tests.uplinks import until
from tests.validator.readers.test_serial_dialogue import module, received
from tests.validator.readers.test_telnet_line import Sending, server
from yima.validator.readers.remote_line import open_remote


def break_off(connection: socket.socket) -> None:
    """Ends a connection as a server does that goes down: at the other end nothing is left to shut down."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def closed_behind(line: Any) -> bool:
    """Whether nothing is left of a line's connection once the line is closed, the server having broken it off."""
    connection = line._socket
    until(lambda: connection.getsockopt(socket.SOL_TCP, socket.TCP_INFO, 1) == b"\7")  # the kernel knows it: CLOSE
    line.close()
    return bool(connection.fileno() == -1)


def test_a_line_of_bytes_alone_that_was_broken_off_leaves_no_connection_behind() -> None:
    def talk(connection: socket.socket) -> None:
        received(connection, 1)
        break_off(connection)

    with module(talk) as place:
        line = open_remote(place, 115200)
        line.write(b"T")
        assert closed_behind(line)


def test_a_line_of_rfc_2217_that_was_broken_off_leaves_no_connection_behind() -> None:
    def answer(out: Sending, speed: int) -> None:
        break_off(out._connection)

    with server(answer) as url:
        line = open_remote(url, 115200)
        line.write(b"T")
        assert closed_behind(line)
