"""What `yima run` is put together from."""

import argparse
from pathlib import Path

import pytest

from tests.running import make_bench
from yima.sdk.cli import run
from yima.sdk.cli.run_parts import add_upload_arguments, policy, validator_of
from yima.validator.journal.form import SEGMENT_SIZE
from yima.validator.journal.writing import SEGMENTS_MIN
from yima.validator.judging import GateContext, Mode
from yima.validator.parameters import load


def typed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_upload_arguments(parser)
    return parser.parse_args(words)


@pytest.mark.parametrize(
    ("words", "age_s"),
    [
        ((), 5.0),
        (("--replay-feed", "http://c"), 0.0),
        (("--batch-age", "2"), 2.0),
        (("--replay-feed", "http://c", "--batch-age", "2"), 2.0),
    ],
)
def test_what_other_gates_are_to_hear_of_does_not_wait_for_company(words: tuple[str, ...], age_s: float) -> None:
    assert policy(typed(*words)).age_s == age_s


def test_the_memory_has_room_for_others_only_where_there_are_others(tmp_path: Path) -> None:
    make_bench(tmp_path)
    parameters, gate = load(tmp_path / "city.toml"), GateContext(mode=Mode.BUS)
    alone = validator_of(typed(), parameters, gate).memory.most
    shared = validator_of(typed("--replay-feed", "http://c"), parameters, gate).memory.most
    assert shared > alone * 10


def test_a_limit_that_the_journal_cannot_keep_is_not_taken(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    run.add_arguments(parser)
    needed = ["--reader", "file:codes", "--params", "city.toml", "--state", "gate-7", "--journal-max-mb"]
    assert parser.parse_args([*needed, "6"]).journal_max_mb << 20 == SEGMENTS_MIN * SEGMENT_SIZE
    with pytest.raises(SystemExit):
        parser.parse_args([*needed, "5"])
    assert "a whole number from 6 to" in capsys.readouterr().err
