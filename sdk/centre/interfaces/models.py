"""What answers hold. Sums are whole fen; moments are unix seconds, UTC; days are local dates (UTC+8); `day` is the day
on which a row was settled. Clearing numbers are texts: as numbers they are too large for JavaScript.
"""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _day(value: object) -> object:
    """A day as the tables have it (20260914), or as it is."""
    return date(value // 10000, value // 100 % 100, value % 100) if isinstance(value, int) else value


Day = Annotated[date, BeforeValidator(_day)]
Number = Annotated[str, BeforeValidator(str), Field(pattern="^[0-9]{1,18}$")]
Fen = int
Moment = int


class Answer(BaseModel):
    """Rows of the tables; columns that are not named here stay behind."""

    model_config = ConfigDict(extra="ignore")


class Me(Answer):
    """Who a key is, and how far days are cleared."""

    role: str
    of: str = Field(description="whose key it is; empty: nobody's in particular")
    cleared_until: Day | None = Field(description="the newest day that is to be seen")
    days: int


class Charge(Answer):
    """One booking of a ride of the issuer's rider, or the reversal of one: debit fare_fen, which is below 0 in a
    reversal."""

    clearing: Number = Field(description="names this row for good: debit it once")
    ride_id: str
    number: int = Field(description="of the booking; a reversal has the number of what it takes back")
    reverses: bool
    cause: str = Field(description="RIDE, LATE, RULES, VOID, PAIRED, DISPUTE")
    dispute_id: str | None
    account: str
    code_digest: str
    fare_fen: Fen = Field(description="what the rider pays")
    gross_fen: Fen
    gate_fen: Fen = Field(description="reductions at the gate, 0 or below")
    centre_fen: Fen = Field(description="reductions by the centre's rules, 0 or below")
    issuer_share_fen: Fen
    kind: str
    operator: str
    city: int
    moment: Moment
    service_date: Day
    day: Day


class Record(Answer):
    """One booking of a ride at the operator's gates, or the reversal of one. Without the account, which the operator's
    own records have."""

    clearing: Number
    ride_id: str = Field(description="device/epoch/sequence of the tap that closes the ride")
    number: int
    reverses: bool
    cause: str
    dispute_id: str | None
    issuer: str
    city: int
    mode: int
    line: int
    device: str
    entry_tap: str | None
    moment: Moment
    gross_fen: Fen
    gate_fen: Fen
    fare_fen: Fen
    fee_fen: Fen
    acquirer_share_fen: Fen
    service_date: Day
    day: Day


class Feedback(Answer):
    """What became of one record: booked, taken back, a leg of a journey, or refused with an error."""

    reference: str = Field(description="device/epoch/sequence")
    type: str = Field(description="RIDE, LATE, RULES, VOID, PAIRED, DISPUTE; LEG; REFUSED")
    error: str = Field(description="six digits, 000000: none")
    why: str = Field(description="the same in a word, docs/clearing.md")
    clearing: Number
    number: int
    reverses: bool
    issuer: str
    city: int
    code_digest: str
    moment: Moment
    gross_fen: Fen
    fare_fen: Fen
    fee_fen: Fen
    acquirer_share_fen: Fen
    service_date: Day | None
    day: Day


class Total(Answer):
    """A line of reconciliation: what came of all records between an operator and an issuer on a day."""

    acquirer: str
    issuer: str
    type: str
    error: str
    count: int
    fare_fen: Fen
    fee_fen: Fen
    issuer_share_fen: Fen
    acquirer_share_fen: Fen
    error_fee_fen: Fen
    day: Day


class NetDay(Answer):
    """A party's net of a day: due_in_fen - due_out_fen = net_fen."""

    party_kind: str
    party: str
    due_in_fen: Fen
    due_out_fen: Fen
    net_fen: Fen
    day: Day


class FundedSum(Answer):
    """What a funder pays for one rule over the days asked for: fen is below 0."""

    source: str = Field(description="GATE: by the gates' parameters; CENTRE: by the centre's rules")
    rule: str
    bookings: int
    reversals: int
    fen: Fen


class StatementAnswer(Answer):
    """What became of a file of statements on a day; a refused one is looked at again on the next."""

    file: str
    number: int | None
    code: str
    problem: str | None
    problem_zh: str | None
    day: Day


class DisputeAnswer(Answer):
    """What was decided of a dispute on a day."""

    dispute_id: str
    ride_id: str
    raised_by: str
    against: str
    reason: str
    decision: str
    decided_by: str
    effect: str
    delta_fen: Fen
    reply: str
    day: Day


class FileEntry(Answer):
    """A file for the caller."""

    name: str
    bytes: int
    day: Day


class MonthCharge(Answer):
    """What was charged for a ride, or given back, and when."""

    clearing: Number
    number: int
    reverses: bool
    cause: str
    fare_fen: Fen
    day: Day


class MonthRide(Answer):
    """A ride as an app shows it. stands: false where it was taken back. fare_fen, charges: what it costs as things
    stand, and how it came to that; without consent to see it, null and empty."""

    ride_id: str
    kind: str
    city: int
    mode: int
    line: int
    operator: str
    entry_at: Moment | None
    entry_station: int | None
    moment: Moment
    exit_station: int | None
    service_date: Day
    stands: bool
    fare_fen: Fen | None
    reductions_fen: Fen | None
    charges: list[MonthCharge]


class AuditBooking(Answer):
    """A row of the table `cleared`. account: a pseudonym of that month for an auditor, the account for a clerk."""

    clearing: Number
    ride_id: str
    number: int
    reverses: bool
    cause: str
    dispute_id: str | None
    kind: str
    account: str
    code_digest: str
    issuer: str
    operator: str
    city: int
    issuer_city: int
    mode: int
    line: int
    device: str
    entry_tap: str | None
    entry_station: int | None
    exit_station: int | None
    entry_at: Moment | None
    moment: Moment
    concession_rule: str | None
    transfer_rule: str | None
    cap_rule: str | None
    total_rule: str | None
    gross_fen: Fen
    gate_fen: Fen
    concession_fen: Fen
    transfer_fen: Fen
    cap_fen: Fen
    total_fen: Fen
    fare_fen: Fen
    fee_fen: Fen
    issuer_share_fen: Fen
    acquirer_share_fen: Fen
    service_date: Day
    day: Day


class AuditReduction(Answer):
    """A row of the table `funded`."""

    clearing: Number
    ride_id: str
    number: int
    source: str
    place: int
    rule: str
    fen: Fen
    funder: str
    party_kind: str
    party: str
    day: Day


class AuditPosting(Answer):
    """A row of the table `postings`."""

    clearing: Number
    place: int
    party_kind: str
    party: str
    cause: str
    fen: Fen
    day: Day


class Paged(Answer):
    """A part of a feed."""

    next: str = Field(description="send it as `after` to read on: now if `more`, else once another day is cleared")
    more: bool


class Charges(Paged):
    items: list[Charge]


class Records(Paged):
    items: list[Record]


class Feedbacks(Paged):
    items: list[Feedback]


class Totals(Paged):
    items: list[Total]


class StatementAnswers(Paged):
    items: list[StatementAnswer]


class DisputeAnswers(Paged):
    items: list[DisputeAnswer]


class AuditBookings(Paged):
    items: list[AuditBooking]


class AuditReductions(Paged):
    items: list[AuditReduction]


class AuditPostings(Paged):
    items: list[AuditPosting]


class AuditNets(Paged):
    items: list[NetDay]


class Nets(Answer):
    """A party's net by day."""

    items: list[NetDay]
    net_fen: Fen


class FundedSums(Answer):
    """What a funder pays, by rule."""

    items: list[FundedSum]
    fen: Fen


class Files(Answer):
    """The caller's files of a day."""

    items: list[FileEntry]


class Month(Paged):
    """A rider's month. as_of: as things stood when this day was cleared; all pages of a month show it so. fare_fen: of
    the whole month, null where a service may not see what all of it cost."""

    account: str
    month: str
    as_of: Day | None
    rides: int
    fare_fen: Fen | None
    items: list[MonthRide]
