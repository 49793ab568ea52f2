"""The collector's document and its application agree: whatever the document allows is asked, and every answer is one
that it knows. schemathesis makes the cases; `make test-long` asks more (YIMA_SCHEMA_CASES)."""

import os
import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from hypothesis import HealthCheck, given, settings

from tests import entries
from tests.sdk.centre.fleet.at_work import AtWork, collector_at_work
from yima.sdk.centre.fleet.cases import open_cases
from yima.sdk.centre.fleet.verdicts import Examined
from yima.sdk.centre.interfaces.keys import Role, make_key

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import schemathesis
    from schemathesis.config import SchemathesisConfig
    from schemathesis.generation import GenerationMode
    from schemathesis.specs.openapi.checks import negative_data_rejection

CASES = int(os.environ.get("YIMA_SCHEMA_CASES", "20"))
# A cursor that was never handed out, a device that is not there: well formed, and refused.
CONFIG = """
[checks]
positive_data_acceptance.expected-statuses = ["2xx", "400", "401", "404", "409"]
negative_data_rejection.expected-statuses = ["400", "401", "404", "405", "409", "413", "422"]
"""
PATHS = {
    "/v1/batches": "POST", "/v1/uses": "POST", "/v1/devices/{device}/{epoch}": "GET", "/devices": "GET",
    "/health": "GET", "/ready": "GET", "/metrics": "GET", "/v1/fleet/versions": "GET", "/v1/fleet/duty": "GET",
    "/v1/fleet/records": "GET", "/v1/fleet/cases": "GET", "/v1/fleet/cases/{number}": "GET",
    "/v1/fleet/cases/{number}/settle": "POST", "/v1/fleet/devices/{device}/log": "GET",
    "/v1/fleet/devices/{device}/rotate": "POST", "/v1/fleet/devices/{device}/revoke": "POST",
    "/v1/fleet/devices/{device}/release": "POST",
}  # fmt: skip
ASKED = [*PATHS.items(), ("/v1/fleet/devices", "GET"), ("/v1/fleet/devices", "POST")]
# What devices send is signed bytes, of which the document says no more; the others take nothing that could be wrong.
NOTHING_WRONG = {
    "/v1/batches", "/v1/uses", "/v1/devices/{device}/{epoch}", "/devices", "/health", "/ready", "/metrics",
}  # fmt: skip
KEY: dict[str, str] = {}
EACH = max(1, CASES // len(ASKED))


@pytest.fixture(scope="module")
def at_work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AtWork]:
    folder = tmp_path_factory.mktemp("schema")
    _, KEY["Authorization"] = make_key(folder / "keys.toml", Role.OPERATOR, "99310001", since=20200101)
    KEY["Authorization"] = f"Bearer {KEY['Authorization']}"
    with collector_at_work(folder, bench=False, readers=folder / "keys.toml") as at_work:
        one = Examined("gate-1", 7, 1, bytes(32), entries.tap(), 5, "RECORD", "")
        with at_work.side.database.transaction() as rows:
            open_cases(rows, [(one, "")], now=5)
        yield at_work


@pytest.fixture(scope="module")
def schema(at_work: AtWork) -> Any:
    document = requests.get(f"{at_work.url}/openapi.json", headers=KEY, timeout=200).json()
    made = schemathesis.openapi.from_dict(document, config=SchemathesisConfig.from_str(CONFIG))
    made.config.update(base_url=at_work.url)
    return made


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("path", "method", "mode"),
    [(*one, "positive") for one in ASKED] + [(*one, "negative") for one in ASKED if one[0] not in NOTHING_WRONG],
)
def test_every_answer_is_one_that_the_document_knows(schema: Any, path: str, method: str, mode: str) -> None:
    cases = schema[path][method].as_strategy(generation_mode=GenerationMode(mode))
    seen = Counter[int]()

    @settings(max_examples=EACH, suppress_health_check=list(HealthCheck), deadline=None)
    @given(case=cases)
    def ask(case: Any) -> None:
        response = case.call(headers=KEY, timeout=200)
        sent = parse_qs(urlsplit(response.request.url).query, keep_blank_values=True)
        # A parameter that is an empty list is not sent, so what comes of it violates nothing.
        unsent = [negative_data_rejection] if set(case.query or ()) - set(sent) else []
        case.validate_response(response, headers=KEY, excluded_checks=unsent)
        seen[response.status_code] += 1

    ask()
    print(f"schemathesis: {method} {path} {mode} {dict(seen)}")
    assert sum(seen.values()) > 0
    assert 500 not in seen


def test_every_path_is_asked(schema: Any) -> None:
    found = {(operation.ok().path, operation.ok().method.upper()) for operation in schema.get_all_operations()}
    assert found == set(ASKED)
