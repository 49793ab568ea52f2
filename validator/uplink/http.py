"""The uplink over HTTP: one signed POST a batch, httpx below.

Every answer is hostile until checked: its size is capped, redirects are not followed, its time is bounded as a whole (a
collector that drips a byte a second is as good as none), and anything but a well-formed answer is an UplinkError, after
which the cursor stays where it was.
"""

import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from yima.validator.errors import BatchTooLargeError, CollectorBusyError, UplinkError
from yima.validator.guarding.watched import ThreadError
from yima.validator.journal.older import OlderEntry
from yima.validator.ports import Entry
from yima.validator.remedies import missing_module
from yima.validator.state.keys import DeviceKey
from yima.validator.texts import Text
from yima.validator.uplink.batches import (
    ANSWER_MAX,
    KEY_HEADER,
    SIGNATURE_HEADER,
    Acknowledgement,
    BatchError,
    encode_batch,
    parse_answer,
)
from yima.validator.uplink.deadline import Deadline
from yima.validator.uplink.versions import VERSIONS_HEADER, VERSIONS_SIGNATURE_HEADER, signed_bytes
from yima.validator.version import VERSION

PATH = "/v1/batches"
RETRY_AFTER_MAX_S = 3600.0  # a collector may ask for patience, not for silence


class HttpUplink:
    """Sends one journal's entries to the collector at `url` (http or https, without path).

    versions gives the statement that goes with every batch (`versions`). connect_s bounds the connection, total_s the
    whole exchange. Raises UplinkError when made with a bad URL.
    """

    def __init__(
        self,
        url: str,
        *,
        key: DeviceKey,
        device: str,
        epoch: int,
        versions: Callable[[], bytes] | None = None,
        connect_s: float = 3.0,
        total_s: float = 15.0,
    ) -> None:
        self._httpx = _httpx()
        self.url = url
        self._key = key
        self._device = device
        self._epoch = epoch
        self._versions = versions
        self._total_s = total_s
        self._stream: Any = None  # httpcore's stream of the connection in use
        self._too_slow = False
        self._deadline = Deadline(self._cut)
        try:
            urlsplit(url)  # notices unfinished brackets, which httpx does not
            parsed = self._httpx.URL(url)
        except (self._httpx.InvalidURL, ValueError) as error:
            raise self._bad_url() from error
        if parsed.scheme not in ("http", "https") or not parsed.host or parsed.query or parsed.fragment:
            raise self._bad_url()
        self._address = str(parsed).rstrip("/")
        self.encrypted = parsed.scheme == "https" or is_loopback(parsed.host)
        self._client = self._httpx.Client(
            timeout=self._httpx.Timeout(total_s, connect=connect_s),
            # A proxy of the environment is for the world outside, never for a collector on this machine.
            trust_env=not is_loopback(parsed.host),
            headers={"User-Agent": f"yima/{VERSION}", "Accept-Encoding": "identity"},
        )

    def send(self, entries: Sequence[Entry | OlderEntry]) -> tuple[int, dict[int, str]]:
        """(highest contiguous durable sequence, {sequence: why it was rejected}). No entries: only asks.

        Raises UplinkError; CollectorBusyError and BatchTooLargeError say what to do differently.
        """
        body = encode_batch(self._device, self._epoch, entries)
        answer = self.exchange(PATH, body, answer_max=ANSWER_MAX)
        try:
            found: Acknowledgement = parse_answer(answer, entries)
        except BatchError as error:
            raise self.nonsense(str(error)) from error
        return found.acknowledged, found.rejected

    def exchange(self, path: str, body: bytes, *, answer_max: int) -> bytes:
        """The answer to a body that this device signs. Raises UplinkError for anything but a 200 of bounded size."""
        headers = {
            "Content-Type": "application/json",
            KEY_HEADER: self._key.public,
            SIGNATURE_HEADER: self._key.sign(body),
            **self._stated(),
        }
        self._stream, self._too_slow = None, False
        try:
            with (
                # httpx bounds each read alone, so that a byte now and then would be for ever.
                self._deadline.within(self._total_s),
                self._client.stream(
                    "POST", self._address + path, content=body, headers=headers, extensions={"trace": self._watch}
                ) as response,
            ):
                answer = bytearray()
                for part in response.iter_raw():
                    answer += part
                    if len(answer) > answer_max:
                        raise self.nonsense("an endless answer")
                status = response.status_code
                retry_after = response.headers.get("Retry-After")
        except self._httpx.HTTPError as error:
            why = "too slow" if self._too_slow else str(error) or type(error).__name__
            raise self._unreachable(why) from error
        except RuntimeError as error:
            if not self._client.is_closed:
                raise
            raise self._unreachable("closed") from error  # by another thread, which ends what waits
        except ThreadError as error:
            raise UplinkError(self.url, error.problem, error.remedy) from error
        if status != 200:
            raise self._refused(status, bytes(answer[:200]), retry_after)
        return bytes(answer)

    def _stated(self) -> dict[str, str]:
        if self._versions is None:
            return {}
        statement = self._versions()
        return {
            VERSIONS_HEADER: statement.decode("ascii"),
            VERSIONS_SIGNATURE_HEADER: self._key.sign(signed_bytes(statement)),
        }

    def close(self) -> None:
        """Ends the connection."""
        self._deadline.close()
        self._client.close()

    def _watch(self, event: str, info: dict[str, Any]) -> None:
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._stream = info["return_value"]

    def _cut(self) -> None:
        self._too_slow = True
        if self._stream is not None:
            with suppress(OSError):  # it may have ended by itself meanwhile
                self._stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    def _bad_url(self) -> UplinkError:
        return UplinkError(
            self.url,
            Text("no address of a collector", "不是采集端地址"),
            Text(
                "Give one like https://collector.example or http://127.0.0.1:8080",
                "格式如 https://collector.example 或 http://127.0.0.1:8080",
            ),
        )

    def _unreachable(self, why: str) -> UplinkError:
        return UplinkError(
            self.url,
            Text(f"the collector cannot be reached ({why})", f"无法连接采集端（{why}）"),
            Text(
                "Check the network and that it runs; records wait in the journal",
                "请检查网络及采集端；记录保留在日志中",
            ),
        )

    def nonsense(self, why: str) -> UplinkError:
        """The error for an answer that is none."""
        return UplinkError(
            self.url,
            Text(f"the collector's answer makes no sense ({why})", f"采集端应答无法理解（{why}）"),
            Text(
                "Check that a Yima collector answers there; records wait in the journal",
                "请确认该地址是一码采集端；记录保留在日志中",
            ),
        )

    def _refused(self, status: int, answer: bytes, retry_after: str | None) -> UplinkError:
        says = "".join(character for character in answer.decode(errors="replace") if character.isprintable())
        problem = Text(f"the collector answers {status} ({says})", f"采集端应答 {status}（{says}）")
        if status in (401, 403):
            return UplinkError(
                self.url,
                problem,
                Text(
                    f"Enrol this device there: {self._device} {self._key.public}",
                    f"请在采集端登记本设备：{self._device} {self._key.public}",
                ),
            )
        if status == 413:
            return BatchTooLargeError(self.url, problem, Text("Smaller batches are tried", "将以更小的批次重试"))
        remedy = Text("It is tried again; records wait in the journal", "稍后重试；记录保留在日志中")
        if status in (429, 503):
            return CollectorBusyError(self.url, problem, remedy, retry_after_s=retry_after_s(retry_after, time.time()))
        return UplinkError(self.url, problem, remedy)


def retry_after_s(header: str | None, now: float) -> float | None:
    """Seconds that a Retry-After header asks for, in either of its forms, bounded; None if it says nothing usable."""
    if header is None:
        return None
    if header.isascii() and header.isdecimal() and len(header) < 10:
        return min(float(header), RETRY_AFTER_MAX_S)
    try:
        moment = parsedate_to_datetime(header).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return min(max(moment - now, 0.0), RETRY_AFTER_MAX_S)


def is_loopback(host: str) -> bool:
    """Whether the host is this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _httpx() -> ModuleType:
    try:
        import httpx  # noqa: PLC0415 - an optional extra: a device without uplink has no need of it
    except ModuleNotFoundError as missing:
        raise UplinkError("uplink", *missing_module(missing)) from missing
    return httpx
