"""A centre at work in its folder: the steps of a day in their order, each of which can be run again.

    ingest     what collectors have, up to now
    rides      a day is closed; its taps are checked and become rides
    identity   what issuers state of their accounts is taken; who is one person
    disputes   what institutions handed in is taken and decided
    settle     bookings, postings, the net
    files      what each institution gets, answers to disputes with their evidence

Rules it keeps:
- A step that is done for a day is not done again; what was cut off in the middle is, and gives the same bytes.
- Days are taken in their order, also those on which nothing came in; where nothing has for longer than any leg may
  wait, the days up to the next one are passed over: a collector's clock that stood at 1970 once makes no work for
  every day since. A day that is not over is closed only by who names it: what comes in after that is booked on the
  next. One that has not begun is not closed.
- A step says which one is missing before it.
- Step by step a day rests on the days before it, too: its rides on what disputes have decided by then, its disputes on
  what was booked. Taken earlier, a dispute would be refused for good over a ride that was booked a moment later.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self

from yima.sdk.centre.clearing.days import shifted
from yima.sdk.centre.clearing.disputes.answering import answer_disputes
from yima.sdk.centre.clearing.disputes.intake import dated, take_files, waiting_files
from yima.sdk.centre.clearing.disputes.settling import STEP as DISPUTES_STEP
from yima.sdk.centre.clearing.disputes.settling import settle_disputes
from yima.sdk.centre.clearing.engine import Engine, open_engine
from yima.sdk.centre.clearing.files.writing import write_files
from yima.sdk.centre.clearing.folder import CentreFolder, FolderError, Terms
from yima.sdk.centre.clearing.money.settle import LAST as SETTLE_STEP
from yima.sdk.centre.clearing.money.settle import OrderError, settle
from yima.sdk.centre.clearing.report.figures import DayFigures, figures_of
from yima.sdk.centre.clearing.report.html import report_page
from yima.sdk.centre.clearing.rides.rides import STEP as RIDES_STEP
from yima.sdk.centre.clearing.rides.rides import ride_day
from yima.sdk.centre.clearing.rides.rules import CLOSE_MAX_DAYS
from yima.sdk.centre.clearing.tables import ENTRIES
from yima.sdk.centre.clearing.taps.checks import STEP as CHECKS_STEP
from yima.sdk.centre.clearing.taps.checks import check_day
from yima.sdk.centre.clearing.taps.ingest import ingest_all
from yima.sdk.centre.clearing.taps.parameters import Published
from yima.sdk.centre.clearing.workspace import Workspace, writing
from yima.sdk.centre.identity.taking import REFUSALS, take_statements
from yima.sdk.centre.identity.taking import STEP as IDENTITY_STEP
from yima.validator.system.disk import write_whole
from yima.validator.texts import Text

FILES_STEP = "answers"
STEPS = {
    "rides": RIDES_STEP,
    "identity": IDENTITY_STEP,
    "disputes": DISPUTES_STEP,
    "settle": SETTLE_STEP,
    "files": FILES_STEP,
}
"""The steps of a day, in their order, by their verbs: the last thing that each writes into the workspace's state."""
_RESTS_ON = {"rides": "disputes", "disputes": "settle"}
"""What must be done for the days before, so that a step can be done for a day."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDone:
    """What a step gave. counts: by name, 0 of a step that was done before. day: 0 of `ingest`."""

    step: str
    day: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    before: bool = False


class Centre:
    """A centre's folder, opened; use it as a context. engine: of ENGINES. memory: of DuckDB. on_commit: see Workspace.
    Raises FolderError, WorkspaceError, EngineError."""

    def __init__(
        self,
        folder: CentreFolder,
        *,
        engine: str = "duckdb",
        memory: str = "2GB",
        on_commit: Callable[[str], None] | None = None,
    ) -> None:
        self.folder = folder
        self.workspace = Workspace(folder.workspace, on_commit=on_commit)
        self._named, self._memory = engine, memory
        self._engine: Engine | None = None
        self._published: Published | None = None
        self._terms: Terms | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Lets the next process in."""
        if self._engine is not None:
            self._engine.close()
        self.workspace.close()

    @property
    def engine(self) -> Engine:
        """Started when it is first asked for."""
        if self._engine is None:
            self._engine = open_engine(self._named, self.workspace.scratch, memory=self._memory)
        return self._engine

    @property
    def published(self) -> Published:
        """The parameters, read when they are first asked for. Raises ParametersError."""
        if self._published is None:
            self._published = self.folder.published()
        return self._published

    @property
    def terms(self) -> Terms:
        """The rules and rates, read when they are first asked for. Raises TermsError."""
        if self._terms is None:
            self._terms = self.folder.terms()
        return self._terms

    def ingest(self, progress: Progress = lambda step, done, of: None) -> list[StepDone]:
        """Reads every store from where it was left; one answer each. Raises SourceError, FolderError."""
        found = ingest_all(
            self.workspace, self.folder.sources(), on_progress=lambda name, count: progress(name, count, 0)
        )
        return [StepDone(step=name, counts={"entries": one.entries, "taps": one.taps}) for name, one in found.items()]

    def days(self, step: str, *, until: int, named: int | None = None) -> list[int]:
        """The days for which a step is due, oldest first. until: the last day that is over. Raises OrderError for a
        named one that lies behind a cleared one, or that has not begun.

        Of `rides`, days of the calendar: from the first that is not cleared to the last on which a leg still waits or a
        file came in, at most `until`, or to the day that is named. Of another step, the days for which the step before
        is done; where it is done for none of those that were begun, that is an OrderError, too.
        """
        if named is not None and named > shifted(until, 1):
            raise OrderError(
                named,
                Text("has not begun", "尚未开始"),
                Text("Name today or a day before it", "请指定今天或更早的日期"),
            )
        last = until if named is None else named
        names = list(STEPS)
        before = names.index(step)
        if before == 0:
            days = self._calendar(until, named)
        else:
            done = self.workspace.done_days(STEPS[names[before - 1]])
            days = [day for day in done if day <= last and not self.workspace.is_done(STEPS[step], day)]
        if named is not None and not self.workspace.is_done(STEPS[step], named):
            self._refuse_behind(step, named, days)
        if before and not days:
            done = self.workspace.done_days(STEPS[step])
            begun = [day for day in self.workspace.done_days(STEPS["rides"]) if day <= last and day not in done]
            if begun:
                self._refuse_missing(names[before - 1], begun[0])
        return days

    def _calendar(self, until: int, named: int | None) -> list[int]:
        entered = self.workspace.days(ENTRIES)
        done = self.workspace.done_days(STEPS["rides"])
        first = shifted(done[-1], 1) if done else min(entered, default=named or until)
        last = named
        if last is None:
            waits = [shifted(entered[-1], self.terms.rides.close_after_days)] if entered else []
            handed_in = [day for day in dated(self.folder.incoming()) if day <= until]
            last = min(until, max([*waits, *handed_in], default=0))
        days = []
        busy = {*entered, *dated(self.folder.incoming()), last}
        while first <= last:
            days.append(first)
            is_idle = max((day for day in busy if day <= first), default=first) < shifted(first, -CLOSE_MAX_DAYS)
            following = min((day for day in busy if first < day <= last), default=last)
            first = following if is_idle and first < following else shifted(first, 1)
        return days

    def due(self, *, until: int, named: int | None = None) -> list[int]:
        """The days of which any step is due, as for `days`."""
        last = until if named is None else named
        known = {day for step in STEPS.values() for day in self.workspace.done_days(step) if day <= last}
        unfinished = {day for day in known if not self.workspace.is_done(FILES_STEP, day)}
        return sorted(unfinished.union(self.days("rides", until=until, named=named)))

    def _refuse_behind(self, step: str, named: int, due: Iterable[int]) -> None:
        names = list(STEPS)
        later = [day for day in self.workspace.done_days(STEPS[step]) if day > named]
        if later:
            raise OrderError(
                named,
                Text(f"{later[0]} was cleared before it", f"{later[0]} 已先行清算"),
                Text("What it lacks is in a later day", "缺少的部分已计入后续日期"),
            )
        before = names.index(step)
        if before and named not in due:
            self._refuse_missing(names[before - 1], named)

    def _refuse_missing(self, missing: str, day: int) -> NoReturn:
        raise OrderError(
            day,
            Text(f"step {missing} is not done for this day", f"当日尚未执行步骤 {missing}"),
            Text(f"Run yima centre {missing} for it first", f"请先执行 yima centre {missing}"),
        )

    def _refuse_early(self, step: str, day: int) -> None:
        if step not in _RESTS_ON:
            return
        missing = _RESTS_ON[step]
        begun = {one for one in self.workspace.done_days(STEPS["rides"]) if one < day}
        behind = min(begun.difference(self.workspace.done_days(STEPS[missing])), default=None)
        if behind is not None:
            raise OrderError(
                day,
                Text(
                    f"step {step} needs step {missing} of the days before, which is not done for {behind}",
                    f"步骤 {step} 须待此前各日的步骤 {missing} 完成，而 {behind} 尚未执行",
                ),
                Text(
                    "Take one day after the other: yima centre day does every step of each in turn",
                    "请逐日清算：yima centre day 会依次执行每一天的全部步骤",
                ),
            )

    def run(self, step: str, day: int, progress: Progress = lambda step, done, of: None) -> StepDone:
        """One step of one day. Raises YimaError with what it lacks."""
        if self.workspace.is_done(STEPS[step], day):
            return StepDone(step=step, day=day, before=True)
        self._refuse_early(step, day)
        steps = {
            "rides": self._rides, "identity": self._identity, "disputes": self._disputes,
            "settle": self._settle, "files": self._files,
        }  # fmt: skip
        with writing(self.workspace.path):
            counts = steps[step](day, progress)
        if self._engine is not None:
            self._engine.forget()
        return StepDone(step=step, day=day, counts=counts)

    def newest_settled(self) -> int:
        """The newest day that is settled. Raises OrderError where none is."""
        days = self.workspace.done_days(SETTLE_STEP)
        if not days:
            raise OrderError(
                self.folder.path,
                Text("no day of it is settled", "尚无已清算的日期"),
                Text("Run yima centre day for it", "请先执行 yima centre day"),
            )
        return days[-1]

    def figures(self, day: int) -> DayFigures:
        """What a settled day comes to. Raises OrderError."""
        return figures_of(self.workspace, self.engine, day)

    def write_report(self, figures: DayFigures, path: Path) -> None:
        """The page of a day, over one that is there. Raises FolderError where it cannot be written."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, report_page(figures).encode())
        except OSError as error:
            raise FolderError(
                path,
                Text(f"cannot be written: {error.strerror}", f"无法写入：{error.strerror}"),
                Text("Name another file with --out", "请用 --out 另选文件"),
            ) from error

    def _rides(self, day: int, progress: Progress) -> dict[str, int]:
        counts = {}
        if not self.workspace.is_done(CHECKS_STEP, day):
            progress("checks", 0, 2)
            checked = check_day(
                self.workspace,
                self.engine,
                self.published,
                day,
                keys=self.folder.keys(),
                unsigned_counts=self.terms.unsigned_counts,
            )
            counts = {"entries": checked.entries, "checks": checked.checks}
            self.engine.forget()
        progress("rides", 1, 2)
        ridden = ride_day(self.workspace, self.engine, self.published, self.terms.rides, day)
        return counts | {"rides": ridden.rides, "reductions": ridden.reductions, "reversals": ridden.reversals}

    def _identity(self, day: int, progress: Progress) -> dict[str, int]:
        progress("identity", 0, 1)
        taken = take_statements(self.workspace, day, self.folder.statements(), self.folder.issuers())
        files = Counter(taken.files.values())
        refused = sum(files[why] for why in REFUSALS)
        counts = {"taken": files["TAKEN"], "refused": refused, "persons": taken.persons, "members": taken.members}
        return counts | {"waiting": len(taken.standing.waiting), "crowded": len(taken.standing.crowded)}

    def _disputes(self, day: int, progress: Progress) -> dict[str, int]:
        progress("disputes", 0, 1)
        files = waiting_files(self.workspace, day, self.folder.incoming())
        codes = take_files(self.workspace, day, files)
        taken = sum(code == "0000" for code in codes.values())
        rows = settle_disputes(self.workspace, self.engine, day)
        return {"files": len(codes), "taken": taken, "disputes": rows}

    def _settle(self, day: int, progress: Progress) -> dict[str, int]:
        terms = self.terms
        return settle(self.workspace, self.engine, day, rules=terms.rules, rates=terms.rates, progress=progress)

    def _files(self, day: int, progress: Progress) -> dict[str, int]:
        folder = write_files(self.workspace, self.engine, day, progress=progress)
        self.engine.forget()
        answers = answer_disputes(self.workspace, self.engine, day, keys=self.folder.keys())
        self.workspace.done(FILES_STEP, day)
        return {"files": _count(folder), "answers": len(answers)}


def report_path(workspace: Path, day: int) -> Path:
    """Where the report of a day lies."""
    return workspace / "reports" / f"{day}.html"


def _count(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("*"))
