"""A second settlement, slow and plain: written from the rules as they stand in docs/clearing.md, sharing no code with
the first. It prices every ride anew on every day, in loops, and compares with its own books."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

Ride = Mapping[str, Any]


@dataclass
class Books:
    """What was booked: (ride, number, reverses) -> sums, and the postings of each."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    postings: list[tuple[str, str, str, int, int]] = field(default_factory=list)  # kind, party, cause, fen, day
    live: dict[str, dict[str, Any]] = field(default_factory=dict)
    last: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def half_up(value: Fraction) -> int:
    """The nearest whole fen, the upper one of two."""
    return int((value + Fraction(1, 2)).__floor__())


def begins(ride: Ride) -> int:
    """When the rider set off."""
    if ride["mode"] == 2 and ride["entry_at"] is not None:
        return int(ride["entry_at"])
    return int(ride["moment"])


def holds(rule: Mapping[str, Any], ride: Ride) -> bool:
    """Whether a rule is of the ride's city and service date."""
    first, end = rule.get("from", 0), rule.get("to", 99999999)
    return bool(rule["city"] == ride["city"] and first <= ride["service_date"] < end)


def price(
    rides: Sequence[Ride], rules: Mapping[str, Any], is_in: Callable[[str, int], bool]
) -> dict[str, list[tuple[str, int, str]]]:
    """For each ride of one person: [(rule, fen off, funder)] by place: concession, transfer, cap, total. is_in: whether
    the person is in a group on a day."""
    ordered = sorted(rides, key=lambda ride: (begins(ride), ride["ride_id"]))
    given: dict[str, list[tuple[str, int, str]]] = {}
    previous: Ride | None = None
    by_day: dict[tuple[str, int], int] = defaultdict(int)
    by_month: dict[tuple[str, int], int] = defaultdict(int)
    for place, ride in enumerate(ordered):
        given[ride["ride_id"]] = off = [("", 0, "")] * 4
        if companion(ride, ordered[:place], rules["companion_s"]):
            continue
        regular = ride["kind"] in ("BUS", "METRO")
        left = ride["fare"]
        if regular:
            off[0] = concession(ride, rules["concession"], is_in)
            left -= off[0][1]
        if previous is not None and regular:
            off[1] = transfer(previous, ride, rules["transfer"], left)
            left -= off[1][1]
        previous = ride
        if not regular:
            continue
        for rule in rules["daily_cap"]:
            if holds(rule, ride) and ride["mode"] in rule["modes"]:
                so_far = by_day[rule["rule"], ride["service_date"]]
                by_day[rule["rule"], ride["service_date"]] += left
                room = max(0, rule["cap_fen"] - so_far)
                if left > room:
                    off[2] = (rule["rule"], left - room, rule["funder"])
                    left = room
        for rule in rules["monthly_total"]:
            if holds(rule, ride) and ride["mode"] in rule["modes"]:
                key = (rule["rule"], ride["service_date"] // 100)
                reached = [percent for low, percent in rule["tiers"] if by_month[key] >= low]
                by_month[key] += 1 if rule["by"] == "rides" else left
                if reached:
                    remains = half_up(Fraction(left * reached[-1], 100))
                    if remains < left:
                        off[3] = (rule["rule"], left - remains, rule["funder"])
    return given


def companion(ride: Ride, before: Sequence[Ride], companion_s: int) -> bool:
    """Whether someone rides along on the same person's account."""
    for other in before:
        if other["mode"] == 2 and begins(ride) < min(other["moment"], begins(other) + 86400):
            return True
        same_bus = ride["mode"] == other["mode"] == 1 and (ride["city"], ride["line"]) == (other["city"], other["line"])
        if same_bus and begins(ride) - begins(other) <= companion_s:
            return True
    return False


def concession(
    ride: Ride, rules: Sequence[Mapping[str, Any]], is_in: Callable[[str, int], bool]
) -> tuple[str, int, str]:
    """What is left to the best that the person's groups give, the gate's own reductions counted."""
    best = ("", 0, "")
    for rule in sorted(rules, key=lambda rule: rule["rule"]):
        known = "homes" not in rule or ride["issuer_city"] in rule["homes"]
        if not (known and holds(rule, ride) and ride["mode"] in rule["modes"]):
            continue
        if any(is_in(group, ride["service_date"]) for group in rule["groups"]):
            off = ride["fare"] - half_up(Fraction(ride["gross"] * rule["percent"], 100))
            # Two rules may round to the same sum: the smaller percentage is the one that holds.
            if off > best[1] or (off == best[1] > 0 and rule["percent"] < percent_of(best[0], rules)):
                best = (rule["rule"], off, rule["funder"])
    return best


def percent_of(name: str, rules: Sequence[Mapping[str, Any]]) -> int:
    """What a rule leaves."""
    return next(int(rule["percent"]) for rule in rules if rule["rule"] == name)


def member(statement: tuple[str, str, int, int, int, int | None], date: int, day: int) -> bool:
    """Whether a statement (account, group, from, to, taken, revoked) holds for a date as far as is known on a day."""
    _, _, first, end, taken, revoked = statement
    if taken > day or not max(first, taken // 100 * 100) <= date < end:
        return False
    return revoked is None or revoked > day or taken < revoked > date


def transfer(previous: Ride, ride: Ride, rules: Sequence[Mapping[str, Any]], fare: int) -> tuple[str, int, str]:
    """What the ride right before gives."""
    nothing = ("", 0, "")
    if previous["kind"] not in ("BUS", "METRO") or previous["city"] != ride["city"]:
        return nothing
    if previous["device"] == ride["device"]:
        return nothing
    first_line = ride["entry_line"] if ride["mode"] == 2 and ride["entry_line"] else ride["line"]
    if previous["mode"] == ride["mode"] and previous["line"] == first_line:
        return nothing
    for rule in rules:
        passed = begins(ride) - previous["moment"]
        if holds(rule, ride) and (previous["mode"], ride["mode"]) in rule["legs"] and 0 <= passed <= rule["within_s"]:
            off = fare if rule["less_fen"] is None else min(fare, rule["less_fen"])
            return (rule["rule"], off, rule["funder"]) if off else nothing
    return nothing


def rate(ride: Ride, rates: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The pair's own row, else the default's."""
    for who in ((ride["operator"], ride["issuer"]), ("", "")):
        theirs = [row for row in rates if (row.get("acquirer", ""), row.get("issuer", "")) == who]
        begun = [row for row in theirs if row.get("from", 0) <= ride["service_date"] < row.get("to", 99999999)]
        if begun:
            return max(begun, key=lambda row: row.get("from", 0))
    raise LookupError(ride["ride_id"])


def settle_day(books: Books, world: Mapping[str, Any], day: int) -> None:
    """Books a day."""
    links: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for account, person, since in sorted(world["persons"], key=lambda row: row[2]):
        if since <= day:
            links[account].append((since // 100, person))
    gone = {ride_id for ride_id, when, *_ in world["voids"] if when <= day}

    def person_of(account: str, date: int) -> str | None:
        begun = [person for month, person in links[account] if month <= date // 100]
        return begun[-1] if begun else None

    people: dict[str, list[Ride]] = defaultdict(list)
    gate: dict[str, list[tuple[str, int, str]]] = {}
    for ride in world["rides"]:
        if ride["day"] > day or ride["ride_id"] in gone:
            continue
        person = person_of(ride["account"], ride["service_date"]) or ride["person"]
        extra = sum(delta for ride_id, delta, when in world["amounts"] if ride_id == ride["ride_id"] and when <= day)
        gate[ride["ride_id"]] = ride["reduced"]
        fare = ride["gross_fen"] + extra - sum(off for _, off, _ in ride["reduced"])
        people[person].append({**ride, "gross": ride["gross_fen"] + extra, "fare": fare})
    wanted = {}
    stated: dict[str, list[Any]] = defaultdict(list)  # by every name that the account's person has had
    for said in world["members"]:
        for name in {said[0], *(person for _, person in links[said[0]])}:
            stated[name].append(said)
    for name, rides in people.items():

        def is_in(group: str, date: int, name: str = name) -> bool:
            return any(
                said[1] == group and (person_of(said[0], date) or said[0]) == name and member(said, date, day)
                for said in stated[name]
            )

        off = price(rides, world["rules"], is_in)
        for ride in rides:
            wanted[ride["ride_id"]] = (ride, gate[ride["ride_id"]], off[ride["ride_id"]])
    for ride_id in sorted(set(wanted) | set(books.live)):
        live = books.live.get(ride_id)
        now = wanted.get(ride_id)
        if live and now and (live["gross"], live["off"]) == (now[0]["gross"], now[2]):
            continue
        if live:
            book(books, live, day, sign=-1)
            del books.live[ride_id]
        if now:
            books.last[ride_id] += 1
            row = {"ride": now[0], "gross": now[0]["gross"], "gate": now[1], "off": now[2]}
            row |= {"number": books.last[ride_id], "rate": rate(now[0], world["rates"])}
            book(books, row, day, sign=1)
            books.live[ride_id] = row


def book(books: Books, row: Mapping[str, Any], day: int, *, sign: int) -> None:
    """One booking or its reversal, and its postings."""
    ride = row["ride"]
    charged = row["gross"] - sum(off for _, off, _ in row["gate"])
    fare = charged - sum(off for _, off, _ in row["off"])
    parts = {name: half_up(Fraction(fare * row["rate"].get(name, 0), 10_000_000)) for name in _PARTS}
    fee = parts["fee"]
    issuer_share = min(parts["issuer_share"], fee)
    acquirer_share = min(parts["acquirer_share"], fee - issuer_share)
    books.rows.append(
        {
            "ride_id": ride["ride_id"],
            "number": row["number"],
            "reverses": sign < 0,
            "day": day,
            "gross_fen": sign * row["gross"],
            "fare_fen": sign * fare,
            "fee_fen": sign * fee,
            "issuer_share_fen": sign * issuer_share,
            "acquirer_share_fen": sign * acquirer_share,
        }
    )
    issuer, operator, centre = ("ISSUER", ride["issuer"]), ("OPERATOR", ride["operator"]), ("CENTRE", "00000000")
    moves = [
        (issuer, operator, "FARE", charged),
        (operator, centre, "FEE", fee),
        (centre, issuer, "ISSUER_SHARE", issuer_share),
        (centre, operator, "ACQUIRER_SHARE", acquirer_share),
        *((payer(ride, funder), operator, "SUBSIDY", off) for _, off, funder in row["gate"]),
        *((payer(ride, funder), issuer, "REDUCTION", off) for _, off, funder in row["off"] if off),
    ]
    for giver, taker, cause, fen in moves:
        if fen:
            books.postings.append((*giver, cause, -sign * fen, day))
            books.postings.append((*taker, cause, sign * fen, day))


def payer(ride: Ride, funder: str) -> tuple[str, str]:
    """Who pays for a reduction."""
    if funder == "REGION":
        return "REGION", "00000000"
    if funder == "OPERATOR":
        return "OPERATOR", ride["operator"]
    city = ride["issuer_city"] if funder == "ISSUER_CITY" and ride["issuer_city"] else ride["city"]
    return "CITY", f"{city:08}"


_PARTS = ("fee", "issuer_share", "acquirer_share")
