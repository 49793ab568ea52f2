"""The page of `yima phone` over HTTP: what a camera would read from its picture, and what a gate says of it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
import zxingcpp

from yima.sdk.cli.main import main
from yima.sdk.keyring import Keyring
from yima.sdk.phone.app import Choices, phone_app
from yima.sdk.phone.lab import LAB, Phones
from yima.sdk.phone.pictures import POSTER, Style
from yima.sdk.serving import Serving
from yima.validator.judging import GateContext, Moment, Reason, Validator
from yima.validator.parameters import Mode, load

ROOT = Path(__file__).parents[3]
QR_CODES = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
Ask = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    """Asks a running page: path, then choices."""
    with Serving(phone_app(Phones(Keyring()), Choices())) as service, httpx.Client(base_url=service.url) as client:

        def get(path: str, **choices: str | int) -> httpx.Response:
            return client.get(path, params=choices)

        yield get


def gray_of(png: bytes) -> Any:
    return cv2.imdecode(np.frombuffer(png, dtype=np.uint8), cv2.IMREAD_GRAYSCALE)


def read(png: bytes) -> list[Any]:
    """QR codes alone: among the modules of one, other symbologies are found at times."""
    return list(zxingcpp.read_barcodes(gray_of(png), formats=QR_CODES))


def has_finder(png: bytes, side: str) -> bool:
    """Whether a finder pattern stands in that lower corner: a symbol as it should be has one on the left alone."""
    gray = gray_of(png)[4::8, 4::8]
    modules = gray[-11:-4, 4:11] if side == "left" else gray[-11:-4, -11:-4]
    finder = np.array([[max(abs(x), abs(y)) != 2 for x in range(-3, 4)] for y in range(-3, 4)])
    return bool(np.array_equal(modules != gray[0, 0], finder))


@pytest.fixture(scope="module")
def judge(ask: Ask, tmp_path_factory: pytest.TempPathFactory) -> Callable[[bytes], Reason]:
    """A gate with the parameters that the page gives out; it has seen nothing."""
    path = tmp_path_factory.mktemp("phone") / "params.toml"
    path.write_bytes(ask("/params.toml").content)
    parameters = load(path)
    gate = GateContext(mode=Mode.BUS)
    return lambda code: Validator(parameters, gate).judge(code, Moment.at(int(time.time()))).reason


@pytest.mark.parametrize("style", Style)
def test_each_look_is_read_and_its_code_is_accepted(ask: Ask, judge: Callable[[bytes], Reason], style: Style) -> None:
    answer = ask("/code.png", style=str(style), rider=3)
    assert answer.headers["content-type"] == "image/png"
    found = read(answer.content)
    codes = [one.bytes for one in found if one.bytes != POSTER]
    assert len(codes) == 1
    assert len(found) == (2 if style is Style.POSTER else 1)
    assert has_finder(answer.content, "left") is (style is not Style.MIRRORED)
    assert has_finder(answer.content, "right") is (style is Style.MIRRORED)
    assert judge(codes[0]) is Reason.ACCEPTED


def test_every_lab_case_is_read_and_gets_its_reason(ask: Ask, judge: Callable[[bytes], Reason]) -> None:
    few = [number for number, case in LAB.items() if case.expects is not Reason.ACCEPTED or case.level or case.root > 1]
    said = {}
    for number in few:
        [found] = read(ask("/code.png", case=number).content)
        said[number] = judge(found.bytes), (LAB[number].level or found.ec_level)
        assert found.ec_level == (LAB[number].level or "L")
    assert {number: reason for number, (reason, _) in said.items()} == {n: LAB[n].expects for n in few}


def test_a_code_is_made_anew_each_second(ask: Ask) -> None:
    first = read(ask("/code.png").content)[0].bytes
    until = time.monotonic() + 60
    while (second := read(ask("/code.png").content)[0].bytes) == first and time.monotonic() < until:
        time.sleep(0.1)
    assert second != first
    assert second[:150] == first[:150]


@pytest.mark.parametrize(("language", "said"), [("en", "no gate that takes money"), ("zh", "正式闸机不会受理")])
def test_the_page_says_in_both_languages_what_it_is(ask: Ask, language: str, said: str) -> None:
    answer = ask("/", lang=language, style="dark", case=5583, rider=2)
    page = answer.text
    assert said in page
    assert said in httpx.get(answer.url.copy_with(query=None), headers={"Accept-Language": f"{language}-XX"}).text
    assert '<body class="dark" data-every="5">' in page
    assert re.search(r'<option value="5583" selected>', page)
    assert 'src="code.png?style=dark&amp;case=5583&amp;rider=2' in page
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "http-equiv" in page  # without a script it renews itself
    for name in re.findall(r'(?:href|src)="(page\.[a-z]+)"', page):
        assert ask(f"/{name}").status_code == 200


@pytest.mark.parametrize(
    "choices",
    [{"style": "x"}, {"case": "1"}, {"rider": "0"}, {"rider": "1e1"}, {"level": "Z"}, {"every": "0"}, {"what": "<b>"}],
)
def test_what_cannot_be_chosen_is_told(ask: Ask, choices: dict[str, str]) -> None:
    for path in ("/", "/code.png"):
        answer = ask(path, **choices)
        assert answer.status_code == 400
        assert next(iter(choices)) in answer.text
        assert answer.headers["content-type"].startswith("text/plain")


def test_no_key_and_nothing_else_is_given_out(ask: Ask) -> None:
    assert ask("/keys").status_code == 404
    assert ask("/../pyproject.toml").status_code == 404
    assert len(ask("/roots.bin").content) == 4 * 144


def test_the_verb_serves_the_page_and_says_that_only_this_machine_reaches_it(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "yima.sdk.cli.main", "phone", "--listen", "127.0.0.1:0", "--keys", "keys.json"]
    environment = os.environ | {"YIMA_LANG": "en", "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=environment) as running:
        assert running.stdout is not None
        try:
            lines: list[str] = []
            while not lines or not lines[-1].startswith("test codes only"):
                lines.append(running.stdout.readline())
                assert lines[-1]
            url = lines[-2].strip()
            assert "this machine alone" in lines[-1]
            assert any("█" in line for line in lines)  # the address as a symbol
            assert len(read(httpx.get(f"{url}/code.png").content)) == 1
        finally:
            running.send_signal(signal.SIGTERM)
        assert running.wait(200) == 0


@pytest.mark.parametrize("style", [Style.GOOD, Style.DARK, Style.PALE])
def test_the_terminal_shows_the_same_code(style: Style, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    params = tmp_path / "params.toml"
    assert main(["phone", "--terminal", "--count", "1", "--style", str(style), "--params", str(params)]) == 0
    [found] = read(cv2.imencode(".png", drawn(capsys.readouterr().out))[1].tobytes())
    moment = Moment.at(int(time.time()))
    assert Validator(load(params), GateContext(mode=Mode.BUS)).judge(found.bytes, moment).accepted


def drawn(text: str) -> Any:
    """A terminal's characters and colours as a picture."""
    halves = {"█": (1, 1), "▀": (1, 0), "▄": (0, 1), " ": (0, 0)}
    rows = []
    for dark, light, line in re.findall(r"\x1b\[38;2;(\d+);.*?m\x1b\[48;2;(\d+);.*?m([█▀▄ ]+)\x1b", text):
        colour = (int(light), int(dark))
        rows += [[colour[halves[one][half]] for one in line] for half in (0, 1)]
    return np.kron(np.array(rows, dtype=np.uint8), np.ones((6, 6), dtype=np.uint8))


def test_parameters_of_somebody_else_are_not_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "city.toml"
    path.write_text("mine")
    assert main(["phone", "--terminal", "--count", "1", "--params", str(path)]) != 0
    assert path.read_text() == "mine"
    assert "was not made by" in capsys.readouterr().err
