"""The uplink: the device's key, the wire form, HTTP to a real collector over loopback, and hostile answers."""

import socket
import ssl
import stat
from email.utils import formatdate
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.uplinks import KEY, answering, append, dripping, http, uplink_to
from yima.sdk.serving import Serving
from yima.validator.errors import CollectorBusyError, UplinkError
from yima.validator.journal import SegmentJournal
from yima.validator.state.keys import DeviceKey, is_signed
from yima.validator.uplink.batches import (
    ANSWER_MAX,
    CONTENT_MAX,
    BatchError,
    encode_batch,
    fitting,
    parse_answer,
    parse_batch,
)
from yima.validator.uplink.http import HttpUplink, retry_after_s, trusted


def test_the_device_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    made = DeviceKey.load_or_create(tmp_path / "device.key")
    assert stat.S_IMODE((tmp_path / "device.key").stat().st_mode) == 0o600
    assert DeviceKey.load_or_create(tmp_path / "device.key").public == made.public
    assert [path.name for path in tmp_path.iterdir()] == ["device.key"]


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    DeviceKey.load_or_create(tmp_path / "device.key")
    (tmp_path / "device.key").chmod(0o644)
    with pytest.raises(UplinkError, match="chmod 600"):
        DeviceKey.load_or_create(tmp_path / "device.key")


@pytest.mark.parametrize(
    "content", [b"", b"nothing", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_a_file_that_holds_no_key_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "device.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(UplinkError, match="no Ed25519 private key"):
        DeviceKey.load_or_create(path)
    assert path.read_bytes() == content


def test_a_signature_is_good_for_its_body_and_key_alone() -> None:
    signature = KEY.sign(b"body")
    assert is_signed(KEY.public, signature, b"body")
    assert not is_signed(KEY.public, signature, b"Body")
    assert not is_signed(DeviceKey.generate().public, signature, b"body")


@given(st.text(), st.text(), st.binary())
def test_any_text_may_be_asked_whether_it_is_a_signature(public: str, signature: str, body: bytes) -> None:
    assert not is_signed(public, signature, body)
    assert not is_signed(KEY.public, signature, body)


def test_a_batch_comes_back_as_it_was_sent(journal: SegmentJournal) -> None:
    append(journal, 3)
    batch = parse_batch(encode_batch("gate-7", 7, journal.pending(10)))
    assert (batch.device, batch.epoch) == ("gate-7", 7)
    assert list(batch.entries) == list(journal.pending(10))


def test_a_body_holds_what_fits_and_at_least_one(journal: SegmentJournal) -> None:
    for _ in range(300):
        journal.append(bytes(8000))
    entries = journal.pending(300)
    fits = fitting(entries)
    assert 100 < len(fits) < 300
    assert len(parse_batch(encode_batch("gate-7", 7, fits)).entries) == len(fits)
    assert fitting(entries[:1]) == entries[:1]
    assert fitting([]) == []


def test_an_entry_may_be_as_large_as_an_entry_can_be_and_no_larger(journal: SegmentJournal) -> None:
    for size in (CONTENT_MAX, CONTENT_MAX + 2):
        journal.append(bytes(size))
    largest, larger = journal.pending(2)
    assert parse_batch(encode_batch("gate-7", 7, [largest])).entries == (largest,)
    with pytest.raises(BatchError, match="at most 8192 bytes"):
        parse_batch(encode_batch("gate-7", 7, [larger]))


@given(st.binary(max_size=300))
def test_any_bytes_are_an_answer_or_a_batch_error(body: bytes) -> None:
    try:
        assert parse_answer(body, []).acknowledged >= 0
    except BatchError as error:
        assert str(error)


ANSWERS = [
    b"",
    b"null",
    b"[]",
    b"{}",
    b"[" * 100_000,
    b'{"acknowledged":-1}',
    b'{"acknowledged":true}',
    b'{"acknowledged":1.0}',
    b'{"acknowledged":NaN}',
    b'{"acknowledged":9223372036854775808}',
    b'{"acknowledged":2,"rejected":[]}',
    b'{"acknowledged":2,"rejected":{"3":"not sent"}}',
    b'{"acknowledged":1,"rejected":{"2":"not answered"}}',
    b'{"acknowledged":2,"rejected":{"2":2}}',
    '{"acknowledged":2,"rejected":{"２":"full-width"}}'.encode(),
    b'{"acknowledged":2,"rejected":{"-1":""}}',
    '{"acknowledged":2}'.encode("utf-16"),
]


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: repr(answer[:40]))
def test_an_answer_that_makes_no_sense_is_an_error(journal: SegmentJournal, answer: bytes) -> None:
    append(journal, 2)
    with pytest.raises(BatchError):
        parse_answer(answer, journal.pending(2))
    with (
        answering(http("200 OK", answer)) as url,
        uplink_to(url) as uplink,
        pytest.raises(UplinkError, match="makes no sense"),
    ):
        uplink.send(journal.pending(2))


def test_a_collector_answers_how_far_it_is(journal: SegmentJournal, serving: Serving) -> None:
    append(journal, 5)
    with uplink_to(serving.url) as uplink:
        assert uplink.send([]) == (0, {})
        assert uplink.send(journal.pending(3)) == (3, {})
        assert uplink.send(journal.pending(3)) == (3, {})
        assert uplink.send(journal.pending(5)) == (5, {})
        assert uplink.send([]) == (5, {})


def test_a_closed_port_is_an_error_that_names_it(journal: SegmentJournal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with uplink_to(f"http://127.0.0.1:{port}") as uplink, pytest.raises(UplinkError, match=f":{port}: .*wait in the"):
        uplink.send(journal.pending(1))


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", "cannot be reached"),
        (b"", "cannot be reached"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", "cannot be reached"),
        (http("200 OK", b"<html>sign in</html>"), "makes no sense"),
        (http("200 OK", b'{"acknowledged":0}' + b" " * ANSWER_MAX), "endless"),
        (http("302 Found", b"", "Location: http://127.0.0.1:1/"), "answers 302"),
        (http("302 Found", b"", "Location: mailto:x"), "cannot be reached"),
        (http("302 Found", b"", "Location: http://xn--/"), "cannot be reached"),
        (http("500 Internal Server Error", b"stack\x1b[31m trace"), r"answers 500 \(stack\[31m trace\)"),
        (http("204 No Content", b""), "answers 204"),
    ],
    ids=lambda value: repr(value[:30]) if isinstance(value, bytes) else value,
)
def test_whatever_else_answers_there_is_an_error(journal: SegmentJournal, answer: bytes, says: str) -> None:
    append(journal, 1)
    with answering(answer) as url, uplink_to(url) as uplink, pytest.raises(UplinkError, match=says):
        uplink.send(journal.pending(1))


GOOD = http("200 OK", b'{"acknowledged":0}')


@pytest.mark.parametrize("before", [(), (GOOD.replace(b"close", b"keep-alive"),)], ids=["first", "kept"])
@pytest.mark.parametrize("begin", [b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: "])
def test_a_collector_that_drips_is_given_up_also_on_a_connection_that_was_good(
    journal: SegmentJournal, begin: bytes, before: tuple[bytes, ...]
) -> None:
    with dripping(*before, begin) as url, uplink_to(url, total_s=0.5) as uplink:
        for _ in before:
            uplink.send([])
        with pytest.raises(UplinkError, match="too slow"):
            uplink.send(journal.pending(1))


def test_what_an_answer_would_have_remembered_is_not_sent_back() -> None:
    heads: list[bytes] = []
    portal = http("302 Found", b"", "Location: /sign-in", f"Set-Cookie: seen={'c' * 40_000}")
    with answering(portal, GOOD, heads=heads) as url, uplink_to(url) as uplink:
        with pytest.raises(UplinkError):
            uplink.send([])
        assert uplink.send([]) == (0, {})
    assert [b"cookie" in head.lower() for head in heads] == [False, False]


def test_a_collector_that_refuses_the_device_says_how_to_enrol_it(journal: SegmentJournal) -> None:
    with (
        answering(http("403 Forbidden", b"")) as url,
        uplink_to(url) as uplink,
        pytest.raises(UplinkError, match=f"Enrol this device there: gate-7 {KEY.public}"),
    ):
        uplink.send([])


def test_a_busy_collector_says_when_to_come_back_but_not_for_ever() -> None:
    with (
        answering(http("503 Service Unavailable", b"", "Retry-After: 99999")) as url,
        uplink_to(url) as uplink,
        pytest.raises(CollectorBusyError) as caught,
    ):
        uplink.send([])
    assert caught.value.retry_after_s == 3600


def test_retry_after_is_read_in_both_forms_and_nonsense_is_nothing() -> None:
    assert retry_after_s("120", 0) == 120
    assert retry_after_s(formatdate(1_000_060, usegmt=True), 1_000_000) == 60
    assert retry_after_s(formatdate(1_000_000, usegmt=True), 1_000_060) == 0
    for nonsense in (None, "", "-1", "soon", "1e9", "9" * 400, "Mon, 99 Foo 0000 00:00:00"):
        assert retry_after_s(nonsense, 0) is None


@pytest.mark.parametrize(
    ("url", "private"),
    [
        ("https://collector.example", True),
        ("http://127.0.0.1:8080/", True),
        ("http://[::1]:8080", True),
        ("http://localhost:8080", True),
        ("http://collector.example", False),
        ("http://10.0.0.7:8080", False),
    ],
)
def test_a_way_on_which_others_may_read_along_is_known_as_such(url: str, private: bool) -> None:
    with uplink_to(url) as uplink:
        assert uplink.encrypted is private


def test_over_https_the_systems_authorities_are_believed_and_over_plain_http_nobody() -> None:
    assert trusted("https://collector.example") is True
    plain = trusted("http://collector.example")
    assert isinstance(plain, ssl.SSLContext)
    assert plain.cert_store_stats()["x509_ca"] == 0
    assert (plain.verify_mode, plain.check_hostname) == (ssl.CERT_REQUIRED, True)


@given(st.text(max_size=60))
def test_any_retry_after_is_bounded(header: str) -> None:
    found = retry_after_s(header, 1_790_000_000)
    assert found is None or 0 <= found <= 3600


@pytest.mark.parametrize(
    "url", ["", "collector", "ftp://host", "http://", "http://[", "http://host/?x=1", "http://h:x"]
)
def test_an_address_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(UplinkError, match="no address of a collector"):
        HttpUplink(url, key=KEY, device="gate-7", epoch=7)
