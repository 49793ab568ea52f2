"""Devices that send to a collector: batches in the real form under real signatures, made before the clock runs.

The entries are accepted metro rides of the usual size with a whole trip record. Their codes differ, so that no ride is
another's; they are not signed by an issuer, which is nothing that a collector looks at while it takes a batch.
"""

import asyncio
import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import cycle

from yima.sdk.issuer import make_issuer, make_rider, make_root
from yima.validator import _core
from yima.validator.journal import FIRST_PREVIOUS, chain
from yima.validator.journal.facts import TapFacts, write
from yima.validator.judging import Direction, Mode, Transaction, Vouched
from yima.validator.ports import Entry, JournalKey
from yima.validator.state.keys import DeviceKey
from yima.validator.uplink.batches import KEY_HEADER, SIGNATURE_HEADER, encode_batch

EPOCH = 7
SIGNATURE_SIZE = 64
BEGIN = 1_790_000_000


@dataclass(frozen=True, slots=True)
class Device:
    """One device: its key, and its requests in the order in which they go. ends: the last sequence of each."""

    name: str
    key: str
    requests: tuple[bytes, ...]
    ends: tuple[int, ...]


@dataclass(slots=True)
class Outcome:
    """What came of it. latency_s: of each answer, by status. wrong: answers that are not right. busy_s, busy_records:
    until the first device had sent all, and what was acknowledged by then."""

    seconds: float = 0.0
    latency_s: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    records: int = 0
    acknowledged: int = 0
    busy_s: float = 0.0
    busy_records: int = 0
    wrong: list[str] = field(default_factory=list)


def devices(count: int, batches: int, size: int, *, name: str = "gate") -> list[Device]:
    """So many devices with so many batches of so many entries each; both processors make them."""
    wanted = [(f"{name}-{number}", number, batches, size) for number in range(count)]
    if count * batches * size < 2000:
        return [_device(*one) for one in wanted]
    with ProcessPoolExecutor(2) as pool:
        return list(pool.map(_device, *zip(*wanted, strict=True), chunksize=max(1, count // 16)))


def entries(device: str, number: int, count: int) -> Iterator[Entry]:
    """The journal of a device, from its first entry."""
    previous = FIRST_PREVIOUS
    for sequence in range(1, count + 1):
        content = entry_of(number, sequence)
        digest = chain(previous, device, EPOCH, sequence, content)
        yield Entry(key=JournalKey(device, EPOCH, sequence), content=content, previous=previous, hash=digest)
        previous = digest


def entry_of(number: int, sequence: int) -> bytes:
    """A ride of the device of that number."""
    # A signature of its own makes it a code of its own.
    mark = hashlib.sha512(f"{number} {sequence}".encode()).digest()[:SIGNATURE_SIZE]
    return _entry(_code()[:-SIGNATURE_SIZE] + mark, sequence)


def request(device: str, sent: Sequence[Entry], key: DeviceKey) -> bytes:
    """A batch as it goes over the wire."""
    body = encode_batch(device, EPOCH, sent)
    head = (
        f"POST /v1/batches HTTP/1.1\r\nHost: collector\r\nContent-Type: application/json\r\n"
        f"{KEY_HEADER}: {key.public}\r\n{SIGNATURE_HEADER}: {key.sign(body)}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _device(name: str, number: int, batches: int, size: int) -> Device:
    key = DeviceKey.generate()
    journal = list(entries(name, number, batches * size))
    cuts = range(0, len(journal), size)
    requests = tuple(request(name, journal[start : start + size], key) for start in cuts)
    return Device(name, key.public, requests, tuple(start + size for start in cuts))


_CODES: list[bytes] = []


def _code() -> bytes:
    """A rider's code, made once."""
    if not _CODES:
        rider = make_rider(
            make_issuer(make_root()), payment_account="1234567890", card_account="3104860000000000",
            platform="50083010", authorised_until=BEGIN + 86400,
        )  # fmt: skip
        _CODES.append(rider.code(BEGIN))
    return _CODES[0]


def _entry(code: bytes, sequence: int) -> bytes:
    at = BEGIN + sequence * 20
    facts = TapFacts(
        at=at, trusted=True, run=1, tick_ms=sequence, reason=0, family=1, mode=Mode.METRO, direction=Direction.EXIT,
        transaction=Transaction.EXIT, vouched=Vouched.HERE, account_type=1, city=320500, operator=1, line=1, station=7,
        issuer_city=310000, gross_fen=500, fare_fen=500, parameters_version=1, parameters_digest=bytes(16),
        deny_version=0, digest=_core.sm3(code), account=code[:10], good_until=at + 120, entry_at=at - 900,
        entry_station=3, entry_line=1, rules=(),
    )  # fmt: skip
    record = _core.record_write(code, 500, 2, at, "yima", "gate", "1", f"{sequence:08}", *[None] * 7)
    return write(facts) + record


class Line(asyncio.Protocol):
    """One connection: a request, then its answer."""

    def __init__(self) -> None:
        self._data = b""
        self._answer: asyncio.Future[tuple[int, dict[str, str], bytes]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It stands."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    async def ask(self, request: bytes) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the answer. Raises ConnectionError when the connection ends before it."""
        if self.transport.is_closing():
            raise ConnectionError
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self._answer

    def data_received(self, data: bytes) -> None:
        """Some of an answer."""
        self._data += data
        head, end, body = self._data.partition(b"\r\n\r\n")
        if not end:
            return
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if len(body) >= int(headers.get("content-length", 0)):
            self._data = b""
            if self._answer and not self._answer.done():
                self._answer.set_result((int(first.split()[1]), headers, body))

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        if self._answer and not self._answer.done():
            self._answer.set_exception(exc or ConnectionError())


async def line_to(host: str, port: int) -> Line:
    """A new connection."""
    _, line = await asyncio.get_running_loop().create_connection(Line, host, port)
    return line


async def send(found: Sequence[Device], places: Sequence[tuple[str, int]], *, at_once: int) -> Outcome:
    """Sends all that the devices have, a batch after the other, as many devices at once; places: host and port of each
    collector, to which the devices are dealt out. One that is turned away comes again when it was told to, or after a
    second."""
    out = Outcome(records=sum(device.ends[-1] for device in found))
    turn = asyncio.Semaphore(at_once)

    async def one(device: Device, place: tuple[str, int]) -> None:
        async with turn:
            sender = _Sender(*place, out)
            before = 0
            for asked, end in zip(device.requests, device.ends, strict=True):
                await sender.acknowledged(asked, end)
                out.acknowledged += end - before
                before = end
            sender.close()
            if not out.busy_s:
                out.busy_s, out.busy_records = time.perf_counter() - begun, out.acknowledged

    begun = time.perf_counter()
    await asyncio.gather(*map(one, found, cycle(places)))
    out.seconds = time.perf_counter() - begun
    return out


class _Sender:
    """One device's way to the collector."""

    def __init__(self, host: str, port: int, out: Outcome) -> None:
        self._host, self._port, self._out = host, port, out
        self._line: Line | None = None

    async def acknowledged(self, asked: bytes, end: int) -> None:
        """Sends until it is taken, or refused."""
        while True:
            begun = time.perf_counter()
            try:
                self._line = self._line or await line_to(self._host, self._port)
                status, headers, body = await self._line.ask(asked)
            except OSError:
                self._line = None
                await asyncio.sleep(1)
                continue
            self._out.latency_s[status].append(time.perf_counter() - begun)
            if headers.get("connection") == "close":
                self._line = None
            if status == 503:
                await asyncio.sleep(float(headers.get("retry-after", 1)))
                continue
            if status != 200 or json.loads(body) != {"acknowledged": end, "rejected": {}}:
                self._out.wrong.append(f"{status} {body.decode()[:200]}")
            return

    def close(self) -> None:
        """It has sent all."""
        if self._line:
            self._line.transport.close()


async def poll(host: str, port: int, device: str, key: str | None, until: asyncio.Event) -> int:
    """Asks for everything that can be got, again and again without a pause; how many answers there were."""
    line, count = await line_to(host, port), 0
    shown = f"Authorization: Bearer {key}\r\n" if key else ""
    paths = ("/devices", f"/v1/devices/{device}/{EPOCH}", "/health", "/ready")
    while not until.is_set():
        for path in paths:
            await line.ask(f"GET {path} HTTP/1.1\r\nHost: collector\r\n{shown}\r\n".encode())
            count += 1
    line.transport.close()
    return count
