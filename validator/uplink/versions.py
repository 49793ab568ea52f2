"""What a device says of its software, parameters and deny-list with every batch, signed apart from the batch.

The statement is JSON in ASCII, keys in order, no blanks, so that the same says the same byte by byte:

    {"deny":{"issued_at":…,"version":…},"device":"…","form":1,"parameters":{"id":"<64 hex>","since":…,"version":…},
     "software":"…","waiting":[{"id":"<64 hex>","not_before":…,"version":…}, …]}

id: of the package, empty where the parameters are no package. since: when they came into force on the device. waiting:
what will come at its time, the first to come first. Times are unix seconds. It travels beside the batch (two headers of
its own) and is about the device, not about the entries: a collector keeps one as long as the device says the same, and
its signature proves later what was said. Whoever reads one treats its bytes as hostile: ValueError on anything else.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from yima.validator.outside import json_of
from yima.validator.packages import Label
from yima.validator.ports import DEVICE

VERSIONS_HEADER = "X-Yima-Versions"
VERSIONS_SIGNATURE_HEADER = "X-Yima-Versions-Signature"
STATEMENT_MAX = 4096
_PURPOSE = b"yima versions 1\n"  # no signature under a batch is one under a statement
_ID = re.compile(r"(?:[0-9a-f]{64})?")
_SOFTWARE = re.compile(r"[\x21-\x7e]{1,64}")
_INT64 = (1 << 63) - 1
_WAITING_MOST = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """A statement. parameters_id: 32 bytes, empty of what is no package; since, deny_issued_at: unix seconds."""

    device: str
    software: str
    parameters: int
    parameters_id: bytes = b""
    since: int = 0
    waiting: tuple[Label, ...] = ()
    deny: int = 0
    deny_issued_at: int = 0


def encode_versions(said: Versions) -> bytes:
    """The statement's bytes."""
    content = {
        "form": 1,
        "device": said.device,
        "software": said.software,
        "parameters": {"version": said.parameters, "id": said.parameters_id.hex(), "since": said.since},
        "waiting": [{"version": one.version, "id": one.id.hex(), "not_before": one.not_before} for one in said.waiting],
        "deny": {"version": said.deny, "issued_at": said.deny_issued_at},
    }
    return json.dumps(content, separators=(",", ":"), sort_keys=True).encode("ascii")


def signed_bytes(statement: bytes) -> bytes:
    """What the device signs."""
    return _PURPOSE + statement


def parse_versions(statement: bytes) -> Versions:
    """Reads a statement. Raises ValueError on anything that encode_versions would not write."""
    if len(statement) > STATEMENT_MAX:
        raise ValueError(f"a statement has at most {STATEMENT_MAX} bytes")
    try:
        content = json_of(statement.decode("ascii"))
    except ValueError as error:
        raise ValueError("a statement is JSON in ASCII") from error
    outer = _object(content, {"form", "device", "software", "parameters", "waiting", "deny"})
    parameters = _object(outer["parameters"], {"version", "id", "since"})
    deny = _object(outer["deny"], {"version", "issued_at"})
    rows = outer["waiting"]
    if outer["form"] != 1 or not isinstance(rows, list) or len(rows) > _WAITING_MOST:
        raise ValueError("of another form")
    waiting = [_object(row, {"version", "id", "not_before"}) for row in rows]
    said = Versions(
        device=_text(outer["device"], DEVICE),
        software=_text(outer["software"], _SOFTWARE),
        parameters=_number(parameters["version"]),
        parameters_id=bytes.fromhex(_text(parameters["id"], _ID)),
        since=_number(parameters["since"]),
        waiting=tuple(
            Label(_number(row["version"]), bytes.fromhex(_text(row["id"], _ID)), _number(row["not_before"]))
            for row in waiting
        ),
        deny=_number(deny["version"]),
        deny_issued_at=_number(deny["issued_at"]),
    )
    if encode_versions(said) != statement:
        raise ValueError("not as a device writes it")
    return said


def _object(value: Any, keys: set[str]) -> Mapping[str, Any]:
    if not isinstance(value, dict) or value.keys() != keys:
        raise ValueError(f"an object with {', '.join(sorted(keys))}")
    return value


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= _INT64:
        raise ValueError("a whole number")
    return value


def _text(value: Any, form: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise ValueError("a text of another form")
    return value
