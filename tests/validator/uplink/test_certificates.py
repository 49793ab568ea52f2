"""Certificates of devices, on real sockets: whose does not hold sends nothing, is told why, and loses nothing."""

import re
import socket
import ssl
import time
from pathlib import Path

import httpx
import pytest

from tests.tls_world import Device, authority, collecting
from tests.uplinks import append, until
from yima.sdk import doorway, tls
from yima.sdk.centre.collector.store import Store
from yima.sdk.centre.fleet.authority import Authority
from yima.validator.errors import UplinkError
from yima.validator.journal import SegmentJournal


@pytest.fixture(autouse=True)
def looks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "LOOK_EVERY_S", 0.0)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def gate(tmp_path: Path, made: Authority) -> Device:
    return Device(tmp_path / "gate", "gate-7").given(made)


def refusal(made: Authority, gate: Device, url: str, *, shows: bool = True) -> str:
    """What the device says of an exchange that fails."""
    with gate.uplink(url, made.folder / "ca.pem", shows=shows) as uplink, pytest.raises(UplinkError) as caught:
        uplink.send([])
    return str(caught.value)


def test_a_device_with_its_certificate_sends(
    made: Authority, gate: Device, journal: SegmentJournal, store: Store
) -> None:
    append(journal, 2)
    with collecting(store, made) as url, gate.uplink(url, made.folder / "ca.pem") as uplink:
        assert uplink.send(journal.pending(2)) == (2, {})
    assert url.startswith("https://")
    assert [proof.key for proof in store.proofs("gate-7", 7)] == [gate.key.public], "the batch is signed all the same"


def test_the_signature_under_a_batch_stays_whatever_certificate_is_shown(
    made: Authority, gate: Device, tmp_path: Path, store: Store
) -> None:
    other = Device(tmp_path / "other", "gate-8")
    with collecting(store, made, enrolled=lambda: {"gate-7": other.key.public}) as url:
        assert re.search(r"403.*not enrolled with this key", refusal(made, gate, url))


def test_no_certificate_is_refused_where_one_is_required_and_none_needed_where_it_is_not(
    made: Authority, gate: Device, store: Store
) -> None:
    with collecting(store, made) as url:
        assert re.search(
            r"403.*gate-7 shows no certificate: begin it with --client-certificate",
            refusal(made, gate, url, shows=False),
        )
    with collecting(store, made, required=False) as url:
        for shows in (False, True):
            with gate.uplink(url, made.folder / "ca.pem", shows=shows) as uplink:
                assert uplink.send([]) == (0, {})


@pytest.mark.parametrize("required", [True, False])
def test_a_certificate_of_another_name_is_refused(
    made: Authority, gate: Device, store: Store, *, required: bool
) -> None:
    gate.given(made, name="gate-8")
    with collecting(store, made, required=required) as url:
        assert re.search(r"403.*certificate is that of 'gate-8', the batch of gate-7", refusal(made, gate, url))


@pytest.mark.parametrize("required", [True, False])
def test_a_revoked_certificate_is_refused_also_on_a_connection_that_was_open(
    made: Authority, tmp_path: Path, store: Store, *, required: bool
) -> None:
    lost = Device(tmp_path / "lost", f"lost-{required}").given(made)
    with collecting(store, made, required=required) as url, lost.uplink(url, made.folder / "ca.pem") as uplink:
        assert uplink.send([]) == (0, {})
        assert made.revoke(lost.name) == 1
        with pytest.raises(UplinkError, match=rf"403.*the certificate of {lost.name} is revoked"):
            uplink.send([])


@pytest.mark.parametrize("required", [True, False])
def test_a_certificate_that_has_ended_does_not_come_in(
    made: Authority, gate: Device, store: Store, *, required: bool
) -> None:
    gate.given(made, ago=31)
    told: list[str] = []
    with collecting(store, made, required=required, told=told) as url:
        assert re.search(r"gate-7\.pem is its authority's and has not ended; records wait", refusal(made, gate, url))
        until(lambda: told == ["certificate has expired"])


def test_a_certificate_of_a_strange_authority_does_not_come_in(
    made: Authority, tmp_path: Path, gate: Device, store: Store
) -> None:
    gate.given(Authority.make(tmp_path / "strange"))
    told: list[str] = []
    with collecting(store, made, told=told) as url:
        assert re.search(r"gate-7\.pem is its authority's", refusal(made, gate, url))
        until(lambda: len(told) == 1)
    assert "issuer" in told[0]


def test_a_certificate_that_ends_while_a_connection_is_open_ends_it(
    made: Authority, gate: Device, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with collecting(store, made) as url, gate.uplink(url, made.folder / "ca.pem") as uplink:
        assert uplink.send([]) == (0, {})
        later = time.time() + 31 * 86400
        with monkeypatch.context() as patched:
            patched.setattr("yima.sdk.centre.collector.certificates.time.time", lambda: later)
            with pytest.raises(UplinkError, match=r"403.*certificate of gate-7 has ended"):
                uplink.send([])


def test_a_device_takes_up_a_renewed_certificate_without_a_restart(
    made: Authority, gate: Device, journal: SegmentJournal, store: Store
) -> None:
    append(journal, 1)
    gate.given(made, ago=31)
    with collecting(store, made) as url, gate.uplink(url, made.folder / "ca.pem") as uplink:
        with pytest.raises(UplinkError):
            uplink.send(journal.pending(1))
        gate.given(made)
        assert uplink.send(journal.pending(1)) == (1, {})


def test_a_device_whose_certificate_is_none_starts_and_says_which_file(
    made: Authority, gate: Device, tmp_path: Path, store: Store
) -> None:
    other = Device(tmp_path / "other", "gate-8").given(made)
    with collecting(store, made) as url, gate.uplink(url, made.folder / "ca.pem") as uplink:
        for content in (b"none", b"", other.certificate.read_bytes()):
            gate.certificate.write_bytes(content)
            with pytest.raises(UplinkError, match=r"gate-7\.pem: is no certificate of this device's key"):
                uplink.send([])
        gate.given(made)
        assert uplink.send([]) == (0, {})


def test_a_collector_that_is_not_the_authoritys_hears_nothing(made: Authority, gate: Device, tmp_path: Path) -> None:
    strange = authority(tmp_path / "strange")
    store = Store(tmp_path / "strange.db")
    with collecting(store, strange) as url:
        assert re.search(r"CERTIFICATE_VERIFY_FAILED", refusal(made, gate, url))
    store.close()


def test_the_certificate_of_a_device_makes_no_collector(made: Authority, gate: Device, store: Store) -> None:
    both = made.folder / "both.pem"
    both.write_bytes(gate.key_file.read_bytes() + gate.certificate.read_bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    (made.folder / "collector.pem").rename(made.folder / "right.pem")
    both.rename(made.folder / "collector.pem")
    try:
        with collecting(store, made) as url:
            assert re.search(r"CERTIFICATE_VERIFY_FAILED", refusal(made, gate, url))
    finally:
        (made.folder / "right.pem").rename(made.folder / "collector.pem")


def test_a_list_that_is_wrong_is_told_and_the_one_before_counts(
    made: Authority, tmp_path: Path, gate: Device, store: Store
) -> None:
    lost = Device(tmp_path / "lost", "lost").given(made)
    made.revoke("lost")
    right = (made.folder / "crl.pem").read_bytes()
    strange = Authority.make(tmp_path / "strange")
    told: list[str] = []
    try:
        with collecting(store, made, told=told) as url, lost.uplink(url, made.folder / "ca.pem") as uplink:
            for wrong in (b"none", (strange.folder / "crl.pem").read_bytes()):
                (made.folder / "crl.pem").write_bytes(wrong)
                with pytest.raises(UplinkError, match="is revoked"):
                    uplink.send([])
    finally:
        (made.folder / "crl.pem").write_bytes(right)
    assert len(told) == 2
    assert all("crl.pem: cannot be used for TLS" in line for line in told)


def test_whoever_shakes_no_hands_is_let_go_and_keeps_nobody_out(
    made: Authority, gate: Device, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorway, "HANDSHAKE_S", 0.5)
    with collecting(store, made) as url:
        address = httpx.URL(url)
        with socket.create_connection((address.host, address.port or 0), timeout=200) as line:
            line.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert line.recv(100) in (b"", b"\x15\x03\x01\x00\x02\x02F")
        with socket.create_connection((address.host, address.port or 0), timeout=200) as line:
            with gate.uplink(url, made.folder / "ca.pem") as uplink:
                assert uplink.send([]) == (0, {})
            assert line.recv(100) == b""
