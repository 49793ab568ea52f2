"""Devices pull their own part: a bus never the metro's matrix, and of the next package only what changed."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from tests.network_world import CITY, exit_code, network
from tests.packages_world import DAY, NOW, A, B, Disk, versions
from tests.publication_world import TWO, FromFolder, publish
from yima.sdk.centre.packages.folder import Folder
from yima.sdk.parameters.parts import cut_image, images_in
from yima.sdk.parameters.signing import Envelope, sign_package
from yima.sdk.serving import Serving
from yima.validator.judging import Direction, GateContext, Moment, Reason, Validator
from yima.validator.packages import Chain, image_is_intact, parse_package
from yima.validator.packages.publication import Place
from yima.validator.packages.store import PackageStore
from yima.validator.parameters import from_image, from_rules, sections
from yima.validator.parameters.own_part import Manifest, Part, Spot, content_of, image_of, parse_manifest
from yima.validator.parameters.rules import Fare, FareKind, Journey, Matrix, Mode, Rules, Stage, Station
from yima.validator.upkeep.fetching import HttpFetch
from yima.validator.upkeep.pull_thread import HeldByStore
from yima.validator.upkeep.pulling import Puller

BUS, METRO = Spot(Mode.BUS, CITY, 7), Spot(Mode.METRO, CITY, 0, 350)
LINES = range(1, 21)
STATIONS = range(321, 381)
MATRIX = {sections.MATRICES.number, sections.AXES.number, sections.CELLS.number}


def city(version: int, **changes: Any) -> Rules:
    """A metro, and twenty bus lines of forty stops each, paid by distance."""
    metro = network(version)
    stops = [
        Station(mode=Mode.BUS, city=CITY, line=line, station=stop, metres=400 * stop)
        for line in LINES
        for stop in range(1, 41)
    ]
    bus = Fare(rule="bus", mode=Mode.BUS, city=CITY, kind=FareKind.STAGES, table="bus")
    plain = replace(
        metro, fares=[metro.fares[0], bus], stations=stops, matrices={"network": WHOLE_MATRIX},
        stages={"bus": [Stage(up_to_m=8000, fen=200), Stage(up_to_m=65535, fen=300)]},
    )  # fmt: skip
    return replace(plain, **changes)


WHOLE_MATRIX = Matrix(stations=tuple(STATIONS), fares=[[200 + (a * b) % 900 for b in STATIONS] for a in STATIONS])


def package(rules: Rules) -> bytes:
    envelope = Envelope(
        environment="test", version=rules.version, not_before=NOW - DAY, expiry=NOW + 30 * DAY,
        next_keys=TWO.keys, needed=2,
    )  # fmt: skip
    return sign_package(bytes(from_rules(rules, "city").image), envelope, [A, B], in_parts=True)


@cache
def first_package() -> bytes:
    return package(city(1))


class Counted(FromFolder):
    """Counts the bytes that were fetched of packages and their parts."""

    size = 0

    def document(self, path: str, etag: str) -> Any:
        found = super().document(path, etag)
        self.size += len(found.content or b"") if path.startswith("packages/") else 0
        return found

    def package(self, path: str, size: int, into: Path) -> None:
        before = into.stat().st_size if into.exists() else 0
        try:
            super().package(path, size, into)
        finally:
            self.size += into.stat().st_size - before


class Device:
    """One that pulls into a store of its own."""

    def __init__(self, fetch: Any, directory: Path, spot: Spot | None) -> None:
        self.fetch, self.told = fetch, []  # type: ignore[var-annotated]
        self.store = PackageStore(Disk(), TWO, "test")
        holding = HeldByStore(self.store, lambda data, source: self.store.take(data, NOW, source) and None)
        self.directory = directory
        self.puller = Puller(fetch, directory, Place("gate-7"), {Chain.PARAMETERS: holding}, spot=spot)

    def ask(self) -> int:
        """Bytes of packages that it fetched."""
        before = getattr(self.fetch, "size", 0)
        self.puller.step(Moment.at(NOW), lambda error: self.told.append(str(error)))
        return getattr(self.fetch, "size", 0) - before

    @property
    def image(self) -> bytes:
        return bytes(self.store.active[-1].image)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "centre")


def test_a_bus_never_loads_the_metros_matrix_and_a_gate_its_own_column(folder: Folder, tmp_path: Path) -> None:
    publish(folder, first_package())
    fetched = {}
    for name, spot in (("bus", BUS), ("gate", METRO), ("whole", None)):
        device = Device(Counted(folder.www), tmp_path / name, spot)
        fetched[name] = device.ask()
        assert (versions(device.store), device.told) == ([1], [])
        content = content_of(device.image)
        assert MATRIX.isdisjoint(content) == (name != "whole")
        assert (sections.COLUMNS.number in content) == (name == "gate")
        assert device.image in set(images_in(parse_package(first_package()))), "the centre knows it by its digest"
        stops = list(map(sections.STATIONS.read, sections_rows(content, sections.STATIONS)))
        lines = {one.line for one in stops}
        assert lines == {"bus": {7}, "gate": set(), "whole": set(LINES)}[name]
        assert not list(device.directory.glob("*.part"))
    assert fetched["whole"] == len(first_package())
    assert fetched["bus"] < fetched["whole"] / 4
    assert fetched["gate"] < fetched["whole"] / 4


def sections_rows(content: dict[int, bytes], section: sections.Section) -> list[bytes]:
    rows = content.get(section.number, b"")
    return [rows[at : at + section.row_size] for at in range(0, len(rows), section.row_size)]


def test_of_the_next_package_only_the_parts_that_changed_are_fetched(folder: Folder, tmp_path: Path) -> None:
    publish(folder, first_package())
    accounts = [(n.to_bytes(10), n.to_bytes(10)) for n in range(1, 301)]
    big = package(city(2, deny=accounts))
    devices = {
        name: Device(Counted(folder.www), tmp_path / name, spot) for name, spot in (("bus", BUS), ("gate", METRO))
    }
    for device in devices.values():
        device.ask()
    publish(folder, big)
    manifest = len((folder.www / "packages" / f"{parse_package(big).id.hex()}.manifest").read_bytes())
    listed = {name: device.ask() - manifest for name, device in devices.items()}
    assert listed["bus"] == listed["gate"] >= 6_000, "the deny-list"
    dearer = Matrix(stations=tuple(STATIONS), fares=[[(f or 0) + 100 for f in row] for row in WHOLE_MATRIX.fares])
    publish(folder, package(city(3, deny=accounts, matrices={"network": dearer})))
    assert devices["bus"].ask() == manifest, "nothing of the metro's new fares is fetched by a bus"
    column = devices["gate"].ask() - manifest
    assert 0 < column < 600
    assert [versions(device.store) for device in devices.values()] == [[3], [3]]


def test_a_bus_that_is_told_its_line_has_the_stops_of_all(folder: Folder, tmp_path: Path) -> None:
    publish(folder, first_package())
    device = Device(FromFolder(folder.www), tmp_path / "bus", BUS._replace(line=None))
    device.ask()
    rows = sections_rows(content_of(device.image), sections.STATIONS)
    assert {sections.STATIONS.read(row).line for row in rows} == set(LINES)


def test_what_was_cut_goes_on_at_the_part_where_it_was_cut(folder: Folder, tmp_path: Path) -> None:
    publish(folder, first_package())
    fetch = Counted(folder.www)
    device = Device(fetch, tmp_path / "gate", METRO)
    fetch.cut_at = 40
    first = device.ask()
    assert device.store.active == ()
    fetch.cut_at = None
    assert versions(device.store) == []
    second = device.ask()
    assert versions(device.store) == [1]
    whole = Device(Counted(folder.www), tmp_path / "other", METRO).ask()
    manifest = len(next((folder.www / "packages").glob("*.manifest")).read_bytes())
    assert first + second == whole + manifest, "the manifest twice, each byte of a part once"


def test_a_part_that_was_not_copied_to_the_web_server_is_taken_from_the_whole(folder: Folder, tmp_path: Path) -> None:
    publish(folder, first_package())
    _, manifest = manifest_in(folder, first_package())
    fares = next(part for part in manifest.parts if part.section == sections.FARES.number)
    (folder.www / "parts" / fares.name).unlink()
    device = Device(FromFolder(folder.www), tmp_path / "gate", METRO)
    device.ask()
    assert (versions(device.store), device.told) == ([1], [])


def test_over_http_a_part_is_resumed_by_range(folder: Folder, tmp_path: Path) -> None:
    publish(folder, first_package())
    app = Starlette(routes=[Mount("/", StaticFiles(directory=folder.www))])
    with Serving(app, port=0) as server:
        fetch = HttpFetch(server.url)
        device = Device(fetch, tmp_path / "gate", METRO)
        device.directory.mkdir()
        for part in (folder.www / "parts").iterdir():
            content = part.read_bytes()
            if len(content) > 1000:
                (device.directory / f"{part.name}.part").write_bytes(content[: len(content) // 2])
        device.ask()
        fetch.close()
    assert (versions(device.store), device.told) == ([1], [])


@pytest.mark.parametrize("what", ["a part", "its sizes"])
def test_what_is_not_as_it_was_signed_is_told_and_what_is_in_force_stays(
    what: str, folder: Folder, tmp_path: Path
) -> None:
    publish(folder, first_package())
    fetch = FromFolder(folder.www)
    path, manifest = manifest_in(folder, first_package())
    if what == "a part":
        fares = next(part for part in manifest.parts if part.section == sections.FARES.number)
        fetch.instead[f"parts/{fares.name}"] = bytes(fares.size)
    else:
        huge = tuple(part._replace(size=0xFFFFFFFF) for part in manifest.parts)
        fetch.instead[path] = manifest._replace(parts=huge).to_bytes()
    device = Device(fetch, tmp_path / "gate", METRO)
    device.ask()
    assert device.store.active == ()
    assert len(device.told) == 1


def manifest_in(folder: Folder, data: bytes) -> tuple[str, Manifest]:
    """Where the manifest of a package is, and what it says."""
    path = f"packages/{parse_package(data).id.hex()}.manifest"
    return path, parse_manifest((folder.www / path).read_bytes(), path)


def relabelled(manifest: Manifest, changes: Callable[[Part], dict[str, Any]]) -> bytes:
    """A manifest that says something else of its parts."""
    return manifest._replace(parts=tuple(part._replace(**changes(part)) for part in manifest.parts)).to_bytes()


def anothers_column(part: Part) -> dict[str, Any]:
    """The column of station 351 for that of 350."""
    if part.section != sections.COLUMNS.number:
        return {}
    return {"number": {350: 9999, 351: 350}.get(part.number, part.number)}


@pytest.mark.parametrize("what", ["another's column", "no column", "a byte of the front", "cut short", "no section"])
def test_a_forged_manifest_shuts_no_gate(what: str, folder: Folder, tmp_path: Path) -> None:
    publish(folder, first_package())
    path, manifest = manifest_in(folder, first_package())
    content = manifest.to_bytes()
    forged = {
        "another's column": relabelled(manifest, anothers_column),
        "no column": relabelled(manifest, lambda part: {"number": 9999}),
        "a byte of the front": content[:200] + bytes([content[200] ^ 1]) + content[201:],
        "cut short": content[:-1],
        "no section": content.replace(content[4 + 20 + 192 :][:2], b"\xff\xff", 1),
    }
    fetch = FromFolder(folder.www)
    fetch.instead[path] = forged[what]
    device = Device(fetch, tmp_path / "gate", METRO)
    device.ask()
    assert (versions(device.store), device.told) == ([1], [])
    gate = GateContext(mode=Mode.METRO, city=CITY, station=350, direction=Direction.EXIT)
    verdict = Validator(from_image(device.image, "x"), gate).judge(exit_code(330), NOW)
    assert (verdict.reason, verdict.fare_fen) == (Reason.ACCEPTED, WHOLE_MATRIX.fares[330 - 321][350 - 321])


@pytest.mark.parametrize("told", [7, None], ids=["one-line", "told-while-it-runs"])
def test_a_bus_takes_the_stops_of_no_other_line(told: int | None, folder: Folder, tmp_path: Path) -> None:
    publish(folder, first_package())
    path, manifest = manifest_in(folder, first_package())
    stations = sections.STATIONS.number
    fetch = FromFolder(folder.www)
    if told:
        fetch.instead[path] = relabelled(manifest, lambda part: {"number": {7: 8, 8: 7}.get(part.number, 0)})
    else:  # the stops of a line are said to be those of all
        fetch.instead[path] = relabelled(manifest, lambda part: {"mode": part.section == stations and part.mode == 0})
    device = Device(fetch, tmp_path / "bus", BUS._replace(line=told))
    device.ask()
    rows = sections_rows(content_of(device.image), sections.STATIONS)
    assert {sections.STATIONS.read(row).line for row in rows} == set(LINES)
    assert device.told == []


@pytest.mark.parametrize("spot", [METRO._replace(station=999), BUS._replace(line=99)], ids=["station", "line"])
def test_a_place_that_the_tables_lack_is_taken_from_the_whole(spot: Spot, folder: Folder, tmp_path: Path) -> None:
    publish(folder, first_package())
    device = Device(FromFolder(folder.www), tmp_path / "device", spot)
    device.ask()
    assert (versions(device.store), device.told) == ([1], [])


@pytest.mark.parametrize(("spot", "others"), [(METRO, METRO._replace(station=351)), (BUS, BUS._replace(line=8))])
def test_the_whole_is_not_the_part_of_another_place(spot: Spot, others: Spot, folder: Folder, tmp_path: Path) -> None:
    data = first_package()
    publish(folder, data)
    package = parse_package(data)
    part = cut_image(bytes(package.image), others, "x")
    size = sections.HEADER["size"]
    filled = part[: size.offset] + len(package.image).to_bytes(size.size) + part[size.offset + size.size :]
    forged = data[: len(data) - len(package.image)] + filled + bytes(len(package.image) - len(part))
    assert image_is_intact(parse_package(forged)), "each section is signed"
    fetch = FromFolder(folder.www)
    path, _ = manifest_in(folder, data)
    fetch.instead |= {path: b"", path.replace(".manifest", ".ymp"): forged}
    device = Device(fetch, tmp_path / "gate", spot)
    device.ask()
    assert (versions(device.store), len(device.told)) == ([], 1)
    fetch.instead.clear()
    device.ask()
    assert versions(device.store) == [1]


def test_the_stops_of_another_line_open_nothing_where_rides_without_a_price_are_let_through() -> None:
    rules = city(1, journeys=[Journey(rule="open", mode=Mode.BUS, city=CITY, unpriced=True)])
    whole = bytes(from_rules(rules, "open").image)
    gate = GateContext(mode=Mode.BUS, city=CITY, line=7, station=2)

    def answer(image: bytes, stop: int = 2) -> tuple[Reason, int]:
        verdict = Validator(from_image(image, "x"), replace(gate, station=stop)).judge(exit_code(0), NOW)
        return verdict.reason, verdict.fare_fen

    own, other = (cut_image(whole, BUS._replace(line=line), "x") for line in (7, 8))
    assert answer(own) == answer(whole) == (Reason.ACCEPTED, 300)
    assert answer(own, 99) == answer(whole, 99) == (Reason.ACCEPTED, 0), "a stop that the tables lack: as they say"
    assert answer(other) == (Reason.RIDE_NOT_PRICED, 0)
    assert answer(cut_image(whole, METRO, "x")) == (Reason.RIDE_NOT_PRICED, 0)
    for lacking in (sections.STATIONS, sections.STAGES):
        part = image_of(own, {number: rows for number, rows in content_of(own).items() if number != lacking.number})
        assert answer(part) == (Reason.RIDE_NOT_PRICED, 0)
