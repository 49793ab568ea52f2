"""A board's records go to a collector: the firmware's own C, the station's client and the collector's store."""

import asyncio
import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

if not all(map(importlib.util.find_spec, ("imgtool", "cbor2", "smpclient"))):
    pytest.skip("the extra `firmware` is not installed", allow_module_level=True)

from tests.firmware_images.device_host import HostBoard, HostTransport
from yima.firmware_images.handing_on import HandedOn, HandingOnError, hand_on
from yima.firmware_images.provision import Settings
from yima.firmware_images.session import bench_key, bench_signer
from yima.firmware_images.station import Station
from yima.hwsim.board.layout import LOG, LOG_SIZE
from yima.hwsim.board.workshop import CITY, CLOCK, World, make_world
from yima.sdk.centre.collector.store import Store
from yima.validator.errors import UplinkError
from yima.validator.journal.facts import Note, NoteFacts, parse
from yima.validator.journal.older import OlderEntry
from yima.validator.ports import Entry
from yima.validator.state.keys import DeviceKey
from yima.validator.texts import Text
from yima.validator.uplink.batches import encode_batch, parse_batch

KEY = "ab" * 32


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


@pytest.fixture
def board(library: Path, world: World) -> HostBoard:
    made = HostBoard(
        library, Settings(terminal="T1", city=CITY, station_keys=[bench_key()]), bytes(world.parameters.image)
    )
    made.start(CLOCK, 1000)
    return made


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "trips.db")
    yield made
    made.close()


class Collector:
    """The collector's store, without the network between; it may be out of reach, and takes a few at a time."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.is_gone = False
        self.epochs: list[int] = []

    def uplink(self, device: str, epoch: int) -> "Collector":
        self.device, self.epoch = device, epoch
        self.epochs += [epoch] if epoch not in self.epochs else []
        return self

    def send(self, entries: Sequence[Entry | OlderEntry]) -> tuple[int, dict[int, str]]:
        if self.is_gone:
            raise UplinkError("collector", Text("is gone", "无法连接"), Text("Wait", "请稍候"))
        batch = parse_batch(encode_batch(self.device, self.epoch, entries[:3]))
        answer, _ = self.store.accept(batch, KEY, received=CLOCK)
        return answer.acknowledged, answer.rejected

    def contents(self, epoch: int) -> list[bytes]:
        return [row["content"] for row in self.store.entries("T1", epoch, after=0, limit=1000)]


class Full(Collector):
    """One that takes no entry behind a number any more, and says so."""

    def __init__(self, store: Store, room: int) -> None:
        super().__init__(store)
        self.room = room

    def send(self, entries: Sequence[Entry | OlderEntry]) -> tuple[int, dict[int, str]]:
        return super().send([entry for entry in entries if entry.key.sequence <= self.room])


@pytest.fixture
def collector(store: Store) -> Collector:
    return Collector(store)


def handed_on(board: HostBoard, folder: Path, collector: Collector) -> HandedOn:
    async def talk() -> HandedOn:
        async with Station("board", signer=bench_signer(), transport=HostTransport(board)) as station:
            return await hand_on(station, folder, collector.uplink)

    return asyncio.run(talk())


def tap(board: HostBoard, world: World, *riders: int) -> None:
    for rider in riders:
        board.tap(world.code(rider))


def rot(board: HostBoard, record: bytes) -> None:
    """A bit of it flips; a second time, back."""
    at = board.flash().index(record[:200], LOG, LOG + LOG_SIZE)
    board.put(at + 200, bytes([board.flash()[at + 200] ^ 1]))


def test_records_reach_the_collector_byte_for_byte_under_their_numbers_and_then_the_device_may_forget_them(
    board: HostBoard, world: World, tmp_path: Path, collector: Collector
) -> None:
    tap(board, world, 1, 2, 3)
    records = board.log.records
    found = handed_on(board, tmp_path / "station", collector)
    assert found == HandedOn(len(records), 0, len(records), 0, max(records))
    assert collector.contents(collector.epoch) == [records[number] for number in sorted(records)]
    assert board.log.acknowledged == max(records)
    tap(board, world, 4)
    again = handed_on(board, tmp_path / "station", collector)
    assert (again.records, again.sent) == (len(board.log.records) - len(records),) * 2
    assert handed_on(board, tmp_path / "station", collector) == HandedOn(0, 0, 0, 0, again.acknowledged)
    assert len(collector.epochs) == 1


def test_the_device_forgets_nothing_before_the_collector_has_it(
    board: HostBoard, world: World, tmp_path: Path, collector: Collector
) -> None:
    tap(board, world, 1)
    collector.is_gone = True
    with pytest.raises(UplinkError):
        handed_on(board, tmp_path / "station", collector)
    assert board.log.acknowledged == 0
    assert collector.store.journeys() == []
    tap(board, world, 2)
    collector.is_gone = False
    records = board.log.records
    found = handed_on(board, tmp_path / "station", collector)
    assert (found.sent, found.acknowledged) == (len(records), max(records))
    assert collector.contents(collector.epoch) == [records[number] for number in sorted(records)]


@pytest.mark.parametrize("rotten", [False, True])
def test_the_device_is_told_of_no_more_than_a_collector_took_that_takes_no_more(
    board: HostBoard, world: World, tmp_path: Path, store: Store, rotten: bool
) -> None:
    tap(board, world, 1, 2, 3)
    records = board.log.records
    room = max(records) - 1
    if rotten:  # what is lost is told of like any other number
        rot(board, records[max(records)])
    found = handed_on(board, tmp_path / "station", Full(store, room))
    assert (found.sent, found.acknowledged, board.log.acknowledged) == (room, room, room)


def test_a_record_that_can_be_read_again_makes_no_other_log_of_it(
    board: HostBoard, world: World, tmp_path: Path, collector: Collector
) -> None:
    tap(board, world, 1, 2)
    newest = board.log.records[max(board.log.records)]
    rot(board, newest)
    assert handed_on(board, tmp_path / "station", collector).missing == 1
    rot(board, newest)
    assert newest in board.log.records.values()
    handed_on(board, tmp_path / "station", collector)
    assert len(collector.epochs) == 1


@pytest.mark.parametrize("newest", [True, pytest.param(False, marks=pytest.mark.long)])
def test_what_the_device_has_lost_is_noted_at_the_collector_and_holds_up_nothing(
    board: HostBoard, world: World, tmp_path: Path, collector: Collector, newest: bool
) -> None:
    tap(board, world, 1, 2, 3)
    records = board.log.records
    rotten = max(records) - (0 if newest else 1)
    rot(board, records[rotten])
    found = handed_on(board, tmp_path / "station", collector)
    assert (found.records, found.missing, found.acknowledged) == (len(records) - 1, 1, max(records))
    contents = dict(enumerate(collector.contents(collector.epoch), 1))
    note, _ = parse(contents.pop(rotten))
    assert isinstance(note, NoteFacts)
    assert (note.note, note.a, note.b) == (Note.GAP, rotten, rotten)
    assert contents == {number: entry for number, entry in records.items() if number != rotten}


def test_what_others_have_taken_before_is_noted_as_missing(
    board: HostBoard, world: World, tmp_path: Path, collector: Collector
) -> None:
    tap(board, world, 1)
    before = max(board.log.records)
    board.acknowledge(before)
    board.put(LOG, bytes(4096))  # that block has been used for something else since
    board.start(CLOCK + 60, 1000)
    tap(board, world, 2)
    records = board.log.records
    found = handed_on(board, tmp_path / "station", collector)
    assert found.missing + found.records == max(records)


def test_a_device_whose_numbers_begin_anew_has_a_journal_of_its_own(
    library: Path, world: World, tmp_path: Path, collector: Collector
) -> None:
    kept = []
    for riders in ((1, 2), (3,), (4, 5, 6)):
        settings = Settings(terminal="T1", city=CITY, station_keys=[bench_key()])
        board = HostBoard(library, settings, bytes(world.parameters.image))
        board.start(CLOCK, 1000)
        tap(board, world, *riders)
        handed_on(board, tmp_path / "station", collector)
        kept.append([entry for _, entry in sorted(board.log.records.items())])
    assert [collector.contents(epoch) for epoch in collector.epochs] == kept
    assert len(list((tmp_path / "station").glob("T1*"))) == 3


def test_what_waits_for_the_collector_when_numbers_begin_anew_goes_there_first(
    library: Path, world: World, tmp_path: Path, collector: Collector
) -> None:
    kept = []
    for riders in ((1, 2), (3,)):
        settings = Settings(terminal="T1", city=CITY, station_keys=[bench_key()])
        board = HostBoard(library, settings, bytes(world.parameters.image))
        board.start(CLOCK, 1000)
        tap(board, world, *riders)
        kept.append([entry for _, entry in sorted(board.log.records.items())])
        collector.is_gone = True
        with pytest.raises(UplinkError):
            handed_on(board, tmp_path / "station", collector)
    collector.is_gone = False
    found = handed_on(board, tmp_path / "station", collector)
    assert [collector.contents(epoch) for epoch in collector.epochs] == kept
    assert (found.records, found.sent) == (len(kept[1]), len(kept[0]) + len(kept[1]))
    assert board.log.acknowledged == found.acknowledged == max(board.log.records)


def test_a_collector_that_takes_no_more_of_an_earlier_log_is_told_of_and_nothing_is_put_away(
    library: Path, world: World, tmp_path: Path, store: Store
) -> None:
    for riders in ((1, 2), (3,)):
        settings = Settings(terminal="T1", city=CITY, station_keys=[bench_key()])
        board = HostBoard(library, settings, bytes(world.parameters.image))
        board.start(CLOCK, 1000)
        tap(board, world, *riders)
        if len(riders) == 2:
            handed_on(board, tmp_path / "station", Full(store, 1))
    with pytest.raises(HandingOnError, match="records from before are not at the collector") as refused:
        handed_on(board, tmp_path / "station", Full(store, 1))
    assert "此前的" in refused.value.problem.zh
    assert [path.name for path in (tmp_path / "station").iterdir()] == ["T1"]


@pytest.mark.parametrize("terminal", ["key", "KEY", "key.new"])
def test_a_terminal_may_be_called_as_the_stations_own_files_are(
    library: Path, world: World, tmp_path: Path, collector: Collector, terminal: str
) -> None:
    folder = tmp_path / "station"
    folder.mkdir()
    own = DeviceKey.load_or_create(folder / "key").public
    settings = Settings(terminal=terminal, city=CITY, station_keys=[bench_key()])
    board = HostBoard(library, settings, bytes(world.parameters.image))
    board.start(CLOCK, 1000)
    tap(board, world, 1)
    assert handed_on(board, folder, collector).acknowledged == board.log.acknowledged == max(board.log.records)
    assert DeviceKey.load_or_create(folder / "key").public == own
    assert sorted(path.name for path in folder.iterdir()) == [f"+{terminal}", "key"]


def test_a_terminal_whose_name_is_no_devices_is_refused(
    library: Path, world: World, tmp_path: Path, collector: Collector
) -> None:
    settings = Settings(terminal="../T1", city=CITY, station_keys=[bench_key()])
    board = HostBoard(library, settings, bytes(world.parameters.image))
    board.start(CLOCK, 1000)
    with pytest.raises(HandingOnError, match="no name"):
        handed_on(board, tmp_path / "station", collector)
    assert not (tmp_path / "station").exists()
