"""What the region's work plan says, read from its tables, and what a row of it means for a gate.

The plan names a city, a mode (bus or metro) and a year. It leaves three things open, decided here:
- **From which day.** The plan tells years only. A row counts from the first day of its year (FIRST_DAY), midnight in
  UTC+8: a table that knows only the year must not turn away a rider of that year's first half. A city that opened
  later writes its own day into acceptance.csv.
- **Who rides.** A riding city and mode that has joined takes the codes of every city that has joined, by whatever
  mode: a code belongs to a rider, not to a bus. So a pair begins on the later of two days: when the riding city's mode
  joined, and when the issuer's city joined first.
- **Until when.** The plan ends no row: every row is open.

The remark "accepts the pilot cities of the three provinces" on Shanghai's rows is this same rule, said of Shanghai:
every city of the plan is a pilot city. A mode that has no row (metro in Suzhou, Ningbo, Hefei …) has not joined at all.

plan.csv speaks of the ministry's code alone; what the plan says of other codes (随申码, 苏服码, 安徽码) is in
pilots.csv. Where the plan contradicts itself, `CONTRADICTIONS` has both readings and the one that was taken.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from yima.sdk.parameters.cells import Row as Line
from yima.sdk.parameters.cells import read_rows, refuse_repeated
from yima.validator.parameters import Mode
from yima.validator.texts import Text

PLAN_FILE = Path(__file__).parent / "plan.csv"
CITIES_FILE = Path(__file__).parent / "cities.csv"
PILOTS_FILE = Path(__file__).parent / "pilots.csv"
FIRST_DAY = (1, 1)  # month and day of a row's year from which it counts
PROVINCES = {
    31: Text("Shanghai", "上海"),
    32: Text("Jiangsu", "江苏"),
    33: Text("Zhejiang", "浙江"),
    34: Text("Anhui", "安徽"),
}
ISSUERS = {"suishen": 310000, "sufu": 320000, "anhui": 340000}
"""Whose the codes are that are piloted beside the ministry's: a division, of a province where a province issues it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """What two parts of the plan say differently of the same rows. taken: what plan.csv and pilots.csv go by, and why.

    rows: city and mode, as they stand in plan.csv.
    """

    rows: tuple[tuple[str, Mode], ...]
    table: Text
    text: Text
    taken: Text


CONTRADICTIONS = (
    Contradiction(
        rows=(("Hangzhou", Mode.METRO), ("Shaoxing", Mode.METRO)),
        table=Text("task table, row 5: these metros take the code from 2024", "任务表第5行：两市地铁2024年受理"),
        text=Text("section three says otherwise of Zhejiang's metros", "第三部分对浙江地铁另有说法"),
        taken=Text("the table, which has the year: a rider is rather taken", "取任务表：表中有年份，宁可受理"),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class City:
    """A city: administrative division code (GB/T 2260, its first two digits are the province's) and name."""

    division: int
    name: Text

    @property
    def province(self) -> Text:
        """The province's name, or Shanghai's."""
        return PROVINCES[self.division // 10000]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the plan: from `year` on, this city's vehicles of this mode take the ministry code."""

    city: City
    mode: Mode
    year: int
    remark: str

    @property
    def joined(self) -> date:
        """The first day of it, in UTC+8."""
        return date(self.year, *FIRST_DAY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Riders of `issuer` may ride in `riding` by `mode` from the day `begins` on, in UTC+8; nobody has set an end."""

    riding: City
    mode: Mode
    issuer: City
    begins: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Pilot:
    """From `year` on, this city's vehicles of this mode take codes of a family beside the ministry's."""

    city: City
    mode: Mode
    family: str
    year: int
    remark: str

    @property
    def issuer(self) -> int:
        """The division whose codes these are."""
        return ISSUERS[self.family]

    @property
    def begins(self) -> date:
        """The first day of it, in UTC+8."""
        return date(self.year, *FIRST_DAY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The whole plan. rows, pilots: as they stand in the files."""

    rows: tuple[Row, ...]
    pilots: tuple[Pilot, ...] = ()

    @property
    def cities(self) -> tuple[City, ...]:
        """Every city of the plan, by division code."""
        return tuple(sorted({row.city for row in self.rows}, key=lambda city: city.division))

    def city(self, english: str) -> City:
        """By its English name. Raises KeyError."""
        return {city.name.en: city for city in self.cities}[english]

    def joined(self, city: City, mode: Mode | None = None) -> date | None:
        """The day this city's mode joined, or, without a mode, its first one; None: never."""
        return min((row.joined for row in self.rows if row.city == city and mode in (None, row.mode)), default=None)

    def begins(self, issuer: City, riding: City, mode: Mode) -> date | None:
        """From which day `riding` takes codes of `issuer` on this mode; None: never."""
        here, there = self.joined(riding, mode), self.joined(issuer)
        return max(here, there) if here and there else None

    def pairs(self) -> Iterator[Pair]:
        """Every pair that is ever accepted: by riding city, mode, issuer's city."""
        for riding in self.cities:
            for mode in Mode:
                for issuer in self.cities:
                    begins = self.begins(issuer, riding, mode)
                    if begins:
                        yield Pair(riding=riding, mode=mode, issuer=issuer, begins=begins)

    def families(self, city: City | None = None) -> tuple[str, ...]:
        """The code families that this city's gates take, or the region's: the ministry's, and what is piloted."""
        piloted = {pilot.family for pilot in self.pilots if city in (None, pilot.city)}
        return ("ministry", *(family for family in ISSUERS if family in piloted))


@cache
def load_plan() -> Plan:
    """The plan as it ships. Raises ParametersError when a file was edited into something else."""
    return read_plan(PLAN_FILE, CITIES_FILE, PILOTS_FILE)


def read_plan(plan: Path, cities: Path, pilots: Path) -> Plan:
    """The plan from its CSV files, in the form of parameters.cells. Raises ParametersError: file, line, column."""
    known = {city.name.en: city for city in _cities(cities)}
    lines = read_rows(plan, ("city", "province", "mode", "ministry_code_from", "remark"))
    refuse_repeated(lines, lambda line: (line["city"].value, line["mode"].value))
    rows = []
    for line in lines:
        city = _city(line, known, cities)
        if line["province"].value != city.province.en:
            line["province"].expected(f"{city.province.en}, where {city.name.en} lies", f"{city.province.en}")
        year = line["ministry_code_from"].number(2000, 2099)
        rows.append(Row(city=city, mode=line["mode"].mode(), year=year, remark=line["remark"].value))
    return Plan(rows=tuple(rows), pilots=tuple(_pilots(pilots, known, cities)))


def _city(line: Line, known: Mapping[str, City], cities: Path) -> City:
    if line["city"].value not in known:
        line["city"].expected(f"a city of {cities.name}", f"{cities.name} 中的城市")
    return known[line["city"].value]


def _pilots(path: Path, known: Mapping[str, City], cities: Path) -> Iterator[Pilot]:
    lines = read_rows(path, ("city", "mode", "family", "from_year", "remark"))
    refuse_repeated(lines, lambda line: (line["city"].value, line["mode"].value, line["family"].value))
    for line in lines:
        if line["family"].value not in ISSUERS:
            line["family"].expected(" or ".join(ISSUERS), " 或 ".join(ISSUERS))
        yield Pilot(
            city=_city(line, known, cities), mode=line["mode"].mode(), family=line["family"].value,
            year=line["from_year"].number(2000, 2099), remark=line["remark"].value,
        )  # fmt: skip


def _cities(path: Path) -> list[City]:
    lines = read_rows(path, ("city", "chinese", "division"))
    refuse_repeated(lines, lambda line: line["city"].value)
    refuse_repeated(lines, lambda line: line["division"].value)
    cities = []
    for line in lines:
        division = line["division"].city(needed=True)
        if division // 10000 not in PROVINCES:
            line["division"].expected("a division of the region, 31… to 34…", "本区域的行政区划代码，31 至 34 开头")
        cities.append(City(division=division, name=Text(line["city"].value, line["chinese"].value)))
    return cities
