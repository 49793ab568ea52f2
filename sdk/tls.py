"""TLS for a service of ours: its certificate, the certificates that its clients show, and the list of those revoked.

Rules it keeps:

- The files are read again when they change, so that a renewed certificate and a new list count without a restart. Files
  that are wrong then are told once, and those that were right go on counting.
- Who shows a certificate that the authority did not give, or that has ended, does not come in: the handshake fails. A
  revoked one is told so in an answer, and ends a connection that was open before.
- Nothing is resumed: each connection shows its certificate anew.
"""

import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import NameOID

from yima.validator.errors import Kind, YimaError
from yima.validator.texts import Text

LOOK_EVERY_S = 0.5


class TlsError(YimaError):
    """A certificate, key or list that is none."""

    kind = Kind.NETWORK


class Shown(NamedTuple):
    """A certificate of the authority's, as a client showed it. name: its common name. until: unix seconds."""

    name: str
    serial: int
    until: float


class _Read(NamedTuple):
    context: ssl.SSLContext
    revoked: frozenset[int]


class Tls:
    """The service's side. certificate: PEM with chain and key. client_ca: PEM of who gives clients theirs; None: no
    client is asked for one. client_crl: PEM or DER. Raises TlsError."""

    def __init__(
        self,
        certificate: Path,
        *,
        client_ca: Path | None = None,
        client_crl: Path | None = None,
        on_trouble: Callable[[YimaError], None] = lambda error: None,
    ) -> None:
        self._certificate, self._client_ca, self._client_crl = certificate, client_ca, client_crl
        self._on_trouble = on_trouble
        self._looked_at = time.monotonic()
        self._stamps = self._stamped()
        self._now = self._read()

    def context(self) -> ssl.SSLContext:
        """For the next connection."""
        return self._looked().context

    def is_revoked(self, shown: Shown) -> bool:
        """Whether it is on the list."""
        return shown.serial in self._looked().revoked

    def _looked(self) -> _Read:
        moment = time.monotonic()
        if moment - self._looked_at >= LOOK_EVERY_S:
            self._looked_at = moment
            stamps = self._stamped()
            if stamps != self._stamps:
                self._stamps = stamps
                try:
                    self._now = self._read()
                except TlsError as error:
                    self._on_trouble(error)
        return self._now

    def _stamped(self) -> list[object]:
        return [_stamp(path) for path in (self._certificate, self._client_ca, self._client_crl)]

    def _read(self) -> _Read:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_TICKET
        context.num_tickets = 0
        try:
            context.load_cert_chain(self._certificate)
        except (OSError, ValueError) as error:
            raise _wrong(self._certificate, error) from error
        if self._client_ca is None:
            return _Read(context, frozenset())
        try:
            context.load_verify_locations(self._client_ca)
            authorities = x509.load_pem_x509_certificates(self._client_ca.read_bytes())
        except (OSError, ValueError) as error:
            raise _wrong(self._client_ca, error) from error
        context.verify_mode = ssl.CERT_OPTIONAL
        return _Read(context, self._revoked(authorities))

    def _revoked(self, authorities: list[x509.Certificate]) -> frozenset[int]:
        if self._client_crl is None:
            return frozenset()
        try:
            content = self._client_crl.read_bytes()
            is_pem = content.lstrip().startswith(b"-----")
            found = x509.load_pem_x509_crl(content) if is_pem else x509.load_der_x509_crl(content)
            is_theirs = any(found.is_signature_valid(one.public_key()) for one in authorities)  # type: ignore[arg-type]
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise _wrong(self._client_crl, error) from error
        if not is_theirs:
            raise _wrong(self._client_crl, ValueError("the list of another authority"))
        return frozenset(one.serial_number for one in found)


def shown_by(transport: object) -> Shown | None:
    """What the other end of a connection showed; None: nothing, or it is no TLS."""
    line = transport.get_extra_info("ssl_object")  # type: ignore[attr-defined]
    content = line.getpeercert(binary_form=True) if line is not None else None
    if content is None:
        return None
    certificate = x509.load_der_x509_certificate(content)
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    name = str(names[0].value) if len(names) == 1 else ""
    return Shown(name, certificate.serial_number, certificate.not_valid_after_utc.timestamp())


def _stamp(path: Path | None) -> object:
    try:
        found = path.stat() if path else None
    except OSError:
        return None
    return found and (found.st_mtime_ns, found.st_size, found.st_ino)


def _wrong(path: Path, error: Exception) -> TlsError:
    why = (getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)).strip()
    return TlsError(
        path,
        Text(f"cannot be used for TLS ({why})", f"不能用于 TLS（{why}）"),
        Text(
            "Give PEM files: the certificate with its chain and key, the clients' authority, and its list",
            "请给出 PEM 文件：含证书链与私钥的证书、客户端证书机构及其吊销列表",
        ),
    )
