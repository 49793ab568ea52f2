"""yima.validator.system_words: what the operating system says of an error is Chinese where the rest is."""

import errno
import os

import pytest

from yima.validator.errors import YimaError
from yima.validator.system_words import in_chinese
from yima.validator.texts import Text


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EACCES, errno.ENOSPC, errno.EADDRINUSE, errno.ECONNREFUSED])
def test_a_systems_word_is_chinese_in_a_chinese_sentence(number: int) -> None:
    said = in_chinese(f"无法读取（{os.strerror(number)}）")
    assert said.startswith("无法读取（")
    assert not any(letter.isascii() for letter in said)


def test_what_nobody_translated_stays_as_it_is() -> None:
    assert in_chinese("无法读取（Level 3 reset）") == "无法读取（Level 3 reset）"


def test_an_error_is_a_chinese_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    why = os.strerror(errno.ENOENT)
    error = YimaError("a.bin", Text(f"cannot be read ({why})", f"无法读取（{why}）"), Text("Check it", "请检查"))
    monkeypatch.setenv("YIMA_LANG", "zh")
    assert str(error) == "a.bin: 无法读取（没有该文件或目录）。请检查。"
    monkeypatch.setenv("YIMA_LANG", "en")
    assert str(error) == "a.bin: cannot be read (No such file or directory). Check it."
