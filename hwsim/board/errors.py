"""What goes wrong with the emulated board itself."""

from yima.validator.errors import YimaError


class BoardError(YimaError):
    """The board cannot be built, started or flashed."""
