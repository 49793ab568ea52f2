"""The speed of a line is found from what a receiver makes of it at others."""

import pytest

from benchmarks.damages import line
from yima.sdk.bench.rates import ORDER, makes_sense, search
from yima.sdk.cli.main import main
from yima.validator.ports import Reading
from yima.validator.readers.framing import Framer


class Receiver:
    """A scanner's line, as a UART at one speed makes it out, through the framer of every serial reader."""

    exhausted = False

    def __init__(self, sent: bytes, at: int, rate: int) -> None:
        came = sent if at == rate else line(sent, at, rate)
        framer = Framer()
        self._readings = [*framer.feed(came, 0), *framer.silence(1 << 60)] if came else []

    def read(self, timeout_s: float) -> Reading | None:
        return self._readings.pop(0) if self._readings else None

    def close(self) -> None:
        pass


@pytest.mark.parametrize(("at", "most"), [(115200, 1), (9600, 2), (19200, 5), (38400, 4)])
def test_the_speed_of_a_scanner_is_found(code: bytes, at: int, most: int) -> None:
    asked: list[int] = []
    assert search(lambda rate: Receiver(code, at, rate), asked.append, wait_s=0.02) == at
    assert len(asked) <= most
    assert len(set(asked)) == len(asked)


def test_where_nothing_comes_every_speed_is_tried_and_none_is_named() -> None:
    asked: list[int] = []
    assert search(lambda rate: Receiver(b"", 9600, rate), asked.append, wait_s=0.01) is None
    assert asked == list(ORDER)


@pytest.mark.parametrize("came", [b"", b"\0\xff\0", b"\xe6\x80\x06\xf8" * 20, b"AT\r"])
def test_rubbish_makes_no_sense(came: bytes) -> None:
    assert not makes_sense(came)


def test_a_verb_without_a_line_says_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "camera:0", "--find-baud"]) == 2
    assert "serial:" in capsys.readouterr().err
