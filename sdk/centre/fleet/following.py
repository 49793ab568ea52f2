"""Follows a collector's store: what came in is judged right away, and what is wrong is kept, flagged and told.

Rules it keeps:
- How far it has come and what it found there are one transaction: killed at any time, it goes on where it stopped, and
  nothing is found twice.
- Of several collectors on one store one follows, for as long as it says so every few seconds; another takes over. What
  was said by a clock that was far ahead, and has been set right, holds up nobody.
- A store that is behind what was followed was restored from a backup: it is followed again from its beginning.
- Parameters that come later are looked for while it runs; what was flagged only for the lack of them is judged again,
  also by who starts or takes over after they came.
- It holds up no batch: it has a thread and connections of its own, and its trouble is told, not raised.
"""

import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from yima.sdk.centre.clearing.tables import Why, tap_id
from yima.sdk.centre.clearing.taps.judged import Judges
from yima.sdk.centre.clearing.taps.parameters import load_folder
from yima.sdk.centre.clearing.taps.stores import Source
from yima.sdk.centre.fleet import cases, uses, versions
from yima.sdk.centre.fleet.cases import Case, Decision
from yima.sdk.centre.fleet.database import CLOCKS_DIFFER_S, Database, FleetError, Statements
from yima.sdk.centre.fleet.verdicts import QUIET, Examined, Verdict, again, examine, judges_of, unreadable
from yima.validator.errors import YimaError
from yima.validator.journal.facts import TapFacts, parse
from yima.validator.outside import json_of
from yima.validator.texts import Text

LOOK_EVERY_S = 0.25
HELD_S = 15
"""Seconds for which one that follows need not say again that it does."""
FORGET_EVERY_S = 600.0
AGAIN_AT_ONCE = 500
_COUNTING = frozenset({Verdict.OK, Why.PARAMETERS_UNKNOWN})

Event = dict[str, Any]


class Standing(NamedTuple):
    """How far a store was followed. at: the arrival of the newest record that was judged, unix seconds; 0: none."""

    at: int
    follows: bool


class Follower:
    """Follows one source into the fleet's tables. published: the folder of what was published. now: unix seconds.
    on_event is told of every new case, as {"event": "flagged", …}, and of trouble. Raises ParametersError where the
    folder is none."""

    def __init__(
        self,
        database: Database,
        source: Source,
        published: Path,
        *,
        now: Callable[[], float] = time.time,
        on_event: Callable[[Event], None] = lambda event: None,
    ) -> None:
        self._database, self._source, self._folder = database, source, published
        self._now, self._on_event = now, on_event
        self._me = secrets.token_hex(8)
        self._seen = _mark(published)
        self._judges: Judges = judges_of(load_folder(published))
        self._may_wait = True  # nobody knows what came while this one did not follow
        self._forgot_at = -FORGET_EVERY_S
        self._told = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="yima-follower", daemon=True)

    def start(self) -> None:
        """On a thread of its own, until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """Ends behind the chunk in hand."""
        self._stop.set()
        self._thread.join()

    def look(self) -> int:
        """Judges what is new; how many records. 0 while another one follows. Raises YimaError."""
        now = self._now()
        with self._database.transaction() as rows:
            place = self._mine(rows, int(now))
        if place is None:
            self._may_wait = True
            return 0
        self._look_for_parameters()
        count = 0
        for chunk in self._source.chunks(json_of(place)):
            found = examine(chunk.rows, self._judges)
            after = json.dumps(chunk.cursor, sort_keys=True)
            with self._database.transaction() as rows:
                made = self._keep(rows, found, before=place, after=after)
            place = after
            count += len(found)
            self._tell(made)
            if self._stop.is_set():
                break
        self._forget(now)
        return count

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.look()
                self._told = ""
            except Exception as error:  # nothing ends the thread; what it was is told once until it is another
                if str(error) != self._told:
                    self._told = str(error)
                    self._on_event({"event": "trouble", "why": f"judging again: {error}"})
            self._stop.wait(LOOK_EVERY_S)

    def _mine(self, rows: Statements, now: int) -> str | None:
        """From where on this one follows; None: another one does."""
        found = rows.execute(
            "SELECT place, holder, held_until FROM followed WHERE source = ?", (self._source.name,)
        ).fetchone()
        if found is None:
            rows.execute(
                "INSERT INTO followed VALUES (?, ?, ?, ?, ?)", (self._source.name, "{}", 0, self._me, now + HELD_S)
            )
            return "{}"
        place, holder, until = found
        if holder != self._me and _holds(until, now):
            return None
        rows.execute(
            "UPDATE followed SET place = ?, holder = ?, held_until = ? WHERE source = ?",
            (place, self._me, now + HELD_S, self._source.name),
        )
        return str(place)

    def _noted(self, rows: Statements, found: list[Examined]) -> list[Case]:
        """Whatever a value does to the tables, the other records are noted."""
        rows.execute("SAVEPOINT part")
        try:
            made = self._note(rows, found)
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            rows.execute("ROLLBACK TO SAVEPOINT part")
            half = len(found) // 2
            if half:
                made = self._noted(rows, found[:half]) + self._noted(rows, found[half:])
            else:
                made = self._note(rows, [unreadable(found[0]._asdict(), error)])
        rows.execute("RELEASE SAVEPOINT part")
        return made

    def _note(self, rows: Statements, found: list[Examined]) -> list[Case]:
        now = self._now()
        known = uses.Uses(
            rows,
            (one.tap["code_digest"] for one in found if one.tap and one.tap["code_digest"]),
            now=now,
        )
        made: list[Case] = []
        flagged: list[tuple[Examined, str]] = []
        counts: Counter[str] = Counter()
        for item in found:
            one, other = item, ""
            if one.verdict in _COUNTING and one.tap and one.tap["code_digest"]:
                other = known.other(one)
                if other and one.verdict == Verdict.OK:
                    one = one._replace(verdict=Why.DOUBLE_USE)
            elif one.verdict == Why.CONFLICT:
                other = tap_id(one.device, one.epoch, one.sequence)
            if one.takes_back:
                made += cases.open_cases(rows, flagged, now=int(now))  # one of them may be the use now
                flagged = []
                tap = (one.device, one.epoch, one.takes_back)
                known.take_back(*tap, _tap_of(cases.fall_away(rows, *tap, now=int(now))))
            counts[one.verdict] += 1
            if one.verdict not in QUIET:
                flagged.append((one, other))
        known.write()
        made += cases.open_cases(rows, flagged, now=int(now))
        versions.note(rows, found)
        _count(rows, counts)
        return made

    def _keep(self, rows: Statements, found: list[Examined], *, before: str, after: str) -> list[Case]:
        made = self._noted(rows, found)
        newest = max((one.received for one in found), default=0)
        moved = rows.execute(
            "UPDATE followed SET place = ?, at = CASE WHEN at > ? THEN at ELSE ? END, held_until = ? "
            "WHERE source = ? AND holder = ? AND place = ?",
            (after, newest, newest, int(self._now()) + HELD_S, self._source.name, self._me, before),
        )
        if moved.rowcount != 1:
            raise FleetError(
                self._source.name,
                Text("is followed by another collector now", "已由另一采集端接管复核"),
                Text("Nothing is to be done: this one waits", "无需处理，本进程将等待"),
            )
        return made

    def _look_for_parameters(self) -> None:
        """Takes what was published since, and judges again what waited for it, or may have waited before this one
        followed. A folder with something wrong in it changes nothing, and is told."""
        mark = _mark(self._folder)
        if mark != self._seen:
            self._seen = mark
            try:
                self._judges = judges_of(load_folder(self._folder))
            except (YimaError, OSError) as error:
                self._on_event({"event": "trouble", "why": str(error)})
                return
            self._may_wait = True
        after = 0
        while self._may_wait and not self._stop.is_set() and (waiting := self._waiting(after)):
            after = waiting[-1]["number"]
            judged = again(waiting, self._judges)
            with self._database.transaction() as rows:
                if self._mine(rows, int(self._now())) is None:
                    return
                for case, one in zip(waiting, judged, strict=True):
                    if _waits(rows, case["number"]):
                        self._again(rows, case["number"], one)
        self._may_wait = False

    def _waiting(self, after: int) -> list[dict[str, Any]]:
        with self._database.reading() as rows:
            found = rows.execute(
                "SELECT number, device, epoch, sequence, hash, entry, opened FROM cases "
                "WHERE decision = ? AND why LIKE ? AND number > ? ORDER BY number LIMIT ?",
                (Decision.OPEN, f"{Why.PARAMETERS_UNKNOWN}%", after, AGAIN_AT_ONCE),
            ).fetchall()
        names = ("number", "device", "epoch", "sequence", "hash", "entry", "received")
        cases_ = [dict(zip(names, row, strict=True)) for row in found]
        return [case | {"hash": bytes.fromhex(case["hash"]), "entry": bytes.fromhex(case["entry"])} for case in cases_]

    def _again(self, rows: Statements, number: int, one: Examined) -> None:
        if one.verdict == Why.PARAMETERS_UNKNOWN:
            return
        now = int(self._now())
        known = uses.Uses(rows, [one.tap["code_digest"]] if one.tap and one.tap["code_digest"] else [], now=now)
        other = known.other(one) if one.verdict == Verdict.OK and one.tap and one.tap["code_digest"] else ""
        known.write()
        _count(rows, {Why.PARAMETERS_UNKNOWN: -1, Why.DOUBLE_USE if other else one.verdict: 1})
        if other:
            rows.execute(
                "UPDATE cases SET kind = ?, why = ?, other = ? WHERE number = ?",
                (cases.Kind.DOUBLE_USE, Why.DOUBLE_USE, other, number),
            )
        elif one.verdict == Verdict.OK:
            cases.decide(
                rows, number, Decision.PAY, who=cases.ITSELF, why="judged again when its parameters came", now=now
            )
        else:
            rows.execute("UPDATE cases SET why = ? WHERE number = ?", (f"{one.verdict}: {one.why}", number))

    def _tell(self, made: Iterable[Case]) -> None:
        for case in made:
            self._on_event(
                {
                    "event": "flagged",
                    "case": case.number,
                    "kind": str(case.kind),
                    "why": case.why,
                    "tap": tap_id(case.device, case.epoch, case.sequence),
                    "fare_fen": case.fare_fen,
                }
            )

    def _forget(self, now: float) -> None:
        if time.monotonic() - self._forgot_at >= FORGET_EVERY_S:
            self._forgot_at = time.monotonic()
            with self._database.transaction() as rows:
                uses.forget(rows, int(now))


def counts(database: Database) -> dict[str, int]:
    """Records by verdict. Raises FleetError."""
    with database.reading() as rows:
        return dict(rows.execute("SELECT verdict, records FROM judged ORDER BY verdict").fetchall())


def standing(database: Database, source: str, now: int) -> Standing:
    """How far that source was followed. Raises FleetError."""
    with database.reading() as rows:
        found = rows.execute("SELECT at, held_until FROM followed WHERE source = ?", (source,)).fetchone()
    return Standing(0, follows=False) if found is None else Standing(found[0], follows=_holds(found[1], now))


def _holds(until: int, now: int) -> bool:
    """Whether one that follows has said so for this moment."""
    return now < until <= now + HELD_S + CLOCKS_DIFFER_S


def _waits(rows: Statements, number: int) -> bool:
    """Whether that case still waits for its parameters: somebody may have settled it while it was judged."""
    found = rows.execute("SELECT decision, why FROM cases WHERE number = ?", (number,)).fetchone()
    return bool(found[0] == Decision.OPEN and found[1].startswith(Why.PARAMETERS_UNKNOWN))


def _tap_of(case: Case | None) -> uses.Tap | None:
    """The tap that a case is about."""
    if case is None:
        return None
    facts, _ = parse(bytes.fromhex(case.entry))
    if not isinstance(facts, TapFacts):
        return None
    return uses.Tap(case.device, case.epoch, case.sequence, case.at, facts.city, facts.line, facts.station)


def _count(rows: Statements, counted: dict[str, int] | Counter[str]) -> None:
    rows.executemany(
        "INSERT INTO judged (verdict, records) VALUES (?, ?) "
        "ON CONFLICT (verdict) DO UPDATE SET records = judged.records + excluded.records",
        sorted((str(verdict), count) for verdict, count in counted.items()),
    )


def _mark(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """What changes when a file of the folder does."""
    try:
        files = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
        return tuple((path.name, (status := path.stat()).st_mtime_ns, status.st_size) for path in files)
    except OSError:
        return ()
