"""The codes to which the tests of the bench do damage."""

import pytest

from tests.conftest import VECTORS

_LINES = [line.split(maxsplit=1) for line in (VECTORS / "damaged-codes.txt").read_text(encoding="utf-8").splitlines()]
CODES = [bytes.fromhex(line[0]) for line in _LINES if len(line) == 1]
FOUND = {line[1]: bytes.fromhex(line[0]) for line in _LINES if len(line) == 2}
"""By the name of the damage that was once not named at this code."""


@pytest.fixture(scope="session")
def codes() -> list[bytes]:
    """The same in every run: of random ones a few in a thousand look by chance like something else. How many is what
    `python -m benchmarks.diagnosis` counts."""
    return CODES
