"""The page and the picture of the loop of a tap, made from the core's table (validator/core/include/yima/loop.def).

`python -m yima.sdk.loop_page > docs/loop.md` and `python -m yima.sdk.loop_page --picture > docs/images/loop.svg` renew
them; a test holds both against the table.
"""

import argparse
import math
import sys
from collections.abc import Iterator
from html import escape

from yima.validator import _core

_FRONT = """\
# The loop of a tap

<!-- Made from validator/core/include/yima/loop.def: python -m yima.sdk.loop_page > docs/loop.md -->

What a device does next, on a Linux host as on a gate controller. The loop has no I/O: it is told what happened and
answers the one step to carry out; `validator/device.py` and `firmware_images/app/device.c` do that and tell what came
of it. [`yima/loop.h`](../validator/core/include/yima/loop.h) says what it keeps to.

![states of the loop](images/loop.svg)

| state | what is going on | 中文 |
|---|---|---|
"""

_EVENTS = {
    "READING": "a payload from the reader",
    "ANSWERED": "the issuer's answer",
    "RECORDED": "the entry is durable",
    "NOT_RECORDED": "the entry could not be written, or used codes not be read",
    "DONE": "the step is carried out",
    "GATE": "what the gate did",
    "MOMENT": "time passes",
    "PARAMETERS": "other parameters",
    "CONFIRMED": "the time, by somebody who knows it",
}

_STEPS = """\
What is asked of whoever drives it: `RECORD` (put the entry into the journal), `OPEN`, `REFUSE`, `SHOW_AGAIN`, `ASK`
(the issuer of the code), `SERVICE` (the sign at the gate), `REFILL` (hand the entries of the journal to the memory of
used codes).

Entries that it has written are [facts](facts.md) and a body: a tap; what the gate did where that is known later, or
where it did not open (then the ride is reversed, and the code is as good as before); what happened to the clock; which
parameters are in force.
"""

_WIDTH, _HEIGHT, _RADIUS = 760, 520, 190


def page() -> Iterator[str]:
    """The page, line by line."""
    states, ways = _core.LOOP
    yield _FRONT.rstrip("\n")
    for name, english, chinese in states:
        yield f"| {name} | {english} | {chinese} |"
    yield ""
    yield "| from | event | to | when |"
    yield "|---|---|---|---|"
    for source, event, target, english in ways:
        yield f"| {source} | {event} | {target} | {english} |"
    yield ""
    yield "| event | |"
    yield "|---|---|"
    for event in dict.fromkeys(event for _, event, _, _ in ways):
        yield f"| {event} | {_EVENTS[event]} |"
    yield ""
    yield _STEPS.rstrip("\n")


def picture() -> Iterator[str]:
    """The states in a ring around READY, an arrow for each pair with its events; SVG, line by line."""
    states, ways = _core.LOOP
    around = [name for name, _, _ in states if name != "READY"]
    places = {"READY": (_WIDTH / 2, _HEIGHT / 2)}
    for index, name in enumerate(around):
        angle = 2 * math.pi * index / len(around) - math.pi / 2
        places[name] = (_WIDTH / 2 + 1.45 * _RADIUS * math.cos(angle), _HEIGHT / 2 + _RADIUS * math.sin(angle))
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif">'
    yield '<rect width="100%" height="100%" fill="#ffffff"/>'
    yield (
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#546e7a"/></marker></defs>'
    )
    events: dict[tuple[str, str], list[str]] = {}
    for source, event, target, _ in ways:
        named = events.setdefault((source, target), [])
        if event not in named:
            named.append(event)
    for (source, target), named in events.items():
        if source != target:
            yield from _arrow(places[source], places[target], named)
    for name, (x, y) in places.items():
        fill = "#cfd8dc" if name == "READY" else "#eceff1"
        yield (
            f'<rect x="{x - 52:.0f}" y="{y - 17:.0f}" width="104" height="34" rx="8" fill="{fill}" stroke="#455a64"/>'
            f'<text x="{x:.0f}" y="{y + 4:.0f}" text-anchor="middle" font-size="13">{name}</text>'
        )
    yield "</svg>"


def _arrow(start: tuple[float, float], end: tuple[float, float], events: list[str]) -> Iterator[str]:
    """A bow from one box to another, so that there and back do not lie on each other."""
    (x1, y1), (x2, y2) = start, end
    length = math.hypot(x2 - x1, y2 - y1)
    along, across = ((x2 - x1) / length, (y2 - y1) / length), ((y1 - y2) / length, (x2 - x1) / length)
    bow = 16
    middle = ((x1 + x2) / 2 + bow * across[0], (y1 + y2) / 2 + bow * across[1])
    tips = [
        (x + sign * (58 if abs(along[0]) > 0.5 else 26) * along[0], y + sign * 22 * along[1])
        for (x, y), sign in ((start, 1), (end, -1))
    ]
    (ax, ay), (bx, by) = tips
    yield (
        f'<path d="M{ax:.0f} {ay:.0f} Q{middle[0]:.0f} {middle[1]:.0f} {bx:.0f} {by:.0f}" fill="none"'
        ' stroke="#546e7a" marker-end="url(#tip)"/>'
    )
    text = escape(", ".join(events).lower().replace("_", " "))
    x, y = middle[0] + 10 * across[0], middle[1] + 10 * across[1]
    yield f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="middle" font-size="9" fill="#263238">{text}</text>'


def main() -> int:
    """Prints the page, or with --picture the picture."""
    parser = argparse.ArgumentParser(prog="python -m yima.sdk.loop_page", description=__doc__)
    parser.add_argument("--picture", action="store_true", help="the picture (SVG) instead of the page 图")
    lines = picture() if parser.parse_args().picture else page()
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
