"""What goes wrong with the emulated board itself."""

from yima.validator.errors import Kind, YimaError


class BoardError(YimaError):
    """The board cannot be built, started or flashed."""

    kind = Kind.DEVICE


class BoardUsageError(BoardError):
    """Something asked of a board that this one does not have."""

    kind = Kind.USAGE
