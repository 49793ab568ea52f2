"""What tests of certificates share: an authority with a collector, and a device that shows a certificate."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from yima.sdk.centre.collector.app import Collector
from yima.sdk.centre.collector.certificates import Certificates
from yima.sdk.centre.collector.store import Store
from yima.sdk.centre.fleet.authority import Authority
from yima.sdk.serving import Serving
from yima.sdk.tls import Tls
from yima.validator.state.keys import DeviceKey
from yima.validator.uplink.http import HttpUplink
from yima.validator.uplink.tls import ClientTls


class Device:
    """One with a key on its disk."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(exist_ok=True)
        self.name, self.key_file, self.certificate = name, folder / f"{name}.key", folder / f"{name}.pem"
        self.key = DeviceKey.load_or_create(self.key_file)

    def given(self, made: Authority, *, name: str = "", ago: int = 0) -> "Device":
        """A certificate of 30 days, for its name or for another, so many days ago."""
        then = Authority(made.folder, now=lambda: datetime.now(UTC) - timedelta(days=ago))
        self.certificate.write_bytes(then.issue(name or self.name, self.key.public, days=30)[1])
        return self

    @contextmanager
    def uplink(self, url: str, ca: Path, *, shows: bool = True) -> Iterator[HttpUplink]:
        tls = ClientTls(ca=ca, certificate=self.certificate if shows else None, key=self.key_file)
        uplink = HttpUplink(url, key=self.key, device=self.name, epoch=7, tls=tls, total_s=10.0)
        try:
            yield uplink
        finally:
            uplink.close()


def authority(folder: Path) -> Authority:
    made = Authority.make(folder)
    made.collector(["127.0.0.1", "localhost"])
    return made


@contextmanager
def collecting(
    store: Store, made: Authority, *, required: bool = True, told: list[str] | None = None, **more: Any
) -> Iterator[str]:
    """The address of a collector that asks for certificates."""
    said = [] if told is None else told
    tls = Tls(
        made.folder / "collector.pem",
        client_ca=made.folder / "ca.pem",
        client_crl=made.folder / "crl.pem",
        on_trouble=lambda error: said.append(str(error)),
    )
    collector = Collector(store, certificates=Certificates(tls, is_required=required), **more)
    with Serving(collector.app(), tls=tls, on_stranger=said.append) as serving:
        yield serving.url
