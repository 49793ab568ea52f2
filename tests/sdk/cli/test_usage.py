"""yima.sdk.cli.usage: what argparse says of a command line, in the language of the rest."""

import pytest

from yima.sdk.cli.main import main


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("inspect", "须给出其一：FILE --hex"),
        ("bench a b", "无法识别的参数：b"),
        ("bench --keep foo", "参数 --keep：无效取值"),
        ("bench --count", "参数 --count：需要一个值"),
        ("bench --count x", "请给出此范围内的整数"),
        ("params build", "缺少参数：DIR"),
        ("params", "缺少参数："),
    ],
)
def test_a_wrong_command_line_is_told_in_chinese(
    line: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("YIMA_LANG", "zh")
    assert main(line.split()) == 2
    told = capsys.readouterr().err
    assert told.startswith("用法：yima ")
    assert said in told
    assert "错误" in told


def test_in_english_argparse_speaks_for_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("YIMA_LANG", "en")
    assert main(["bench", "a", "b"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("usage: yima bench")
    assert told.endswith("yima bench: error: unrecognized arguments: b\n")


def test_the_heads_of_a_help_are_chinese_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("YIMA_LANG", "zh")
    assert main(["inspect", "--help"]) == 0
    told = capsys.readouterr().out
    assert "用法：" in told
    assert "选项：" in told
    assert "usage: " not in told
