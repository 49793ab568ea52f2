"""The simulated scanner: raw bytes at the pace of its line, and a plug that can be pulled."""

import os
import select
import threading
import time

import pytest

from yima.hwsim.scanner import SerialScanner

EVERY_BYTE = bytes(range(256))


def taken(descriptor: int, count: int) -> bytes:
    data = b""
    while len(data) < count and select.select([descriptor], [], [], 5)[0]:
        data += os.read(descriptor, count)
    return data


@pytest.mark.parametrize("baud", [9600, 115_200, 921_600])
def test_a_code_takes_no_less_than_its_line_needs(baud: int) -> None:
    with SerialScanner(baud=baud, suffix=b"") as scanner:
        before_ns = time.monotonic_ns()
        first_ns, last_ns = scanner.scan(b"\x80" * 364)
        # No byte is early, that is exact; how late one may be depends on the machine.
        assert first_ns - before_ns >= 10 * 1_000_000_000 // baud
        assert last_ns - before_ns >= 3640 * 1_000_000_000 // baud


def test_every_byte_arrives_with_prefix_and_suffix() -> None:
    with SerialScanner(baud=921_600, prefix=b"\x02]Q1", suffix=b"\r\n") as scanner:
        line = os.open(scanner.path, os.O_RDWR | os.O_NOCTTY)
        scanner.scan(EVERY_BYTE)
        assert taken(line, 262) == b"\x02]Q1" + EVERY_BYTE + b"\r\n"
        os.close(line)


def test_packets_come_in_blocks() -> None:
    with SerialScanner(baud=9600, suffix=b"", packet=64) as scanner:
        line = os.open(scanner.path, os.O_RDWR | os.O_NOCTTY)
        sending = threading.Thread(target=scanner.scan, args=(EVERY_BYTE[:160],))
        sending.start()
        data = b""
        while len(data) < 160:
            data += taken(line, 1)
            data += os.read(line, 4096) if len(data) < 160 else b""
            assert len(data) in (64, 128, 160)
        sending.join()
        assert data == EVERY_BYTE[:160]
        os.close(line)


def test_what_nobody_takes_is_lost_and_counted() -> None:
    with SerialScanner(baud=100_000_000, suffix=b"", packet=4096) as scanner:
        scanner.send(bytes(200_000))
        assert 0 < scanner.overrun < 200_000
        line = os.open(scanner.path, os.O_RDWR | os.O_NOCTTY)
        assert len(taken(line, 200_000 - scanner.overrun)) == 200_000 - scanner.overrun
        os.close(line)


def test_a_pulled_plug_is_seen_at_the_other_end() -> None:
    scanner = SerialScanner()
    line = os.open(scanner.path, os.O_RDWR | os.O_NOCTTY)
    scanner.close()
    try:
        assert os.read(line, 1) == b""
    except OSError as gone:
        assert gone.errno == 5  # EIO
    os.close(line)


def test_a_line_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        SerialScanner(baud=0)
    with pytest.raises(ValueError, match="positive"):
        SerialScanner(packet=0)
    with SerialScanner() as scanner, pytest.raises(ValueError, match="nothing"):
        scanner.send(b"")


def test_nobody_answers_before_the_last_byte_set_out() -> None:
    """It was noted after the write: where the machine was busy, a gate had opened by then, 19 us "before" its code."""
    written: list[int] = []

    class Busy(SerialScanner):
        def _write(self, data: bytes) -> None:
            written.append(time.monotonic_ns())
            super()._write(data)

    with Busy(baud=1_000_000) as scanner:
        assert scanner.scan(b"0123456789")[1] <= written[-1]
