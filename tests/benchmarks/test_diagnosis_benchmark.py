"""benchmarks.diagnosis: what is counted, and that nearly all of it is named and nothing wrong."""

from benchmarks import diagnosis
from benchmarks.damages import LOST, OPEN, UNDONE
from tests.sdk.bench.conftest import CODES
from yima.sdk.bench import Cause


def test_of_sixty_damages_and_more_at_least_57_in_60_are_named_and_none_wrong() -> None:
    found = diagnosis.count(CODES[:1])
    assert found["damages"] == len(UNDONE | LOST | OPEN) >= 100
    named, captures, wrong = found["named"], found["captures"], found["wrong"]
    assert isinstance(named, int)
    assert isinstance(captures, int)
    assert wrong == 0, found["missed"]
    assert named * 60 >= 57 * (captures - len(OPEN))


def test_a_cause_that_is_not_the_damages_is_counted_wrong() -> None:
    code = next(diagnosis.codes(1, seed=1))
    assert diagnosis.judged("cut", code, code[:100]) == ("named", Cause.CUT)
    assert diagnosis.judged("seven-bit", code, code[:100]) == ("wrong", Cause.CUT)
    assert diagnosis.judged("one byte changed", code, code[:100]) == ("wrong", Cause.CUT)
    assert diagnosis.judged("seven-bit", code, b"hello") == ("open", Cause.NOT_A_CODE)
