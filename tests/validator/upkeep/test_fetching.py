"""Fetching over HTTP, from any web server: what it may answer, and what is done with that."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from tests.packages_world import versions
from tests.publication_world import Gate, both, publish
from tests.uplinks import dripping, http
from yima.sdk.centre.packages.folder import Folder
from yima.sdk.serving import Serving
from yima.validator.errors import ParametersError
from yima.validator.packages import parse_package
from yima.validator.packages.refusals import MissingError, NotNowError
from yima.validator.upkeep.fetching import HttpFetch


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "centre")


@pytest.fixture
def server(folder: Folder) -> Iterator[Serving]:
    folder.www.mkdir(parents=True)

    def endless(_request: Any) -> Response:
        return Response(bytes(3 << 20))

    routes = [Route("/endless/index.json", endless), Mount("/", StaticFiles(directory=folder.www))]
    with Serving(Starlette(routes=routes)) as serving:
        yield serving


def test_a_web_server_gives_it_out_and_says_when_nothing_changed(
    folder: Folder, server: Serving, tmp_path: Path
) -> None:
    publish(folder, both(1))
    fetch = HttpFetch(server.url)
    gate = Gate(fetch, tmp_path / "pulled")
    assert (gate.ask(), gate.told) == (1, [])
    etag = fetch.document("index.json", "").etag
    assert fetch.document("index.json", etag).content is None
    assert gate.ask() == 0
    for bad in (f"{server.url}/endless", f"{server.url}/nowhere", "http://127.0.0.1:1"):
        with pytest.raises(ParametersError, match="cannot be fetched"):
            HttpFetch(bad).document("index.json", "")
    for bad in ("ftp://x", "http://", "http://[", "http://x/?y"):
        with pytest.raises(ParametersError, match="no address of a publication"):
            HttpFetch(bad)
    with pytest.raises(MissingError, match="the server answers 404"):
        fetch.document("releases/none.json", "")
    with pytest.raises(MissingError, match="the server answers 404"):
        fetch.package("parts/none", 9, tmp_path / "x")
    fetch.close()


@pytest.mark.parametrize("have", [0, 1, 300, 10_000])
def test_a_package_that_was_cut_goes_on_where_it_was_cut(
    folder: Folder, server: Serving, tmp_path: Path, have: int
) -> None:
    data = both(1)
    publish(folder, data)
    into = tmp_path / "part"
    into.write_bytes((data + bytes(20_000))[:have])
    fetch = HttpFetch(server.url)
    fetch.package(f"packages/{parse_package(data).id.hex()}.ymp", len(data), into)
    assert into.read_bytes() == data
    with pytest.raises(ParametersError, match="more than the 100 bytes"):
        fetch.package(f"packages/{parse_package(data).id.hex()}.ymp", 100, tmp_path / "other")
    fetch.close()


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (200, {"ETag": '"\xe9"'}),
        (200, {"ETag": f'"{"e" * 40_000}"'}),
        (302, {"Location": "/sign-in", "Set-Cookie": f"seen={'c' * 40_000}"}),
        (302, {"Location": "mailto:x"}),
        (302, {"Location": "http://xn--/"}),
    ],
    ids=["etag-beyond-ascii", "etag-without-end", "cookie", "no-address", "no-name"],
)
def test_what_somebody_once_answered_in_the_servers_place_is_over_when_he_has_gone(
    folder: Folder, tmp_path: Path, status: int, headers: dict[str, str]
) -> None:
    publish(folder, both(1))
    asked: list[Any] = []
    between = dict(headers)

    def index(request: Any) -> Response:
        asked.append(request.headers)
        return Response((folder.www / "index.json").read_bytes(), status if between else 200, dict(between))

    with Serving(Starlette(routes=[Route("/index.json", index), Mount("/", StaticFiles(directory=folder.www))])) as on:
        fetch = HttpFetch(on.url)
        gate = Gate(fetch, tmp_path / "pulled")
        gate.ask()
        between.clear()
        publish(folder, both(2))
        gate.ask()
        fetch.close()
    assert versions(gate.store) == [2]
    assert [name for one in asked for name in one if name in {"cookie", "if-none-match"}] == []


def test_an_etag_that_a_server_does_not_bear_is_not_sent_to_it_again(folder: Folder, tmp_path: Path) -> None:
    publish(folder, both(1))

    def index(request: Any) -> Response:
        content = (folder.www / "index.json").read_bytes()
        return Response(content, 400 if "if-none-match" in request.headers else 200, {"ETag": '"1"'})

    with Serving(Starlette(routes=[Route("/index.json", index), Mount("/", StaticFiles(directory=folder.www))])) as on:
        fetch = HttpFetch(on.url)
        gate = Gate(fetch, tmp_path / "pulled")
        gate.ask()
        publish(folder, both(2))
        assert [gate.ask(), gate.ask()] == [0, 1]
        fetch.close()


KEPT = http("200 OK", b"content").replace(b"close", b"keep-alive")
DRIPS = [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"]


@pytest.mark.parametrize("before", [(), (KEPT,)], ids=["first", "kept"])
@pytest.mark.parametrize("begin", DRIPS, ids=["head", "without-length", "body"])
def test_a_server_that_drips_is_given_up(tmp_path: Path, begin: bytes, before: tuple[bytes, ...]) -> None:
    with dripping(*before, begin) as url:
        fetch = HttpFetch(url, document_s=0.3)
        for _ in before:
            assert fetch.document("index.json", "").content == b"content"
        with pytest.raises(NotNowError, match="too slow"):
            fetch.document("index.json", "")
        fetch.close()
    with dripping(begin) as url:
        fetch = HttpFetch(url, package_s=0.3)
        with pytest.raises(NotNowError, match="too slow"):
            fetch.package("packages/x.ymp", 9999, tmp_path / "x.part")
        fetch.close()
