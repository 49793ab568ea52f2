"""TLS of a service: which files count, what is revoked, and that every connection shows its certificate anew."""

import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from yima.sdk import tls
from yima.sdk.tls import Shown, Tls, TlsError, shown_by

NOW = datetime.now(UTC)


class Issuing:
    """An authority whose key has signatures of one length, so that its files can be of one size."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self.folder, self.key = folder, Ed25519PrivateKey.generate()
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.path = folder / f"{name}.pem"
        self.path.write_bytes(self.certificate_of([name], 1, self.key).public_bytes(Encoding.PEM))

    def given(self, *names: str, serial: int = 9) -> Path:
        """A certificate with its key."""
        key = Ed25519PrivateKey.generate()
        path = self.folder / f"{names[0]}.pem"
        path.write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            + self.certificate_of(list(names), serial, key).public_bytes(Encoding.PEM)
        )
        return path

    def revoking(self, serial: int, form: Encoding = Encoding.PEM) -> bytes:
        """Its list, with one certificate on it."""
        one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(NOW).build()
        made = x509.CertificateRevocationListBuilder().issuer_name(self.name).last_update(NOW)
        made = made.next_update(NOW + timedelta(days=1)).add_revoked_certificate(one)
        return made.sign(self.key, None).public_bytes(form)

    def certificate_of(
        self, names: list[str], serial: int, key: Ed25519PrivateKey | X25519PrivateKey
    ) -> x509.Certificate:
        """Its certificate of that key."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name) for name in names])
        made = x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).serial_number(serial)
        made = made.public_key(key.public_key()).not_valid_before(NOW - timedelta(days=1))
        made = made.add_extension(x509.BasicConstraints(ca=key is self.key, path_length=None), critical=True)
        return made.not_valid_after(NOW + timedelta(days=1)).sign(self.key, None)


class Line:
    """Both ends of a connection in memory, hands shaken; what a transport says of the service's end."""

    def __init__(self, service: Tls, client: ssl.SSLContext, session: ssl.SSLSession | None = None) -> None:
        up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.ours = service.context().wrap_bio(up, down, server_side=True)
        self.theirs = client.wrap_bio(down, up, session=session)
        for end in (self.theirs, self.ours) * 2:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
        self.ours.write(b".")
        assert self.theirs.read(1) == b"."

    def get_extra_info(self, _: str) -> ssl.SSLObject:
        return self.ours


def client_of(authority: Issuing, certificate: Path | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority.path)
    context.check_hostname = False
    if certificate:
        context.load_cert_chain(certificate)
    return context


def shown(serial: int) -> Shown:
    return Shown("gate", serial, 0.0)


@pytest.fixture(autouse=True)
def looks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "LOOK_EVERY_S", 0.0)


@pytest.fixture
def authority(tmp_path: Path) -> Issuing:
    return Issuing(tmp_path)


@pytest.mark.parametrize("form", [Encoding.PEM, Encoding.DER])
def test_a_list_counts_in_either_form(authority: Issuing, tmp_path: Path, form: Encoding) -> None:
    (tmp_path / "crl").write_bytes(authority.revoking(7, form))
    service = Tls(authority.given("here"), client_ca=authority.path, client_crl=tmp_path / "crl")
    assert [service.is_revoked(shown(serial)) for serial in (7, 8)] == [True, False]


def test_of_several_authorities_each_may_give_the_list(authority: Issuing, tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(Issuing(tmp_path, "another").path.read_bytes() + authority.path.read_bytes())
    (tmp_path / "crl").write_bytes(authority.revoking(7))
    service = Tls(authority.given("here"), client_ca=both, client_crl=tmp_path / "crl")
    assert service.is_revoked(shown(7))


def test_a_new_list_of_the_same_size_counts_without_a_restart(authority: Issuing, tmp_path: Path) -> None:
    path = tmp_path / "crl"
    path.write_bytes(authority.revoking(7))
    service = Tls(authority.given("here"), client_ca=authority.path, client_crl=path)
    before = path.stat()
    path.write_bytes(authority.revoking(8))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert path.stat().st_size == before.st_size
    assert [service.is_revoked(shown(serial)) for serial in (7, 8)] == [False, True]


def test_a_list_under_a_signature_that_nobody_here_knows_is_refused_by_its_name(
    authority: Issuing, tmp_path: Path
) -> None:
    ed25519, unknown = bytes.fromhex("06032b6570"), bytes.fromhex("06032b657f")
    (tmp_path / "crl").write_bytes(authority.revoking(7, Encoding.DER).replace(ed25519, unknown))
    with pytest.raises(TlsError, match="crl: cannot be used for TLS"):
        Tls(authority.given("here"), client_ca=authority.path, client_crl=tmp_path / "crl")


def test_an_authority_whose_key_signs_no_list_is_told_by_the_lists_name(authority: Issuing, tmp_path: Path) -> None:
    (tmp_path / "other.pem").write_bytes(
        authority.certificate_of(["other"], 3, X25519PrivateKey.generate()).public_bytes(Encoding.PEM)
    )
    (tmp_path / "crl").write_bytes(authority.revoking(7))
    with pytest.raises(TlsError, match="crl: cannot be used for TLS"):
        Tls(authority.given("here"), client_ca=tmp_path / "other.pem", client_crl=tmp_path / "crl")


@pytest.mark.parametrize(("names", "name"), [(("gate-7",), "gate-7"), (("gate-7", "gate-8"), "")])
def test_a_certificate_of_two_names_is_nobodys(authority: Issuing, names: tuple[str, ...], name: str) -> None:
    """One reader would take the first, another the last."""
    service = Tls(authority.given("here"), client_ca=authority.path)
    found = shown_by(Line(service, client_of(authority, authority.given(*names, serial=12))))
    assert found is not None
    assert (found.name, found.serial) == (name, 12)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_no_connection_is_resumed(authority: Issuing, version: ssl.TLSVersion) -> None:
    service = Tls(authority.given("here"), client_ca=authority.path)
    client = client_of(authority, authority.given("gate-7"))
    client.minimum_version = client.maximum_version = version
    first = Line(service, client).theirs
    assert first.session is None or not first.session.has_ticket
    again = Line(service, client, first.session).theirs
    assert again.version() == {ssl.TLSVersion.TLSv1_2: "TLSv1.2", ssl.TLSVersion.TLSv1_3: "TLSv1.3"}[version]
    assert not again.session_reused
