"""The suite of uplinks over HTTP."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.uplink_conformance import TOTAL_S, UplinkConformance
from yima.sdk.serving import Serving
from yima.validator.state.keys import DeviceKey
from yima.validator.uplink.http import HttpUplink


class TestHttp(UplinkConformance):
    """One port of this machine."""

    @pytest.fixture(autouse=True)
    def at(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port: int = free.getsockname()[1]

    @contextmanager
    def collecting(self, taking: Any) -> Iterator[None]:
        with Serving(taking, port=self._port):
            yield

    def uplink(self, key: DeviceKey, device: str, epoch: int, total_s: float = TOTAL_S, port: int = 0) -> HttpUplink:
        url = f"http://127.0.0.1:{port or self._port}"
        return HttpUplink(url, key=key, device=device, epoch=epoch, total_s=total_s)

    @property
    def port(self) -> int:
        return self._port

    @property
    def collect_words(self) -> list[str]:
        return ["--listen", f"127.0.0.1:{self._port}"]
