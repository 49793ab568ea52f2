"""docs/api.md says what may be imported, and what is imported in the pages stands there."""

import ast
import importlib
from pathlib import Path

import pytest

from docs.site.public import Module, modules
from tests.docs.pages import PAGES, name_of, read

MODULES = modules()
PUBLIC = {(module.name, name) for module in MODULES for name in module.names}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_a_public_module_exports_what_the_page_says(module: Module) -> None:
    found = importlib.import_module(module.name)
    assert sorted(module.names) == sorted(set(module.names))
    assert sorted(found.__all__) == sorted(module.names)
    for name in module.names:
        assert hasattr(found, name), name


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_public_classes_and_functions_have_a_docstring(module: Module) -> None:
    found = importlib.import_module(module.name)
    bare = [name for name in module.names if callable(value := getattr(found, name)) and not value.__doc__]
    assert bare == []


@pytest.mark.parametrize("path", [path for path in PAGES if path.name != "CONTRIBUTING.md"], ids=name_of)
def test_examples_import_public_names_only(path: Path) -> None:
    for block in read(path).blocks:
        if block.language != "python":
            continue
        for node in ast.walk(ast.parse(block.text)):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("yima"):
                assert {(node.module, alias.name) for alias in node.names} <= PUBLIC


def test_the_page_is_read_as_it_is_meant() -> None:
    text = "### `yima.a`\n\n| name | what |\n|---|---|\n| `A`, `b` | of `c` |\n\n## Others\n\n| `D` | no module's |\n"
    assert modules(text) == [Module(name="yima.a", names=["A", "b"])]
