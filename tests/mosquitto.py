"""A broker for tests: a real mosquitto, begun once a run and worker."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PROGRAM = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/bin")
LACKING = "mosquitto is not installed: apt-get install mosquitto (make setup does it as root)"


class Broker:
    """One that can be killed and begun again at its port."""

    def __init__(self, folder: Path, settings: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self._file = folder / "mosquitto.conf"
        self._file.write_text(f"user root\npersistence false\nlistener {self.port} 127.0.0.1\n{settings}\n")
        self._log = folder / "mosquitto.log"
        self.start()

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        assert PROGRAM is not None
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([PROGRAM, "-c", self._file], stdout=log, stderr=log)
        until = time.monotonic() + 90
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                assert self._process.poll() is None and time.monotonic() < until, self._log.read_text()
                time.sleep(0.02)
            else:
                return

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@contextmanager
def broker(folder: Path, settings: str = "allow_anonymous true") -> Iterator[Broker]:
    if PROGRAM is None:
        pytest.skip(LACKING)
    pytest.importorskip("aiomqtt", reason="needs the extra mqtt")
    made = Broker(folder, settings)
    try:
        yield made
    finally:
        made.kill()


@pytest.fixture(scope="session")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One that lets everybody do everything."""
    with broker(tmp_path_factory.mktemp("mosquitto")) as made:
        yield made
