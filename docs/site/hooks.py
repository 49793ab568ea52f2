"""What `make docs` adds to the pages of docs/: the READMEs, the sources they point at, the C headers and the API.

Pages are written for whoever reads them in the repository; this module makes a site of them that stands alone:

- README.md is the home, README.zh.md the Chinese one; other pages of the root (CONTRIBUTING …) go to the contributor.
- A link to a file outside docs/ leads to a page that shows that file; one to a header, to the header's page.
- `reference/` has a page for each module of api.md, made from the docstrings of the names that stand there.
- Every decision is in the navigation; a page that mkdocs.yml does not name is found with the contributor's.
"""

import importlib
import inspect
import posixpath
import re
from enum import Enum
from pathlib import Path
from typing import Any

from docs.site.headers import page_of
from docs.site.public import Module, modules

ROOT = Path(__file__).parents[2]
HEADERS = {
    "core.h": "validator/core/include/yima/core.h",
    "deny.h": "validator/core/include/yima/deny.h",
    "package.h": "validator/core/package.h",
    "flashlog.h": "validator/core/flashlog.h",
    "port.h": "firmware_images/boards/port.h",
}
HOMES = {"README.md": "index.md", "README.zh.md": "zh/index.md"}
_LINK = re.compile(r"(\]\()([^)\s#]+)((?:#[^)\s]*)?\))")
_FENCED = re.compile(r"(^```.*?^```$)", re.DOTALL | re.MULTILINE)
_BETWEEN_CHINESE = re.compile(r"(?<=[\u2e80-\u9fff\uff00-\uffef])\n(?=[\u2e80-\u9fff\uff00-\uffef])")
_LANGUAGES = {".py": "python", ".c": "c", ".h": "c", ".json": "json", ".toml": "toml", ".def": "c"}


def place_of(source: str) -> str:
    """Where on the site a file of the repository is, both paths from their roots."""
    if source in HOMES:
        return HOMES[source]
    if source.startswith("docs/"):
        return source.removeprefix("docs/")
    for name, path in HEADERS.items():
        if source == path:
            return f"reference/{name}.md"
    if "/" not in source and source.endswith(".md"):
        return source.lower()
    return f"files/{source}" if source.endswith(".md") else f"files/{source}.md"


def links_of(text: str) -> list[str]:
    """Targets of the links of a page, without anchors, those to the web left out."""
    outside = "".join(_FENCED.split(text)[::2])
    return [found[1] for found in _LINK.findall(outside) if "://" not in found[1]]


def moved(text: str, source: str) -> str:
    """A page's text with its links as they must be on the site. source: the page's path from the repository's root."""
    here = posixpath.dirname(place_of(source))

    def there(found: re.Match[str]) -> str:
        if "://" in found[2]:
            return found[0]
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), found[2]))
        if (ROOT / target).is_dir():
            target = f"{target}/index.md"
        return found[1] + posixpath.relpath(place_of(target), here or ".") + found[3]

    parts = _FENCED.split(text)
    parts[::2] = [_BETWEEN_CHINESE.sub("", _LINK.sub(there, part)) for part in parts[::2]]
    return "".join(parts)


def outside_pages() -> dict[str, str]:
    """Pages of the repository that are not under docs/, by path, with those that they lead to."""
    found: dict[str, str] = {}
    waiting = [path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]]
    while waiting:
        source = waiting.pop()
        path = ROOT / source
        if source in found or path.is_dir() or source in HEADERS.values():
            continue
        if path.suffix != ".md":
            if not source.startswith("docs/"):
                language = _LANGUAGES.get(path.suffix, "text")
                text = path.read_text(encoding="utf-8").rstrip()
                found[source] = f"# {path.name}\n\n`{source}`\n\n````{language}\n{text}\n````\n"
            continue
        text = path.read_text(encoding="utf-8")
        found[source] = text
        waiting += [posixpath.normpath(posixpath.join(posixpath.dirname(source), link)) for link in links_of(text)]
    return {source: text for source, text in found.items() if not source.startswith("docs/")}


def decisions() -> list[Path]:
    """The records of decisions, in their order."""
    return sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))


def title_of(path: Path) -> str:
    """The first heading of a page."""
    return path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")


def enumeration(name: str, values: type[Enum]) -> str:
    """An enumeration as a table, which a page has more room for than for a heading a value."""
    rows = "\n".join(f"| `{value.name}` | `{value.value!r}` |" for value in values)
    return f"## {name}\n\n{inspect.getdoc(values)}\n\n| name | value |\n|---|---|\n{rows}\n"


def reference_page(module: Module) -> str:
    """A page for one module of api.md: its docstring, then its public names in the order of that page."""
    head = "    options:\n      members: false\n      show_root_toc_entry: false\n"
    parts = [f"# {module.name}\n\n::: {module.name}\n{head}"]
    for name in module.names:
        value = getattr(importlib.import_module(module.name), name)
        if isinstance(value, type) and issubclass(value, Enum):
            parts.append(enumeration(name, value))
        else:
            parts.append(f"::: {module.name}.{name}\n    options:\n      show_root_heading: true\n")
    return "\n".join(parts)


def generated() -> dict[str, str]:
    """Every page that is made here, by its place on the site."""
    pages = {
        place_of(source): moved(text, source) if source.endswith(".md") else text
        for source, text in outside_pages().items()
    }
    for name, path in HEADERS.items():
        pages[f"reference/{name}.md"] = page_of((ROOT / path).read_text(encoding="utf-8"), name, path)
    for module in modules():
        pages[f"reference/{module.name}.md"] = reference_page(module)
    listed = "\n".join(f"- [{title_of(path)}]({path.name})" for path in decisions())
    pages["decisions/index.md"] = f"# Decisions\n\nWhat a newcomer would question, and why it is so.\n\n{listed}\n"
    return pages


def named(navigation: Any) -> set[str]:
    """The pages that a navigation names, at whatever depth."""
    if isinstance(navigation, str):
        return {navigation}
    parts = navigation.values() if isinstance(navigation, dict) else navigation
    return {page for part in parts for page in named(part)}


def on_config(config: Any) -> Any:
    """Puts the decisions, the reference and the pages of the root into the navigation."""
    of = {name: pages for section in config.nav for name, pages in section.items()}
    of["Reference"] += [
        {"C": [f"reference/{name}.md" for name in HEADERS]},
        {"Python": [f"reference/{module.name}.md" for module in modules()]},
    ]
    recorded = ["decisions/index.md", *(f"decisions/{path.name}" for path in decisions())]
    of["Contributor"][:] = [page for page in of["Contributor"] if not isinstance(page, dict)]
    docs = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    of["Contributor"] += [
        *sorted(docs - named(config.nav) - set(recorded)),
        *(path.name.lower() for path in sorted(ROOT.glob("*.md")) if path.name not in HOMES),
        {"Decisions": recorded},
        {"Files": sorted(place for place in generated() if place.startswith("files/"))},
    ]
    return config


def on_files(files: Any, config: Any) -> Any:
    """Adds the generated pages."""
    from mkdocs.structure.files import File  # noqa: PLC0415  the tests of this module do without mkdocs

    for place, text in generated().items():
        files.append(File.generated(config, place, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Rewrites the links of the pages that lie in docs/."""
    if page.file.src_uri == "index.md":
        page.meta["hide"] = ["navigation"]
    if page.file.generated_by:
        return markdown
    return moved(markdown, f"docs/{page.file.src_uri}")
