"""What a change costs devices that pull their own part: which parts are others, and how many bytes they fetch."""

from collections import Counter

from yima.sdk.parameters.compile import Opened, compiled
from yima.sdk.parameters.parts import Parts, parts_of, spots_of
from yima.validator.parameters import sections
from yima.validator.parameters.own_part import WHOLE_ONLY, Part, chosen
from yima.validator.parameters.rules import Mode
from yima.validator.texts import Text


def in_parts(old: Opened, new: Opened) -> list[Text]:
    """Two sentences; none where the older is no package in parts, so that no device holds parts."""
    if old.package is None or not old.package.parts:
        return []
    before, after = parts_of(bytes(old.package.image)), parts_of(_image(new))
    others = [part for part in after.parts if part.row not in before.contents and part.section not in WHOLE_ONLY]
    if not others:
        return [Text("every part is as it was", "各分段均未变化")]
    counted = Counter(_name(part) for part in others)
    listed = ", ".join(f"{count} × {name}" if count > 1 else name for name, count in sorted(counted.items()))
    costs = {mode: _most(before, after, mode) for mode in Mode}
    return [
        Text(
            f"{len(others)} of {len(after.parts)} parts are others: {listed}",
            f"{len(after.parts)} 个分段中 {len(others)} 个不同：{listed}",
        ),
        Text(
            f"beside the manifest a bus fetches at most {costs[Mode.BUS]} bytes, a metro gate {costs[Mode.METRO]}",
            f"除清单外，公交终端最多拉取 {costs[Mode.BUS]} 字节，地铁闸机最多 {costs[Mode.METRO]} 字节",
        ),
    ]


def _image(opened: Opened) -> bytes:
    if opened.package:
        return bytes(opened.package.image)
    assert opened.source is not None
    return bytes(compiled(opened.source).image)


def _name(part: Part) -> str:
    return sections.BY_NUMBER[part.section].name.lower()


def _most(before: Parts, after: Parts, mode: Mode) -> int:
    """Bytes that the device fetches which fetches most."""
    needs = (chosen(after.parts, spot) for spot in spots_of(after.parts) if spot.mode is mode)
    return max(sum(part.size for part in own if part.row not in before.contents) for own in needs)
