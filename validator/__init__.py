"""Yima's device side: judge ministry-standard transit QR codes offline, record trips, hand them on.

The names most users need:

    from yima.validator import GateContext, Mode, Validator, load

    validator = Validator(load("gate.toml"), GateContext(mode=Mode.BUS, city=320500))
    verdict = validator.judge(code, now)
"""

from yima.validator.judging import (
    Direction,
    GateContext,
    Mode,
    Moment,
    Reason,
    Stage,
    StageResult,
    Transaction,
    Validator,
    Verdict,
    Vouched,
)
from yima.validator.judging.record import Terminal, record_is_intact, trip_record
from yima.validator.parameters import Parameters, load
from yima.validator.version import VERSION

__all__ = [
    "VERSION",
    "Direction",
    "GateContext",
    "Mode",
    "Moment",
    "Parameters",
    "Reason",
    "Stage",
    "StageResult",
    "Terminal",
    "Transaction",
    "Validator",
    "Verdict",
    "Vouched",
    "load",
    "record_is_intact",
    "trip_record",
]
