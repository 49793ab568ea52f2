"""The bench's resolver and the client that asks it, over HTTP; and what servers do that are slow, dead, or lie."""

import base64
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.sdk.resolver.app import QUESTION_MAX, BenchResolver
from yima.sdk.resolver.tokens import answer_for, read_tokens
from yima.sdk.serving import Serving
from yima.validator.errors import ResolverError
from yima.validator.judging import Direction, GateContext, Mode
from yima.validator.ports import Answer, Question, Resolver, open_resolver
from yima.validator.resolvers.http import ANSWER_MAX, MOST_OPEN, PATH, HttpResolver, _answer_in, _Exchange

GATE = GateContext(mode=Mode.METRO, city=320500, line=2, station=7, direction=Direction.ENTRY)
TOKENS = {b"js:good": Answer.ACCEPT, b"js:bad": Answer.REFUSE, b"\x00\xff": Answer.ACCEPT}


def question(token: bytes = b"js:good", deadline_ms: int = 5000) -> Question:
    return Question(token=token, family="sufu", gate=GATE, fare_fen=300, at=1_790_000_000, deadline_ms=deadline_ms)


@contextmanager
def bench(**options: Any) -> Iterator[tuple[HttpResolver, list[dict[str, Any]]]]:
    events: list[dict[str, Any]] = []
    with Serving(BenchResolver(TOKENS, on_event=events.append, **options).app()) as serving:
        yield HttpResolver(serving.url), events


def test_the_service_answers_what_its_tokens_say() -> None:
    with bench() as (resolver, events):
        assert resolver.resolve(question()) is Answer.ACCEPT
        assert resolver.resolve(question(b"js:bad")) is Answer.REFUSE
        assert resolver.resolve(question(b"js:nobody knows")) is Answer.REFUSE
        assert resolver.resolve(question(b"\x00\xff")) is Answer.ACCEPT
        assert resolver.resolve(question(bytes(4096))) is Answer.REFUSE
    assert [event["answer"] for event in events] == ["accept", "refuse", "refuse", "accept", "refuse"]
    assert "js:good" not in str(events)


def test_it_can_accept_whatever_it_does_not_know() -> None:
    with bench(default=Answer.ACCEPT) as (resolver, _):
        assert resolver.resolve(question(b"js:nobody knows")) is Answer.ACCEPT
        assert resolver.resolve(question(b"js:bad")) is Answer.REFUSE


def test_a_service_that_thinks_for_too_long_is_unreachable() -> None:
    with bench(delay_s=20.0) as (resolver, events):
        assert resolver.resolve(question(deadline_ms=100)) is Answer.UNREACHABLE
        assert events == [], "it had not answered yet"


def test_a_question_that_nobody_waits_for_any_more_is_not_asked() -> None:
    with bench() as (resolver, events):
        late = _Exchange(resolver._connection(5), question())
        late.cut()
        late.run()
        assert (late.answer, events) == (Answer.UNREACHABLE, [])
        in_time = _Exchange(resolver._connection(5), question())
        in_time.run()
        assert (in_time.answer, len(events)) == (Answer.ACCEPT, 1)


Serve = Callable[[socket.socket], None]


@contextmanager
def server(serve: Serve) -> Iterator[HttpResolver]:
    """A server that does this with each connection."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(30)
    over = threading.Event()
    connections: list[socket.socket] = []

    def accept() -> None:
        while not over.is_set():
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            connections.append(connection)
            threading.Thread(target=handle, args=(connection,), daemon=True).start()

    def handle(connection: socket.socket) -> None:
        try:
            serve(connection)
        except OSError:
            return  # whoever asked has hung up

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield HttpResolver(f"http://127.0.0.1:{listening.getsockname()[1]}")
    finally:
        over.set()
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        for connection in connections:
            with suppress(OSError):  # whoever asked may have hung up
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        thread.join()


def request_of(connection: socket.socket) -> dict[str, Any]:
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    size = int(head.lower().partition(b"content-length:")[2].split()[0])
    while len(body) < size:
        body += connection.recv(65536)
    found: dict[str, Any] = json.loads(body)
    return found


def http(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def saying(answer: Callable[[dict[str, Any]], bytes]) -> Serve:
    def serve(connection: socket.socket) -> None:
        connection.sendall(answer(request_of(connection)))
        connection.close()

    return serve


def honest(asked: dict[str, Any], **lies: object) -> bytes:
    return json.dumps({"answer": "accept", "nonce": asked["nonce"]} | lies).encode()


def test_the_question_says_all_the_issuer_needs() -> None:
    questions: list[dict[str, Any]] = []

    def answer(asked: dict[str, Any]) -> bytes:
        questions.append(asked)
        return http("200 OK", honest(asked))

    with server(saying(answer)) as resolver:
        assert resolver.resolve(question(b"\x00js")) is Answer.ACCEPT
        assert resolver.resolve(question(b"\x00js")) is Answer.ACCEPT
    first, second = (asked.pop("nonce") for asked in questions)
    assert first != second
    assert questions[0] == questions[1] == {
        "family": "sufu", "token": base64.b64encode(b"\x00js").decode(), "mode": "metro", "city": 320500, "line": 2,
        "station": 7, "direction": "entry", "fare_fen": 300, "at": 1_790_000_000, "deadline_ms": 5000,
    }  # fmt: skip


LIES: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "another question's answer": lambda asked: http("200 OK", honest(asked, nonce="00" * 16)),
    "no nonce": lambda asked: http("200 OK", b'{"answer": "accept"}'),
    "an answer twice": lambda asked: http("200 OK", b'{"answer": "refuse", ' + honest(asked)[1:]),
    "true": lambda asked: http("200 OK", honest(asked, answer=True)),
    "a word nobody agreed on": lambda asked: http("200 OK", honest(asked, answer="yes")),
    "accept in capitals": lambda asked: http("200 OK", honest(asked, answer="ACCEPT")),
    "a list": lambda asked: http("200 OK", b"[" + honest(asked) + b"]"),
    "nesting without end": lambda asked: http("200 OK", b"[" * 4000),
    "no JSON": lambda asked: http("200 OK", b"accept"),
    "bytes that are no text": lambda asked: http("200 OK", b"\xff\xfe\x00"),
    "nothing": lambda asked: http("200 OK", b""),
    "an error": lambda asked: http("500 Internal Server Error", honest(asked)),
    "created": lambda asked: http("201 Created", honest(asked)),
    "a redirect": lambda asked: http("307 Temporary Redirect", honest(asked), "Location: http://127.0.0.1:1/"),
    "a login page": lambda asked: http("200 OK", b"<html>accept terms</html>"),
    "an answer in a sea of blanks": lambda asked: http("200 OK", honest(asked) + b" " * ANSWER_MAX),
    "half an answer": lambda asked: http("200 OK", honest(asked))[:-5],
    "no HTTP": lambda asked: b"accept\r\n",
    "headers without end": lambda asked: b"HTTP/1.1 200 OK\r\n" + b"X-More: 1\r\n" * 2000,
    "a hang-up": lambda asked: b"",
}


@pytest.mark.parametrize("lie", LIES)
def test_what_is_no_answer_to_this_question_is_no_answer(lie: str) -> None:
    with server(saying(LIES[lie])) as resolver:
        assert resolver.resolve(question()) is Answer.UNREACHABLE


def dripping(first: bytes) -> Serve:
    def serve(connection: socket.socket) -> None:
        request_of(connection)
        connection.sendall(first)
        while True:
            connection.sendall(b" ")
            time.sleep(0.02)

    return serve


def silent(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


SLOW: dict[str, Serve] = {
    "says nothing": silent,
    "drips its headers": dripping(b"HTTP/1.1 200 OK\r\nX-More: "),
    "drips its body": dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n"),
    "drips without an end": dripping(b"HTTP/1.1 200 OK\r\n\r\n"),
}


@pytest.mark.parametrize("how", SLOW)
def test_the_deadline_holds_whatever_the_server_does(how: str) -> None:
    with server(SLOW[how]) as resolver:
        patient = threading.Thread(target=resolver.resolve, args=(question(deadline_ms=600_000),))
        patient.start()
        assert resolver.resolve(question(deadline_ms=150)) is Answer.UNREACHABLE
        assert patient.is_alive()  # whoever may wait longer still does: nothing but the deadline has ended the other
    patient.join()


@pytest.mark.parametrize("how", SLOW)
def test_places_are_given_back_whatever_the_server_does(how: str) -> None:
    with server(SLOW[how]) as resolver:
        for _ in range(3 * MOST_OPEN):  # places are given back, so nothing is blocked for good
            assert resolver.resolve(question(deadline_ms=50)) is Answer.UNREACHABLE
        deadline = time.monotonic() + 90
        while resolver._places._value < MOST_OPEN:
            assert time.monotonic() < deadline, "an exchange outlived its deadline"
            time.sleep(0.01)


def test_a_service_that_is_not_there_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert HttpResolver(f"http://127.0.0.1:{port}").resolve(question()) is Answer.UNREACHABLE
    assert HttpResolver("https://resolver.invalid").resolve(question()) is Answer.UNREACHABLE


def test_after_trouble_it_works_again() -> None:
    answers = iter([b"", http("500 Internal Server Error", b"")])

    def answer(asked: dict[str, Any]) -> bytes:
        return next(answers, http("200 OK", honest(asked)))

    with server(saying(answer)) as resolver:
        assert [resolver.resolve(question()) for _ in range(3)] == [
            Answer.UNREACHABLE,
            Answer.UNREACHABLE,
            Answer.ACCEPT,
        ]


def test_a_server_without_a_trusted_certificate_is_unreachable() -> None:
    with server(saying(lambda asked: http("200 OK", honest(asked)))) as plain:
        url = plain.url.replace("http:", "https:")
        resolver = HttpResolver(url, context=ssl.create_default_context())
        assert resolver.resolve(question(deadline_ms=2000)) is Answer.UNREACHABLE


@pytest.mark.parametrize(
    "url",
    [
        *("", "127.0.0.1:80", "ftp://127.0.0.1", "http://", "http://127.0.0.1/path", "http://127.0.0.1?x=1"),
        *("http://[::1", "http://user:pw@127.0.0.1", "http://127.0.0.1:port", "http://127.0.0.1:99999"),
        *("http://127.0.0.1#x", "http://resolver.example", "http://192.0.2.1:8090", "https://\n"),
        *("https://resolver..example", f"https://{64 * 'a'}.example"),
    ],
)
def test_an_address_that_cannot_be_one_is_refused(url: str) -> None:
    with pytest.raises(ResolverError):
        HttpResolver(url)


def test_resolvers_are_found_by_the_word_before_the_colon() -> None:
    resolver: Resolver = open_resolver("http://127.0.0.1:8090")
    assert isinstance(resolver, HttpResolver)
    assert resolver.url == "http://127.0.0.1:8090"
    assert isinstance(open_resolver("https://resolver.example"), HttpResolver)
    for wrong in ("carrier-pigeon:", "http", ""):
        with pytest.raises(ResolverError, match=r"http"):
            open_resolver(wrong)


@given(st.binary(max_size=200) | st.dictionaries(st.sampled_from(["answer", "nonce"]), st.text() | st.none()).map(
    lambda said: json.dumps(said).encode()
))  # fmt: skip
def test_no_bytes_are_an_answer_by_accident(body: bytes) -> None:
    assert _answer_in(body, "a" * 32) is Answer.UNREACHABLE


BAD_QUESTIONS = [
    b"", b"{}", b"[]", b"null", b"\xff", b"[" * 5000, b'{"token": 5, "nonce": "1", "family": "sufu"}',
    b'{"token": "!", "nonce": "1", "family": "sufu"}', b'{"token": "", "nonce": "1", "family": "sufu"}',
    b'{"token": "AA==", "nonce": 1, "family": "sufu"}', b'{"token": "AA==", "nonce": "\\ud800", "family": "sufu"}',
    b'{"token": "AA==", "nonce": "1", "family": ["sufu"]}',
    json.dumps({"token": base64.b64encode(bytes(4097)).decode(), "nonce": "1", "family": "sufu"}).encode(),
    json.dumps({"token": "AA==", "nonce": "1" * 65, "family": "sufu"}).encode(),
]  # fmt: skip


def test_bad_questions_are_told_so() -> None:
    with bench() as (resolver, events):
        for body in BAD_QUESTIONS:
            assert httpx.post(resolver.url + PATH, content=body).status_code == 400
        assert httpx.post(resolver.url + PATH, content=bytes(QUESTION_MAX + 1)).status_code == 413
        assert httpx.get(resolver.url + PATH).status_code == 405
        assert resolver.resolve(question()) is Answer.ACCEPT
    assert [event["event"] for event in events] == ["refused"] * (len(BAD_QUESTIONS) + 1) + ["question"]


def test_a_device_that_hangs_up_in_the_middle_troubles_nobody() -> None:
    with bench() as (resolver, events):
        host, port = resolver.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(b"POST /v1/resolve HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        assert resolver.resolve(question()) is Answer.ACCEPT
    assert "question" in [event["event"] for event in events]


def test_a_file_of_tokens(tmp_path: Path) -> None:
    path = tmp_path / "tokens.txt"
    path.write_text("# bench\n\naccept js:good\nrefuse js:bad one\naccept hex:00ff\naccept 苏\n", encoding="utf-8")
    tokens = read_tokens(path)
    assert tokens == {
        b"js:good": Answer.ACCEPT,
        b"js:bad one": Answer.REFUSE,
        b"\x00\xff": Answer.ACCEPT,
        "苏".encode(): Answer.ACCEPT,
    }
    assert answer_for(tokens, b"js:bad one", Answer.ACCEPT) is Answer.REFUSE
    assert answer_for(tokens, b"other", Answer.ACCEPT) is Answer.ACCEPT


@pytest.mark.parametrize(
    "line",
    ["js:good", "accept", "accept ", "Accept x", "unreachable x", "accept hex:0", "accept hex:zz", "accept good"],
)
def test_a_slip_in_a_file_of_tokens_is_named_with_its_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "tokens.txt"
    path.write_text(f"accept good\n# more\n{line}\n")
    with pytest.raises(ResolverError) as caught:
        read_tokens(path)
    assert caught.value.thing == f"{path}:3"


def test_a_file_of_tokens_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ResolverError, match="none"):
        read_tokens(tmp_path / "none")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(ResolverError, match="binary"):
        read_tokens(tmp_path / "binary")
