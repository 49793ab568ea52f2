"""Every warning: what brings it, that the example has none of it, and how a source silences it."""

import json
from pathlib import Path

import pytest

from yima.sdk.cli.main import main
from yima.sdk.parameters.compile import open_any
from yima.sdk.parameters.example import SOURCE, write_source
from yima.sdk.parameters.lint import NAMES, findings
from yima.sdk.parameters.lint_fares import uncovered
from yima.validator.errors import ParametersError

NOW = 1_790_000_000  # 2026-09-21
PACKAGE, FARES = SOURCE["package.toml"], SOURCE["fares.csv"]
CELLS = "x,101,205,309\n101,2,3,5\n205,3,2,4\n309,5,4,2\n"
ROOT = PACKAGE[PACKAGE.index("[[roots]]") : PACKAGE.index("[[time_shifts]]")]
BUS_ONLY = "rule,mode,kind,fen\na,bus,flat,200\n"

# What is changed in the example; None: the file is taken away.
BRINGS: dict[str, dict[str, str | None]] = {
    "expired": {"package.toml": PACKAGE.replace("2027-01-01", "2026-09-01")},
    "lists-in-the-future": {"package.toml": PACKAGE.replace("lists_issued = 2026", "lists_issued = 2029")},
    "lists-too-old": {"package.toml": PACKAGE.replace("[limits]\n", "[limits]\nlists_max_age_s = 86400\n")},
    "lists-old-soon": {"package.toml": PACKAGE.replace("[limits]\n", "[limits]\nlists_max_age_s = 22889600\n")},
    "no-roots": {"package.toml": PACKAGE.replace(ROOT, "")},
    "root-expired": {"package.toml": PACKAGE.replace("index = 1\n", 'index = 1\nexpires = "2025-12"\n')},
    "unknown-root": {"revoked.csv": "root,serial\n9,000001\n"},
    "no-institutions": {"whitelist.csv": None},
    "no-deny-list": {"deny.csv": None},
    "other-city": {"package.toml": PACKAGE.replace("city = 320500", "city = 310000")},
    "nobody-accepted": {"acceptance.csv": "riding_city,issuer_city\n"},
    "own-riders-refused": {"acceptance.csv": "riding_city,issuer_city\n320500,310000\n"},
    "issuer-nobody-accepts": {"acceptance.csv": "riding_city,issuer_city\n320500,320500\n"},
    "family-not-judged": {
        "acceptance.csv": SOURCE["acceptance.csv"].replace("from,to", "from,to,family") + "320500,,310000,,,suishen\n"
    },
    "family-nobody-accepts": {"acceptance.csv": "riding_city,issuer_city,family\n320500,320500,suishen\n"},
    "no-decoder": {"decoders.csv": None},
    "account-type-refused": {"concessions.csv": "rule,account_type,percent\na,0x42,50\n"},
    "loose-group": {"groups.csv": None},
    "no-fare": {"fares.csv": BUS_ONLY, "matrix-network.csv": None, "stages.csv": None},
    "fare-gap": {"fares.csv": FARES.replace("320500,,,,flat", "320500,,2026-02-01,,flat")},
    "in-yuan": {"matrix-network.csv": CELLS},
    "dear-fare": {"fares.csv": FARES.replace("200", "20000")},
    "entry-cap-below-fare": {"journeys.csv": "rule,mode,entry_cap_fen\na,metro,200\n"},
    "unused-table": {"matrix-other.csv": CELLS.replace("2", "200")},
    "never-holds": {"fares.csv": FARES + "old,bus,,,2019-01-01,2020-01-01,flat,100,\n"},
    "missing-cell": {"matrix-network.csv": SOURCE["matrix-network.csv"].replace("500", "")},
    "calendar-ends": {
        "package.toml": PACKAGE.replace("2027-01-01", "2027-02-01"),
        "calendar.csv": "kind,weekdays,from\nwork,mon-sun,\nrest,,2026-10-01\n",
    },
    "no-entry-time": {
        "bands.csv": "band,from,to\nearly,00:00,07:00\n",
        "concessions.csv": "rule,bands,by,percent\na,early,entry,50\n",
        "decoders.csv": SOURCE["decoders.csv"].replace("7,2,bcd,0,bcd", "7,2,bcd,,"),
    },
    "unused-time": {"bands.csv": "band,from,to\nearly,00:00,07:00\n"},
    "line-without-stations": {"fares.csv": FARES + "bus-9,bus,320500,9,,,stages,,k1\n"},
    "beyond-stages": {"stages.csv": "table,up_to_m,fen\nk1,10000,100\n"},
    "uneven-matrix": {"matrix-network.csv": SOURCE["matrix-network.csv"].replace("309,500,", "309,400,")},
    "one-fare": {"matrix-network.csv": "x,101,205,309\n101,200,200,200\n205,200,200,200\n309,200,200,200\n"},
    "split-cheaper": {"matrix-network.csv": "x,101,205,309\n101,200,900,300\n205,900,200,400\n309,300,400,200\n"},
    "same-metres": {"stations.csv": SOURCE["stations.csv"].replace("24000", "9500")},
    "same-name": {"stations.csv": SOURCE["stations.csv"].replace("钟南街", "乐桥")},
    "unknown-line": {"concessions.csv": "rule,riding_city,line,mode,percent\na,320500,77,bus,50\n"},
    "stages-fall": {"stages.csv": "table,up_to_m,fen\nk1,10000,300\nk1,rest,100\n"},
    "free-fare": {"fares.csv": FARES.replace("flat,200,", "flat,0,")},
    "percent-below-one": {"concessions.csv": "rule,account_type,percent\na,2,0.5\n"},
    "free-for-all": {"concessions.csv": "rule,percent\nall,0\n"},
    "no-reduction": {"concessions.csv": "rule,mode,riding_city,fen\na,bus,320500,900\n"},
    "concession-gap": {
        "concessions.csv": "rule,account_type,from,to,percent\na,2,,2026-06-30,0\na,2,2026-07-01,,0\n"
    },
    "never-over-time": {"journeys.csv": "rule,mode,city,over_time_fen\ns,metro,320500,200\n"},
    "short-journey": {"journeys.csv": "rule,mode,city,longest_s,over_time_fen\ns,metro,320500,4,200\n"},
    "short-validity": {"package.toml": PACKAGE.replace("[limits]\n", "[limits]\nmax_validity_s = 20\n")},
    "no-shifted-days": {"calendar.csv": "kind,weekdays,from,to\nw,mon-fri,,\nr,sat sun,,\nr,,2026-10-01,2026-10-08\n"},
    "unknown-station": {"stations.csv": SOURCE["stations.csv"] + "metro,320500,,310,,新站\n"},
}  # fmt: skip


def source(tmp_path: Path, changed: dict[str, str | None]) -> Path:
    directory = tmp_path / "city"
    write_source(directory)
    for name, content in changed.items():
        if content is None:
            (directory / name).unlink()
        else:
            (directory / name).write_text(content)
    return directory


def names(directory: Path) -> set[str]:
    return {finding.name for finding in findings(open_any(directory), NOW)}


def test_every_warning_has_a_case() -> None:
    assert set(BRINGS) == set(NAMES)


@pytest.mark.parametrize("name", BRINGS)
def test_a_mistake_brings_its_warning_in_both_languages(tmp_path: Path, name: str) -> None:
    directory = source(tmp_path, BRINGS[name])
    found = [finding for finding in findings(open_any(directory), NOW) if finding.name == name]
    assert found
    for finding in found:
        assert finding.text.en.isprintable()
        assert not finding.text.zh.isascii()
        assert finding.remedy.en != finding.remedy.zh
    assert [f.level for f in findings(open_any(directory), NOW)] == sorted(
        (f.level for f in findings(open_any(directory), NOW)), reverse=True
    )


def test_the_example_has_no_warning(tmp_path: Path) -> None:
    assert names(source(tmp_path, {})) == set()


def test_the_level_decides_the_status_and_a_reason_silences(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory = source(tmp_path, BRINGS["dear-fare"])
    lint = ["params", "lint", str(directory), "--at", "2026-09-21"]
    assert main(lint) == 1
    assert main([*lint, "--fail-on", "serious"]) == 1
    assert main([*lint, "--fail-on", "never"]) == 0
    (directory / "package.toml").write_text(PACKAGE + '\n[lint]\ndear-fare = "an airport line"\n')
    capsys.readouterr()
    assert main([*lint, "--fail-on", "note"]) == 0
    assert "dear-fare]: an airport line" in capsys.readouterr().out
    assert main([*lint, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["name"], row["silenced"], row["level"]) == ("dear-fare", "an airport line", "serious")


@pytest.mark.parametrize("table", ['dear-fares = "x"', 'dear-fare = ""', "dear-fare = true"])
def test_a_slip_in_silencing_is_an_error(tmp_path: Path, table: str) -> None:
    with pytest.raises(ParametersError, match=r"lint\.dear-fare"):
        open_any(source(tmp_path, {"package.toml": f"{PACKAGE}\n[lint]\n{table}\n"}))


def test_a_gap_is_what_no_row_covers() -> None:
    assert uncovered([(0, 10), (5, 20)], 0, 20) == []
    assert uncovered([(5, 8), (10, 12)], 0, 20) == [(0, 5), (8, 10), (12, 20)]
    assert uncovered([(0, 5), (30, 40)], 10, 20) == [(10, 20)]
    assert uncovered([], 3, 9) == [(3, 9)]
