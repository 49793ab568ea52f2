"""What clearing costs and how the fee is shared, by acquirer and issuer, with dates and a default. Written in TOML.

    [[default]]                      # the first row has no `from`: no day is without rates
    fee = 50000                      # parts per 10 million of the fare: 0.5 %
    issuer_share = 20000             # of the fare as well, out of the fee
    acquirer_share = 10000

    [[rate]]
    acquirer = "99320500"
    issuer = "99310000"
    from = 2026-07-01
    fee = 30000

Rules they keep:
- Which row holds is asked of the ride's service date. A pair's own row comes before the default.
- Each part is fare x rate / 10 million, rounded half up to whole fen. The issuer's share is at most the fee, the
  acquirer's at most what is left of it; the centre keeps the rest, so it never pays. (That bound is ours.)
- A dated row of the default holds until the next one begins.
"""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from yima.sdk.centre.clearing.toml_rows import ALWAYS, FOR_EVER, Row, TermsError, parse, read, refuse_overlaps
from yima.validator.texts import Text

WHOLE = 10_000_000
ANY = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """One row. acquirer, issuer: 8 digits; ANY in the default. fee and shares: parts per WHOLE of the fare."""

    acquirer: str = ANY
    issuer: str = ANY
    since: int = ALWAYS
    until: int = FOR_EVER
    fee: int
    issuer_share: int
    acquirer_share: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """All rates. defaults: ascending, without a gap."""

    pairs: tuple[Rate, ...] = ()
    defaults: tuple[Rate, ...]

    def relation(self) -> pa.Table:
        """The rates as a small table."""
        names = [("acquirer", pa.string()), ("issuer", pa.string()), ("since", pa.int32()), ("until", pa.int32())]
        parts = [(name, pa.int64()) for name in ("fee", "issuer_share", "acquirer_share")]
        rows = [{name: getattr(one, name) for name, _ in (*names, *parts)} for one in (*self.pairs, *self.defaults)]
        return pa.Table.from_pylist(rows, pa.schema([*names, *parts]))


def read_rates(path: Path) -> Rates:
    """The rates in a file. Raises TermsError."""
    return _rates(read(path))


def parse_rates(text: str, where: str = "rates") -> Rates:
    """The same from text. Raises TermsError."""
    return _rates(parse(text, where))


def _rates(file: Row) -> Rates:
    pairs = [(_rate(row, row.party("acquirer"), row.party("issuer")), row) for row in file.rows("rate")]
    defaults = [(_rate(row, ANY, ANY), row) for row in file.rows("default")]
    file.end()
    for _, row in defaults:
        if row.has("to"):
            row.refuse("to", "nothing: the next row ends it", "（留空：由下一条结束）")
    for _, row in (*pairs, *defaults):
        row.end()
    same = Text("is of the same pair", "为同一对机构")
    refuse_overlaps([((one.acquirer, one.issuer), one.since, one.until, row.where) for one, row in pairs], same)
    return Rates(pairs=tuple(one for one, _ in pairs), defaults=_chained([one for one, _ in defaults], file.where))


def _rate(row: Row, acquirer: str, issuer: str) -> Rate:
    since, until = row.period()
    fee = row.number("fee", 0, WHOLE)
    issuer_share = row.number("issuer_share", 0, fee, 0)
    acquirer_share = row.number("acquirer_share", 0, fee - issuer_share, 0)
    return Rate(
        acquirer=acquirer,
        issuer=issuer,
        since=since,
        until=until,
        fee=fee,
        issuer_share=issuer_share,
        acquirer_share=acquirer_share,
    )


def _chained(defaults: list[Rate], where: str) -> tuple[Rate, ...]:
    """Each ends where the next begins."""
    begins = [one.since for one in defaults]
    if not defaults or begins[0] != ALWAYS or begins != sorted(set(begins)):
        raise TermsError(
            f"{where}: [[default]]",
            Text("leaves days without rates, or is not in order", "存在无费率的日期，或未按日期排列"),
            Text("Leave out `from` in the first, and let the others ascend", "首条不写 from，其余按日期递增"),
        )
    ends = [*begins[1:], FOR_EVER]
    return tuple(
        Rate(since=one.since, until=end, fee=one.fee, issuer_share=one.issuer_share, acquirer_share=one.acquirer_share)
        for one, end in zip(defaults, ends, strict=True)
    )
