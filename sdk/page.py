"""The pieces of an HTML page that stands alone: frame, style, tables, text in both languages.

Rules they keep: no script, no font, no picture and no network; what is not HTML already is escaped here.
"""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from yima.validator.errors import YimaError
from yima.validator.texts import Text

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2733; --faint: #5a6772; --line: #dfe5ea; --paper: #ffffff;
  --yes: #14743b; --no: #b3261e; --heat-ink: #8fc1ea }
@media (prefers-color-scheme: dark) { :root { --ink: #e3e9ee; --faint: #9fadb9; --line: #33404b; --paper: #14191e;
  --yes: #6fcf97; --no: #ff8a80; --heat-ink: #2a5d85 } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: var(--ink); background: var(--paper) }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100%; margin: 1rem 0 } caption { text-align: left; color: var(--faint) }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums }
th [lang=zh] { white-space: nowrap } tr.total td { font-weight: 600 } tr.aside td { color: var(--faint) }
figure { margin: 1rem 0 } figcaption { color: var(--faint) }
.heat { display: block; margin: 0 -.3rem; padding: 0 .3rem;
  background: color-mix(in srgb, var(--heat-ink) var(--heat), transparent) }
.wide { overflow-x: auto } .wide table { font-size: .8rem } .wide td, .wide th { padding: .2rem .4rem }
.yes { color: var(--yes) } .no { color: var(--no) } svg { max-width: 100%; height: auto }
"""


def check_place(path: Path, remedy: Text) -> None:
    """Whether a file could be written there, before anything runs for it. Raises YimaError with that remedy."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab"):
            pass
    except OSError as error:
        raise YimaError(
            path, Text(f"cannot be written ({error.strerror})", f"无法写入（{error.strerror}）"), remedy
        ) from error


def page(title: Text, parts: Iterable[str]) -> str:
    """A whole document. parts: HTML."""
    return "\n".join(
        [
            '<!doctype html><html lang="en"><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title.en)}</title><style>{_STYLE}</style>",
            f"<h1>{both(title)}</h1>",
            *parts,
            "</html>\n",
        ]
    )


def both(text: Text) -> str:
    """A text in English and Chinese."""
    return f'{escape(text.en)} <span lang="zh">{escape(text.zh)}</span>'


def heading(text: Text) -> str:
    """The heading of a section."""
    return f'<h2>{escape(text.en)} · <span lang="zh">{escape(text.zh)}</span></h2>'


def table(
    caption: str,
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    numbers: Sequence[int],
    kinds: Sequence[str] = (),
) -> str:
    """Captions and cells are HTML already. numbers: the columns that hold numbers. kinds: of each row, "total" (set
    strongly), "aside" (set faintly) or ""; none for rows that are all alike."""

    def line(cells: Sequence[str], tag: str, kind: str = "") -> str:
        number = ' class="number"'
        made = (f"<{tag}{number if at in numbers else ''}>{cell}</{tag}>" for at, cell in enumerate(cells))
        row = f'<tr class="{kind}">' if kind else "<tr>"
        return f"{row}{''.join(made)}</tr>"

    made = list(rows)
    body = "\n".join(line(row, "td", kind) for row, kind in zip(made, kinds or [""] * len(made), strict=True))
    return f"<table><caption>{caption}</caption>\n{line(heads, 'th')}\n{body}\n</table>"
