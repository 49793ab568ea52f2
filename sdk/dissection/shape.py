"""What a dissection is, whatever was taken apart: fields with their places, what is wrong, what the signatures say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from yima.sdk.dissection.findings import Problem
from yima.validator.texts import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One row of the table. number: the standard's field or a tag; offset: in the payload; raw: hexadecimal."""

    number: str
    name: Text
    offset: int
    size: int
    raw: str
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dissection:
    """What was found. document: the JSON object of `yima inspect --json`; note: what is known of the family."""

    document: dict[str, object]
    fields: tuple[Field, ...] = ()
    problems: tuple[Problem, ...] = ()
    signatures: Mapping[str, str] = field(default_factory=dict)
    times: Mapping[str, str | None] = field(default_factory=dict)
    note: Text | None = None

    @property
    def sound(self) -> bool:
        """Nothing is damaged, unknown or forged. Whether it may ride is another question: the core's."""
        return not self.problems and "invalid" not in self.signatures.values()

    def field_objects(self) -> list[dict[str, object]]:
        """The fields as JSON, in their order; raw is masked as the table is, and empty where its parts follow."""
        return [
            {
                "number": field.number,
                "name": {"en": field.name.en, "zh": field.name.zh},
                "offset": field.offset,
                "size": field.size,
                "raw": field.raw,
                "meaning": field.meaning,
            }
            for field in self.fields
        ]


def moment(unix_s: int) -> str:
    """Unix seconds as an engineer reads them."""
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def problem_objects(problems: tuple[Problem, ...]) -> list[dict[str, object]]:
    """Problems as JSON."""
    return [{"offset": problem.offset, "en": problem.text.en, "zh": problem.text.zh} for problem in problems]
