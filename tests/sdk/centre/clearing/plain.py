"""A second reading of checks and rides, slow and plain: loops over Python values, written from the rules.

It shares no line with the centre's steps: entries are taken apart by the SDK's own layouts, each tap goes to a fresh
Validator, chains are hashed by hand, and the fare between two stations is looked up in the world's tariff.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.sdk.centre.clearing.world import link
from yima.sdk.layouts import CODE
from yima.sdk.layouts_facts import ENTRY
from yima.validator import _core
from yima.validator.judging import Direction, GateContext, Mode, Moment, Stage, StageResult, Validator
from yima.validator.parameters import Parameters

MATRIX = {(101, 101): 200, (101, 205): 300, (101, 309): 500, (205, 205): 200, (205, 309): 400, (309, 309): 200}
LONGEST_S, OVER_TIME_FEN, RETRY_S = 14400, 200, 600


@dataclass
class Tap:
    """One accepted tap as the plain reading holds it."""

    row: dict[str, Any]
    facts: Any
    code: bytes
    day: int
    counted: int = 0  # since this day

    @property
    def key(self) -> tuple[str, int, int]:
        return (self.row["device"], self.row["epoch"], self.row["sequence"])

    @property
    def name(self) -> str:
        return "/".join(map(str, self.key))

    @property
    def account(self) -> str:
        return str(self.facts.of.account.hex())


@dataclass
class Books:
    """What came of all days: why by (day, tap, copy), rides by name."""

    why: dict[tuple[int, str, int], str] = field(default_factory=dict)
    rides: dict[str, dict[str, Any]] = field(default_factory=dict)
    reversals: dict[str, int] = field(default_factory=dict)


def date_of(unix_s: int) -> int:
    return int((datetime.fromtimestamp(unix_s, UTC) + timedelta(hours=8)).strftime("%Y%m%d"))


def _days_before(day: int, count: int) -> int:
    return int((datetime.strptime(str(day), "%Y%m%d") - timedelta(days=count)).strftime("%Y%m%d"))


def _read(entry: bytes) -> Any:
    try:
        return ENTRY.parse(entry)
    except Exception:
        return None


def _tags(record: bytes) -> dict[int, bytes] | None:
    """The record's tags; None if it is not whole."""
    at, tags = 0, {}
    while at + 4 <= len(record):
        tag, size = int.from_bytes(record[at : at + 2]), int.from_bytes(record[at + 2 : at + 4])
        if at + 4 + size > len(record):
            return None
        if tag == 0x0011 and record[at + 4 : at + 4 + size] != _core.sm3(record[:at]):
            return None
        tags[tag] = record[at + 4 : at + 4 + size]
        at += 4 + size
    return tags if at == len(record) and tags.get(0) == b"\0" and 0x11 in tags else None


class Plain:
    """See the module."""

    def __init__(
        self, parameters: Sequence[Parameters], *, days: Sequence[int], close_after: int = 3, missing_exit: int = 0,
        within_s: int = 86400, again: int = 7,
    ) -> None:  # fmt: skip
        self.parameters = {(p.version, _core.sm3(bytes(p.image))[:16]): p for p in parameters}
        self.days, self.close_after, self.missing_exit, self.within_s = days, close_after, missing_exit, within_s
        self.again = again
        self.seen: dict[tuple[str, int, int], bytes] = {}
        self.copies: dict[tuple[str, int, int], int] = defaultdict(int)
        self.counted: dict[bytes, Tap] = {}
        self.ok: dict[str, Tap] = {}
        self.void: set[str] = set()
        self.nobody_passed: set[str] = set()
        self.taken_back: set[str] = set()
        self.used_before: list[Tap] = []
        self.books = Books()

    def run(self, rows: Sequence[dict[str, Any]]) -> Books:
        for day in self.days:
            today = [row for row in rows if date_of(row["received"]) == day]
            turned = self._check(today, day)
            self._ride(day, turned)
        return self.books

    def _check(self, rows: list[dict[str, Any]], day: int) -> list[str]:
        """Names the taps of earlier days that turn void."""
        taps: list[Tap] = []
        outcomes: dict[str, tuple[bool, bool]] = {}
        broken = set()
        for row in sorted(rows, key=lambda r: (r["device"], r["epoch"], r["sequence"], r["received"], r["hash"])):
            key = (row["device"], row["epoch"], row["sequence"])
            name = "/".join(map(str, key))
            facts = _read(row["entry"])
            is_accepted = facts is not None and facts.kind == 1 and facts.of.reason == 0
            is_copy = self.seen.get(key) == row["hash"]
            copy = self.copies[key] if is_copy else 0
            why = self._whole(row, key, facts, is_copy=is_copy)
            if is_copy:
                self.copies[key] += 1
            else:
                self.copies[key] = 1
            if why == "CHAIN" and key not in self.seen:
                broken.add(key)
            self.seen.setdefault(key, row["hash"])
            if facts is not None and facts.kind == 2 and why == "NONE":
                was = outcomes.get(f"{row['device']}/{row['epoch']}/{facts.of.tap}", (False, False))
                outcomes[f"{row['device']}/{row['epoch']}/{facts.of.tap}"] = (
                    was[0] or facts.of.reverses == 1, was[1] or facts.of.result == 3,
                )  # fmt: skip
            if why == "NONE" and is_accepted:
                tap = Tap(row=row, facts=facts, code=(_tags(facts.body) or {})[1], day=day)
                why = self._judge(tap)
                if why == "NONE":
                    taps.append(tap)
            if is_accepted or why not in {"NONE", "DUPLICATE"}:
                self.books.why[day, name, copy] = why
        for key in broken:  # it takes no place that another day's entry could want
            del self.seen[key]
        taps = [tap for tap in taps if not self._is_reversed(tap, outcomes, day)]
        self.taken_back |= {name for name, (reverses, _) in outcomes.items() if reverses}
        turned = [name for name, (reverses, _) in outcomes.items() if reverses and name in self.ok]
        free = {self.counted.pop(self.ok[name].facts.of.digest).facts.of.digest for name in turned}
        taps += [
            tap
            for tap in self.used_before
            if tap.facts.of.digest in free and tap.name not in self.taken_back | self.void and tap.name not in self.ok
        ]
        taps = self._codes_once(taps, day)
        self.nobody_passed |= {name for name, (_, not_passed) in outcomes.items() if not_passed}
        earlier = [tap for name, tap in self.ok.items() if name not in turned]
        retried = self._retried(taps + earlier)
        for tap in taps:
            if tap.name in retried:
                self.books.why[day, tap.name, 0] = "NOT_PASSED"
        taps = [tap for tap in taps if tap.name not in retried]
        turned += [tap.name for tap in earlier if tap.name in retried]
        for name in turned:
            self.counted.pop(self.ok[name].facts.of.digest, None)
            del self.ok[name]
            self.void.add(name)
        for tap in taps:
            self.ok[tap.name] = tap
            self.counted[tap.facts.of.digest] = tap
            tap.counted = day
        return turned

    def _whole(self, row: dict[str, Any], key: tuple[str, int, int], facts: Any, *, is_copy: bool) -> str:
        before = self.seen.get((key[0], key[1], key[2] - 1), bytes(32) if key[2] == 1 else None)
        if link(row) != row["hash"] or (before is not None and before != row["previous"]):
            return "CHAIN"
        if facts is None:
            return "FACTS"
        if facts.kind == 1 and facts.of.reason == 0 and _tags(facts.body) is None:
            return "RECORD"
        if is_copy:
            return "DUPLICATE"
        return "CONFLICT" if key in self.seen else "NONE"

    def _judge(self, tap: Tap) -> str:
        of = tap.facts.of
        parameters = self.parameters.get((of.parameters_version, of.parameters_digest))
        if parameters is None:
            return "PARAMETERS_UNKNOWN"
        verdict = Validator(
            parameters,
            GateContext(
                mode=tuple(Mode)[of.mode - 1], city=of.city, line=of.line, station=of.station,
                direction=tuple(Direction)[of.direction], operator=of.operator_id,
            ),
            table_bytes=0,
        ).judge(tap.code, Moment(unix_s=tap.facts.at, tick_ms=0, trusted=tap.facts.trust == 1))  # fmt: skip
        if not verdict.accepted:
            failed = next(stage for stage, result in verdict.stages.items() if result is StageResult.FAILED)
            if verdict.reason.name == "CERTIFICATE_INVALID":
                return "CA_SIGNATURE"
            if verdict.reason.name == "FARE_OVER_CAP":
                return "OVER_CAP"
            return {Stage.ISSUER_SIGNATURE: "ISSUER_SIGNATURE", Stage.RIDER_SIGNATURE: "RIDER_SIGNATURE"}.get(
                failed, "CORE_REFUSES"
            )
        tap.row["verdict"] = verdict
        tags = _tags(tap.facts.body) or {}
        same = (
            verdict.digest == of.digest and verdict.account == of.account and verdict.account_type == of.account_type
            and int.from_bytes(tags[9]) == of.fare_fen and int.from_bytes(tags[0x10]) == tap.facts.at
        )  # fmt: skip
        return "NONE" if same else "FACTS"

    def _is_reversed(self, tap: Tap, outcomes: dict[str, tuple[bool, bool]], day: int) -> bool:
        is_reversed = outcomes.get(tap.name, (False, False))[0]
        if is_reversed:
            self.books.why[day, tap.name, 0] = "REVERSED"
        return is_reversed

    def _codes_once(self, taps: list[Tap], day: int) -> list[Tap]:
        first: dict[bytes, Tap] = {}
        kept = []
        for tap in sorted(taps, key=lambda t: (t.facts.trust == 0, t.facts.at, *t.key)):
            code = tap.facts.of.digest
            if code not in self.counted and code not in first:
                first[code] = tap
                kept.append(tap)
                self.books.why[day, tap.name, 0] = "NONE"
            elif tap.day == day:
                other = first.get(code)
                alike = other and (other.row["device"], other.facts.at) == (tap.row["device"], tap.facts.at)
                self.books.why[day, tap.name, 0] = "DUPLICATE" if alike else "DOUBLE_USE"
                self.used_before.append(tap)
        return kept

    def _retried(self, taps: list[Tap]) -> set[str]:
        """Those through which nobody passed, and after which the account was let in again at the same place."""
        found = set()
        for tap in taps:
            of = tap.facts.of
            if tap.name in self.nobody_passed and any(
                other.account == tap.account
                and (other.facts.of.mode, other.facts.of.direction, other.facts.of.station)
                == (of.mode, of.direction, of.station)
                and (other.facts.at, *other.key) > (tap.facts.at, *tap.key)
                and other.facts.at - tap.facts.at <= RETRY_S
                for other in taps
            ):
                found.add(tap.name)
        return found

    def _ride(self, day: int, turned: list[str]) -> None:
        rides = self.books.rides
        for name, ride in rides.items():
            if name not in self.books.reversals and {ride["entry_tap"], ride["exit_tap"], name} & set(turned):
                self.books.reversals[name] = day
        for name in self._paired_anew(day):
            self.books.reversals[name] = day
        waiting = self._waiting()
        metro: dict[str, list[Tap]] = defaultdict(list)
        for tap in sorted(waiting, key=lambda t: (t.facts.at, t.facts.of.direction, *t.key)):
            if tap.facts.of.mode == 1:
                self._book(day, "BUS", tap, None)
            else:
                metro[tap.account].append(tap)
        limit = _days_before(day, self.close_after)
        for legs in metro.values():
            inside: list[Tap] = []
            left: list[Tap] = []
            for tap in legs:
                if tap.facts.of.direction == 1:
                    inside.append(tap)
                elif inside and tap.facts.at - inside[-1].facts.at <= self.within_s:
                    self._book(day, "METRO", tap, inside.pop())
                else:
                    left += [tap, *inside[-1:]]
                    del inside[-1:]
            for tap in left + inside:
                if tap.day <= limit:
                    self._book(day, "METRO_NO_EXIT" if tap.facts.of.direction == 1 else "METRO_NO_ENTRY", tap, None)

    def _waiting(self) -> list[Tap]:
        used = {
            tap
            for name, ride in self.books.rides.items()
            if name not in self.books.reversals
            for tap in (ride["entry_tap"], ride["exit_tap"], name)
        }
        return [tap for name, tap in self.ok.items() if name not in used]

    def _paired_anew(self, day: int) -> list[str]:
        """Rides that would be other ones if everything of the account had been there: only if a leg came today."""
        late = [tap for tap in self._waiting() if tap.counted == day and tap.facts.of.mode == 2]
        found = []
        for account in {tap.account for tap in late}:
            near = {}
            for name, ride in self.books.rides.items():
                if name in self.books.reversals or ride["kind"] == "BUS" or ride["day"] < _days_before(day, self.again):
                    continue
                legs = [self.ok[leg] for leg in (ride["entry_tap"], ride["exit_tap"]) if leg]
                begin, end = legs[0].facts.at - self.within_s, legs[-1].facts.at + self.within_s
                if legs[0].account == account and any(
                    begin <= tap.facts.at <= end for tap in late if tap.account == account
                ):
                    near[name] = legs
            loose = [tap for tap in self._waiting() if tap.account == account and tap.facts.of.mode == 2]
            pairs = self._stacked([*loose, *(leg for legs in near.values() for leg in legs)])
            for name, legs in near.items():
                together = [leg.name for leg in legs]
                now = [pair for pair in pairs if set(pair) & set(together)]
                if now != ([(together[0], together[1])] if len(together) == 2 else []):
                    found.append(name)
        return found

    def _stacked(self, taps: list[Tap]) -> list[tuple[str, str]]:
        """(entry, exit): the last in is the first out, unless it lies too far back."""
        inside: list[Tap] = []
        pairs = []
        for tap in sorted(taps, key=lambda t: (t.facts.at, t.facts.of.direction, *t.key)):
            if tap.facts.of.direction == 1:
                inside.append(tap)
            elif inside:
                entry = inside.pop()
                if tap.facts.at - entry.facts.at <= self.within_s:
                    pairs.append((entry.name, tap.name))
        return pairs

    def _book(self, day: int, kind: str, tap: Tap, entry: Tap | None) -> None:
        name, times = tap.name, 1
        while name in self.books.rides:
            times += 1
            name = f"{tap.name}#{times}"
        of, verdict = tap.facts.of, tap.row["verdict"]
        gross = sum(rule.fen for rule in verdict.rules if rule.fen > 0)
        fare, cause = verdict.fare_fen, "NONE"
        if kind == "METRO_NO_EXIT":
            gross = fare = min(self.missing_exit, CODE.parse(tap.code).cap)
        elif entry is not None and (entry.facts.at, entry.facts.of.station) != (of.entry_at, of.entry_station):
            gross, fare, is_over = self._priced(tap, entry)
            kind = "METRO_OVER_TIME" if is_over else kind
            if fare != of.fare_fen:
                is_other = of.entry_at or of.entry_station not in (0, entry.facts.of.station)
                cause = "OTHER_ENTRY" if is_other else "ENTRY_UNKNOWN_AT_GATE"
        elif verdict.transaction == 3 and entry is not None:
            kind = "METRO_OVER_TIME"
        if cause == "NONE" and fare != of.fare_fen:
            cause = "MISSING_EXIT" if kind == "METRO_NO_EXIT" else "GATE"
        is_entry = of.mode == 2 and of.direction == 1
        self.books.rides[name] = {
            "kind": kind,
            "day": day,
            "entry_tap": tap.name if is_entry else None if entry is None else entry.name,
            "exit_tap": tap.name if of.mode == 2 and not is_entry else None,
            "gross_fen": gross,
            "fare_fen": fare,
            "gate_fare_fen": of.fare_fen,
            "cause": cause,
        }

    @staticmethod
    def _priced(tap: Tap, entry: Tap) -> tuple[int, int, bool]:
        """By the world's tariff: a student rides for half, staying too long costs more, and is not halved."""
        pair = sorted((entry.facts.of.station, tap.facts.of.station))
        gross = MATRIX[pair[0], pair[1]]
        fare = (gross + 1) // 2 if tap.facts.of.account_type == 3 else gross
        is_over = tap.facts.at - entry.facts.at > LONGEST_S
        return (gross + OVER_TIME_FEN, fare + OVER_TIME_FEN, True) if is_over else (gross, fare, False)
