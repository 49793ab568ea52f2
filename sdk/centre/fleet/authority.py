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
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from yima.sdk.centre.fleet.database import FleetError
from yima.sdk.centre.fleet.files import put, writing
from yima.validator.texts import Text

CA_YEARS = 20
COLLECTOR_DAYS = 825
DEVICE_DAYS = 365
EARLIER = timedelta(minutes=10)
"""By how much a clock may be behind the authority's."""


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
        except (OSError, ValueError, TypeError) as error:
            raise FleetError(
                folder,
                Text(f"holds no certificate authority ({error})", f"不是证书机构的文件夹（{error}）"),
                Text("Make one: yima centre certificates make DIR", "请先执行 yima centre certificates make DIR"),
            ) from error

    @classmethod
    def make(cls, folder: Path) -> "Authority":
        """A new one, with an empty list of what is revoked. Raises FleetError where one is."""
        if (folder / "ca.key").exists():
            raise FleetError(
                folder,
                Text("holds an authority already", "已有证书机构"),
                Text(
                    "Give another folder: whoever shows its certificates would be a stranger",
                    "请另选文件夹：重建会使已发证书全部失效",
                ),
            )
        with writing(folder):
            (folder / "issued").mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("Yima collectors and devices")
        builder = _builder(name, name, key.public_key(), datetime.now(UTC), CA_YEARS * 365)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
        put(folder / "ca.pem", _authorised(builder, key, key).public_bytes(Encoding.PEM))
        put(folder / "ca.key", _private(key))
        made = cls(folder)
        made._write_revoked([])
        return made

    def collector(self, hosts: Sequence[str], *, days: int = COLLECTOR_DAYS) -> Path:
        """A certificate for a collector at these names and addresses, with a new key: collector.pem."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._leaf(hosts[0], key.public_key(), days, ExtendedKeyUsageOID.SERVER_AUTH)
        names = x509.SubjectAlternativeName([_host(host) for host in hosts])
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

    def revoke(self, device: str) -> int:
        """All that the device has; how many. Raises FleetError when it has none."""
        theirs = [one for one in self.issued() if one.device == device]
        if not theirs:
            raise FleetError(
                device,
                Text("has no certificate that holds", "没有有效证书"),
                Text("`list` shows those that do", "list 列出有效证书"),
            )
        now = self._now()
        fresh = [_revocation(one.serial, now) for one in theirs]
        self._write_revoked([*self._revoked(), *fresh])
        return len(fresh)

    def _all(self) -> Iterator[Issued]:
        for path in sorted((self.folder / "issued").glob("*.pem")):
            try:
                yield _issued(x509.load_pem_x509_certificate(path.read_bytes()))
            except (OSError, ValueError, TypeError) as error:
                raise _wrong(path, error) from error

    def _revoked(self) -> list[x509.RevokedCertificate]:
        path = self.folder / "crl.pem"
        try:
            return list(x509.load_pem_x509_crl(path.read_bytes()))
        except (OSError, ValueError) as error:
            raise _wrong(path, error) from error

    def _write_revoked(self, revoked: Sequence[x509.RevokedCertificate]) -> None:
        builder = x509.CertificateRevocationListBuilder()
        builder = builder.issuer_name(self._certificate.subject).last_update(self._now())
        builder = builder.next_update(self._certificate.not_valid_after_utc)
        for one in revoked:
            builder = builder.add_revoked_certificate(one)
        put(self.folder / "crl.pem", builder.sign(self._key, SHA256()).public_bytes(Encoding.PEM))

    def _leaf(
        self, name: str, key: CertificatePublicKeyTypes, days: int, purpose: x509.ObjectIdentifier
    ) -> x509.CertificateBuilder:
        builder = _builder(_name(name), self._certificate.subject, key, self._now(), days)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
        return builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)


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
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text)


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
