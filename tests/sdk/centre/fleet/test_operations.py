"""Alert rules and the dashboard for collectors ask for what a collector tells, and the page says what there is."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.sdk.centre.fleet.looks import page_of_a_collector
from yima.sdk.centre.clearing.tables import Why
from yima.sdk.centre.collector.intake import Depth
from yima.sdk.centre.fleet.cases import Kind
from yima.sdk.centre.fleet.database import open_fleet
from yima.sdk.centre.fleet.devices import State
from yima.sdk.centre.fleet.metrics import SILENCES_S, VERSIONS_MOST, Metrics
from yima.sdk.centre.fleet.verdicts import Verdict
from yima.sdk.centre.fleet.versions import Of

DOCS = Path(__file__).parents[4] / "docs"
NAME = re.compile(r"\byima_collector_[a-z0-9_]+\b")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return page_of_a_collector(tmp_path_factory.mktemp("fleet"))


@pytest.fixture(scope="module")
def told(page: str) -> dict[tuple[str, tuple[str, ...]], float]:
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((DOCS / "operations" / "collector-alerts.yml").read_text())["groups"]
    return list(group["rules"])


def panels() -> list[dict[str, Any]]:
    return list(json.loads((DOCS / "operations" / "collector-dashboard.json").read_text())["panels"])


def expressions() -> list[str]:
    return [rule["expr"] for rule in rules()] + [target["expr"] for panel in panels() for target in panel["targets"]]


def test_what_is_told_is_what_there_is(told: dict[tuple[str, tuple[str, ...]], float]) -> None:
    for name, labels, value in (
        ("batches_total", (), 1), ("entries_total", (), 5), ("quarantined_total", (), 1), ("troubles_total", (), 1),
        ("refused_total", ("403",), 1), ("waiting_batches", (), 3), ("waiting_bytes", (), 500),
        ("waiting_age_seconds", (), 1.5), ("tables_up", (), 1), ("follows", (), 1),
        ("judged_timestamp_seconds", (), 1990), ("devices", ("ENROLLED",), 1), ("devices", ("REVOKED",), 1),
        ("silent_devices", ("900",), 1), ("silent_devices", ("3600",), 0), ("running", ("parameters", "7"), 1),
        ("running", ("deny-list", "3"), 1), ("open_cases", ("FLAGGED",), 0), ("records_total", ("OK",), 0),
    ):  # fmt: skip
        assert told[f"yima_collector_{name}", labels] == value, name


def test_of_many_versions_the_newest_are_told(tmp_path: Path) -> None:
    """A label has few values, and what a fleet goes over to is what somebody looks for."""
    database = open_fleet(tmp_path / "trips.db")
    with database.transaction() as rows:
        rows.executemany(
            "INSERT INTO versions VALUES (?, 1, ?, '', 5, 9)", [(f"gate-{number}", number) for number in range(1, 31)]
        )
    page = Metrics(database, source=None, depth=lambda: Depth(0, 0, 0.0)).page().decode()
    database.close()
    found = re.findall(r'running\{of="parameters",version="(\d+)"\} 1\.0', page)
    assert sorted(map(int, found)) == list(range(31 - VERSIONS_MOST, 31))


def test_every_metric_that_rules_and_dashboard_ask_for_is_told(
    told: dict[tuple[str, tuple[str, ...]], float],
) -> None:
    asked = {name for expression in expressions() for name in NAME.findall(expression)}
    assert len(asked) > 12
    assert asked <= {name for name, _ in told}


def test_labels_that_expressions_choose_by_exist() -> None:
    chosen = {match for expression in expressions() for match in re.findall(r'(\w+)="([^"$]+)"', expression)}
    known = {("job", "yima-collector"), ("status", "403")} | {("kind", str(kind)) for kind in Kind}
    known |= {("verdict", str(verdict)) for verdict in (*Verdict, *Why)} | {("state", str(state)) for state in State}
    known |= {("of", str(of)) for of in Of} | {("longer_than_s", str(seconds)) for seconds in SILENCES_S}
    assert chosen <= known


def test_every_alert_is_told_in_both_languages_and_has_a_weight() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names))
    for rule in rules():
        assert rule["labels"]["severity"] in {"page", "ticket", "info"}
        assert re.search("[\u4e00-\u9fff]", rule["annotations"]["summary"])
        assert all(rule["expr"].count(left) == rule["expr"].count(right) for left, right in ("()", "{}", "[]"))


def test_panels_lie_side_by_side() -> None:
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels()}
    assert len(places) == len(panels()) == len({panel["id"] for panel in panels()})


@pytest.mark.parametrize("page_name", ["fleet.md", "zh/fleet.md"])
def test_every_metric_is_documented_and_every_documented_one_is_told(
    told: dict[tuple[str, tuple[str, ...]], float], page_name: str
) -> None:
    documented = set(NAME.findall((DOCS / page_name).read_text()))
    assert documented == {name for name, _ in told if not name.endswith("_created")}
