"""The console of a running device or collector: live, masked, read-only, and nothing to anybody whom it is not for."""

import json
import re
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.running import YIMA, environment, good_code, make_bench, run_words, whole_scanner
from tests.uplinks import until
from yima.sdk.listening import ServingError
from yima.sdk.observing.console import KEPT, Console
from yima.validator.errors import YimaError

TOKEN = "0123456789abcdef"
FOLDER = Path(__file__).parents[3] / "sdk" / "web" / "console"


def a_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def get(port: int, path: str = "/state.json", **headers: str) -> httpx.Response:
    with httpx.Client(trust_env=False, timeout=10) as client:
        return client.get(f"http://127.0.0.1:{port}{path}", headers=headers)


def state(port: int, **headers: str) -> dict[str, Any]:
    """As soon as it answers."""
    found: list[httpx.Response] = []

    def answered() -> bool:
        try:
            found.append(get(port, **headers))
        except httpx.HTTPError:
            return False
        return True

    until(answered)
    return dict(found[-1].json())


def troubled(error: YimaError) -> None:
    pytest.fail(str(error))


@contextmanager
def console(address: str = "127.0.0.1:0", **more: Any) -> Iterator[Console]:
    made = Console(address, {"kind": "device", "name": "g"}, look=lambda: {"pending": 3}, on_trouble=troubled, **more)
    made.endpoint.start()
    yield made
    made.endpoint.stop()


def test_a_running_device_shows_its_taps_as_they_come(tmp_path: Path) -> None:
    issuer = make_bench(tmp_path)
    port = a_free_port()
    with whole_scanner() as scanner:
        words = run_words(tmp_path, "--console", str(port), "--json", reader=f"serial:{scanner.path}")
        with subprocess.Popen([*YIMA, *words], stdout=subprocess.PIPE, text=True, env=environment()) as process:
            try:
                assert process.stdout
                assert json.loads(process.stdout.readline())["event"] == "started"
                scanner.scan(good_code(issuer))
                tap = next(one for line in process.stdout if (one := json.loads(line))["event"] == "tap")
                # The tap is told when it is judged, and its record waits in the journal a moment later.
                until(lambda: state(port)["standing"]["pending"] == 3)  # the start, the parameters, the tap
                until(lambda: any(event["event"] == "tap" for event in state(port)["events"]))
                shown = state(port)
                (seen,) = [event for event in shown["events"] if event["event"] == "tap"]
                assert seen == {"number": seen["number"], **tap}, "it says what --json says"
                assert (seen["accepted"], seen["fare_fen"], seen["account_masked"]) == (
                    True,
                    200,
                    "3104************0000",
                )
                standing = shown["standing"]
                assert (standing["parameters_version"], standing["clock_trusted"]) == (3, True)
                assert standing["memory"]["used"] == 1
                assert {"name": "yima-journal", "standing": "running", "restarts": 0} in standing["threads"]
                assert standing["pending"] == 3
                assert "6228480402564890" not in json.dumps(shown)
                process.send_signal(signal.SIGTERM)
                assert process.wait(200) == 0
            finally:
                process.kill()


def test_a_collector_shows_what_it_takes_and_refuses(tmp_path: Path) -> None:
    port = a_free_port()
    words = [
        "collect",
        "--listen",
        "127.0.0.1:0",
        "--store",
        str(tmp_path / "trips.db"),
        "--bench",
        "--console",
        str(port),
        "--json",
    ]
    with subprocess.Popen([*YIMA, *words], stdout=subprocess.PIPE, text=True, env=environment()) as process:
        try:
            assert process.stdout
            url = json.loads(process.stdout.readline())["url"]
            assert httpx.post(f"{url}/v1/batches", content=b"no batch", trust_env=False).status_code == 401
            until(lambda: [event["event"] for event in state(port)["events"]] == ["listening", "refused"])
            shown = state(port)
            assert shown["standing"]["refusals"] == 1
            assert shown["about"]["name"] == "trips.db"
            process.send_signal(signal.SIGTERM)
            assert process.wait(200) == 0
        finally:
            process.kill()


def test_beyond_this_machine_it_wants_a_token(tmp_path: Path) -> None:
    for address in ("0.0.0.0:0", "[::]:0", "gate.example:0"):
        with pytest.raises(ServingError, match="--console-token"), console(address):
            pass
    for name, content in (("short", "secret\n"), ("spaced", f"{TOKEN} {TOKEN}\n"), ("lines", f"{TOKEN}\n{TOKEN}\n")):
        (tmp_path / name).write_text(content)
    for name in ("short", "spaced", "lines", "missing"):
        with pytest.raises(ServingError, match="token"), console(token_file=tmp_path / name):
            pass
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    with console("0.0.0.0:0", token_file=tmp_path / "token") as made:
        assert get(made.endpoint.port).status_code == 401
        assert get(made.endpoint.port, Authorization=f"Bearer {TOKEN}x").status_code == 401
        assert get(made.endpoint.port, "/").status_code == 200, "the page itself says nothing of the gate"
        assert get(made.endpoint.port, Authorization=f"Bearer {TOKEN}", Host="gate.example").status_code == 200


def test_without_a_token_it_answers_to_this_machines_names_only() -> None:
    with console() as made:
        for host in ("127.0.0.1", "localhost:8090", "[::1]:8090"):
            assert get(made.endpoint.port, Host=host).status_code == 200
        for host in ("evil.example", "127.0.0.1.evil.example", ""):
            assert get(made.endpoint.port, Host=host).status_code == 421


def test_at_another_address_of_this_machine_it_answers_to_that_one() -> None:
    """It began there, told nothing, and answered 421 to whoever came."""
    with console("127.0.0.2:0") as made:
        port = made.endpoint.port
        assert httpx.get(f"http://127.0.0.2:{port}/state.json", trust_env=False).status_code == 200
        answer = httpx.get(f"http://127.0.0.2:{port}/", headers={"Host": "evil.example"}, trust_env=False)
        assert answer.status_code == 421


def test_a_slow_viewer_loses_events_and_can_tell_how_many() -> None:
    with console() as made:
        for number in range(3 * KEPT):
            made.happened(lambda number=number: {"event": "x", "seq": number})  # type: ignore[misc]
        numbers = [event["number"] for event in state(made.endpoint.port)["events"]]
    assert numbers == list(range(2 * KEPT + 1, 3 * KEPT + 1))


def test_what_a_viewer_was_told_before_makes_room_for_what_came_since() -> None:
    with console() as made:
        for _ in range(3):
            for _ in range(KEPT // 2 + 1):
                made.happened(lambda: {"event": "x"})
            events = json.loads(made._state())["events"]
    last = 3 * (KEPT // 2 + 1)
    assert [event["number"] for event in events] == list(range(last - KEPT + 1, last + 1))


def test_what_happens_is_made_into_json_only_where_somebody_asks_and_once() -> None:
    made_on: list[str] = []

    def event() -> dict[str, str]:
        made_on.append("asked")
        return {}

    with console() as made:
        made.happened(event)
        assert made_on == []
        assert state(made.endpoint.port)["events"] == [{"number": 1}]
        assert json.loads(made._state())["events"] == [{"number": 1}]
        assert made_on == ["asked"]


def test_a_refusal_is_kept_and_framed_no_more_than_an_answer(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    with console() as here, console(token_file=tmp_path / "token") as guarded:
        refused = get(here.endpoint.port, Host="evil.example"), get(guarded.endpoint.port)
    assert [answer.status_code for answer in refused] == [421, 401]
    for answer in refused:
        assert answer.headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/", "/console.js", "/texts.js", "/console.css", "/state.json"])
def test_every_answer_forbids_what_is_not_its_own(path: str) -> None:
    with console() as made:
        answer = get(made.endpoint.port, path)
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


def test_the_page_loads_nothing_from_elsewhere_and_makes_no_markup_of_what_it_is_told() -> None:
    whole = "".join(path.read_text(encoding="utf-8") for path in FOLDER.iterdir())
    assert not re.search(r"https?://|innerHTML|insertAdjacentHTML|document\.write|eval\(| style=| on\w+=\"", whole)


@pytest.fixture(scope="module")
def told() -> set[str]:
    return set(re.findall(r"^  (\w+): \[", (FOLDER / "texts.js").read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("pattern", [r'data-text="(\w+)"', r'say\("(\w+)"\)'])
def test_every_text_that_the_page_asks_for_is_there(pattern: str, told: set[str]) -> None:
    names = set(re.findall(pattern, "".join(path.read_text(encoding="utf-8") for path in FOLDER.iterdir())))
    assert names
    assert names <= told


def test_everything_that_is_looked_at_has_a_name_in_both_languages(told: set[str]) -> None:
    from yima.sdk.centre.collector.watched import Watching
    from yima.sdk.observing.seen import Seen

    looked: Callable[[], dict[str, int]] = Watching()._look
    assert {*Seen.__annotations__, *looked(), "loop_age_s"} <= told
