"""Yima's device side: judge ministry-standard transit QR codes offline, record trips, hand them on.

The names most users need:

    from yima.validator import GateContext, Mode, Validator, load

    validator = Validator(load("gate.toml"), GateContext(mode=Mode.BUS, city=320500))
    verdict = validator.judge(code, now)

Each is loaded when it is first asked for: what needs an error or a text of this package starts without the core.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_MODULES = {
    "VERSION": "version", "Parameters": "parameters", "load": "parameters", "Terminal": "judging.record",
    "record_is_intact": "judging.record", "trip_record": "judging.record",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_MODULES.get(name, 'judging')}"), name)
    globals()[name] = found
    return found
