"""The station link's parsers: SMP's console framing and CBOR, against the libraries that stations use."""

import ctypes
from pathlib import Path
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from smp import packet

from yima.firmware_images.host_build import host_library

_HERE = Path(__file__).parent
_READ, _WRITE, _VERSION_2 = 0, 2, 0x08
_OS, _YIMA = 0, 64
_ECHO, _DATETIME, _INFO = 0, 4, 7
_MOST = 2048


class Link:
    """The firmware's end."""

    library: ctypes.CDLL

    def feed(self, data: bytes) -> bytes:
        start = ctypes.POINTER(ctypes.c_uint8)()
        size: int = self.library.link_feed(data, ctypes.c_size_t(len(data)), ctypes.byref(start))
        return ctypes.string_at(start, size)

    def ask(self, operation: int, group: int, command: int, body: bytes) -> dict[str, Any] | None:
        """One request; the answer's map, None without an answer."""
        message = bytes([operation | _VERSION_2, 0]) + len(body).to_bytes(2) + group.to_bytes(2) + bytes([7, command])
        lines = self.feed(b"".join(packet.encode(message + body)))
        if not lines:
            return None
        decoder = packet.decode()
        next(decoder)
        try:
            for line in lines.splitlines(keepends=True):
                assert len(line) <= 127
                decoder.send(line)
        except StopIteration as complete:
            answer: bytes = complete.value
            assert answer[0] == operation + 1 | _VERSION_2
            assert answer[4:8] == group.to_bytes(2) + bytes([7, command])
            assert int.from_bytes(answer[2:4]) == len(answer) - 8
            found: dict[str, Any] = cbor2.loads(answer[8:])
            return found
        raise AssertionError("half an answer")


@pytest.fixture(scope="module", autouse=True)
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    app = "firmware_images/app"
    built = host_library(
        [
            f"{app}/station.c",
            f"{app}/smp.c",
            f"{app}/smp_os.c",
            f"{app}/session.c",
            f"{app}/cbor.c",
            f"{app}/status.c",
            _HERE / "station_host.c",
        ],
        tmp_path_factory.mktemp("link") / "link.so",
        defines=["YIMA_PRODUCT_METRO_GATE", "YIMA_ENVIRONMENT=2"],
    )
    built.link_feed.restype = ctypes.c_size_t
    Link.library = built
    return built


_ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=20)
    | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


@pytest.mark.parametrize("torn", [b"\x06\x09", b"\x06\x09AAAA", b"\x06\x09AAA\x04", b"\x06", b"AAAA"])
def test_a_packet_behind_a_line_whose_end_was_lost_is_heard(torn: bytes) -> None:
    """Bytes are lost while flash is erased; the next request went unanswered."""
    link = Link()
    link.feed(torn)
    assert link.ask(_WRITE, _OS, _ECHO, cbor2.dumps({"d": "again"})) == {"r": "again"}


@given(st.text(max_size=400))
@settings(deadline=None)
def test_an_echo_comes_back_whatever_its_length(text: str) -> None:
    assert Link().ask(_WRITE, _OS, _ECHO, cbor2.dumps({"d": text})) == {"r": text}


@given(
    st.dictionaries(
        st.text(max_size=6).filter(lambda key: key not in {"number", "bytes", "true"}), _ANYTHING, max_size=3
    ),
    st.integers(0, 2**32 - 1),
    st.binary(max_size=600),
    st.booleans(),
)
@settings(deadline=None)
def test_keys_are_found_among_anything_else(other: dict[str, Any], number: int, data: bytes, true: bool) -> None:
    body = cbor2.dumps({**other, "number": number, "bytes": data, "true": true})
    assert Link().ask(_READ, _YIMA, 0, body) == {"number": number, "bytes": data, "true": true}


@given(st.binary(max_size=300))
@settings(max_examples=500, deadline=None)
def test_any_bytes_as_a_request_are_answered_with_a_map(body: bytes) -> None:
    for group, command in ((_OS, _ECHO), (_OS, _DATETIME), (_YIMA, 0), (77, 1)):
        assert isinstance(Link().ask(_WRITE, group, command, body), dict)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"\xbf\x61k\xff", id="a break between a key and its value"),
        pytest.param(b"\x7f\x41b\xff", id="a text with a piece of bytes"),
        pytest.param(b"\x5f\x5f\xff\xff", id="bytes with a piece that has no length"),
        pytest.param(b"\xdf\x01", id="a tag without a number"),
        pytest.param(b"\xf8\x10", id="a small simple value in two bytes"),
    ],
)
def test_nothing_is_found_behind_a_value_that_is_not_well_formed(value: bytes) -> None:
    ask = Link().ask
    assert ask(_READ, _YIMA, 0, b"\xa2\x61a\x01\x66number\x05") == {"number": 5, "true": False}
    assert ask(_READ, _YIMA, 0, b"\xa2\x61a" + value + b"\x66number\x05") == {"true": False}


def test_values_in_pieces_are_passed_over() -> None:
    body = b"\xa4\x61a\x7f\x61x\x60\xff\x61b\x5f\xff\x61c\xbf\x61k\x01\xff\x66number\x05"
    assert Link().ask(_READ, _YIMA, 0, body) == {"number": 5, "true": False}


@given(st.binary(max_size=3000))
@settings(max_examples=300, deadline=None)
def test_any_bytes_on_the_line_break_nothing(junk: bytes) -> None:
    link = Link()
    link.feed(junk)
    link.feed(b"\n")
    assert link.ask(_WRITE, _OS, _ECHO, cbor2.dumps({"d": "still here"})) == {"r": "still here"}


def test_a_wrong_crc_is_not_answered() -> None:
    lines = b"".join(packet.encode(bytes([_READ, 0, 0, 1, 0, 0, 1, 6]) + b"\xa0"))
    assert Link().feed(lines)
    middle = len(lines) // 2
    wrong = lines[:middle] + bytes([lines[middle] ^ 1]) + lines[middle + 1 :]
    assert Link().feed(wrong) == b""


def test_a_request_longer_than_the_buffer_is_not_answered() -> None:
    fits = cbor2.dumps({"d": "x" * (_MOST - 8 - 6)})
    assert Link().ask(_WRITE, _OS, _ECHO, fits) is not None
    assert Link().ask(_WRITE, _OS, _ECHO, cbor2.dumps({"d": "x" * _MOST})) is None


def test_an_answer_that_does_not_fit_is_an_error_not_half_an_answer() -> None:
    body = cbor2.dumps({"bytes": b"x" * (_MOST - 20)})
    assert Link().ask(_WRITE, _YIMA, 0, body) == {"rc": 3}


@pytest.mark.parametrize(
    "text", ["1970-01-01T00:00:00", "2000-02-29T12:34:56", "2026-11-23T03:38:28", "2100-03-01T00:00:00"]
)
def test_the_time_that_was_set_is_the_time_that_is_read(text: str) -> None:
    assert Link().ask(_WRITE, _OS, _DATETIME, cbor2.dumps({"datetime": text + ".5+00:00"})) == {}
    assert Link().ask(_READ, _OS, _DATETIME, b"\xa0") == {"datetime": text}


@pytest.mark.parametrize(
    "text",
    [
        *("", "2026-11-23", "2026-13-01T00:00:00", "2026-11-2xT00:00:00", "1969-12-31T23:59:59"),
        *("2026-02-29T00:00:00", "2026-04-31T00:00:00", "2026-12-32T00:00:00", "2100-02-29T00:00:00"),
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    answer = Link().ask(_WRITE, _OS, _DATETIME, cbor2.dumps({"datetime": text}))
    assert answer == {"err": {"group": 0, "rc": 2}}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "Yima"),
        ({"format": "nv"}, "T1 1.2.3"),
        ({"format": "a"}, "Yima T1 1.2.3 1.2.3 yima-metro-gate cortex-m7 mps2-an500 none"),
    ],
)
def test_what_runs_here_is_said_as_uname_says_it(body: dict[str, str], said: str) -> None:
    assert Link().ask(_READ, _OS, _INFO, cbor2.dumps(body)) == {"output": said}


def test_a_letter_that_means_nothing_here_is_refused() -> None:
    assert Link().ask(_READ, _OS, _INFO, cbor2.dumps({"format": "b"})) == {"err": {"group": 0, "rc": 2}}
