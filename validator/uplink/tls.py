"""A device's side of TLS: whom it believes to be the collector, and the certificate that it shows there.

The certificate is over the device's own key, so nothing secret is given to a device; it may be renewed while the device
runs. The file is looked at before each exchange, on the thread that sends: no tap waits for it.
"""

import ssl
from pathlib import Path

from yima.validator.errors import UplinkError
from yima.validator.texts import Text


class ClientTls:
    """ca: PEM of who gave the collector its certificate; None: the system's authorities. certificate: PEM, the
    device's; None: it shows none. key: its private key; None: it lies in the same file."""

    def __init__(self, *, ca: Path | None = None, certificate: Path | None = None, key: Path | None = None) -> None:
        self.ca, self.certificate, self._key = ca, certificate, key

    def stamp(self) -> object:
        """Another one when a file has changed."""
        return [_stamp(path) for path in (self.ca, self.certificate)]

    def context(self) -> ssl.SSLContext:
        """For new connections. Raises UplinkError that names the file."""
        try:
            context = ssl.create_default_context(cafile=self.ca)
        except (OSError, ValueError) as error:
            raise UplinkError(
                self.ca or "TLS",
                Text(f"holds no authority's certificate ({_why(error)})", f"不是证书机构的证书（{_why(error)}）"),
                Text("Give the PEM file of the collector's authority", "请给出采集端证书机构的 PEM 文件"),
            ) from error
        if self.certificate is not None:
            try:
                context.load_cert_chain(self.certificate, self._key)
            except (OSError, ValueError) as error:
                raise UplinkError(
                    self.certificate,
                    Text(
                        f"is no certificate of this device's key ({_why(error)})",
                        f"不是本设备密钥的证书（{_why(error)}）",
                    ),
                    Text(
                        "Have one issued for the key that the device is enrolled with; records wait in the journal",
                        "请为设备登记的密钥签发证书；记录保留在日志中",
                    ),
                ) from error
        return context


def _stamp(path: Path | None) -> object:
    try:
        found = path.stat() if path else None
    except OSError:
        return None
    return found and (found.st_mtime_ns, found.st_size, found.st_ino)


def _why(error: Exception) -> str:
    return str(getattr(error, "reason", None) or getattr(error, "strerror", None) or error)
