"""A station that asks a device: whatever answers is the answer or a StationError, and nobody is asked for ever."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from pathlib import Path
from typing import Any, cast

import cbor2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from smp.error import MGMT_ERR
from smp.header import Header
from smpclient import SMPClient
from smpclient.transport import SMPTransport
from smpclient.transport.serial import SMPSerialTransport

from yima.firmware_images import station as client
from yima.firmware_images.cli import station as verb
from yima.firmware_images.session import bench_signer
from yima.firmware_images.station import Station, StationError
from yima.firmware_images.station_messages import Lost, Record
from yima.hwsim.pseudo_terminal import PseudoTerminal
from yima.sdk.cli.main import main

STATE: dict[str, Any] = {
    **{"product": "yima-bus-validator", "software": "0", "terminal": "T", "environment": "test", "parameters": 1},
    **{"signed": False, "unix": 1, "trusted": True, "next": 3, "ack": 0, "lost": 0, "room": 60, "taps": 2, "slot": 0},
    **{"serving": True, "faults": 0, "session": 0, "refused": 0},
}
RECORDS = {"next": 3, "ack": 0, "records": [{"n": 1, "d": b"record", "h": bytes(32)}]}
_VALUES = st.none() | st.booleans() | st.integers(-1, 2**64) | st.text(max_size=4) | st.binary(max_size=4)


class Line:
    """A transport of smpclient at whose other end somebody says what a test wants, in answer to each request."""

    mtu = max_unencoded_size = 2048

    def __init__(self, answers: Iterable[bytes], *, fitted: bool) -> None:
        self._answers = iter(answers)
        self._fitted = fitted
        self.asked = 0
        self.connected = False
        self.refuses: Exception | None = None

    async def connect(self, address: str, timeout_s: float) -> None:
        self.connected = True
        if self.refuses:
            raise self.refuses

    async def disconnect(self) -> None:
        self.connected = False

    async def send_and_receive(self, data: bytes) -> bytes:
        self.asked += 1
        try:
            body = next(self._answers)
        except StopIteration:
            raise TimeoutError from None
        asked = Header.loads(data[: Header.SIZE])
        if not self._fitted:
            return body
        head = bytes([data[0] + 1, 0]) + len(body).to_bytes(2) + data[4:6] + bytes([asked.sequence, data[7]])
        return head + body


def station(*answers: bytes, fitted: bool = True) -> tuple[Station, Line]:
    """A station on such a line. fitted: the answers are bodies, and get the header that belongs to the request."""
    made = Station("nowhere")
    line = Line(answers, fitted=fitted)
    made._client = SMPClient(cast(SMPTransport, line), "nowhere", timeout_s=10.0)
    return made, line


async def _all(made: Station) -> list[Record]:
    return [record async for record in made.records(1)]


def outcome(made: Station, what: str) -> object:
    """What a question gives: a value, or the error's text."""
    questions: dict[str, Callable[[], Coroutine[Any, Any, object]]] = {
        "state": made.state,
        "records": lambda: _all(made),
        "lost": partial(made.lost, 1),
        "parameters": lambda: made.send_parameters(bytes(3000)),
        "acknowledge": lambda: made.acknowledge(Record(n=1, d=b"", h=bytes(32))),
        "images": made.images,
        "place": partial(made.place, line=7, stop=2),
    }
    try:
        return asyncio.run(questions[what]())
    except StationError as refused:
        return str(refused)


def test_well_formed_answers_are_taken() -> None:
    assert outcome(station(cbor2.dumps(STATE))[0], "state").unix == 1  # type: ignore[attr-defined]
    made, _ = station(cbor2.dumps(RECORDS), cbor2.dumps(RECORDS | {"records": []}))
    assert outcome(station(cbor2.dumps({"line": 7, "stop": 2, "direction": 0}))[0], "place") == (7, 2, 0)
    assert outcome(made, "records") == [Record(n=1, d=b"record", h=bytes(32))]


_WHAT = st.sampled_from(["state", "records", "lost", "parameters", "acknowledge", "images", "place"])


@given(_WHAT, st.binary(max_size=40), st.booleans())
@example("state", b"", False)
@example("state", b"\x09\0\0\0\0\x40", False)
@example("state", b"\xa1\x61", True)
@example("state", b"\x80", True)
@example("records", b"\xbf", True)
@settings(max_examples=200)
def test_any_bytes_are_an_answer_or_a_station_error(what: str, answer: bytes, fitted: bool) -> None:
    outcome(station(answer, fitted=fitted)[0], what)


@given(
    _WHAT, st.lists(st.dictionaries(st.sampled_from([*STATE, *RECORDS, "n", "rc", "err", "off", "active"]), _VALUES))
)
@example("parameters", [{"off": 0}])
@example("parameters", [{"off": 1024}, {"off": 1024}])
@example("state", [{"err": {"group": 64, "rc": 77}}])
@example("state", [{"rc": 99}])
def test_any_map_is_an_answer_or_a_station_error(what: str, answers: list[dict[str, Any]]) -> None:
    made, line = station(*map(cbor2.dumps, answers))
    outcome(made, what)
    assert line.asked <= len(answers) + 1


Ask = Callable[[str], tuple[int, str]]


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Ask:
    """`yima station PORT state`, which waits for nobody: (status, stderr)."""
    monkeypatch.setattr(verb, "Station", partial(Station, timeout_s=0.01))
    return lambda port: (main(["station", port, "state"]), capfd.readouterr().err)


@pytest.mark.parametrize("port", ["{folder}/nowhere", "{folder}", "/dev/null"])
def test_a_port_that_cannot_be_opened_is_one_line(port: str, ask: Ask, tmp_path: Path) -> None:
    status, said = ask(port.format(folder=tmp_path))
    assert status == 4
    assert said.count("\n") == 1
    assert "cannot be opened" in said


def test_a_device_that_says_nothing_is_one_line(ask: Ask) -> None:
    line = PseudoTerminal("station")
    status, said = ask(line.path)
    line.close()
    assert status == 4
    assert said.count("\n") == 1
    assert "does not answer" in said


def test_a_cable_that_is_pulled_is_one_line(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    line = PseudoTerminal("station")
    send = SMPSerialTransport.send

    async def pulled(transport: SMPSerialTransport, data: bytes) -> None:
        line.close()
        await send(transport, data)

    monkeypatch.setattr(SMPSerialTransport, "send", pulled)
    status, said = ask(line.path)
    assert status == 4
    assert said.count("\n") == 1
    assert "broke off" in said


def test_a_cable_that_is_pulled_in_an_upload_is_a_station_error() -> None:
    made, line = station()

    async def gone(data: bytes) -> bytes:
        raise OSError(5, "Input/output error")

    line.send_and_receive = gone  # type: ignore[method-assign]
    with pytest.raises(StationError, match="broke off"):
        asyncio.run(made.upload(b"image"))


@pytest.mark.parametrize("numbers", [[1, 1], [2, 1], [1, 0]])
def test_records_that_do_not_ascend_end_the_walk_with_an_error(numbers: list[int]) -> None:
    pages = [cbor2.dumps(RECORDS | {"records": [{"n": n, "d": b"entry", "h": bytes(32)}]}) for n in numbers]
    for what in ("records", "lost"):
        made, line = station(*pages, *pages, *pages)
        assert "or a later one belongs" in str(outcome(made, what))
        assert line.asked <= 2


@pytest.mark.parametrize("said", [{"d": b""}, {"d": b"piece", "off": 0, "len": 65537}])
def test_a_record_that_can_be_no_entry_ends_the_walk_with_an_error(said: dict[str, Any]) -> None:
    """Nothing of a device fills the station's memory, and its journal takes no empty entry."""
    made, line = station(cbor2.dumps(RECORDS | {"records": [{"n": 1, "h": bytes(32)} | said]}))
    assert "has no bytes, or more than 65536" in str(outcome(made, "records"))
    assert line.asked == 1


def test_a_piece_without_bytes_ends_the_walk_with_an_error() -> None:
    """It was asked for again without end."""
    made, line = station(cbor2.dumps(RECORDS | {"records": [{"n": 1, "d": b"", "h": bytes(32), "len": 10}]}))
    assert "a piece of 1 that does not follow" in str(outcome(made, "records"))
    assert line.asked == 1


def test_a_number_that_two_answers_call_lost_is_in_one_range() -> None:
    pages = (
        RECORDS | {"lost": [{"from": 1, "to": 3}], "records": [{"n": 4, "d": b"entry", "h": bytes(32)}]},
        RECORDS | {"lost": [{"from": 2, "to": 3}, {"from": 2, "to": 6}], "records": []},
    )
    made, _ = station(*map(cbor2.dumps, pages))
    assert outcome(made, "lost") == [
        Lost.model_validate({"from": first, "to": last}) for first, last in ((1, 3), (4, 6))
    ]


@pytest.mark.parametrize("taken", [0, 3000, 3001])
def test_parameters_of_which_a_device_takes_nothing_or_more_than_there_is_are_not_sent_for_ever(taken: int) -> None:
    made, line = station(*[cbor2.dumps({"off": taken})] * 5)
    assert f"parameters stopped at {taken} of 3000 bytes" in str(outcome(made, "parameters"))
    assert line.asked == 1


@pytest.mark.parametrize(
    "said", [{"challenge": bytes(23)}, {"challenge": bytes(25)}, {"terminal": "车" * 14}, {"environment": 3}]
)
def test_nothing_is_signed_that_is_no_challenge(said: dict[str, Any]) -> None:
    asked = {"challenge": bytes(24), "terminal": "T", "environment": 2} | said
    made, line = station(cbor2.dumps(asked), cbor2.dumps({"role": 1, "minutes": 10}))
    with pytest.raises(StationError, match="is none"):
        asyncio.run(made.open_session(bench_signer()))
    assert line.asked == 1, "no signature went out"


DENIED = {"rc": int(MGMT_ERR.EACCESSDENIED)}
NO_BUFFERS = {"rc": int(MGMT_ERR.ENOTSUP)}  # smpclient asks for their sizes first
LET_IN: tuple[dict[str, Any], ...] = (
    DENIED,
    {"challenge": bytes(24), "terminal": "T", "environment": 2},
    {"role": 1, "minutes": 10},
    {},
)


@pytest.mark.parametrize(
    ("answers", "resets", "asked"),
    [
        ([NO_BUFFERS, STATE], False, 2),  # none was needed
        ([NO_BUFFERS, *LET_IN, {"role": 0, "minutes": 0}], False, 6),
        ([NO_BUFFERS, *LET_IN, {}], True, 6),  # a start ends it by itself
    ],
    ids=["none opened", "opened", "opened, and reset"],
)
def test_a_connection_ends_the_session_that_it_opened_and_no_other(
    answers: list[dict[str, Any]], resets: bool, asked: int
) -> None:
    made, line = station(*map(cbor2.dumps, answers))
    made._signer = bench_signer()

    async def talk() -> None:
        async with made:
            await (made.state() if STATE in answers else made.set_clock(1))
            if resets:
                await made.reset()

    asyncio.run(talk())
    assert (line.asked, line.connected) == (asked, False)


async def _talk_that_fails(made: Station, error: BaseException) -> None:
    async with made:
        await made.set_clock(1)
        raise error


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), SystemExit(143)])
@pytest.mark.parametrize(
    "farewell", [[{"role": 0, "minutes": 0}], [DENIED], []], ids=["answers", "refuses", "says nothing"]
)
def test_a_session_ends_with_a_connection_that_fails_and_the_failure_is_what_is_told(
    error: BaseException, farewell: list[dict[str, Any]]
) -> None:
    made, line = station(*map(cbor2.dumps, [NO_BUFFERS, *LET_IN, *farewell]))
    made._signer = bench_signer()
    with pytest.raises(type(error)) as told:
        asyncio.run(_talk_that_fails(made, error))
    assert told.value is error
    assert (line.asked, line.connected) == (6, False)


def test_a_line_that_has_fallen_silent_holds_up_a_connection_that_fails_no_longer_than_a_farewell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client, "_FAREWELL_S", 0.0)
    made, line = station(*map(cbor2.dumps, [NO_BUFFERS, *LET_IN]))
    made._signer = bench_signer()
    answer = line.send_and_receive

    async def answer_or_wait(data: bytes) -> bytes:
        if line.asked < 1 + len(LET_IN):
            return await answer(data)
        await asyncio.Event().wait()
        raise AssertionError

    line.send_and_receive = answer_or_wait  # type: ignore[method-assign]
    with pytest.raises(ValueError, match="the body"):
        asyncio.run(_talk_that_fails(made, ValueError("the body's own")))
    assert not line.connected


def test_a_line_that_could_not_be_opened_is_let_go() -> None:
    made, line = station()
    line.refuses = OSError(5, "Input/output error")

    async def talk() -> None:
        async with made:
            raise AssertionError

    with pytest.raises(StationError, match="broke off"):
        asyncio.run(talk())
    assert not line.connected
