"""The whole example: cities in parallel, then statements and disputes; a folder in which `yima centre` can work
(clearing/folder.py).

    stores/<city>.db, <city>-standby.db     what the collectors of a city have
    parameters/<version>.bin                what the centre has published
    rules.toml, rates.toml                  the profile's, as they are
    identity.toml, statements/              what issuers state of their riders: stating.py
    incoming/ED…, CM…                       what institutions hand in
    truth/taps, rides, persons, …           what a centre does not see: truth.py
    example.json                            what was asked for, and how many of what there are

Rules it keeps:
- The same taps, days, shares and seed give the same bytes in parameters and incoming on however many processors, the
  same facts of the same taps in stores and truth, and the same statements. Signatures are others each time, and so are
  digests over them.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from yima.sdk.centre.clearing.days import shifted
from yima.sdk.centre.clearing.folder import INCOMING, PARAMETERS, RATES, RULES, STORES
from yima.sdk.centre.example import region
from yima.sdk.centre.example.city import SHOWN_S, Made, Task, Twin, make_city
from yima.sdk.centre.example.disputes import raise_disputes
from yima.sdk.centre.example.journeys import Shares
from yima.sdk.centre.example.riders import Passengers
from yima.sdk.centre.example.stating import state_people
from yima.sdk.issuer import Issuer
from yima.sdk.profiles.yangtze_delta.plan import City
from yima.validator.errors import YimaError
from yima.validator.outside import json_of
from yima.validator.texts import Text

TAPS_LEAST = 500  # fewer leave cities without a ride
DAYS, DAYS_MOST = 3, 28
Progress = Callable[[str, int, int], None]
_TWINS_UNIT = 90000  # and the first city's place among all
_TWINS_AT_S = 22 * 3600 + 1800  # when nobody else rides
_MADE = "example.json"  # written last: where it is, the example is whole
_LATEST = 2  # days that the latest entries come after the last day of service


class ExampleError(YimaError):
    """An example that cannot be made."""


def make_example(
    folder: Path,
    taps: int,
    seed: int,
    *,
    days: int = DAYS,
    shares: Shares | None = None,
    workers: int | None = None,
    progress: Progress = lambda what, done, of: None,
) -> dict[str, int]:
    """Makes a region's taps in a new folder; returns how many of what. taps: presentations in all, copies not counted.
    days: of service. progress: (city, taps made, of how many). Raises ExampleError."""
    if taps < TAPS_LEAST or not 1 <= days <= DAYS_MOST:
        raise ExampleError(
            f"{taps} taps on {days} days",
            Text("is no example that can be made", "无法生成"),
            Text(
                f"Ask for {TAPS_LEAST} taps or more, 1 to {DAYS_MOST} days",
                f"至少 {TAPS_LEAST} 次，1 至 {DAYS_MOST} 天",
            ),
        )
    shares = shares or Shares()
    _begin(folder, seed)
    tasks = list(_tasks(folder, taps, seed, days, shares))
    made: list[Made] = []
    progress("", 0, taps)
    with ProcessPoolExecutor(workers or os.cpu_count(), mp_context=get_context("spawn")) as pool:
        for done in as_completed([pool.submit(make_city, task) for task in tasks]):
            made.append(done.result())
            progress(made[-1].city.name.en, sum(one.taps for one in made), taps)
    count = {name: sum(getattr(one, name) for one in made) for name in ("taps", "entries", "copies", "late")}
    made.sort(key=lambda one: one.city.division)
    people = [person for one in made for person in one.people]
    count |= state_people(folder, seed, tasks[0].institutions, people, days)
    count["disputes"] = raise_disputes(folder, shares.disputes)
    asked = {"taps": taps, "seed": seed, "days": days, "first_day": region.FIRST_DAY}
    (folder / _MADE).write_text(json.dumps({"asked": asked, "made": count}, indent=1) + "\n", encoding="utf-8")
    return count


def refuse_incomparable(folder: Path, workspace: Path) -> None:
    """Where there is no truth, or nothing was cleared, nothing would differ. Raises ExampleError."""
    if not (folder / _MADE).is_file():
        raise ExampleError(
            folder,
            Text("is no example that was made to the end", "不是已完整生成的示例区域"),
            Text("Name a folder that yima centre example made", "请指定由 yima centre example 生成的文件夹"),
        )
    if not workspace.is_dir():
        raise ExampleError(
            folder,
            Text("is not cleared", "尚未清算"),
            Text("Run yima centre day for it first", "请先执行 yima centre day"),
        )


def settlement_days(folder: Path) -> list[int]:
    """The days that a centre must settle until nothing of the example waits any more."""
    asked = json_of((folder / _MADE).read_bytes())["asked"]
    count = asked["days"] + _LATEST + region.RIDE_RULES.close_after_days
    return [shifted(asked["first_day"], place) for place in range(count)]


def _begin(folder: Path, seed: int) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise ExampleError(folder, Text("is not empty", "目录不为空"), Text("Name a new folder", "请指定新目录"))
        for name in (STORES, PARAMETERS, INCOMING):
            (folder / name).mkdir()
        for name in (RULES, RATES):
            shutil.copyfile(region.CLEARING / name, folder / name)
    except OSError as error:
        raise ExampleError(
            folder,
            Text(f"cannot be made: {error.strerror}", f"无法创建：{error.strerror}"),
            Text("Name a folder that can be written", "请指定可写的目录"),
        ) from error
    for version in (1, 2):
        (folder / PARAMETERS / f"{version}.bin").write_bytes(bytes(region.parameters(seed, version).image))


def _tasks(folder: Path, taps: int, seed: int, days: int, shares: Shares) -> Iterator[Task]:
    everybody = region.cities()
    whole = sum(map(region.weight, everybody))
    institutions = region.institutions(seed)
    twins: list[Twin] = []
    if shares.two_cities:
        twins = _twins(seed, institutions, everybody, max(1, int(taps * shares.two_cities)), days)
    left, weights = taps, whole
    for city in everybody:
        mine = left * region.weight(city) // weights
        left, weights = left - mine, weights - region.weight(city)
        through = [twin for twin in twins if city in (twin.first, twin.second)]
        yield Task(
            folder=folder, seed=seed, institutions=institutions, city=city, taps=mine, days=days, shares=shares,
            twins=through,
        )  # fmt: skip


def _twins(
    seed: int, institutions: Mapping[int, Issuer], everybody: tuple[City, ...], count: int, days: int
) -> list[Twin]:
    """Codes that are shown in two cities: the next city along the list each time, the next day, the next rider."""
    many = len(everybody)
    riders = [
        Passengers(seed, _TWINS_UNIT + place, institutions, city, (city,)) for place, city in enumerate(everybody)
    ]
    twins = []
    for number in range(count):
        rider, place = number // many, number // many % days
        at = _TWINS_AT_S + number // many // days
        code = riders[number % many][rider].outside(region.midnight(place) + at - SHOWN_S)
        first, second = everybody[number % many], everybody[(number + 1) % many]
        twins.append(Twin(code=code, place=place, at=at, first=first, second=second))
    return twins
