"""A package that goes from the puller's thread to the device's: what came of it goes back."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.uplinks import until
from yima.validator.errors import ParametersError
from yima.validator.texts import Text
from yima.validator.upkeep import pull_thread
from yima.validator.upkeep.pull_thread import Handover

GIVEN = (b"a package", "https://packages.example/3.ymp")
REFUSED = ParametersError("package", Text("is older", "版本较旧"), Text("Publish a newer one", "请发布新版本"))


@pytest.mark.parametrize("error", [None, REFUSED], ids=["taken", "refused"])
def test_whoever_gives_waits_until_it_was_taken_and_hears_what_came_of_it(error: ParametersError | None) -> None:
    handover = Handover()
    for _ in range(2):
        assert handover.offered() is None
        with ThreadPoolExecutor(1) as puller:
            given = puller.submit(handover.give, *GIVEN)
            until(lambda: handover.offered() == GIVEN)
            assert not given.done()
            handover.taken(error)
            assert given.exception(60) is error
    assert handover.offered() is None


def test_what_is_not_taken_in_time_is_offered_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull_thread, "GIVE_S", 0.01)
    handover = Handover()
    with pytest.raises(ParametersError, match=GIVEN[1]):
        handover.give(*GIVEN)
    assert handover.offered() is None
