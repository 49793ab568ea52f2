"""Camera frames over a Unix socket: the simulated phone pushes them, a device reads them as `frames:PATH`.

What it models: a camera that shows the present. A client that is slow gets the newest frame next, never a queue.
What it does not model: USB, exposure, a driver's delay; a frame counts as captured when it was pushed.

One frame on the wire: `YF01`, width and height (2 bytes each, big-endian), captured (8 bytes, CLOCK_MONOTONIC in ns,
the same for all processes of a machine), then width x height gray bytes. Neither end believes the other: sizes are
capped, and a moment from the future becomes now.
"""

import contextlib
import os
import selectors
import socket
import stat
import struct
import threading
import time
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from yima.validator.errors import ReaderError
from yima.validator.readers import address as addresses
from yima.validator.readers.camera import CameraReader, Frame
from yima.validator.readers.decoders import DECODERS
from yima.validator.system.posix import need_posix
from yima.validator.texts import Text

Gray = NDArray[np.uint8]

_HEADER: Final = struct.Struct(">4sHHQ")
_MAGIC: Final = b"YF01"
_MOST_WIDE, _MOST_HIGH = 1920, 1200
_MOST_CLIENTS: Final = 8
_CONNECTING_S: Final = 5.0
_RETRY_S: Final = 0.05
_BLOCK: Final = 1 << 16


class FrameServer:
    """Listens at a path and hands every client the newest frame. push and close may be called from any thread."""

    def __init__(self, path: Path) -> None:
        """Raises OSError if the path cannot be listened at; a socket left behind by a dead server is replaced."""
        self.path = path
        self._remove_leftover()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._listener.bind(str(path))
            self._listener.listen(_MOST_CLIENTS)
        except OSError:
            self._listener.close()
            raise
        self._listener.setblocking(False)
        self._waker, self._woken = socket.socketpair()
        self._waker.setblocking(False)
        self._woken.setblocking(False)
        self._lock = threading.Lock()
        self._newest = b""
        self._number = 0
        self._connected = 0
        self._closing = False
        self._thread = threading.Thread(target=self._serve, name=f"frames {path.name}", daemon=True)
        self._thread.start()

    @property
    def clients(self) -> int:
        """How many are connected."""
        return self._connected

    def push(self, gray: Gray, captured_ns: int | None = None) -> None:
        """Makes this the newest frame. captured_ns: time.monotonic_ns(), now if not given. Raises ValueError.

        After close it does nothing: what pushes and what closes may be different threads."""
        if gray.ndim != 2 or gray.dtype != np.uint8 or not _fits(gray.shape[1], gray.shape[0]):
            raise ValueError(f"a frame is gray, 8 bits, at most {_MOST_WIDE} x {_MOST_HIGH}")
        captured_ns = time.monotonic_ns() if captured_ns is None else captured_ns
        message = _HEADER.pack(_MAGIC, gray.shape[1], gray.shape[0], captured_ns) + gray.tobytes()
        with self._lock:
            if self._closing:
                return
            self._newest = message
            self._number += 1
            self._wake()

    def close(self) -> None:
        """Ends all connections and removes the path."""
        with self._lock:
            if self._closing:
                return
            self._closing = True
            self._wake()
        self._thread.join()
        self._waker.close()
        self._woken.close()

    def __enter__(self) -> "FrameServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _remove_leftover(self) -> None:
        if self.path.exists() and stat.S_ISSOCK(self.path.stat().st_mode):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                if probe.connect_ex(str(self.path)) != 0:
                    self.path.unlink()

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):  # a full pipe wakes as well
            self._waker.send(b"\0")

    def _serve(self) -> None:
        clients: dict[socket.socket, _Client] = {}
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while not self._closing:
                for key, events in selector.select():
                    if key.fileobj is self._listener:
                        self._accept(clients, selector)
                    elif key.fileobj is self._woken:
                        self._woken.recv(_BLOCK)
                    elif events & selectors.EVENT_READ:
                        key.data.listen()
                with self._lock:
                    newest, number = self._newest, self._number
                for connection, client in list(clients.items()):
                    if not client.advance(newest, number):
                        del clients[connection]
                        selector.unregister(connection)
                        connection.close()
                    else:
                        selector.modify(connection, client.awaits, client)
                self._connected = len(clients)
        for open_socket in (*clients, self._listener):
            open_socket.close()
        self._connected = 0
        self.path.unlink(missing_ok=True)

    def _accept(self, clients: "dict[socket.socket, _Client]", selector: selectors.BaseSelector) -> None:
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):  # it has changed its mind meanwhile
            return
        if len(clients) >= _MOST_CLIENTS:
            connection.close()
            return
        connection.setblocking(False)
        client = clients[connection] = _Client(connection, self._number)
        selector.register(connection, client.awaits, client)


class _Client:
    """One connection: the frame that is on its way, and the number of the last one it was given."""

    def __init__(self, connection: socket.socket, number: int) -> None:
        self._connection = connection
        self._given = number  # what was shown before it came is the past
        self._left = memoryview(b"")
        self._gone = False

    @property
    def awaits(self) -> int:
        """The events of its socket that matter: its end, and room where part of a frame waits for that."""
        return selectors.EVENT_READ | (selectors.EVENT_WRITE if self._left else 0)

    def listen(self) -> None:
        """Takes in what it says, which counts for nothing, or that it has gone."""
        try:
            self._gone = not self._connection.recv(_BLOCK)
        except BlockingIOError:
            return
        except OSError:
            self._gone = True

    def advance(self, newest: bytes, number: int) -> bool:
        """Sends what there is room for; False when the client has gone."""
        if self._gone:
            return False
        try:
            while True:
                if not self._left:
                    if self._given == number:
                        return True
                    self._left, self._given = memoryview(newest), number
                self._left = self._left[self._connection.send(self._left) :]
        except BlockingIOError:
            return True
        except OSError:
            return False


class SocketSource:
    """The client's end: a validator FrameSource."""

    def __init__(self, path: Path, *, connecting_s: float = _CONNECTING_S) -> None:
        """Waits up to connecting_s for the server to appear. Raises ReaderError."""
        self._path = path
        self._connection = _connect(path, connecting_s)
        self._buffer = bytearray()

    def read(self, timeout_s: float) -> Frame | None:
        """The newest whole frame, None if none came in time. Raises ReaderError when the server is gone."""
        until = time.monotonic() + timeout_s
        frame: Frame | None = None
        while True:
            if frame and time.monotonic() >= until:
                return frame
            self._connection.settimeout(0 if frame else max(0.0, until - time.monotonic()))
            try:
                data = self._connection.recv(_BLOCK)
            except (BlockingIOError, TimeoutError):
                return frame
            except OSError as gone:
                raise self._gone() from gone
            if not data:
                if frame:
                    return frame  # the end is told by the next read
                raise self._gone()
            self._buffer += data
            while (whole := self._whole_frame()) is not None:  # small ones come several at once
                frame = whole

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()

    def _whole_frame(self) -> Frame | None:
        """Takes the frame at the start of the buffer, if it is whole."""
        if len(self._buffer) < _HEADER.size:
            return None
        magic, width, height, captured_ns = _HEADER.unpack_from(self._buffer)
        if magic != _MAGIC or not _fits(width, height):
            raise ReaderError(
                self._path,
                Text("what it sends are no frames", "对方发送的不是图像帧"),
                Text("Name the socket of a frame server", "请给出图像帧服务的套接字"),
            )
        end = _HEADER.size + width * height
        if len(self._buffer) < end:
            return None
        pixels = np.frombuffer(bytes(self._buffer[_HEADER.size : end]), dtype=np.uint8)
        del self._buffer[:end]
        return Frame(picture=pixels.reshape(height, width), captured_ns=min(captured_ns, time.monotonic_ns()))

    def _gone(self) -> ReaderError:
        return ReaderError(
            self._path,
            Text("the simulated camera is gone", "模拟摄像头已断开"),
            Text("Start the simulation again, then the device", "请重新启动模拟，再启动设备"),
        )


def open_reader(address: str) -> CameraReader:
    """Opens `PATH` with the option decoder (zxing). Raises ReaderError, PosixNeededError."""
    need_posix(f"frames:{address}")
    place, options = addresses.split(address, known=("decoder",))
    decoder = addresses.choice(place, options, "decoder", "zxing", among=DECODERS)
    return CameraReader(SocketSource(Path(place)), decoder=decoder)


def _connect(path: Path, connecting_s: float) -> socket.socket:
    until = time.monotonic() + connecting_s
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(str(path))
        except OSError as refused:
            connection.close()
            if time.monotonic() >= until:
                reason = os.strerror(refused.errno) if refused.errno else str(refused)
                raise ReaderError(
                    path,
                    Text(f"no simulated camera is there ({reason})", f"该处没有模拟摄像头（{reason}）"),
                    Text("Start the simulation first, then the device", "请先启动模拟，再启动设备"),
                ) from refused
            time.sleep(_RETRY_S)
        else:
            return connection


def _fits(width: int, height: int) -> bool:
    return 0 < width <= _MOST_WIDE and 0 < height <= _MOST_HIGH
