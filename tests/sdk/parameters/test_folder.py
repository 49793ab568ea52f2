"""What lies in a source directory: a slip of a file's name must not switch a rule off in silence."""

from pathlib import Path

import pytest

from yima.sdk.issuer import make_root
from yima.sdk.parameters.example import SOURCE, write_source
from yima.sdk.parameters.folder import BESIDE_FOLDERS, CSV_FILES, likely, look
from yima.sdk.parameters.source import read_source
from yima.validator.errors import ParametersError

SLIPS = {
    "acceptance.CSV": "acceptance.csv", "Deny.CSV": "deny.csv", "acceptance.csv.txt": "acceptance.csv",
    "deny.csv~": "deny.csv", ".deny.csv": "deny.csv", "fares.xlsm": "fares.csv", "deny.tsv": "deny.csv",
    "deny": "deny.csv", "deny.csv.bak": "deny.csv", "deny (1).csv": "deny.csv", "deny - 副本.csv": "deny.csv",
    "Copy of deny.csv": "deny.csv", "deny_old.csv": "deny.csv", "#deny.csv#": "deny.csv", ".deny.csv.swp": "deny.csv",
    "~$deny.xlsx": "deny.csv", ".~lock.deny.csv#": "deny.csv", "._deny.csv": "deny.csv", "黑名单.csv": "deny.csv",
    "fare.csv": "fares.csv", "Matrix_Network.csv": "matrix-network.csv", "matrix network.csv": "matrix-network.csv",
    "package.TOML": "package.toml", "package.toml.orig": "package.toml", ".whitelist.csv.new": "whitelist.csv",
}  # fmt: skip


@pytest.fixture
def city(tmp_path: Path) -> Path:
    write_source(tmp_path / "city")
    return tmp_path / "city"


@pytest.mark.parametrize(("slip", "meant"), SLIPS.items())
def test_a_slip_of_a_files_name_is_an_error_that_names_the_file_meant(city: Path, slip: str, meant: str) -> None:
    """A bug found: these were passed over, and a denied card opened the gate."""
    (city / slip).write_bytes((city / "deny.csv").read_bytes())
    with pytest.raises(ParametersError) as refused:
        read_source(city)
    assert refused.value.thing == str(city / slip)
    assert f"{meant} was likely meant" in refused.value.problem.en
    assert meant in refused.value.problem.zh
    assert meant in refused.value.remedy.en


@pytest.mark.parametrize("name", ["notes.csv", "Makefile", "old-tariff.pdf", "x.toml", ".env", "roots.bin"])
def test_what_nobody_knows_is_an_error_too(city: Path, name: str) -> None:
    (city / name).write_text("")
    with pytest.raises(ParametersError, match="no file of a parameter source") as refused:
        read_source(city)
    assert "deny.csv" in refused.value.remedy.en
    assert "README" in refused.value.remedy.zh


def test_a_folder_that_holds_roots_switches_no_rule_off(city: Path) -> None:
    """A bug found: what lay beside the roots was passed over, a deny-list too."""
    (city / "ca").mkdir()
    (city / "ca" / "roots.bin").write_bytes(make_root(2).certificate)
    with (city / "package.toml").open("a", encoding="utf-8") as file:
        file.write('[[roots]]\nfile = "ca/roots.bin"\n')
    assert sorted(read_source(city).rules.roots) == [1, 2]
    (city / "deny.csv").rename(city / "ca" / "deny.csv")
    with pytest.raises(ParametersError, match=r"nothing is read out of it, ca/deny\.csv neither"):
        read_source(city)


@pytest.mark.parametrize("file", [".", "./", "..", "/"])
def test_roots_that_are_no_file_are_named_by_their_key(city: Path, file: str) -> None:
    """A bug found: a dot ended in an IndexError."""
    package = (city / "package.toml").read_text(encoding="utf-8")
    (city / "package.toml").write_text(f'{package}\n[[roots]]\nfile = "{file}"\n', encoding="utf-8")
    with pytest.raises(ParametersError, match="cannot be read") as refused:
        read_source(city)
    assert refused.value.thing == f"{city / 'package.toml'}: roots.2.file"


def test_a_file_in_a_folder_is_an_error_that_names_it(city: Path) -> None:
    (city / "sub").mkdir()
    (city / "deny.csv").rename(city / "sub" / "deny.csv")
    with pytest.raises(ParametersError, match=r"nothing is read out of it, sub/deny\.csv neither") as refused:
        read_source(city)
    assert refused.value.thing == str(city / "sub")


def test_a_copy_beside_the_file_is_to_be_taken_out(city: Path) -> None:
    (city / "deny.csv.bak").write_text("")
    with pytest.raises(ParametersError, match="is there too: take this one out"):
        read_source(city)


def test_what_may_lie_beside_the_rules_is_told_and_passed_over(city: Path) -> None:
    for folder in BESIDE_FOLDERS:
        (city / folder).mkdir()
        (city / folder / "deny.csv").write_text("nonsense")
    for name in ("README", "README.md", "README.zh.md", ".gitignore", ".DS_Store", "signer.key", "city-1.ymp"):
        (city / name).write_text("nonsense")
    assert len(read_source(city).rules.deny) == 2


def test_files_that_the_package_names_are_known(city: Path) -> None:
    (city / "certificates").mkdir()
    (city / "roots.bin").write_text("")
    assert [error.thing for error in look(city)[1]] == [str(city / "certificates"), str(city / "roots.bin")]
    assert look(city, ["roots.bin", "certificates/of-2025.bin", ""])[1] == []


def test_every_slip_is_told_not_the_first(city: Path) -> None:
    for name in ("Deny.CSV", "fares.ods", "acceptance.csv~"):
        (city / name).write_text("")
    assert sorted(Path(error.thing).name for error in look(city)[1]) == ["Deny.CSV", "acceptance.csv~", "fares.ods"]


@pytest.mark.parametrize("name", [*(f"{name}.csv" for name in CSV_FILES), "package.toml", "matrix-network.csv"])
def test_a_good_name_is_likely_itself(name: str) -> None:
    assert likely(name) == name
    assert set(SOURCE) <= {*(f"{name}.csv" for name in CSV_FILES), "package.toml", "matrix-network.csv"}
