"""`yima centre cases`: records that somebody has to decide about; listed, shown, settled with a reason."""

import argparse
import time

from yima.sdk.centre.fleet.cases import Case, Cases, Decision, Kind
from yima.sdk.cli.arguments import WholeNumber
from yima.sdk.cli.centre_fleet import add_store, add_why, local, opened, say_one, who
from yima.validator.journal.exporting import as_mapping
from yima.validator.shown import shown, shown_json
from yima.validator.texts import Text, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its own verbs."""
    of_cases = parser.add_subparsers(dest="of_cases", required=True, metavar="VERB")
    listed = of_cases.add_parser("list", help="open cases, oldest first 列出未结案件")
    add_store(listed)
    listed.add_argument("--kind", choices=[str(kind) for kind in Kind], help="only these 仅此类")
    which = listed.add_mutually_exclusive_group()
    which.add_argument("--settled", action="store_true", help="only those that are settled 仅已结")
    which.add_argument("--all", action="store_true", help="open and settled ones 全部")
    listed.set_defaults(run=_list)
    show = of_cases.add_parser("show", help="one, with its record and what was decided 查看案件")
    settle = of_cases.add_parser("settle", help="decide about one, with a reason 裁决")
    for one in (show, settle):
        add_store(one)
        one.add_argument("number", type=WholeNumber(1, 1 << 62), metavar="NUMBER", help="as list shows it 案件编号")
    show.set_defaults(run=_show)
    settle.add_argument("decision", choices=["pay", "withhold"], help="what becomes of the record 支付或不予支付")
    add_why(settle, required=True)
    settle.set_defaults(run=_settle)


def _list(arguments: argparse.Namespace) -> int:
    kind = Kind(arguments.kind) if arguments.kind else None
    settled = None if arguments.all else arguments.settled
    after = 0
    with opened(arguments) as database:
        cases = Cases(database)
        while page := cases.listed(kind=kind, settled=settled, after=after):
            for case in page:
                say_one(arguments, _object(case), _line(case))
            after = page[-1].number
    return 0


def _show(arguments: argparse.Namespace) -> int:
    with opened(arguments) as database:
        case, decided = Cases(database).found(arguments.number)
    record = as_mapping(case.sequence, bytes.fromhex(case.entry), bytes.fromhex(case.hash), reveal=False)
    if arguments.json:
        whole = _object(case) | {"record": record, "decisions": [one._asdict() for one in decided]}
        print(shown_json(whole, indent=2))
        return 0
    print(shown(_line(case)))
    for name, value in record.items():
        print(shown(f"  {name}: {value}"))
    for one in decided:
        print(shown(f"  {local(one.at)}  {one.decision}  {one.who}: {one.why}"))
    return 0


def _settle(arguments: argparse.Namespace) -> int:
    decision = Decision(arguments.decision.upper())
    with opened(arguments) as database:
        cases = Cases(database)
        case = cases.settle(arguments.number, decision, who=who(), why=arguments.why, now=int(time.time()))
    say_one(arguments, _object(case), _line(case))
    return 0


def _object(case: Case) -> dict[str, object]:
    return {name: value for name, value in case._asdict().items() if name != "entry"}


def _line(case: Case) -> str:
    against = say(Text(f", against {case.other}", f"，对照 {case.other}")) if case.other else ""
    tap = f"{case.device}/{case.epoch}/{case.sequence}"
    decision = "" if case.decision is Decision.OPEN else f"  {case.decision}"
    what = f"{case.kind:10}  {tap}  {case.fare_fen / 100:.2f}  {case.why}{against}{decision}"
    return f"{case.number:6}  {local(case.at)}  {what}"
