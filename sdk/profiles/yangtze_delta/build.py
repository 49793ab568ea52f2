"""A parameter source made from the plan: the directory that `yima params build` compiles, for people to edit further.

What comes from where:
- acceptance.csv, cities.csv: from the plan, every pair with its first day, and what it says of other codes;
- whitelist.csv, decoders.csv: the synthetic issuers of issuers.py; roots.bin: the certificates that were handed in;
- fares, tables, journeys, concessions: the synthetic files of tariff/, as they stand;
- package.toml: environment, version, times, and the code families that the plan names there.
"""

import csv
import io
import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from yima.sdk.parameters.root_files import bundle, parse_root_file
from yima.sdk.profiles.yangtze_delta import issuers
from yima.sdk.profiles.yangtze_delta.plan import CONTRADICTIONS, ISSUERS, PROVINCES, City, Plan, load_plan
from yima.validator.errors import ParametersError
from yima.validator.parameters import Mode
from yima.validator.parameters.family_rules import RESOLVED_FAMILIES
from yima.validator.texts import Text

TARIFF = Path(__file__).parent / "tariff"
_ABOUT = """\
# The Yangtze-delta profile (长三角“一码通行”): acceptance by the region's work plan of 2023 to 2025; issuers, fares and
# concessions are synthetic. Made by yima.sdk.profiles.yangtze_delta, to be edited by hand from here on.
"""


def write_source(
    directory: Path,
    roots: Iterable[bytes],
    *,
    not_before: datetime,
    expiry: datetime,
    version: int = 1,
    environment: str = "test",
    city: City | None = None,
) -> Path:
    """Writes the source into a directory, which may be there but must be empty; returns it.

    roots: root certificates, 144 bytes each. not_before, expiry: moments with their time zone. city: for whose devices
    the package is, which judge the codes that the plan pilots there beside the ministry's; None: for the whole region,
    with all that are piloted anywhere in it. Raises ParametersError.
    """
    certificates = [root for data in roots for root in parse_root_file(data, "roots")]
    plan = load_plan()
    families = plan.families(city)
    lines = [
        f'environment = "{environment}"',
        f"version = {version}",
        *([f"city = {city.division}"] if city else []),
        f"not_before = {_moment(not_before)}",
        f"expiry = {_moment(expiry)}",
        "\n[limits]",
        f"families = {json.dumps(families)}",  # JSON's list of strings is TOML's too
        '\n[[roots]]\nfile = "roots.bin"',
        *_to_be_added(families),
    ]
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if any(directory.iterdir()):
            raise ParametersError(
                directory, Text("is not empty", "目录不为空"), Text("Name a new directory", "请指定新目录")
            )
        for file in sorted(TARIFF.glob("*.csv")):
            shutil.copyfile(file, directory / file.name)
        (directory / "roots.bin").write_bytes(bundle(certificates))
        (directory / "package.toml").write_text(_ABOUT + "\n".join(lines) + "\n", encoding="utf-8")
        _table(directory / "cities.csv", "city,name", _names(plan))
        _table(
            directory / "whitelist.csv",
            "organisation,platform,city,modes,name",
            (
                (issuers.organisation(c), issuers.platform(c), c.division, "", f"TEST {c.name.en} {c.name.zh}")
                for c in plan.cities
            ),
        )
        _table(
            directory / "acceptance.csv",
            "riding_city,mode,issuer_city,from,to,family",
            _accepted(plan),
            about=_contradictions(),
        )
        _decoders(directory / "decoders.csv", plan.cities)
    except OSError as error:
        raise ParametersError(
            directory,
            Text(f"cannot be written ({error.strerror})", f"无法写入（{error.strerror}）"),
            Text("Choose another directory", "请另选目录"),
        ) from error
    return directory


def _accepted(plan: Plan) -> Iterator[Sequence[object]]:
    """Every city's own riders at home; the plan's pairs, of the ministry's code; and what it pilots beside it.

    The plan is about riders of other cities: what a city's own codes open at home was never its to say.
    """
    for city in plan.cities:
        for mode in Mode:
            yield city.division, mode, city.division, "", "", ""  # of any family
    for pair in plan.pairs():
        if pair.riding != pair.issuer:
            yield pair.riding.division, pair.mode, pair.issuer.division, pair.begins, "", "ministry"
    for pilot in plan.pilots:
        yield pilot.city.division, pilot.mode, pilot.issuer, pilot.begins, "", pilot.family


def _contradictions() -> Iterator[str]:
    """What whoever edits the rows should know of them, as notes in the file."""
    for one in CONTRADICTIONS:
        where = ", ".join(f"{city} {mode}" for city, mode in one.rows)
        yield f"{where}: the plan contradicts itself 方案自相矛盾"
        yield from (f"  {said.en} {said.zh}" for said in (one.table, one.text, one.taken))


def _names(plan: Plan) -> Iterator[Sequence[object]]:
    named = {city.division: city.name for city in plan.cities}
    named |= {pilot.issuer: PROVINCES[pilot.issuer // 10000] for pilot in plan.pilots if pilot.issuer not in named}
    yield from ((division, f"{name.en} {name.zh}") for division, name in sorted(named.items()))


def _to_be_added(families: Sequence[str]) -> Iterator[str]:
    """What only an operator has: keys and prefixes of the other codes, as notes in the file."""
    if "suishen" in families:
        yield "\n# suishen: add [[suishen_keys]] and [[suishen_transport_keys]], see docs/code-families.md"
    for family in families:
        if family in RESOLVED_FAMILIES:
            yield f"# {family}: add [[resolved]] with its prefix and city = {ISSUERS[family]}, by which it is accepted"


def _decoders(path: Path, cities: Sequence[City]) -> None:
    columns = (
        "organisation", "state_at", "inside", "station_at", "station_size", "station_form", "time_at", "time_form",
    )  # fmt: skip
    found = [issuers.decoder(city) for city in cities]
    rows = [
        [
            " ".join(f"0x{state:02x}" for state in one.inside) if column == "inside" else getattr(one, column)
            for column in columns
        ]
        for one in found
    ]
    _table(path, ",".join(columns), rows)


def _table(path: Path, columns: str, rows: Iterable[Sequence[object]], about: Iterable[str] = ()) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    notes = "".join(f"# {note}\n" for note in about)
    path.write_text(f"{notes}{columns}\n{text.getvalue()}", encoding="utf-8")


def _moment(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone")
    return moment.astimezone(issuers.LOCAL).isoformat(sep=" ", timespec="seconds")
