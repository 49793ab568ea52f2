"""Frames over a socket: the newest reaches the device, and neither end falls over the other."""

import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yima.hwsim.frames import FrameServer, SocketSource, open_reader
from yima.hwsim.phone import Phone
from yima.validator.errors import ReaderError
from yima.validator.ports import open_reader as open_by_name
from yima.validator.readers.camera import Frame
from yima.validator.readers.decoders import Gray

CODE = bytes(range(256)) + bytes(range(108))
HEADER = struct.Struct(">4sHHQ")


def plain(level: int, high: int = 480, wide: int = 640) -> Gray:
    return np.full((high, wide), level, dtype=np.uint8)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FrameServer]:
    with FrameServer(tmp_path / "camera.sock") as running:
        yield running


def connected(server: FrameServer, count: int = 1) -> None:
    for _ in range(500):
        if server.clients == count:
            return
        time.sleep(0.01)
    pytest.fail("the server does not see its client")


def newest(source: SocketSource) -> Frame:
    frame = source.read(5)
    assert frame is not None
    return frame


def test_a_device_reads_the_phone_through_the_socket(server: FrameServer) -> None:
    reader = open_by_name(f"frames:{server.path}?decoder=zxing")
    connected(server)
    phone = Phone(np.random.default_rng(3))
    server.push(phone.frame(None))
    assert reader.read(0.2) is None
    captured_ns = time.monotonic_ns()
    server.push(phone.frame(CODE), captured_ns)
    reading = reader.read(5)
    assert reading is not None
    assert (reading.payload, reading.first_ns, reading.last_ns) == (CODE, captured_ns, captured_ns)
    reader.close()


def test_every_client_gets_every_frame_it_has_time_for(server: FrameServer) -> None:
    sources = [SocketSource(server.path) for _ in range(3)]
    connected(server, 3)
    for level in range(5):
        server.push(plain(level))
        for source in sources:
            frame = newest(source)
            assert (frame.picture.shape, int(frame.picture[0, 0])) == ((480, 640), level)
    for source in sources:
        source.close()


def test_a_slow_client_gets_the_newest_and_no_queue(server: FrameServer) -> None:
    source = SocketSource(server.path)
    connected(server)
    for level in range(100):
        server.push(plain(level))
    seen: list[int] = []
    while not seen or seen[-1] != 99:
        seen.append(int(newest(source).picture[0, 0]))
    assert len(seen) < 10
    assert source.read(0.05) is None
    source.close()


def test_a_client_that_has_left_takes_no_place_while_nothing_is_shown(server: FrameServer) -> None:
    """Its end was noticed at the next frame: the ninth to come before that was sent away."""
    for _ in range(9):
        source = SocketSource(server.path)
        connected(server)
        source.close()
        connected(server, 0)
    source = SocketSource(server.path)
    connected(server)
    server.push(plain(7))
    assert newest(source).picture[0, 0] == 7
    source.close()


def test_of_small_frames_that_came_several_at_once_the_newest_is_read(tmp_path: Path) -> None:
    """The first was read, and the others stayed behind it for as long as the camera ran."""
    path = tmp_path / "camera.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()
        source = SocketSource(path)
        with listener.accept()[0] as line:
            line.sendall(b"".join(HEADER.pack(b"YF01", 100, 100, 1) + bytes([level]) * 10000 for level in range(10)))
            assert newest(source).picture[0, 0] == 9
            assert source.read(0) is None
        source.close()


def test_what_was_shown_before_a_client_came_is_the_past(server: FrameServer) -> None:
    server.push(plain(1))
    source = SocketSource(server.path)
    connected(server)
    assert source.read(0.05) is None
    server.push(plain(2))
    assert newest(source).picture[0, 0] == 2
    source.close()


def test_frames_of_other_sizes(server: FrameServer) -> None:
    source = SocketSource(server.path)
    connected(server)
    for high, wide in ((1, 1), (1200, 1920), (3, 1000)):
        server.push(plain(7, high, wide))
        assert newest(source).picture.shape == (high, wide)
    source.close()


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((480, 640, 3), np.uint8),
        np.zeros((480, 640)),
        np.zeros((1201, 640), np.uint8),
        np.zeros((0, 9), np.uint8),
    ],
)
def test_what_is_no_frame_is_not_pushed(server: FrameServer, frame: Gray) -> None:
    with pytest.raises(ValueError, match="gray"):
        server.push(frame)


def test_a_client_that_goes_away_is_forgotten(server: FrameServer) -> None:
    source = SocketSource(server.path)
    connected(server)
    source.close()
    server.push(plain(1))
    connected(server, 0)


def test_more_clients_than_a_camera_has_are_turned_away(server: FrameServer) -> None:
    sources = [SocketSource(server.path) for _ in range(8)]
    connected(server, 8)
    sources.append(SocketSource(server.path))
    with pytest.raises(ReaderError):
        sources[-1].read(5)
    for source in sources:
        source.close()


def test_a_server_that_goes_away_is_told(server: FrameServer) -> None:
    source = SocketSource(server.path)
    connected(server)
    closing = threading.Timer(0.05, server.close)
    closing.start()
    with pytest.raises(ReaderError) as caught:
        source.read(30)
    assert caught.value.thing == str(server.path)
    closing.join()
    server.push(plain(1))
    assert not server.path.exists()
    source.close()


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReaderError) as caught:
        SocketSource(tmp_path / "nothing.sock", connecting_s=0.1)
    assert caught.value.thing == str(tmp_path / "nothing.sock")
    assert "simulation" in caught.value.remedy.en


def test_a_server_that_comes_a_little_later_is_waited_for(tmp_path: Path) -> None:
    servers: list[FrameServer] = []
    starting = threading.Timer(0.2, lambda: servers.append(FrameServer(tmp_path / "camera.sock")))
    starting.start()
    reader = open_reader(str(tmp_path / "camera.sock"))
    starting.join()
    reader.close()
    servers[0].close()


def test_a_socket_left_behind_is_replaced_and_one_in_use_is_not(tmp_path: Path, server: FrameServer) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(tmp_path / "left.sock"))
    FrameServer(tmp_path / "left.sock").close()
    with pytest.raises(OSError, match="in use"):
        FrameServer(server.path)
    assert server.path.exists()


def test_what_lies_at_the_path_and_is_no_socket_stays(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("the only copy")
    with pytest.raises(OSError, match="in use"):
        FrameServer(tmp_path / "notes")
    assert (tmp_path / "notes").read_text() == "the only copy"


@pytest.mark.parametrize("options", ["decoder=eyes", "zoom=2"])
def test_an_option_that_makes_no_sense_is_named(server: FrameServer, options: str) -> None:
    with pytest.raises(ReaderError) as caught:
        open_reader(f"{server.path}?{options}")
    assert options in caught.value.thing


def served(tmp_path: Path, data: bytes) -> ReaderError:
    """What a client says of a server that sends `data` and hangs up."""
    path = tmp_path / "wrong.sock"
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()
        source = SocketSource(path)
        connection, _ = listener.accept()
        connection.sendall(data)
        connection.close()
        try:
            with pytest.raises(ReaderError) as caught:
                while True:
                    source.read(1)
        finally:
            source.close()
    return caught.value


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        HEADER.pack(b"YF02", 1, 1, 0) + b"\0",
        HEADER.pack(b"YF01", 0, 480, 0),
        HEADER.pack(b"YF01", 65535, 65535, 0),
    ],
)
def test_what_is_no_frame_server_is_named(tmp_path: Path, data: bytes) -> None:
    assert "no frames" in served(tmp_path, data).problem.en


def test_half_a_frame_is_no_frame(tmp_path: Path) -> None:
    assert "gone" in served(tmp_path, HEADER.pack(b"YF01", 640, 480, 0) + bytes(1000)).problem.en


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(data=st.binary(max_size=200))
def test_any_bytes_from_a_server_are_an_error_with_a_remedy(tmp_path: Path, data: bytes) -> None:
    assert served(tmp_path, data).remedy.zh


def test_a_moment_from_the_future_is_now(server: FrameServer) -> None:
    source = SocketSource(server.path)
    connected(server)
    server.push(plain(1), 2**63)
    assert newest(source).captured_ns <= time.monotonic_ns()
    source.close()
