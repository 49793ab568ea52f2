"""`make mutate`, or `python -m tests.mutation`: makes small changes to the sources, one at a time, and shows which of
them no test notices.

Prints a line for each change as it is judged, then those that survived and the rate of each language. Ends with status
1 where a rate is below the goal or the one in rates.json, or a reason in without_effect.toml speaks of a change that is
no longer there; with --write the rate is taken into the file. All changes would take days: those that are drawn, with a
fixed seed, take about half an hour on two idle cores, one for each --language. A run that was broken off goes on where
it stopped; one after tests have changed judges anew what they had noticed, and what no test had."""

import argparse
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from tests.mutation import ledger
from tests.mutation.mutant import Mutant
from tests.mutation.notes import Notes
from tests.mutation.plan import QUICK_S, Measured, choose_tests, measured
from tests.mutation.state import state_of
from tests.mutation.targets import LANGUAGES, ROOT, SEED, Language, draw, mutants_of, sources_of
from tests.mutation.workshop import TEST_PATIENCE_S, Build, Outcome, Run, Workshop

_BUILD = ROOT / "build" / "mutation"
_PATIENCE = 10  # times what a test took when it was measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One mutant, and what became of it."""

    mutant: Mutant
    run: Run
    took_s: float


def main(words: Sequence[str] | None = None) -> int:
    """The exit status."""
    wanted = _parser().parse_args(words)
    files = {one.name: {path: mutants_of(path) for path in sources_of(one)} for one in LANGUAGES}
    chosen = {one: _chosen(one, files[one.name], wanted) for one in LANGUAGES if wanted.language in (None, one.name)}
    if wanted.list:
        sys.stdout.writelines(f"{mutant.name}\n" for mutants in chosen.values() for mutant in mutants)
        return 0
    is_whole = not wanted.only and not wanted.having and wanted.count is None and wanted.seed == SEED
    good = True
    for language, mutants in chosen.items():
        if mutants:
            good &= _judge_all(language, mutants, wanted, is_whole)
    stale = ledger.gone(ledger.reasons(), [one for of in files.values() for many in of.values() for one in many])
    sys.stdout.writelines(f"no longer there, take it out of without_effect.toml: {name}\n" for name in stale)
    return 0 if good and not stale else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("--language", choices=[one.name for one in LANGUAGES], help="one half only")
    parser.add_argument("--only", action="append", default=[], metavar="FILE", help="changes to this file (repeatable)")
    parser.add_argument("--having", metavar="TEXT", help="every change whose name has this text in it, drawn or not")
    parser.add_argument("--count", type=int, help="how many are drawn of each language; 0: all there are")
    parser.add_argument("--seed", type=int, default=SEED, help="another draw")
    parser.add_argument("--jobs", type=int, default=1, help="how many are judged at a time")
    parser.add_argument("--list", action="store_true", help="name the changes and end")
    parser.add_argument("--write", action="store_true", help="take rates that have risen into rates.json")
    return parser


def _chosen(language: Language, files: dict[str, list[Mutant]], wanted: argparse.Namespace) -> list[Mutant]:
    if wanted.only:
        files = {path: mutants for path, mutants in files.items() if path in wanted.only}
    everything = [mutant for mutants in files.values() for mutant in mutants]
    if wanted.having:
        return [mutant for mutant in everything if wanted.having in mutant.name]
    count = language.draw if wanted.count is None else wanted.count or len(everything)
    return draw(files, count, wanted.seed)


def _judge_all(
    language: Language,
    mutants: list[Mutant],
    wanted: argparse.Namespace,
    is_whole: bool,
) -> bool:
    """Whether the rate is what it was, or better."""
    workshops: SimpleQueue[Workshop] = SimpleQueue()
    for number in range(wanted.jobs):
        workshops.put(Workshop(_BUILD / f"workshop-{language.name}-{number}"))
    workshop = workshops.get()
    workshop.build()
    _say(f"{language.name}: measuring the tests without any change ...")
    state = state_of(workshop.root, language)
    tests = measured(workshop, language, state, _BUILD / f"measured-{language.name}.json")
    workshops.put(workshop)
    known = ledger.reasons()
    notes = Notes(_BUILD / f"notes-{language.name}.json", state)
    judged: list[Judged] = []
    candidates = [mutant for mutant in mutants if mutant.name not in known]
    _say(f"{language.name}: {len(candidates)} changes, and {len(mutants) - len(candidates)} known to be without effect")

    def judge(mutant: Mutant) -> None:
        mine = workshops.get()
        begun = time.monotonic()
        try:
            run = notes.outcome(mutant) or judged_in(mine, mutant, tests, notes.noticed_by(mutant))
        finally:
            workshops.put(mine)
        notes.add(mutant, run)
        judged.append(Judged(mutant=mutant, run=run, took_s=time.monotonic() - begun))
        by = f" by {run.by}" if run.by else ""
        _say(f"{len(judged)}/{len(candidates)} {judged[-1].took_s:.1f} s {run.outcome.value}{by}: {mutant.name}")

    with ThreadPoolExecutor(wanted.jobs) as pool:
        list(pool.map(judge, candidates))
    return summed_up(language.name, judged, is_whole, wanted.write)


def judged_in(workshop: Workshop, mutant: Mutant, tests: list[Measured], before: str = "") -> Run:
    """What becomes of one mutant. One of C that survives is tried again as CI does: on the fuzz corpora, and under the
    sanitizers, but there without the long tests of other sources."""
    workshop.build()
    is_c = not mutant.path.endswith(".py")
    with workshop.holding(mutant) as nothing_to_run:
        run = Run(outcome=nothing_to_run) if nothing_to_run else _tested(workshop, mutant, tests, before)
    if run.outcome is Outcome.SURVIVED and is_c:
        workshop.check_corpora()
        with workshop.holding(mutant):
            run = workshop.run_corpora(mutant.path)
    if run.outcome is Outcome.SURVIVED and is_c:
        workshop.build(Build.SANITIZED)
        with workshop.holding(mutant, Build.SANITIZED) as nothing_to_run:
            if nothing_to_run is None:
                run = _tested(workshop, mutant, tests, before, sanitized=True)
    return run


def _tested(workshop: Workshop, mutant: Mutant, tests: list[Measured], before: str, sanitized: bool = False) -> Run:
    run = Run(outcome=Outcome.SURVIVED)
    took_s = {test.name: test.took_s for test in tests}
    likely, *others = choose_tests(mutant, tests, before) or [[]]
    if sanitized:
        others = [[test for test in lot if test.took_s <= QUICK_S] for lot in others]
    for lot in filter(None, [likely, *others]):
        order = {"tests": [test.name for test in lot], "known": [test.name for test in tests]}
        run = workshop.run_tests(
            list(dict.fromkeys(test.file for test in lot)),
            sanitized=sanitized,
            variables={"YIMA_MUTATION_ORDER": str(workshop.write_json("order.json", order))},
            patience_s=lambda test: TEST_PATIENCE_S + _PATIENCE * took_s.get(test, 0),
        )
        if run.outcome is not Outcome.SURVIVED:
            break
    return run


def summed_up(language: str, judged: list[Judged], is_whole: bool, write: bool, path: Path = ledger.RATES) -> bool:
    """Prints what survived, and the rate. Whether a run of the whole draw reaches the goal and the rate in the file;
    the file takes the new rate if `write`."""
    by_outcome = {outcome: [one for one in judged if one.run.outcome is outcome] for outcome in Outcome}
    noticed = len(by_outcome[Outcome.NOTICED]) + len(by_outcome[Outcome.HUNG])
    rate = ledger.Rate(noticed=noticed, of=noticed + len(by_outcome[Outcome.SURVIVED]))
    for one in by_outcome[Outcome.SURVIVED]:
        _say(f"survived: {one.mutant.name}")
    counted = ", ".join(f"{len(many)} {outcome.value}" for outcome, many in by_outcome.items())
    _say(f"{language}: {counted}\n{language}: noticed {rate} that matter")
    least = ledger.least(language, path)
    if is_whole and rate.share < least:
        _say(f"{language}: that is less than {100 * least:.1f} %: test what survived")
        return False
    if is_whole and write:
        ledger.write_rate(language, rate, path)
    return True


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
