"""Days as numbers (20260801), in the one time zone of all cities, UTC+8."""

from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

AHEAD_S = 28800
_EARLIEST, _LATEST = -2208988800, 4102444799  # 1900 to 2099: a broken clock's year is no folder's name


def day_of(unix_s: int) -> int:
    """The local date of a moment."""
    local = datetime.fromtimestamp(min(max(unix_s, _EARLIEST), _LATEST) + AHEAD_S, UTC)
    return local.year * 10000 + local.month * 100 + local.day


def days_of(moments: pa.Array) -> pa.Array:
    """The local dates of many moments, 32 bits each."""
    local = pc.add(pc.min_element_wise(pc.max_element_wise(moments, _EARLIEST), _LATEST), AHEAD_S)
    stamp = local.cast(pa.timestamp("s"))
    parts = pc.add(pc.multiply(pc.year(stamp), 10000), pc.multiply(pc.month(stamp), 100))
    return pc.add(parts, pc.day(stamp)).cast(pa.int32())


def shifted(day: int, by: int) -> int:
    """The date so many days later; before it if `by` is negative."""
    moved = date(day // 10000, day // 100 % 100, day % 100) + timedelta(days=by)
    return moved.year * 10000 + moved.month * 100 + moved.day


def midnight(day: int) -> int:
    """The moment at which that date begins, unix seconds."""
    return int(datetime(day // 10000, day // 100 % 100, day % 100, tzinfo=UTC).timestamp()) - AHEAD_S


def is_day(number: int) -> bool:
    """Whether a number is a day of the calendar."""
    try:
        shifted(number, 0)
    except ValueError:
        return False
    return True
