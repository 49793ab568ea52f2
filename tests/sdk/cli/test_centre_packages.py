"""`yima centre packages` and `yima run --packages`: from a proposal to a gate that pulls, through the command line."""

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from tests.postgres import new_database, server
from tests.running import whole_scanner
from tests.sdk.cli.test_run_packages import City, city, said
from tests.test_kill_and_resume import Running
from tests.uplinks import until
from yima.sdk.centre.collector.app import Collector
from yima.sdk.centre.collector.arrivals import Arrival, Signed
from yima.sdk.centre.collector.opening import open_store
from yima.sdk.centre.collector.store import Store
from yima.sdk.cli.main import main
from yima.sdk.serving import Serving
from yima.validator.state.keys import DeviceKey
from yima.validator.uplink.batches import Batch
from yima.validator.uplink.versions import Versions, encode_versions, parse_versions, signed_bytes

assert city  # the fixture
__all__ = ["new_database", "server"]

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def yima(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `yima centre packages` with keys of Li, Wang and the publisher."""
    for name in ("li", "wang", "publisher"):
        assert main(["params", "new-key", str(tmp_path / f"{name}.key"), "--pins", str(tmp_path / f"{name}.pins")]) == 0
    capsys.readouterr()

    def run(*words: object) -> tuple[int, str]:
        status = main(["centre", "packages", *map(str, words)])
        captured = capsys.readouterr()
        return status, captured.out + captured.err

    return run


def released(yima: Run, directory: Path, package: Path, *steps: str, signer: Path) -> str:
    """Proposes by the signer, approves by Wang, publishes; the release's id."""
    centre = directory / "centre"
    status, out = yima(
        "propose", centre, package, "--why", "fares", "--by", "Li", "--key", signer,
        "--publisher", directory / "publisher.pins", "--for", "mode=bus", "--for", "city=310000,line=2",
    )  # fmt: skip
    assert status == 0, out
    name = out.strip()
    assert yima("approve", centre, name[:10], "--by", "Wang", "--key", directory / "wang.key")[0] == 0
    status, out = yima("publish", centre, name[:10], "--key", directory / "publisher.key", *steps)
    assert status == 0, out
    return name


def test_a_gate_pulls_what_two_people_published_and_the_report_says_so(
    city: City, yima: Run, tmp_path: Path, key_file: Path, forking: str
) -> None:
    www, store = tmp_path / "centre" / "www", Store(tmp_path / "trips.db")
    city.put(1)
    released(yima, tmp_path, city.file, signer=key_file)
    site = Starlette(routes=[Mount("/", StaticFiles(directory=www))])
    with whole_scanner() as scanner, Serving(site) as web, Serving(Collector(store).app()) as collector:
        words = ["--reader", f"serial:{scanner.path}", "--packages", web.url, "--state", str(tmp_path / "state")]
        words += ["--trust", str(city.keys), "--environment", "test", "--collector", collector.url, "--json"]
        words += ["--first-within", "0"]
        running = Running(forking, *words)
        assert said(running, "started")["parameters_version"] == 1
        scanner.scan(city.code())
        assert said(running, "tap")["fare_fen"] == 100
        city.put(2)
        released(yima, tmp_path, city.file, signer=key_file)
        running.process.send_signal(signal.SIGHUP)
        assert said(running, "parameters_changed")["parameters_version"] == 2
        scanner.scan(city.code())
        assert said(running, "tap")["fare_fen"] == 200
        until(lambda: [parse_versions(one.said).parameters for one in store.statements()][-1:] == [2])
        assert running.end(signal.SIGTERM) == 0
    with whole_scanner() as scanner:  # the web server is gone: what is in force is enough
        words[1] = f"serial:{scanner.path}"
        again = Running(forking, *words)
        assert said(again, "started")["parameters_version"] == 2
        assert "cannot be fetched" in said(again, "parameters_trouble")["problem"]
        assert again.end(signal.SIGTERM) == 0
    store.close()
    status, out = yima("report", tmp_path / "trips.db", "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert (status, [row["version"] for row in rows], all(row["proven"] for row in rows)) == (0, [1, 2], True)
    status, out = yima("report", tmp_path / "trips.db")
    assert (status, out.count("signed")) == (0, 2)


def test_a_release_is_listed_shared_watched_and_stopped(city: City, yima: Run, tmp_path: Path, key_file: Path) -> None:
    centre, publisher = tmp_path / "centre", tmp_path / "publisher.key"
    city.put(1)
    name = released(yima, tmp_path, city.file, "--steps", "1,10,100", signer=key_file)
    _, out = yima("list", centre)
    assert all(part in out for part in (name[:16], "1 %", "proposed  Li", "approved  Wang", "fares"))
    assert "5 %" in yima("share", centre, name, 5, "--key", publisher)[1]
    for text in ("inf", "nan", "1e400", "0.001", "100.01", "five"):
        assert yima("share", centre, name, text, "--key", publisher)[0] == 2, text
    Store(tmp_path / "trips.db").close()
    assert yima("watch", centre, "--store", tmp_path / "trips.db", "--once", "--key", publisher) == (0, "")
    assert "0 %" in yima("stop", centre, name, "--why", "complaints", "--key", publisher)[1]
    assert "complaints" in yima("list", centre)[1]
    assert yima("approve", centre, name, "--by", "Li", "--key", tmp_path / "li.key")[0] != 0


def test_a_folder_that_was_mistyped_is_named_rather_than_watched_for_ever(yima: Run, tmp_path: Path) -> None:
    Store(tmp_path / "trips.db").close()
    for words in (
        ("list", tmp_path / "center"),
        ("watch", tmp_path / "center", "--store", tmp_path / "trips.db", "--key", tmp_path / "publisher.key"),
    ):
        status, out = yima(*words)
        assert status == 6, words
        assert "is no folder of a publication" in out
    assert not (tmp_path / "center").exists()


def test_a_file_of_several_keys_names_no_publisher(city: City, yima: Run, tmp_path: Path, key_file: Path) -> None:
    """The smallest of them was taken, whoever's it was."""
    city.put(1)
    pins = tmp_path / "publisher.pins"
    assert main(["params", "new-key", str(tmp_path / "other.key"), "--pins", str(pins)]) == 0
    words = ("--why", "fares", "--by", "Li", "--key", key_file, "--publisher", pins)
    status, out = yima("propose", tmp_path / "centre", city.file, *words)
    assert status == 6
    assert "has 2 keys, and one publisher steers a release" in out
    assert not (tmp_path / "centre").exists()


@pytest.mark.long
def test_a_database_is_watched_and_told_of_as_a_file_is(
    city: City, yima: Run, tmp_path: Path, key_file: Path, new_database: Callable[[], str]
) -> None:
    where, key = new_database(), DeviceKey.generate()
    city.put(1)
    released(yima, tmp_path, city.file, "--steps", "1,10,100", signer=key_file)
    said = encode_versions(Versions(device="gate-1", software="0.1.0", parameters=1))
    stated = Signed(said, key.sign(signed_bytes(said)))
    store = open_store(where)
    store.accept_all([Arrival(Batch(device="gate-1", epoch=1, entries=()), key.public, 1_790_000_000, stated=stated)])
    store.close()
    words = ("--store", where, "--once", "--key", tmp_path / "publisher.key")
    assert yima("watch", tmp_path / "centre", *words) == (0, "")
    status, out = yima("report", where, "--json")
    assert (status, [(row["device"], row["version"], row["proven"]) for row in map(json.loads, out.splitlines())]) == (
        0,
        [("gate-1", 1, True)],
    )


def test_what_a_run_lacks_is_named(city: City, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run", "--reader", f"file:{tmp_path}", "--state", str(tmp_path / "state")]
    for more, problem in (
        ([], "or --packages is needed"),
        (["--packages", "http://127.0.0.1:1"], "takes signed packages alone"),
        (["--packages", "nowhere", "--trust", str(city.keys)], "no address of a publication"),
        (["--packages", "http://127.0.0.1:1", "--trust", str(city.keys)], "cannot be fetched"),
    ):
        assert main([*words, *more]) == 6
        assert problem in capsys.readouterr().err


@pytest.fixture
def key_file(city: City, tmp_path: Path) -> Path:
    """The city's signing key as a file."""
    path = tmp_path / "city.key"
    path.touch(mode=0o600)
    path.write_text(f"secret {city.key.secret:064x}\n")
    return path
