"""Set-up sheets of modules: found by name, honest about what was tried; their commands reach a module as they are."""

import binascii
import contextlib
import socket

import pytest

from tests.validator.readers.test_serial_dialogue import module, received
from yima.sdk.bench.sheets import SHEETS, Sheet, address, sheet
from yima.sdk.cli.main import main
from yima.validator.errors import ReaderError
from yima.validator.ports import open_reader


def test_a_sheet_is_found_by_its_name_and_by_its_modules(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--sheet"]) == 0
    known = capsys.readouterr().out
    assert all(one.name in known for one in SHEETS)
    assert main(["bench", "--sheet", "EM3096"]) == 0
    told = capsys.readouterr().out
    assert "4E 4C 53 30 30 30 36 30 31 30 3B" in told
    assert "nothing of this was tried" in told
    assert main(["bench", "--sheet", "abacus"]) == 2
    assert "no set-up sheet is known for it" in capsys.readouterr().err
    assert sheet("") is None


@pytest.mark.parametrize("one", SHEETS, ids=lambda one: one.name)
def test_every_command_has_its_source_and_every_text_both_languages(one: Sheet) -> None:
    assert all(setting.source for setting in one.settings if setting.command)
    assert all(setting.what.en and setting.what.zh for setting in one.settings)


def test_a_command_reaches_the_module_by_the_address_that_is_told() -> None:
    gm65 = next(one for one in SHEETS if one.name == "gm65")
    for setting in gm65.settings[1:3]:  # one that asks, and one that sets
        heard: list[bytes] = []

        def talk(connection: socket.socket, size: int = len(setting.command), to: list[bytes] = heard) -> None:
            to.append(received(connection, size))

        with module(talk) as place:
            told = address(gm65, setting).replace("PORT", place)
            # The module hangs up when it has heard enough.
            with contextlib.suppress(ReaderError), contextlib.closing(open_reader(told)) as reader:
                reader.read(0.01)
        assert heard == [setting.command]


def test_the_sums_in_a_gm65s_commands_are_crcs() -> None:
    gm65 = next(one for one in SHEETS if one.name == "gm65")
    summed = [setting.command for setting in gm65.settings if setting.command[-2:] not in (b"", b"\xab\xcd")]
    assert len(summed) == 2
    assert all(binascii.crc_hqx(command[2:-2], 0) == int.from_bytes(command[-2:]) for command in summed)
