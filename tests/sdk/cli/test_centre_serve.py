"""`yima centre keys` and `yima centre serve`: a key is shown once, a service answers by it until it is stopped."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.sdk.centre.clearing.folders import folder
from tests.sdk.centre.clearing.world import DAY, SHANGHAI
from tests.sdk.cli.test_command import without
from yima.sdk.cli import main as command


@pytest.fixture(autouse=True)
def in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIMA_LANG", "en")


@pytest.fixture
def region(tmp_path: Path) -> Path:
    return folder(tmp_path / "region")


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = command.main(["centre", *words])
    out, err = capsys.readouterr()
    return status, out, err


def test_a_key_is_made_shown_once_listed_and_revoked(region: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = said(capsys, "keys", "make", str(region), "--role", "issuer", "--of", SHANGHAI)
    assert status == 0 and out.startswith("yima_") and "only time" in err
    key = out.strip()
    name = key.split("_")[1]
    status, out, _ = said(capsys, "keys", "list", str(region))
    assert name in out and SHANGHAI in out and key.split("_", 2)[2] not in out
    status, out, _ = said(capsys, "keys", "make", str(region), "--role", "clerk", "--until", "20300101", "--json")
    made: dict[str, Any] = json.loads(out)
    assert (made["role"], made["of"], made["to"], made["revoked"]) == ("clerk", "", 20300101, False)
    assert made["key"].startswith(f"yima_{made['id']}_")
    status, out, _ = said(capsys, "keys", "revoke", str(region), name)
    assert status == 0 and out.rstrip().endswith("revoked")
    _, out, _ = said(capsys, "keys", "list", str(region), "--json")
    assert [json.loads(line)["revoked"] for line in out.splitlines()] == [True, False]


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        (["keys", "make", "DIR", "--role", "issuer"], 3, "give 8 digits of the organisation"),
        (["keys", "make", "DIR", "--role", "king"], 2, "invalid choice"),
        (["keys", "revoke", "DIR", "00000000"], 3, "yima centre keys list shows their ids"),
        (["keys", "list", "NONE"], 3, "has no folder stores/"),
        (["serve", "NONE"], 3, "has no folder stores/"),
        (["serve", "DIR", "--listen", "nowhere"], 7, "Write HOST:PORT"),
        (["serve", "DIR", "--rate", "0"], 2, "--rate"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_a_status(
    region: Path, capsys: pytest.CaptureFixture[str], words: list[str], status: int, text: str
) -> None:
    named = [{"DIR": str(region), "NONE": str(region / "stores")}.get(word, word) for word in words]
    found, _, err = said(capsys, *named)
    assert (found, text in err) == (status, True), err


def test_without_its_extra_it_says_what_to_type_and_keys_are_there_all_the_same(region: Path) -> None:
    done = without("fastapi", "centre", "serve", str(region), "--listen", "127.0.0.1:0")
    assert done.returncode == 2 and "interfaces" in done.stderr, done.stderr
    assert without("fastapi", "centre", "keys", "list", str(region)).returncode == 0


@pytest.mark.slow
def test_a_service_answers_by_the_key_and_ends_when_it_is_told(
    region: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(capsys, "day", str(region), "--day", str(DAY))[0] == 0
    key = said(capsys, "keys", "make", str(region), "--role", "issuer", "--of", SHANGHAI)[1].strip()
    service = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "yima.sdk.cli.main",
            "centre",
            "serve",
            str(region),
            "--listen",
            "127.0.0.1:0",
            "--json",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"YIMA_LANG": "en"},
    )
    assert service.stdout is not None
    url = json.loads(service.stdout.readline())["url"]
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=200) as client:
        page = client.get("/v1/charges").json()
        assert len(page["items"]) > 3 and page["more"] is False
        assert said(capsys, "day", str(region), "--day", str(DAY + 1))[0] == 0
        behind = client.get("/v1/charges", params={"after": page["next"]}).json()
        assert {one["day"] for one in behind["items"]} == {f"{(DAY + 1) // 10000}-09-{(DAY + 1) % 100:02}"}
        assert any(one["reverses"] for one in behind["items"])
        assert client.get("/v1/charges", headers={"Authorization": "Bearer none"}).status_code == 401
    service.send_signal(signal.SIGTERM)
    rest, _ = service.communicate(timeout=200)
    assert service.returncode == 0
    events = [json.loads(line) for line in rest.splitlines()]
    assert [one.get("status") for one in events] == [200, 200, 401, None] and events[-1] == {"event": "stopped"}
    assert key not in rest and key.split("_", 2)[2] not in rest
