"""Acceptance by family and withdrawn certificates in the TOML form: what the CSV of a source says in the same words."""

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from yima.sdk.parameters.permission_files import acceptance_of as acceptance_of_csv
from yima.sdk.parameters.permission_files import revoked_of as revoked_of_csv
from yima.validator.errors import ParametersError
from yima.validator.parameters import from_mapping

ACCEPTANCE = (
    ("riding_city", "issuer_city", "mode", "family", "from", "to"),
    [
        (320500, 310000, "", "", "", ""),
        (340100, 310000, "metro", "suishen", "2026-10-01", "2027-01-01"),
        (340100, 310000, "metro", "suishen", "2027-01-01", ""),
        (340100, 340100, "bus", "ministry", "2026-10-01 05:30", ""),
    ],
)
REVOKED = (
    ("root", "organisation", "serial", "from", "to", "why"),
    [
        (1, "00083010", "00A0ff", "2026-10-01", "", "stolen"),
        (2, "", "", "", "2026-10-01 05:30", ""),
        (3, "", "000001", "", "", "lost"),
    ],
)
PLAIN: dict[str, Any] = {"environment": "test", "version": 1}


def toml_of(name: str, table: tuple[tuple[str, ...], list[tuple[Any, ...]]]) -> str:
    """The rows as tables, an empty cell left out, dates as TOML writes them."""
    text = ""
    for row in table[1]:
        text += f"[[{name}]]\n"
        for key, value in zip(table[0], row, strict=True):
            if value != "":
                is_date = key in {"from", "to"}
                text += f"{key} = {value if is_date or isinstance(value, int) else repr(value)}\n"
    return text.replace("05:30", "05:30:00")


def csv_of(path: Path, table: tuple[tuple[str, ...], list[tuple[Any, ...]]]) -> Path:
    lines = [",".join(map(str, row)) for row in (table[0], *table[1])]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_both_forms_say_the_same(tmp_path: Path) -> None:
    text = toml_of("acceptance", ACCEPTANCE) + toml_of("revoked", REVOKED)
    rules = from_mapping(PLAIN | tomllib.loads(text)).rules
    accepted = acceptance_of_csv(csv_of(tmp_path / "acceptance.csv", ACCEPTANCE))
    revoked = revoked_of_csv(csv_of(tmp_path / "revoked.csv", REVOKED))
    assert accepted
    assert set(rules.acceptance or ()) == set(accepted)
    assert set(rules.revoked) == set(revoked)
    assert len(rules.revoked) == 3


def test_the_short_form_by_city_stays() -> None:
    rules = from_mapping(PLAIN | {"acceptance": {"320500": [310000]}}).rules
    assert [(row.riding_city, row.issuer_city, row.family) for row in rules.acceptance or ()] == [
        (320500, 310000, "")
    ] * 2
    assert from_mapping(PLAIN | {"acceptance": []}).rules.acceptance in ((), [])
    assert from_mapping(PLAIN).rules.acceptance is None


GOOD: dict[str, Any] = {"riding_city": 320500, "issuer_city": 310000}
FIRST = date(2026, 10, 1)


@pytest.mark.parametrize(
    ("key", "rows", "reason"),
    [
        ("acceptance", [GOOD | {"family": "unified"}], r"acceptance\.1\.family: 'unified' .*one of ministry"),
        ("acceptance", [GOOD | {"mode": "tram"}], r"acceptance\.1\.mode"),
        ("acceptance", [GOOD, {"riding_city": 320500}], r"acceptance\.2\.issuer_city"),
        ("acceptance", [GOOD | {"families": "suishen"}], r"acceptance\.1\.families: no such key"),
        ("acceptance", [GOOD | {"from": "2026-10-01"}], r"acceptance\.1\.from: .* a date without quotes"),
        ("acceptance", [GOOD, GOOD], "acceptance: says of the same time twice: 320500 bus 310000"),
        ("acceptance", [GOOD | {"from": FIRST, "to": FIRST}], r"acceptance\.1\.to: does not lie behind from"),
        ("acceptance", "all", "acceptance: 'all'"),
        ("revoked", [{"root": 256}], r"revoked\.1\.root"),
        ("revoked", [{"root": 1, "serial": 1}], r"revoked\.1\.serial: 1 .* such as .00a0ff"),
        ("revoked", [{"root": 1, "serial": ""}], r"revoked\.1\.serial"),
        ("revoked", [{"root": 1, "organisation": "83010"}], r"revoked\.1\.organisation"),
        ("revoked", [{"root": 1}, {"root": 1}], "revoked: says of the same time twice: 1"),
        ("revoked", [{"root": 1, "from": FIRST, "to": date(2026, 9, 30)}], r"revoked\.1\.to: does not lie behind"),
        ("revoked", {"root": 1}, "revoked: .* tables"),
    ],
)
def test_a_slip_is_named(key: str, rows: Any, reason: str) -> None:
    with pytest.raises(ParametersError, match=reason):
        from_mapping(PLAIN | {key: rows})
