"""Makes the vectors of entries, tests/vectors/facts: `python tests/vectors/make_facts.py`.

They are built by the SDK's description (construct) alone; the core's readers have no part in making them. Nothing in
them belongs to a rider.
"""

import json
from pathlib import Path
from typing import Any

from yima.sdk.layouts_facts import entry_bytes
from yima.sdk.sm2 import sm3

FOLDER = Path(__file__).parent / "facts"
NOW = 1_780_000_000
HEAD: dict[str, Any] = {"at": NOW, "trust": 1, "run": 7, "tick_ms": 86_400_123}

TAP: dict[str, Any] = {
    "reason": 0,
    "family": 1,
    "mode": 1,
    "direction": 0,
    "transaction": 0,
    "vouched": 0,
    "account_type": 1,
    "city": 320500,
    "operator_id": 91310000,
    "line": 7,
    "station": 0,
    "issuer_city": 310000,
    "gross_fen": 200,
    "fare_fen": 200,
    "parameters_version": 12,
    "parameters_digest": bytes(range(16)),
    "deny_version": 0,
    "digest": bytes(range(100, 132)),
    "account": bytes.fromhex("3104123456789012345f"),
    "cut_from": 0,
    "good_until": NOW + 60,
    "entry_at": 0,
    "entry_station": 0,
    "entry_line": 0,
    "rule_count": 1,
    "rules": [{"number": 1, "kind": 1, "funder": 0, "fen": 200, "funder_id": 0}],
    "names": [{"length": 8, "text": b"bus-flat"}],
}
EXIT = TAP | {
    "mode": 2,
    "direction": 2,
    "transaction": 3,
    "line": 1,
    "station": 12,
    "gross_fen": 500,
    "fare_fen": 450,
    "deny_version": 20260501,
    "entry_at": NOW - 20_000,
    "entry_station": 3,
    "entry_line": 1,
    "rule_count": 3,
    "rules": [
        {"number": 2, "kind": 1, "funder": 0, "fen": 500, "funder_id": 0},
        {"number": 9, "kind": 2, "funder": 2, "fen": -250, "funder_id": 310000},
        {"number": 11, "kind": 3, "funder": 0, "fen": 200, "funder_id": 0},
    ],
    "names": [
        {"length": 14, "text": b"metro-distance"},
        {"length": 11, "text": b"senior-half"},
        {"length": 16, "text": b"suzhou-over-time"},
    ],
}
REFUSED = TAP | {
    "reason": 10,
    "family": 0,
    "account_type": 0,
    "issuer_city": 0,
    "gross_fen": 0,
    "fare_fen": 0,
    "digest": bytes(32),
    "account": bytes(10),
    "good_until": 0,
    "rule_count": 0,
    "rules": [],
    "names": [],
}
POSTER = bytes(at * at % 251 for at in range(2953))
CUT = REFUSED | {"cut_from": len(POSTER)}
OUTCOME = {"tap": 41, "result": 4, "reverses": 1, "code": bytes(range(100, 132))}
STEP = {"event": 1, "expected": NOW, "found": NOW - 86_400}
NOTE = {"note": 1, "a": 12, "b": 0}

GOOD: dict[str, tuple[str, int, dict[str, Any], bytes, dict[str, Any]]] = {
    "tap-bus": ("a bus ride at the flat fare", 1, TAP, b"record", HEAD),
    "tap-over-time-exit": ("an exit with a concession and a surcharge", 1, EXIT, b"record", HEAD),
    "tap-refused": ("bytes of no family, by a clock that nobody trusts", 1, REFUSED, b"?", HEAD | {"trust": 0}),
    "tap-cut": ("a poster, kept as its first bytes and its SM3", 1, CUT, POSTER[:368] + sm3(POSTER), HEAD),
    "tap-before-1970": ("a clock before 1970, no body", 1, REFUSED, b"", HEAD | {"at": -1, "trust": 0}),
    "outcome-failed": ("a gate that did not open: the ride is void", 2, OUTCOME, b"", HEAD),
    "time-stepped": ("a clock that jumped back a day", 3, STEP, b"", HEAD | {"trust": 0}),
    "time-set": ("an operator set the clock", 3, STEP | {"event": 3}, b"desk 4", HEAD),
    "note-parameters": ("parameters came into force", 4, NOTE, "参数 12".encode(), HEAD),
}

# What to spoil in which good entry: (offset, bytes to put there), or None to cut so many bytes off.
BAD: dict[str, tuple[str, str, int, bytes | None]] = {
    "bad-form": ("a form that is not known", "tap-bus", 2, b"\3"),
    "bad-form-whole": ("the form of a cut body, and a whole one", "tap-refused", 2, b"\2"),
    "bad-form-note": ("the form of a cut body, and no tap", "note-parameters", 2, b"\2"),
    "bad-form-cut": ("a cut body in the form of whole ones", "tap-cut", 2, b"\1"),
    "bad-cut-accepted": ("an accepted tap whose body is cut", "tap-cut", 32, b"\0\0"),
    "bad-cut-short": ("cut from what is kept whole", "tap-cut", 130, b"\1\x90"),
    "bad-cut-body": ("a cut body of another size", "tap-cut", 507, None),
    "bad-kind": ("a kind that is not known", "note-parameters", 3, b"\5"),
    "bad-trust": ("trust that is neither", "tap-bus", 12, b"\2"),
    "bad-zeros": ("bytes that must be zero", "tap-bus", 145, b"\1"),
    "bad-size-short": ("a size below the fixed part", "outcome-failed", 0, b"\0\x4b"),
    "bad-size-long": ("a size beyond the entry", "note-parameters", 0, b"\xff\xff"),
    "bad-rule-count": ("more rules than there are", "tap-bus", 144, b"\2"),
    "bad-rule-kind": ("a rule of no kind", "tap-bus", 150, b"\0"),
    "bad-funder": ("a funder that is not known", "tap-over-time-exit", 163, b"\5"),
    "bad-name": ("a name with a space", "tap-bus", 165, b" "),
    "bad-outcome-body": ("an outcome with a body", "outcome-failed", 76, b"?"),
    "bad-note-zero": ("a note without a number", "note-parameters", 32, b"\0\0"),
    "bad-cut": ("cut off within its facts", "tap-bus", 12, None),
}


def vectors() -> dict[str, dict[str, Any]]:
    """Every vector by its file's name."""
    entries = {name: entry_bytes(kind, of, body, **head) for name, (_, kind, of, body, head) in GOOD.items()}
    made: dict[str, dict[str, Any]] = {}
    for name, (title, kind, of, body, head) in GOOD.items():
        said = {"kind": kind} | head | {key: value for key, value in of.items() if key not in ("rules", "names")}
        if kind == 1:
            said["rules"] = [
                rule | {"name": found["text"].decode()} for rule, found in zip(of["rules"], of["names"], strict=True)
            ]
        shown = {key: value.hex() if isinstance(value, bytes) else value for key, value in said.items()}
        made[name] = {"title": title, "entry": entries[name].hex(), "body": body.hex(), "facts": shown}
    for name, (title, of_name, at, put) in BAD.items():
        entry = entries[of_name]
        spoilt = entry[: at + 40] if put is None else entry[:at] + put + entry[at + len(put) :]
        made[name] = {"title": title, "entry": spoilt.hex(), "facts": None}
    return made


if __name__ == "__main__":
    for name, vector in vectors().items():
        (FOLDER / f"{name}.json").write_text(json.dumps(vector, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
