"""What is known of mutants: those that change nothing, with the reason for each, and the rates that may only rise."""

import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.mutation.mutant import Mutant

_HERE = Path(__file__).parent
WITHOUT_EFFECT = _HERE / "without_effect.toml"
RATES = _HERE / "rates.json"
GOALS = {"c": 0.97, "python": 0.93}
"""The least share of the changes that matter which tests must notice, by language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How many of the mutants that matter were noticed."""

    noticed: int
    of: int

    @property
    def share(self) -> float:
        return self.noticed / self.of if self.of else 1.0

    def __str__(self) -> str:
        return f"{self.noticed} of {self.of}, {100 * self.share:.1f} %"


def reasons(path: Path = WITHOUT_EFFECT) -> dict[str, str]:
    """By a mutant's name, why it changes nothing. Raises ValueError for an entry without a reason, or given twice."""
    found: dict[str, str] = {}
    for entry in tomllib.loads(path.read_text()).get("without_effect", []):
        if not entry["reason"].strip() or entry["mutant"] in found:
            raise ValueError(f"{path}: no reason, or a second one: {entry['mutant']}")
        found[entry["mutant"]] = entry["reason"]
    return found


def gone(names: Iterable[str], mutants: Iterable[Mutant]) -> list[str]:
    """Names in the ledger that no mutant has any more: somebody has rewritten the line."""
    return sorted(set(names) - {mutant.name for mutant in mutants})


def rates(path: Path = RATES) -> dict[str, Rate]:
    """What was reached, by language."""
    return {name: Rate(**row) for name, row in json.loads(path.read_text()).items()} if path.exists() else {}


def least(language: str, path: Path = RATES) -> float:
    """The share that must be noticed: the goal, or what was reached beyond it."""
    return max([GOALS[language], *(one.share for name, one in rates(path).items() if name == language)])


def write_rate(language: str, rate: Rate, path: Path = RATES) -> None:
    """Takes a new rate into the file."""
    rows = {name: {"noticed": one.noticed, "of": one.of} for name, one in (rates(path) | {language: rate}).items()}
    path.write_text(json.dumps(rows, indent=2, sort_keys=True) + "\n")
