"""The demonstration's taps, cleared: what is booked is what gates took, and what keeps it from that is a sentence."""

import sys
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import pytest
from rich.console import Console

from tests.sdk.centre.clearing import world
from tests.unimported import unimported
from yima.hwsim.demo.accounts import Tap
from yima.hwsim.demo.cast import Cast, make_cast
from yima.hwsim.demo.city_package import CityPackage, write_package
from yima.hwsim.demo.clearing import clear_taps, names
from yima.hwsim.demo.fares import GATES, Price
from yima.hwsim.demo.outcomes import Outcome
from yima.hwsim.demo.world import Presentation
from yima.sdk.centre.collector.arrivals import Signed
from yima.sdk.centre.collector.store import Store
from yima.validator.judging import Reason, Validator, masked
from yima.validator.parameters import Mode
from yima.validator.ports import Entry, JournalKey
from yima.validator.state.keys import DeviceKey
from yima.validator.texts import Text
from yima.validator.uplink.batches import encode_batch, parse_batch

NOW = int(time.time())


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast(NOW)


@pytest.fixture(scope="module")
def package(cast: Cast, tmp_path_factory: pytest.TempPathFactory) -> CityPackage:
    return write_package(cast, tmp_path_factory.mktemp("package"), NOW)


@pytest.fixture
def ridden(cast: Cast, package: CityPackage, tmp_path: Path) -> tuple[Path, list[Outcome]]:
    """A collector's store of six riders at each gate, and what was said to them."""
    outcomes: list[Outcome] = []
    devices = []
    riders = iter(cast.riders)
    for mode, place in GATES.items():
        parameters = package.load(NOW)
        device = world.Device(mode.value, parameters)
        device.validator = Validator(parameters, place, table_bytes=0)
        devices.append(device)
        for number, person in enumerate(islice(riders, 6)):
            assert person.rider is not None
            verdict = device.tap(person.rider.code(NOW), NOW + number)
            tap = Tap(
                seq=number + 1, reason=verdict.reason, again=False, fare_fen=verdict.fare_fen, rule="",
                account_masked="", times_ms={},
            )  # fmt: skip
            shown = Presentation(
                number=number, mode=mode, person=person, story=Text("", ""), expects=Reason.ACCEPTED, price=Price(0, "")
            )
            outcomes.append(Outcome(presentation=shown, tap=tap))
    return sent(tmp_path / "trips.db", devices), outcomes


def sent(path: Path, devices: Sequence[world.Device]) -> Path:
    """A collector's store that took everything of these devices, signed."""
    store = Store(path)
    for device in devices:
        key = DeviceKey.generate()
        entries = [
            Entry(
                key=JournalKey(row["device"], row["epoch"], row["sequence"]),
                content=row["entry"], previous=row["previous"], hash=row["hash"],
            )
            for row in device.entries
        ]  # fmt: skip
        body = encode_batch(device.name, device.epoch, entries)
        store.accept(parse_batch(body), key.public, received=NOW + 60, signed=Signed(body, key.sign(body)))
    store.close()
    return path


def test_what_gates_took_is_who_owes_whom(
    cast: Cast, package: CityPackage, ridden: tuple[Path, list[Outcome]], capsys: pytest.CaptureFixture[str]
) -> None:
    store, outcomes = ridden
    cleared = clear_taps(store, package.package, cast, outcomes)
    assert cleared.done and not cleared.differences
    Console(width=100).print(*cleared.tables[:-1])
    shown = capsys.readouterr().out
    assert "the centre" in shown and shown.splitlines()[-2].split()[-1] == "¥0.00"
    assert "12 rides booked" in cleared.said.en
    assert "Suzhou&#x27;s buses" in cleared.section


def test_it_ends_with_one_riders_month_by_three_codes(
    cast: Cast, package: CityPackage, ridden: tuple[Path, list[Outcome]], capsys: pytest.CaptureFixture[str]
) -> None:
    store, outcomes = ridden
    cleared = clear_taps(store, package.package, cast, outcomes)
    Console(width=120).print(cleared.tables[-1])
    shown = capsys.readouterr().out
    assert "One rider's month" in shown and "3 codes are one person's" in shown
    for person in cast.codes:
        assert masked(person.account) in shown
        assert person.account not in shown and person.account not in cleared.section
    assert "一位乘客的一个月" in cleared.section


def test_what_does_not_agree_with_the_devices_is_said(
    cast: Cast, package: CityPackage, ridden: tuple[Path, list[Outcome]]
) -> None:
    store, outcomes = ridden
    cleared = clear_taps(store, package.package, cast, outcomes[1:])
    fare_fen = outcomes[0].tap.fare_fen if outcomes[0].tap else 0
    assert [difference.en for difference in cleared.differences] == [
        "gates let 11 riders in, 12 rides are booked",
        f"gates took {_charged(outcomes) - fare_fen} fen, {_charged(outcomes)} are cleared",
    ]


def _charged(outcomes: Sequence[Outcome]) -> int:
    return sum(outcome.tap.fare_fen for outcome in outcomes if outcome.tap)


def test_without_the_extra_it_says_what_to_install(
    cast: Cast, package: CityPackage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with unimported("yima.sdk.centre.clearing"):
        cleared = clear_taps(tmp_path / "trips.db", package.package, cast, [])
    assert not cleared.done and not cleared.differences
    assert ".[centre]" in cleared.said.en and ".[centre]" in cleared.section


def test_a_store_that_cannot_be_read_is_a_difference(cast: Cast, package: CityPackage, tmp_path: Path) -> None:
    (tmp_path / "trips.db").write_bytes(b"no store" * 100)
    cleared = clear_taps(tmp_path / "trips.db", package.package, cast, [])
    assert "trips.db" in cleared.said.en and len(cleared.differences) == 1


def test_every_party_has_a_name(cast: Cast) -> None:
    name = names(cast)
    operators = [f"{GATES[mode].operator:08}" for mode in Mode]
    assert [name("OPERATOR", party).en for party in operators] == ["Suzhou's buses", "Shanghai's metro"]
    assert name("CITY", "00310000").en == "the city of Shanghai"
    assert name("ISSUER", cast.institutions[0].organisation).en.startswith("issuer of ")
    assert name("ISSUER", "12345678").en == "issuer of 12345678"
