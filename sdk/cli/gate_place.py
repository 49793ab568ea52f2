"""A gate that could only refuse is refused at its start: without the city, direction or station that its fares need.

One that knows some rides and others not starts, and says which the operator's tables lack (`gap_here`).
"""

from collections.abc import Callable, Sequence

from yima.validator.errors import ParametersError
from yima.validator.happenings import Happening, Notice
from yima.validator.judging import Direction, GateContext, Mode
from yima.validator.parameters import Parameters, sections
from yima.validator.parameters.reading import read_fares
from yima.validator.parameters.rules import Fare, FareKind, Rules
from yima.validator.texts import Text


def refuse_useless(gate: GateContext, parameters: Parameters) -> GateContext:
    """The gate, if these parameters can let somebody ride there. Raises ParametersError, with what to do."""
    rules = read_fares(parameters.image)
    mine = [fare for fare in rules.fares if fare.mode is gate.mode]
    if not gate.city and (rules.acceptance is not None or (mine and all(fare.city for fare in mine))):
        raise ParametersError(
            "--city",
            Text(
                "these parameters go by the city, and this gate does not know its own: it would refuse everybody",
                "参数按城市区分，而本机未指定所在城市，将拒绝所有人",
            ),
            Text("Say where it stands: --city 320500", "请用 --city 指定所在城市，例如 --city 320500"),
        )
    here = _of_this_gate(mine, gate)
    if here and gate.direction is Direction.NONE and all(fare.kind is FareKind.MATRIX for fare in here):
        raise ParametersError(
            "--direction",
            Text(
                "fares here go by entry and exit, and this gate is neither: it would refuse everybody",
                "此处按进出站计费，而本机未指定方向，将拒绝所有人",
            ),
            Text("Say what it is: --direction entry, or --direction exit", "请用 --direction entry 或 exit 指定方向"),
        )
    charges = gate.direction is Direction.EXIT or (gate.direction is Direction.NONE and gate.mode is Mode.BUS)
    if here and charges and not any(_has(rules, fare, gate) for fare in here):
        raise ParametersError(
            "--station",
            Text(
                f"no fare table has station {gate.station}: every rider would be refused, or pay another fare",
                f"票价表中没有站号 {gate.station}：乘客将被拒绝或被收取错误票价",
            ),
            Text(
                "Correct --station (and --line), or add it to the matrix or to stations.csv",
                "请更正 --station（及 --line），或将其加入票价矩阵或 stations.csv",
            ),
        )
    return gate


def placed(gate: GateContext, parameters: Parameters, tell: Callable[[Notice], None]) -> GateContext:
    """The gate, of which is told what the tables lack. Raises ParametersError where it could only refuse."""
    refuse_useless(gate, parameters)
    if gap := gap_here(gate, parameters):
        tell(Notice(happening=Happening.PARAMETERS_TROUBLE, error=gap))
    return gate


def gap_here(gate: GateContext, parameters: Parameters) -> ParametersError | None:
    """What the matrices lack of rides that end at this gate, as an error to tell; None: nothing."""
    if gate.direction is not Direction.EXIT:
        return None
    rules = read_fares(parameters.image)
    mine = [fare for fare in rules.fares if fare.mode is gate.mode]
    tables = {fare.table for fare in _of_this_gate(mine, gate) if fare.kind is FareKind.MATRIX}
    for name in sorted(tables & rules.matrices.keys()):
        matrix = rules.matrices[name]
        if gate.station not in matrix.stations:
            continue
        here = matrix.stations.index(gate.station)
        lacking = [
            start
            for start, row in zip(matrix.stations, matrix.fares, strict=True)
            if row[here] is None and start != gate.station
        ]
        if lacking:
            count = len(lacking)
            return ParametersError(
                f"matrix {name}",
                Text(
                    f"no fare to station {gate.station} from {count} stations, the first {lacking[0]}",
                    f"{count} 个站点至站号 {gate.station} 没有票价，首个为 {lacking[0]}",
                ),
                Text(
                    "Fill the cells: such rides are refused, or let out for nothing where `unpriced` accepts",
                    "请补全单元格：此类行程将被拒绝，或按 unpriced 免费放行",
                ),
            )
    return None


def _of_this_gate(mine: Sequence[Fare], gate: GateContext) -> list[Fare]:
    return [fare for fare in mine if fare.city in {0, gate.city} and fare.line in {0, gate.line}]


def _has(rules: Rules, fare: Fare, gate: GateContext) -> bool:
    """Whether the rule finds a fare at this gate's station."""
    if fare.kind is FareKind.FLAT:
        return True
    if fare.kind is FareKind.MATRIX:
        if matrix := rules.matrices.get(fare.table):
            return gate.station in matrix.stations
        exits = map(sections.COLUMNS.read, rules.other.get(sections.COLUMNS.number, ()))
        return any(column.exit == gate.station for column in exits)  # the gate's own part of a package
    return any(
        (one.mode, one.city, one.line, one.station) == (gate.mode, gate.city, gate.line, gate.station)
        for one in rules.stations
    )
