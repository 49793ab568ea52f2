"""yima.sdk.line_words: what is said of a line is Chinese throughout where the rest is."""

import re
from collections.abc import Callable

import pytest

from benchmarks.damages import LOST, OPEN, UNDONE
from yima.sdk.bench import diagnose
from yima.sdk.bench.losses import KINDS
from yima.sdk.bench.mapped import MAPPINGS
from yima.sdk.bench.rewritten import LAYOUTS
from yima.sdk.line_words import line_words

FAULTS = (
    "14 bytes of noise before the code dropped", "decoded from a hex line", "no base64 line, taken as it came",
    "cut at 512 of 900 bytes", "a report of 63 bytes, not 64", "report 03, not 02",
    "a report of 60 data bytes, more than 56", "a report whose AIM identifier is 5d4331",
    "3 bytes behind the code dropped", "cut short: 200 of 364 bytes came",
    "no end in sight: cut, the rest up to a silence dropped", "the line reported FramingError",
    "the report that was to go on did not come", "2 reports of other ids dropped", "]C1 is no QR code",
)  # fmt: skip
NAMES = re.compile(
    r"AT|AIM|ModemManager|ASCII|JSON|HTML|XML|DLE|PARMRK|telnet|SLIP|xor|STX|ETX|TAB|ACK|SYN|NUL|BOM|ECI"
    r"|CR LF|CR|LF|data URI|bytes|base(?:32|45|64)|hex|gzip|zlib|deflate|bzip2|xz|zstd|lz4|endian|big|little"
    r"|AZERTY|QWERTY|QWERTZ"
    r"|(?:utf|cp|gb|mac|iso|latin|koi8)[\w-]*|C|FramingError"
    r"|U\+FFFD|\b[0-9A-F]{2}\b|\b[0-9A-F]{6}\b|5d4331"
)


def assert_chinese(said: str) -> None:
    left = NAMES.sub("", line_words(said))
    assert not re.search(r"[A-Za-z]{2,}", left), (said, line_words(said))


@pytest.fixture(autouse=True)
def chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIMA_LANG", "zh")


@pytest.mark.parametrize("said", FAULTS)
def test_what_a_reader_mended_is_told_in_chinese(said: str) -> None:
    assert_chinese(said)


def test_the_details_of_every_damage_are_told_in_chinese(new_code: Callable[..., bytes]) -> None:
    code = new_code()
    for damage in (UNDONE | LOST | OPEN).values():
        for step in diagnose(damage(code)).steps:
            assert_chinese(step.detail.replace("undetermined", ""))
    told = [detail for _, detail, _ in MAPPINGS] + [f"{detail}: 3 bytes" for _, detail, *_ in KINDS]
    for detail in (*told, *(detail for detail, *_ in LAYOUTS)):
        assert_chinese(detail)


def test_in_english_nothing_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIMA_LANG", "en")
    assert line_words(FAULTS[0]) == FAULTS[0]
