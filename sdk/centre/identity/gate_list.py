"""Who is in which group, as the gates of a city are told: groups.csv of a parameter source, and nothing beside it.

Rules:

- It says how things stand on one day, for which the step `identity` is done.
- What is stated of one account of a person holds for all accounts of that person.
- Lines are in the order of accounts: neither who stated something nor whose accounts are one person's can be read from
  it. Accounts that no code can show, which are no card accounts, are left out.
- Where nothing else is asked for, residents are those of the city's own districts: where people of elsewhere live is
  nothing that this city needs.
"""

import io
import re
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from yima.sdk.centre.clearing.money.tables import PERSONS
from yima.sdk.centre.clearing.workspace import Workspace
from yima.sdk.centre.identity.taking import MEMBERS, STEP
from yima.sdk.groups import GROUPS
from yima.validator.errors import Kind, YimaError
from yima.validator.texts import Text

_CARD_ACCOUNT = re.compile(r"[0-9]+f*")
_RESIDENT = "resident-"


class GateListError(YimaError):
    """A list that cannot be drawn up."""

    kind = Kind.STATE


@dataclass(frozen=True, slots=True, kw_only=True)
class GateList:
    """A list for gates. day: on which it stands so. rows: (account, group), ascending. left_out: how many accounts in a
    group are no card accounts."""

    city: int
    day: int
    rows: tuple[tuple[str, str], ...]
    left_out: int

    def as_csv(self) -> str:
        """The file groups.csv."""
        out = io.StringIO()
        day = f"{self.day // 10000}-{self.day // 100 % 100:02}-{self.day % 100:02}"
        out.write(f"# groups of riders for {self.city:06}, as of {day} 群体名单\naccount,group\n")
        out.writelines(f"{account},{group}\n" for account, group in self.rows)
        return out.getvalue()


def gate_list(workspace: Workspace, city: int, day: int | None = None, groups: Collection[str] = ()) -> GateList:
    """The list for a city. day: None for the last one that is known. groups: empty for all, of residents the city's.

    Raises GateListError when what was stated until that day has not been taken in.
    """
    known = workspace.done_days(STEP)
    if not known or (day is not None and day not in known):
        last = Text(f"the last is {known[-1]}", f"最近为 {known[-1]}") if known else Text("none is", "尚无任何日期")
        raise GateListError(
            workspace.path,
            Text(
                f"what issuers state is not taken in for {day or 'any day'}; {last.en}",
                f"{day or '任何日期'} 的身份声明尚未受理；{last.zh}",
            ),
            Text("Run: yima centre day", "请先执行 yima centre day"),
        )
    day = known[-1] if day is None else day
    persons = _persons(workspace, day)
    held: dict[str, set[str]] = defaultdict(set)  # groups by person
    for account, group in _members(workspace, day):
        if group in groups or (not groups and _is_of(group, city)):
            held[persons.get(account, account)].add(group)
    everybody = persons.keys() | held.keys()  # a person has the name of an account, which may have no row
    found = {account: held[person] for account in everybody if (person := persons.get(account, account)) in held}
    rows = [(account, group) for account in found if _CARD_ACCOUNT.fullmatch(account) for group in found[account]]
    left_out = sum(not _CARD_ACCOUNT.fullmatch(account) for account in found)
    return GateList(city=city, day=day, rows=tuple(sorted(rows)), left_out=left_out)


def _persons(workspace: Workspace, day: int) -> dict[str, str]:
    """Account to person, for accounts that share one or did."""
    rows = workspace.read(PERSONS, before=day + 1).sort_by("day").to_pylist()
    return {row["account"]: row["person"] for row in rows}


def _members(workspace: Workspace, day: int) -> list[tuple[str, str]]:
    """Who is in which group by what its own issuer states; no row speaks of days behind that on which it was found."""
    rows = workspace.read(MEMBERS, before=day + 1).sort_by([("day", "ascending"), ("since", "ascending")]).to_pylist()
    newest = {(row["account"], row["group_name"]): row["is_member"] for row in rows}
    return [pair for pair, is_member in newest.items() if is_member]


def _is_of(group: str, city: int) -> bool:
    """Whether a city has a use for the group: residents are those of its own districts, by the digits they share."""
    if group in GROUPS:
        return True
    code = f"{city:06}"
    own = code[:2] if code.endswith("0000") else code[:4] if code.endswith("00") else code
    return group.startswith(_RESIDENT + own)
