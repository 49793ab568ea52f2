"""How long a tap takes, part by part: judging, reading a frame, the journal, from the last byte to the gate.

Everything measured is the real part: the core through its Python face, the camera's decoder, the journal on a disk, the
serial reader on a pty. Only scanner, phone and gate are simulated, and they are not timed.
"""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.measurement import Series, timed
from yima.hwsim.demo.cast import Cast, make_cast
from yima.hwsim.demo.city_package import write_package
from yima.hwsim.demo.fares import GATES
from yima.hwsim.phone import Phone
from yima.hwsim.scanner import SerialScanner
from yima.sdk.issuer import make_issuer, make_rider
from yima.sdk.profiles.yangtze_delta.issuers import rider_data
from yima.validator.clock import SystemClock
from yima.validator.device import Device
from yima.validator.happenings import Tap
from yima.validator.journal import SegmentJournal
from yima.validator.judging import Moment, Validator, Verdict
from yima.validator.judging.record import Terminal, tap_entry
from yima.validator.parameters import Mode, Parameters
from yima.validator.readers.decoders import decoder_named
from yima.validator.readers.serial import SerialReader
from yima.validator.texts import Text

_PLACE = GATES[Mode.METRO]
_ENTRY, _FARE_FEN = 101, 500  # the longest ride of that exit
_BAUD = 115200
_FRAMES_MOST = 200  # a rendered frame is 300 KB


class Bench:
    """A world to measure in. rounds: how many values a series has. directory: for journals."""

    def __init__(self, rounds: int, directory: Path) -> None:
        self._rounds = rounds
        self._directory = directory
        self._now = int(time.time())
        self._cast: Cast = make_cast(self._now)
        self._parameters: Parameters = self._load()

    def measure(self) -> Iterator[Series]:
        """Every series, one after the other."""
        yield self._judge_known()
        yield self._judge_new()
        yield self._judge_garbage()
        yield self._frame_to_verdict()
        yield self._journal_commit()
        yield from self._byte_to_gate()

    def _judge_known(self) -> Series:
        codes = self._codes(self._rounds + 64)
        gate = Validator(self._parameters, _PLACE)
        for code in codes[:64]:  # the issuer becomes known, and earns its table in idle time
            gate.judge(code, self._now)
            gate.idle()
        while gate.idle():
            pass
        values = timed(lambda code: _accepted(gate.judge(code, self._now)), codes[64:])
        return Series(name="judge_known_issuer", what=Text("judge, issuer known", "判定（已知机构）"), values_us=values)

    def _judge_new(self) -> Series:
        institution = self._cast.institutions[0]
        codes = []
        for serial in range(self._rounds):
            issuer = make_issuer(self._cast.roots[0], institution.organisation, serial=serial)
            rider = make_rider(
                issuer,
                payment_account="TEST-BENCH",
                card_account=f"99{serial:018}",
                platform=institution.platform,
                authorised_until=self._now + 86400,
                issuer_data=rider_data(institution.city, station=_ENTRY, entered_at=self._now - 600),
            )
            codes.append(rider.code(self._now))
        gate = Validator(self._parameters, _PLACE)
        values = timed(lambda code: _accepted(gate.judge(code, self._now)), codes)
        return Series(name="judge_new_issuer", what=Text("judge, issuer new", "判定（新机构）"), values_us=values)

    def _judge_garbage(self) -> Series:
        chance = np.random.default_rng(1)
        gate = Validator(self._parameters, _PLACE)
        values = timed(lambda data: gate.judge(data, self._now), (chance.bytes(350) for _ in range(self._rounds)))
        return Series(name="judge_garbage", what=Text("judge, random bytes", "判定（随机字节）"), values_us=values)

    def _frame_to_verdict(self) -> Series:
        count = min(self._rounds, _FRAMES_MOST)
        phone = Phone(np.random.default_rng(1))
        frames = [phone.frame(code) for code in self._codes(count)]
        gate = Validator(self._parameters, _PLACE)
        decode = decoder_named("zxing")
        unread = 0

        def to_verdict(frame: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> None:
            nonlocal unread
            payloads = decode(frame)
            unread += not payloads
            for payload in payloads:
                _accepted(gate.judge(payload, self._now))

        values = timed(to_verdict, frames)
        return Series(
            name="frame_to_verdict",
            what=Text("camera frame (640 x 480) to verdict", "摄像头画面 (640 x 480) 到判定"),
            values_us=values,
            note=f"{unread} of {count} frames unread",
        )

    def _journal_commit(self) -> Series:
        gate = Validator(self._parameters, _PLACE)
        moment = Moment.at(self._now)
        records = []
        for number, code in enumerate(self._codes(self._rounds)):
            verdict = gate.judge(code, moment)
            records.append(
                tap_entry(
                    gate,
                    verdict,
                    terminal=Terminal(terminal="bench"),
                    record_id=f"bench-{number}",
                    moment=moment,
                    run=1,
                )
            )
        journal = SegmentJournal(self._directory / "commit", "bench", epoch_for_new=1)
        values = timed(journal.append, records)
        journal.close()
        return Series(
            name="journal_commit",
            what=Text("journal append, flushed", "日志落盘"),
            values_us=values,
        )

    def _byte_to_gate(self) -> Iterator[Series]:
        codes = self._codes(self._rounds)
        gate = _Gate()
        taps: list[Tap] = []
        left_ns: list[int] = []
        stop = threading.Event()
        with SerialScanner(baud=_BAUD, suffix=b"") as scanner:
            device = Device(
                reader=SerialReader(scanner.path, baud=_BAUD),
                validator=Validator(self._parameters, _PLACE),
                journal=SegmentJournal(self._directory / "device", "bench", epoch_for_new=1),
                gate=gate,
                clock=SystemClock(),
                terminal=Terminal(terminal="bench"),
                on_tap=taps.append,
            )
            thread = threading.Thread(target=device.run, args=(stop,))
            thread.start()
            try:
                for code in codes:
                    gate.told.clear()
                    left_ns.append(scanner.scan(code)[1])
                    if not gate.told.wait(5):
                        raise RuntimeError("the device did not answer within 5 s")
            finally:
                stop.set()
                thread.join()
        values = tuple((told - left) / 1000 for told, left in zip(gate.times_ns, left_ns, strict=True))
        yield Series(
            name="byte_to_gate",
            what=Text("last serial byte to gate command", "串口末字节到闸机命令"),
            values_us=values,
            note="scanner and device share one Python process",
        )
        yield Series(
            name="byte_to_gate_device",
            what=Text("the same, by the device's own clock", "同上（设备自计）"),
            values_us=tuple(tap.total_ms * 1000 for tap in taps),
        )

    def _codes(self, count: int) -> list[bytes]:
        """Fresh codes, each of a rider of their own, from one institution."""
        institution = self._cast.institutions[0]
        return [
            make_rider(
                institution.issuer,
                payment_account="TEST-BENCH",
                card_account=f"98{number:018}",
                platform=institution.platform,
                authorised_until=self._now + 86400,
                issuer_data=rider_data(institution.city, station=_ENTRY, entered_at=self._now - 600),
            ).code(self._now)
            for number in range(count)
        ]

    def _load(self) -> Parameters:
        return write_package(self._cast, self._directory, self._now).load(self._now)


class _Gate:
    """Notes when it was told to open."""

    senses_passage = False

    def passages(self) -> tuple[bool, ...]:
        return ()

    def __init__(self) -> None:
        self.times_ns: list[int] = []
        self.told = threading.Event()

    def open(self, verdict: Verdict) -> None:
        self.times_ns.append(time.monotonic_ns())
        _accepted(verdict)
        self.told.set()

    def refuse(self, verdict: Verdict) -> None:
        _accepted(verdict)

    def show_again(self, verdict: Verdict) -> None:
        _accepted(verdict)

    def close(self) -> None:
        """Nothing to release."""


def _accepted(verdict: Verdict) -> None:
    """A benchmark of refusals by mistake would be fast and meaningless."""
    if not verdict.accepted or verdict.fare_fen != _FARE_FEN:
        raise RuntimeError(f"a code of the benchmark was refused: {verdict.reason.english}")
