"""What the centre decides about legs, from its rules (TOML, table `rides`):

[rides]
pair_within_s = 86400           # an exit belongs to no entry that lies further back
close_after_days = 3            # settlement days for which a leg waits for the other
pair_again_days = 7             # settlement days back to which a leg that comes late changes rides; 0: never
[[rides.missing_exit]]          # what an entry costs that no exit followed; left out: nothing. Never more than the
                                # cap of the code that was shown: more was not authorised
city = 320500                   # left out: every city without a row of its own
from = 2026-01-01               # the first service date; left out: always
fen = 200
"""

from collections.abc import Iterable
from dataclasses import dataclass

from yima.sdk.centre.clearing.toml_rows import FOR_EVER, Row, TermsError
from yima.validator.parameters.rules import FEN_MAX
from yima.validator.texts import Text

WITHIN_MAX_S, CLOSE_MAX_DAYS, AGAIN_MAX_DAYS = 30 * 86400, 60, 60


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
    pair_again_days: int = 7
    missing_exit: tuple[MissingExit, ...] = ()


def ride_rules(table: Row) -> RideRules:
    """The rules of table `rides`. Raises TermsError."""
    missing = []
    for row in table.rows("missing_exit"):
        since, until = row.period()
        if until != FOR_EVER:
            row.refuse("to", "nothing: the next row ends it", "（留空：由下一条结束）")
        city = row.number("city", 100000, 999999, 0)
        missing.append((MissingExit(city=city, since=since, fen=row.number("fen", 0, FEN_MAX)), row))
        row.end()
    within = table.number("pair_within_s", 1, WITHIN_MAX_S, 86400)
    after = table.number("close_after_days", 0, CLOSE_MAX_DAYS, 3)
    again = table.number("pair_again_days", 0, AGAIN_MAX_DAYS, 7)
    table.end()
    _refuse_twins(missing)
    rows = tuple(one for one, _ in missing)
    return RideRules(pair_within_s=within, close_after_days=after, pair_again_days=again, missing_exit=rows)


def _refuse_twins(missing: Iterable[tuple[MissingExit, Row]]) -> None:
    """No two rows begin on one day for one city."""
    seen: dict[tuple[int, int], str] = {}
    for one, row in missing:
        other = seen.setdefault((one.city, one.since), row.where)
        if other != row.where:
            raise TermsError(
                row.where,
                Text(f"begins on the same day as {other}, for the same city", f"与 {other} 城市相同且同日生效"),
                Text("Leave one of the two", "请只保留其中一条"),
            )
