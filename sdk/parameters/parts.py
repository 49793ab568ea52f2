"""The parts of a package: a list that is signed in the place of the image, and a gate's own out of it.

Cutting needs no key: whoever has the whole makes the part, and a device finds each section of it in the list
(core/package.c). What is left out holds nothing but fares by place, and names: the matrix is replaced by the station's
column, the stations of all lines by those of one. Which parts a gate needs says `yima.validator.parameters.own_part`,
by which devices pull them too.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from yima.sdk.layouts_package import ALIGNMENT
from yima.validator.errors import ParametersError
from yima.validator.packages import Package, parse_package
from yima.validator.parameters import sections
from yima.validator.parameters.image import MODE_NUMBERS, NO_RIDE
from yima.validator.parameters.own_part import (
    WHOLE_ONLY,
    Content,
    Manifest,
    Part,
    Spot,
    chosen,
    content_of,
    image_of,
    row_of,
    rows_in,
)
from yima.validator.parameters.rules import Mode
from yima.validator.texts import Text


class Parts(NamedTuple):
    """The parts of an image, ascending as in the list. contents: rows by row of the list."""

    parts: tuple[Part, ...]
    contents: Mapping[bytes, bytes]


def parts_of(image: bytes, stations: int | None = 0) -> Parts:
    """Each section, each station's column, and the stations of each line. stations: 0, the columns of all; None, of
    none; else of this one."""
    content = content_of(image)
    found: dict[bytes, Part] = {}
    contents: dict[bytes, bytes] = {}

    def add(section: int, rows: bytes, mode: int = 0, number: int = 0, city: int = 0) -> None:
        row = row_of(section, rows)
        found.setdefault(row, Part(row, len(rows), mode, number, city))
        contents[row] = rows

    for (mode, city, line), rows in lines(content).items():
        add(sections.STATIONS.number, rows, mode, line, city)
    for section, rows in content.items():
        add(section, rows)
    if stations is not None:
        for station, rows in columns(content, stations or None).items():
            add(sections.COLUMNS.number, rows, MODE_NUMBERS[Mode.METRO], station)
    return Parts(tuple(found[row] for row in sorted(found)), contents)


def list_of_parts(image: bytes) -> bytes:
    """What a package in parts signs: the rows of its parts."""
    return b"".join(part.row for part in parts_of(image).parts)


def is_part(package: Package) -> bool:
    """Whether it is a gate's own part, cut out of a whole."""
    return bool(package.parts) and package.parts != list_of_parts(bytes(package.image))


def refuse_part(package: Package | None) -> None:
    """Raises ParametersError for a gate's own part: it does not say what rides elsewhere cost, and signed anew it would
    be the whole of a city."""
    if package and is_part(package):
        raise ParametersError(
            package.source,
            Text("is a gate's own part, and not the whole package", "只是某闸机所需的部分，不是完整参数包"),
            Text("Name the package out of which it was cut", "请指定拆分前的完整参数包"),
        )


def manifest_of(package: Package) -> tuple[Manifest, Mapping[str, bytes]]:
    """The manifest of a package in parts, and the files of the parts that devices pull, by name."""
    image = bytes(package.image)
    parts, contents = parts_of(image)
    front = bytes(package.data[: len(package.data) - len(image)])
    files = {part.name: contents[part.row] for part in parts if part.section not in WHOLE_ONLY}
    return Manifest(front, image[: sections.HEADER.row_size], parts), files


def cut(data: bytes, spot: Spot, source: str = "package") -> bytes:
    """The package of the gate there. Raises ParametersError."""
    package = parse_package(data, source)
    if not package.parts:
        raise ParametersError(
            source,
            Text("is not in parts", "不是可拆分的参数包"),
            Text("Build it with: yima params build --parts", "请用 yima params build --parts 制作"),
        )
    return bytes(data[: len(data) - len(package.image)]) + cut_image(bytes(package.image), spot, source)


def cut_image(image: bytes, spot: Spot, source: str) -> bytes:
    """The image of that gate. Raises ParametersError where no matrix has the station, or no line is the line."""
    parts, contents = parts_of(image, spot.station or None)
    own = chosen(parts, spot)
    has = {part.section for part in own}
    if spot.station and sections.COLUMNS.number not in has:
        raise ParametersError(
            source,
            Text(f"no matrix has station {spot.station}", f"票价矩阵中没有站号 {spot.station}"),
            Text("Check --station; leave it out for a bus", "请检查 --station；公交请勿指定"),
        )
    if spot.line and spot.mode is Mode.BUS and sections.STATIONS.number not in has:
        raise ParametersError(
            source,
            Text(
                f"no stations of line {spot.line} in city {spot.city}", f"城市 {spot.city} 没有线路 {spot.line} 的站点"
            ),
            Text(
                "Check --city and --line; leave --line out for all lines", "请检查 --city 与 --line；省略则含全部线路"
            ),
        )
    return image_of(image, {part.section: contents[part.row] for part in own})


def images_in(package: Package) -> Iterator[bytes]:
    """Every image under which a device with this package may judge: its own, and, in parts, each gate's."""
    whole = bytes(package.image)
    yield whole
    if package.parts:
        parts, contents = parts_of(whole)
        for own in dict.fromkeys(chosen(parts, spot) for spot in spots_of(parts)):
            yield image_of(whole, {part.section: contents[part.row] for part in own})


def spots_of(parts: tuple[Part, ...]) -> Iterator[Spot]:
    """Every place for which the parts make a difference."""
    lines_of: dict[Mode, list[Spot]] = {mode: [Spot(mode), Spot(mode, line=0)] for mode in Mode}
    for part in parts:
        for mode in Mode:
            if part.section == sections.STATIONS.number and part.mode == MODE_NUMBERS[mode]:
                lines_of[mode].append(Spot(mode, part.city, part.number))
    stations = {part.number for part in parts if part.section == sections.COLUMNS.number}
    yield from lines_of[Mode.BUS]
    for station in sorted({0, *stations}):
        yield from (spot._replace(station=station) for spot in lines_of[Mode.METRO])


def lines(content: Content) -> Mapping[tuple[int, int, int], bytes]:
    """The rows of section STATIONS for each (mode, city, line) that has some."""
    found: dict[tuple[int, int, int], list[bytes]] = defaultdict(list)
    for row in rows_in(content.get(sections.STATIONS.number, b""), sections.STATIONS.row_size):
        station = sections.STATIONS.read(row)
        found[station.mode, station.city, station.line].append(row)
    return {line: b"".join(rows) for line, rows in found.items()}


def columns(content: Content, only: int | None = None) -> Mapping[int, bytes]:
    """The rows of section COLUMNS for each station that a matrix has, of all matrices that have it. only: this one."""
    axes: dict[int, dict[int, int]] = defaultdict(dict)
    for row in rows_in(content.get(sections.AXES.number, b""), sections.AXES.row_size):
        axis = sections.AXES.read(row)
        axes[axis.table][axis.station] = axis.place
    cells = memoryview(content.get(sections.CELLS.number, b"")).cast("B")
    found: dict[int, list[bytes]] = defaultdict(list)
    for row in rows_in(content.get(sections.MATRICES.number, b""), sections.MATRICES.row_size):
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
