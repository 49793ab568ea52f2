"""The picture of the plan in the docs: drawn from the plan as it is now, and able to notice when it is not."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from yima.sdk.profiles.yangtze_delta import picture
from yima.sdk.profiles.yangtze_delta.__main__ import main
from yima.sdk.profiles.yangtze_delta.plan import Plan, load_plan
from yima.validator.errors import YimaError
from yima.validator.parameters import Mode

DRAWN = Path(__file__).parents[3] / "docs" / "images" / "yangtze-delta.svg"


@pytest.fixture(scope="module")
def drawn() -> str:
    return picture.draw(load_plan())


def test_the_picture_in_the_docs_shows_the_plan_as_it_is() -> None:
    assert picture.digest_in(DRAWN.read_text(encoding="utf-8")) == picture.digest(load_plan())


def test_a_changed_plan_would_be_noticed() -> None:
    plan = load_plan()
    first, *rest = plan.rows
    later = Plan(rows=(replace(first, year=2025), *rest))
    fewer = Plan(rows=tuple(rest))
    assert len({picture.digest(one) for one in (plan, later, fewer)}) == 3
    assert picture.digest(Plan(rows=(*rest, first))) == picture.digest(plan)  # the order of rows says nothing


def test_the_years_hold_what_was_counted_by_hand() -> None:
    plan = load_plan()
    counted = {
        year: sum(
            picture.accepted(plan, issuer, riding, mode, year)
            for issuer in plan.cities
            for riding in plan.cities
            for mode in Mode
        )
        for year in picture.YEARS
    }
    # 2023: buses of Suzhou, Ningbo and Hefei among themselves. From 2024: all 14 cities on all 19 rows.
    assert counted == {2023: 3 * 3, 2024: 19 * 14, 2025: 19 * 14}


def test_it_is_one_svg_in_both_languages(drawn: str) -> None:
    texts = [node.text for node in ElementTree.fromstring(drawn).iter() if node.tag.endswith("}text")]
    for city in load_plan().cities:
        assert f"{city.name.en} {city.name.zh}" in texts
    assert {"2023: 9 / 266", "2024: 266 / 266", "2025: 266 / 266"} <= set(texts)
    assert not re.search(r'href="(?!#)', drawn)  # nothing from elsewhere


def test_it_is_written_by_the_command_that_the_docs_name_the_same_each_time(tmp_path: Path, drawn: str) -> None:
    command = [sys.executable, "-m", "yima.sdk.profiles.yangtze_delta", "--picture"]
    subprocess.run([*command, str(tmp_path / "new" / "plan.svg")], check=True, timeout=200)
    assert (tmp_path / "new" / "plan.svg").read_text(encoding="utf-8") == drawn
    assert picture.digest_in(drawn) == picture.digest(load_plan())


def test_the_command_names_what_is_in_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(sys, "argv", ["plan", "--picture", str(tmp_path / "file" / "plan.svg")])
    assert main() == 1
    assert "cannot be" in capsys.readouterr().err


def test_a_picture_without_a_digest_is_no_picture_of_the_plan() -> None:
    assert picture.digest_in("<svg/>") is None


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(YimaError, match="cannot be written"):
        picture.write(load_plan(), tmp_path)
