"""A reader from which nothing has come since the start: told once, with what to try."""

import time
from collections.abc import Callable
from typing import Final

from yima.validator.errors import ReaderError
from yima.validator.happenings import Happening, Notice
from yima.validator.ports import Reader, Reading
from yima.validator.texts import Text

SILENT_S: Final = 20.0
NOTHING_YET = {
    "serial": Text(
        "nothing has come: is the scanner in virtual COM mode (keyboard mode makes no port), is its trigger on, is the "
        "cable one for data? Its speed may be another: yima bench SPEC --find-baud",
        "未收到数据：扫码器是否为虚拟串口模式（键盘模式没有串口）？是否已触发？是否为数据线？"
        "波特率也可能不同：yima bench SPEC --find-baud",
    ),
    "hid": Text(
        "nothing has come: is its trigger on? Only HID-POS reports, id 02, are read; for others use virtual COM",
        "未收到数据：是否已触发？仅识读 HID-POS 格式（报告号 02），其他格式请改用虚拟串口",
    ),
    "camera": Text(
        "no code seen: hold the phone 10 to 15 cm away, screen bright, and look whether another program has the camera",
        "未见到码：手机距镜头 10 至 15 厘米，调亮屏幕，并检查摄像头是否被其他程序占用",
    ),
    "": Text("nothing has come yet", "尚未收到数据"),
}
"""What to try when nothing comes, by the reader's back-end."""


class Heard:
    """A reader that is listened to; see yima.validator.ports.Reader. tell: of the silence, at most once."""

    def __init__(
        self, reader: Reader, specification: str, tell: Callable[[Notice], None], *, after_s: float = SILENT_S
    ) -> None:
        self._reader, self._specification, self._tell = reader, specification, tell
        self._after_s = after_s
        self._silent_from: float | None = time.monotonic()

    @property
    def exhausted(self) -> bool:
        """As the reader says."""
        return self._reader.exhausted

    def read(self, timeout_s: float) -> Reading | None:
        """As the reader does."""
        reading = self._reader.read(timeout_s)
        if self._silent_from is not None:
            if reading is not None:
                self._silent_from = None
            elif time.monotonic() - self._silent_from >= self._after_s:
                self._silent_from = None
                self._tell(Notice(happening=Happening.READER_SILENT, error=self._error()))
        return reading

    def close(self) -> None:
        """As the reader does."""
        self._reader.close()

    def _error(self) -> ReaderError:
        back_end = self._specification.partition(":")[0]
        seconds = f"{self._after_s:g}"
        return ReaderError(
            self._specification,
            Text(f"for {seconds} s since the start", f"启动后已 {seconds} 秒"),
            NOTHING_YET.get(back_end, NOTHING_YET[""]),
        )
