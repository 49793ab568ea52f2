"""Entries judged by several threads."""

from collections.abc import Iterator

import pyarrow as pa

from tests.sdk.centre.clearing import centre
from tests.sdk.centre.clearing.test_against_plain import tariff
from yima.sdk.centre.clearing.taps.judged import Judges


def test_answers_keep_the_order_and_few_portions_are_read_before_one_is_answered() -> None:
    """However large a day is, little of it lies in memory."""
    read = 0

    def portions() -> Iterator[pa.RecordBatch]:
        nonlocal read
        for number in range(40):
            read += 1
            yield pa.record_batch({"number": [number]})

    answered = 0
    judges = Judges(centre.published(tariff()), threads=3)
    for rows, _ in judges.each(portions(), lambda portion: (portion, portion)):
        assert rows["number"].to_pylist() == [answered]
        answered += 1
        assert read - answered <= 2 * judges.threads
    assert answered == 40
