"""What became of the mutants that were judged, kept in the build folder: a run that was broken off goes on where it
stopped, and the next one begins with the test that noticed a mutant before."""

import json
from pathlib import Path
from typing import Any

from tests.mutation.mutant import Mutant
from tests.mutation.workshop import Outcome, Run


class Notes:
    """The notes of one language. An outcome holds only for the sources and tests it was found with (`state`); the name
    of the test that noticed a mutant is a hint that outlives them."""

    def __init__(self, path: Path, state: str) -> None:
        self._path = path
        kept: dict[str, Any] = {"state": state, "outcomes": {}, "noticed_by": {}}
        if path.exists():
            kept = json.loads(path.read_text())
        self._state = state
        self._noticed_by: dict[str, str] = kept["noticed_by"]
        self._outcomes: dict[str, str] = kept["outcomes"] if kept["state"] == state else {}

    def outcome(self, mutant: Mutant) -> Run | None:
        """What became of it, if nothing has changed since."""
        found = self._outcomes.get(mutant.name)
        return Run(outcome=Outcome(found), by=self.noticed_by(mutant)) if found else None

    def noticed_by(self, mutant: Mutant) -> str:
        """The test that noticed it the last time, or nothing."""
        return self._noticed_by.get(mutant.name, "")

    def add(self, mutant: Mutant, run: Run) -> None:
        """Takes an outcome down at once."""
        self._outcomes[mutant.name] = run.outcome.value
        if run.by:
            self._noticed_by[mutant.name] = run.by
        else:
            self._noticed_by.pop(mutant.name, None)
        kept = {"state": self._state, "outcomes": self._outcomes, "noticed_by": self._noticed_by}
        self._path.write_text(json.dumps(kept))
