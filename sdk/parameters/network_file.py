"""network.csv: a network's ways between stations, from which a matrix of fares by the shortest distance is made.

Rules it keeps:
- A way leads in both directions. Lines meet in a station of the same number, or by a way without a line, on foot.
- A ride is as long as the shortest way there is, and to where it began 0 m: so riders pay for no detour.
- Every pair of stations has a fare: a station that cannot be reached, or lies beyond the table, is an error.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from heapq import heappop, heappush
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from yima.sdk.parameters.cells import Row, read_rows, refuse_repeated
from yima.sdk.parameters.problems import attempt, tell, told
from yima.validator.errors import ParametersError
from yima.validator.parameters.rules import OPEN, Fare, Matrix, Stage
from yima.validator.texts import Text

STATIONS_MAX = 2000  # as of a matrix that is written by hand
_NUMBER_MAX = 0xFFFF
_METRES_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class Network:
    """Stations in ascending order, and the metres between each two by the shortest way."""

    file: Path
    stations: tuple[int, ...]
    metres: tuple[tuple[int, ...], ...]


class Stages(NamedTuple):
    """stages.csv: tables by name; by table and station, other rows for rides through a network that begin there."""

    plain: dict[str, list[Stage]]
    by_entry: dict[str, dict[int, list[Stage]]]


def matrix_name(table: str) -> str:
    """Of the matrix that a network makes of a table of stages."""
    return f"{table}.network"


def network_of(path: Path) -> Network | None:
    """The file; None where a fault was noted."""
    rows = read_rows(path, ["from", "to", "metres"], ["line"])
    ways = rows.into(_way)
    refuse_repeated(rows, lambda row: (row["line"].numeral(), *sorted((row["from"].numeral(), row["to"].numeral()))))
    near: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for start, end, metres in ways:
        near[start].append((end, metres))
        near[end].append((start, metres))
    stations = tuple(sorted(near))
    if not 0 < len(stations) <= STATIONS_MAX:
        Row(path, 1, {}).tell(
            Text(f"{len(stations)} stations", f"{len(stations)} 个站点"),
            Text(f"A network has 1 to {STATIONS_MAX}", f"线网须有 1 至 {STATIONS_MAX} 个站点"),
        )
        return None
    found = [_distances(near, station) for station in stations]
    apart = [other for other in stations if other not in found[0]]
    if apart:
        tell(
            ParametersError(
                path,
                Text(f"no way leads from {stations[0]} to {apart[0]}", f"{stations[0]} 与 {apart[0]} 之间没有通路"),
                Text(
                    "Join the lines: a station of the same number, or a row without line for the way on foot",
                    "请连接各线路：换乘站使用同一站号，或添加不写 line 的步行行",
                ),
            )
        )
        return None
    return Network(path, stations, tuple(tuple(row[station] for station in stations) for row in found))


def _way(row: Row) -> tuple[int, int, int]:
    if row["line"].value:
        row["line"].number(1, _NUMBER_MAX)
    start, end = row["from"].number(1, _NUMBER_MAX), row["to"].number(1, _NUMBER_MAX)
    if start == end:
        row["to"].expected("another station than from", "与 from 不同的站号")
    before = told()
    metres = row["metres"].number(0, _METRES_MAX)
    if not metres and row["line"].value and told() == before:
        row["metres"].expected("the metres between the two; 0 only on foot", "两站间的米数；仅步行行可为 0")
    return start, end, metres


def _distances(near: dict[int, list[tuple[int, int]]], start: int) -> dict[int, int]:
    """Metres to every station that can be reached: Dijkstra's."""
    found: dict[int, int] = {}
    ahead = [(0, start)]
    while ahead:
        metres, station = heappop(ahead)
        if station in found:
            continue
        found[station] = metres
        for other, more in near[station]:
            if other not in found:
                heappush(ahead, (metres + more, other))
    return found


def priced(network: Network, name: str, stages: Stages) -> Matrix:
    """The network's matrix by a table of stages. Raises ParametersError where the table does not cover it."""
    by_entry = stages.by_entry.get(name, {})
    if unknown := sorted(set(by_entry) - set(network.stations)):
        raise ParametersError(
            network.file.with_name("stages.csv"),
            Text(f"table {name}: entry {unknown[0]} is not in network.csv", f"表 {name}：线网中没有站号 {unknown[0]}"),
            Text("Correct the column entries", "请更正 entries 列"),
        )
    fares = []
    for station, row in zip(network.stations, network.metres, strict=True):
        table = sorted(
            (OPEN if stage.up_to_m is None else stage.up_to_m, stage.fen)
            for stage in by_entry.get(station, stages.plain[name])
        )
        if twice := next((up_to for (up_to, _), (again, _) in pairwise(table) if up_to == again), None):
            raise ParametersError(
                network.file.with_name("stages.csv"),
                Text(
                    f"table {name} has two rows up to {twice} m for entry {station}",
                    f"表 {name} 对进站 {station} 有两行至 {twice} m",
                ),
                Text("Name each station in one set of rows", "每个站点只写在一组行中"),
            )
        if not table or table[-1][0] < max(row):
            raise ParametersError(
                network.file.with_name("stages.csv"),
                Text(
                    f"table {name} ends before {max(row)} m, which rides from {station} can have",
                    f"表 {name} 未覆盖自 {station} 出发的 {max(row)} m",
                ),
                Text("Add rows, the last one `rest`", "请补充各行，最后一行写 rest"),
            )
        fares.append(tuple(table[bisect_left(table, (metres, -1))][1] for metres in row))
    return Matrix(stations=network.stations, fares=tuple(fares))


def with_network(
    network: Network | None, found: Sequence[Fare], stages: Stages, matrices: dict[str, Matrix]
) -> tuple[dict[str, list[Stage]], dict[str, Matrix]]:
    """The tables with the network's matrices; a table that prices the network alone is no table of stages."""
    named = {fare.table for fare in found}
    nothing = Matrix(stations=(), fares=())
    made = {name: matrix_name(name) for name in stages.plain if network and matrix_name(name) in named}
    if network and not made and not told():
        tell(
            ParametersError(
                network.file,
                Text("no fare goes by it", "没有票价使用该线网"),
                Text(
                    "Write kind network into fares.csv, or take the file away",
                    "请在 fares.csv 使用 network 方式，或移除此文件",
                ),
            )
        )
    for table, name in made.items():
        if network:
            matrices[name] = attempt(partial(priced, network, table, stages), nothing)
    rest = {name: rows for name, rows in stages.plain.items() if name in named or name not in made}
    for name in sorted(rest.keys() & stages.by_entry.keys()):
        tell(
            ParametersError(
                "stages.csv",
                Text(f"table {name} names entries, and prices no network", f"表 {name} 写了 entries，但未用于线网"),
                Text("Use it in fares.csv with kind network alone", "请在 fares.csv 中仅以 network 方式使用"),
            )
        )
    return rest, matrices
