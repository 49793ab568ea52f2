"""What a scanner's bytes become: each code whole, whatever stands around it and in whatever pieces it comes."""

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yima.validator.ports import Reading
from yima.validator.readers.framing import LIMIT, Framer, Mode, Profile

VECTORS = sorted((Path(__file__).parents[2] / "vectors" / "lab").glob("*.json"))
CODES = {path.stem: bytes.fromhex(json.loads(path.read_text())["code"]) for path in VECTORS}
GOOD, SHORT = CODES["5716"], CODES["5715"]  # 364 and 332 bytes
CONTRADICTORY = {"5498", "5499", "5500", "5581", "5582", "5728", "6336"}  # length, version, field 13 or header is wrong
URL = b"https://example.org/t?c=310000&n=1"
MS = 1_000_000
PREFIXES = (b"", b"\x02", b"]Q1", b"]Q0", b"\\000026", b"\x02]Q1\\000026")
SUFFIXES = (b"", b"\r", b"\n", b"\r\n", b"\x03", b"\r\x03")


def framed(*pieces: bytes, mode: Mode = "auto") -> list[Reading]:
    """All readings of pieces that come 1 ms apart, and of the silence after them."""
    framer = Framer(Profile(mode=mode))
    readings: list[Reading] = []
    now_ns = 0
    for piece in pieces:
        now_ns += MS
        readings += framer.feed(piece, now_ns)
        readings += framer.silence(now_ns + MS)
    return readings + framer.silence(now_ns + 1000 * MS)


def payloads(*pieces: bytes, mode: Mode = "auto") -> list[bytes]:
    return [reading.payload for reading in framed(*pieces, mode=mode)]


def one_by_one(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


@st.composite
def sound_codes(draw: st.DrawFn) -> bytes:
    """Anything whose length field, field 13 and 15 marks agree; the rest is any bytes."""
    data = draw(st.integers(0, 32))
    code = bytearray(draw(st.binary(min_size=332 + data, max_size=332 + data)))
    code[0] = draw(st.integers(0x80, 0xFF))
    code[1:4] = (329 + data).to_bytes(2, "big") + b"\x24"
    code[197], code[198 + data], code[267 + data] = data, 0x15, 0x15
    return bytes(code)


@st.composite
def pieces_of(draw: st.DrawFn, data: bytes) -> list[bytes]:
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=8)))
    return [data[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


def test_the_laboratory_has_77_vectors() -> None:
    assert len(CODES) == 77


@pytest.mark.parametrize("case", CODES)
def test_every_vector_comes_out_whole_however_it_comes(case: str) -> None:
    code = CODES[case]
    assert payloads(code) == [code]
    assert payloads(*one_by_one(code)) == [code]
    for prefix in PREFIXES:
        for suffix in SUFFIXES:
            assert payloads(prefix + code + suffix) == [code], (prefix, suffix)
    assert payloads(*one_by_one(b"]Q1" + code + b"\r\n")) == [code]


@pytest.mark.parametrize("case", sorted(set(CODES) - {"5728"}))
def test_an_unknown_tail_is_cut_off_at_the_length(case: str) -> None:
    assert payloads(CODES[case] + b"\x00\xa5\x5a") == [CODES[case]]


@pytest.mark.parametrize("case", CODES)
def test_a_code_that_agrees_with_itself_does_not_wait_for_silence(case: str) -> None:
    delivered = Framer().feed(CODES[case], 0)
    assert [reading.payload for reading in delivered] == ([] if case in CONTRADICTORY else [CODES[case]])


@pytest.mark.parametrize("last", [b"\r", b"\n", b"\x03", b"\r\n", b"\x00"])
@pytest.mark.parametrize("case", ["5716", "5498", "5499", "5581", "6336"])
def test_a_code_that_ends_like_a_suffix_keeps_its_end(case: str, last: bytes) -> None:
    code = CODES[case][: -len(last)] + last
    assert payloads(code) == payloads(code + b"\r") == [code]


@pytest.mark.parametrize(
    "filler", [b"\r", b"\n", b"\r\n", b"\x00", b"\x02", b"\x03", b"\x11", b"\x13", b"\x24", b"\x55"]
)
def test_control_characters_inside_cut_nothing(filler: bytes) -> None:
    code = bytearray(GOOD)
    for begin, end in ((53, 197), (231, 295), (300, 364)):
        code[begin:end] = (filler * 200)[: end - begin]
    code[197], code[198 + 32], code[267 + 32] = 32, 0x15, 0x15
    assert payloads(bytes(code)) == payloads(*one_by_one(bytes(code))) == [bytes(code)]


def test_the_moments_are_those_of_the_first_and_the_last_byte() -> None:
    framer = Framer()
    assert framer.feed(b"\x02" + GOOD[:10], 1 * MS) == []
    assert framer.feed(GOOD[10:200], 5 * MS) == []
    [reading] = framer.feed(GOOD[200:] + b"\r", 9 * MS)
    assert (reading.first_ns, reading.last_ns, reading.faults) == (1 * MS, 9 * MS, ())
    framer.feed(b"\n" + URL[:5], 10 * MS)
    framer.feed(URL[5:] + b"\r", 12 * MS)
    [text] = framer.silence(40 * MS)
    assert (text.payload, text.last_ns) == (URL, 12 * MS)


def test_two_codes_in_one_burst_are_two_readings() -> None:
    for between in SUFFIXES:
        assert payloads(GOOD + between + b"]Q1" + SHORT) == [GOOD, SHORT]
        assert payloads(*one_by_one(GOOD + between + SHORT + GOOD)) == [GOOD, SHORT, GOOD]


@pytest.mark.parametrize("case", sorted(CONTRADICTORY))
def test_a_damaged_code_does_not_take_the_next_one_with_it(case: str) -> None:
    assert payloads(CODES[case] + GOOD) == [CODES[case], GOOD]
    assert payloads(CODES[case] + b"\r\n]Q1" + GOOD + b"\r\n") == [CODES[case], GOOD]


def test_a_text_code_in_front_of_a_code_is_a_reading_of_its_own() -> None:
    assert payloads(b"]Q1" + URL + b"\r]Q1" + GOOD + b"\r") == [URL, GOOD]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    "text", [URL, b"6225880000000000", b"TX" + b"a1" * 40, "乘车码".encode(), "乘车码".encode("gbk")]
)
def test_a_text_code_ends_by_silence_without_its_suffix(text: bytes, suffix: bytes) -> None:
    assert Framer().feed(text + suffix, 0) == []
    assert payloads(b"]Q1" + text + suffix) == payloads(*one_by_one(text + suffix)) == [text]


def test_a_code_that_begins_with_02_01_keeps_the_02_that_looks_like_a_prefix() -> None:
    alipay = b"\x02\x01" + bytes(range(120, 220))
    assert payloads(alipay) == payloads(b"\x02" + alipay) == [alipay]


def test_suffixes_alone_and_nothing_at_all_are_no_reading() -> None:
    for suffix in SUFFIXES:
        assert payloads(suffix) == []
        assert payloads(b"]Q1" + suffix) == []
    assert Framer().silence(10**12) == []
    assert Framer().deadline_ns is None


def test_a_few_bytes_behind_a_code_are_its_trailer_until_silence_has_been_seen() -> None:
    framer = Framer(Profile(gap_ns=20 * MS))
    assert len(framer.feed(GOOD, 0)) == 1
    framer.feed(b"\x5a", 5 * MS)
    assert framer.silence(25 * MS) == []
    assert len(framer.feed(GOOD, 30 * MS)) == 1
    assert framer.deadline_ns == 50 * MS
    assert framer.silence(50 * MS) == []
    assert framer.deadline_ns is None
    framer.feed(b"\x5a", 60 * MS)
    assert [reading.payload for reading in framer.silence(80 * MS)] == [b"\x5a"]


def test_a_code_that_holds_what_looks_like_a_start_comes_whole_after_the_gap() -> None:
    code = GOOD[:300] + SHORT[:8] + GOOD[308:]
    framer = Framer(Profile(gap_ns=20 * MS))
    assert framer.feed(code + b"\r\n", 0) == []
    assert [reading.payload for reading in framer.silence(20 * MS)] == [code]
    assert payloads(code + GOOD) == payloads(*one_by_one(code + GOOD)) == [code, GOOD]


def test_a_pause_inside_a_code_is_waited_out_up_to_the_patience() -> None:
    framer = Framer(Profile(gap_ns=20 * MS, patience_ns=150 * MS))
    framer.feed(GOOD[:100], 0)
    assert framer.deadline_ns == 150 * MS
    assert framer.silence(149 * MS) == []
    [reading] = framer.feed(GOOD[100:], 149 * MS)
    assert reading.payload == GOOD


def test_a_code_cut_in_two_is_delivered_as_what_came() -> None:
    framer = Framer(Profile(gap_ns=20 * MS, patience_ns=150 * MS))
    framer.feed(GOOD[:100], 0)
    [head] = framer.silence(150 * MS)
    assert (head.payload, head.faults) == (GOOD[:100], ("cut short: 100 of 364 bytes came",))
    framer.feed(GOOD[100:], 200 * MS)
    [rest] = framer.silence(220 * MS)
    assert rest.payload == GOOD[100:]


def test_a_fragment_does_not_swallow_the_code_scanned_again() -> None:
    assert payloads(GOOD[:100], GOOD) == [GOOD[:100], GOOD]
    assert payloads(GOOD[:20], GOOD) == [GOOD]
    assert payloads(GOOD[:-8], GOOD) == payloads(*one_by_one(GOOD[:-8] + GOOD)) == [GOOD[:-8], GOOD]


def test_a_text_waits_for_the_gap_only() -> None:
    framer = Framer(Profile(gap_ns=20 * MS))
    framer.feed(URL, 0)
    assert framer.deadline_ns == 20 * MS
    assert framer.silence(19 * MS) == []
    assert [reading.payload for reading in framer.silence(20 * MS)] == [URL]
    assert framer.held == 0
    assert framer.deadline_ns is None


def test_bytes_that_waited_while_nobody_looked_are_no_pause() -> None:
    framer = Framer()
    framer.feed(URL[:10], 0)
    framer.feed(URL[10:], 10_000 * MS)
    assert [reading.payload for reading in framer.silence(11_000 * MS)] == [URL]


def test_a_slow_line_has_a_longer_gap() -> None:
    assert Profile.for_line(baud=115200).gap_ns == 20 * MS
    assert Profile.for_line(baud=300).gap_ns == 100 * MS
    assert Profile.for_line(baud=300).patience_ns == 300 * MS


HEX_LINES = (
    GOOD.hex().encode(),
    GOOD.hex().upper().encode(),
    GOOD.hex(" ").encode(),
    GOOD.hex(" ").upper().encode() + b" ",
    GOOD.hex("\r", 32).encode(),
)


@pytest.mark.parametrize("line", HEX_LINES)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_hex_line_becomes_the_code_and_says_so(line: bytes, suffix: bytes) -> None:
    [reading] = framed(b"]Q1" + line + suffix)
    assert (reading.payload, reading.faults) == (GOOD, ("decoded from a hex line",))


@pytest.mark.parametrize(
    "line", [base64.b64encode(GOOD), base64.b64encode(SHORT), base64.urlsafe_b64encode(GOOD).rstrip(b"=")]
)
def test_a_base64_line_becomes_the_code_and_says_so(line: bytes) -> None:
    [reading] = framed(line + b"\r")
    assert reading.payload in (GOOD, SHORT)
    assert reading.faults == ("decoded from a base64 line",)


@pytest.mark.parametrize("mode", ["hex", "base64"])
@pytest.mark.parametrize("line", [b"?not of this mode!", URL])
def test_a_line_that_is_not_what_the_mode_says_is_taken_as_it_came_and_that_is_said(line: bytes, mode: Mode) -> None:
    [reading] = framed(line + b"\r", mode=mode)
    assert (reading.payload, reading.faults) == (line, (f"no {mode} line, taken as it came",))


@pytest.mark.parametrize("case", CODES)
def test_every_vector_survives_hex_and_base64(case: str) -> None:
    assert payloads(CODES[case].hex().encode() + b"\r") == [CODES[case]]
    assert payloads(base64.b64encode(CODES[case]) + b"\r") == [CODES[case]]


def test_two_lines_in_one_burst_are_two_readings() -> None:
    assert payloads(GOOD.hex().encode() + b"\r\n" + SHORT.hex().encode() + b"\r\n") == [GOOD, SHORT]
    assert payloads(base64.b64encode(GOOD) + b"\r" + base64.b64encode(SHORT) + b"\r") == [GOOD, SHORT]


@pytest.mark.parametrize("text", [b"6225880000000000", b"00" * 20, b"TX" + b"Ab3+" * 80, b"ab" * 2000])
def test_text_of_hex_digits_or_base64_letters_that_is_no_code_stays_text(text: bytes) -> None:
    [reading] = framed(text + b"\r")
    assert (reading.payload, reading.faults) == (text, ())


def test_a_mode_decodes_only_what_it_names() -> None:
    line = GOOD.hex().encode()
    assert payloads(line, mode="raw") == [line]
    assert payloads(b"00ff", mode="hex") == [b"\x00\xff"]
    assert payloads(b"AP8=", mode="base64") == [b"\x00\xff"]
    assert payloads(GOOD, mode="hex") == payloads(GOOD, mode="base64") == [GOOD]


def test_a_little_noise_before_a_code_is_dropped_and_noted() -> None:
    [reading] = framed(b"\x00\xfe\x17" + GOOD)
    assert (reading.payload, reading.faults) == (GOOD, ("3 bytes of noise before the code dropped",))
    assert Framer().feed(b"\xff" * 30 + GOOD, 0)[0].payload == GOOD


def test_much_noise_before_a_code_is_a_reading_of_its_own() -> None:
    assert payloads(b"\xfe\x17" * 60 + GOOD) == [b"\xfe\x17" * 60, GOOD]


def test_noise_that_begins_like_a_code_hides_none() -> None:
    for false_start in (GOOD[:4], GOOD[:4] * 5, b"\x80\x01", b"\x80\x80\x01\x50\x24", GOOD[:30]):
        assert payloads(false_start + SHORT) == [SHORT]
        assert payloads(*one_by_one(false_start + SHORT + b"\r")) == [SHORT]


def test_a_code_inside_another_frame_is_no_code_unless_it_is_whole() -> None:
    damaged = bytearray(CODES["5500"])
    damaged[100:104] = GOOD[:4]
    assert payloads(bytes(damaged)) == [bytes(damaged)]


def test_the_unified_form_is_one_byte_longer() -> None:
    assert [reading.payload for reading in Framer().feed(b"\x55" + GOOD + b"\r", 0)] == [b"\x55" + GOOD]
    assert payloads(b"\x55" + CODES["5500"]) == [b"\x55" + CODES["5500"]]


def test_a_flood_is_one_reading_and_little_memory() -> None:
    framer = Framer()
    readings = [reading for _ in range(100) for reading in framer.feed(b"\xfe" * 1000, 0)]
    assert framer.held <= LIMIT
    readings += framer.silence(10**12)
    assert [len(reading.payload) > LIMIT - 365 for reading in readings] == [True]
    assert "cut" in readings[0].faults[0]
    assert payloads(URL) == [URL]


def test_a_code_in_a_flood_is_delivered() -> None:
    for before in (5000, LIMIT - 100, LIMIT):
        assert payloads(b"\xfe" * before + GOOD + b"\xfe" * 100)[-2] == GOOD


@settings(deadline=None)
@given(st.data(), st.binary(max_size=600))
def test_any_bytes_give_the_same_payloads_in_whatever_pieces(data: st.DataObject, junk: bytes) -> None:
    parts = data.draw(
        st.lists(
            st.one_of(st.just(junk), sound_codes(), st.sampled_from([*SUFFIXES, *PREFIXES, GOOD[:200], b"\xfe" * 4000]))
        )
    )
    stream = b"".join(parts)
    whole = [(reading.payload, reading.faults) for reading in framed(stream)]
    assert whole == [(reading.payload, reading.faults) for reading in framed(*data.draw(pieces_of(stream)))]
    assert all(0 < len(payload) <= LIMIT for payload, _ in whole)


@settings(deadline=None)
@given(st.binary(max_size=500))
def test_any_bytes_one_by_one_leave_nothing_behind(junk: bytes) -> None:
    framer = Framer()
    readings = [reading for at, byte in enumerate(one_by_one(junk)) for reading in framer.feed(byte, at)]
    readings += framer.silence(10**12)
    assert (framer.held, framer.deadline_ns) == (0, None)
    assert [reading.payload for reading in readings] == payloads(junk)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PREFIXES), sound_codes(), st.sampled_from(SUFFIXES)), min_size=1, max_size=4))
def test_a_stream_of_codes_gives_exactly_these_codes(codes: list[tuple[bytes, bytes, bytes]]) -> None:
    stream = b"".join(prefix + code + suffix for prefix, code, suffix in codes)
    assert payloads(stream) == payloads(*one_by_one(stream)) == [code for _, code, _ in codes]


@settings(deadline=None)
@given(st.binary(max_size=100), sound_codes(), st.binary(max_size=100))
def test_no_noise_hides_a_code(before: bytes, code: bytes, after: bytes) -> None:
    assert any(payload in (code, b"\x55" + code) for payload in payloads(before + code + after))


def through(profile: Profile, line: bytes) -> list[bytes]:
    """What a line becomes after a silence that ends everything."""
    framer = Framer(profile)
    return [reading.payload for reading in framer.feed(line, 0) + framer.silence(10_000 * MS)]


@pytest.mark.parametrize("payload", [GOOD, URL, b"6225880000000000"])
def test_what_one_scanner_alone_puts_around_a_code_is_taken_off_when_its_profile_says_so(payload: bytes) -> None:
    profile = Profile(prefix=b"<Q>", suffix=b"#!")
    for line in (b"<Q>" + payload + b"#!", b"<Q>]Q1" + payload + b"\r\n#!", payload):
        assert through(profile, line) == [payload]


def test_a_code_that_ends_like_the_scanners_own_suffix_keeps_its_end() -> None:
    assert through(Profile(suffix=GOOD[-2:]), GOOD) == [GOOD]


@pytest.mark.parametrize("signal", [b"\x06", b"\x15", b"\x05\x04", b"\x06\r\n"])
def test_a_scanners_signal_to_its_host_is_no_reading(signal: bytes) -> None:
    """Each heartbeat became a refusal and a record."""
    framer = Framer()
    assert framer.feed(signal, 0) == []
    assert framer.silence(10**9) == []


@pytest.mark.parametrize("begun", [1, 2, 3, 4, 8])
def test_a_pause_behind_the_first_bytes_of_a_code_parts_them_from_nothing(begun: int) -> None:
    """Behind another code they were taken for its suffix and dropped: 331 bytes were left of 332."""
    code, framer = GOOD, Framer()
    assert [reading.payload for reading in framer.feed(code + b"\r", 0)] == [code]
    pause_ns = 60_000_000
    assert framer.feed(code[:begun], pause_ns // 10) == []
    assert framer.silence(pause_ns) == []
    assert [reading.payload for reading in framer.feed(code[begun:], pause_ns + 1)] == [code]
