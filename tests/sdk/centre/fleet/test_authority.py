"""The authority's folder: what is not as the authority wrote it is named, with what to do."""

import errno
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from yima.sdk.centre.fleet import authority as authority_module
from yima.sdk.centre.fleet import files
from yima.sdk.centre.fleet.authority import Authority
from yima.sdk.centre.fleet.database import FleetError

PEM, PKCS8 = Encoding.PEM, PrivateFormat.PKCS8


def rsa_key(*, password: bytes = b"") -> bytes:
    lock = BestAvailableEncryption(password) if password else NoEncryption()
    return rsa.generate_private_key(65537, 2048).private_bytes(PEM, PKCS8, lock)


@pytest.mark.parametrize("key", [b"no key", rsa_key(), rsa_key(password=b"secret")], ids=["none", "RSA", "locked"])
def test_a_key_that_is_no_authoritys_is_no_authority(key: bytes, tmp_path: Path) -> None:
    Authority.make(tmp_path / "ca")
    (tmp_path / "ca" / "ca.key").write_bytes(key)
    with pytest.raises(FleetError, match="holds no certificate authority"):
        Authority(tmp_path / "ca")


@pytest.mark.parametrize(
    ("name", "act"),
    [
        ("issued/x.pem", lambda path: path.write_bytes(b"no certificate")),
        ("issued/x.pem", lambda path: path.write_bytes((path.parents[1] / "ca.pem").read_bytes())),
        ("crl.pem", lambda path: path.write_bytes(b"no list")),
        ("crl.pem", lambda path: path.unlink()),
    ],
    ids=["no certificate", "no device's", "no list", "list gone"],
)
def test_a_strange_or_missing_file_is_named(name: str, act: Callable[[Path], object], tmp_path: Path) -> None:
    """They ended `yima centre certificates list` with a traceback."""
    authority = Authority.make(tmp_path / "ca")
    act(tmp_path / "ca" / name)
    with pytest.raises(FleetError, match=f"{name}: is not as the authority wrote it"):
        authority.issued()


def test_a_folder_that_takes_nothing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FleetError, match="file/ca: cannot be written"):
        Authority.make(tmp_path / "file" / "ca")
    authority = Authority.make(tmp_path / "ca")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "write_whole", full)
    with pytest.raises(FleetError, match=r"issued/.*\.pem: cannot be written: No space left"):
        authority.issue("gate-7", "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29")


def test_what_two_revoke_at_once_is_revoked_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second wrote a list of what it had read before the first had written: a stolen gate's certificate held."""
    authority = Authority.make(tmp_path / "ca")
    for number in (7, 8):
        authority.issue(f"gate-{number}", f"{number:064x}")
    settled, real_sleep = threading.Event(), time.sleep  # the other one is done, or waits for its turn

    def revoke_the_other() -> None:
        Authority(tmp_path / "ca").revoke("gate-8")
        settled.set()

    def waits(seconds: float) -> None:
        settled.set()
        real_sleep(seconds)

    other = threading.Thread(target=revoke_the_other)
    undisturbed = authority_module._list_of_revoked

    def between(*known: Any) -> bytes:
        if other.ident is None:
            other.start()
            settled.wait()
        return undisturbed(*known)

    monkeypatch.setattr(time, "sleep", waits)
    monkeypatch.setattr(authority_module, "_list_of_revoked", between)
    authority.revoke("gate-7")
    other.join()
    assert authority.issued() == []


@pytest.mark.parametrize("last", ["ca.pem", "crl.pem", "ca.key"])
def test_an_authority_whose_making_was_cut_off_is_made_anew(
    last: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off before its list of what is revoked was there, it was no authority, and no other could be made."""
    undisturbed = files.put

    def cut_off(path: Path, content: bytes) -> None:
        if path.name == last:
            raise KeyboardInterrupt
        undisturbed(path, content)

    monkeypatch.setattr(authority_module, "put", cut_off)
    with pytest.raises(KeyboardInterrupt):
        Authority.make(tmp_path / "ca")
    monkeypatch.undo()
    assert Authority.make(tmp_path / "ca").issued() == []
    with pytest.raises(FleetError, match="holds an authority already"):
        Authority.make(tmp_path / "ca")


def names_in(pem: bytes) -> tuple[str, list[str]]:
    made = x509.load_pem_x509_certificate(pem[pem.index(b"-----BEGIN CERT") :])
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    (common,) = made.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(common.value), [str(name.value) for name in names]


def test_a_collector_may_have_a_long_name_one_in_chinese_and_an_address(tmp_path: Path) -> None:
    """They ended `yima centre certificates collector` with a traceback."""
    authority = Authority.make(tmp_path / "ca")
    long = "internal-collectors-of-the-city-1234567890.elb.cn-north-1.example.com"
    pem = authority.collector([long, "采集.example", "::1", "*.example"]).read_bytes()
    assert names_in(pem) == ("collector", [long, "xn--vm4ak2h.example", "::1", "*.example"])
    assert names_in(authority.collector(["c.example"]).read_bytes()) == ("c.example", ["c.example"])


@pytest.mark.parametrize(
    "host", ["", "https://c.example", "c.example:8443", "256.1.1.1", "a" * 64, "c..example", "c." * 127 + "example"]
)
def test_what_is_no_name_of_a_host_is_refused(host: str, tmp_path: Path) -> None:
    authority = Authority.make(tmp_path / "ca")
    with pytest.raises(FleetError, match="is no name or address of a host"):
        authority.collector(["c.example", host])
    assert not (tmp_path / "ca" / "collector.pem").exists()


KEY = "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29"
NOW = datetime(2027, 1, 1, tzinfo=UTC)


def test_nobody_else_looks_into_its_folder_or_reads_its_key(tmp_path: Path) -> None:
    Authority.make(tmp_path / "ca").collector(["c.example"])
    assert (tmp_path / "ca").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "ca").glob("*.*")} == {0o600}


def test_a_certificate_holds_for_its_days_and_for_clocks_that_are_a_little_behind(tmp_path: Path) -> None:
    Authority.make(tmp_path / "ca")
    made, pem = Authority(tmp_path / "ca", now=lambda: NOW).issue("gate-7", KEY, days=10)
    certificate = x509.load_pem_x509_certificate(pem)
    assert certificate.not_valid_before_utc == NOW - timedelta(minutes=10)
    assert certificate.not_valid_after_utc == NOW + timedelta(days=10)
    end = certificate.not_valid_after_utc
    assert Authority(tmp_path / "ca", now=lambda: end - timedelta(seconds=1)).issued() == [made]
    later = Authority(tmp_path / "ca", now=lambda: end)
    assert later.issued() == []
    with pytest.raises(FleetError, match="has no certificate that holds"):
        later.revoke("gate-7")


def test_a_list_of_what_is_revoked_holds_for_clocks_that_are_a_little_behind(tmp_path: Path) -> None:
    """A broker whose clock was a second behind found the list to be of the future, and let no device in."""
    made = Authority.make(tmp_path / "ca")
    made.issue("gate-7", KEY)
    for moment in (datetime.now(UTC), NOW):
        found = x509.load_pem_x509_crl((tmp_path / "ca" / "crl.pem").read_bytes())
        assert found.last_update_utc <= moment - timedelta(minutes=10)
        later = Authority(tmp_path / "ca", now=lambda: NOW)
        later.issue("gate-7", KEY)
        later.revoke("gate-7")


def test_what_is_due_ends_soon_or_has_ended_and_was_not_revoked(tmp_path: Path) -> None:
    """Whose certificate had ended before anybody renewed it was never given another, and nobody was told."""
    Authority.make(tmp_path / "ca")
    early = Authority(tmp_path / "ca", now=lambda: NOW)
    for device, days in (("ended", 3), ("ends", 6), ("revoked", 5), ("revoked", 2), ("given again", 5), ("holds", 30)):
        early.issue(device, KEY, days=days)
    early.issue("ended, then given another", KEY, days=3)
    early.issue("ended, then given another", KEY, days=30)
    Authority(tmp_path / "ca", now=lambda: NOW + timedelta(days=3)).revoke("revoked")
    early.revoke("given again")
    early.issue("given again", KEY, days=6)
    at_work = Authority(tmp_path / "ca", now=lambda: NOW + timedelta(days=4))
    assert at_work.due((NOW + timedelta(days=10)).timestamp()) == ["ended", "ends", "given again"]


def test_what_it_gives_away_makes_no_other_authority(tmp_path: Path) -> None:
    authority = Authority.make(tmp_path / "ca")
    own = x509.load_pem_x509_certificate((tmp_path / "ca" / "ca.pem").read_bytes())
    device = x509.load_pem_x509_certificate(authority.issue("gate-7", KEY)[1])
    constraints = [one.extensions.get_extension_for_class(x509.BasicConstraints) for one in (own, device)]
    assert all(one.critical for one in constraints)
    assert [(one.value.ca, one.value.path_length) for one in constraints] == [(True, 0), (False, None)]
    usages = [one.extensions.get_extension_for_class(x509.KeyUsage).value for one in (own, device)]
    assert [(one.key_cert_sign, one.crl_sign, one.digital_signature) for one in usages] == [
        (True, True, False), (False, False, True),
    ]  # fmt: skip
