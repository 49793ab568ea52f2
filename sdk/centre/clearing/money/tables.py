"""The tables of money, disputes and what came of them; rules, types and days as in the tables of taps and rides.

Rules they keep:
- A booking is never changed: a reversal with the same number takes it back, the next number books anew. Both lie on the
  day on which they were made.
- `clearing` names one row of `cleared` for good: the day, then its place in that day.
- Sums of a reversal are those of its booking with the sign turned. Postings of one clearing number sum to 0.
- A posting above 0 is due to the party, below 0 it is owed by it.
"""

from enum import StrEnum

from yima.sdk.centre.clearing.tables import Table

CENTRE_PARTY = "00000000"  # the centre itself, and the region's fund: there is one of each
PLACES_A_DAY = 1_000_000_000  # a clearing number is day x this + place


class PartyKind(StrEnum):
    """What a party is; with its 8 digits it is one account of the ledger. A city's are 00 and its division code."""

    ISSUER = "ISSUER"
    OPERATOR = "OPERATOR"
    CITY = "CITY"
    REGION = "REGION"
    CENTRE = "CENTRE"


class Booked(StrEnum):
    """Why a row of `cleared` stands there."""

    RIDE = "RIDE"  # of this day
    LATE = "LATE"  # of an earlier service date, under its fare
    RULES = "RULES"  # another ride came or went, and the centre's rules give something else now
    VOID = "VOID"  # an outcome came: there was no ride
    PAIRED = "PAIRED"  # a leg came late, and the ride's own belong to others
    DISPUTE = "DISPUTE"


class Posted(StrEnum):
    """What a posting is for."""

    FARE = "FARE"  # issuer to operator: the fare under the gate's parameters
    SUBSIDY = "SUBSIDY"  # funder to operator: a reduction at the gate
    REDUCTION = "REDUCTION"  # funder to issuer, for the rider: a reduction by the centre's rules
    FEE = "FEE"  # operator to centre
    ISSUER_SHARE = "ISSUER_SHARE"  # centre to issuer, out of the fee
    ACQUIRER_SHARE = "ACQUIRER_SHARE"  # centre to operator, out of the fee


class Reason(StrEnum):
    """Why a party disputes."""

    NOT_MINE = "NOT_MINE"  # the rider says that it was not their ride
    TWICE = "TWICE"  # one code, billed twice
    NO_PASSAGE = "NO_PASSAGE"  # the gate did not let the rider through
    AMOUNT = "AMOUNT"  # the fare is wrong
    NO_REDUCTION = "NO_REDUCTION"  # a concession, a transfer, a cap or a total should have reduced it
    MISSING = "MISSING"  # an operator has a record that the centre did not pay
    OTHER = "OTHER"


class Decision(StrEnum):
    """What comes of a dispute."""

    WAITING = "WAITING"  # for the other party's word
    UPHELD = "UPHELD"
    REFUSED = "REFUSED"


class DecidedBy(StrEnum):
    """What decided. SIGNATURES: the rider's, the issuer's and the CA's, over the code. RULE: the tables by a rule."""

    NONE = "NONE"
    SIGNATURES = "SIGNATURES"
    RULE = "RULE"
    HAND = "HAND"


class Effect(StrEnum):
    """What an upheld dispute does to its ride."""

    NONE = "NONE"
    VOID = "VOID"
    AMOUNT = "AMOUNT"  # delta_fen is added to the gross fare


# Whose account an account is: over all codes of one person rules are counted. An account without a row is a person of
# its own. A row holds for the rides of its day's month and of later ones, until the month of the account's next row.
PERSONS = Table(name="persons", key=("account", "day"), columns={"account": "text", "person": "text", "day": "small"})

# Persons whose bookings may change on this day, and the month (20260800) from which on.
TOUCHED = Table(name="touched", key=("person",), columns={"person": "text", "since": "small", "day": "small"})

# What a ride is to be booked at from this day on, for every ride that is new or that comes out otherwise than it was
# booked. before: the number of its live booking, before_day: the day of that; 0 none. ride_day: on which the ride was
# made, 0 where it is void. void: nothing is booked any more. *_fen of rules: 0 or below.
DUE = Table(
    name="due",
    key=("ride_id",),
    columns={
        "ride_id": "text",
        "ride_day": "small",
        "before": "small",
        "before_day": "small",
        "void": "flag",
        "cause": "text",
        "dispute_id": "text?",
        "gross_fen": "int",
        "gate_fen": "int",
        "transfer_rule": "text?",
        "transfer_fen": "int",
        "cap_rule": "text?",
        "cap_fen": "int",
        "total_rule": "text?",
        "total_fen": "int",
        "day": "small",
        "concession_rule": "text?",
        "concession_fen": "int",
    },
)

SUMS = (
    "gross_fen",
    "gate_fen",
    "transfer_fen",
    "cap_fen",
    "total_fen",
    "fare_fen",
    "fee_fen",
    "issuer_share_fen",
    "acquirer_share_fen",
)

# One row a booking of a ride, and one a reversal. gross_fen + gate_fen + concession_fen + transfer_fen + cap_fen +
# total_fen = fare_fen, what the rider pays by way of the issuer.
CLEARED = Table(
    name="cleared",
    key=("clearing",),
    columns={
        "clearing": "int",
        "ride_id": "text",
        "number": "small",
        "reverses": "flag",
        "cause": "text",
        "dispute_id": "text?",
        "kind": "text",
        "account": "text",
        "code_digest": "text",
        "issuer": "text",
        "operator": "text",
        "city": "int",
        "issuer_city": "int",
        "mode": "small",
        "line": "small",
        "device": "text",
        "entry_tap": "text?",
        "entry_station": "small?",
        "exit_station": "small?",
        "entry_at": "int?",
        "moment": "int",
        "transfer_rule": "text?",
        "cap_rule": "text?",
        "total_rule": "text?",
        **dict.fromkeys(SUMS, "int"),
        "service_date": "small",
        "day": "small",
        "concession_rule": "text?",
        "concession_fen": "int",
    },
)

# Every reduction as it was booked, of the gate's parameters and of the centre's rules: fen below 0; above it in a
# reversal. place: of the centre's rules 0 concession, 1 transfer, 2 daily cap, 3 monthly total. What each funder pays
# is the sum of these.
FUNDED = Table(
    name="funded",
    key=("clearing", "source", "place"),
    columns={
        "clearing": "int",
        "ride_id": "text",
        "number": "small",
        "source": "text",
        "place": "small",
        "rule": "text",
        "fen": "int",
        "funder": "text",
        "party_kind": "text",
        "party": "text",
        "day": "small",
    },
)

POSTINGS = Table(
    name="postings",
    key=("clearing", "place"),
    columns={
        "clearing": "int",
        "place": "small",
        "party_kind": "text",
        "party": "text",
        "cause": "text",
        "fen": "int",
        "day": "small",
    },
)

# due_in - due_out = net_fen, over one day.
NET = Table(
    name="net",
    key=("party_kind", "party"),
    columns={
        "party_kind": "text",
        "party": "text",
        "due_in_fen": "int",
        "due_out_fen": "int",
        "net_fen": "int",
        "day": "small",
    },
)

# Disputes as they were raised (ED), each under a number of its raiser's. ride_id: the tap that closed the ride.
# claimed_fen: the fare that AMOUNT asks for.
RAISED = Table(
    name="raised",
    key=("dispute_id", "raised_by"),
    columns={
        "dispute_id": "text",
        "ride_id": "text",
        "raised_by": "text",
        "reason": "text",
        "claimed_fen": "int",
        "day": "small",
    },
)

# The other party's word (CM): it agrees, or it does not.
CONFIRMED = Table(
    name="confirmed",
    key=("dispute_id", "raised_by", "confirmed_by"),
    columns={"dispute_id": "text", "raised_by": "text", "confirmed_by": "text", "agrees": "flag", "day": "small"},
)

# What was decided, a row on each day on which something was. entry_tap: of the ride, as it was booked. other: the ride
# that counts in its place, for TWICE.
DISPUTES = Table(
    name="disputes",
    key=("dispute_id", "raised_by"),
    columns={
        "dispute_id": "text",
        "ride_id": "text",
        "raised_by": "text",
        "against": "text",
        "reason": "text",
        "decision": "text",
        "decided_by": "text",
        "effect": "text",
        "delta_fen": "int",
        "reply": "text",
        "entry_tap": "text?",
        "other": "text?",
        "day": "small",
    },
)

ALL = {
    table.name: table for table in (PERSONS, TOUCHED, DUE, CLEARED, FUNDED, POSTINGS, NET, RAISED, CONFIRMED, DISPUTES)
}
