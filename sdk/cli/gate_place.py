"""Where a gate stands: one that could only refuse is refused at its start, a bus is told where it is while it runs.

A gate that knows some rides and others not starts, and says what the parameters lack (`gate_findings`).
"""

import time
from collections.abc import Callable, Sequence

from yima.sdk.cli.gate_findings import findings_here, is_of
from yima.validator.errors import ParametersError, PlaceError
from yima.validator.happenings import Happening, Notice
from yima.validator.judging import Direction, GateContext, Mode
from yima.validator.parameters import Parameters, sections
from yima.validator.parameters.reading import read_fares
from yima.validator.parameters.rules import Fare, FareKind, Rules
from yima.validator.places.placing import Placing
from yima.validator.ports import open_place
from yima.validator.texts import Text


def refuse_useless(gate: GateContext, parameters: Parameters, *, moves: bool = False) -> GateContext:
    """The gate, if these parameters can let somebody ride there. Raises ParametersError, with what to do.

    moves: it is a bus that is told where it is, so line, stop and direction are not known yet.
    """
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
    if moves:
        return gate
    if here and gate.direction is Direction.NONE and all(fare.kind is FareKind.MATRIX for fare in here):
        raise ParametersError(
            "--direction",
            Text(
                "fares here go by entry and exit, and this gate is neither: it would refuse everybody",
                "此处按进出站计费，而本机未指定方向，将拒绝所有人",
            ),
            Text("Say what it is: --direction entry, or --direction exit", "请用 --direction entry 或 exit 指定方向"),
        )
    if here and _charges(gate) and not any(_has(rules, fare, gate) for fare in here):
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


def placed(
    gate: GateContext, parameters: Parameters, tell: Callable[[Notice], None], *, moves: bool = False, expiry: int = 0
) -> GateContext:
    """The gate, of which is told what the parameters lack there. moves: it is told its stops while it runs; expiry: of
    the parameters, unix seconds, 0 if they have none. Raises ParametersError where it could only refuse."""
    refuse_useless(gate, parameters, moves=moves)
    for found in findings_here(gate, parameters, int(time.time()), expiry):
        tell(Notice(happening=Happening.PARAMETERS_TROUBLE, error=found))
    return gate


class KnownStops:
    """Whether riders can be charged where a bus is, by the parameters that were handed over last. For one thread."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        self._read: tuple[Parameters, Rules] | None = None

    def follow(self, parameters: Parameters | None) -> Parameters | None:
        """Goes by these from now on, if there are any; gives them back."""
        self.parameters = parameters or self.parameters
        return parameters

    def __call__(self, gate: GateContext) -> bool:
        """Whether there is a fare for this place now, wherever the ride leads."""
        held = self.parameters
        if self._read is None or self._read[0] is not held:
            self._read = held, read_fares(held.image)
        rules = self._read[1]
        now = time.time()
        in_force = [fare for fare in rules.fares if fare.mode is gate.mode and fare.from_s <= now < fare.to_s]
        here = sorted(_of_this_gate(in_force, gate), key=lambda fare: (bool(fare.line), bool(fare.city)))
        return bool(here) and (not _charges(gate) or _has(rules, here[-1], gate))


def placing_of(specification: str | None, gate: GateContext, known: KnownStops) -> Placing | None:
    """Who hears where the bus is, if anybody is to. Raises PlaceError."""
    if specification is None:
        return None
    if gate.mode is not Mode.BUS:
        raise PlaceError(
            "--place",
            Text("a metro gate stands where it stands", "地铁闸机的位置固定"),
            Text("Leave it out, or say --mode bus", "请去掉该选项，或使用 --mode bus"),
        )
    return Placing(open_place(specification), gate, reopen=lambda: open_place(specification), known=known)


def _charges(gate: GateContext) -> bool:
    """Whether a tap here is charged; at an entry nothing is."""
    return gate.direction is Direction.EXIT or (gate.direction is Direction.NONE and gate.mode is Mode.BUS)


def _of_this_gate(mine: Sequence[Fare], gate: GateContext) -> list[Fare]:
    return [fare for fare in mine if is_of(gate, fare)]


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
