"""The field's conditions: each is what it says, comes again with its seed, and is read by a reader for cameras."""

from pathlib import Path

import numpy as np
import pytest
import zxingcpp

from yima.hwsim.cli import frames
from yima.hwsim.conditions import CONDITIONS, code_without_signature
from yima.hwsim.phone import Poster
from yima.sdk.cli.main import main
from yima.sdk.dissection.families import family_of
from yima.validator.readers.decoders import Gray, decode, decoder_named
from yima.validator.readers.files import open_reader

COUNT = 8


def rendered(name: str, seed: int, width: int = 640, height: int = 480) -> tuple[bytes, Gray]:
    rng = np.random.default_rng(seed)
    code = code_without_signature(rng)
    return code, CONDITIONS[name](rng, code, width, height)


@pytest.mark.parametrize("name", CONDITIONS)
def test_the_same_seed_gives_the_same_frame_and_another_another(name: str) -> None:
    code, frame = rendered(name, 1)
    assert family_of(code) == "ministry"
    assert np.array_equal(frame, rendered(name, 1)[1])
    assert not np.array_equal(frame, rendered(name, 2)[1])
    assert rendered(name, 1, 1280, 720)[1].shape == (720, 1280)
    assert frame.dtype == np.uint8


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_device_reads_as_many_as_bare_zxing_and_nothing_else(name: str) -> None:
    ours = theirs = 0
    only_qr = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
    for seed in range(COUNT):
        code, frame = rendered(name, seed)
        read, allowed = decoder_named("zxing"), {code, Poster().payload}
        payloads = [payload for _ in range(8) for payload in read(frame)]
        assert set(payloads) <= allowed
        ours += code in payloads
        theirs += code in [bytes(found.bytes) for found in zxingcpp.read_barcodes(frame, formats=only_qr)]
    assert ours >= theirs
    assert ours > 0


def test_the_conditions_look_like_their_names() -> None:
    held = rendered("held", 3)[1].astype(float)
    means = {name: rendered(name, 3)[1].mean() for name in CONDITIONS}
    assert means["low-light"] < 0.5 * held.mean()
    assert means["dark"] < held.mean()
    assert means["glare"] > held.mean()
    bands = rendered("bands", 3)[1].mean(axis=1)
    assert np.abs(np.diff(bands)).max() > 3 * np.abs(np.diff(held.mean(axis=1))).max()
    interlaced = rendered("interlace", 3)[1].astype(float)
    assert np.abs(np.diff(interlaced, axis=0)).mean() > 1.3 * np.abs(np.diff(held, axis=0)).mean()
    assert decode(rendered("poster", 3)[1])[0] == Poster().payload


def test_the_verb_writes_frames_with_what_they_show(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "frames"
    words = ["frames", "--out", str(out), "--count", "2", "--condition", "dark", "--condition", "held", "--seed", "7"]
    assert main(words) == 0
    assert sorted(path.name for path in out.glob("*.png")) == [
        "dark-001.png", "dark-002.png", "held-001.png", "held-002.png"
    ]  # fmt: skip
    assert "dark-*.png  2" in capsys.readouterr().out
    shown = {path.read_bytes() for path in out.glob("*.bin")}
    assert len(shown) == 4
    for path in out.glob("*.bin"):
        path.unlink()
    reader = open_reader(str(out))
    assert {reading.payload for _ in range(4) if (reading := reader.read(0))} == shown
    first = (out / "held-002.png").read_bytes()
    assert main([*words, "--code", str(out / "held-001.png")]) == 0
    assert len({path.read_bytes() for path in out.glob("*.bin")}) == 1
    assert main(words) == 0
    assert (out / "held-002.png").read_bytes() == first


def test_the_verb_says_what_it_cannot_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "taken").write_bytes(b"")
    assert main(["frames", "--out", str(tmp_path / "taken")]) != 0
    assert "cannot be written" in capsys.readouterr().err
    (tmp_path / "long.bin").write_bytes(b"\x80" * 3000)
    monkeypatch.setenv("YIMA_LANG", "zh")
    assert main(["frames", "--out", str(tmp_path / "out"), "--code", str(tmp_path / "long.bin")]) != 0
    assert f"{tmp_path / 'long.bin'}: 超出二维码的容量" in capsys.readouterr().err


def test_the_verb_offers_what_there_is() -> None:
    assert set(frames._CONDITIONS) == set(CONDITIONS)
