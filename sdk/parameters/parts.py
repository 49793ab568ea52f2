"""A gate's own part of a package: the same signatures, an image without what that gate has no use for.

A package in parts signs, in the place of its image's digest, a list of parts: one for each section of the whole image,
and one for the column of each station, the fares of every ride that ends there. Cutting needs no key: whoever has the
whole makes the part, and a device finds each section of it in the list (core/package.c). What is left out holds nothing
but fares by place, and names: the matrix is replaced by the station's column, or, for a bus, by nothing.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from yima.sdk import sm2
from yima.sdk.layouts_package import ALIGNMENT
from yima.validator.errors import ParametersError
from yima.validator.packages import Package, parse_package
from yima.validator.parameters import sections
from yima.validator.parameters.image import NO_RIDE
from yima.validator.texts import Text

_WHOLE_ONLY = {sections.MATRICES.number, sections.AXES.number, sections.CELLS.number, sections.LABELS.number}
_STAGES = 2  # a fare rule by distance
PART_SIZE = 34

Content = dict[int, bytes]
"""Rows of an image by section, as one piece each."""


def list_of_parts(image: bytes) -> bytes:
    """What a package in parts signs: a row for each section and each station's column, ascending."""
    content = content_of(image)
    found = {_row(section, rows) for section, rows in content.items()}
    found |= {_row(sections.COLUMNS.number, rows) for rows in columns(content).values()}
    return b"".join(sorted(found))


def cut(data: bytes, station: int | None, source: str = "package") -> bytes:
    """The package of the gate at a station, or of one that has no use for a matrix. Raises ParametersError."""
    package = parse_package(data, source)
    if not package.parts:
        raise ParametersError(
            source,
            Text("is not in parts", "不是可拆分的参数包"),
            Text("Build it with: yima params build --parts", "请用 yima params build --parts 制作"),
        )
    return bytes(data[: len(data) - len(package.image)]) + cut_image(bytes(package.image), station, source)


def cut_image(image: bytes, station: int | None, source: str) -> bytes:
    """The image of that gate. Raises ParametersError where no matrix has the station."""
    content = content_of(image)
    own = {section: rows for section, rows in content.items() if section not in _WHOLE_ONLY}
    fares = sections.FARES
    kinds = {fares.read(row).kind for row in _rows(content.get(fares.number, b""), fares.row_size)}
    if _STAGES not in kinds:
        own.pop(sections.STATIONS.number, None)
    if station is not None:
        column = columns(content, station).get(station)
        if column is None:
            raise ParametersError(
                source,
                Text(f"no matrix has station {station}", f"票价矩阵中没有站号 {station}"),
                Text("Check --station; leave it out for a bus", "请检查 --station；公交请勿指定"),
            )
        own[sections.COLUMNS.number] = column
    return image_of(image, own)


def images_in(package: Package) -> Iterator[bytes]:
    """Every image under which a device with this package may judge: its own, and, in parts, each gate's."""
    whole = bytes(package.image)
    yield whole
    if package.parts:
        content = content_of(whole)
        for station in (None, *columns(content)):
            yield cut_image(whole, station, package.source)


def content_of(image: bytes) -> Content:
    """The sections of an image that the core has let in."""
    head = sections.HEADER.read(image)
    found = {}
    for number in range(head.sections):
        at = sections.HEADER.row_size + number * sections.ENTRY.row_size
        entry = sections.ENTRY.read(image[at : at + sections.ENTRY.row_size])
        found[entry.section] = image[entry.start : entry.start + entry.rows * entry.row_size]
    return found


def columns(content: Content, only: int | None = None) -> Mapping[int, bytes]:
    """The rows of section COLUMNS for each station that a matrix has, of all matrices that have it. only: this one."""
    axes: dict[int, dict[int, int]] = defaultdict(dict)
    for row in _rows(content.get(sections.AXES.number, b""), sections.AXES.row_size):
        axis = sections.AXES.read(row)
        axes[axis.table][axis.station] = axis.place
    cells = memoryview(content.get(sections.CELLS.number, b"")).cast("B")
    found: dict[int, list[bytes]] = defaultdict(list)
    for row in _rows(content.get(sections.MATRICES.number, b""), sections.MATRICES.row_size):
        matrix = sections.MATRICES.read(row)
        places = axes[matrix.table]
        for station, place in places.items():
            if only not in {None, station}:
                continue
            for entry, start in sorted(places.items()):
                at = 2 * (matrix.first_cell + start * matrix.stations + place)
                fen = int.from_bytes(cells[at : at + 2])
                if fen != NO_RIDE:
                    found[station].append(sections.COLUMNS.pack(table=matrix.table, exit=station, entry=entry, fen=fen))
    return {station: b"".join(sorted(rows)) for station, rows in sorted(found.items())}


def padded(parts: bytes) -> bytes:
    """The list as it stands before the image."""
    return parts + bytes(-len(parts) % ALIGNMENT)


def _row(section: int, rows: bytes) -> bytes:
    size = sections.BY_NUMBER[section].row_size
    named = section.to_bytes(2) + size.to_bytes(2) + (len(rows) // size).to_bytes(4)
    return section.to_bytes(2) + sm2.sm3(named + rows)


def _rows(rows: bytes, size: int) -> Iterator[bytes]:
    return (rows[at : at + size] for at in range(0, len(rows), size))


def image_of(image: bytes, own: Content) -> bytes:
    """An image of these sections under the head of the whole."""
    head = sections.HEADER.read(image)
    at = sections.HEADER.row_size + sections.ENTRY.row_size * len(own)
    directory = b""
    for section, rows in sorted(own.items()):
        size = sections.BY_NUMBER[section].row_size
        directory += sections.ENTRY.pack(section=section, row_size=size, rows=len(rows) // size, start=at)
        at += len(rows)
    packed = sections.HEADER.pack(**(vars(head) | {"sections": len(own), "size": at}))
    return packed + directory + b"".join(rows for _, rows in sorted(own.items()))
