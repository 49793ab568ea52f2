"""gdb's remote serial protocol, as far as a debugger of one Cortex-M needs it: bytes in, bytes out, no I/O.

Source: "Debugging with GDB", appendix E, and its target description feature org.gnu.gdb.arm.m-profile.

Rules it keeps:
- What comes in is anybody's: any bytes give an answer, silence or ProtocolError, after which the link is given up.
- An unknown packet is answered with the empty one, which tells gdb to do without; so is every optional one.
- While the processor runs only the interrupt byte is heard.
"""

from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Final, Protocol

PACKET_MAX: Final = 4096
"""Characters of one packet without its frame, either way; so memory is read and written by half as many bytes."""
PC: Final = 15
SIGINT: Final = 2
SIGTRAP: Final = 5
SIGSEGV: Final = 11
_REGISTERS: Final = (*(f"r{number}" for number in range(13)), "sp", "lr", "pc", "xpsr")
_XPSR_NUMBER: Final = 25  # gdb's; before it come registers that this profile has not
_ERROR: Final = b"E01"
_FAULT: Final = b"E0e"
_TYPES: Final = {"sp": "data_ptr", "lr": "code_ptr", "pc": "code_ptr"}
TARGET_XML: Final = (
    '<?xml version="1.0"?><!DOCTYPE target SYSTEM "gdb-target.dtd"><target version="1.0">'
    '<architecture>arm</architecture><feature name="org.gnu.gdb.arm.m-profile">'
    + "".join(
        f'<reg name="{name}" bitsize="32"'
        + (f' type="{_TYPES[name]}"' if name in _TYPES else "")
        + (f' regnum="{_XPSR_NUMBER}"' if name == "xpsr" else "")
        + "/>"
        for name in _REGISTERS
    )
    + "</feature></target>"
).encode()


class ProtocolError(Exception):
    """Whoever speaks there is no debugger."""


class Target(Protocol):
    """What is debugged. Registers are r0 to r15, then xPSR."""

    def attach(self) -> None:
        """A debugger comes: stops the processor."""

    def registers(self) -> list[int]:
        """All of them."""

    def set_register(self, number: int, value: int) -> None:
        """Changes one. value: 32 bits."""

    def read(self, address: int, size: int) -> bytes:
        """Memory; less than `size` bytes where it ends, none where there is none."""

    def write(self, address: int, data: bytes) -> bool:
        """Changes memory; False, and nothing is changed, where that cannot be."""

    def set_breakpoint(self, address: int, there: bool) -> bool:
        """Puts one there or takes it away; False where none can be."""

    def halt(self) -> None:
        """Stops the processor, as the debugger asks for it."""

    def resume(self, *, step: bool) -> None:
        """Lets it go on, or do one instruction. Whoever runs it says when it has stopped: Stub.stopped."""

    def detach(self) -> None:
        """The debugger leaves: no breakpoints, the processor goes on."""

    def kill(self) -> None:
        """The debugger ends it all."""


class Sign(Enum):
    """What comes in beside packets."""

    INTERRUPT = "interrupt"
    REPEAT = "repeat"
    DAMAGED = "damaged"


class Packets:
    """Splits what comes in. Keeps no more than one packet."""

    def __init__(self) -> None:
        self._packet: bytearray | None = None  # from the dollar sign on

    def feed(self, data: bytes) -> Iterator[bytes | Sign]:
        """Packets, unescaped, and signs, in order. Raises ProtocolError for a packet that is too long."""
        for byte in data:
            if self._packet is None:
                if byte == 0x03:
                    yield Sign.INTERRUPT
                elif byte == ord("-"):
                    yield Sign.REPEAT
                elif byte == ord("$"):
                    self._packet = bytearray()
                continue
            self._packet.append(byte)
            if len(self._packet) > PACKET_MAX + 3:
                raise ProtocolError(f"a packet of more than {PACKET_MAX} characters")
            if self._packet[-3:-2] == b"#" and self._packet.find(b"#") == len(self._packet) - 3:
                body, check = bytes(self._packet[:-3]), bytes(self._packet[-2:])
                self._packet = None
                yield _unescaped(body) if _hex(check) == sum(body) & 0xFF else Sign.DAMAGED


class Stub:
    """One debugger's visit. It begins with the first packet, at which the processor is halted."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._packets = Packets()
        self._acknowledging = True
        self._running = False
        self._reason = SIGTRAP
        self._sent = b""
        self.begun = False
        """It has said something that only a debugger says."""
        self.left = False
        """It detached, or ended the board."""

    def receive(self, data: bytes) -> bytes:
        """What to answer. Raises ProtocolError."""
        answer = b""
        for item in self._packets.feed(data):
            if self.left:
                break
            if item is Sign.INTERRUPT:
                answer += self._interrupt()
            elif item is Sign.REPEAT:
                answer += self._sent if self._acknowledging else b""
            elif item is Sign.DAMAGED:
                answer += b"-" if self._acknowledging else b""
            elif isinstance(item, bytes) and not self._running:
                if not self.begun:
                    self.begun = True
                    self._target.attach()
                answer += b"+" if self._acknowledging else b""
                reply = self._obey(item)
                answer += b"" if reply is None else self._packed(reply)
                self._acknowledging = self._acknowledging and item != b"QStartNoAckMode"
        return answer

    def stopped(self, signal: int = SIGTRAP) -> bytes:
        """The processor stopped: what to tell the debugger."""
        if not self._running:
            return b""
        self._running, self._reason = False, signal
        return self._packed(b"S%02x" % signal)

    def ended(self) -> bytes:
        """There is nothing to debug any more: what to tell the debugger."""
        self.left = True
        return self._packed(b"X%02x" % SIGSEGV) if self._running else b""

    def _interrupt(self) -> bytes:
        if not self._running:
            return b""  # it had stopped already, and that is told
        self._target.halt()
        return self.stopped(SIGINT)

    def _obey(self, packet: bytes) -> bytes | None:
        """The reply; None: there is none, or not yet."""
        answer = _ANSWERS.get(packet[:1])
        return answer(self, packet) if answer else b""

    def _go_on(self, packet: bytes) -> bytes | None:
        if len(packet) > 1:
            return b""  # at another address: gdb writes the program counter instead
        self._running = True
        self._target.resume(step=packet == b"s")
        return None

    def _say_why(self, _: bytes) -> bytes:
        return b"S%02x" % self._reason

    def _kill(self, _: bytes) -> None:
        self.left = True
        self._target.kill()

    def _detach(self, _: bytes) -> bytes:
        self.left = True
        self._target.detach()
        return b"OK"

    def _choose_thread(self, _: bytes) -> bytes:
        return b"OK"  # there is one

    def _read_all(self, _: bytes) -> bytes:
        return b"".join(value.to_bytes(4, "little") for value in self._target.registers()).hex().encode()

    def _write_all(self, packet: bytes) -> bytes:
        values = _bytes_of(packet[1:])
        if values is None or len(values) != 4 * len(_REGISTERS):
            return _ERROR
        for number, old in enumerate(self._target.registers()):
            value = int.from_bytes(values[4 * number : 4 * number + 4], "little")
            if value != old:
                self._target.set_register(number, value)
        return b"OK"

    def _write_one(self, packet: bytes) -> bytes:
        name, _, text = packet[1:].partition(b"=")
        number, value = _hex(name), _bytes_of(text)
        if number == _XPSR_NUMBER:
            number = PC + 1
        elif number is None or number > PC:
            return _ERROR
        if value is None or len(value) != 4:
            return _ERROR
        self._target.set_register(number, int.from_bytes(value, "little"))
        return b"OK"

    def _read(self, packet: bytes) -> bytes:
        place = _place(packet[1:])
        if place is None:
            return _ERROR
        address, size = place
        return self._target.read(address, min(size, PACKET_MAX // 2)).hex().encode() or (_FAULT if size else b"")

    def _write(self, packet: bytes) -> bytes:
        where, _, text = packet[1:].partition(b":")
        place, data = _place(where), _bytes_of(text)
        if place is None or data is None or len(data) != place[1]:
            return _ERROR
        return b"OK" if self._target.write(place[0], data) else _FAULT

    def _break(self, packet: bytes) -> bytes:
        place = _place(packet[3:])
        if packet[1:3] not in (b"0,", b"1,"):
            return b""  # watchpoints: gdb does them by steps
        if place is None:
            return _ERROR
        return b"OK" if self._target.set_breakpoint(place[0] & ~1, packet[:1] == b"Z") else _FAULT

    def _packed(self, reply: bytes) -> bytes:
        """A reply has none of the characters that are to be escaped."""
        self._sent = b"$%s#%02x" % (reply, sum(reply) & 0xFF)
        return self._sent


_ANSWERS: Final[Mapping[bytes, Callable[[Stub, bytes], bytes | None]]] = {
    b"?": Stub._say_why,
    b"c": Stub._go_on,
    b"s": Stub._go_on,
    b"k": Stub._kill,
    b"D": Stub._detach,
    b"H": Stub._choose_thread,
    b"q": lambda _, packet: _queried(packet),
    b"Q": lambda _, packet: _queried(packet),
    b"g": Stub._read_all,
    b"G": Stub._write_all,
    b"P": Stub._write_one,
    b"m": Stub._read,
    b"M": Stub._write,
    b"Z": Stub._break,
    b"z": Stub._break,
}


def _queried(packet: bytes) -> bytes:
    if packet.startswith(b"qSupported"):
        return b"PacketSize=%x;QStartNoAckMode+;qXfer:features:read+" % PACKET_MAX
    if packet == b"QStartNoAckMode":
        return b"OK"
    if packet == b"qAttached":
        return b"1"  # the board was there before: gdb detaches when it quits
    name = b"qXfer:features:read:target.xml:"
    if packet.startswith(name):
        place = _place(packet[len(name) :])
        if place is None:
            return _ERROR
        start, size = place
        piece = TARGET_XML[start : start + min(size, PACKET_MAX - 1)]
        return (b"l" if start + len(piece) >= len(TARGET_XML) else b"m") + piece
    return b""


def _place(text: bytes) -> tuple[int, int] | None:
    """`address,size` in hex, each of 32 bits."""
    first, _, second = text.partition(b",")
    address, size = _hex(first), _hex(second)
    return None if address is None or size is None else (address, size)


def _hex(text: bytes) -> int | None:
    """A number of 32 bits."""
    if not 0 < len(text) <= 8 or not all(byte in b"0123456789abcdefABCDEF" for byte in text):
        return None
    return int(text, 16)


def _bytes_of(text: bytes) -> bytes | None:
    if len(text) % 2 or not all(byte in b"0123456789abcdefABCDEF" for byte in text):
        return None
    return bytes.fromhex(text.decode())


def _unescaped(body: bytes) -> bytes:
    first, *others = body.split(b"}")
    return first + b"".join(bytes([other[0] ^ 0x20]) + other[1:] for other in others if other)
