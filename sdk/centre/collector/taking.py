"""`POST /v1/batches`, as ASGI has it: the one path that thousands of devices take, with nothing on it that it can do
without.

Rules it keeps:

- A body is counted while it arrives, and given up beyond the cap, when it takes too long, or when bodies that came to
  an end need its room (`intake`).
- The signature is checked over the bytes as they came before anything in them is believed.
- Whatever bytes come, the answer is 4xx with why; a store that cannot write is 503, and nothing is acknowledged.
- More than the store takes is answered 503 at once, before a signature is looked at, with a Retry-After that is another
  for each, so that a fleet does not come back in step.
"""

import asyncio
import json
import random
import time
from collections.abc import Callable, Mapping
from typing import Any

import anyio.to_thread
from starlette.types import Receive, Scope, Send

from yima.sdk.centre.collector.arrivals import Arrival, KeyRefusedError, Signed
from yima.sdk.centre.collector.certificates import Allowed, Certificates
from yima.sdk.centre.collector.intake import Body, BusyError, GivenUpError, Intake
from yima.sdk.centre.collector.schema import StoreError
from yima.validator.state.keys import is_signed
from yima.validator.uplink.batches import (
    BODY_MAX,
    KEY_HEADER,
    SIGNATURE_HEADER,
    Acknowledgement,
    Batch,
    BatchError,
    encode_answer,
    parse_batch,
)
from yima.validator.uplink.versions import (
    VERSIONS_HEADER,
    VERSIONS_SIGNATURE_HEADER,
    parse_versions,
    signed_bytes,
)

BODY_WITHIN_S = 30.0
RETRY_AFTER_S = (5, 20)
"""Seconds from and to which devices are told to wait, each for a random time."""
STATED_MOST = 100_000
"""Devices whose last statement is remembered, so that it is not verified again."""
TRUSTED_S = 1.0
"""Seconds after which the register of a bench is told of a device again."""
TRUSTING_MOST = 64
"""Devices of which the register of a bench is told at once: it writes each new one by itself, some hundred a second."""
_KEY, _SIGNATURE, _VERSIONS, _VERSIONS_SIGNATURE = (
    name.lower().encode() for name in (KEY_HEADER, SIGNATURE_HEADER, VERSIONS_HEADER, VERSIONS_SIGNATURE_HEADER)
)

_CLOSE = (b"connection", b"close")  # what is left of a body is nobody's any more

_NO_STATE: Mapping[str, Any] = {}

Event = dict[str, Any]
Answered = tuple[int, bytes, list[tuple[bytes, bytes]]]
"""Status, body, headers."""


class _RefusedError(Exception):
    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


class Taking:
    """Takes batches into one intake. is_open: for a bench, devices are trusted on first use. trust: told of the name
    and key of each batch before it is stored. on_event is told of batches, new devices, refusals and trouble, as
    {"event": …}."""

    def __init__(
        self,
        intake: Intake,
        *,
        trust: Callable[[str, str], None] | None,
        is_open: bool,
        certificates: Certificates,
        on_event: Callable[[Event], None],
    ) -> None:
        self._intake = intake
        self._certificates = certificates
        self._trust = trust
        self._trusted: dict[str, float] = {}  # when the register was told of a device
        self._trusting_now = 0
        self._stated: dict[str, tuple[str, Signed]] = {}  # key and statement that were verified last, by device
        self._how = "trusted on first use" if is_open else "enrolled"
        self._on_event = on_event

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One batch."""
        allowed = self._certificates.allowed(scope)
        state = scope.get("state", {})
        status, body, headers = await self.answer(dict(scope["headers"]), receive, allowed, state)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def answer(
        self, headers: dict[bytes, bytes], receive: Receive, allowed: Allowed, state: Mapping[str, Any] = _NO_STATE
    ) -> Answered:
        """To a request with these headers, whose body is received. allowed: asked whether the device may send so.
        state: has `heard_at` where it is known when the newest bytes came."""
        status, body, more = 200, b"", list[tuple[bytes, bytes]]()
        try:
            body = encode_answer(await self._taken(headers, receive, allowed, state))
        except _RefusedError as refused:
            self._on_event({"event": "refused", "status": refused.status, "why": refused.why})
            status, body = refused.status, _error(refused.why)
            more = [_CLOSE] if status == 408 else []
        except BusyError as busy:
            status, body = 503, _error("more comes than can be stored")
            more = [_later(), _CLOSE] if isinstance(busy, GivenUpError) else [_later()]
        except StoreError as error:
            self._on_event({"event": "trouble", "why": str(error)})
            status, body, more = 503, _error("the store cannot be written"), [_later()]
        return status, body, [*more, (b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]

    async def _taken(
        self, headers: dict[bytes, bytes], receive: Receive, allowed: Allowed, state: Mapping[str, Any]
    ) -> Acknowledgement:
        self._intake.check_room()
        with self._intake.body() as held:
            content = await _whole(headers, receive, held)
            self._intake.check_room()
            now = time.monotonic()
            self._intake.check_late(now - state.get("heard_at", now))
            key, signed = _signer(headers, content)
            batch = _parsed(content)
            if why := allowed(batch.device):
                raise _RefusedError(403, why)
            if self._trust is not None:
                await self._trusting(self._trust, batch.device, key)
            stated = self._statement(headers, batch.device, key)
            try:
                answer, new = await self._intake.take(Arrival(batch, key, int(time.time()), signed, stated))
            except KeyRefusedError as error:
                raise _RefusedError(403, str(error)) from error
        if new:
            self._on_event({"event": "device", "device": batch.device, "key": key, "how": self._how})
        self._on_event(
            {
                "event": "batch",
                "device": batch.device,
                "epoch": batch.epoch,
                "entries": len(batch.entries),
                "acknowledged": answer.acknowledged,
                "rejected": {str(sequence): why for sequence, why in answer.rejected.items()},
            }
        )
        return answer

    async def _trusting(self, trust: Callable[[str, str], None], device: str, key: str) -> None:
        now = time.monotonic()
        if now - self._trusted.get(device, -TRUSTED_S) >= TRUSTED_S:
            if self._trusting_now >= TRUSTING_MOST:
                raise BusyError
            self._trusting_now += 1
            try:
                await anyio.to_thread.run_sync(trust, device, key)
            finally:
                self._trusting_now -= 1
            if len(self._trusted) >= STATED_MOST:
                self._trusted.clear()
            self._trusted[device] = now

    def _statement(self, headers: dict[bytes, bytes], device: str, key: str) -> Signed | None:
        """What the device says of its versions beside the batch; verified once for as long as it says the same."""
        said = headers.get(_VERSIONS)
        if said is None:
            return None
        stated = Signed(said, headers.get(_VERSIONS_SIGNATURE, b"").decode("latin-1"))
        if self._stated.get(device) == (key, stated):
            return stated
        if not is_signed(key, stated.signature, signed_bytes(stated.body)):
            raise _RefusedError(401, f"{VERSIONS_SIGNATURE_HEADER} does not sign {VERSIONS_HEADER}")
        try:
            named = parse_versions(stated.body).device
        except ValueError as error:
            raise _RefusedError(400, f"{VERSIONS_HEADER}: {error}") from error
        if named != device:
            raise _RefusedError(400, f"{VERSIONS_HEADER} is another device's")
        if len(self._stated) >= STATED_MOST:
            self._stated.clear()
        self._stated[device] = (key, stated)
        return stated


def _later() -> tuple[bytes, bytes]:
    return (b"retry-after", b"%d" % retry_after_s())


def retry_after_s() -> int:
    """A random time."""
    return random.randint(*RETRY_AFTER_S)  # noqa: S311 - it only has to differ


async def _whole(headers: dict[bytes, bytes], receive: Receive, held: Body) -> bytes:
    if headers.get(b"content-encoding", b"identity") != b"identity":
        raise _RefusedError(415, "send the body as it is, without Content-Encoding")
    length = headers.get(b"content-length", b"")
    if length.isdigit() and (len(length) > 10 or int(length) > BODY_MAX):
        raise _RefusedError(413, f"a body has at most {BODY_MAX} bytes")
    parts: list[bytes] = []
    try:
        async with asyncio.timeout(BODY_WITHIN_S) as limit:
            held.limit = limit
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise _RefusedError(400, "the body ended before its end")
                if part := message.get("body", b""):
                    parts.append(part)
                    held.grow(len(part))
                    if held.size > BODY_MAX:
                        raise _RefusedError(413, f"a body has at most {BODY_MAX} bytes")
                if not message.get("more_body"):
                    break
    except TimeoutError as error:
        if held.is_given_up:
            raise GivenUpError from error
        raise _RefusedError(408, f"the body took longer than {BODY_WITHIN_S:.0f} s") from error
    held.is_whole()
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _error(why: str) -> bytes:
    return json.dumps({"error": why}).encode()


def _signer(headers: dict[bytes, bytes], body: bytes) -> tuple[str, Signed]:
    key = headers.get(_KEY, b"").decode("latin-1").lower()
    signature = headers.get(_SIGNATURE, b"").decode("latin-1")
    if not is_signed(key, signature, body):
        raise _RefusedError(401, f"{KEY_HEADER} and {SIGNATURE_HEADER} do not sign this body")
    return key, Signed(body, signature)


def _parsed(body: bytes) -> Batch:
    try:
        return parse_batch(body)
    except BatchError as error:
        raise _RefusedError(400, str(error)) from error
