"""The codes to which the tests of the bench do damage."""

import pytest

from tests.conftest import VECTORS

CODES = [bytes.fromhex(line) for line in (VECTORS / "damaged-codes.txt").read_text(encoding="ascii").splitlines()]


@pytest.fixture(scope="session")
def codes() -> list[bytes]:
    """The same in every run: of random ones a few in a thousand look by chance like something else. How many is what
    `python -m benchmarks.diagnosis` counts; the last four once did."""
    return CODES
