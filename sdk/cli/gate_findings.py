"""What `yima params lint` warns of, said by a gate at its start of its own place: the same code on the rules that hold
there.

Slips and amounts are left to whoever signs: the source may have silenced them, which no package tells.
"""

from dataclasses import replace

from yima.sdk.parameters.lint import Level, findings_of
from yima.sdk.parameters.lint_slips import SLIPS
from yima.validator.errors import ParametersError
from yima.validator.judging import Direction, GateContext, Mode
from yima.validator.parameters import Parameters
from yima.validator.parameters.reading import read_without_accounts
from yima.validator.parameters.rules import Fare, Matrix, Rules

_SIGNERS = SLIPS | {"in-yuan", "dear-fare"}
_AHEAD_S = 90 * 86400  # how far is looked where nothing says when the parameters expire


def findings_here(gate: GateContext, parameters: Parameters, now: int, expiry: int = 0) -> list[ParametersError]:
    """The warnings and what is serious, the worst first, each as an error to tell. now: unix seconds; expiry: of the
    parameters, 0 if they have none."""
    rules = _here(read_without_accounts(parameters.image), gate)
    found = findings_of(
        rules, city=gate.city, not_before=now, expiry=expiry or now + _AHEAD_S, now=now, modes=(gate.mode,)
    )
    return [
        ParametersError(f"parameters ({one.name})", one.text, one.remedy)
        for one in found
        if one.level > Level.NOTE and one.name not in _SIGNERS
    ]


def _here(rules: Rules, gate: GateContext) -> Rules:
    """The rules that can hold at this gate."""
    fares = [fare for fare in rules.fares if fare.mode is gate.mode and is_of(gate, fare)]
    rows = rules.acceptance
    accepted = None if rows is None else [row for row in rows if (row.riding_city, row.mode) == (gate.city, gate.mode)]
    cities = None if accepted is None else {0, gate.city, *(row.issuer_city for row in accepted)}
    tables = {fare.table for fare in fares}
    return replace(
        rules,
        fares=fares,
        acceptance=accepted,
        whitelist=[
            pair for pair in rules.whitelist if gate.mode in pair.modes and (cities is None or pair.city in cities)
        ],
        concessions=[
            row for row in rules.concessions
            if row.mode in {None, gate.mode} and row.riding_city in {0, gate.city} and row.line in {0, gate.line}
        ],
        journeys=[row for row in rules.journeys if row.mode is gate.mode and row.city in {0, gate.city}],
        stages={name: stages for name, stages in rules.stages.items() if name in tables},
        matrices={name: _to(matrix, gate) for name, matrix in rules.matrices.items() if name in tables},
    )  # fmt: skip


def is_of(gate: GateContext, fare: Fare) -> bool:
    """Whether the rule's place is the gate's."""
    return fare.city in {0, gate.city} and fare.line in {0, gate.line}


def _to(matrix: Matrix, gate: GateContext) -> Matrix:
    """The matrix, of whose cells only those count that a gate looks up: at an exit those that end there."""
    ends = gate.direction is Direction.EXIT and gate.mode is Mode.METRO
    fares = [
        [
            fen if ends and exit_ == gate.station else fen or 0
            for exit_, fen in zip(matrix.stations, row, strict=True)
        ]
        for row in matrix.fares
    ]  # fmt: skip
    return Matrix(stations=matrix.stations, fares=fares)
