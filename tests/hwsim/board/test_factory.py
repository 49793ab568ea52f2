"""What the factory writes into a board, and what it writes into none."""

import argparse
import errno
import os
import struct
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.hwsim.board.boards import ready_board_on
from yima.firmware_images.build import Environment, Slot
from yima.firmware_images.hardware import IMAGE_HEADER
from yima.firmware_images.image import (
    ENVIRONMENT_TLV,
    FLAG_ROM_FIXED,
    HARDWARE_TLV,
    MAGIC,
    PRODUCT_TLV,
    Fault,
    ImageError,
    factory_slot,
)
from yima.firmware_images.keys import public_key_of, public_test_key
from yima.firmware_images.provision import Settings, read_settings, settings_copy
from yima.firmware_images.session import Role, StationKey, bench_key
from yima.firmware_images.signing import sign
from yima.hwsim.board.bootrom import Trust, trust_of
from yima.hwsim.board.errors import BoardError
from yima.hwsim.board.factory import make_flash
from yima.hwsim.board.flash import Flash
from yima.hwsim.board.flash_lock import alone_with
from yima.hwsim.board.layout import MPS2, SETTINGS
from yima.hwsim.board.station import Station
from yima.hwsim.board.workshop import Firmware, World, equip
from yima.hwsim.cli import board as verb
from yima.sdk.sm2 import SigningKey
from yima.validator.errors import ParametersError
from yima.validator.parameters import from_rules
from yima.validator.system import disk

SLOT_A = MPS2.slots[0].start
CENTRE, MECHANIC = (SigningKey.from_int(number).compressed for number in (3, 4))


def parsed(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    verb.add_arguments(parser)
    return parser.parse_args(words)


@pytest.fixture
def flash(tmp_path: Path) -> "Flashing":
    return Flashing(tmp_path)


class Flashing:
    """`yima board flash` of an image for one environment."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        key = Ed25519PrivateKey.generate()
        self.private, self.public = folder / "vendor.pem", folder / "public.pem"
        self.private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        self.public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))

    def __call__(self, environment: Environment, *words: str, own_key: bool = True) -> bytes:
        """What stands in the settings then."""
        image, flash = self._folder / "image", self._folder / "flash"
        key = ["--key", str(self.public)] if own_key else []
        told = parsed(["flash", str(image), "--flash", str(flash), *key, *words])
        made = sign(
            bytes(1024), Slot.A, "yima-bus-validator", environment=environment, version="1.0.0", counter=1,
            key=self.private,
        )  # fmt: skip
        image.write_bytes(made)
        assert verb.run(told) == 0
        return flash.read_bytes()[SETTINGS[0] : SETTINGS[0] + 512]

    def trust(self) -> Trust | None:
        """What the boot ROM trusts."""
        return trust_of(Flash(bytearray((self._folder / "flash").read_bytes())))


def test_the_keys_that_open_sessions_stand_in_the_settings_with_their_roles(flash: Flashing) -> None:
    words = ("--station-key", CENTRE.hex(), "--station-key", f"maintenance={MECHANIC.hex()}")
    settings = flash(Environment.PRODUCTION, *words)
    assert bytes([15, 34, 1]) + CENTRE in settings
    assert bytes([15, 34, 2]) + MECHANIC in settings


def test_a_test_board_trusts_the_test_key_and_a_production_board_that_was_told_none_trusts_nobody(
    flash: Flashing, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench_key().public in flash(Environment.TEST)
    assert bytes([15, 34]) not in flash(Environment.PRODUCTION)
    assert "--station-key" in capsys.readouterr().err


def test_a_production_board_is_not_made_with_the_test_key(flash: Flashing) -> None:
    for role in ("centre", "maintenance"):
        with pytest.raises(BoardError, match="TEST station key"):
            flash(Environment.PRODUCTION, "--station-key", f"{role}={bench_key().public.hex()}")


@pytest.mark.parametrize("text", ["", "centre", "centre=", "driver=" + CENTRE.hex(), "02" * 32, "05" + "00" * 32, "zz"])
def test_what_is_no_key_is_named(flash: Flashing, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        flash(Environment.TEST, "--station-key", text)
    assert "centre=HEX" in capsys.readouterr().err


def test_what_is_kept_are_the_settings_but_for_what_is_told_and_what_the_boot_rom_trusts(flash: Flashing) -> None:
    first = flash(Environment.TEST, "--terminal", "T9", "--city", "320500", "--station-key", CENTRE.hex())
    trusts = flash.trust()
    assert flash(Environment.TEST, "--keep", own_key=False) == first
    assert flash.trust() == trusts
    moved = flash(Environment.TEST, "--keep", "--city", "310000", own_key=False)
    assert b"T9" in moved and CENTRE in moved
    assert (310000).to_bytes(4, "little") in moved and (320500).to_bytes(4, "little") not in moved
    assert b"bench-1" in flash(Environment.TEST, "--city", "310000")


def test_a_board_that_is_kept_stays_one_for_its_product_hardware_and_environment(
    flash: Flashing, tmp_path: Path
) -> None:
    flash(Environment.TEST, "--station-key", CENTRE.hex())
    before = (tmp_path / "flash").read_bytes()
    with pytest.raises(BoardError, match="this board was made for yima-bus-validator, test, "):
        flash(Environment.PRODUCTION, "--keep")
    assert (tmp_path / "flash").read_bytes() == before


def test_what_is_not_as_large_as_a_flash_is_not_kept(flash: Flashing, tmp_path: Path) -> None:
    flash(Environment.TEST)
    shorter = (tmp_path / "flash").read_bytes()[:-1]
    (tmp_path / "flash").write_bytes(shorter)
    with pytest.raises(BoardError, match=f"has {len(shorter)} bytes, a flash has {len(shorter) + 1}"):
        flash(Environment.TEST, "--keep")
    assert (tmp_path / "flash").read_bytes() == shorter


def test_no_production_board_trusts_the_test_key_for_images(flash: Flashing, tmp_path: Path) -> None:
    flash(Environment.PRODUCTION)
    image, made = (tmp_path / "image").read_bytes(), tmp_path / "made"
    for keys in (None, [public_test_key()], [public_key_of(flash.public), public_test_key()]):
        with pytest.raises(ImageError) as refused:
            make_flash(made, image, keys=keys)
        assert refused.value.fault is Fault.TEST_KEY
        assert not made.exists()


def test_settings_and_parameters_stand_twice(tmp_path: Path) -> None:
    """One copy may rot."""
    image = sign(bytes(1024), Slot.A, "yima-bus-validator")
    make_flash(tmp_path / "flash", image, keys=None, settings=Settings(terminal="T9"), parameters=bytes(range(200)))
    made = (tmp_path / "flash").read_bytes()
    for place, told in ((MPS2.settings, b"T9"), (MPS2.parameters, bytes(range(200)))):
        first, second = (made[copy.start : copy.end] for copy in place.halves())
        assert first == second
        assert told in first


def test_an_image_that_was_read_out_of_a_slot_is_flashed_like_any_other(tmp_path: Path) -> None:
    image = sign(bytes(1024), Slot.A, "yima-bus-validator")
    for name, content in (("image", image), ("slot", factory_slot(image))):
        make_flash(tmp_path / name, content, keys=None)
    assert (tmp_path / "image").read_bytes() == (tmp_path / "slot").read_bytes()


def test_settings_that_are_kept_lose_nothing_and_rotten_ones_are_none() -> None:
    key = StationKey(role=Role.MAINTENANCE, public=MECHANIC)
    settings = Settings(
        terminal="T9", city=320500, operator=11223344, line=7, station=2, direction=1, vehicle="车 1", plate="沪A",
        driver="D", line_text="7", station_text="2", position="p", keys=(CENTRE,), needed=1, station_keys=(key,),
    )  # fmt: skip
    whole = settings_copy(settings)
    rotten = whole[:20] + bytes([whole[20] ^ 1]) + whole[21:]
    assert read_settings([rotten, whole]) == settings
    newer = settings_copy(replace(settings, terminal="T10"), sequence=2)
    assert [read_settings(copies) for copies in ([whole, newer], [newer, whole])] == 2 * [
        replace(settings, terminal="T10")
    ]
    assert read_settings([b"\xff" * 4096, rotten]) is None


def test_parameters_that_are_flashed_are_in_force_whatever_the_station_has_sent_before(
    tmp_path: Path, firmware: Firmware, world: World
) -> None:
    """The newest copy of three is in force, and the station's lay where the factory writes none."""
    flash, image = tmp_path / "flash", tmp_path / "image"
    image.write_bytes(firmware.image)
    versions = [from_rules(replace(world.parameters.rules, version=number), "a version") for number in (1, 2, 3)]
    equip(flash, firmware.image, versions[0])
    with ready_board_on(flash) as board:
        assert Station(board).send_parameters(bytes(versions[1].image)) == 2
    make_flash(flash, firmware.image, keys=None, parameters=bytes(versions[2].image), keep=True)
    with ready_board_on(flash) as board:
        assert Station(board).state()["parameters"] == 3


def test_a_flash_file_that_a_board_has_is_neither_flashed_nor_run_by_another(
    flash: Flashing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = flash(Environment.TEST, "--terminal", "T9")
    with alone_with(tmp_path / "flash"):
        for words in (["flash", str(tmp_path / "image")], ["run"], ["run", str(tmp_path / "image")]):
            told = [*words, "--flash", str(tmp_path / "flash")]
            for language, said in (("en", f"in use by process {os.getpid()}"), ("zh", "正被进程")):
                monkeypatch.setenv("YIMA_LANG", language)
                with pytest.raises(BoardError) as refused:
                    verb.run(parsed(told))
                assert said in str(refused.value)
        assert b"T9" in (tmp_path / "flash").read_bytes()
    assert flash(Environment.TEST, "--keep") == before


def test_a_flash_that_finds_no_room_leaves_the_one_that_is_kept(
    flash: Flashing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flash(Environment.TEST)
    before = (tmp_path / "flash").read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(disk, "flush", full)
    with pytest.raises(OSError, match="space"):
        flash(Environment.TEST, "--keep", "--terminal", "T2")
    assert (tmp_path / "flash").read_bytes() == before


@pytest.mark.parametrize(
    ("tlv", "value", "said"),
    [
        (PRODUCT_TLV, b"p" * 25, "at most 24 letters of ASCII, not for 'ppp"),
        (PRODUCT_TLV, b"\xe8\xbd\xa6", "at most 24 letters of ASCII, not for"),
        (ENVIRONMENT_TLV, b"staging", "made for another environment"),
    ],
)
def test_an_image_whose_names_the_boot_rom_cannot_hold_is_refused_by_name(
    tlv: int, value: bytes, said: str, flash: Flashing, tmp_path: Path
) -> None:
    """Each of them was a traceback."""
    texts = {PRODUCT_TLV: b"yima-bus-validator", ENVIRONMENT_TLV: b"test", HARDWARE_TLV: b"mps2-an500"} | {tlv: value}
    image = tmp_path / "image"
    image.write_bytes(image_with(texts))
    with pytest.raises((BoardError, ImageError), match=said):
        verb.run(parsed(["flash", str(image), "--flash", str(tmp_path / "flash"), "--key", str(flash.public)]))
    assert not (tmp_path / "flash").exists()


def image_with(texts: dict[int, bytes]) -> bytes:
    """An image that nobody signed, for slot A."""
    tlvs = b"".join(struct.pack("<HH", tlv, len(text)) + text for tlv, text in texts.items())
    protected = struct.pack("<HH", 0x6908, len(tlvs) + 4) + tlvs
    header = struct.pack("<IIHHIIBBHI4x", MAGIC, SLOT_A, IMAGE_HEADER, len(protected), 64, FLAG_ROM_FIXED, 1, 0, 0, 0)
    return header.ljust(IMAGE_HEADER, b"\0") + bytes(64) + protected + struct.pack("<HH", 0x6907, 4)


def test_a_boot_rom_takes_eight_keys_and_one_that_is_told_twice_once(flash: Flashing, tmp_path: Path) -> None:
    keys = []
    for number in range(8):
        keys.append(tmp_path / f"{number}.pem")
        public = Ed25519PrivateKey.generate().public_key()
        keys[-1].write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    words = [word for key in (*keys, *keys) for word in ("--key", str(key))]
    flash(Environment.TEST, *words, own_key=False)
    trust = flash.trust()
    assert trust is not None and len(trust.keys) == 8
    with pytest.raises(BoardError, match="9 keys, and the boot ROM has room for 8"):
        flash(Environment.TEST, *words)


@pytest.mark.parametrize("terminal", ["", "a/b", "..", "车1", "T 1", "\udcff", "T" * 41])
def test_a_terminal_is_called_as_a_station_can_hand_its_records_on(
    terminal: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its records would have stayed on it for ever."""
    with pytest.raises(SystemExit):
        parsed(["flash", "image", "--terminal", terminal])
    assert "1 to 40 letters, digits, dots" in capsys.readouterr().err
    with pytest.raises(ParametersError, match="does not fit"):
        settings_copy(Settings(terminal="\udcff"))
