"""The warnings by name, each with its level: what `--fail-on` and a source's table `lint` go by."""

from dataclasses import dataclass
from enum import IntEnum

from yima.validator.texts import Text


class Level(IntEnum):
    """How bad it is. SERIOUS: gates refuse everybody, or riders pay what nobody meant."""

    NOTE = 1
    WARNING = 2
    SERIOUS = 3

    @property
    def text(self) -> Text:
        """Its name."""
        return {1: Text("note", "提示"), 2: Text("warning", "警告"), 3: Text("serious", "严重")}[int(self)]


NAMES = {
    "expired": Level.SERIOUS,
    "lists-in-the-future": Level.SERIOUS,
    "lists-too-old": Level.SERIOUS,
    "lists-old-soon": Level.WARNING,
    "no-roots": Level.SERIOUS,
    "root-expired": Level.SERIOUS,
    "unknown-root": Level.WARNING,
    "no-institutions": Level.SERIOUS,
    "no-deny-list": Level.NOTE,
    "other-city": Level.SERIOUS,
    "nobody-accepted": Level.SERIOUS,
    "own-riders-refused": Level.WARNING,
    "issuer-nobody-accepts": Level.WARNING,
    "family-not-judged": Level.WARNING,
    "family-nobody-accepts": Level.WARNING,
    "no-decoder": Level.WARNING,
    "account-type-refused": Level.WARNING,
    "loose-group": Level.NOTE,
    "no-fare": Level.WARNING,
    "fare-gap": Level.SERIOUS,
    "in-yuan": Level.SERIOUS,
    "dear-fare": Level.SERIOUS,
    "entry-cap-below-fare": Level.WARNING,
    "unused-table": Level.WARNING,
    "never-holds": Level.NOTE,
    "missing-cell": Level.WARNING,
    "calendar-ends": Level.WARNING,
    "no-entry-time": Level.WARNING,
    "unused-time": Level.NOTE,
    "unknown-station": Level.WARNING,
    "line-without-stations": Level.SERIOUS,
    "beyond-stages": Level.WARNING,
    "uneven-matrix": Level.WARNING,
    "one-fare": Level.WARNING,
    "split-cheaper": Level.WARNING,
    "same-metres": Level.WARNING,
    "same-name": Level.WARNING,
    "unknown-line": Level.WARNING,
    "stages-fall": Level.WARNING,
    "free-fare": Level.WARNING,
    "percent-below-one": Level.SERIOUS,
    "free-for-all": Level.SERIOUS,
    "no-reduction": Level.WARNING,
    "concession-gap": Level.WARNING,
    "never-over-time": Level.WARNING,
    "short-journey": Level.SERIOUS,
    "short-validity": Level.SERIOUS,
    "no-shifted-days": Level.NOTE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One warning: its name in NAMES, what was found, what to do."""

    name: str
    text: Text
    remedy: Text

    @property
    def level(self) -> Level:
        """How bad it is."""
        return NAMES[self.name]

    @classmethod
    def of(cls, name: str, english: str, chinese: str, remedy: str, remedy_chinese: str, /) -> "Finding":
        """From its sentences."""
        return cls(name=name, text=Text(english, chinese), remedy=Text(remedy, remedy_chinese))
