"""How long the steps of one tap took, and what came of them, while the device carries them out."""

from yima.validator.errors import YimaError
from yima.validator.judging.loop import GateAnswer
from yima.validator.ports import JournalKey


class Stopwatch:
    """One tap's. ask_ns, journal_ns, gate_ns: nanoseconds; the rest as happenings.Tap has it."""

    def __init__(self) -> None:
        self.ask_ns = self.journal_ns = self.gate_ns = 0
        self.asked = False
        self.key: JournalKey | None = None
        self.gate: GateAnswer | None = None
        self.trouble: YimaError | None = None
