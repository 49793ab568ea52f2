"""What a live board is given places for: one that is taken is named, in either language, and left as it is."""

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.hwsim.board.boards import board_on
from yima.hwsim.board.emulator import Board
from yima.hwsim.board.errors import BoardError
from yima.hwsim.board.layout import SCANNER, STATION
from yima.hwsim.board.workshop import Firmware, equip
from yima.sdk.cli.main import main
from yima.validator.errors import YimaError


@pytest.fixture
def board(tmp_path: Path, firmware: Firmware) -> Iterator[Board]:
    """Has power, and a folder of its own for what it is told to make."""
    (tmp_path / "bench").mkdir()
    equip(tmp_path / "flash", firmware.image, None)
    with board_on(tmp_path / "flash") as made:
        made.power_on()
        yield made


def _refusal(live: Callable[[], object]) -> YimaError:
    with pytest.raises(BoardError) as refused:
        live()
    return refused.value


def test_a_link_is_put_where_nothing_lies_and_what_lies_there_stays(board: Board, tmp_path: Path) -> None:
    kept, free = tmp_path / "bench" / "codes.bin", tmp_path / "bench" / "station"
    kept.write_bytes(b"a code")
    error = _refusal(lambda: board.live(lambda _: False, links={STATION: free, SCANNER: kept}))
    assert error.thing == str(kept)
    assert os.strerror(17) in error.problem.en and error.problem.zh.startswith("无法使用")
    assert kept.read_bytes() == b"a code"
    assert list(kept.parent.iterdir()) == [kept], "nor does a link stay that was made before"
    assert board.live(lambda _: False, links={STATION: free}).state == "off"


def test_a_folder_that_is_not_there_is_named_by_the_links_own_path(board: Board, tmp_path: Path) -> None:
    lost = tmp_path / "gone" / "scanner"
    assert _refusal(lambda: board.live(lambda _: False, links={SCANNER: lost})).thing == str(lost)


def test_a_control_socket_that_another_board_has_is_named_and_leaves_no_link(board: Board, tmp_path: Path) -> None:
    path, link = tmp_path / "bench" / "control", tmp_path / "bench" / "scanner"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.bind(str(path))
        other.listen()
        error = _refusal(lambda: board.live(lambda _: False, links={SCANNER: link}, control=path))
    assert error.thing == str(path)
    assert "another board listens there" in error.problem.en and "已有其他板卡" in error.problem.zh
    assert not link.is_symlink()


@pytest.mark.parametrize(
    ("first", "second"), [("scanner=a", "scanner=b"), ("scanner=a", "station=a"), ("scanner=a", "station=x/../a")]
)
def test_a_link_to_two_lines_and_two_links_to_a_line_are_refused(
    first: str, second: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first of them used to go without a word."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x").mkdir()
    assert main(["board", "run", "--link", first, "--link", "status=c", "--link", second]) == 2
    assert f"{first} and {second} exclude each other" in capsys.readouterr().err
    monkeypatch.setenv("YIMA_LANG", "zh")
    assert main(["board", "run", "--link", first, "--link", second]) == 2
    assert f"{first} 与 {second} 不能同时指定" in capsys.readouterr().err
