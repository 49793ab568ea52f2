"""The firmware cuts a scanner's bytes exactly as the host's reader does (profile raw)."""

import ctypes
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yima.firmware_images.host_build import host_library
from yima.validator.readers.framing import Framer, Profile

_HERE = Path(__file__).parent
_MS = 1_000_000


class FirmwareFramer:
    """The C framer behind the interface of the Python one; times in milliseconds."""

    library: ctypes.CDLL

    def __init__(self) -> None:
        self._collector = ctypes.c_void_p(self.library.collector_new())

    def close(self) -> None:
        self.library.collector_free(self._collector)

    def feed(self, data: bytes, now_ms: int) -> list[bytes]:
        self.library.collector_feed(self._collector, data, len(data), ctypes.c_uint64(now_ms))
        return self._taken()

    def silence(self, now_ms: int) -> list[bytes]:
        self.library.collector_silence(self._collector, ctypes.c_uint64(now_ms))
        return self._taken()

    @property
    def held(self) -> int:
        held: int = self.library.collector_held(self._collector)
        return held

    @property
    def idle(self) -> bool:
        return bool(self.library.collector_idle(self._collector))

    def _taken(self) -> list[bytes]:
        start = ctypes.POINTER(ctypes.c_uint8)()
        size: int = self.library.collector_take(self._collector, ctypes.byref(start))
        data, at, payloads = ctypes.string_at(start, size), 0, []
        while at < size:
            length = int.from_bytes(data[at : at + 4], "little")
            payloads.append(data[at + 4 : at + 4 + length])
            at += 4 + length
        return payloads


@pytest.fixture(scope="module", autouse=True)
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    built = host_library(
        ["firmware_images/app/framing.c", _HERE / "framing_host.c"],
        tmp_path_factory.mktemp("framing") / "framing.so",
    )
    built.collector_new.restype = ctypes.c_void_p
    built.collector_held.restype = ctypes.c_uint32
    built.collector_take.restype = ctypes.c_uint32
    FirmwareFramer.library = built
    return built


def _code(issuer_data: int = 0, unified: bool = False, seed: int = 1) -> bytes:
    """A code as far as framing looks: its marks and lengths, noise elsewhere."""
    noise = random.Random(seed)
    body = bytearray(noise.randbytes(332 + issuer_data))
    body[0] = 0x80
    body[1:3] = (329 + issuer_data).to_bytes(2)
    body[3:8] = b"\x24\x01\x01\x00\x00"
    body[197] = issuer_data
    body[198 + issuer_data] = body[267 + issuer_data] = 0x15
    return (b"\x55" if unified else b"") + bytes(body)


_CODES = st.builds(_code, st.sampled_from([0, 1, 5, 31, 32]), st.booleans(), st.integers(0, 3))
_BITS = st.sampled_from(
    [
        *(b"\r", b"\n", b"\r\n", b"\x03", b"\x02", b"\x02\x01", b"]Q1", b"\\000026", b"\x55", b"\x15", b"$"),
        *(b"\x80\x01", b"\x80\x01\x49$", b"\x80\x01\x49$\x01\x01\x00\x00", b"\x90\x01\x69"),
        *(b"0123456789ABCDEF", b"https://example.cn/x\r"),
    ]
)


@st.composite
def _cut(draw: st.DrawFn) -> bytes:
    code = draw(_CODES)
    return code[: draw(st.integers(1, len(code)))]


@st.composite
def _damaged(draw: st.DrawFn) -> bytes:
    code = bytearray(draw(_CODES))
    for _ in range(draw(st.integers(1, 3))):
        code[draw(st.sampled_from([0, 1, 2, 3, 4, 5, 197, 198, 199, 267, 268, 300, len(code) - 1]))] = draw(
            st.integers(0, 255)
        )
    return bytes(code)


_PARTS = st.one_of(_CODES, _cut(), _damaged(), _BITS, st.binary(max_size=60), st.binary(min_size=500, max_size=5000))
STREAMS = int(os.environ.get("YIMA_STREAMS", "300"))  # make test-long: 3000
_STREAMS = st.lists(st.tuples(_PARTS, st.integers(1, 700), st.sampled_from([0, 0, 0, 1, 19, 20, 21, 149, 150, 400])))


@pytest.fixture
def pair() -> Iterator[tuple[FirmwareFramer, Framer]]:
    firmware = FirmwareFramer()
    yield firmware, Framer(Profile(mode="raw"))
    firmware.close()


def _same(firmware: FirmwareFramer, host: Framer, parts: list[tuple[bytes, int, int]]) -> int:
    """Feeds both the same; how many payloads there were."""
    now_ms, count = 1_000, 0
    for data, piece, pause_ms in parts:
        for at in range(0, len(data), piece):
            chunk = data[at : at + piece]
            expected = [reading.payload for reading in host.feed(chunk, now_ms * _MS)]
            assert firmware.feed(chunk, now_ms) == expected
            count += len(expected)
        now_ms += pause_ms
        expected = [reading.payload for reading in host.silence(now_ms * _MS)]
        assert firmware.silence(now_ms) == expected
        assert firmware.held == host.held
        assert firmware.idle == (host.deadline_ns is None)
        count += len(expected)
    return count


@given(_STREAMS)
@settings(max_examples=STREAMS, deadline=None)
def test_the_same_bytes_at_the_same_moments_give_the_same_payloads(parts: list[tuple[bytes, int, int]]) -> None:
    firmware = FirmwareFramer()
    _same(firmware, Framer(Profile(mode="raw")), parts)
    firmware.close()


def test_a_code_is_delivered_at_its_last_byte_without_waiting_for_silence(pair: tuple[FirmwareFramer, Framer]) -> None:
    firmware, _ = pair
    code = _code(5)
    assert firmware.feed(code[:-1], 1) == []
    assert firmware.feed(code[-1:], 2) == [code]


@pytest.mark.parametrize("around", [(b"\x02", b"\x03"), (b"]Q1", b"\r\n"), (b"\\000026", b"\r"), (b"", b"\n")])
def test_what_a_scanner_puts_around_a_code_is_taken_off(
    pair: tuple[FirmwareFramer, Framer], around: tuple[bytes, bytes]
) -> None:
    code = _code(3)
    firmware, host = pair
    assert _same(firmware, host, [(around[0] + code + around[1], 700, 400)]) == 1
    assert firmware.feed(code, 10_000) == [code]


def test_a_flood_gives_one_payload_and_the_code_behind_it_is_read(pair: tuple[FirmwareFramer, Framer]) -> None:
    firmware, host = pair
    assert _same(firmware, host, [(b"\x90" * 20_000, 64, 0), (_code(), 400, 400)]) == 2


@pytest.mark.parametrize("signal", [b"\x06", b"\x15\r\n", b"\x05\x04\x03\x02", b"\x06x"])
def test_a_scanners_signals_are_readings_to_neither_or_to_both(
    signal: bytes, pair: tuple[FirmwareFramer, Framer]
) -> None:
    firmware, host = pair
    assert (firmware.feed(signal, 0), host.feed(signal, 0)) == ([], [])
    expected = [reading.payload for reading in host.silence(1000 * _MS)]
    assert firmware.silence(1000) == expected
    assert bool(expected) == (len(signal) > 3 or signal.endswith(b"x"))


@pytest.mark.parametrize("begun", [1, 2, 3])
def test_a_pause_behind_the_first_bytes_of_a_code_parts_them_from_nothing(
    begun: int, pair: tuple[FirmwareFramer, Framer]
) -> None:
    firmware, _ = pair
    code = _code(5)
    assert firmware.feed(code + b"\r", 0) == [code]
    assert firmware.feed(code[:begun], 5) == []
    assert firmware.silence(60) == []
    assert firmware.feed(code[begun:], 61) == [code]
