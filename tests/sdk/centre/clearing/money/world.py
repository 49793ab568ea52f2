"""Small worlds to settle: rides as tables on one side, as plain values for the slow settlement on the other."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from yima.sdk.centre.clearing.money.tables import DISPUTES, PERSONS
from yima.sdk.centre.clearing.tables import BEHIND, REDUCTIONS, REVERSALS, RIDES, Table
from yima.sdk.centre.clearing.taps.arrivals import keys_of
from yima.sdk.centre.clearing.workspace import Workspace
from yima.sdk.centre.identity.issuers import Issuers
from yima.sdk.centre.identity.members import changes, memberships
from yima.sdk.centre.identity.statements import Membership, Revocation, Said
from yima.sdk.centre.identity.taking import MEMBERS

DAYS = (20260730, 20260731, 20260801, 20260802, 20260803)
KINDS = ("concession", "transfer", "daily_cap", "monthly_total")
MIDNIGHT = 1785340800  # 2026-07-30 00:00 in UTC+8


def moment(day: int, minute: int, second: int = 0) -> int:
    """Unix seconds of a minute of one of DAYS."""
    return MIDNIGHT + DAYS.index(day) * 86400 + minute * 60 + second


def ride(
    number: int,
    *,
    moment_s: int,
    day: int,
    service_date: int,
    mode: int = 1,
    kind: str = "",
    account: str = "a1",
    city: int = 310000,
    issuer: str = "99310000",
    issuer_city: int = 310000,
    operator: str = "99310001",
    line: int = 1,
    device: str = "bus-1",
    entry_at: int | None = None,
    entry_line: int | None = None,
    gross_fen: int = 200,
    reduced: Sequence[tuple[str, int, str]] = (),
) -> dict[str, Any]:
    """One ride; reduced: (rule, fen off, funder) at the gate."""
    kind = kind or ("BUS" if mode == 1 else "METRO")
    fare = gross_fen - sum(off for _, off, _ in reduced)
    return {
        "ride_id": f"{device}/1/{number}",
        "kind": kind,
        "account": account,
        "person": account,
        "account_type": 0,
        "family": 1,
        "vouched": 0,
        "code_digest": f"{number:064x}",
        "issuer": issuer,
        "operator": operator,
        "city": city,
        "issuer_city": issuer_city,
        "mode": mode,
        "line": line,
        "device": device,
        "entry_tap": f"{device}-in/1/{number}" if entry_at is not None else None,
        "exit_tap": f"{device}/1/{number}" if mode == 2 else None,
        "entry_line": entry_line,
        "entry_station": 1 if entry_at is not None else None,
        "exit_station": 2 if mode == 2 else None,
        "entry_at": entry_at,
        "moment": moment_s,
        "gross_fen": gross_fen,
        "fare_fen": fare,
        "gate_fare_fen": fare,
        "core_gross_fen": gross_fen,
        "core_fare_fen": fare,
        "cause": "NONE",
        "parameters_version": 1,
        "parameters_digest": "00" * 16,
        "service_date": service_date,
        "day": day,
        "reduced": list(reduced),
    }


def world(rides: Sequence[Mapping[str, Any]], **more: Any) -> dict[str, Any]:
    """Rides, and whatever else is said: voids (ride_id, day, perhaps why), amounts (ride_id, delta, day), persons
    (account, person, day), members (account, group, from, to, taken on, revoked on), rules, rates."""
    rules = {"companion_s": 180, **{kind: [] for kind in KINDS}} | more.pop("rules", {})
    rates = more.pop("rates", [{"fee": 50000, "issuer_share": 20000, "acquirer_share": 10000}])
    said: dict[str, Any] = {"voids": [], "amounts": [], "persons": [], "members": []}
    return {"rides": list(rides), "rules": rules, "rates": rates, **said} | more


def write(workspace: Workspace, said: Mapping[str, Any]) -> None:
    """The world as tables."""
    put(workspace, RIDES, [{k: v for k, v in one.items() if k != "reduced"} for one in said["rides"]])
    put(workspace, BEHIND, [{**key, "day": one["day"]} for one in said["rides"] for key in keys_of([one["ride_id"]])])
    reductions = [
        {
            "ride_id": one["ride_id"],
            "source": "GATE",
            "place": place,
            "rule": rule,
            "fen": -off,
            "funder": funder,
            "funder_id": _funder_id(one, funder),
            "day": one["day"],
        }
        for one in said["rides"]
        for place, (rule, off, funder) in enumerate(one["reduced"], 1)
    ]
    put(workspace, REDUCTIONS, reductions)
    voids = [
        {"ride_id": ride_id, "why": why[0] if why else "REVERSED", "tap": ride_id, "day": day}
        for ride_id, day, *why in said["voids"]
    ]
    put(workspace, REVERSALS, voids)
    persons = [{"account": account, "person": person, "day": day} for account, person, day in said["persons"]]
    put(workspace, PERSONS, persons)
    put(workspace, MEMBERS, _members(said["members"]))
    amounts = [
        {
            "dispute_id": f"d{place}",
            "ride_id": ride_id,
            "raised_by": "99310000",
            "against": "99310001",
            "reason": "AMOUNT",
            "decision": "UPHELD",
            "decided_by": "HAND",
            "effect": "AMOUNT",
            "delta_fen": delta,
            "reply": "AGREED",
            "entry_tap": None,
            "other": None,
            "day": day,
        }
        for place, (ride_id, delta, day) in enumerate(said["amounts"])
    ]
    put(workspace, DISPUTES, amounts)


def workspace_of(folder: Path, said: Mapping[str, Any]) -> Workspace:
    """A new workspace that holds the world."""
    workspace = Workspace(folder)
    write(workspace, said)
    return workspace


def rules_toml(rules: Mapping[str, Any]) -> str:
    """The same rules as the file that people write."""
    words = {1: "bus", 2: "metro"}
    lines = [f"companion_s = {rules['companion_s']}"]
    for kind in KINDS:
        for rule in rules[kind]:
            lines += ["", f"[[{kind}]]", f'rule = "{rule["rule"]}"', f"city = {rule['city']}"]
            lines += [f"{key} = {_date(rule[key])}" for key in ("from", "to") if key in rule]
            lines.append(f'funded_by = "{rule["funder"].lower().replace("_", "-")}"')
            if kind == "transfer":
                legs = ", ".join(f'"{words[a]}-{words[b]}"' for a, b in rule["legs"])
                lines += [f"legs = [{legs}]", f"within_min = {rule['within_s'] // 60}"]
                lines.append("free = true" if rule["less_fen"] is None else f"less_fen = {rule['less_fen']}")
                continue
            lines.append("modes = [" + ", ".join(f'"{words[mode]}"' for mode in rule["modes"]) + "]")
            if kind == "concession":
                lines.append("groups = [" + ", ".join(f'"{group}"' for group in rule["groups"]) + "]")
                lines += [f"homes = {list(rule['homes'])}"] if "homes" in rule else []
                lines.append(f"percent = {rule['percent']}" if rule["percent"] else "free = true")
            elif kind == "daily_cap":
                lines.append(f"cap_fen = {rule['cap_fen']}")
            else:
                tiers = ", ".join(f"{{ beyond = {low}, percent = {percent} }}" for low, percent in rule["tiers"])
                lines += [f'by = "{rule["by"]}"', f"tiers = [{tiers}]"]
    return "\n".join(lines) + "\n"


def rates_toml(rates: Sequence[Mapping[str, Any]]) -> str:
    """The same rates as the file that people write."""
    lines = []
    for row in rates:
        lines.append("[[rate]]" if "acquirer" in row else "[[default]]")
        lines += [f'{key} = "{row[key]}"' for key in ("acquirer", "issuer") if key in row]
        lines += [f"{key} = {_date(row[key])}" for key in ("from", "to") if key in row]
        lines += [f"{key} = {row[key]}" for key in ("fee", "issuer_share", "acquirer_share")]
    return "\n".join(lines) + "\n"


def _members(statements: Sequence[tuple[str, str, int, int, int, int | None]]) -> list[dict[str, Any]]:
    """The rows that the centre itself makes of statements of one issuer, day by day."""
    issuers = Issuers(environment="test", keys={}, beginnings={account: "" for account, *_ in statements})
    said = []
    for number, (account, group, since, until, taken, revoked) in enumerate(statements, 1):
        stated = Membership(account=account, group=group, since=since, until=until)
        said.append(Said(issuer="", number=number, place=1, statement=stated, day=taken))
        if revoked is not None:
            revokes = Revocation(number=number, place=1)
            said.append(Said(issuer="", number=-number, place=1, statement=revokes, day=revoked))
    rows: list[dict[str, Any]] = []
    for day in DAYS:
        rows += changes(memberships([one for one in said if one.day <= day], issuers), rows, day)
    return rows


def _date(day: int) -> str:
    return f"{day // 10000:04}-{day // 100 % 100:02}-{day % 100:02}"


def _funder_id(one: Mapping[str, Any], funder: str) -> str:
    ids = {"RIDING_CITY": f"{one['city']:06}", "ISSUER_CITY": f"{one['issuer_city']:06}", "OPERATOR": one["operator"]}
    return str(ids.get(funder, "0"))


def put(workspace: Workspace, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    for day in sorted({row["day"] for row in rows}):
        here = sorted((row for row in rows if row["day"] == day), key=lambda row: tuple(row[key] for key in table.key))
        batches = pa.Table.from_pylist(list(here), table.schema).to_batches()
        workspace.write(table, day, "test", batches)
