"""A board to measure and to test with: firmware built here, signed with the test key, and a small world of riders.

Riders' keys are fresh every time, and the cost of a verification depends on them a little: what is counted exactly uses
the codes of benchmarks/board-codes.json instead.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from yima.firmware_images.build import Built, Environment, Product, Slot, build
from yima.firmware_images.hardware import Hardware, Starts, board
from yima.firmware_images.keys import public_test_key
from yima.firmware_images.provision import Settings
from yima.firmware_images.session import bench_key
from yima.firmware_images.signing import sign
from yima.hwsim.board.emulator import Board
from yima.hwsim.board.factory import make_flash
from yima.sdk.issuer import Issuer, RootAuthority, make_issuer, make_rider, make_root
from yima.validator.parameters import Parameters, from_mapping
from yima.validator.version import VERSION

CLOCK = 1_790_000_000
ORGANISATION, PLATFORM = "00083010", "50083010"
CITY = 320_500
UPDATE = "9.0.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Firmware:
    """One product, built and signed for both slots; `update` is the same for slot B, with a higher version."""

    slot_a: Built
    slot_b: Built
    image: bytes
    update: bytes


def make_firmware(
    folder: Path,
    product: Product = Product.BUS_VALIDATOR,
    hardware: Hardware | None = None,
    *,
    sanitize: bool = False,
) -> Firmware:
    """Builds and signs. hardware: default mps2-an500. Raises BuildError, SigningError."""
    hardware, name = hardware or board(), product.full_name
    built_a = build(product, Slot.A, Environment.TEST, folder, hardware, sanitize=sanitize)
    is_for_both = hardware.starts is Starts.PROGRAM
    built_b = built_a if is_for_both else build(product, Slot.B, Environment.TEST, folder, hardware)
    return Firmware(
        slot_a=built_a,
        slot_b=built_b,
        image=sign(built_a.image, Slot.A, name, version=VERSION, counter=1, hardware=hardware),
        update=sign(built_b.image, Slot.B, name, version=UPDATE, counter=2, hardware=hardware),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One root, one issuer, and the parameters that accept it."""

    root: RootAuthority
    issuer: Issuer
    parameters: Parameters

    def code(self, rider: int, generated_at: int = CLOCK) -> bytes:
        """A good code of rider number `rider`; each has a card account of his own."""
        made = make_rider(
            self.issuer,
            payment_account="6228480402564890",
            card_account=f"99{rider:018}",
            platform=PLATFORM,
            authorised_until=generated_at + 86400,
        )
        return made.code(generated_at)


def make_world(fares: dict[str, int] | None = None) -> World:
    """The world of the bench."""
    root = make_root()
    issuer = make_issuer(root, ORGANISATION)
    parameters = from_mapping(
        {
            "environment": "test",
            "version": 1,
            "fares": fares or {"bus": 200, "metro": 300},
            "roots": [{"certificate": root.certificate.hex()}],
            "whitelist": [{"organisation": ORGANISATION, "platform": PLATFORM}],
        },
        source="the bench",
    )
    return World(root=root, issuer=issuer, parameters=parameters)


def equip(path: Path, image: bytes, parameters: Parameters | None, *, terminal: str = "T1") -> None:
    """Makes the flash file of a board of the bench."""
    make_flash(
        path,
        image,
        keys=[public_test_key()],
        settings=Settings(terminal=terminal, city=CITY, station_keys=[bench_key()]),
        parameters=None if parameters is None else bytes(parameters.image),
    )


@contextmanager
def ready_board(path: Path) -> Iterator[Board]:
    """The board of a flash file that was equipped, at CLOCK, come up as far as taking codes."""
    with Board(path) as board:
        get_ready(board)
        yield board


def get_ready(board: Board) -> None:
    """Power on at CLOCK, until the board takes codes."""
    board.set_rtc(CLOCK)
    board.power_on()
    board.run(2000, until=b"ready terminal")
