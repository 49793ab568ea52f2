"""One Chromium for all tests of the bench's page; its camera sees a phone that is held up."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.sdk.web.opened import CHROMIUM, PATIENCE_S, Opened
from yima.sdk.web.build import PAGE

FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
    *("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"),
]


@pytest.fixture(scope="session")
def held_up(lab: dict[int, dict[str, Any]]) -> bytes:
    """What the phone shows: a sound code whose rider's signature holds a CR or LF, and its issuer's too."""
    sound = (bytes.fromhex(vector["code"]) for vector in lab.values() if vector["expect"]["accepted"])
    return next(code for code in sound if {0x0A, 0x0D} & set(code[-64:]) and {0x0A, 0x0D} & set(code[-134:-70]))


@pytest.fixture(scope="session")
def served() -> Iterator[str]:
    """`yima web` itself, on a free port."""
    command = [sys.executable, "-m", "yima.sdk.cli.main", "web", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process.stdout.readline().split()[0]
        process.terminate()


@pytest.fixture(scope="module")  # while it is there its event loop runs in this thread, and no other can
def browser(held_up: bytes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One for the whole file; its camera sees a phone that is held up."""
    if CHROMIUM is None:
        pytest.skip("the page is seen in Debian's Chromium: apt install chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    cv2 = pytest.importorskip("cv2")
    np = pytest.importorskip("numpy")
    from yima.hwsim.phone import Phone

    phone = Phone(np.random.default_rng(8), width=640, height=480)
    film = tmp_path_factory.mktemp("film") / "phone.mjpeg"
    film.write_bytes(b"".join(cv2.imencode(".jpg", phone.frame(held_up))[1].tobytes() for _ in range(3)))
    with playwright.sync_playwright() as started:
        flags = [*FLAGS, f"--use-file-for-fake-video-capture={film}"]
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=flags, timeout=PATIENCE_S * 1000)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def disk(browser: Any) -> Iterator[Opened]:
    """The page as a double click opens it."""
    opened = Opened(browser, (PAGE / "index.html").as_uri())
    yield opened
    assert opened.wrong == []
    opened.context.close()


@pytest.fixture(scope="module")
def web(browser: Any, served: str) -> Iterator[Opened]:
    """The page as `yima web` serves it."""
    opened = Opened(browser, served)
    yield opened
    assert opened.wrong == []
    opened.context.close()


@pytest.fixture
def own(browser: Any) -> Iterator[Opened]:
    """A page of the test's own, as a double click opens it."""
    opened = Opened(browser, (PAGE / "index.html").as_uri())
    yield opened
    assert opened.wrong == []
    opened.context.close()
