"""A reader from which nothing comes is told of once, in both languages, and one that has spoken never."""

from pathlib import Path

import pytest

from tests.running import whole_scanner
from yima.sdk.cli import run as verb
from yima.sdk.cli.reader_options import READERS
from yima.sdk.observing.silence import Heard
from yima.sdk.tap_lines import notice_as_line
from yima.validator.errors import ReaderError
from yima.validator.happenings import Happening, Notice
from yima.validator.ports import open_reader


def heard_of(sent: bytes, monkeypatch: pytest.MonkeyPatch, language: str = "en") -> list[str]:
    monkeypatch.setenv("YIMA_LANG", language)
    told: list[Notice] = []
    with whole_scanner() as scanner:
        specification = f"serial:{scanner.path}"
        reader = Heard(open_reader(specification), specification, told.append, after_s=0.3)
        if sent:
            scanner.send(sent)
        for _ in range(8):
            reader.read(0.1)
        reader.close()
    assert all(notice.happening is Happening.READER_SILENT for notice in told)
    return [notice_as_line(notice) for notice in told]


def test_silence_is_told_once_with_what_to_try(monkeypatch: pytest.MonkeyPatch) -> None:
    [line] = heard_of(b"", monkeypatch)
    assert "the reader is silent" in line
    assert "virtual COM" in line
    [line] = heard_of(b"", monkeypatch, "zh")
    assert "虚拟串口" in line


def test_of_a_reader_that_has_spoken_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert heard_of(b"some code or other", monkeypatch) == []


@pytest.mark.parametrize("name", ["serial", "camera", "replay"])
def test_the_help_tells_every_option_that_a_reader_takes(name: str, tmp_path: Path) -> None:
    with pytest.raises(ReaderError) as refused:
        open_reader(f"{name}:{tmp_path}?nothing=1")
    for option in refused.value.remedy.en.removeprefix("Options are ").split(", "):
        assert f"{option}=" in READERS
    assert READERS in verb.EXAMPLES
