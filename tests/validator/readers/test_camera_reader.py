"""A camera as reader: what it shows now is read, and a camera that is not there or gone says what to do."""

import json
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import segno
from numpy.typing import NDArray

from yima.hwsim.phone import Phone
from yima.validator.errors import ReaderError
from yima.validator.ports import open_reader as open_by_name
from yima.validator.readers.camera import CameraReader, Frame, open_reader, to_gray, without_password
from yima.validator.readers.decoders import DecodingError, Gray, decode

VECTORS = sorted((Path(__file__).parents[2] / "vectors" / "lab").glob("*.json"))
CODES = [bytes.fromhex(json.loads(path.read_text())["code"]) for path in VECTORS[:4]]


class Roll:
    """Frames from memory, one a call, each captured at the number of its place."""

    def __init__(self, frames: Sequence[NDArray[Any]]) -> None:
        self._frames = deque(enumerate(frames, start=1))
        self.closed = False

    def read(self, timeout_s: float) -> Frame | None:
        if not self._frames:
            time.sleep(timeout_s)
            return None
        number, gray = self._frames.popleft()
        return Frame(picture=gray, captured_ns=number)

    def close(self) -> None:
        self.closed = True


def film(path: Path, frames: list[Gray]) -> Path:
    high, wide = frames[0].shape
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (wide, high), False)
    assert writer.isOpened()
    for frame in frames:
        writer.write(frame)
    writer.release()
    return path


@pytest.fixture
def phone() -> Phone:
    return Phone(np.random.default_rng(20))


def test_every_frame_that_shows_a_code_gives_a_reading_with_its_moment(phone: Phone) -> None:
    room = phone.frame(None)
    roll = Roll([room, phone.frame(CODES[0]), phone.frame(CODES[0]), room, phone.frame(CODES[1])])
    reader = CameraReader(roll)
    readings = [reader.read(5) for _ in range(3)]
    assert [reading and (reading.payload, reading.first_ns, reading.last_ns) for reading in readings] == [
        (CODES[0], 2, 2),
        (CODES[0], 3, 3),
        (CODES[1], 5, 5),
    ]
    assert reader.read(0.01) is None
    assert not reader.exhausted
    reader.close()
    assert roll.closed


def test_frames_without_a_code_let_the_time_pass(phone: Phone) -> None:
    assert CameraReader(Roll([phone.frame(None)] * 3)).read(0) is None


def test_a_recording_is_read_to_its_end(phone: Phone, tmp_path: Path) -> None:
    frames = [frame for code in CODES[:2] for frame in phone.approach(code, coming=3, held=3, leaving=2)]
    path = film(tmp_path / "tap.avi", frames)
    reader = open_by_name(f"camera:{path}")
    assert isinstance(reader, CameraReader)
    seen = []
    while not reader.exhausted:
        reading = reader.read(0.05)
        if reading:
            seen.append(reading.payload)
    assert list(dict.fromkeys(seen)) == CODES[:2]
    assert len(seen) >= 6
    assert reader.read(0) is None
    reader.close()


def test_a_recording_may_have_a_name_as_short_as_a_cameras_number(
    phone: Phone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film(tmp_path / "1.avi", [phone.frame(CODES[0])] * 3)
    monkeypatch.chdir(tmp_path)
    reader = open_by_name("camera:1.avi")
    reading = reader.read(5)
    assert reading is not None and reading.payload == CODES[0]
    reader.close()


@pytest.mark.parametrize("decoder", ["zxing", "zbar", "opencv"])
def test_a_decoder_is_chosen_by_the_address(phone: Phone, tmp_path: Path, decoder: str) -> None:
    path = film(tmp_path / "tap.avi", [phone.frame(CODES[0])] * 3)
    reader = open_reader(f"{path}?decoder={decoder}")
    reading = reader.read(5)
    assert reading is not None
    assert (reading.payload, reading.faults) == (CODES[0], ())
    reader.close()


class NetworkCamera(BaseHTTPRequestHandler):
    """Sends MJPEG until it is told to stop, as a network camera does."""

    pictures: list[bytes]
    stop: threading.Event
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        at = 0
        while not self.stop.is_set():
            picture = self.pictures[at % len(self.pictures)]
            try:
                self.wfile.write(b"--frame\r\nContent-Type: image/jpeg\r\n")
                self.wfile.write(f"Content-Length: {len(picture)}\r\n\r\n".encode() + picture + b"\r\n")
            except OSError:
                return
            at += 1
            self.stop.wait(0.02)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@contextmanager
def network_camera(frames: list[Gray]) -> Iterator[tuple[str, type[NetworkCamera]]]:
    class Camera(NetworkCamera):
        pictures = [bytes(cv2.imencode(".jpg", frame)[1]) for frame in frames]  # noqa: RUF012
        stop = threading.Event()
        asked: list[str] = []  # noqa: RUF012

    server = ThreadingHTTPServer(("127.0.0.1", 0), Camera)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", Camera
    finally:
        Camera.stop.set()
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_network_camera_is_read_and_its_end_is_told(phone: Phone) -> None:
    with network_camera([phone.frame(CODES[0])]) as (url, camera):
        reader = open_reader(f"{url}/stream.mjpg?channel=1&decoder=zxing")
        reading = reader.read(3600)  # what is there is handed over at once, however long one would wait
        assert reading is not None
        assert reading.payload == CODES[0]
        assert reading.first_ns == reading.last_ns <= time.monotonic_ns()
        assert set(camera.asked) == {"/stream.mjpg?channel=1"}
        camera.stop.set()
        with pytest.raises(ReaderError) as caught:
            while True:
                reader.read(1)
        assert "no more pictures" in caught.value.problem.en
        assert "Check its cable" in caught.value.remedy.en
        reader.close()


@pytest.mark.parametrize(
    ("place", "cure"),
    [
        ("/dev/video77", "group video"),
        ("77", "group video"),
        ("4294967296", "Name a film"),
        ("²", "Name a film"),
        ("nowhere.mp4", "Name a film"),
        ("http://127.0.0.1:9/stream", "Check the address"),
    ],
)
def test_a_camera_that_is_not_there_is_named(place: str, cure: str) -> None:
    with pytest.raises(ReaderError) as caught:
        open_reader(place)
    assert caught.value.thing == place
    assert cure in caught.value.remedy.en


def test_a_film_may_have_a_question_mark_in_its_name(phone: Phone, tmp_path: Path) -> None:
    path = film(tmp_path / "tap.avi", [phone.frame(CODES[0])] * 3).rename(tmp_path / "which?.avi")
    reader = open_reader(str(path))
    reading = reader.read(5)
    assert reading is not None
    assert reading.payload == CODES[0]
    reader.close()


def test_what_is_no_film_is_refused_in_our_words_alone(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """FFmpeg wrote `moov atom not found` beside them, and a film was to be plugged in."""
    path = tmp_path / "broken.mp4"
    path.write_bytes(b"\x00\x00\x00\x18ftypmp42" + bytes(500))
    with pytest.raises(ReaderError) as caught:
        open_reader(str(path))
    assert caught.value.thing == str(path)
    assert "film" in caught.value.problem.en
    assert capfd.readouterr() == ("", "")


def test_a_password_in_an_address_is_not_shown() -> None:
    assert without_password("rtsp://user:secret@10.0.0.2:554/live?key=secret") == "rtsp://10.0.0.2:554/live"
    assert without_password("http://[") == "http://["
    assert without_password("rtsp://user:sec?ret@10.0.0.2/live?key=a") == "rtsp://10.0.0.2/live"
    assert without_password("/dev/video0") == "/dev/video0"
    with pytest.raises(ReaderError) as caught:
        open_reader("http://user:secret@127.0.0.1:9/live?decoder=zxing")
    assert "secret" not in str(caught.value)
    with pytest.raises(ReaderError) as caught:
        open_reader("http://user:secret@127.0.0.1:9/live?decoder=eyes")
    assert "secret" not in str(caught.value)
    for odd in ("secret?", "secret/", "secret?decoder=zxing&", "secret#"):
        with pytest.raises(ReaderError) as caught:
            open_reader(f"rtsp://user:{odd}@127.0.0.1:9/live")
        assert "secret" not in str(caught.value), odd


@pytest.mark.parametrize("options", ["decoder=eyes", "width=1", "height=many", "zoom=2", "width"])
def test_an_option_that_makes_no_sense_is_named(options: str) -> None:
    with pytest.raises(ReaderError) as caught:
        open_reader(f"/dev/video77?{options}")
    assert options in caught.value.thing


def hanzi_symbol() -> Gray:
    """A symbol in Hanzi mode, at which OpenCV's decoder fails."""
    modules = np.array(segno.make("一码通行", mode="hanzi", micro=False).matrix, dtype=np.uint8)
    return np.kron(255 - 255 * np.pad(modules, 4), np.full((8, 8), 1, dtype=np.uint8))


def test_a_decoders_error_ends_no_device_and_is_said_once(phone: Phone, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(DecodingError):
        decode(hanzi_symbol(), "opencv")
    roll = Roll([hanzi_symbol(), hanzi_symbol(), phone.frame(CODES[0])])
    reading = CameraReader(roll, decoder="opencv").read(5)
    assert reading is not None
    assert (reading.payload, reading.first_ns) == (CODES[0], 3)
    (said,) = caplog.messages
    assert "decoder opencv" in said
    assert "one without a code" in said


ODD_FRAMES: dict[str, NDArray[Any]] = {
    "floats": np.zeros((480, 640), dtype=np.float32),
    "signed": np.zeros((480, 640), dtype=np.int8),
    "a row": np.zeros(640, dtype=np.uint8),
    "five channels": np.zeros((480, 640, 5), dtype=np.uint8),
    "four dimensions": np.zeros((1, 480, 640, 3), dtype=np.uint8),
    "nothing": np.zeros((0, 640), dtype=np.uint8),
    "nothing at all": np.asarray(None),
    "objects": np.full((4, 4), None),
}


@pytest.mark.parametrize("name", ODD_FRAMES)
def test_what_is_no_picture_counts_as_a_frame_without_a_code_and_is_said_once(
    phone: Phone, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    reading = CameraReader(Roll([ODD_FRAMES[name], ODD_FRAMES[name], phone.frame(CODES[0])])).read(5)
    assert reading is not None
    assert (reading.payload, reading.first_ns) == (CODES[0], 3)
    (said,) = caplog.messages
    assert f"{ODD_FRAMES[name].dtype}" in said
    assert f"{ODD_FRAMES[name].shape}" in said


def test_a_camera_that_finds_ever_new_faults_fills_no_log(caplog: pytest.LogCaptureFixture) -> None:
    reader = CameraReader(Roll([np.zeros((1, wide), dtype=np.float32) for wide in range(1, 200)]))
    assert reader.read(0.3) is None
    assert 1 < len(caplog.messages) < 20


def test_gray_is_made_of_every_form_a_camera_gives(phone: Phone) -> None:
    gray = phone.frame(CODES[0])
    deep = gray.astype(np.uint16)
    yuyv = np.dstack([gray, np.full_like(gray, 128)])
    bgra = np.dstack([gray, gray, gray, np.full_like(gray, 255)])
    for picture in (gray, gray[:, :, None], yuyv, np.dstack([gray] * 3), bgra, deep << 8, deep << 2, deep):
        assert np.abs(to_gray(picture).astype(int) - gray).max() <= 1
