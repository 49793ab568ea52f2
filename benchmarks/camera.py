"""`python -m benchmarks.camera`: the camera reader's passes beside bare zxing-cpp, frame by frame, in one run.

What the numbers are:
- `zxing`: zxing-cpp with formats=QRCode, its other options as they come. `yima`: yima.validator.readers.ladder. Both
  look at the same frame one after the other, who is first changes; process CPU time of one thread.
- A frame is read if the code in it is among the payloads. Wrong: a payload that is neither it nor what hangs beside it.
- Frames stand alone: each gets a reader that has seen none before, with the dear pass whose turn it is by the frame's
  number. Sequences (--sequences) and recorded frames (--frames) have one reader for all. Photographs (--photos) are
  read as single pictures, all passes at once, in four rotations.
It reports and never judges.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import zxingcpp
from rich.console import Console
from rich.table import Table

from benchmarks import camera_scenes as scenes
from benchmarks.camera_scenes import Shot
from benchmarks.measurement import machine
from yima.hwsim.latency import percentile
from yima.sdk.cli.arguments import WholeNumber
from yima.validator.readers.decoders import Gray
from yima.validator.readers.ladder import Ladder
from yima.validator.texts import Text, say

Read = Callable[[Gray], list[bytes]]

_QR_CODES = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
_FRAME_MS = 1000 / 30


@dataclass(slots=True)
class Side:
    """What one of the two did with a set."""

    read: int = 0
    wrong: int = 0
    times_ms: list[float] = field(default_factory=list)

    def __iadd__(self, other: "Side") -> "Side":
        self.read += other.read
        self.wrong += other.wrong
        self.times_ms += other.times_ms
        return self

    def look(self, shot: Shot, read: Read) -> None:
        """Reads one frame."""
        begun = time.process_time_ns()
        payloads = read(shot.gray)
        self.times_ms.append((time.process_time_ns() - begun) / 1e6)
        self.read += not shot.codes.isdisjoint(payloads)
        self.wrong += sum(payload not in shot.codes | shot.beside for payload in payloads)

    def as_mapping(self) -> dict[str, object]:
        """For JSON."""
        ordered = sorted(self.times_ms)
        times = {f"p{at}_ms": round(percentile(ordered, at), 3) for at in (50, 99)}
        return {"read": self.read, "wrong": self.wrong, **times}


def zxing(gray: Gray) -> list[bytes]:
    """As zxing-cpp comes."""
    return [bytes(code.bytes) for code in zxingcpp.read_barcodes(gray, formats=_QR_CODES)]


def contest(shots: Iterable[Shot], ours: Callable[[int], Read]) -> dict[str, Side]:
    """Both on every frame. ours: the reader for the frame of a number."""
    sides = {"zxing": Side(), "yima": Side()}
    for number, shot in enumerate(shots):
        reads = {"zxing": zxing, "yima": ours(number)}
        for side in sorted(reads, reverse=bool(number % 2)):
            sides[side].look(shot, reads[side])
    return sides


def compared(name: str, sides: dict[str, Side]) -> dict[str, object]:
    """One row: both sides and their ratios, ours to zxing's; None where zxing has nothing to divide by."""
    frames = len(sides["zxing"].times_ms)
    row: dict[str, object] = {"name": name, "frames": frames}
    if not frames:
        return row
    row |= {side: of.as_mapping() for side, of in sides.items()}
    middle = {side: percentile(sorted(of.times_ms), 50) for side, of in sides.items()}
    row["reads_ratio"] = round(sides["yima"].read / sides["zxing"].read, 2) if sides["zxing"].read else None
    row["median_ratio"] = round(middle["yima"] / middle["zxing"], 2)
    return row


def rendered(number: int) -> list[dict[str, object]]:
    """All rendered sets, and the severities of each size together."""
    rows = []
    sums = {size: {"zxing": Side(), "yima": Side()} for size in scenes.SIZES}
    for name, shots in scenes.sets(number):
        sides = contest(shots, lambda index: Ladder(index).frame)
        rows.append(compared(name, sides))
        size, _, of = name.partition(", ")
        if of.startswith("severity"):
            for side, found in sides.items():
                sums[size][side] += found
    return rows + [compared(f"{size}, all severities", sides) for size, sides in sums.items()]


def sequences(number: int, severities: Iterable[int] = range(1, 7)) -> list[dict[str, Any]]:
    """For each size and severity (poor optics are those from 4 on): of so many phones coming near, how many are read,
    and after how long at 30 frames a second (mean over those that both read)."""
    rows: list[dict[str, Any]] = []
    for size in scenes.SIZES:
        for severity in severities:
            firsts: list[dict[str, int]] = []
            for seed, _ in zip(scenes.seeds(), range(number), strict=False):
                code, frames = scenes.approach(size, severity, seed)
                reads, first = {"zxing": zxing, "yima": Ladder(seed).frame}, dict[str, int]()
                for index, gray in enumerate(frames):
                    for side in reads.keys() - first.keys():
                        if code in reads[side](gray):
                            first[side] = index
                firsts.append(first)
            both = [first for first in firsts if len(first) == 2]
            row: dict[str, object] = {"name": f"{size}, coming near, severity {severity}", "sequences": number}
            for side in ("zxing", "yima"):
                mean = sum(first[side] for first in both) / len(both) * _FRAME_MS if both else None
                opened = sum(side in first for first in firsts)
                row[side] = {"opened": opened, "mean_ms": None if mean is None else round(mean)}
            rows.append(row)
    return rows


def measure(number: int, frames: Path | None, photos: Path | None, approaches: int) -> dict[str, object]:
    """Everything that `--json` prints but the machine."""
    cv2.setNumThreads(1)
    rows = rendered(number)
    if frames:
        one = Ladder()
        recorded = contest(scenes.photographs(frames, turned=False), lambda _: one.frame)
        rows.append(compared("recorded frames", recorded))
    if photos:
        pictures = contest(scenes.photographs(photos, turned=True), lambda _: Ladder().picture)
        rows.append(compared("photographs", pictures))
    return {"sets": rows, "sequences": sequences(approaches) if approaches else []}


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.camera",
        description="the camera reader beside bare zxing-cpp: reads and CPU time 摄像头读码与裸 zxing-cpp 对照",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object 输出 JSON")
    each = "frames for each set and severity, default 30 每组帧数"
    parser.add_argument("--rounds", type=WholeNumber(1, 10_000), default=30, metavar="N", help=each)
    recorded = "recorded frames, as one camera gives them 录制的帧"
    parser.add_argument("--frames", type=Path, metavar="DIR", help=recorded)
    parser.add_argument("--photos", type=Path, metavar="DIR", help="photographs, with what is in them 照片及其内容")
    near = "phones coming near for each size and severity, default 0 靠近过程次数"
    parser.add_argument("--sequences", type=WholeNumber(0, 1000), default=0, metavar="N", help=near)
    arguments = parser.parse_args()
    for folder in (arguments.frames, arguments.photos):
        if folder and not folder.is_dir():
            parser.error(f"{folder}: there is no such folder 没有这个文件夹")
    with Console(stderr=True).status(say(Text("measuring", "测量中"))):
        found = measure(arguments.rounds, arguments.frames, arguments.photos, arguments.sequences)
    if arguments.json:
        with tempfile.TemporaryDirectory(prefix="yima-bench-") as directory:
            print(json.dumps({**found, "machine": machine(Path(directory))}, ensure_ascii=False, indent=1))
    else:
        _show(found)


def _show(found: dict[str, object]) -> None:
    console = Console(highlight=False)
    for rows in found.values():
        assert isinstance(rows, list)
        if not rows:
            continue
        columns = list(dict.fromkeys(key for row in rows for key in row if key not in ("zxing", "yima")))
        both = list(dict.fromkeys(key for row in rows for key in row.get("zxing", ())))
        table = Table(box=None, padding=(0, 1))
        for heading in (*columns, *(f"{side} {key}" for key in both for side in ("zxing", "yima"))):
            table.add_column(heading, justify="left" if heading == "name" else "right")
        for row in rows:
            pairs = (row.get(side, {}).get(key, "") for key in both for side in ("zxing", "yima"))
            table.add_row(*(str(row.get(key, "")) for key in columns), *(str(value) for value in pairs))
        console.print(table)


if __name__ == "__main__":
    main()
