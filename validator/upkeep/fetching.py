"""Getting a publication's files over HTTP: any web server will do, and none is believed.

Sizes are capped, redirects are not followed, each read and each transfer as a whole are bounded in time. A package that
was cut goes on where it was cut (Range), also after a restart: its name says its content, which is looked at when it is
whole. A server that cannot do that sends it from the beginning.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from yima.validator.guarding.watched import ThreadError
from yima.validator.packages.publication import DOCUMENT_MAX, PublicationError
from yima.validator.packages.refusals import MissingError, NotNowError
from yima.validator.remedies import missing_module
from yima.validator.shown import masked_url
from yima.validator.texts import Text
from yima.validator.upkeep.pulling import Fetched
from yima.validator.uplink.deadline import HttpDeadline
from yima.validator.uplink.http import is_loopback, no_cookies, trusted
from yima.validator.version import VERSION

READ_S = 10.0
DOCUMENT_S = 20.0
PACKAGE_S = 600.0
_MISSING = {404, 410}
_ETAG = re.compile(r'(W/)?"[\x21\x23-\x7e]{0,128}"')


class HttpFetch:
    """Files below `url` (http or https). Raises PublicationError when made with a bad URL; see `pulling.Fetch`."""

    def __init__(self, url: str, *, document_s: float = DOCUMENT_S, package_s: float = PACKAGE_S) -> None:
        self._httpx = _httpx()
        self._document_s, self._package_s = document_s, package_s
        try:
            urlsplit(url)  # notices unfinished brackets, which httpx does not
            parsed = self._httpx.URL(url)
        except (self._httpx.InvalidURL, ValueError) as error:
            raise _bad_url(url) from error
        if parsed.scheme not in ("http", "https") or not parsed.host or parsed.query or parsed.fragment:
            raise _bad_url(url)
        self.url = str(parsed).rstrip("/")
        self._client = self._httpx.Client(
            timeout=self._httpx.Timeout(READ_S),
            verify=trusted(self.url),
            trust_env=not is_loopback(parsed.host),
            cookies=no_cookies(),
            headers={"User-Agent": f"yima/{VERSION}", "Accept-Encoding": "identity"},
        )
        self._deadline = HttpDeadline()

    def document(self, path: str, etag: str) -> Fetched:
        """See pulling.Fetch."""
        content = bytearray()
        with self._answer(path, {"If-None-Match": etag} if etag else {}, self._document_s) as response:
            if response.status_code == 304 and etag:
                return Fetched(None, etag)
            self._check_status(path, response.status_code, {200})
            for part in response.iter_raw():
                content += part
                if len(content) > DOCUMENT_MAX:
                    raise self._trouble(path, "too large", "过大")
            new = response.headers.get("ETag", "")
        # One that cannot be sent back, or that a server would not hear, would end all questions after it.
        return Fetched(bytes(content), new if _ETAG.fullmatch(new) else "")

    def package(self, path: str, size: int, into: Path) -> None:
        """See pulling.Fetch."""
        have = into.stat().st_size if into.exists() else 0
        if have == size:
            return
        have = have if have < size else 0
        with self._answer(path, {"Range": f"bytes={have}-"} if have else {}, self._package_s) as response:
            self._check_status(path, response.status_code, {200, 206} if have else {200})
            have = have if response.status_code == 206 else 0
            with into.open("r+b" if have else "wb") as file:
                file.truncate(have)
                file.seek(have)
                for part in response.iter_raw():
                    have += len(part)
                    if have > size:
                        raise self._trouble(path, f"more than the {size} bytes released", f"超过 {size} 字节")
                    file.write(part)
        if have < size:
            raise self._trouble(path, f"{have} of {size} bytes", f"仅 {have}/{size} 字节")

    def close(self) -> None:
        """Ends the connection."""
        self._deadline.close()
        self._client.close()

    @contextmanager
    def _answer(self, path: str, headers: dict[str, str], seconds: float) -> Iterator[Any]:
        """The answer to a question. Reading it is part of the time that it may take. Raises NotNowError."""
        url, extensions = f"{self.url}/{path}", self._deadline.extensions
        try:
            with (
                self._deadline.within(seconds),  # httpx bounds each read alone
                self._client.stream("GET", url, headers=headers, extensions=extensions) as response,
            ):
                yield response
        except (self._httpx.HTTPError, self._httpx.InvalidURL, ValueError) as error:
            if not self._deadline.was_cut:
                raise self._trouble(path, str(error) or type(error).__name__, str(error)) from error
        except ThreadError as error:
            raise NotNowError(error.thing, error.problem, error.remedy) from error
        if self._deadline.was_cut:  # which an answer without a length ends like any other
            raise self._trouble(path, "too slow", "过慢")

    def _check_status(self, path: str, status: int, good: set[int]) -> None:
        if status not in good:
            kind = MissingError if status in _MISSING else NotNowError
            raise self._trouble(path, f"the server answers {status}", f"服务器应答 {status}", kind)

    def _trouble(self, path: str, en: str, zh: str, kind: type[NotNowError] = NotNowError) -> NotNowError:
        return kind(
            masked_url(f"{self.url}/{path}"),
            Text(f"cannot be fetched ({en})", f"无法获取（{zh}）"),
            Text("Check the network and the web server; it is tried again", "请检查网络与服务器；稍后重试"),
        )


def _bad_url(url: str) -> PublicationError:
    return PublicationError(
        url,
        Text("no address of a publication", "不是发布地址"),
        Text("Give one like https://packages.example/suzhou", "格式如 https://packages.example/suzhou"),
    )


def _httpx() -> ModuleType:
    try:
        import httpx  # noqa: PLC0415 - an optional extra: a device whose packages are files has no need of it
    except ModuleNotFoundError as missing:
        raise PublicationError("--packages", *missing_module(missing)) from missing
    return httpx
