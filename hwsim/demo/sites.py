"""Places where riders tap: simulated hardware around a real device process.

A site shows something to its reader and listens to what the device says about it. The device is `yima run`, a process
of its own that reaches its hardware through the ports: a pty or a frame socket, and a gate socket.

Rules it keeps:
- One presentation at a time; whatever a device says is kept for the accounts, also what nobody waited for.
- The phone is held until the device has answered, as riders do, but not for ever.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from yima.hwsim.bus import BusValidator
from yima.hwsim.commands import Command, Receipt, Verb
from yima.hwsim.demo.accounts import Tap
from yima.hwsim.frames import FrameServer
from yima.hwsim.gate import Event, MetroGate
from yima.hwsim.gate_link import GateServer, Hardware
from yima.hwsim.phone import Phone
from yima.hwsim.processes import Process
from yima.hwsim.scanner import SerialScanner
from yima.validator.judging import Reason
from yima.validator.parameters import Mode
from yima.validator.texts import Text

BAUD = 115200
ANSWER_S = 5.0  # a device that has not answered by then does not answer
_GAP_MS = 60  # silence that ends a frame: long, because a busy machine may hold up the simulated scanner
_FRAME_S = 1 / 30
_HELD_FRAMES = 3  # the phone stays this long after the answer


class Site:
    """One device and the hardware around it. reader: the device's --reader; mode: what kind of gate it is."""

    def __init__(self, mode: Mode, device: str, hardware: Hardware, gate_path: Path, closing: ExitStack) -> None:
        self.mode = mode
        self.device = device
        self.reader = ""
        self.gate = f"sim:{gate_path}"
        self.taps: list[Tap] = []
        self.notices: list[dict[str, Any]] = []
        self.opened = 0
        self.process: Process | None = None
        self._server = closing.enter_context(GateServer(gate_path, hardware, self._heard))

    @property
    def running(self) -> Process:
        """The device's process; it must have been started."""
        assert self.process is not None
        return self.process

    @property
    def linked(self) -> bool:
        """Whether the device is connected to all its hardware."""
        return self._server.linked

    def present(self, payload: bytes, *, again: bool) -> Tap | None:
        """Shows a payload and returns the device's answer, None if there was none in time.

        again: the answer wanted is that to the same presentation; else answers `again` are those of a phone that is
        still in view, and the first other one is wanted.
        """
        self.listen(0.0)
        answer: Tap | None = None
        other: Tap | None = None
        deadline = time.monotonic() + ANSWER_S
        for pause_s in self._show(payload):
            until = time.monotonic() + pause_s
            while answer is None and (tap := self._tap(until - time.monotonic())):
                answer, other = (tap, other) if tap.again == again else (None, tap)
            if answer is not None or time.monotonic() > deadline:
                break
        self._answered(payload, answer)
        return answer or other

    def jam(self) -> None:
        """From now on the gate does not open, and says so."""

    def reset(self) -> None:
        """Staff sets it right."""

    def listen(self, timeout_s: float) -> None:
        """Takes in what the device still says, until it has been silent for timeout_s."""
        while self._tap(timeout_s):
            pass

    def differences(self) -> list[Text]:
        """What the hardware and the device's own last words contradict in what the device has said."""
        accepted = sum(tap.reason is Reason.ACCEPTED and not tap.again for tap in self.taps)
        recorded = sum(not tap.again for tap in self.taps)
        found = []
        if self.opened != accepted:
            found.append(
                Text(
                    f"{self.device}: {accepted} riders were accepted, the gate opened {self.opened} times",
                    f"{self.device}：放行 {accepted} 人，闸门开启 {self.opened} 次",
                )
            )
        ended = next((notice for notice in self.notices if notice["event"] == "stopped"), None)
        reversals = sum(tap.reversed for tap in self.taps)
        due = (len(self.taps), recorded, reversals)
        if ended is None or (ended["taps"], ended["recorded"], ended["reversed"]) != due:
            found.append(
                Text(
                    f"{self.device}: it ended with {ended}, after {due[0]} taps, {due[1]} records, {due[2]} reversals",
                    f"{self.device}：结束时报告 {ended}，实为刷码 {due[0]} 次、记录 {due[1]} 条、冲正 {due[2]} 次",
                )
            )
        return found

    def _show(self, payload: bytes) -> Iterator[float]:
        """Shows the payload; yields the seconds to wait for an answer before more is shown."""
        raise NotImplementedError

    def _answered(self, payload: bytes, answer: Tap | None) -> None:
        """What happens at the gate after the answer."""

    def _tap(self, timeout_s: float) -> Tap | None:
        until = time.monotonic() + timeout_s
        while (line := self.running.said(until - time.monotonic())) is not None:
            if line["event"] == "tap":
                tap = Tap.of(line)
                self.taps.append(tap)
                return tap
            self.notices.append(line)
        return None

    def _heard(self, command: Command, receipt: Receipt) -> None:
        self.opened += command.verb is Verb.OPEN and receipt.done


class BusSite(Site):
    """A bus validator: a scanner on a serial line, lamp, buzzer and display."""

    def __init__(self, device: str, directory: Path, closing: ExitStack) -> None:
        self.bus = BusValidator()
        super().__init__(Mode.BUS, device, self.bus, directory / "bus.sock", closing)
        self._scanner = closing.enter_context(SerialScanner(baud=BAUD))
        self.reader = f"serial:{self._scanner.path}?baud={BAUD}&gap_ms={_GAP_MS}"

    def _show(self, payload: bytes) -> Iterator[float]:
        self._scanner.scan(payload)
        yield ANSWER_S


class MetroSite(Site):
    """A metro gate: a camera, and leaves that let one rider through."""

    def __init__(self, device: str, directory: Path, seed: int, closing: ExitStack) -> None:
        self.leaves = MetroGate()
        super().__init__(Mode.METRO, device, self.leaves, directory / "gate.sock", closing)
        self._frames = closing.enter_context(FrameServer(directory / "frames.sock"))
        self._phone = Phone(np.random.default_rng(seed))
        self.reader = f"frames:{self._frames.path}"

    @property
    def linked(self) -> bool:
        """Whether the device is connected to all its hardware."""
        return super().linked and self._frames.clients > 0

    def differences(self) -> list[Text]:
        """As for any site, and whoever was accepted has walked through."""
        found = super().differences()
        condition = self.leaves.condition
        if condition.passed != self.opened or condition.alarm:
            found.append(
                Text(
                    f"{self.device}: {self.opened} riders were let in, {condition.passed} passed",
                    f"{self.device}：放行 {self.opened} 人，通过 {condition.passed} 人",
                )
            )
        return found

    def jam(self) -> None:
        """Somebody forces the leaves: the alarm."""
        self._step(Event.FORCED_ENTRY)

    def reset(self) -> None:
        """Staff looks and resets the gate."""
        self._step(Event.RESET)

    def _show(self, payload: bytes) -> Iterator[float]:
        for frame in self._phone.approach(payload, coming=3, held=int(ANSWER_S / _FRAME_S), leaving=0):
            begun = time.monotonic()
            self._frames.push(frame)
            yield max(0.0, _FRAME_S - (time.monotonic() - begun))

    def _answered(self, payload: bytes, answer: Tap | None) -> None:
        for frame in self._phone.approach(payload, coming=0, held=_HELD_FRAMES, leaving=2):
            self._frames.push(frame)
            self.listen(_FRAME_S)
        self._frames.push(self._phone.frame(None))
        if answer is not None and answer.reason == 0 and not answer.again:
            self._step(Event.PERSON_ENTERS)
            self.listen(_FRAME_S)
            self._step(Event.PERSON_LEAVES)

    def _step(self, event: Event) -> None:
        with self._server.lock:
            self.leaves.handle(event, time.monotonic_ns() // 1_000_000)
