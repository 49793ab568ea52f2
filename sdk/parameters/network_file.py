"""network.csv: a network's ways between stations, from which a matrix of fares by the shortest distance is made.

Rules it keeps:
- A way leads in both directions. Lines meet in a station of the same number, or by a way without a line, on foot.
- A ride is as long as the shortest way there is, and to where it began 0 m: so riders pay for no detour.
- Every pair of stations has a fare: a station that cannot be reached, or lies beyond the table, is an error.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from pathlib import Path

from yima.sdk.parameters.cells import Row, read_rows, refuse_repeated
from yima.sdk.parameters.problems import tell
from yima.validator.errors import ParametersError
from yima.validator.parameters.rules import OPEN, Matrix, Stage
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


def matrix_name(table: str) -> str:
    """Of the matrix that a network makes of a table of stages."""
    return f"{table}.network"


def network_of(path: Path) -> Network | None:
    """The file; None where a fault was noted."""
    rows = read_rows(path, ["from", "to", "metres"], ["line"])
    ways = rows.into(_way)
    refuse_repeated(rows, lambda row: (row["line"].value, *sorted((row["from"].whole(), row["to"].whole()))))
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
    return start, end, row["metres"].number(0, _METRES_MAX)


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


def priced(network: Network, name: str, stages: Sequence[Stage]) -> Matrix:
    """The network's matrix by a table of stages. Raises ParametersError where the table ends too early."""
    table = sorted((OPEN if stage.up_to_m is None else stage.up_to_m, stage.fen) for stage in stages)
    longest = max(max(row) for row in network.metres)
    if not table or table[-1][0] < longest:
        raise ParametersError(
            network.file.with_name("stages.csv"),
            Text(f"table {name} ends before {longest} m, which the network has", f"表 {name} 未覆盖线网的 {longest} m"),
            Text("Add rows, the last one `rest`", "请补充各行，最后一行写 rest"),
        )
    fares: dict[int, int] = {}
    for metres in {metres for row in network.metres for metres in row}:
        fares[metres] = next(fen for up_to, fen in table if metres <= up_to)
    return Matrix(
        stations=network.stations, fares=tuple(tuple(fares[metres] for metres in row) for row in network.metres)
    )
