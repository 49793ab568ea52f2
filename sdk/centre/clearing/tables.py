"""The tables of the centre: every column, its type and its meaning, in the one place that writers and readers share.

Rules they keep:
- Tables are only added to. What was wrong is reversed by rows of a later day; no row is changed or taken away.
- Money is whole fen, times are unix seconds UTC, days are local dates (UTC+8) as numbers: 20260801.
- `day` is the day a row is settled on: the local date on which the collector received what it rests on, or the first
  day that was still open then. `service_date` is the local date of the ride, whose fare it pays.
- A tap is named by (device, epoch, sequence); where one column must do, by the text of `tap_id`.
- Parties are 8-digit texts: the organisation codes of issuers and operators.
- What facts call `at` is `moment` here: `at` is a word of SQL.
- Rows of a file ascend by the table's key; numbers are signed, for engines that know no others.
"""

from dataclasses import dataclass, field
from enum import StrEnum

import pyarrow as pa

_TYPES = {
    "text": pa.string(),
    "bytes": pa.binary(),
    "int": pa.int64(),
    "small": pa.int32(),
    "flag": pa.bool_(),
}


class Verdict(StrEnum):
    """What the centre makes of a tap. OK: it counts. EVIDENCE: it is kept and not paid. VOID: there was no ride."""

    OK = "OK"
    EVIDENCE = "EVIDENCE"
    VOID = "VOID"


class Why(StrEnum):
    """Why a tap does not count; NONE for one that does. The first that holds, in this order, is given."""

    NONE = "NONE"
    CHAIN = "CHAIN"  # its hash, or its link to the entry before
    DEVICE_SIGNATURE = "DEVICE_SIGNATURE"
    UNSIGNED = "UNSIGNED"  # no device's signature over it is kept, and the rules do not say that the chain is enough
    FACTS = "FACTS"  # they cannot be read, or say other than the record
    RECORD = "RECORD"  # the ministry's record is not whole
    CONFLICT = "CONFLICT"  # another entry under the same key came first
    PARAMETERS_UNKNOWN = "PARAMETERS_UNKNOWN"
    CA_SIGNATURE = "CA_SIGNATURE"
    ISSUER_SIGNATURE = "ISSUER_SIGNATURE"
    RIDER_SIGNATURE = "RIDER_SIGNATURE"
    OVER_CAP = "OVER_CAP"
    CORE_REFUSES = "CORE_REFUSES"  # core_reason says why
    DUPLICATE = "DUPLICATE"  # the same entry again, or the same code at the same device in the same second
    DOUBLE_USE = "DOUBLE_USE"  # the same code at two taps; `other` is the one that counts
    REVERSED = "REVERSED"  # the gate did not open, or did not say: no ride, nothing is owed
    NOT_PASSED = "NOT_PASSED"  # opened, nobody passed, and the rider was let in again soon after


class Kind(StrEnum):
    """What a ride is."""

    BUS = "BUS"
    METRO = "METRO"
    METRO_OVER_TIME = "METRO_OVER_TIME"
    METRO_NO_ENTRY = "METRO_NO_ENTRY"
    METRO_NO_EXIT = "METRO_NO_EXIT"


class Cause(StrEnum):
    """Why the fare that is settled is not the one that the gate charged; NONE: it is."""

    NONE = "NONE"
    ENTRY_UNKNOWN_AT_GATE = "ENTRY_UNKNOWN_AT_GATE"  # the code did not tell it; the centre has the tap
    OTHER_ENTRY = "OTHER_ENTRY"  # the code told another entry than the latest at or before the exit
    GATE = "GATE"  # the gate's sum is not what its own parameters say
    MISSING_EXIT = "MISSING_EXIT"  # closed by rule
    # The centre's entry gives no fare under these parameters, or one over the code's cap: the gate's stands, and the
    # two sums of the core show what was not taken.
    NO_SUCH_RIDE = "NO_SUCH_RIDE"
    OVER_CAP = "OVER_CAP"


class Source(StrEnum):
    """Who reduced a fare."""

    GATE = "GATE"
    CENTRE = "CENTRE"


class Funder(StrEnum):
    """Who pays for a reduction; its number stands beside it (a city's division code, an operator's organisation)."""

    NONE = "NONE"
    RIDING_CITY = "RIDING_CITY"
    ISSUER_CITY = "ISSUER_CITY"
    OPERATOR = "OPERATOR"
    REGION = "REGION"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table. columns: name to type (`?` behind it: may be NULL). key: what a row is found by, and sorted by."""

    name: str
    key: tuple[str, ...]
    columns: dict[str, str]
    schema: pa.Schema = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        fields = [
            pa.field(name, _TYPES[kind.rstrip("?")], nullable=kind.endswith("?")) for name, kind in self.columns.items()
        ]
        object.__setattr__(self, "schema", pa.schema(fields))


TAP = {"device": "text", "epoch": "int", "sequence": "int"}
TAP_KEY = tuple(TAP)


def tap_id(device: str, epoch: int, sequence: int) -> str:
    """The name of a tap as one text; engines build the same with `concat`."""
    return f"{device}/{epoch}/{sequence}"


# What devices sent, byte for byte. form 2: entry is facts and body; form 1 (older records): the trip record, and what
# its hash covers beside it stands in moment … reason, which are NULL for form 2. rejected: what the collector said.
# conflict: it came under a key that was taken. batch: the row of `batches` that carried it, NULL: not kept.
ENTRIES = Table(
    name="entries",
    key=(*TAP_KEY, "hash"),
    columns={
        **TAP,
        "received": "int",
        "form": "small",
        "entry": "bytes",
        "previous": "bytes",
        "hash": "bytes",
        "moment": "int?",
        "time_trusted": "flag?",
        "tick_ms": "int?",
        "reason": "small?",
        "rejected": "text?",
        "conflict": "flag",
        "batch": "text?",
        "day": "small",
    },
)

# The signatures under which entries came: Ed25519 of `key` (hex) over the batch's body, which is the entries from
# first_sequence to last_sequence in the wire's form; body: where it cannot be made of what the collector held.
# batch: the source's name and the batch's number there.
BATCHES = Table(
    name="batches",
    key=("batch",),
    columns={
        "batch": "text",
        "device": "text",
        "epoch": "int",
        "form": "small",
        "first_sequence": "int",
        "last_sequence": "int",
        "key": "text",
        "signature": "bytes",
        "body": "bytes?",
        "received": "int",
        "day": "small",
    },
)

# The facts of every tap, accepted or refused; names and units as in facts.def. account, code_digest,
# parameters_digest: hex, NULL none. rules: JSON. What a record of form 1 does not tell is NULL.
TAPS = Table(
    name="taps",
    key=(*TAP_KEY, "hash"),
    columns={
        **TAP,
        "hash": "bytes",
        "form": "small",
        "received": "int",
        "moment": "int",
        "time_trusted": "flag",
        "run": "int?",
        "tick_ms": "int",
        "reason": "small",
        "family": "small?",
        "mode": "small?",
        "direction": "small?",
        "transaction": "small?",
        "vouched": "small?",
        "account_type": "small?",
        "city": "int?",
        "operator": "text?",
        "line": "small?",
        "station": "small?",
        "issuer_city": "int?",
        "gross_fen": "int?",
        "fare_fen": "int",
        "parameters_version": "int?",
        "parameters_digest": "text?",
        "deny_version": "int?",
        "code_digest": "text?",
        "account": "text?",
        "good_until": "int?",
        "entry_at": "int?",
        "entry_station": "small?",
        "entry_line": "small?",
        "rules": "text?",
        "service_date": "small",
        "day": "small",
    },
)

# What gates did. tap: the sequence of the tap in the same journal. outcome: yima_outcome's number.
OUTCOMES = Table(
    name="outcomes",
    key=(*TAP_KEY, "hash"),
    columns={
        **TAP,
        "hash": "bytes",
        "received": "int",
        "moment": "int",
        "tap": "int",
        "outcome": "small",
        "reverses": "flag",
        "day": "small",
    },
)

# Every accepted tap as the same core judges its entry again, and every entry of any kind that is not whole.
# intact: bits 1 hash, 2 facts, 4 record, 8 facts and record agree, 16 parameters at hand. core_*: what the core says
# under the parameters named; NULL when it could not be asked. signatures: bits 1 CA, 2 issuer, 4 rider. surcharge: of
# core_fare_fen. issuer: the code's organisation. cap_fen: what the code lets a ride cost, 2^31 - 1 where it does not
# say.
JUDGED = Table(
    name="judged",
    key=(*TAP_KEY, "hash"),
    columns={
        **TAP,
        "hash": "bytes",
        "intact": "small",
        "core_reason": "small?",
        "core_gross_fen": "int?",
        "core_fare_fen": "int?",
        "core_transaction": "small?",
        "signatures": "small",
        "issuer": "text?",
        "cap_fen": "int?",
        "day": "small",
    },
)

# The rules by which the core came to its fare, for the taps of `judged`. place: 0 the fare itself. kind: 1 fare,
# 2 concession, 3 surcharge, 4 other. fen: signed; they sum to core_fare_fen.
APPLIED = Table(
    name="applied",
    key=(*TAP_KEY, "hash", "place"),
    columns={
        **TAP,
        "hash": "bytes",
        "place": "small",
        "number": "small",
        "kind": "small",
        "fen": "int",
        "funder": "text",
        "funder_id": "text",
        "rule": "text",
        "day": "small",
    },
)

# The last entry of each journal up to this day that is of its chain, so that the next one's link can be checked.
TAILS = Table(
    name="tails",
    key=("device", "epoch"),
    columns={**TAP, "hash": "bytes", "day": "small"},
)

# Entries that came in behind the tail of their journal, or beyond it and not of its chain, and taps whose outcome came
# on a later day than they; and taps that count since this day, though they came before. With the tails it says on which
# days a key came in; see taps/arrivals.py.
BEHIND = Table(name="behind", key=TAP_KEY, columns={**TAP, "day": "small"})

# What the centre makes of every accepted tap, and of every entry that is not whole. copy: 0 the first time that this
# entry came, then counted on. signed: a device's signature over it is kept, and holds. other: the tap that counts in
# its place (tap_id), for DUPLICATE, DOUBLE_USE and CONFLICT. A tap that was evidence and counts since a later day has
# a second row, of that day (decision 0044).
CHECKS = Table(
    name="checks",
    key=(*TAP_KEY, "hash", "copy"),
    columns={
        **TAP,
        "hash": "bytes",
        "copy": "small",
        "signed": "flag",
        "verdict": "text",
        "why": "text",
        "core_reason": "small?",
        "core_gross_fen": "int?",
        "core_fare_fen": "int?",
        "signatures": "small",
        "other": "text?",
        "code_digest": "text?",
        "service_date": "small?",
        "day": "small",
    },
)

# A tap that counted on an earlier day and does not any more: its outcome came later. Whoever booked its ride reverses.
VOIDS = Table(
    name="voids",
    key=TAP_KEY,
    columns={**TAP, "why": "text", "day": "small"},
)

# Rides. ride_id: tap_id of the tap that closes it. moment: of that tap. gate_fare_fen: what the gate took.
# gross_fen: settled, before reductions, surcharges included; fare_fen: gross_fen with the gate's reductions (table
# `reductions`, source GATE): what is owed before the centre's own. core_*: the core's sums for the centre's entry, NULL
# where it gives none. account, person: hex; person is the account until somebody says otherwise. day: settled on.
RIDES = Table(
    name="rides",
    key=("ride_id",),
    columns={
        "ride_id": "text",
        "kind": "text",
        "account": "text",
        "person": "text",
        "account_type": "small",
        "family": "small",
        "vouched": "small",
        "code_digest": "text",
        "issuer": "text",
        "operator": "text",
        "city": "int",
        "issuer_city": "int",
        "mode": "small",
        "line": "small",
        "device": "text",
        "entry_tap": "text?",
        "exit_tap": "text?",
        "entry_line": "small?",
        "entry_station": "small?",
        "exit_station": "small?",
        "entry_at": "int?",
        "moment": "int",
        "gross_fen": "int",
        "fare_fen": "int",
        "gate_fare_fen": "int",
        "core_gross_fen": "int?",
        "core_fare_fen": "int?",
        "cause": "text",
        "parameters_version": "int",
        "parameters_digest": "text",
        "service_date": "small",
        "day": "small",
    },
)

# What a ride is reduced by. source GATE: from the parameters (they sum with gross_fen to fare_fen). source CENTRE:
# the centre's own rules. place: order within the ride. fen: below 0. funder_id: 8 digits of an operator, 6 of a city.
REDUCTIONS = Table(
    name="reductions",
    key=("ride_id", "source", "place"),
    columns={
        "ride_id": "text",
        "source": "text",
        "place": "small",
        "rule": "text",
        "fen": "int",
        "funder": "text",
        "funder_id": "text",
        "day": "small",
    },
)

# Rides of earlier days that are none any more; whoever booked them books the reverse, on this day. why: a tap's Why (an
# outcome came late), or PAIRED: a leg came late, and theirs belong to others.
REVERSALS = Table(
    name="reversals",
    key=("ride_id",),
    columns={"ride_id": "text", "why": "text", "tap": "text", "day": "small"},
)

ALL = {
    table.name: table
    for table in (
        ENTRIES,
        BATCHES,
        TAPS,
        OUTCOMES,
        JUDGED,
        APPLIED,
        TAILS,
        BEHIND,
        CHECKS,
        VOIDS,
        RIDES,
        REDUCTIONS,
        REVERSALS,
    )
}
