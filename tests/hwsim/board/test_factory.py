"""What the factory writes into a board, and what it writes into none."""

import argparse
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from yima.firmware_images.build import Environment, Slot
from yima.firmware_images.session import bench_key
from yima.firmware_images.signing import sign
from yima.hwsim.board.errors import BoardError
from yima.hwsim.board.layout import SETTINGS
from yima.hwsim.cli import board as verb
from yima.sdk.sm2 import SigningKey

CENTRE, MECHANIC = (SigningKey.from_int(number).compressed for number in (3, 4))


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

    def __call__(self, environment: Environment, *words: str) -> bytes:
        """What stands in the settings then."""
        image, flash = self._folder / "image", self._folder / "flash"
        parser = argparse.ArgumentParser()
        verb.add_arguments(parser)
        told = parser.parse_args(["flash", str(image), "--flash", str(flash), "--key", str(self.public), *words])
        made = sign(
            bytes(1024), Slot.A, "yima-bus-validator", environment=environment, version="1.0.0", counter=1,
            key=self.private,
        )  # fmt: skip
        image.write_bytes(made)
        assert verb.run(told) == 0
        return flash.read_bytes()[SETTINGS[0] : SETTINGS[0] + 512]


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
