"""docs/operations/events.schema.json: lines of `yima run --json` are valid under it; it knows no other event."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from yima.sdk.cli.main import main
from yima.sdk.tap_lines import notice_as_mapping
from yima.validator.errors import ReaderError
from yima.validator.guarding.lines import lost_as_json
from yima.validator.happenings import Happening, Notice
from yima.validator.judging import Direction, GateContext, Mode, Moment, Reason
from yima.validator.judging.loop import GateAnswer
from yima.validator.packages import Label
from yima.validator.texts import Text

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "operations" / "events.schema.json").read_text("utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)
ERROR = ReaderError("serial:/dev/ttyUSB0", Text("is gone", "已断开"), Text("Plug it in", "请接好"))
MORE: dict[Happening, dict[str, Any]] = {
    Happening.ACKNOWLEDGED: {"through": 7},
    Happening.OLDER_JOURNAL_SENT: {"through": 7, "rejected": {3: "unknown device"}},
    Happening.QUARANTINED: {"through": 7, "rejected": {3: "unknown device"}},
    Happening.PARAMETERS_CHANGED: {"version": 4, "waiting": (Label(5, bytes(32), 1_790_000_000),)},
    Happening.DENY_LIST_CHANGED: {"version": 4},
    Happening.SERVICE: {"reason": Reason.NO_FARE},
    Happening.CLOCK: {"moment": Moment(unix_s=1_790_000_000, trusted=False, tick_ms=0), "expected": 1_790_000_060},
    Happening.REVERSED: {"tap": 5, "gate": GateAnswer.FAILED},
    Happening.PASSAGE: {"tap": 5, "gate": GateAnswer.NOT_PASSED},
    Happening.PLACE: {"place": GateContext(mode=Mode.BUS, line=101, station=7, direction=Direction.EXIT)},
    Happening.PLACE_UNKNOWN: {"place": GateContext(mode=Mode.BUS)},
}


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What a real run says of two good codes, one twice, and one that is none."""
    bench = tmp_path_factory.mktemp("bench")
    codes = bench / "codes"
    assert main(["issue", "--out", str(codes), "--count", "2"]) == 0
    (codes / "code-003.bin").write_bytes((codes / "code-002.bin").read_bytes())
    (codes / "note.txt").write_text("no code")
    words = ["--reader", f"file:{codes}", "--params", str(codes / "params.toml"), "--state", str(bench / "state")]
    command = [sys.executable, "-m", "yima.sdk.cli.main", "run", *words, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_what_a_run_says_is_valid(lines: list[dict[str, Any]]) -> None:
    assert {"started", "tap", "stopped"} <= {line["event"] for line in lines}
    assert {line["accepted"] for line in lines if line["event"] == "tap"} == {True, False}
    for line in lines:
        VALIDATOR.validate(line)


@pytest.mark.parametrize("happening", Happening)
def test_every_notice_is_valid(happening: Happening) -> None:
    error = ERROR if str(happening).endswith(("trouble", "lost")) else None
    VALIDATOR.validate(notice_as_mapping(Notice(happening=happening, error=error, **MORE.get(happening, {}))))


def test_lines_that_were_dropped_are_told_validly() -> None:
    VALIDATOR.validate(json.loads(lost_as_json(3)))


def test_it_knows_no_event_that_does_not_exist() -> None:
    events = [one["properties"]["event"] for one in SCHEMA["$defs"].values()]
    known = [name for event in events for name in event.get("enum", [event.get("const")])]
    assert sorted(known) == sorted([*map(str, Happening), "started", "tap", "stopped", "lines_dropped"])


def test_a_member_too_many_too_few_or_of_another_type_is_not_valid(lines: list[dict[str, Any]]) -> None:
    tap = next(line for line in lines if line["event"] == "tap")
    for name in tap:
        assert not VALIDATOR.is_valid({other: tap[other] for other in tap if other != name}), name
        assert not VALIDATOR.is_valid(tap | {name: {}}), name
    assert not VALIDATOR.is_valid(tap | {"account": "31048700000000019999"})
