"""The picture of the plan: who may ride where, year by year, as an SVG for the docs.

Rules it keeps:
- It is drawn from the plan and nothing else, and carries the digest of what it was drawn from: a test sees when the
  plan has moved on and the picture has not. `python -m yima.sdk.profiles.yangtze_delta --picture FILE` draws it anew.
- The same plan gives the same bytes (with the same matplotlib). Text stays text, in both languages.
"""

import io
import re
import warnings
from collections.abc import Sequence
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

from yima.sdk.profiles.yangtze_delta.plan import City, Plan
from yima.validator.errors import YimaError
from yima.validator.parameters import Mode
from yima.validator.remedies import missing_module
from yima.validator.texts import Text

YEARS = (2023, 2024, 2025)
_FORM = "1"  # of the drawing: raise it when the same plan is to look otherwise
_COLOURS = {None: "#eceff2", Mode.BUS: "#3b82c4", Mode.METRO: "#d9822b"}
_NAMES = {Mode.BUS: Text("bus", "公交"), Mode.METRO: Text("metro", "地铁")}
_DIGEST = re.compile(r"yima-plan-digest:([0-9a-f]{64})")


def digest(plan: Plan, years: Sequence[int] = YEARS) -> str:
    """SHA-256, hex, of everything that the picture shows."""
    cities = [f"{city.division} {city.name.en} {city.name.zh}" for city in plan.cities]
    pairs = [f"{pair.riding.division} {pair.mode} {pair.issuer.division} {pair.begins}" for pair in plan.pairs()]
    return sha256("\n".join([_FORM, *map(str, years), *cities, *pairs]).encode()).hexdigest()


def digest_in(picture: str) -> str | None:
    """The digest that a picture carries, None if none."""
    found = _DIGEST.search(picture)
    return found[1] if found else None


def accepted(plan: Plan, issuer: City, riding: City, mode: Mode, year: int) -> bool:
    """Whether the pair is accepted at the end of that year."""
    begins = plan.begins(issuer, riding, mode)
    return begins is not None and begins <= date(year, 12, 31)


def draw(plan: Plan, years: Sequence[int] = YEARS) -> str:
    """The picture as an SVG document. Raises YimaError when matplotlib is not installed."""
    figure_of, style = _drawing()
    rows = [(city, mode) for city in plan.cities for mode in Mode if plan.joined(city, mode)]
    figure = figure_of(figsize=(4.2 * len(years) + 1.8, 7.6))
    figure.subplots_adjust(left=2.1 / (4.2 * len(years) + 1.8), right=0.99, bottom=0.2, top=0.9, wspace=0.04)
    figure.suptitle("Whose codes ride where, at the end of the year · 各年底乘车码互联互通", fontsize=13)
    names = [f"{city.name.en} {city.name.zh}" for city in plan.cities]
    for at, year in enumerate(years):
        axes = figure.add_subplot(1, len(years), at + 1)
        cells: dict[Mode | None, list[tuple[int, int]]] = {kind: [] for kind in _COLOURS}
        for y, (riding, mode) in enumerate(rows):
            for x, issuer in enumerate(plan.cities):
                cells[mode if accepted(plan, issuer, riding, mode, year) else None].append((x, y))
        for kind, places in cells.items():
            across, down = zip(*places, strict=True) if places else ((), ())
            axes.scatter(across, down, s=190, marker="s", color=_COLOURS[kind], linewidths=0, clip_on=False)
        joined = len(rows) * len(names) - len(cells[None])
        axes.set_title(f"{year}: {joined} / {len(rows) * len(names)}", fontsize=11)
        axes.set_xlim(-0.6, len(names) - 0.4)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xticks(range(len(names)), names, rotation=90, fontsize=8)
        labels = [f"{city.name.en} {city.name.zh} · {_NAMES[mode].en} {_NAMES[mode].zh}" for city, mode in rows]
        axes.set_yticks(range(len(rows)), labels if at == 0 else [""] * len(rows), fontsize=8)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set_xlabel("issuer's city · 发码城市", fontsize=9)
        if at == 0:
            axes.set_ylabel("riding in · 乘车城市", fontsize=9)
    drawn = io.StringIO()
    description = (
        f"Drawn from the work plan by python -m yima.sdk.profiles.yangtze_delta; yima-plan-digest:{digest(plan, years)}"
    )
    # The viewer's fonts draw the Chinese; matplotlib's own have no such glyphs, and need none: text stays text.
    with style({"svg.fonttype": "none", "svg.hashsalt": "yima"}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": "yima", "Description": description})
    return "".join(line.rstrip() + "\n" for line in drawn.getvalue().splitlines())


def write(plan: Plan, path: Path) -> None:
    """Draws into a file. Raises YimaError."""
    picture = draw(plan)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(picture, encoding="utf-8")
    except OSError as error:
        raise YimaError(
            path,
            Text(f"cannot be written ({error.strerror})", f"无法写入（{error.strerror}）"),
            Text("Choose another place", "请另选位置"),
        ) from error


def _drawing() -> tuple[Any, Any]:
    """matplotlib's Figure and rc_context. Raises YimaError when it is not installed."""
    try:
        from matplotlib import rc_context  # noqa: PLC0415  an optional extra, and slow to load
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        raise YimaError("picture", *missing_module(missing)) from missing
    return Figure, rc_context
