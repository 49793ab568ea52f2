"""What a tap goes through: a code is judged (`judge`), and what came of it is written down (`record`)."""

from yima.validator.judging.judge import (
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
    masked,
)

__all__ = [
    "Direction",
    "GateContext",
    "Mode",
    "Moment",
    "Reason",
    "Stage",
    "StageResult",
    "Transaction",
    "Validator",
    "Verdict",
    "Vouched",
    "masked",
]
