"""The firmware on QEMU: taps, the station link with smpclient, and an answer to every kind of bad input."""

import asyncio
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from smpclient import SMPClient
from smpclient.transport.serial import SMPSerialTransport

from tests.entries import record_name
from tests.firmware_images.host_log import full_log
from tests.firmware_images.qemu_board import LOG_SIZE, QemuBoard, flash
from tests.hwsim.board.other_boards import bus_firmware, metro_firmware
from yima.firmware_images.build import Product, Slot
from yima.firmware_images.image import factory_slot
from yima.firmware_images.session import bench_signer
from yima.firmware_images.signing import sign
from yima.firmware_images.station import Station, StationError
from yima.firmware_images.station_messages import ParametersWrite, Record
from yima.sdk.issuer import Rider, RootAuthority, make_issuer, make_rider, make_root
from yima.sdk.parameters.signing import Envelope, sign_package
from yima.sdk.sm2 import SigningKey
from yima.validator.journal.facts import NoteFacts, TimeFacts, parse
from yima.validator.journal.kept import fault_of
from yima.validator.judging import GateContext, Mode, Moment, Validator
from yima.validator.judging.record import Terminal, tap_entry
from yima.validator.parameters import Parameters, from_mapping

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="qemu-system-arm is not installed"),
]

_NOW = 1_800_000_000


@dataclass(frozen=True)
class _Built:
    elf: Path
    a: bytes
    b: bytes
    bus_b: bytes


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> _Built:
    metro, bus = metro_firmware(tmp_path_factory), bus_firmware(tmp_path_factory)
    gate_name, bus_name = Product.METRO_GATE.full_name, Product.BUS_VALIDATOR.full_name
    return _Built(
        elf=metro.slot_a.elf,
        a=factory_slot(sign(metro.slot_a.image, Slot.A, gate_name)),
        b=sign(metro.slot_b.image, Slot.B, gate_name, version="0.2.0", counter=2),
        bus_b=sign(bus.slot_b.image, Slot.B, bus_name, version="0.2.0"),
    )


@pytest.fixture(scope="module")
def root() -> RootAuthority:
    return make_root()


@pytest.fixture(scope="module")
def rider(root: RootAuthority) -> Rider:
    return make_rider(
        make_issuer(root),
        payment_account="PAY1",
        card_account="31048700000000000001",
        platform="50083010",
        authorised_until=_NOW + 86_400,
    )


def _parameters(root: RootAuthority, version: int = 7) -> Parameters:
    return from_mapping(
        {
            "environment": "test",
            "version": version,
            "fares": {"bus": 200, "metro": 300},
            "roots": [{"certificate": root.certificate.hex()}],
            "whitelist": [{"organisation": "00083010", "platform": "50083010"}],
        }
    )


Boards = Callable[..., QemuBoard]


@pytest.fixture
def boards(built: _Built, root: RootAuthority, tmp_path: Path) -> Iterator[Boards]:
    """Starts boards and stops them."""
    started: list[QemuBoard] = []

    plain = bytes(_parameters(root).image)

    def start(parameters: bytes | None = plain, log: bytes = b"", keys: tuple[bytes, ...] = ()) -> QemuBoard:
        scratch = tmp_path / str(len(started))
        scratch.mkdir()
        board = QemuBoard(built.elf, scratch, flash(built.a, parameters, log, keys))
        started.append(board)
        board.until("ready terminal=YM000042")
        return board

    yield start
    for board in started:
        board.__exit__(None, None, None)


@pytest.fixture
def board(boards: Boards) -> QemuBoard:
    """A board that knows the time."""
    made = boards()
    _set_clock(made, _NOW)
    return made


def _set_clock(board: QemuBoard, unix_s: int) -> None:
    async def talk() -> None:
        async with Station(board.station, signer=bench_signer()) as station:
            await station.set_clock(unix_s)

    asyncio.run(talk())


async def _all(station: Station, start: int = 0) -> list[Record]:
    return [record async for record in station.records(start)]


def test_a_good_code_opens_the_gate_and_its_record_is_what_the_host_would_write(
    board: QemuBoard, root: RootAuthority, rider: Rider
) -> None:
    code = rider.code(_NOW)
    tap = board.show(code)
    assert (tap["accepted"], tap["name"], tap["fare"], tap["record"]) == ("1", "ACCEPTED", "300", "4")

    async def talk() -> list[Record]:
        async with Station(board.station, signer=bench_signer()) as station:
            return await _all(station)

    *before, record = asyncio.run(talk())
    start_parameters_clock: list[type] = [TimeFacts, NoteFacts, TimeFacts]
    assert [type(parse(entry.d)[0]) for entry in before] == start_parameters_clock
    facts, _ = parse(record.d)
    moment = Moment(unix_s=facts.at, tick_ms=facts.tick_ms)
    assert _NOW <= facts.at < _NOW + 30 and facts.tick_ms > 0
    host = Validator(_parameters(root), GateContext(mode=Mode.METRO, city=320500))
    verdict = host.judge(code, moment)
    terminal = Terminal(terminal="YM000042")
    name = record_name("YM000042", moment.unix_s, record.n)
    assert record.d == tap_entry(host, verdict, terminal=terminal, record_id=name, moment=moment, run=1)


def test_the_gate_opens_and_shuts_by_itself(board: QemuBoard, rider: Rider) -> None:
    board.scan(rider.code(_NOW))
    board.until("gate state=open")
    board.until("gate state=shut")


def test_the_same_code_still_in_view_is_shown_again_and_not_recorded_and_later_it_is_repeated(
    board: QemuBoard, rider: Rider
) -> None:
    code = rider.code(_NOW)
    assert board.show(code)["accepted"] == "1"
    assert board.show(code)["again"] == "1"
    board.quiet(2.5)
    assert board.show(code)["name"] == "REPEATED"


def test_records_go_out_in_order_and_acknowledgement_needs_the_records_own_chain_value(
    board: QemuBoard, rider: Rider
) -> None:
    codes = [rider.code(_NOW + later) for later in range(12)]
    for code in codes:
        assert board.show(code)["accepted"] == "1"

    async def talk() -> None:
        async with Station(board.station, signer=bench_signer()) as station:
            records = await _all(station)
            assert [record.n for record in records] == list(range(1, len(records) + 1))
            assert all(fault_of(record.d) is None for record in records)
            taps = [record for record in records if any(code in record.d for code in codes)]
            assert all(code in record.d for code, record in zip(codes, taps, strict=True))
            with pytest.raises(StationError):
                await station.acknowledge(Record(n=9, d=b"", h=records[7].h))
            assert await station.acknowledge(records[7]) == 8
            state = await station.state()
            assert (state.ack, state.serving) == (8, True)
            assert state.next > records[-1].n

    asyncio.run(talk())


@pytest.mark.long
def test_an_image_for_the_other_slot_is_taken_and_marked_to_be_tried(board: QemuBoard, built: _Built) -> None:
    async def talk() -> None:
        async with Station(board.station, signer=bench_signer()) as station:
            await station.update(built.b)
            running, waiting = await station.images()
            assert (running.active, running.confirmed) == (True, True)
            assert (waiting.version, waiting.pending, waiting.confirmed) == ("0.2.0", True, False)
            await station.confirm()

    asyncio.run(talk())


@pytest.mark.long
def test_images_that_cannot_run_here_are_refused_and_the_status_line_says_why(board: QemuBoard, built: _Built) -> None:
    damaged = bytearray(built.b)
    damaged[5000] ^= 1
    images = (built.bus_b, built.a[:120_000], bytes(damaged), b"no image" * 100)
    reasons = ("OTHER_PRODUCT", "OTHER_SLOT", "DAMAGED", "NOT_AN_IMAGE")

    async def talk() -> None:
        async with Station(board.station, signer=bench_signer()) as station:
            for image, why in zip(images, reasons, strict=True):
                with pytest.raises(StationError):
                    await station.update(image)
                assert board.until("image refused")["refused"] == why
            assert [state.slot for state in await station.images()] == [0]

    asyncio.run(talk())


def test_parameters_come_into_force_at_once_and_older_ones_never(
    board: QemuBoard, root: RootAuthority, rider: Rider
) -> None:
    code = rider.code(_NOW)
    assert board.show(code)["accepted"] == "1"
    board.quiet(2.5)

    async def talk() -> None:
        async with Station(board.station, signer=bench_signer()) as station:
            assert await station.send_parameters(bytes(_parameters(root, 9).image)) == 9
            for bad, why in ((bytes(_parameters(root, 8).image), "OLDER"), (b"junk" * 100, "BAD_PARAMETERS")):
                with pytest.raises(StationError):
                    await station.send_parameters(bad)
                assert board.until("parameters refused")["refused"] == why
            assert (await station.state()).parameters == 9

    asyncio.run(talk())
    assert board.show(code)["name"] == "REPEATED", "used codes are remembered across parameters"


def test_a_parameter_transfer_that_stops_half_way_changes_nothing(
    board: QemuBoard, root: RootAuthority, rider: Rider
) -> None:
    image = bytes(_parameters(root, 9).image)

    async def talk() -> None:
        async with SMPClient(SMPSerialTransport(), board.station) as client:
            await client.request(ParametersWrite(off=0, data=image[:100], len=len(image)))
        async with Station(board.station, signer=bench_signer()) as station:
            assert (await station.state()).parameters == 7

    asyncio.run(talk())
    assert board.show(rider.code(_NOW))["accepted"] == "1"


def test_a_dead_clock_refuses_and_says_so_until_the_station_sets_it(boards: Boards, rider: Rider) -> None:
    board = boards()
    assert board.show(rider.code(_NOW))["name"] == "TIME_UNTRUSTED"
    _set_clock(board, _NOW)
    assert board.until("clock")["trusted"] == "1"
    assert board.show(rider.code(_NOW + 1))["accepted"] == "1"


def test_without_parameters_nobody_passes_and_the_first_ones_are_taken(
    boards: Boards, root: RootAuthority, rider: Rider
) -> None:
    board = boards(parameters=None)
    _set_clock(board, _NOW)
    assert board.show(rider.code(_NOW))["name"] == "NO_PARAMETERS"

    async def talk() -> None:
        async with Station(board.station, signer=bench_signer()) as station:
            assert not (await station.state()).serving
            assert await station.send_parameters(bytes(_parameters(root).image)) == 7

    asyncio.run(talk())
    assert board.show(rider.code(_NOW + 1))["accepted"] == "1"


def test_a_log_full_of_junk_is_an_empty_log(boards: Boards, rider: Rider) -> None:
    board = boards(log=random.Random(1).randbytes(LOG_SIZE))
    _set_clock(board, _NOW)
    assert board.show(rider.code(_NOW))["record"] == "4", "behind the start, the parameters and the clock"


def test_a_log_full_of_records_shuts_the_gate_until_the_station_has_taken_them(
    boards: Boards, rider: Rider, tmp_path_factory: pytest.TempPathFactory
) -> None:
    board = boards(log=full_log(tmp_path_factory))
    _set_clock(board, _NOW)
    assert board.show(rider.code(_NOW))["name"] == "CANNOT_RECORD"

    async def talk() -> None:
        async with Station(board.station, signer=bench_signer()) as station:
            assert not (await station.state()).serving
            records = await _all(station)
            await station.acknowledge(records[-1])
            assert (await station.state()).serving

    asyncio.run(talk())
    assert board.show(rider.code(_NOW))["name"] == "ACCEPTED", "the refusal did not use the code up"


def test_signed_parameters_are_taken_from_whom_the_settings_trust_and_then_from_whom_the_package_names(
    boards: Boards, root: RootAuthority, rider: Rider
) -> None:
    first, second, stranger = (SigningKey.generate() for _ in range(3))

    def package(version: int, signer: SigningKey, next_key: SigningKey, environment: str = "test") -> bytes:
        envelope = Envelope(
            environment=environment,
            version=version,
            not_before=_NOW - 60,
            expiry=_NOW + 86_400,
            next_keys=(next_key.compressed,),
        )
        return sign_package(bytes(_parameters(root, version).image), envelope, [signer])

    board = boards(parameters=None, keys=(first.compressed,))

    async def refused(station: Station, data: bytes) -> str:
        with pytest.raises(StationError):
            await station.send_parameters(data)
        return board.until("parameters refused")["refused"]

    async def talk() -> None:
        async with Station(board.station, signer=bench_signer()) as station:
            assert await refused(station, package(3, first, second)) == "NO_CLOCK"
            await station.set_clock(_NOW)
            assert await refused(station, package(3, stranger, stranger)) == "UNKNOWN_SIGNER"
            assert await station.send_parameters(package(3, first, second)) == 3
            assert (await station.state()).signed
            assert await refused(station, package(4, first, first)) == "UNKNOWN_SIGNER"
            assert await refused(station, bytes(_parameters(root, 9).image)) == "OLDER"
            assert await station.send_parameters(package(4, second, second)) == 4
            assert await refused(station, package(3, second, second)) == "OLDER"

    asyncio.run(talk())
    assert board.show(rider.code(_NOW))["accepted"] == "1"


def test_garbage_on_both_lines_at_once_stops_nothing(board: QemuBoard, rider: Rider) -> None:
    noise = random.Random(2)
    with Path(board.station).open("wb", buffering=0) as station:
        for _ in range(20):
            board.scan(noise.randbytes(300))
            station.write(noise.randbytes(300) + b"\x06\x09" + noise.randbytes(40) + b"\n")
            board.quiet(0.1)
    board.quiet(0.5)
    board.scan(rider.code(_NOW + 5))
    assert board.until("tap .* family=1 ")["accepted"] == "1"
    assert not any(line.startswith("yima version") for line in board.quiet(0.2)), "it has not restarted"

    async def talk() -> int:
        async with Station(board.station, signer=bench_signer()) as station:
            return (await station.state()).parameters

    assert asyncio.run(talk()) == 7
