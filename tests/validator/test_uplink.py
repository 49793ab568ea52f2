"""The uplink: signed batches to a real collector over loopback, hostile answers, back-off, and a cursor that only an
answer moves."""

import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdk.collector.app import Collector
from sdk.collector.serve import Serving
from sdk.collector.store import Store
from validator import _core
from validator.errors import UplinkError, YimaError
from validator.journal import SqliteJournal
from validator.judging import Moment
from validator.uplink.batches import ANSWER_MAX, BatchError, encode_batch, fitting, parse_answer, parse_batch
from validator.uplink.http import BatchTooLargeError, CollectorBusyError, HttpUplink, retry_after_s
from validator.uplink.keys import DeviceKey, is_signed
from validator.uplink.sender import WAIT_MAX_S, WAIT_MIN_S, BatchPolicy, Sender, waiting_s


def record(payload: bytes) -> bytes:
    """A small trip record with its integrity tag."""
    before = b"\x00\x00\x00\x01\x00" + b"\x00\x01" + len(payload).to_bytes(2) + payload
    return before + b"\x00\x11\x00\x20" + _core.sm3(before)


def append(journal: SqliteJournal, count: int) -> None:
    for number in range(count):
        journal.append(moment=Moment.at(1_790_000_000), reason=0, record=record(b"code %d" % number))


def until(condition: Callable[[], bool]) -> None:
    """Waits for what another thread does; a test that waits in vain fails."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    journal = SqliteJournal(tmp_path / "journal.db", "gate-7", epoch_for_new=7)
    yield journal
    journal.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "trips.db")
    yield store
    store.close()


@pytest.fixture
def serving(store: Store) -> Iterator[Serving]:
    with Serving(Collector(store).app()) as serving:
        yield serving


KEY = DeviceKey.generate()


@contextmanager
def uplink_to(url: str, *, total_s: float = 5.0) -> Iterator[HttpUplink]:
    uplink = HttpUplink(url, key=KEY, device="gate-7", epoch=7, total_s=total_s)
    try:
        yield uplink
    finally:
        uplink.close()


@contextmanager
def answering(*answers: bytes) -> Iterator[str]:
    """A server that reads a request and answers it with these very bytes, one answer a connection; then hangs up."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for answer in answers:
            connection, _ = listening.accept()
            with connection:
                received = b""
                while b"\r\n\r\n" not in received:
                    received += connection.recv(65536)
                head, _, body = received.partition(b"\r\n\r\n")
                size = int(head.lower().partition(b"content-length:")[2].split()[0])
                while len(body) < size:
                    body += connection.recv(65536)
                try:
                    connection.sendall(answer)
                except OSError:
                    continue  # whoever asked has heard enough

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        thread.join()
        listening.close()


def http(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


# The device's key


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


@pytest.mark.parametrize("content", [b"", b"nothing", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
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


# The wire form


def test_a_batch_comes_back_as_it_was_sent(journal: SqliteJournal) -> None:
    append(journal, 3)
    batch = parse_batch(encode_batch("gate-7", 7, journal.pending(10)))
    assert (batch.device, batch.epoch) == ("gate-7", 7)
    assert list(batch.entries) == list(journal.pending(10))


def test_a_body_holds_what_fits_and_at_least_one(journal: SqliteJournal) -> None:
    for _ in range(300):
        journal.append(moment=Moment.at(1), reason=0, record=bytes(8000))
    entries = journal.pending(300)
    fits = fitting(entries)
    assert 100 < len(fits) < 300
    assert len(parse_batch(encode_batch("gate-7", 7, fits)).entries) == len(fits)
    assert fitting(entries[:1]) == entries[:1]
    assert fitting([]) == []


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
def test_an_answer_that_makes_no_sense_is_an_error(journal: SqliteJournal, answer: bytes) -> None:
    append(journal, 2)
    with pytest.raises(BatchError):
        parse_answer(answer, journal.pending(2))
    with answering(http("200 OK", answer)) as url, uplink_to(url) as uplink:
        with pytest.raises(UplinkError, match="makes no sense"):
            uplink.send(journal.pending(2))


# HTTP


def test_a_collector_answers_how_far_it_is(journal: SqliteJournal, serving: Serving) -> None:
    append(journal, 5)
    with uplink_to(serving.url) as uplink:
        assert uplink.send([]) == (0, {})
        assert uplink.send(journal.pending(3)) == (3, {})
        assert uplink.send(journal.pending(3)) == (3, {})
        assert uplink.send(journal.pending(5)) == (5, {})
        assert uplink.send([]) == (5, {})


def test_a_closed_port_is_an_error_that_names_it(journal: SqliteJournal) -> None:
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
        (http("500 Internal Server Error", b"stack\x1b[31m trace"), r"answers 500 \(stack\[31m trace\)"),
        (http("204 No Content", b""), "answers 204"),
    ],
    ids=lambda value: repr(value[:30]) if isinstance(value, bytes) else value,
)
def test_whatever_else_answers_there_is_an_error(journal: SqliteJournal, answer: bytes, says: str) -> None:
    append(journal, 1)
    with answering(answer) as url, uplink_to(url) as uplink, pytest.raises(UplinkError, match=says):
        uplink.send(journal.pending(1))


def test_a_collector_that_drips_is_given_up(journal: SqliteJournal) -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def drip() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while not stop.wait(0.05):
                try:
                    connection.sendall(b" ")
                except OSError:
                    return

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with uplink_to(url, total_s=0.5) as uplink, pytest.raises(UplinkError, match="too slow"):
            uplink.send(journal.pending(1))
    finally:
        stop.set()
        thread.join()
        listening.close()


def test_a_collector_that_refuses_the_device_says_how_to_enrol_it(journal: SqliteJournal) -> None:
    with answering(http("403 Forbidden", b"")) as url, uplink_to(url) as uplink:
        with pytest.raises(UplinkError, match=f"Enrol this device there: gate-7 {KEY.public}"):
            uplink.send([])


def test_a_busy_collector_says_when_to_come_back_but_not_for_ever() -> None:
    with answering(http("503 Service Unavailable", b"", "Retry-After: 99999")) as url, uplink_to(url) as uplink:
        with pytest.raises(CollectorBusyError) as caught:
            uplink.send([])
    assert caught.value.retry_after_s == 3600


def test_retry_after_is_read_in_both_forms_and_nonsense_is_nothing() -> None:
    assert retry_after_s("120", 0) == 120
    assert retry_after_s(formatdate(1_000_060, usegmt=True), 1_000_000) == 60
    assert retry_after_s(formatdate(1_000_000, usegmt=True), 1_000_060) == 0
    for nonsense in (None, "", "-1", "soon", "1e9", "9" * 400, "Mon, 99 Foo 0000 00:00:00"):
        assert retry_after_s(nonsense, 0) is None


@given(st.text(max_size=60))
def test_any_retry_after_is_bounded(header: str) -> None:
    found = retry_after_s(header, 1_790_000_000)
    assert found is None or 0 <= found <= 3600


@pytest.mark.parametrize("url", ["", "collector", "ftp://host", "http://", "http://[", "http://host/?x=1", "http://h:x"])
def test_an_address_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(UplinkError, match="no address of a collector"):
        HttpUplink(url, key=KEY, device="gate-7", epoch=7)


# The sender


class Told:
    """What a sender says."""

    def __init__(self) -> None:
        self.trouble: list[str] = []
        self.recovered = 0
        self.answers: list[tuple[int, dict[int, str]]] = []

    def back(self) -> None:
        self.recovered += 1


@contextmanager
def sending(
    journal: SqliteJournal, url: str, *, count: int = 100, age_s: float = 0.05, check_in_s: float = 300
) -> Iterator[tuple[Sender, Told]]:
    told = Told()
    sender = Sender(
        journal=journal,
        uplink=HttpUplink(url, key=KEY, device="gate-7", epoch=journal.epoch, total_s=2),
        policy=BatchPolicy(count=count, age_s=age_s, check_in_s=check_in_s),
        now=lambda: 1_790_000_000,
        on_trouble=lambda error: told.trouble.append(str(error)),
        on_recovered=told.back,
        on_answer=lambda through, rejected: told.answers.append((through, rejected)),
    )
    sender.start()
    try:
        yield sender, told
    finally:
        sender.stop(5)


def held(store: Store, journal: SqliteJournal) -> list[int]:
    return [row["sequence"] for row in store.entries("gate-7", journal.epoch, after=0, limit=10_000)]


def test_a_backlog_goes_at_once_batch_by_batch(journal: SqliteJournal, store: Store, serving: Serving) -> None:
    append(journal, 250)
    with sending(journal, serving.url, count=100, age_s=0) as (_, told):
        until(lambda: journal.acknowledged() == 250)
    assert [through for through, _ in told.answers] == [100, 200, 250]
    assert held(store, journal) == list(range(1, 251))


def test_a_batch_goes_when_enough_wait_and_not_before(journal: SqliteJournal, serving: Serving) -> None:
    with sending(journal, serving.url, count=3, age_s=3600) as (sender, told):
        append(journal, 2)
        sender.appended()
        append(journal, 1)
        sender.appended()
        until(lambda: journal.acknowledged() == 3)
        assert told.answers == [(3, {})] or told.answers[-1] == (3, {})


def test_a_lone_record_goes_when_it_has_waited_long_enough(journal: SqliteJournal, serving: Serving) -> None:
    with sending(journal, serving.url, count=100, age_s=0.01) as (sender, _):
        append(journal, 1)
        sender.appended()
        until(lambda: journal.acknowledged() == 1)


def test_a_stop_sends_what_still_waits(journal: SqliteJournal, store: Store, serving: Serving) -> None:
    with sending(journal, serving.url, count=100, age_s=3600) as (sender, _):
        until(lambda: bool(serving.url))
        append(journal, 7)
        sender.appended()
    assert held(store, journal) == [1, 2, 3, 4, 5, 6, 7]
    assert journal.acknowledged() == 7


def test_offline_means_waiting_and_online_means_everything_arrives_once(journal: SqliteJournal, store: Store) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    append(journal, 3)
    with sending(journal, f"http://127.0.0.1:{port}") as (sender, told):
        until(lambda: bool(told.trouble))
        append(journal, 4)
        sender.appended()
        assert journal.acknowledged() == 0
        with Serving(Collector(store).app(), port=port):
            until(lambda: journal.acknowledged() == 7)
    assert told.recovered == 1
    assert len(told.trouble) == 1
    assert held(store, journal) == [1, 2, 3, 4, 5, 6, 7]


def test_a_lost_acknowledgement_leaves_no_double(journal: SqliteJournal, store: Store, serving: Serving) -> None:
    append(journal, 3)
    with uplink_to(serving.url) as uplink:
        uplink.send(journal.pending(3))  # committed there; the answer never reached the journal
    assert journal.acknowledged() == 0
    append(journal, 2)
    with sending(journal, serving.url):
        until(lambda: journal.acknowledged() == 5)
    assert held(store, journal) == [1, 2, 3, 4, 5]


def test_a_collector_restored_from_a_backup_gets_everything_again(journal: SqliteJournal, tmp_path: Path) -> None:
    append(journal, 5)
    lost = Store(tmp_path / "lost.db")
    with Serving(Collector(lost).app()) as serving, sending(journal, serving.url):
        until(lambda: journal.acknowledged() == 5)
    lost.close()
    empty = Store(tmp_path / "restored.db")
    # Nobody taps: the question alone finds out.
    with Serving(Collector(empty).app()) as serving, sending(journal, serving.url) as (_, told):
        until(lambda: held(empty, journal) == [1, 2, 3, 4, 5] and journal.acknowledged() == 5)
    assert told.answers[0] == (0, {})
    empty.close()


def test_what_the_collector_rejects_goes_to_quarantine_and_does_not_hold_up_the_rest(
    journal: SqliteJournal, store: Store, serving: Serving
) -> None:
    append(journal, 2)
    journal.append(moment=Moment.at(1_790_000_000), reason=0, record=b"no trip record")
    append(journal, 2)
    with sending(journal, serving.url) as (_, told):
        until(lambda: journal.acknowledged() == 5)
    (refused,) = journal.quarantined()
    assert (refused.sequence, refused.at) == (3, 1_790_000_000)
    assert "not intact" in refused.why
    assert told.answers == [(5, {3: refused.why})]
    assert held(store, journal) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "answer",
    [
        http("200 OK", b'{"acknowledged":99}'),
        http("200 OK", b"garbage"),
        http("500 Internal Server Error", b""),
        http("200 OK", b'{"acknowledged":3,"rejected":{"99":"?"}}'),
    ],
    ids=["more than exists", "garbage", "500", "rejects what was not sent"],
)
def test_a_lying_collector_moves_no_cursor(journal: SqliteJournal, answer: bytes) -> None:
    append(journal, 3)
    journal.acknowledge(1, {})
    with answering(answer) as url, sending(journal, url) as (_, told):
        until(lambda: bool(told.trouble))
    assert journal.acknowledged() == 1
    assert journal.quarantined() == []


def test_a_way_that_takes_only_small_bodies_is_met_with_smaller_batches(
    journal: SqliteJournal,
) -> None:
    append(journal, 8)
    too_large = http("413 Content Too Large", b"")
    with answering(too_large, too_large, http("200 OK", b'{"acknowledged":2}')) as url:
        with sending(journal, url, count=8) as (_, told):
            until(lambda: journal.acknowledged() == 2)
    assert told.answers[0] == (2, {})
    with answering(too_large) as url, uplink_to(url) as uplink, pytest.raises(BatchTooLargeError):
        uplink.send(journal.pending(1))


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_waiting_grows_from_half_a_second_to_a_minute_and_is_spread(failures: int, roll: float) -> None:
    assert WAIT_MIN_S <= waiting_s(failures, roll) <= min(WAIT_MAX_S, 0.5 * 2.0 ** min(failures, 16))
    assert waiting_s(failures, 0) == WAIT_MIN_S


def test_every_trouble_names_the_thing_and_says_what_to_do_in_both_languages(journal: SqliteJournal) -> None:
    with answering(http("500 Oops", b"")) as url, uplink_to(url) as uplink, pytest.raises(YimaError) as caught:
        uplink.send([])
    assert caught.value.thing == url
    assert all((*caught.value.problem, *caught.value.remedy))
