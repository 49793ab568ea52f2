"""The live board as gdb sees it: the target behind the protocol of gdb.py, and the port it listens on.

Rules it keeps:
- It listens on this machine only (127.0.0.1), for one debugger at a time; another is sent away. Who connects and is no
  debugger stops nothing and makes room for one.
- A look changes nothing: flash and RAM can be read, and no register of a peripheral, as reading one can do something.
- Only RAM and the processor's registers can be written: flash has its controller.
- A debugger that is gone, in whatever way, leaves a board that goes on.
"""

import contextlib
import selectors
import socket

from yima.hwsim.board.errors import BoardError
from yima.hwsim.board.gdb import ProtocolError, Stub
from yima.hwsim.board.layout import FLASH_SIZE, RAM_BASE, RAM_SIZE
from yima.hwsim.board.machine import Machine
from yima.hwsim.board.processor import Debugged, Processor
from yima.validator.texts import Text

_HOST = "127.0.0.1"
_BREAKPOINTS_MOST = 64
_CHUNK = 4096


class BoardTarget:
    """A machine's processor: see gdb.Target."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._breakpoints: set[int] = set()
        self._stepping = False
        self._attached = False
        machine.on_life = self._begin_life

    def attach(self) -> None:
        """A debugger comes."""
        self._attached = True
        self.halt()

    def registers(self) -> list[int]:
        """r0 to r15, xPSR; zeros without power."""
        return self._processor.registers() if self._processor else [0] * 17

    def set_register(self, number: int, value: int) -> None:
        """Changes one."""
        if self._processor:
            self._processor.set_register(number, value)

    def read(self, address: int, size: int) -> bytes:
        """Flash and RAM."""
        if address < FLASH_SIZE:
            return bytes(self._machine.flash.memory[address : address + size])
        return self._machine.read_ram(address, size)

    def write(self, address: int, data: bytes) -> bool:
        """RAM."""
        if not self._processor or address < RAM_BASE or address + len(data) > RAM_BASE + RAM_SIZE:
            return False
        self._processor.write_ram(address, data)
        return True

    def set_breakpoint(self, address: int, there: bool) -> bool:
        """In flash, where the code is."""
        if not there:
            self._breakpoints.discard(address)
        elif address >= FLASH_SIZE or len(self._breakpoints) >= _BREAKPOINTS_MOST:
            return False
        else:
            self._breakpoints.add(address)
        return True

    def halt(self) -> None:
        """Between two instructions."""
        self._machine.paused = True

    def resume(self, *, step: bool) -> None:
        """Lets time pass again."""
        self._stepping = step
        if self._processor:
            self._processor.debug(self._breakpoints, step=step)
        self._machine.paused = False

    def detach(self) -> None:
        """No stops any more."""
        self._attached = self._stepping = False
        self._breakpoints.clear()
        if self._processor:
            self._processor.debug(None)
        self._machine.paused = False

    def kill(self) -> None:
        """Takes the power away."""
        self._machine.power_off()

    @property
    def _processor(self) -> Debugged | None:
        found = self._machine.engine
        return found if isinstance(found, Debugged) else None

    def _begin_life(self, processor: Processor) -> None:
        """A reset, perhaps with other code: the debugger stays, and a step ends at the first instruction."""
        if isinstance(processor, Debugged):
            processor.debug(self._breakpoints if self._attached else None)
        if self._stepping:
            self._machine.paused = True


class DebugPort:
    """Where gdb knocks, within somebody's selector. The board waits for the first debugger."""

    def __init__(self, port: int, machine: Machine, watch: selectors.BaseSelector) -> None:
        """port: 0 is any that is free. Raises BoardError if it cannot be had."""
        self._machine = machine
        self._target = BoardTarget(machine)
        self._watch = watch
        self._client: socket.socket | None = None
        self._stub: Stub | None = None
        try:
            self._listener = socket.create_server((_HOST, port))
        except OSError as error:
            raise BoardError(
                "--gdb",
                Text(
                    f"port {port} of {_HOST} cannot be had for gdb: {error.strerror}",
                    f"{_HOST} 的端口 {port} 无法用于 gdb：{error.strerror}",
                ),
                Text("Another board, or QEMU, has it: name another port", "已被其他板卡或 QEMU 占用：请另选端口"),
            ) from error
        self.address = "{}:{}".format(*self._listener.getsockname())
        watch.register(self._listener, selectors.EVENT_READ, self._accept)
        self._target.halt()

    def close(self) -> None:
        """Ends the visit, if there is one."""
        if self._stub:
            self._send(self._stub.ended())
        self._drop()
        self._listener.close()

    def look(self) -> None:
        """After the board has run: tells the debugger if it stopped."""
        if self._stub and self._machine.paused:
            self._send(self._stub.stopped())

    def _accept(self, listener: socket.socket) -> None:
        client, _ = listener.accept()
        if self._stub and self._stub.begun:
            client.close()
            return
        self._drop()
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client, self._stub = client, Stub(self._target)
        self._watch.register(client, selectors.EVENT_READ, self._hear)

    def _hear(self, client: socket.socket) -> None:
        try:
            data = client.recv(_CHUNK)
        except OSError:
            data = b""
        if not self._stub or not data:
            self._drop()
            return
        try:
            self._send(self._stub.receive(data))
        except ProtocolError:
            self._drop()
            return
        if self._stub and self._stub.left:
            self._drop()

    def _send(self, data: bytes) -> None:
        """An answer is small and waited for: who does not take it is gone."""
        if self._client and data:
            try:
                self._client.sendall(data)
            except OSError:
                self._drop()

    def _drop(self) -> None:
        if not self._client or not self._stub:
            return
        with contextlib.suppress(KeyError):
            self._watch.unregister(self._client)
        self._client.close()
        if self._stub.begun:
            self._target.detach()
        self._client = self._stub = None
