"""What may be read of a workspace while the centre works in it.

Rules it keeps:

- A day is seen when its last step is done, and never before the days before it: state.json, which the centre replaces
  whole, says so. What lies there of a day under way is not looked at.
- Files of a day that is seen do not change any more (workspace.py), so one reading of state.json serves a whole
  request, and no lock is taken: a reader never keeps the centre waiting.
- What issuers state holds from the moment at which the step `identity` of its day is done.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from yima.sdk.centre.clearing.day import FILES_STEP
from yima.sdk.centre.clearing.money.settle import LAST as SETTLE_STEP
from yima.sdk.centre.clearing.tables import Table
from yima.sdk.centre.clearing.workspace import parse_state
from yima.sdk.centre.identity.taking import STEP as IDENTITY_STEP
from yima.sdk.centre.interfaces.watched import Watched


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What is committed. days: cleared to their end, oldest first. stated: of which issuers' statements are taken."""

    path: Path
    days: tuple[int, ...] = ()
    stated: tuple[int, ...] = ()

    @property
    def version(self) -> str:
        """Another one whenever anything else is to be seen."""
        return hashlib.sha256(repr((self.days, self.stated)).encode()).hexdigest()[:16]

    def of_table(self, table: Table, day: int) -> list[Path]:
        """A table's files of a day, in a fixed order."""
        return sorted((self.path / "tables" / table.name / f"day={day}").glob("[!.]*.parquet"))

    def handed_out(self, day: int) -> Path:
        """The folder with what institutions get of a day."""
        return self.path / "files" / str(day)

    def answers(self, day: int) -> Path:
        """The folder with what they are answered on it."""
        return self.path / "answers" / str(day)


class Committed:
    """The workspace at `path`, looked at; it need not be there yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._state = Watched(path / "state.json", self._read)

    def now(self) -> Snapshot:
        """What is committed now. Raises WorkspaceError for a state of another form."""
        return self._state.get()

    def _read(self, path: Path) -> Snapshot:
        try:
            state = parse_state(path.read_bytes(), path)
        except FileNotFoundError:
            return Snapshot(path=self._path)
        done = state["done"]
        whole = set(done.get(FILES_STEP, []))
        days = []
        for day in sorted(done.get(SETTLE_STEP, [])):
            if day not in whole:
                break
            days.append(day)
        return Snapshot(path=self._path, days=tuple(days), stated=tuple(sorted(done.get(IDENTITY_STEP, []))))
