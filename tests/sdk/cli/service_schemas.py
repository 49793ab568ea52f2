"""The JSON Schemas of what `yima collect --json` and `yima resolver --json` print, for the tests that run them."""

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

_FOLDER = Path(__file__).parents[3] / "docs" / "operations"


def _of(name: str) -> tuple[dict[str, Any], Draft202012Validator]:
    schema = json.loads((_FOLDER / f"{name}-events.schema.json").read_text("utf-8"))
    return schema, Draft202012Validator(schema)


COLLECTOR_SCHEMA, COLLECTOR = _of("collector")
RESOLVER_SCHEMA, RESOLVER = _of("resolver")
