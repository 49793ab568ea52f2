"""A gate's own part of a package in parts: which of its parts a gate needs, and the image that they make.

A package in parts signs a list with a digest for each section of the whole image, for the column of fares of each
station and for the stations of each line (core/package.c). A manifest is the package without its image, and what the
list does not say of each part: its size, and whose it is. It is not signed: a part is taken for its digest, and the
image that they make only where it has the fares of this place (`suits`).

    4   bytes of the front
    20  header of the whole image
        the front: header of the package, keys, signatures, list of parts, each padded
    12  for each row of the list: bytes (4), mode (1, 0 of a part for every gate), zero (1), line or station (2),
        city (4)
"""

import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from yima.validator import _core
from yima.validator.errors import ParametersError
from yima.validator.parameters import sections
from yima.validator.parameters.image import MODE_NUMBERS
from yima.validator.parameters.rules import FareKind, Mode
from yima.validator.texts import Text

PART_SIZE = 34
WHOLE_ONLY = frozenset(one.number for one in (sections.MATRICES, sections.AXES, sections.CELLS, sections.LABELS))
"""Sections that no part has: fares between all stations, names for people."""
_MATRIX = frozenset(one.number for one in (sections.MATRICES, sections.AXES, sections.CELLS))
_ROW = struct.Struct(">IBxHI")
_LIST_SIZE_AT = 20  # in the header of the package
_ALIGNMENT = 64  # of what follows the list, from the first byte of the package

Content = dict[int, bytes]
"""Rows of an image by section, as one piece each."""


class Spot(NamedTuple):
    """Where a gate stands, by the numbers of the fare tables. line: None, told while it runs; station: 0, none."""

    mode: Mode
    city: int = 0
    line: int | None = None
    station: int = 0


class Part(NamedTuple):
    """A row of the list, and what the manifest says of it. row: 34 bytes; mode: 0, it is for every gate; number: of the
    line whose stations it holds, or of the station whose column it is."""

    row: bytes
    size: int
    mode: int = 0
    number: int = 0
    city: int = 0

    @property
    def section(self) -> int:
        """Of the image."""
        return int.from_bytes(self.row[:2])

    @property
    def name(self) -> str:
        """Its digest: what its file is called."""
        return self.row[2:].hex()


class Manifest(NamedTuple):
    """front: the package without its image; head: the header of the whole image; parts: as the list has them."""

    front: bytes
    head: bytes
    parts: tuple[Part, ...]

    def to_bytes(self) -> bytes:
        """The file."""
        rows = b"".join(_ROW.pack(one.size, one.mode, one.number, one.city) for one in self.parts)
        return len(self.front).to_bytes(4) + self.head + self.front + rows

    def package(self, contents: Mapping[bytes, bytes], chosen: Iterable[Part]) -> bytes:
        """The package with an image of these parts; contents: by row of the list."""
        return self.front + image_of(self.head, {part.section: contents[part.row] for part in chosen})


def parse_manifest(data: bytes, source: str) -> Manifest:
    """Raises ParametersError. Nothing of it is to be believed before the package that comes of it is checked."""
    head_size = sections.HEADER.row_size
    front_end = 4 + head_size + int.from_bytes(data[:4])
    front, rows = data[4 + head_size : front_end], data[front_end:]
    size = int.from_bytes(front[_LIST_SIZE_AT : _LIST_SIZE_AT + 4])
    start = len(front) - (size + -size % _ALIGNMENT)
    if not size or size % PART_SIZE or start < 0 or len(rows) != size // PART_SIZE * _ROW.size:
        raise ParametersError(
            source,
            Text("is no list of the parts of a package", "不是参数包的分段清单"),
            Text("Publish the package again", "请重新发布该参数包"),
        )
    listed = [front[at : at + PART_SIZE] for at in range(start, start + size, PART_SIZE)]
    parts = tuple(Part(row, *said) for row, said in zip(listed, _ROW.iter_unpack(rows), strict=True))
    return Manifest(front, data[4 : 4 + head_size], parts)


def chosen(parts: Sequence[Part], spot: Spot) -> tuple[Part, ...]:
    """The parts that a gate there needs, one for each section at most: all rules, the column of a metro gate's station,
    and where fares go by distance the stations of its line, or of all lines where the line is told while it runs."""
    stations, columns = sections.STATIONS.number, sections.COLUMNS.number
    mode = MODE_NUMBERS[spot.mode]
    by_distance = any(part.section == sections.STAGES.number for part in parts)

    def is_needed(part: Part) -> bool:
        if part.section == columns:
            return spot.mode is Mode.METRO and part.number == spot.station
        if part.section != stations:
            return part.section not in WHOLE_ONLY
        if spot.line is None or not by_distance:
            return by_distance and part.mode == 0
        return (part.mode, part.number, part.city) == (mode, spot.line, spot.city)

    found = {part.section: part for part in parts if is_needed(part)}
    return tuple(found[section] for section in sorted(found))


def suits(image: sections.Image, parts: bytes, spot: Spot) -> bool:
    """Whether an image of parts has what fares by place need at a gate there: its own part of that, or the whole, which
    may not have the place. parts: the list, in which each section of the image has been found."""
    content = content_of(image)
    listed = Counter(int.from_bytes(row[:2]) for row in rows_in(parts, PART_SIZE))

    def rows(section: sections.Section) -> Iterator[Any]:
        return map(section.read, rows_in(content.get(section.number, b""), section.row_size))

    kinds = {
        fare.kind
        for fare in rows(sections.FARES)
        if (fare.mode, fare.city) in {(MODE_NUMBERS[spot.mode], city) for city in (0, spot.city)}
        and fare.line in {0, fare.line if spot.line is None else spot.line}
    }
    if FareKind.MATRIX in kinds and spot.mode is Mode.METRO and spot.station:
        exits = {row.exit for row in rows(sections.COLUMNS)}
        matrix = _MATRIX & content.keys()
        if matrix != _MATRIX & listed.keys() and (matrix or exits != {spot.station}):
            return False
    if FareKind.STAGES in kinds and spot.line != 0:
        lines = {(row.mode, row.line, row.city) for row in rows(sections.STATIONS)}
        are_all = len(lines) > 1 or len(lines) == listed[sections.STATIONS.number]  # a part has one line
        is_own = lines == {(MODE_NUMBERS[spot.mode], spot.line, spot.city)}
        has_stages = sections.STAGES.number in content or sections.STAGES.number not in listed
        return has_stages and (are_all or is_own)
    return True


def row_of(section: int, rows: bytes) -> bytes:
    """The row of the list for a section of these rows: its number, and SM3 over number, row size, count and rows."""
    size = sections.BY_NUMBER[section].row_size
    named = section.to_bytes(2) + size.to_bytes(2) + (len(rows) // size).to_bytes(4)
    return section.to_bytes(2) + _core.sm3(named + rows)


def held(images: Iterable[sections.Image]) -> dict[bytes, bytes]:
    """What a device has already, of the images that it holds: content by row of the list."""
    return {row_of(section, rows): rows for image in images for section, rows in content_of(image).items()}


def content_of(image: sections.Image) -> Content:
    """The sections of an image that the core has let in."""
    head = sections.HEADER.read(image)
    found = {}
    for number in range(head.sections):
        at = sections.HEADER.row_size + number * sections.ENTRY.row_size
        entry = sections.ENTRY.read(image[at : at + sections.ENTRY.row_size])
        found[entry.section] = bytes(image[entry.start : entry.start + entry.rows * entry.row_size])
    return found


def image_of(image: sections.Image, own: Content) -> bytes:
    """An image of these sections under the head of the whole, of which the header is enough."""
    head = sections.HEADER.read(image)
    at = sections.HEADER.row_size + sections.ENTRY.row_size * len(own)
    directory = b""
    for section, rows in sorted(own.items()):
        size = sections.BY_NUMBER[section].row_size
        directory += sections.ENTRY.pack(section=section, row_size=size, rows=len(rows) // size, start=at)
        at += len(rows)
    packed = sections.HEADER.pack(**(vars(head) | {"sections": len(own), "size": at}))
    return packed + directory + b"".join(rows for _, rows in sorted(own.items()))


def rows_in(rows: bytes, size: int) -> Iterator[bytes]:
    """One row after the other."""
    return (rows[at : at + size] for at in range(0, len(rows), size))
