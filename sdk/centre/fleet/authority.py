"""A small certificate authority: collectors and devices show each other certificates of one folder.

    ca.pem, ca.key      the authority's own; the key never leaves this folder
    collector.pem       a collector's certificate with its key, in one file
    crl.pem             what was revoked
    issued/             every certificate that was given, by its serial

Rules it keeps:

- A device's certificate is over the key that it is enrolled with: no private key travels, and its name is the one that
  it is enrolled by.
- A certificate of a device makes no collector, and one of a collector no device.
- Whatever is revoked stays on the list until it would have ended by itself. The list holds until a newer one comes.
- Who makes an authority or revokes waits for whoever else does, so that no revocation is lost beside another. ca.key
  comes last: a folder without it is none yet, and can be made one.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from yima.sdk.centre.fleet.database import FleetError
from yima.sdk.centre.fleet.files import put, writing
from yima.validator.system.locks import in_turn
from yima.validator.texts import Text

CA_YEARS = 20
COLLECTOR_DAYS = 825
DEVICE_DAYS = 365
COMMON_NAME_MAX, HOST_MAX = 64, 253
_LABEL = "[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"(?:\*\.)?(?:{_LABEL}\.)*(?![0-9]+$){_LABEL}")
EARLIER = timedelta(minutes=10)
"""By how much a clock may be behind the authority's: a broker that finds a list of the future lets nobody in."""


class Issued(NamedTuple):
    """A device's certificate. until: unix seconds."""

    device: str
    serial: int
    until: int
    key: str


class Authority:
    """The one in `folder`. now: in UTC. Raises FleetError when there is none."""

    def __init__(self, folder: Path, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.folder, self._now = folder, now
        try:
            self._certificate = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
            self._key = _key_of((folder / "ca.key").read_bytes())
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise FleetError(
                folder,
                Text(f"holds no certificate authority ({error})", f"不是证书机构的文件夹（{error}）"),
                Text("Make one: yima centre certificates make DIR", "请先执行 yima centre certificates make DIR"),
            ) from error

    @classmethod
    def make(cls, folder: Path) -> "Authority":
        """A new one, with an empty list of what is revoked. Raises FleetError where one is."""
        with writing(folder):
            (folder / "issued").mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("Yima collectors and devices")
        now = datetime.now(UTC)
        builder = _builder(name, name, key.public_key(), now, CA_YEARS * 365)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
        certificate = _authorised(builder, key, key)
        with _alone(folder):
            if (folder / "ca.key").exists():
                raise _there_already(folder)
            put(folder / "ca.pem", certificate.public_bytes(Encoding.PEM))
            put(folder / "crl.pem", _list_of_revoked(certificate, key, now, []))
            put(folder / "ca.key", _private(key))
        return cls(folder)

    def collector(self, hosts: Sequence[str], *, days: int = COLLECTOR_DAYS) -> Path:
        """A certificate for a collector at these names and addresses, with a new key: collector.pem. Raises FleetError
        for what is no name of a host."""
        names = x509.SubjectAlternativeName([_host(host) for host in hosts])
        key = ec.generate_private_key(ec.SECP256R1())
        # Whoever connects looks at all the names; this one is for people, and has room for so much.
        called = hosts[0] if len(hosts[0]) <= COMMON_NAME_MAX else "collector"
        builder = self._leaf(called, key.public_key(), days, ExtendedKeyUsageOID.SERVER_AUTH)
        made = _authorised(builder.add_extension(names, critical=False), self._key, key)
        path = self.folder / "collector.pem"
        put(path, _private(key) + made.public_bytes(Encoding.PEM))
        return path

    def issue(self, device: str, key: str, *, days: int = DEVICE_DAYS) -> tuple[Issued, bytes]:
        """A certificate for the device with that public key (64 hex digits), and it as PEM."""
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
        made = _authorised(self._leaf(device, public, days, ExtendedKeyUsageOID.CLIENT_AUTH), self._key, public)
        pem = made.public_bytes(Encoding.PEM)
        put(self.folder / "issued" / f"{made.serial_number:040x}.pem", pem)
        return _issued(made), pem

    def issued(self) -> list[Issued]:
        """Every certificate that holds now, the newest of a device last."""
        gone = {one.serial_number for one in self._revoked()}
        now = self._now().timestamp()
        found = [one for one in self._all() if one.serial not in gone and one.until > now]
        return sorted(found, key=lambda one: (one.device, one.until))

    def due(self, before: float) -> list[str]:
        """Devices whose newest certificate ends before that moment (unix seconds), or has ended; not one of which that
        was revoked."""
        gone = {one.serial_number for one in self._revoked()}
        now = self._now().timestamp()
        newest: dict[str, tuple[bool, int, bool]] = {}  # whether it holds, its end, whether it was revoked
        for one in self._all():
            revoked = one.serial in gone
            stands = (not revoked and one.until > now, one.until, revoked)
            newest[one.device] = max(stands, newest.get(one.device, stands))
        return sorted(device for device, (_, until, revoked) in newest.items() if not revoked and until < before)

    def revoke(self, device: str) -> int:
        """All that the device has; how many. Raises FleetError when it has none."""
        with _alone(self.folder):
            theirs = [one for one in self.issued() if one.device == device]
            if not theirs:
                raise FleetError(
                    device,
                    Text("has no certificate that holds", "没有有效证书"),
                    Text("`list` shows those that do", "list 列出有效证书"),
                )
            now = self._now()
            revoked = [*self._revoked(), *(_revocation(one.serial, now) for one in theirs)]
            put(self.folder / "crl.pem", _list_of_revoked(self._certificate, self._key, now, revoked))
        return len(theirs)

    def _all(self) -> Iterator[Issued]:
        for path in sorted((self.folder / "issued").glob("*.pem")):
            try:
                yield _issued(x509.load_pem_x509_certificate(path.read_bytes()))
            except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
                raise _wrong(path, error) from error

    def _revoked(self) -> list[x509.RevokedCertificate]:
        path = self.folder / "crl.pem"
        try:
            return list(x509.load_pem_x509_crl(path.read_bytes()))
        except (OSError, ValueError) as error:
            raise _wrong(path, error) from error

    def _leaf(
        self, name: str, key: CertificatePublicKeyTypes, days: int, purpose: x509.ObjectIdentifier
    ) -> x509.CertificateBuilder:
        builder = _builder(_name(name), self._certificate.subject, key, self._now(), days)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
        return builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Around what changes an authority: whoever else does waits. Raises FleetError."""
    with writing(folder), in_turn(folder / ".lock"):
        yield


def _list_of_revoked(
    certificate: x509.Certificate,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    revoked: Sequence[x509.RevokedCertificate],
) -> bytes:
    builder = x509.CertificateRevocationListBuilder()
    builder = builder.issuer_name(certificate.subject).last_update(now - EARLIER)
    builder = builder.next_update(certificate.not_valid_after_utc)
    for one in revoked:
        builder = builder.add_revoked_certificate(one)
    return builder.sign(key, SHA256()).public_bytes(Encoding.PEM)


def _builder(
    name: x509.Name, issuer: x509.Name, key: CertificatePublicKeyTypes, now: datetime, days: int
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(issuer).public_key(key)
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - EARLIER).not_valid_after(now + timedelta(days=days))


def _authorised(
    builder: x509.CertificateBuilder,
    signer: ec.EllipticCurvePrivateKey,
    subject: ec.EllipticCurvePrivateKey | Ed25519PublicKey,
) -> x509.Certificate:
    public = subject.public_key() if isinstance(subject, ec.EllipticCurvePrivateKey) else subject
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    return builder.add_extension(authority, critical=False).sign(signer, SHA256())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _host(text: str) -> x509.GeneralName:
    """Raises FleetError for what is no name or address; a name in other letters is taken as the network has it."""
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        pass
    try:
        name = text.encode("idna").decode("ascii")
    except UnicodeError:
        name = ""
    if len(name) > HOST_MAX or not _HOST.fullmatch(name):
        raise FleetError(
            text or "''",
            Text("is no name or address of a host", "不是主机名或地址"),
            Text(
                "Give it as collector.example or 127.0.0.1, without a scheme and a port",
                "格式如 collector.example 或 127.0.0.1，不带协议和端口",
            ),
        )
    return x509.DNSName(name)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=signs_certificates, crl_sign=signs_certificates,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _revocation(serial: int, at: datetime) -> x509.RevokedCertificate:
    return x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at).build()


def _there_already(folder: Path) -> FleetError:
    return FleetError(
        folder,
        Text("holds an authority already", "已有证书机构"),
        Text(
            "Give another folder: whoever shows its certificates would be a stranger",
            "请另选文件夹：重建会使已发证书全部失效",
        ),
    )


def _wrong(path: Path, error: Exception) -> FleetError:
    return FleetError(
        path,
        Text(f"is not as the authority wrote it ({error})", f"不是证书机构写入的内容（{error}）"),
        Text(
            "Restore the authority's folder from a copy, or take out what is not its own",
            "请从备份恢复，或移走外来文件",
        ),
    )


def _key_of(content: bytes) -> ec.EllipticCurvePrivateKey:
    """Raises ValueError for what is no key, TypeError for one with a password or of another kind."""
    key = load_pem_private_key(content, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("ca.key is no key of an elliptic curve")
    return key


def _issued(certificate: x509.Certificate) -> Issued:
    """Raises TypeError for a certificate that is no device's."""
    key = certificate.public_key()
    if not isinstance(key, Ed25519PublicKey):
        raise TypeError("its key is no device's")
    (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    until = int(certificate.not_valid_after_utc.timestamp())
    return Issued(str(name.value), certificate.serial_number, until, key.public_bytes_raw().hex())
