"""Where a service listens: an address that cannot be had is named, with what to do."""

import socket

import pytest

from yima.sdk.listening import ServingError, listen


@pytest.mark.parametrize("host", ["a..b", f"{64 * 'a'}.example", "\udcff"])
def test_what_is_no_name_of_a_machine_cannot_be_listened_at(host: str) -> None:
    """It ended `yima collect --listen a..b:8080` with a traceback: names are written for the net before they are asked
    for."""
    with pytest.raises(ServingError, match="cannot listen here"):
        listen(host, 8080)


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_is_none_is_named(port: int) -> None:
    with pytest.raises(ServingError, match="no such port"):
        listen("127.0.0.1", port)


def test_a_port_that_another_program_has_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as theirs, pytest.raises(ServingError, match="in use by another"):
        listen("127.0.0.1", theirs.getsockname()[1])
