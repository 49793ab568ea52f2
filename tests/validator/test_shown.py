"""Text from outside is shown without commanding a terminal and without a secret, and JSON keeps it exactly."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.validator.errors import UplinkError, YimaError
from yima.validator.shown import MASK, masked_url, shown, shown_json
from yima.validator.texts import Text

ANY_TEXT = st.text(st.characters(exclude_categories=()))  # halves of characters too


@pytest.mark.parametrize(
    ("said", "as_shown"),
    [
        ("\x1b]0;owned\x07", r"\x1b]0;owned\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("one\nOPEN   two\r", r"one\nOPEN   two\r"),
        ("pay \u202eelbisrever\u2066", r"pay \u202eelbisrever\u2066"),
        ("\ud800", r"\ud800"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("\u2028\x7f\x00", r"\u2028\x7f\x00"),
        ("采集端　😀 \\x1b", "采集端　😀 \\x1b"),
    ],
)
def test_what_nobody_could_see_is_shown_as_an_escape(said: str, as_shown: str) -> None:
    assert shown(said) == as_shown


@given(ANY_TEXT)
def test_any_text_comes_out_visible_and_stays_so(said: str) -> None:
    once = shown(said)
    assert all(character.isprintable() or character.isspace() for character in once)
    assert not set(once) & set("\n\r\t\v\f\x1b\x85\u2028\u2029")
    assert once.encode().decode() == once
    assert shown(once) == once


def test_a_long_text_is_cut_and_says_so() -> None:
    assert shown("x" * 10, 4) == "xxxx…"
    assert shown("x" * 4, 4) == "xxxx"


def test_in_json_a_character_that_cannot_be_seen_is_escaped_though_it_is_ascii() -> None:
    assert shown_json("a\x7f") == '"a\\u007f"'
    assert shown_json("开\x9b") == '"开\\u009b"'


@given(st.recursive(ANY_TEXT, lambda part: st.dictionaries(ANY_TEXT, part, max_size=3) | st.lists(part, max_size=3)))
def test_json_keeps_what_was_said_and_commands_no_terminal(value: object) -> None:
    said = shown_json(value)
    assert json.loads(said) == json.loads(json.dumps(value))
    assert shown(said) == said
    assert json.loads(shown_json(value, indent=2)) == json.loads(said)


@pytest.mark.parametrize(
    ("address", "as_shown"),
    [
        ("http://user:secret@gate.example:8080/v1", "http://***@gate.example:8080/v1"),
        ("https://secret@gate.example", "https://***@gate.example"),
        ("http://user:se@secret@gate.example", "http://***@gate.example"),
        ("camera:http://user:secret@10.0.0.7/video?token=secret&x=secret", "camera:http://***@10.0.0.7/video?token=***&x=***"),
        ("rtsp://10.0.0.7:554/user=admin&password=secret&channel=1", "rtsp://10.0.0.7:554/user=***&password=***&channel=***"),
        ("https://gate.example/?secret#secret", "https://gate.example/?***#***"),
        ("(https://u:secret@gate.example) and http://u:secret@b", "(https://***@gate.example) and http://***@b"),
        ("serial:/dev/ttyUSB0?baud=115200", "serial:/dev/ttyUSB0?baud=115200"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080/a", "http://[::1]:8080/a"),
    ],
)  # fmt: skip
def test_an_address_is_shown_without_its_secrets(address: str, as_shown: str) -> None:
    assert masked_url(address) == as_shown
    assert masked_url(as_shown) == as_shown


SECRET = st.text(st.characters(exclude_characters=" \"'<>@&;,/?#=*", exclude_categories=("Z", "C")), min_size=4)


@given(SECRET, SECRET)
def test_no_password_and_no_token_survives_masking(password: str, token: str) -> None:
    for address in (f"camera:http://u:{password}@h.x/v?t={token}", f"http://{password}@h.x/#{token}"):
        assert masked_url(address).replace(MASK, "").strip("/?#:@") in {
            "camera:http://h.x/v?t=",
            "http://@h.x",
            "camera:http://@h.x/v?t=",
        }


def test_an_error_is_fit_to_be_shown_in_every_part() -> None:
    part = "http://u:secret@h/?t=secret \x1b[31m"
    error = UplinkError(part, Text(part, part), Text(part, part))
    for said in (str(error), repr(error), error.thing, *error.problem, *error.remedy, str(error.args)):
        assert "secret" not in said
        assert "\x1b" not in said
    assert isinstance(error, YimaError)
