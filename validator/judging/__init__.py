"""What a tap goes through: a code is judged (`judge`), and what came of it is written down (`record`)."""

from yima.validator.judging.applied import AppliedRule, RuleKind
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
    "AppliedRule",
    "Direction",
    "GateContext",
    "Mode",
    "Moment",
    "Reason",
    "RuleKind",
    "Stage",
    "StageResult",
    "Transaction",
    "Validator",
    "Verdict",
    "Vouched",
    "masked",
]
