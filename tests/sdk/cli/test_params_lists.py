"""`yima params whitelist` and `yima params roots`, as a person types them."""

from pathlib import Path

import openpyxl
import pytest

from yima.sdk.cli.main import main
from yima.sdk.issuer import RootAuthority, make_root
from yima.sdk.parameters.compile import compiled
from yima.sdk.parameters.source import read_source
from yima.sdk.parameters.whitelist_file import LAB_MINIMUM, read_whitelist_file

NAME = f"BCBN240131{'0' * 24}A"
HOMES = [word for pair in LAB_MINIMUM for word in ("--home", f"{pair[0]}=320500")]


@pytest.fixture
def source(tmp_path: Path, root: RootAuthority) -> Path:
    directory = tmp_path / "city"
    directory.mkdir()
    (tmp_path / "one.bin").write_bytes(root.certificate)
    (tmp_path / "two.hex").write_text(make_root(2).certificate.hex())
    (directory / "package.toml").write_text(
        'environment = "test"\nversion = 1\nnot_before = 2024-01-01\nexpiry = 2030-01-01\n'
        '[[roots]]\nfile = "roots.bin"\n'
    )
    return directory


def lab_file(directory: Path) -> Path:
    path = directory / NAME
    lines = ["01", f"{len(LAB_MINIMUM):06}{'F' * 20}", *("   ".join(pair) for pair in LAB_MINIMUM)]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_roots_and_whitelist_of_the_platform_become_a_source_that_builds(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [str(tmp_path / "one.bin"), str(tmp_path / "two.hex")]
    assert main(["params", "roots", *files, "-o", str(source / "roots.bin")]) == 0
    assert "2049-12" in capsys.readouterr().out
    assert main(["params", "whitelist", "import", str(lab_file(tmp_path)), str(source), *HOMES]) == 0
    assert "new 新增  00083010" in capsys.readouterr().out
    rules = compiled(read_source(source)).rules
    assert tuple((pair.organisation, pair.platform) for pair in rules.whitelist) == LAB_MINIMUM
    assert {pair.city for pair in rules.whitelist} == {320500}
    assert sorted(rules.roots) == [1, 2]


def test_a_sources_whitelist_goes_out_under_the_name_it_is_given(source: Path, tmp_path: Path) -> None:
    assert main(["params", "whitelist", "import", str(lab_file(tmp_path)), str(source), *HOMES]) == 0
    out = tmp_path / "out"
    out.mkdir()
    words = ["params", "whitelist", "export", str(source), "-o", str(out), "--day", "2024-01-31", "--serial", "0" * 24]
    assert main(words) == 0
    assert read_whitelist_file(out / NAME) == read_whitelist_file(tmp_path / NAME)


def test_a_whitelist_that_is_a_sheet_is_given_out_and_not_written_beside(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bug found: a whitelist.csv was written beside the sheet, every institution as if it were new, and the source
    built no more; and what the sheet says could not be given out."""
    (source / "package.toml").write_text(
        'environment = "test"\nversion = 1\nnot_before = 2024-01-01\nexpiry = 2030-01-01\n'
    )
    book = openpyxl.Workbook()
    for row in (("organisation", "platform", "city"), *((*pair, 320500) for pair in LAB_MINIMUM)):
        book.worksheets[0].append(row)
    book.worksheets[0].title = "whitelist"
    book.save(source / "city.xlsx")
    assert main(["params", "whitelist", "import", str(lab_file(tmp_path)), str(source), *HOMES]) == 6
    said = capsys.readouterr().err
    assert "city.xlsx/whitelist: is a sheet of a workbook, which is not written here" in said
    assert f"Save the sheet as {source / 'whitelist.csv'}" in said
    assert not (source / "whitelist.csv").exists()
    (tmp_path / "out").mkdir()
    words = ["export", str(source), "-o", str(tmp_path / "out"), "--day", "2024-01-31", "--serial", "0" * 24]
    assert main(["params", "whitelist", *words]) == 0
    assert read_whitelist_file(tmp_path / "out" / NAME).pairs == LAB_MINIMUM
    (source / "whitelist.csv").write_text("organisation,platform\n")
    assert main(["params", "whitelist", "import", str(tmp_path / NAME), str(source), *HOMES]) == 6
    assert "says the same table" in capsys.readouterr().err
    (source / "whitelist.csv").unlink()
    (source / "city.xlsx").write_bytes(b"PK")
    assert main(["params", "whitelist", "import", str(tmp_path / NAME), str(source), *HOMES]) == 6
    assert "no workbook" in capsys.readouterr().err
    assert main(["params", "whitelist", "import", str(tmp_path / NAME), str(tmp_path / "nowhere"), *HOMES]) == 6
    assert "nowhere: cannot be read" in capsys.readouterr().err


def test_what_cannot_be_used_is_named_and_ends_with_2(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lab_file(tmp_path)
    (tmp_path / "bad.bin").write_bytes(b"\xa0" * 144)
    for words, said in (
        (["whitelist", "import", str(tmp_path / NAME), str(source)], "without a city"),
        (["whitelist", "import", str(tmp_path / "one.bin"), str(source)], "the name is not BCBN"),
        (["roots", str(tmp_path / "bad.bin")], "its record header is a0"),
        (["roots", str(tmp_path / "one.bin"), "-o", str(tmp_path / "no" / "roots.bin")], "cannot be written"),
    ):
        assert main(["params", *words]) == 6
        assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["import", "FILE", "DIR", "--home", "00083010=31"],
        ["import", "FILE", "DIR", "--home", "0008301=310000"],
        ["export", "DIR", "-o", "OUT", "--day", "1999-01-01", "--serial", "0" * 24],
        ["export", "DIR", "-o", "OUT", "--day", "2024-02-30", "--serial", "0" * 24],
        ["export", "DIR", "-o", "OUT", "--day", "2024-01-31", "--serial", "7"],
    ],
)
def test_arguments_that_cannot_be_are_refused_at_once(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["params", "whitelist", *words]) == 2
    assert "error: argument --" in capsys.readouterr().err
