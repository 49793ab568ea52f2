"""What was imported before is there again afterwards, and nothing that was imported meanwhile."""

import sys
from importlib import import_module
from pathlib import Path

import pytest

from tests.unimported import unimported


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """outer, with inner, which has two modules."""
    inner = tmp_path / "outer" / "inner"
    inner.mkdir(parents=True)
    for path in (inner.parent / "__init__.py", *(inner / f"{name}.py" for name in ("__init__", "one", "two"))):
        path.touch()
    monkeypatch.syspath_prepend(tmp_path)
    return "outer.inner"


def test_all_is_as_it_was(package: str) -> None:
    one, outer = import_module(f"{package}.one"), import_module("outer")
    inner = outer.inner
    with unimported(package):
        assert not hasattr(outer, "inner")
        assert import_module(f"{package}.one") is not one
        two = import_module(f"{package}.two")
        assert outer.inner is not inner
    assert (outer.inner, outer.inner.one, sys.modules[f"{package}.one"]) == (inner, one, one)
    assert not hasattr(inner, "two")
    assert import_module(f"{package}.two") is not two
    for name in [name for name in sys.modules if name.partition(".")[0] == "outer"]:
        del sys.modules[name]


def test_a_name_that_only_begins_alike_stays(package: str) -> None:
    outer = import_module("outer")
    with unimported("out"):
        assert sys.modules["outer"] is outer
    del sys.modules["outer"]
