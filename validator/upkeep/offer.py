"""A package that another thread offers to whoever looks at packages, and what came of it."""

import threading

from yima.validator.errors import ParametersError
from yima.validator.packages.refusals import not_taken_yet


class Offer:
    """Offered once. looked_at: it was; refused: why it was not taken, None if it was."""

    def __init__(self, data: bytes, source: str) -> None:
        self.data, self.source = data, source
        self.looked_at = threading.Event()
        self.refused: ParametersError | None = not_taken_yet(source)
