"""The truth beside the example: of every tap and ride what it is, and what a centre must make of it.

Written by those who made the taps, from what they did; a centre never sees it. Columns are named as the centre's.
"""

from pathlib import Path
from typing import Any

import pyarrow as pa

from yima.sdk.centre.clearing import parquet
from yima.sdk.centre.clearing.days import day_of
from yima.sdk.centre.clearing.tables import Cause, Kind, Table, Verdict, Why
from yima.sdk.centre.example.region import Post
from yima.validator.judging import Mode
from yima.validator.judging import Verdict as GateVerdict

# Every tap that should be a row of `checks`, and every refused one. happens: journeys.Happens, or what the lie is.
# verdict: "" for one that is no row. copies: how often it came beside the first time; each is a row more, DUPLICATE,
# unless the tap is not whole. other: the tap that counts in its place, NULL where it is another city's. void_day: when
# it stopped counting, though it did on `day`.
TAPS = Table(
    name="taps",
    key=("tap", "why"),
    columns={
        "tap": "text",
        "happens": "text",
        "verdict": "text",
        "why": "text",
        "other": "text?",
        "copies": "small",
        "code_digest": "text?",
        "day": "small",
        "void_day": "small?",
    },
)

# Every ride. gross_fen, fare_fen: as the centre settles them, before its own rules. reversed_day: when it became void.
# begins: when the rider set off, moment: when the tap was that closes it; unix seconds.
RIDES = Table(
    name="rides",
    key=("ride_id",),
    columns={
        "ride_id": "text",
        "happens": "text",
        "kind": "text",
        "entry_tap": "text?",
        "exit_tap": "text?",
        "gross_fen": "int",
        "fare_fen": "int",
        "gate_fare_fen": "int",
        "cause": "text",
        "issuer": "text",
        "operator": "text",
        "service_date": "small",
        "day": "small",
        "reversed_day": "small?",
        "account": "text",
        "issuer_city": "int",
        "city": "int",
        "mode": "small",
        "line": "small",
        "device": "text",
        "begins": "int",
        "moment": "int",
    },
)

# Whose account an account is, of riders with several. person: the smallest one. since, until: the day on which a centre
# finds that they are one person's, NULL never, and the day on which it finds that they are not any more, NULL never.
PERSONS = Table(
    name="persons",
    key=("account",),
    columns={"account": "text", "person": "text", "since": "small?", "until": "small?"},
)

# In which group an account is, as its issuer states it. since, until: the statement's own days. stated, revoked: the
# days of the files that say so.
GROUPS = Table(
    name="groups",
    key=("account", "group_name"),
    columns={
        "account": "text",
        "group_name": "text",
        "since": "small",
        "until": "small",
        "stated": "small",
        "revoked": "small?",
    },
)

# Every file of statements. statements: how many of it are to be believed. becomes: TAKEN, or why it is refused.
FILES = Table(
    name="files",
    key=("file",),
    columns={
        "file": "text",
        "issuer": "text",
        "number": "int",
        "statements": "small",
        "becomes": "text",
        "day": "small",
    },
)

# What comes of every dispute in the end, and on which day.
DISPUTES = Table(
    name="disputes",
    key=("dispute_id",),
    columns={
        "dispute_id": "text",
        "ride_id": "text",
        "raised_by": "text",
        "reason": "text",
        "decision": "text",
        "decided_by": "text",
        "reply": "text",
        "effect": "text",
        "day": "small",
    },
)

ALL = {table.name: table for table in (TAPS, RIDES, PERSONS, GROUPS, FILES, DISPUTES)}


class Ledger:
    """Writes the truth of one city down, day by day, into folder/taps and folder/rides."""

    def __init__(self, folder: Path, city: str) -> None:
        self._folder, self._city = folder, city
        self._taps: dict[tuple[str, str], dict[str, Any]] = {}
        self._rides: dict[str, dict[str, Any]] = {}
        self._entries: dict[str, dict[str, Any]] = {}  # by tap: what its journal holds

    def tap(
        self, tap: str, happens: str, day: int, *, verdict: GateVerdict | None, decided: str, why: str,
        other: str | None,
    ) -> None:  # fmt: skip
        """A tap and what becomes of it. day: of settlement. verdict: the gate's, None where its code is nothing."""
        digest = verdict.digest.hex() if verdict and verdict.digest else None
        self._taps[tap, why] = {
            "tap": tap, "happens": str(happens), "verdict": str(decided), "why": str(why), "other": other, "copies": 0,
            "code_digest": digest, "day": day, "void_day": None,
        }  # fmt: skip
        if why != Why.CONFLICT:
            self._entries[tap] = self._taps[tap, why]

    def ride(
        self, tap: str, happens: str, due: GateVerdict, *, at: int, day: int, post: Post, kind: Kind = Kind.BUS,
        entry: str | None = None, exit_: str | None = None, gate_fen: int | None = None, cause: Cause = Cause.NONE,
        closed_fen: int | None = None, untold_fen: int = 0, begins: int | None = None,
    ) -> None:  # fmt: skip
        """A ride that this tap closes. due: what the core says where the code tells the truth. gate_fen: what the gate
        took, if not that. closed_fen: what the centre's rule for a missing exit says instead. untold_fen: what comes on
        top that no gate could know of. begins: when the rider set off, if not with this tap."""
        gross = sum(rule.fen for rule in due.rules if rule.fen > 0)
        self._rides[tap] = {
            "ride_id": tap, "happens": str(happens), "kind": str(kind), "entry_tap": entry, "exit_tap": exit_,
            "gross_fen": gross + untold_fen if closed_fen is None else closed_fen,
            "fare_fen": due.fare_fen + untold_fen if closed_fen is None else closed_fen,
            "gate_fare_fen": due.fare_fen if gate_fen is None else gate_fen, "cause": str(cause),
            "issuer": due.organisation, "operator": f"{post.gate.operator:08}", "service_date": day_of(at),
            "day": day, "reversed_day": None, "account": due.account.hex() if due.account else "",
            "issuer_city": int(due.organisation or 0) % 1_000_000, "city": post.gate.city,
            "mode": 1 if post.gate.mode is Mode.BUS else 2, "line": post.gate.line, "device": post.name,
            "begins": at if begins is None else begins, "moment": at,
        }  # fmt: skip

    def yields(self, tap: str, to: str) -> None:
        """This tap counted, and does not: another one with its code was settled before."""
        del self._rides[tap]
        row = self._taps[tap, Why.DOUBLE_USE] = self._taps.pop((tap, Why.NONE))
        row |= {"verdict": str(Verdict.EVIDENCE), "why": str(Why.DOUBLE_USE), "other": to}

    def reversed_on(self, tap: str, day: int) -> None:
        """The gate's word came on that day: there was no ride."""
        self._taps[tap, Why.NONE]["void_day"] = day
        self._rides[tap]["reversed_day"] = day

    def copied(self, tap: str) -> None:
        """The same entry came a second time, on the same day."""
        if tap in self._entries:
            self._entries[tap]["copies"] += 1

    def write(self, place: int) -> None:
        """A day of service is over: nothing of it changes any more."""
        for table, rows in ((TAPS, list(self._taps.values())), (RIDES, list(self._rides.values()))):
            rows.sort(key=lambda row: tuple(str(row[name]) for name in table.key))
            batches = pa.Table.from_pylist(rows, table.schema).to_batches()
            parquet.write(self._folder / table.name / f"{self._city}-{place:03}.parquet", table.schema, batches)
        self._taps, self._rides, self._entries = {}, {}, {}
