"""A deny-list that goes from the puller's thread to the one that looks at lists, beside the files given by hand."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.packages_world import DAY, NOW, versions
from tests.uplinks import until
from tests.validator.upkeep.test_deny_list import AT, UNTRUSTED, B, Bench, image, signed
from yima.validator.errors import ParametersError
from yima.validator.judging import Moment
from yima.validator.packages.refusals import NotNowError
from yima.validator.upkeep import pull_thread
from yima.validator.upkeep.deny_list import DenyPackages, Looked
from yima.validator.upkeep.pull_thread import DenyHandover

SOURCE = "packages/3.ymp"
SECOND, THIRD = (signed(version, image(version, B)) for version in (2, 3))


class Looking:
    """What looks when it is asked to, on a thread of its own; and what came of it."""

    def __init__(self, source: DenyPackages, now: Moment = AT) -> None:
        self.looked: list[Looked] = []
        self._look = lambda: self.looked.append(source.take(now))

    def __call__(self) -> None:
        threading.Thread(target=self._look).start()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.put(SECOND)
    return bench


@pytest.fixture
def source(bench: Bench) -> DenyPackages:
    source = bench.source()
    source.take(AT)
    return source


def test_a_list_that_is_given_comes_into_force(source: DenyPackages) -> None:
    DenyHandover(source, Looking(source)).give(THIRD, SOURCE)
    assert versions(source.store) == [3]
    assert source.take(AT).deny is None


def test_whoever_gave_a_list_hears_why_it_was_refused_and_the_device_tells_nothing(source: DenyPackages) -> None:
    looking = Looking(source)
    with pytest.raises(ParametersError, match=f"{SOURCE}: .*older than what this device has had"):
        DenyHandover(source, looking).give(signed(), SOURCE)
    assert (looking.looked, versions(source.store)) == ([Looked()], [2])


def test_a_pulled_list_that_cannot_come_into_force_when_its_time_has_come_is_told(source: DenyPackages) -> None:
    """No file brings it again, and its error with it."""
    waits = signed(3, image(3, B), not_before=NOW + DAY, expiry=NOW + 2 * DAY)
    DenyHandover(source, Looking(source)).give(waits, SOURCE)
    late = Moment.at(NOW + 2 * DAY)
    assert "has expired" in str(source.due(late).trouble)
    assert not source.is_due(late)


def test_a_clock_that_is_not_trusted_is_a_reason_that_passes(source: DenyPackages) -> None:
    with pytest.raises(NotNowError, match="clock is not trusted"):
        DenyHandover(source, Looking(source, UNTRUSTED)).give(THIRD, SOURCE)


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_bytes(b"no package")], ids=["gone", "damaged"])
def test_a_file_given_by_hand_holds_up_no_list_that_is_pulled(
    bench: Bench, source: DenyPackages, spoil: Callable[[Path], object]
) -> None:
    spoil(bench.files[0])
    looking = Looking(source)
    DenyHandover(source, looking).give(THIRD, SOURCE)
    assert versions(source.store) == [3]
    assert [str(bench.files[0]) in str(looked.trouble) for looked in looking.looked] == [True]


def test_a_list_that_is_not_looked_at_in_time_may_be_given_again(
    source: DenyPackages, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as impatient:
        impatient.setattr(pull_thread, "GIVE_S", 0.01)
        with pytest.raises(NotNowError, match=f"{SOURCE}: was not taken in time"):
            DenyHandover(source, lambda: None).give(THIRD, SOURCE)
    assert source.take(AT) == Looked()
    DenyHandover(source, Looking(source)).give(THIRD, SOURCE)
    assert versions(source.store) == [3]


def test_who_asks_while_a_look_begins_is_looked_for_once_more(bench: Bench, source: DenyPackages) -> None:
    upkeep = bench.upkeep(source)
    upkeep.start(AT)
    begin, begun = upkeep._begin, 0

    def beginning(look: Callable[[Moment], Looked], now: Moment) -> bool:
        nonlocal begun
        begun += 1
        is_begun = begin(look, now)
        if begun == 1:
            upkeep.request()
        return is_begun

    upkeep._begin = beginning  # type: ignore[method-assign]

    def looked_twice() -> bool:
        upkeep.look(AT)
        return begun == 2

    until(looked_twice)
    upkeep.close()
    assert bench.changes == [None]
