"""A change told part by part: what is another part, and what a bus and a gate fetch of it."""

from dataclasses import replace
from functools import cache
from pathlib import Path

from tests.network_world import in_parts as signed_in_parts
from tests.network_world import network
from tests.packages_world import NOW, A
from yima.sdk.cli.main import main
from yima.sdk.parameters.compile import Opened
from yima.sdk.parameters.diff_parts import in_parts
from yima.sdk.parameters.signing import Envelope, sign_package
from yima.validator.packages import parse_package
from yima.validator.parameters import from_image, from_rules
from yima.validator.parameters.rules import Matrix, Rules

FARES = ((200, 300, 500), (300, 200, 400), (500, 400, 200))


@cache
def small() -> Rules:
    return replace(network(), matrices={"network": Matrix(stations=(1, 2, 3), fares=FARES)})


def opened(rules: Rules, *, parts: bool = True) -> Opened:
    image = bytes(from_rules(rules, "small").image)
    envelope = Envelope(environment="test", version=rules.version, not_before=NOW - 1, expiry=NOW + 1)
    data = signed_in_parts(image, version=rules.version) if parts else sign_package(image, envelope, [A])
    package = parse_package(data)
    return Opened(name="x", rules=from_image(package.image, "x").rules, package=package)


def said(new: Rules, *, parts: bool = True) -> list[str]:
    return [text.en for text in in_parts(opened(small(), parts=parts), opened(replace(new, version=2)))]


def test_new_fares_of_one_station_cost_its_gate_a_column_and_a_bus_nothing() -> None:
    dearer = ((200, 300, 600), *FARES[1:])
    assert said(replace(small(), matrices={"network": Matrix(stations=(1, 2, 3), fares=dearer)})) == [
        "1 of 14 parts are others: columns",
        "beside the manifest a bus fetches at most 0 bytes, a metro gate 24",
    ]


def test_a_new_deny_list_costs_both_the_same() -> None:
    denied = (bytes(9) + b"\1", bytes(9) + b"\2")
    (first, second) = said(replace(small(), deny=[denied]))
    assert first.endswith("parts are others: deny")
    assert "a bus fetches at most 20 bytes, a metro gate 20" in second


def test_nothing_is_said_where_no_device_holds_parts_or_nothing_changes() -> None:
    assert said(small()) == ["every part is as it was"]
    assert said(small(), parts=False) == []


def test_the_verb_tells_it(tmp_path: Path, capsys: object) -> None:
    for version in (1, 2):
        deny = small().deny if version == 1 else ()
        image = bytes(from_rules(replace(small(), version=version, deny=deny), "small").image)
        (tmp_path / f"{version}.ymp").write_bytes(signed_in_parts(image, version=version))
    assert main(["params", "diff", str(tmp_path / "1.ymp"), str(tmp_path / "2.ymp")]) == 1
    assert "Part by part 分段" in capsys.readouterr().out  # type: ignore[attr-defined]
