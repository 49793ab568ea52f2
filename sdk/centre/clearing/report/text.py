"""Who owes whom, as a table for a terminal."""

from collections.abc import Callable

from rich import box
from rich.table import Table

from yima.sdk.centre.clearing.money.tables import CENTRE_PARTY, PartyKind
from yima.sdk.centre.clearing.report.figures import DayFigures
from yima.sdk.centre.clearing.report.html import yuan
from yima.sdk.centre.clearing.report.words import word
from yima.validator.texts import Text, say


def net_table(figures: DayFigures, *, name: Callable[[str, str], str] | None = None) -> Table:
    """A row a party, and the sum, which is 0. name: what a party (kind, code) is called."""
    day = f"{figures.day // 10000}-{figures.day // 100 % 100:02d}-{figures.day % 100:02d}"
    table = Table(box=box.SIMPLE_HEAD, title=say(Text(f"Who owes whom, {day}", f"轧差，{day}")), title_justify="left")
    table.add_column(say(Text("party", "机构")))
    for heading in (Text("due in", "应收"), Text("due out", "应付"), Text("net", "净额")):
        table.add_column(say(heading), justify="right")
    columns = ("due_in_fen", "due_out_fen", "net_fen")
    for row in figures.of["net"]:
        called = (name or called_by_code)(row["party_kind"], row["party"])
        table.add_row(called, *(yuan(row[column]) for column in columns))
    table.add_row(say(Text("all", "合计")), *(yuan(figures.total("net", column)) for column in columns), style="bold")
    return table


def called_by_code(kind: str, party: str) -> str:
    """What a party is, and its code; there is one centre."""
    what = say(word(PartyKind, kind))
    return what if party == CENTRE_PARTY else f"{what} {party}"
