"""The demonstration's sockets, wherever temporary files go."""

import socket
import tempfile

import pytest

from yima.hwsim.demo.demonstration import short_parent


@pytest.mark.parametrize("length", [4, 60, 61, 200])
def test_a_socket_has_room_however_long_the_name_of_the_temporary_folder(
    length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", lambda: "/" + "t" * (length - 1))
    parent = short_parent()
    assert (parent is None) == (length <= 60)
    if parent is not None:
        with tempfile.TemporaryDirectory(prefix="yima-", dir=parent) as folder, socket.socket(socket.AF_UNIX) as one:
            one.bind(f"{folder}/frames.sock")
