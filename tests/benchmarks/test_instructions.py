"""The instruction counts: what is comparable, what is growth, and that the record says how to renew it."""

import json
from pathlib import Path

import pytest

from benchmarks import core_instructions, instructions

RECORDED = {"fresh_key": 1_000_000, "known_issuer": 200_000, "whole_code": 1_500_000}


def test_growth_up_to_two_percent_passes_and_more_is_named() -> None:
    assert instructions.compare(RECORDED, RECORDED) == []
    assert instructions.compare(RECORDED, {path: count // 2 for path, count in RECORDED.items()}) == []
    assert instructions.compare(RECORDED, {path: count * 102 // 100 for path, count in RECORDED.items()}) == []
    grown = instructions.compare(RECORDED, RECORDED | {"known_issuer": 204_001})
    assert len(grown) == 1
    assert "known_issuer" in grown[0]


def test_the_record_names_its_origin_its_counts_and_how_to_renew_it() -> None:
    record = json.loads(instructions.RECORD.read_text())
    assert set(record["core"]["counts"]) == set(core_instructions.PATHS)
    assert {"architecture", "compiler", "flags"} <= set(record["core"]["origin"])
    assert "--renew" in record["renew"]


@pytest.mark.parametrize("part", ["architecture", "compiler", "flags"])
def test_another_origin_is_not_comparable_and_no_failure(
    part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    record = json.loads(instructions.RECORD.read_text())
    record["core"]["origin"] = core_instructions.origin() | {part: "another"}
    other = tmp_path / "instructions.json"
    other.write_text(json.dumps(record))
    monkeypatch.setattr(instructions, "RECORD", other)
    monkeypatch.setattr("sys.argv", ["instructions", "--check", "--only", "core"])
    assert instructions.main() == 0
    said = capsys.readouterr().out
    assert "not comparable" in said
    assert f"{part} another" in said


@pytest.mark.long
def test_two_counts_of_the_same_core_are_the_same_to_the_instruction(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    counted = core_instructions.count(first)
    assert counted == core_instructions.count(second)
    assert counted["known_issuer"] < counted["fresh_key"] < counted["whole_code"]


def test_without_valgrind_the_remedy_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None if name == "valgrind" else f"/usr/bin/{name}")
    monkeypatch.setattr("sys.argv", ["instructions"])
    assert instructions.main() == 2
    assert "apt-get install valgrind" in capsys.readouterr().err
