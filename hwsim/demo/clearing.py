"""The demonstration's own taps, cleared: who owes whom, or a word about why nobody knows.

Rules it keeps:
- It goes the way of a real day: the collector's store and the signed package lie in a centre's folder, every signature
  is checked again, and rides are priced again by the core.
- What was booked is held against what the devices charged; a difference is a sentence.
- A third city has a collector of its own (neighbour.py), so that one rider rides by three codes in three cities.
- DuckDB is an optional extra: what needs it is imported only when it is asked for, and without it a demonstration does
  not fail.
"""

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from yima.hwsim.demo.cast import PLAN, Cast
from yima.hwsim.demo.fares import GATES, JIAXING, OPERATORS
from yima.hwsim.demo.outcomes import Outcome
from yima.sdk.page import both, heading
from yima.sdk.profiles import yangtze_delta
from yima.validator.errors import YimaError
from yima.validator.remedies import missing_module
from yima.validator.texts import Text, say

TITLE = Text("Who owes whom", "轧差")
_TERMS = Path(yangtze_delta.__file__).parent / "clearing"
# The gate of the demonstration is an exit whose entries nobody tapped: there is no leg to wait for.
_WAITS = re.compile(r"^close_after_days = \d+", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared:
    """What came of it. tables: for the screen, one a day. section: HTML with its heading. said: in one line, what was
    cleared or why nothing was. differences: what does not agree with the devices."""

    tables: Sequence[Table] = ()
    section: str
    said: Text
    differences: Sequence[Text] = ()
    done: bool = False


def clear_taps(store: Path, package: Path, cast: Cast, outcomes: Sequence[Outcome]) -> Cleared:
    """Clears what the collector's store holds, in a folder beside it. Never fails."""
    try:
        return _cleared(store, package, cast, outcomes)
    except ModuleNotFoundError as missing:
        problem, remedy = missing_module(missing, wanted=["centre"])
        return _not_cleared(Text(f"Not cleared: {problem.en}. {remedy.en}", f"未清算：{problem.zh}。{remedy.zh}"))
    except YimaError as error:
        problem, remedy = error.problem, error.remedy
        thing = error.thing
        return _not_cleared(
            Text(f"Not cleared: {thing}: {problem.en}. {remedy.en}", f"未清算：{thing}：{problem.zh}。{remedy.zh}"),
            is_fault=True,
        )


def _cleared(store: Path, package: Path, cast: Cast, outcomes: Sequence[Outcome]) -> Cleared:
    from yima.hwsim.demo.neighbour import neighbour  # noqa: PLC0415 - an optional extra
    from yima.sdk.centre.clearing.day import STEPS, Centre  # noqa: PLC0415
    from yima.sdk.centre.clearing.folder import CentreFolder  # noqa: PLC0415
    from yima.sdk.centre.clearing.report.figures import faults  # noqa: PLC0415
    from yima.sdk.centre.clearing.report.html import net_section  # noqa: PLC0415
    from yima.sdk.centre.clearing.report.rider import rider_month, rider_section, rider_table  # noqa: PLC0415
    from yima.sdk.centre.clearing.report.text import net_table  # noqa: PLC0415
    from yima.sdk.centre.clearing.tables import ENTRIES  # noqa: PLC0415

    tables, sections, differences = [], [heading(TITLE)], []
    rides = fare_fen = moved_fen = 0
    named = names(cast)
    folder = _folder(store, package)
    elsewhere = neighbour(folder, cast)
    with Centre(CentreFolder(folder)) as centre:
        centre.ingest()
        for day in centre.workspace.days(ENTRIES):  # two, if it was midnight meanwhile
            for step in STEPS:
                centre.run(step, day)
            figures = centre.figures(day)
            differences += faults(figures)
            rides += figures.total("bookings", "booked")
            fare_fen += figures.total("differences", "gate_fen")
            moved_fen += figures.total("causes_of_postings", "moved_fen")
            tables.append(net_table(figures, name=lambda kind, party: say(named(kind, party))))
            sections.append(net_section(figures, name=named))
        if found := rider_month(centre.workspace, centre.newest_settled()):
            tables.append(rider_table(found, name=named))
            sections.append(rider_section(found, name=named))
    rides, fare_fen = rides - elsewhere.rides, fare_fen - elsewhere.fare_fen
    differences += _against_devices(outcomes, rides=rides, fare_fen=fare_fen)
    said = Text(
        f"{rides} rides booked and {elsewhere.rides} of Jiaxing's, all signatures checked again;"
        f" {moved_fen} fen changed hands and sum to 0",
        f"{rides} 笔行程及嘉兴 {elsewhere.rides} 笔已入账，签名全部复核；共划转 {moved_fen} 分，合计为 0",
    )
    return Cleared(tables=tables, section="\n".join(sections), said=said, differences=differences, done=True)


def _folder(store: Path, package: Path) -> Path:
    """A centre's folder beside the store."""
    folder = store.parent / "centre"
    for name in ("stores", "parameters"):
        (folder / name).mkdir(parents=True)
    shutil.copy(store, folder / "stores")
    shutil.copy(package, folder / "parameters")
    shutil.copy(_TERMS / "rates.toml", folder)
    rules = (_TERMS / "rules.toml").read_text(encoding="utf-8")
    (folder / "rules.toml").write_text(_WAITS.sub("close_after_days = 0", rules), encoding="utf-8")
    return folder


def _against_devices(outcomes: Sequence[Outcome], *, rides: int, fare_fen: int) -> list[Text]:
    taken = [one.tap for one in outcomes if one.accepted and one.tap is not None and not one.tap.again]
    charged = sum(tap.fare_fen for tap in taken)
    differences = []
    if rides != len(taken):
        differences.append(
            Text(
                f"gates let {len(taken)} riders in, {rides} rides are booked", f"放行 {len(taken)} 人，入账 {rides} 笔"
            )
        )
    if fare_fen != charged:
        differences.append(
            Text(f"gates took {charged} fen, {fare_fen} are cleared", f"闸机实收 {charged} 分，清算 {fare_fen} 分")
        )
    return differences


def names(cast: Cast) -> Callable[[str, str], Text]:
    """What the demonstration calls a party, by its kind and code."""
    cities = {f"{one.city.division:08}": one.city.name for one in cast.institutions}
    cities |= {f"{city.division:08}": city.name for city in PLAN.cities}
    issuers = {one.organisation: one.city.name for one in cast.institutions}
    operators = {f"{GATES[mode].operator:08}": name for mode, name in OPERATORS.items()}
    operators[f"{JIAXING.operator:08}"] = Text("Jiaxing's buses", "嘉兴公交")

    def name(kind: str, party: str) -> Text:
        code = Text(party, party)
        match kind:
            case "ISSUER":
                place = issuers.get(party, code)
                return Text(f"issuer of {place.en}", f"{place.zh}发码机构")
            case "OPERATOR":
                return operators.get(party, code)
            case "CITY":
                place = cities.get(party, code)
                return Text(f"the city of {place.en}", f"{place.zh}市")
            case "REGION":
                return Text("the region's fund", "区域基金")
            case _:
                return Text("the centre", "清分中心")

    return name


def _not_cleared(why: Text, *, is_fault: bool = False) -> Cleared:
    section = f"{heading(TITLE)}\n<p>{both(why)}</p>"
    return Cleared(section=section, said=why, differences=(why,) if is_fault else ())
