"""What became of the mutants that were judged, kept in the build folder: a run that was broken off goes on where it
stopped, one after a test was added looks again only at what nobody had noticed, and each mutant is first shown to the
test that noticed it before."""

import json
from pathlib import Path

from tests.mutation.mutant import Mutant
from tests.mutation.state import State
from tests.mutation.workshop import Outcome, Run


class Notes:
    """The notes of one language. That a test noticed a mutant holds as long as the sources and this test; that none did
    as long as all of them; that there is nothing to notice as long as the sources. The name of the test that noticed a
    mutant is a hint that outlives all."""

    def __init__(self, path: Path, state: State) -> None:
        self._path, self._state = path, state
        self._kept: dict[str, dict[str, str]] = json.loads(path.read_text()) if path.exists() else {}

    def outcome(self, mutant: Mutant) -> Run | None:
        """What became of it, if nothing has changed since that it rests on."""
        kept = self._kept.get(mutant.name)
        if kept is None:
            return None
        run = Run(outcome=Outcome(kept["outcome"]), by=kept["by"])
        return run if kept["state"] == self._rests_on(run) else None

    def noticed_by(self, mutant: Mutant) -> str:
        """The test that noticed it the last time, or nothing."""
        return self._kept.get(mutant.name, {}).get("by", "")

    def add(self, mutant: Mutant, run: Run) -> None:
        """Takes an outcome down at once."""
        self._kept[mutant.name] = {"outcome": run.outcome.value, "by": run.by, "state": self._rests_on(run)}
        self._path.write_text(json.dumps(self._kept))

    def _rests_on(self, run: Run) -> str:
        if run.outcome in (Outcome.SAME, Outcome.INVALID):
            return self._state.base
        return self._state.of_test(run.by)
