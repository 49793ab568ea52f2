"""What docs/operations has to offer can be parsed, and what it names exists: metrics, options, exit statuses."""

import configparser
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.sdk.observing.looks import metrics
from yima.sdk.cli.exit_status import TABLE
from yima.sdk.cli.main import main
from yima.validator.happenings import Happening
from yima.validator.judging import Reason

DOCS = Path(__file__).parents[3] / "docs"
NAME = re.compile(r"\byima_[a-z0-9_]+\b")


def told() -> set[str]:
    """Every name that a device answers with."""
    page = metrics().page().decode()
    return {sample.name for family in text_string_to_metric_families(page) for sample in family.samples}


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((DOCS / "operations" / "alerts.yml").read_text())["groups"]
    return list(group["rules"])


def panels() -> list[dict[str, Any]]:
    return list(json.loads((DOCS / "operations" / "dashboard.json").read_text())["panels"])


def expressions() -> list[str]:
    return [rule["expr"] for rule in rules()] + [
        target["expr"] for panel in panels() for target in panel["targets"]
    ]  # fmt: skip


def test_every_metric_that_rules_and_dashboard_ask_for_is_told() -> None:
    asked = {name for expression in expressions() for name in NAME.findall(expression)}
    assert len(asked) > 15
    assert asked <= told()


def test_every_metric_is_documented_and_every_documented_one_is_told() -> None:
    documented = set(NAME.findall((DOCS / "operations.md").read_text()))
    families = {
        re.sub(r"_(bucket|sum|count|created)$", "", name) for name in told() if not name.endswith("_created")
    }  # fmt: skip
    assert documented == families


def test_labels_that_expressions_choose_by_exist() -> None:
    chosen = {match for expression in expressions() for match in re.findall(r'(\w+)="([^"$]+)"', expression)}
    known = {("job", "yima"), ("step", "total")}
    known |= {("reason", reason.name) for reason in Reason} | {("happening", str(one)) for one in Happening}
    assert chosen <= known


def test_every_alert_is_told_in_both_languages_and_has_a_weight() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names))
    for rule in rules():
        assert rule["labels"]["severity"] in {"page", "ticket", "info"}
        assert re.search("[\u4e00-\u9fff]", rule["annotations"]["summary"])
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert all(rule["expr"].count(left) == rule["expr"].count(right) for left, right in ("()", "{}", "[]"))


def test_panels_lie_side_by_side() -> None:
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels()}
    assert len(places) == len(panels()) == len({panel["id"] for panel in panels()})


def unit() -> configparser.RawConfigParser:
    class Several(dict[str, Any]):
        """systemd lets a name stand several times; the values come together."""

        def __setitem__(self, key: str, value: Any) -> None:
            if key in self and isinstance(value, list) and isinstance(self[key], list):
                self[key].extend(value)
            else:
                super().__setitem__(key, value)

    parser = configparser.RawConfigParser(strict=False, interpolation=None, dict_type=Several)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string((DOCS / "operations" / "yima.service").read_text().replace("\\\n", " "))
    return parser


def test_the_unit_notifies_is_watched_and_is_hardened() -> None:
    service = unit()["Service"]
    assert service["Type"] == "notify"
    assert int(service["WatchdogSec"]) >= 30
    assert int(service["TimeoutStopSec"]) > 30
    assert service["Restart"] == "always"
    for name in ("NoNewPrivileges", "ProtectHome", "PrivateTmp", "ProtectKernelModules", "RestrictNamespaces"):
        assert service[name] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert service["StateDirectoryMode"] == "0700"


def test_the_command_of_the_unit_is_one_that_we_understand(capsys: pytest.CaptureFixture[str]) -> None:
    program, verb, *words = unit()["Service"]["ExecStart"].split()
    assert Path(program).name == "yima"
    assert main([verb, "--help"]) == 0
    offered = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    options = [word for word in words if word.startswith("--")]
    assert set(options) <= offered
    assert {"--trust", "--metrics", "--state", "--collector"} <= set(options)


@pytest.mark.parametrize(("page", "language"), [("operations.md", 0), ("zh/operations.md", 1)])
def test_the_table_of_exit_statuses_is_the_codes(page: str, language: int) -> None:
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", (DOCS / page).read_text(), re.MULTILINE)
    assert rows == [(str(status.number), status.meaning[language]) for status in TABLE]
    kept_out = unit()["Service"]["RestartPreventExitStatus"].split()
    assert set(kept_out) <= {number for number, _ in rows}
