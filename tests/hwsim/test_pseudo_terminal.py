"""The name of a simulated line: it takes nothing away that is not a line's, and nothing that is another's by now."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from yima.hwsim.pseudo_terminal import Name, PseudoTerminal


@pytest.fixture
def lines() -> Iterator[tuple[PseudoTerminal, PseudoTerminal]]:
    pair = PseudoTerminal("scanner"), PseudoTerminal("scanner")
    yield pair
    for line in pair:
        line.close()


def test_a_name_leads_to_its_line_and_goes_with_it(
    lines: tuple[PseudoTerminal, PseudoTerminal], tmp_path: Path
) -> None:
    name = Name(tmp_path / "scanner", lines[0].path)
    assert (tmp_path / "scanner").readlink() == Path(lines[0].path)
    for _ in range(2):
        name.remove()
        assert list(tmp_path.iterdir()) == []


def test_a_file_a_folder_and_a_strangers_link_stay_as_they_are(
    lines: tuple[PseudoTerminal, PseudoTerminal], tmp_path: Path
) -> None:
    file, folder, port, loose = (tmp_path / name for name in ("file", "folder", "by-id", "loose"))
    file.write_text("the only copy", encoding="utf-8")
    folder.mkdir()
    port.symlink_to(file)
    loose.symlink_to(tmp_path / "unplugged")
    for taken in (file, folder, port, loose):
        with pytest.raises(FileExistsError) as refused:
            Name(taken, lines[0].path)
        assert refused.value.filename == str(taken)
    assert file.read_text(encoding="utf-8") == "the only copy"
    assert (port.readlink(), loose.readlink()) == (file, tmp_path / "unplugged")


def test_a_name_that_a_killed_program_left_is_taken_over_and_one_that_was_taken_over_stays(
    lines: tuple[PseudoTerminal, PseudoTerminal], tmp_path: Path
) -> None:
    link = tmp_path / "scanner"
    first = Name(link, lines[0].path)
    lines[0].close()
    second = Name(link, lines[1].path)
    first.remove()
    assert link.readlink() == Path(lines[1].path)
    second.remove()
    assert not link.is_symlink()
