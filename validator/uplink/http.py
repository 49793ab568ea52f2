"""The uplink over HTTP: one signed POST a batch, httpx below.

Every answer is hostile until checked: its size is capped, redirects are not followed, its time is bounded as a whole (a
collector that drips a byte a second is as good as none), and anything but a well-formed answer is an UplinkError, after
which the cursor stays where it was.
"""

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ipaddress import ip_address
from ssl import PROTOCOL_TLS_CLIENT, SSLContext
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from yima.validator.errors import UplinkError
from yima.validator.guarding.watched import ThreadError
from yima.validator.remedies import missing_module
from yima.validator.state.keys import DeviceKey
from yima.validator.uplink.deadline import HttpDeadline
from yima.validator.uplink.refusals import no_address, nonsense, refused, unreachable
from yima.validator.uplink.signed import SignedUplink
from yima.validator.uplink.tls import ClientTls
from yima.validator.version import VERSION

RETRY_AFTER_MAX_S = 3600.0  # a collector may ask for patience, not for silence


def trusted(address: str) -> SSLContext | bool:
    """Whom a client believes, as httpx takes it: the system's authorities. Over plain http nobody is asked who they
    are, and to load them takes a small machine longer than the answer."""
    return True if address.startswith("https:") else SSLContext(PROTOCOL_TLS_CLIENT)


class HttpUplink(SignedUplink):
    """Sends one journal's entries to the collector at `url` (http or https, without path).

    tls: None: the system's authorities, and no certificate is shown. connect_s bounds the connection, total_s the whole
    exchange. Raises UplinkError when made with a bad URL.
    """

    def __init__(
        self,
        url: str,
        *,
        key: DeviceKey,
        device: str,
        epoch: int,
        versions: Callable[[], bytes] | None = None,
        tls: ClientTls | None = None,
        connect_s: float = 3.0,
        total_s: float = 15.0,
    ) -> None:
        self._httpx = _httpx()
        super().__init__(url, key=key, device=device, epoch=epoch, versions=versions)
        self._total_s = total_s
        self._deadline = HttpDeadline()
        try:
            urlsplit(url)  # notices unfinished brackets, which httpx does not
            parsed = self._httpx.URL(url)
        except (self._httpx.InvalidURL, ValueError) as error:
            raise no_address(url) from error
        if parsed.scheme not in ("http", "https") or not parsed.host or parsed.query or parsed.fragment:
            raise no_address(url)
        self._address = str(parsed).rstrip("/")
        self.encrypted = parsed.scheme == "https" or is_loopback(parsed.host)
        self._connect_s, self._tls = connect_s, tls
        # A proxy of the environment is for the world outside, never for a collector on this machine.
        self._trust_env = not is_loopback(parsed.host)
        self._stamp: object = None
        self._is_closed = False
        self._client: Any = None  # made when it is needed: a certificate that is wrong stops no device from starting

    def _current(self) -> Any:
        """The client; another one when a certificate has changed. Raises UplinkError."""
        stamp = self._tls and self._tls.stamp()
        if self._client is None or stamp != self._stamp:
            fresh = self._httpx.Client(
                timeout=self._httpx.Timeout(self._total_s, connect=self._connect_s),
                verify=trusted(self._address) if self._tls is None else self._tls.context(),
                trust_env=self._trust_env,
                cookies=no_cookies(),
                headers={"User-Agent": f"yima/{VERSION}", "Accept-Encoding": "identity"},
            )
            if self._client is not None:
                self._client.close()
            self._client, self._stamp = fresh, stamp
        if self._is_closed:
            self._client.close()
        return self._client

    def exchange(self, path: str, body: bytes, *, answer_max: int) -> bytes:
        """The answer to a body that this device signs. Raises UplinkError for anything but a 200 of bounded size."""
        headers = {"Content-Type": "application/json", **self.headers(body)}
        client = self._current()
        try:
            with (
                # httpx bounds each read alone, so that a byte now and then would be for ever.
                self._deadline.within(self._total_s),
                client.stream(
                    "POST", self._address + path, content=body, headers=headers, extensions=self._deadline.extensions
                ) as response,
            ):
                answer = bytearray()
                for part in response.iter_raw():
                    answer += part
                    if len(answer) > answer_max:
                        raise nonsense(self.url, "an endless answer")
                status = response.status_code
                retry_after = response.headers.get("Retry-After")
        except (self._httpx.HTTPError, self._httpx.InvalidURL, ValueError) as error:
            why = "too slow" if self._deadline.was_cut else str(error) or type(error).__name__
            raise self._unreachable(why) from error
        except RuntimeError as error:
            if not client.is_closed:
                raise
            raise self._unreachable("closed") from error  # by another thread, which ends what waits
        except ThreadError as error:
            raise UplinkError(self.url, error.problem, error.remedy) from error
        if status != 200:
            raise refused(
                self.url,
                status,
                bytes(answer[:200]),
                enrolment=self.enrolment,
                retry_after_s=retry_after_s(retry_after, time.time()),
            )
        return bytes(answer)

    def close(self) -> None:
        """Ends the connection."""
        self._deadline.close()
        self._is_closed = True
        if self._client is not None:
            self._client.close()

    def _unreachable(self, why: str) -> UplinkError:
        return unreachable(self.url, why, certificate=self._tls and self._tls.certificate)


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


def no_cookies() -> CookieJar:
    """A jar that keeps nothing: whoever once answered in the server's place puts no word into later questions."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


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
