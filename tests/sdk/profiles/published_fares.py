"""Fare calculators for the three tariffs, written from the words of their sources: tests hold the core against them.

They share no code with the core, the compiler or the files of the tariffs but the lengths of ways: what is summed up
and priced here is found by other means.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta

REST_2026 = [  # first and last day of each holiday
    ((1, 1), (1, 3)), ((2, 15), (2, 23)), ((4, 4), (4, 6)), ((5, 1), (5, 5)), ((6, 19), (6, 21)), ((9, 25), (9, 27)),
    ((10, 1), (10, 7)),
]  # fmt: skip
WORKED_2026 = {(1, 4), (2, 14), (2, 28), (5, 9), (9, 20), (10, 10)}

Ways = Mapping[frozenset[int], int]


def works(day: date) -> bool:
    """Whether this day of 2026 is a working day."""
    if (day.month, day.day) in WORKED_2026:
        return True
    holiday = any(first <= (day.month, day.day) <= last for first, last in REST_2026)
    return day.weekday() < 5 and not holiday


def lengths(ways: Ways) -> Callable[[int, int], int]:
    """Metres of the shortest way: distances are lowered until no way lowers any."""
    stations = sorted({end for way in ways for end in way})
    far = {(a, b): 0 if a == b else 10**9 for a in stations for b in stations}
    lowered = True
    while lowered:
        lowered = False
        for way, metres in ways.items():
            for here, there in (sorted(way), sorted(way, reverse=True)):
                for start in stations:
                    if far[start, here] + metres < far[start, there]:
                        far[start, there] = far[start, here] + metres
                        lowered = True
    return lambda start, end: far[start, end]


def beijing_metro_yuan(metres: int) -> int:
    """3 yuan for 6 km, 4 for 12, 5 for 22, 6 for 32, then 1 more every 20; what is under 100 m is not counted."""
    km = metres // 100 / 10
    yuan = 3
    for limit in (6, 12, 22, 32, 52, 72, 92):
        yuan += km > limit
    return yuan


def beijing_metro(metres: int, *, early_station: bool, entered: datetime, left: datetime) -> int:
    """Fen. Half on working days for who enters a station of the pilot up to 07:00; the day begins at 04:00."""
    fen = 100 * beijing_metro_yuan(metres)
    day = (entered - timedelta(hours=4)).date()
    if early_station and works(day) and entered.time() < time(7, 1):
        fen //= 2
    return fen + (300 if (left - entered).total_seconds() > 4 * 3600 else 0)


def beijing_bus(metres: int, group: str) -> int:
    """Fen. 2 yuan for 10 km, 1 more for each 5 begun; half by card, a quarter for students, nothing for others."""
    yuan = 2 + max(0, -((10_000 - metres) // 5_000))
    return {"": 50, "student": 25, "senior": 0, "veteran": 0}[group] * yuan


def hangzhou_metro(metres: int, group: str, account_type: int, entered: datetime) -> int:
    """Fen. 2 yuan for 4 km, 1 more for 4, 4, 6, 6, and then for each 8 begun; reductions by age and by hour."""
    yuan, reach, steps = 2, 4_000, [4_000, 4_000, 6_000, 6_000]
    while reach < metres:
        reach += steps.pop(0) if steps else 8_000
        yuan += 1
    clock = entered.time()
    peak = time(7) <= clock < time(8, 30) or time(17) <= clock < time(18, 30)
    if account_type == 2:  # who is 60 to 69
        return 50 * yuan
    if group == "senior":
        return 50 * yuan if works(entered.date()) and peak else 0
    return {"": 100, "student": 50, "veteran": 0}[group] * yuan
