"""docs/operations: the schemas of the collector's and the resolver's lines know every event, and no member too many.

Real lines are held against them where the verbs run: test_device_verbs, test_resolver_verb.
"""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.sdk.cli.service_schemas import COLLECTOR, COLLECTOR_SCHEMA, RESOLVER, RESOLVER_SCHEMA
from yima.sdk.cli.collect_lines import line_of
from yima.sdk.resolver.app import BenchResolver
from yima.validator.ports import Answer

EXAMPLES: dict[str, dict[str, Any]] = {
    "listening": {"url": "http://127.0.0.1:8080", "store": "trips.db", "open": True, "judges": False},
    "device": {"device": "gate-7", "key": "02ab", "how": "enrolled"},
    "batch": {"device": "gate-7", "epoch": 1, "entries": 2, "acknowledged": 7, "rejected": {"6": "no entry"}},
    "flagged": {"case": 3, "kind": "verdict", "why": "differs", "tap": "gate-7/1/5", "fare_fen": 200},
    "refused": {"status": 401, "why": "unknown device"},
    "trouble": {"why": "the disk is full"},
    "stopped": {},
}


@pytest.mark.parametrize("schema", [COLLECTOR_SCHEMA, RESOLVER_SCHEMA])
def test_each_is_a_schema(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)


def test_the_collectors_knows_what_people_are_told_and_nothing_else() -> None:
    assert set(COLLECTOR_SCHEMA["$defs"]) == set(EXAMPLES)
    for event, members in EXAMPLES.items():
        line = {"event": event, **members}
        assert line_of(line)
        COLLECTOR.validate(line)
        for name in line:
            assert not COLLECTOR.is_valid({other: line[other] for other in line if other != name}), (event, name)
            assert not COLLECTOR.is_valid(line | {name: []}), (event, name)
        assert not COLLECTOR.is_valid(line | {"account": "31048700000000019999"})


def test_what_a_resolver_tells_of_a_bad_question_is_valid() -> None:
    told: list[dict[str, Any]] = []
    resolver = BenchResolver({}, default=Answer.REFUSE, delay_s=0, on_event=told.append)
    assert resolver._bad("no question", 400).status_code == 400
    [line] = told
    RESOLVER.validate(line)
    assert not RESOLVER.is_valid(line | {"token": "js:1"})
