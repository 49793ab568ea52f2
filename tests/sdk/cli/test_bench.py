"""`yima bench`: a scanner alone is enough to see what it reads, what is wrong with it, and to keep and replay it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.running import whole_scanner
from tests.sdk.conftest import CARD, PAYMENT
from yima.sdk.bench.capture import Level, kept
from yima.sdk.bench.devices import Found, found
from yima.sdk.bench.live import Tally, watch
from yima.sdk.bench.wholeness import is_proved
from yima.sdk.cli import bench
from yima.sdk.cli.main import main
from yima.validator.errors import ReaderError
from yima.validator.ports import Reading
from yima.validator.ports import open_reader as open_by_name
from yima.validator.readers.replay import ReplayReader, open_reader

Bench = Callable[..., tuple[int, str, str]]


class Shown:
    """A scanner and its reader: the next line is sent, in one piece, when the bench has seen the last one and a
    silence behind it, however long that takes: an opening port throws away what came before."""

    def __init__(self, sent: list[bytes]) -> None:
        self.scanner, self._sent, self._awaited = whole_scanner(), list(sent), False

    def open(self, spec: str) -> "Shown":
        self._reader = open_by_name(spec)
        return self

    @property
    def exhausted(self) -> bool:
        return self._reader.exhausted

    def read(self, timeout_s: float) -> Reading | None:
        reading = self._reader.read(min(timeout_s, 0.05))
        if reading is not None:
            self._awaited = False
        elif self._sent and not self._awaited:
            self.scanner.send(self._sent.pop(0))
            self._awaited = True
        return reading

    def close(self) -> None:
        self._reader.close()
        self.scanner.close()


@pytest.fixture
def scans(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Runs `yima bench` on a scanner that sends these lines one after the other: (status, stdout, stderr)."""

    def run(sent: list[bytes], *words: object) -> tuple[int, str, str]:
        shown = Shown(sent)
        with monkeypatch.context() as here:
            here.setattr(bench, "open_reader", shown.open)
            status = main(["bench", f"serial:{shown.scanner.path}", "--count", str(len(sent)), *map(str, words)])
        out, err = capsys.readouterr()
        return status, out, err

    return run


def test_a_scanner_alone_shows_bytes_fields_and_signatures(scans: Bench, code: bytes) -> None:
    status, out, _ = scans([code + b"\r"])
    assert status == 0
    assert f"{len(code)} bytes" in out
    assert "payment account" in out.lower()
    assert "signature 签名 rider: valid" in out
    assert "1 read 读取, 1 whole 完整" in out
    assert PAYMENT not in out
    assert CARD not in out


def test_what_the_scanner_does_to_the_bytes_is_named_with_its_cure(scans: Bench, code: bytes) -> None:
    status, out, _ = scans([code.decode("latin-1").encode() + b"\r"])  # else a code that ends in one loses it
    assert status == 1
    assert "utf8-reencoded" in out
    assert "proved" in out
    assert "set the scanner to raw output" in out


def test_a_program_reads_one_object_a_presentation(scans: Bench, code: bytes) -> None:
    _, out, _ = scans([code, code, b"hello"], "--json")
    first, second, third = (json.loads(line) for line in out.splitlines())
    assert (first["number"], first["family"], first["diagnosis"]["cause"]) == (1, "ministry", "whole")
    assert (first["again"], second["again"]) == (False, True)
    assert third["diagnosis"]["cause"] == "not-a-code"
    assert first["took_ms"] < second["at_ms"] - first["at_ms"]


def test_a_gates_verdict_is_shown_where_there_are_parameters(
    scans: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["issue", "--out", str(tmp_path / "codes"), "--count", "1"]) == 0
    capsys.readouterr()
    code = (tmp_path / "codes" / "code-001.bin").read_bytes()
    _, out, _ = scans([code, code], "--params", tmp_path / "codes" / "params.toml")
    assert "ACCEPTED" in out
    assert "REPEATED" in out or "ACCEPTED" in out.partition("#2")[2]


def test_a_line_on_which_nothing_comes_is_told_what_to_try(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    scanner = whole_scanner()

    def shown_when_told(*words: Any, quiet: Callable[[], None], **more: Any) -> Any:
        def told() -> None:
            quiet()
            scanner.send(b"x\r")

        return watch(*words, quiet=told, **more)

    monkeypatch.setattr(bench, "watch", shown_when_told)
    assert main(["bench", f"serial:{scanner.path}", "--count", "1", "--quiet-s", "1"]) == 1
    scanner.close()
    assert capsys.readouterr().err.count("virtual COM") == 1


# capture and replay


@pytest.mark.parametrize("level", Level)
def test_a_capture_is_replayed_with_its_bytes_as_far_as_it_keeps_them(
    scans: Bench, tmp_path: Path, level: Level, code: bytes
) -> None:
    path = tmp_path / "capture.jsonl"
    scans([code, b"hello"], "--capture", path, "--keep", level)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["size"] for row in rows] == [len(code), 5]
    if level is not Level.RAW:
        assert PAYMENT.encode().hex() not in path.read_text()
        assert CARD not in path.read_text()
    reader = open_reader(f"{path}?speed=0")
    payloads = []
    while not reader.exhausted:
        reading = reader.read(0.1)
        assert reading is not None
        payloads.append(reading.payload)
    whole: dict[Level, list[bytes | None]] = {
        Level.RAW: [code, b"hello"], Level.MASKED: [kept(code, level)], Level.SHAPE: [],
    }  # fmt: skip
    assert payloads == whole[level]
    assert reader.skipped == 2 - len(payloads)


@pytest.mark.parametrize(("language", "said"), [("en", "2 presentations were captured"), ("zh", "2 次出示")])
def test_a_replay_says_how_many_it_has_no_bytes_of(
    language: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug found: of a capture without bytes it said that nothing was read, and of the masked ones nothing at all."""
    monkeypatch.setenv("YIMA_LANG", language)
    path = tmp_path / "capture.jsonl"
    path.write_text('{"at_ms": 1, "last_ms": 2, "size": 364}\n' * 2)
    assert main(["bench", f"replay:{path}?speed=0"]) == 1
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("spec", ["serial:/dev/nowhere", "replay:{path}"])
def test_a_capture_that_is_there_stays_whatever_is_read(
    spec: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "capture.jsonl"
    path.write_text('{"at_ms": 1, "last_ms": 2, "payload": "80"}\n')
    before = path.read_bytes()
    assert main(["bench", spec.format(path=path), "--capture", str(path)]) in (3, 4)
    assert path.read_bytes() == before
    assert "Traceback" not in capsys.readouterr().err


def test_a_reader_that_cannot_be_opened_leaves_no_capture(tmp_path: Path) -> None:
    path = tmp_path / "capture.jsonl"
    assert main(["bench", "serial:/dev/nowhere", "--capture", str(path)]) == 4
    assert not path.exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has it")
def test_what_a_full_disk_could_not_keep_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "source.jsonl"
    source.write_text('{"at_ms": 1, "last_ms": 2, "payload": "80"}\n')
    whole = Path.open

    def full(path: Path, mode: str = "r", **how: Any) -> Any:
        return whole(Path("/dev/full"), "wb", **how) if "x" in mode else whole(path, mode, **how)

    monkeypatch.setattr(Path, "open", full)
    assert main(["bench", f"replay:{source}?speed=0", "--capture", str(tmp_path / "new.jsonl")]) == 3
    assert "cannot be written (No space left" in capsys.readouterr().err


def test_a_reader_that_is_lost_leaves_the_summary(
    monkeypatch: pytest.MonkeyPatch, code: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    scanner = whole_scanner()
    said = bench.lines

    def then_pulled(shown: Any) -> str:
        scanner.close()
        return said(shown)

    monkeypatch.setattr(bench, "lines", then_pulled)

    def and_scanned(spec: str) -> Any:
        reader = open_by_name(spec)
        scanner.send(code + b"\r")
        return reader

    monkeypatch.setattr(bench, "open_reader", and_scanned)
    assert main(["bench", f"serial:{scanner.path}"]) == 4
    out, err = capsys.readouterr()
    assert "1 read 读取, 1 whole 完整" in out
    assert "gone while reading" in err


def test_a_masked_code_has_its_shape_and_nothing_of_its_rider(code: bytes) -> None:
    masked = kept(code, Level.MASKED)
    assert masked is not None
    assert len(masked) == len(code)
    assert masked[:120] == code[:120]
    assert not is_proved(masked)
    assert PAYMENT.encode() not in masked
    assert bytes.fromhex(CARD) not in masked


def test_a_replay_of_a_masked_capture_shows_it_again_and_nothing_of_it_is_damaged(
    scans: Bench, tmp_path: Path, code: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "capture.jsonl"
    scans([code], "--capture", path)
    assert main(["bench", f"replay:{path}?speed=0"]) == 0
    out = capsys.readouterr().out
    assert "1 read 读取, 1 whole 完整" in out
    assert "signature 签名 rider: not kept" in out
    assert "¥20.00" in out
    assert "byte 字节" not in out
    assert main(["inspect", "--hex", json.loads(path.read_text())["payload"]]) == 0
    assert "not kept 记录中未保存" in capsys.readouterr().out


def test_a_replay_keeps_the_times(tmp_path: Path) -> None:
    path = tmp_path / "capture.jsonl"
    rows: list[dict[str, Any]] = [
        {"at_ms": 10.0, "last_ms": 40.0, "payload": "80"},
        {"at_ms": 60.0, "last_ms": 61.5, "payload": "81", "faults": ["x"]},
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    reader = ReplayReader(path)
    first, second = reader.read(5), reader.read(5)
    assert first is not None
    assert second is not None
    assert (first.last_ns - first.first_ns, second.first_ns - first.first_ns) == (30_000_000, 50_000_000)
    assert second.faults == ("x",)
    assert reader.exhausted


@pytest.mark.parametrize(
    "line", ["{", "[]", "5", "null", '{"at_ms": 1}', '{"at_ms": 2, "last_ms": 1, "payload": "80"}']
)
def test_a_line_that_is_no_presentation_is_named(line: str, tmp_path: Path) -> None:
    path = tmp_path / "capture.jsonl"
    path.write_text('{"at_ms": 1, "last_ms": 2, "payload": "80"}\n' + line + "\n")
    with pytest.raises(ReaderError, match="line 2"):
        ReplayReader(path)


# what is plugged in


def test_without_a_specification_the_only_device_is_taken_and_of_several_none(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = Found("serial:/dev/ttyACM0", "Barcode Scanner"), Found("camera:/dev/video0", "Webcam")
    assert bench._only([one]) == one.spec
    for devices, said in (([one, other], "several can be read from"), ([], "no scanner and no camera")):
        monkeypatch.setattr(bench, "found", lambda devices=devices: devices)
        with pytest.raises(bench.BenchError, match=said):
            bench.run(bench_arguments())


def test_cameras_are_found_by_the_names_that_the_system_has(tmp_path: Path) -> None:
    (tmp_path / "video0").mkdir()
    (tmp_path / "video0" / "name").write_text("HD Webcam\n")
    assert Found("camera:/dev/video0", "HD Webcam") in found(tmp_path)


def test_the_summary_has_a_bar_for_each_time() -> None:
    tally = Tally(presentations=3, whole=3, took_ms=[0.5, 30.0, 31.0])
    assert [(upper, count) for upper, count, _ in tally.histogram()] == [("< 1 ms", 1), ("< 32 ms", 2)]


def bench_arguments() -> Any:
    """Those of `yima bench` alone."""
    import argparse

    parser = argparse.ArgumentParser()
    bench.add_arguments(parser)
    return parser.parse_args([])
