"""A stop announcer on a serial line, 8N1: `serial:/dev/ttyS1`, `serial:COM4?baud=4800`; what it says: `sentences`."""

import time
from collections import deque

from yima.validator.errors import PlaceError, ReaderError
from yima.validator.places.sentences import Sentences
from yima.validator.ports import Whereabouts
from yima.validator.readers import address as addresses
from yima.validator.system import serial_line
from yima.validator.texts import Text

BAUD = 9600


def open_place(address: str) -> "SerialPlace":
    """Opens `/dev/ttyS1` with the option baud (9600). Raises PlaceError."""
    try:
        path, options = addresses.split(address, known=("baud",))
        baud = addresses.number(path, options, "baud", BAUD, least=300, most=4_000_000)
    except ReaderError as wrong:
        raise PlaceError(wrong.thing, wrong.problem, wrong.remedy) from wrong
    return SerialPlace(path, baud=baud)


class SerialPlace:
    """Reads one announcer's line; see yima.validator.ports.Place."""

    def __init__(self, path: str, *, baud: int = BAUD) -> None:
        self.path = path
        self._sentences = Sentences()
        self._said: deque[Whereabouts] = deque()
        try:
            self._port = serial_line.open_raw(path, baud)
        except serial_line.REFUSALS as refused:
            raise PlaceError(
                path,
                Text(f"the stop announcer's line cannot be opened ({refused})", f"无法打开报站器串口（{refused}）"),
                Text("Check the path, the cable, and that no other program has it", "请检查路径、连线及是否被占用"),
            ) from refused

    def read(self, timeout_s: float) -> Whereabouts | None:
        """What is said next, or None when nothing was within timeout_s. Raises PlaceError when the line is gone."""
        until = time.monotonic() + timeout_s
        while not self._said:
            left_s = until - time.monotonic()
            if left_s <= 0:
                return None
            try:
                self._said += self._sentences.feed(serial_line.receive(self._port, left_s))
            except (OSError, ValueError) as gone:
                raise PlaceError(
                    self.path,
                    Text("the stop announcer's line is gone", "报站器串口已断开"),
                    Text("Check its cable and power", "请检查连线和电源"),
                ) from gone
        return self._said.popleft()

    def close(self) -> None:
        """Releases the line."""
        self._port.close()
