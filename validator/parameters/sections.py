"""What the parameter image is made of, as the core's own table tells it (core/parameters.def).

Rules it keeps:
- No number of a section, no offset and no size is written down on this side: they come from the core, so an image is
  built, read and judged by one table. docs/parameter-image.md shows it.
- Rows are packed and read by the names of their fields, so the order in which the table has them is nobody's to know.
- Nothing here is checked beyond what fits: values come in checked, and the core's door looks at every image.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from yima.validator import _core

_CODES = {("NUMBER", 1): "B", ("NUMBER", 2): "H", ("NUMBER", 4): "I", ("SIGNED", 4): "i"}

Image = bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of a row. offset, size: bytes. form, least, most: what the core's door demands, see parameters.def."""

    name: str
    offset: int
    size: int
    form: str
    least: int
    most: int
    meaning: str

    @property
    def code(self) -> str:
        """The field in the language of `struct`."""
        return f"{self.size}x" if self.form == "ZERO" else _CODES.get((self.form, self.size), f"{self.size}s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A section of the image, or (number 0) the header or an entry of the directory.

    row_size: bytes a row, of which the first key_size are its key. order: how rows stand, see parameters.def.
    """

    number: int
    name: str
    row_size: int
    key_size: int
    order: str
    meaning: str
    fields: tuple[Field, ...]
    form: struct.Struct
    names: tuple[str, ...]

    def __getitem__(self, name: str) -> Field:
        """The field of this name. Raises KeyError."""
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(name)

    def pack(self, **values: Any) -> bytes:
        """A row of these values, one for each field that is not zeros. Raises KeyError, TypeError, struct.error."""
        row = self.form.pack(*(values.pop(name) for name in self.names))
        if values:
            raise TypeError(f"{self.name} has no field {', '.join(values)}")
        return row

    def read(self, row: Image) -> Any:
        """The values of a row, by the names of their fields; the row may be the beginning of more bytes."""
        return SimpleNamespace(**dict(zip(self.names, self.form.unpack_from(row), strict=True)))


def _section(row: tuple[Any, ...]) -> Section:
    number, name, row_size, key_size, order, meaning, raw_fields = row
    keys = ("name", "offset", "size", "form", "least", "most", "meaning")
    raw = [dict(zip(keys, field, strict=True)) for field in raw_fields]
    fields = tuple(Field(**(values | {"name": values["name"].lower()})) for values in raw)
    return Section(
        number=number,
        name=name,
        row_size=row_size,
        key_size=key_size,
        order=order,
        meaning=meaning,
        fields=fields,
        form=struct.Struct(">" + "".join(field.code for field in fields)),
        names=tuple(field.name for field in fields if field.form != "ZERO"),
    )


TABLE: Mapping[str, Section] = {row[1]: _section(row) for row in _core.PARAMETER_IMAGE}
"""Header, directory entry and every section, by name, in the order of their numbers."""

BY_NUMBER: Mapping[int, Section] = {section.number: section for section in TABLE.values() if section.number}

HEADER, ENTRY = TABLE["HEADER"], TABLE["ENTRY"]
LIMITS, FARES, ROOTS, WHITELIST = TABLE["LIMITS"], TABLE["FARES"], TABLE["ROOTS"], TABLE["WHITELIST"]
ACCEPTANCE, DENY, SHIFTS, NAMES = TABLE["ACCEPTANCE"], TABLE["DENY"], TABLE["SHIFTS"], TABLE["NAMES"]
CONCESSIONS, JOURNEYS = TABLE["CONCESSIONS"], TABLE["JOURNEYS"]
DECODERS, STATIONS, STAGES = TABLE["DECODERS"], TABLE["STATIONS"], TABLE["STAGES"]
MATRICES, AXES, CELLS = TABLE["MATRICES"], TABLE["AXES"], TABLE["CELLS"]
READER, LABELS, RESOLVED = TABLE["READER"], TABLE["LABELS"], TABLE["RESOLVED"]
SUISHEN_KEYS, SUISHEN_TRANSPORT_KEYS = TABLE["SUISHEN_KEYS"], TABLE["SUISHEN_TRANSPORT_KEYS"]
MINISTRY_226_KEYS = TABLE["MINISTRY_226_KEYS"]
GROUPS, MEMBERS, REVOKED = TABLE["GROUPS"], TABLE["MEMBERS"], TABLE["REVOKED"]
COLUMNS = TABLE["COLUMNS"]
TARIFF, DAYS, BANDS, WHEN = TABLE["TARIFF"], TABLE["DAYS"], TABLE["BANDS"], TABLE["WHEN"]

MAGIC = b"YIMP"
FORMAT = HEADER["format"].most


class Opened:
    """The sections of an image that the core's door has let in, as rows."""

    def __init__(self, image: Image) -> None:
        self._image = memoryview(image)
        self.header = HEADER.read(self._image)
        at = [HEADER.row_size + i * ENTRY.row_size for i in range(self.header.sections)]
        self._entries = {entry.section: entry for entry in (ENTRY.read(self._image[start:]) for start in at)}

    @property
    def numbers(self) -> tuple[int, ...]:
        """Of the sections that are there, in the order of the directory."""
        return tuple(self._entries)

    def __contains__(self, section: Section) -> bool:
        return section.number in self._entries

    def rows(self, number: int) -> Iterator[bytes]:
        """The rows of a section by its number; none if it is not there."""
        entry = self._entries.get(number)
        if entry is not None:
            for at in range(entry.start, entry.start + entry.rows * entry.row_size, entry.row_size):
                yield bytes(self._image[at : at + entry.row_size])

    def each(self, section: Section) -> Iterator[Any]:
        """The rows of a section, read."""
        return map(section.read, self.rows(section.number))
