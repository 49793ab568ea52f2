"""The build: within its budget, and the same bytes from anywhere."""

import argparse
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.hwsim.board.other_boards import bus_firmware, metro_firmware
from yima.firmware_images.build import (
    ROOT,
    BuildError,
    Built,
    Environment,
    Product,
    Slot,
    build,
)
from yima.firmware_images.cli import image as cli
from yima.firmware_images.hardware import board
from yima.firmware_images.image import read
from yima.firmware_images.signing import SigningError, read_manifest, sign_folder, write_builds
from yima.validator.version import VERSION


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return metro_firmware(tmp_path_factory).slot_a


def test_the_image_keeps_its_budget(built: Built) -> None:
    assert len(built.image) < board().image_max
    assert built.ram_bytes < board().ram.size


def test_the_image_begins_with_a_vector_table_for_its_slot(built: Built) -> None:
    stack, reset = (int.from_bytes(built.image[at : at + 4], "little") for at in (0, 4))
    assert stack == board().ram.start + board().ram.stack
    assert reset & 1
    assert 0x10200 < reset < 0x10200 + len(built.image)


@pytest.mark.slow
@pytest.mark.long
def test_the_same_sources_give_the_same_bytes_from_another_folder(built: Built, tmp_path: Path) -> None:
    copy = tmp_path / "somewhere else"
    for folder in ("firmware_images", "validator"):
        shutil.copytree(ROOT / folder, copy / "yima" / folder, ignore=shutil.ignore_patterns("__pycache__"))
    program = (
        "from pathlib import Path; from yima.firmware_images.build import *; import yima.firmware_images as images;"
        "print(images.__file__); build(Product.METRO_GATE, Slot.A, Environment.TEST, Path('out'))"
    )
    environment = {"PYTHONPATH": str(copy), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=copy, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert str(copy) in done.stdout
    assert (copy / "out" / built.elf.name).read_bytes() == built.elf.read_bytes()


def test_no_path_of_this_machine_is_in_the_image(built: Built) -> None:
    assert str(ROOT).encode() not in built.elf.read_bytes()


def test_products_and_slots_are_different_images(tmp_path_factory: pytest.TempPathFactory) -> None:
    metro, bus = metro_firmware(tmp_path_factory), bus_firmware(tmp_path_factory)
    assert len({one.image for made in (metro, bus) for one in (made.slot_a, made.slot_b)}) == 4


def test_the_manifest_says_what_was_built_and_signed(built: Built, tmp_path: Path) -> None:
    write_builds([built], tmp_path)
    (path,) = sign_folder(tmp_path, version="1.2.3", counter=4)
    (entry,) = read_manifest(tmp_path)["images"]
    assert entry["environment"] == "test"
    assert entry["size"] == len(built.image)
    assert entry["signed"]["security_counter"] == read(path.read_bytes()).counter == 4
    assert entry["signed"]["test_key"] is True


def test_a_binary_that_changed_after_the_build_is_not_signed(built: Built, tmp_path: Path) -> None:
    write_builds([built], tmp_path)
    next(tmp_path.glob("*.bin")).write_bytes(built.image[:-1] + b"\x5a")
    with pytest.raises(SigningError, match="changed since it was built"):
        sign_folder(tmp_path)


def test_where_one_image_cannot_be_signed_none_is_and_what_was_signed_before_stays(
    built: Built, tmp_path: Path
) -> None:
    write_builds([built, replace(built, elf=tmp_path / "z.elf")], tmp_path)
    sign_folder(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.glob("*.img")}
    (tmp_path / "z.bin").write_bytes(b"changed")
    with pytest.raises(SigningError, match="changed since it was built"):
        sign_folder(tmp_path, version="9.9.9")
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.img")} == before
    assert {entry["signed"]["version"] for entry in read_manifest(tmp_path)["images"]} == {VERSION}


@pytest.mark.parametrize("theirs", ['{"name": "a web app", "icons": []}', "[]", "not JSON at all"])
def test_a_manifest_of_something_else_is_not_written_over(
    theirs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, built: Built
) -> None:
    (tmp_path / "manifest.json").write_text(theirs, encoding="utf-8")
    monkeypatch.setattr("yima.firmware_images.build.build", lambda *_, **__: built)
    with pytest.raises(SigningError, match=r"is no manifest of firmware, and would be written over.*--folder"):
        _run("build", "--product", "metro-gate", "--folder", str(tmp_path))
    with pytest.raises(SigningError, match="would be written over"):
        write_builds([built], tmp_path)
    assert [path.read_text(encoding="utf-8") for path in tmp_path.iterdir()] == [theirs]


def test_a_build_says_which_images_the_manifest_names_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], built: Built
) -> None:
    write_builds([built, replace(built, elf=tmp_path / "yima-other.elf")], tmp_path)
    monkeypatch.setattr("yima.firmware_images.build.build", lambda *_, **__: built)
    assert _run("build", "--product", "metro-gate", "--folder", str(tmp_path)) == 0
    assert "manifest.json names no more: yima-other; their files stay" in capsys.readouterr().err
    assert (tmp_path / "yima-other.bin").exists()
    assert _run("build", "--product", "metro-gate", "--folder", str(tmp_path)) == 0
    assert not capsys.readouterr().err


@pytest.mark.parametrize(
    "changed",
    [{"name": "../../x"}, {"binary": "/etc/passwd"}, {"slot": "c"}, {"environment": "none"}, {"sha256": None}],
)
def test_a_manifest_that_somebody_has_changed_is_none(built: Built, tmp_path: Path, changed: dict[str, object]) -> None:
    place = write_builds([built], tmp_path)
    manifest = json.loads(place.read_text(encoding="utf-8"))
    manifest["images"][0] |= changed
    place.write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(SigningError, match="not a manifest of firmware"):
        sign_folder(tmp_path)


def test_the_test_key_signs_no_production_image(tmp_path: Path) -> None:
    production = build(Product.BUS_VALIDATOR, Slot.A, Environment.PRODUCTION, tmp_path)
    write_builds([production], tmp_path)
    with pytest.raises(SigningError, match="test key"):
        sign_folder(tmp_path)


def test_what_the_compiler_says_reaches_the_engineer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("yima.firmware_images.build.VERSION", '" junk')
    with pytest.raises(BuildError, match="error"):
        build(Product.BUS_VALIDATOR, Slot.A, Environment.TEST, tmp_path)


def test_the_command_shows_and_verifies(built: Built, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_builds([built], tmp_path)
    path = str(sign_folder(tmp_path)[0])
    assert _run("show", path) == 0
    assert "TEST key" in capsys.readouterr().out
    assert _run("verify", path) == 0
    assert _run("verify", path, "--counter-floor", "2") == 1
    assert _run("verify", path, "--product", "yima-bus-validator") == 1
    assert _run("verify", path, "--environment", "production") == 1
    assert _run("verify", path, "--hardware", "another-board") == 1


def test_a_vendors_key_signs_only_with_a_counter_that_was_told(built: Built, tmp_path: Path, vendor_key: Path) -> None:
    write_builds([built], tmp_path)
    with pytest.raises(SigningError, match="no security counter"):
        sign_folder(tmp_path, key=vendor_key)
    path = str(sign_folder(tmp_path, key=vendor_key, counter=5)[0])
    assert _run("verify", path, "--key", str(vendor_key)) == 1, "a test image, where a field key is asked for"
    assert _run("verify", path, "--key", str(vendor_key), "--environment", "test", "--counter-floor", "5") == 0


def _run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    cli.add_arguments(parser)
    return cli.run(parser.parse_args(words))
