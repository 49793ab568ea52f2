"""Real fares are taken by signed parameters only: plain production parameters open no gate."""

from pathlib import Path

import pytest

from tests.running import good_code, make_bench, run_words
from yima.sdk.cli.main import main
from yima.validator.errors import ParametersError
from yima.validator.judging import Moment
from yima.validator.upkeep.parameters import PlainFile


@pytest.mark.parametrize("more", [[], ["--environment", "production"], ["--environment", "test"]])
def test_plain_production_parameters_open_no_gate(
    tmp_path: Path, more: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YIMA_LANG", "en")
    issuer = make_bench(tmp_path, environment="production")
    (tmp_path / "codes" / "1.bin").write_bytes(good_code(issuer))
    assert main(run_words(tmp_path, *more)) != 0
    said = capsys.readouterr()
    assert "OPEN" not in said.out
    assert "city.toml" in said.err
    assert "--trust" in said.err


def test_a_file_that_becomes_productions_while_a_gate_runs_is_not_taken(tmp_path: Path) -> None:
    make_bench(tmp_path)
    path = tmp_path / "city.toml"
    source = PlainFile(path)
    path.write_text(path.read_text().replace('"test"', '"production"'))
    with pytest.raises(ParametersError, match="--trust"):
        source.again(Moment.at(1_790_000_000))
    assert source.start(Moment.at(1_790_000_000)).environment == "test"


def test_test_parameters_ride(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    issuer = make_bench(tmp_path)
    (tmp_path / "codes" / "1.bin").write_bytes(good_code(issuer))
    assert main(run_words(tmp_path)) == 0
    assert "OPEN" in capsys.readouterr().out
