"""The document and the application agree: whatever the document allows is asked, and every answer is one it knows.

schemathesis makes the cases, as /openapi.json describes them and otherwise, and holds every answer against it, over a
real connection to the region with interfaces. CASES are asked, less where a path has fewer; `make test-long` asks more
than 2,000 (YIMA_SCHEMA_CASES).
"""

import os
import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from hypothesis import HealthCheck, given, settings

from tests.sdk.centre.example.consents import FULL
from tests.sdk.centre.example.region_at_work import cleared_example
from tests.sdk.centre.interfaces.at_work import NOON, Copy, copied
from yima.sdk.centre.clearing.folder import CentreFolder
from yima.sdk.centre.interfaces.app import interfaces
from yima.sdk.serving import Serving

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import schemathesis
    from schemathesis.config import SchemathesisConfig
    from schemathesis.generation import GenerationMode
    from schemathesis.specs.openapi.checks import negative_data_rejection

CASES = int(os.environ.get("YIMA_SCHEMA_CASES", "46"))
# A cursor that was never handed out, and days the wrong way round, are well formed and refused: 400.
CONFIG = """
[checks]
positive_data_acceptance.expected-statuses = ["2xx", "400", "403", "404"]
negative_data_rejection.expected-statuses = ["400", "401", "403", "404", "405", "413", "414", "422", "431"]
"""
RIDES, FILE = "/v1/accounts/{account}/rides", "/v1/files/{day}/{name}"
# Who may ask for what, with parameters that are there; without: whatever the document allows.
ASKED: list[tuple[str, str, dict[str, Any]]] = [
    ("/v1/me", "city", {}), ("/v1/charges", "issuer", {}), ("/v1/records", "operator", {}),
    ("/v1/feedback", "operator", {}), ("/v1/reconciliation", "issuer", {}), ("/v1/statements", "issuer", {}),
    ("/v1/disputes", "operator", {}), ("/v1/net", "city", {}), ("/v1/sums", "city", {}), ("/v1/sums", "operator", {}),
    ("/v1/files/{day}", "issuer", {"day": "2026-09-08"}), ("/v1/files/{day}", "operator", {}),
    (FILE, "issuer", {"day": "2026-09-07", "name": "issued.csv"}), (FILE, "operator", {}),
    (RIDES, "issuer", {"account": FULL}), (RIDES, "service", {"account": FULL}), (RIDES, "service", {}),
    ("/v1/audit/bookings", "auditor", {}), ("/v1/audit/bookings", "clerk", {}), ("/v1/audit/reductions", "auditor", {}),
    ("/v1/audit/postings", "auditor", {}), ("/v1/audit/net", "auditor", {}), ("/v1/charges", "auditor", {}),
]  # fmt: skip
EACH = -(-CASES // len(ASKED) // 2)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return copied(cleared_example(tmp_path_factory), tmp_path_factory.mktemp("schema"))


@pytest.fixture(scope="module")
def url(copy: Copy) -> Iterator[str]:
    app = interfaces(CentreFolder(copy.folder), per_minute=10_000_000, now=lambda: NOON)
    with Serving(app) as service:
        yield service.url


@pytest.fixture(scope="module")
def schema(copy: Copy, url: str) -> Any:
    headers = {"Authorization": f"Bearer {copy.keys['auditor']}"}
    document = requests.get(f"{url}/openapi.json", headers=headers, timeout=200).json()
    made = schemathesis.openapi.from_dict(document, config=SchemathesisConfig.from_str(CONFIG))
    made.config.update(base_url=url)
    return made


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mode", ["positive", "negative"])
@pytest.mark.parametrize("case_of", ASKED, ids=lambda one: f"{one[0]}-{one[1]}")
def test_every_answer_is_one_that_the_document_knows(
    copy: Copy, schema: Any, case_of: tuple[str, str, dict[str, Any]], mode: str
) -> None:
    path, who, given_ = case_of
    headers = {"Authorization": f"Bearer {copy.keys[who]}"}
    operation = schema[path]["GET"]
    cases = operation.as_strategy(generation_mode=GenerationMode(mode), path_parameters=given_ or None)
    seen = Counter[int]()

    @settings(max_examples=EACH, suppress_health_check=list(HealthCheck), deadline=None)
    @given(case=cases)
    def ask(case: Any) -> None:
        response = case.call(headers=headers, timeout=200)
        sent = parse_qs(urlsplit(response.request.url).query, keep_blank_values=True)
        # A parameter that is an empty list is not sent, so what comes of it violates nothing.
        unsent = [negative_data_rejection] if set(case.query or ()) - set(sent) else []
        case.validate_response(response, headers=headers, excluded_checks=unsent)
        seen[response.status_code] += 1

    ask()
    print(f"schemathesis: {path} {who} {mode} {dict(seen)}")
    assert sum(seen.values()) > 0
    assert 500 not in seen


def test_every_path_is_asked(schema: Any) -> None:
    paths = {operation.ok().path for operation in schema.get_all_operations()}
    assert paths == {path for path, _, _ in ASKED}
