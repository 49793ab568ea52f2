"""What the centre decides about legs, from its rules (TOML, table `rides`):

[rides]
pair_within_s = 86400           # an exit belongs to no entry that lies further back
close_after_days = 3            # settlement days for which a leg waits for the other
[[rides.missing_exit]]          # what an entry costs that no exit followed; left out: nothing
city = 320500
from = 2026-01-01               # the first service date; left out: always
fen = 200
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from yima.validator.errors import YimaError
from yima.validator.texts import Text


class RulesError(YimaError):
    """Rules of the centre that cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingExit:
    """city: 0 any that has no row of its own. since: the first service date, 0 always. fen: the fare."""

    city: int
    since: int
    fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RideRules:
    """See the module. Seconds, settlement days, fen."""

    pair_within_s: int = 86400
    close_after_days: int = 3
    missing_exit: tuple[MissingExit, ...] = ()


def ride_rules(table: Mapping[str, object], source: str | Path = "rules") -> RideRules:
    """The rules of a TOML table. Raises RulesError for a key or a value that is none."""
    rest = dict(table)
    rows = rest.pop("missing_exit", [])
    if not isinstance(rows, list):
        raise _refused(source, "missing_exit")
    missing = tuple(_missing_exit(row, source) for row in rows)
    if len({(row.city, row.since) for row in missing}) < len(missing):
        raise _refused(source, "missing_exit")
    within = _whole(rest.pop("pair_within_s", 86400), 1, 30 * 86400, source, "pair_within_s")
    after = _whole(rest.pop("close_after_days", 3), 0, 60, source, "close_after_days")
    if rest:
        raise _refused(source, min(rest))
    return RideRules(pair_within_s=within, close_after_days=after, missing_exit=missing)


def _missing_exit(row: object, source: str | Path) -> MissingExit:
    if not isinstance(row, dict) or not row.keys() <= {"city", "from", "fen"}:
        raise _refused(source, "missing_exit")
    since = row.get("from")
    if since is not None and type(since) is not date:
        raise _refused(source, "missing_exit.from")
    return MissingExit(
        city=_whole(row.get("city", 0), 0, 999999, source, "missing_exit.city"),
        since=0 if since is None else since.year * 10000 + since.month * 100 + since.day,
        fen=_whole(row.get("fen"), 0, 100000, source, "missing_exit.fen"),
    )


def _whole(value: object, least: int, most: int, source: str | Path, name: str) -> int:
    if type(value) is not int or not least <= value <= most:
        raise _refused(source, name)
    return value


def _refused(source: str | Path, name: str) -> RulesError:
    return RulesError(
        source,
        Text(f"rides.{name} is not as it should be", f"rides.{name} 不正确"),
        Text("See docs/clearing.md for its keys and bounds", "各键及取值范围见 docs/clearing.md"),
    )
