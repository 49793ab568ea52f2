"""The authority's folder: what is not as the authority wrote it is named, with what to do."""

import errno
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

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
