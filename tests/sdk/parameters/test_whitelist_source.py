"""The ministry's whitelist in a source directory: the known keep their home, the new need one."""

from datetime import date
from pathlib import Path

import pytest

from yima.sdk.parameters.whitelist_file import LAB_MINIMUM, WhitelistFile, WhitelistFileError, read_whitelist_file
from yima.sdk.parameters.whitelist_source import Taken, give_out, take_over
from yima.validator.errors import ParametersError

SERIAL = "0" * 24
LAB = WhitelistFile(issued=date(2024, 1, 31), serial=SERIAL, pairs=LAB_MINIMUM)
HOMES = {"00083010": 310000, "01011000": 0, "01523990": 320500, "09981001": 330200}
EDITED = """\
# ours, by hand
# second line
name,organisation,platform,modes,city
#12345679, asked again in May
"Suzhou, Ltd. 苏州",01523990,50023300,bus,320500
gone,12345678,12345678,,
"""
COLUMNS, ROW = "organisation;platform;city;name", "01523990;50023301;320500;苏州"


def pairs_of(path: Path) -> tuple[tuple[str, str], ...]:
    return give_out(path, LAB.issued, SERIAL).pairs


def test_a_new_source_takes_the_whole_list(tmp_path: Path) -> None:
    path = tmp_path / "whitelist.csv"
    assert take_over(path, LAB, HOMES) == Taken(came=tuple(sorted(HOMES)), went=(), changed=())
    assert path.read_text(encoding="utf-8").splitlines() == [
        "organisation,platform,city,modes,name",
        "00083010,50083010,310000,,",
        "01011000,01011000,,,",
        "01523990,50023301,320500,,",
        "09981001,50023301,330200,,",
    ]
    assert take_over(path, LAB, {}) == Taken(came=(), went=(), changed=())


def test_what_a_person_wrote_of_a_known_institution_stays(tmp_path: Path) -> None:
    path = tmp_path / "whitelist.csv"
    path.write_text(EDITED, encoding="utf-8")
    taken = take_over(path, LAB, HOMES | {"01523990": 999999})
    assert taken == Taken(came=("00083010", "01011000", "09981001"), went=("12345678",), changed=("01523990",))
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# ours, by hand\n# second line\n#12345679, asked again in May\norganisation,")
    assert '01523990,50023301,320500,bus,"Suzhou, Ltd. 苏州"\n' in text
    assert "12345678" not in text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_notes_stay_however_a_spreadsheet_has_written_them(tmp_path: Path, encoding: str) -> None:
    """Bugs found: a file in UTF-16, which a source may have, ended the command, and notes were lost that were quoted or
    stood further down."""
    path = tmp_path / "whitelist.csv"
    path.write_text(f'sep=;\n\n"# ours, by hand"\n＃ 手工\n{COLUMNS}\n# within\n{ROW}\n', encoding=encoding)
    taken = take_over(path, LAB, HOMES)
    assert "01523990" not in taken.came
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[:4] == ['"# ours, by hand"', "＃ 手工", "# within", "organisation,platform,city,modes,name"]
    assert "01523990,50023301,320500,,苏州" in lines
    assert pairs_of(path) == LAB.pairs


def test_a_new_institution_without_a_home_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "whitelist.csv"
    path.write_text(EDITED, encoding="utf-8")
    with pytest.raises(WhitelistFileError, match="2 new institutions without a city: 00083010, 09981001"):
        take_over(path, LAB, {"01011000": 0})
    assert path.read_text(encoding="utf-8") == EDITED
    assert list(tmp_path.iterdir()) == [path]


def test_what_was_taken_over_is_given_out_again(tmp_path: Path) -> None:
    take_over(tmp_path / "whitelist.csv", LAB, HOMES)
    given = give_out(tmp_path / "whitelist.csv", LAB.issued, SERIAL)
    assert given == LAB == read_whitelist_file(given.write(tmp_path))


def test_an_institution_with_two_platforms_does_not_fit_the_ministrys_file(tmp_path: Path) -> None:
    path = tmp_path / "whitelist.csv"
    path.write_text("organisation,platform\n00083010,50083010\n00083010,50083011\n")
    for call in (lambda: pairs_of(path), lambda: take_over(path, LAB, HOMES)):
        with pytest.raises(ParametersError, match="line 3, organisation: stands in line 2"):
            call()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParametersError, match="cannot be written"):
        take_over(tmp_path / "nowhere" / "whitelist.csv", LAB, HOMES)
