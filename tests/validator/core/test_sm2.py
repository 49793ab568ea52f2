"""SM2 verification in the core, every kernel with and without a table, against the standard, libcrypto and a model.

The model is the textbook: affine points of Python integers (sm2_walks.py). It makes cases whose equation holds and
whose inputs are out of range, and points at which the kernels' formulas have exceptions.
"""

import json
import os
import platform
import random
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.validator.core.sm2_walks import (
    G_BLOCKS,
    WINDOWS,
    G,
    N,
    P,
    Step,
    add,
    comb,
    consistent,
    document,
    encoded,
    ladder,
    meets,
    times,
)
from yima.sdk import sm2
from yima.sdk.sm2 import SigningKey
from yima.validator import _core

ROOT = Path(__file__).parents[3]
CRAFTED: list[dict[str, Any]] = json.loads((ROOT / "tests/vectors/sm2-crafted.json").read_text())["cases"]
EXCEPTIONS: list[dict[str, Any]] = json.loads((ROOT / "tests/vectors/sm2-exceptions.json").read_text())["cases"]
KERNELS = _core.sm2_kernels()
# `make test-long` sets 100,000, which takes some nine minutes.
RANDOM_SIGNATURES = int(os.environ.get("YIMA_RANDOM_SIGNATURES", "300"))


def answers(public: bytes, e: bytes, signature: bytes) -> set[bool]:
    """What every kernel says, fresh and through a table of every window."""
    found = set()
    for kernel in KERNELS:
        found.add(_core.sm2_verify_digest(public, e, signature, kernel))
        found |= {_core.sm2_verify_table(public, window, e, signature, kernel) for window in WINDOWS}
    return found


KEY = SigningKey.from_int(0x3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8)
ANNEX_A = bytes.fromhex(
    "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
    "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
)


@pytest.mark.skipif(platform.machine() != "x86_64" or sys.platform != "linux", reason="asks Linux for x86-64's flags")
def test_the_kernel_for_adx_and_bmi2_comes_first_where_the_processor_has_both() -> None:
    flags = set(Path("/proc/cpuinfo").read_text().split())
    assert KERNELS[-2:] == ("64", "32")
    assert KERNELS[:-2] == (("adx",) if {"adx", "bmi2"} <= flags else ())


def test_the_portable_kernels_are_always_there() -> None:
    assert "32" in KERNELS
    assert "64" in KERNELS


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_signature_of_annex_a_is_accepted_with_every_form_of_its_key(kernel: str) -> None:
    for public in (KEY.public, KEY.compressed, b"\x04" + KEY.public):
        assert _core.sm2_verify(public, b"message digest", ANNEX_A, kernel)
        assert not _core.sm2_verify(public, b"message digest.", ANNEX_A, kernel)


def test_the_digest_covers_the_key_and_the_message() -> None:
    # GB/T 32918.5-2017, Annex A.2.
    e = "f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640"
    assert _core.sm2_digest(KEY.compressed, b"message digest").hex() == e
    for length in (0, 1, 31, 32, 33, 86, 87, 88, 300):
        message = bytes(range(256))[:length] * 2
        assert _core.sm2_digest(KEY.public, message) == sm2.signed_digest(KEY.public, message)


@pytest.mark.parametrize("case", CRAFTED, ids=lambda case: str(case["name"]))
def test_a_crafted_case_is_judged_as_the_standard_says_and_as_libcrypto_does(case: dict[str, Any]) -> None:
    public, e, signature = (bytes.fromhex(case[name]) for name in ("public", "e", "signature"))
    assert sm2.verify_digest(public, e, signature) is case["valid"]
    assert answers(public, e, signature) == {case["valid"]}


@pytest.mark.parametrize("case", EXCEPTIONS, ids=lambda case: str(case["name"]))
def test_a_sum_that_meets_equal_opposite_or_infinite_points_is_led_on_by_every_kernel(case: dict[str, Any]) -> None:
    public, e, signature = (bytes.fromhex(case[name]) for name in ("public", "e", "signature"))
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    result = add(times(s, G), times(r + s, (int.from_bytes(public[:32]), int.from_bytes(public[32:]))))
    assert result is not None
    assert (result[0] + int.from_bytes(e)) % N == r
    assert sm2.verify_digest(public, e, signature)
    assert answers(public, e, signature) == {True}
    wrong = e[:31] + bytes([e[31] ^ 1])
    assert answers(public, wrong, signature) == {False}


def test_every_exception_of_an_addition_is_met_on_every_way_that_a_kernel_may_take() -> None:
    ways: dict[str, Any] = {"ladder": ladder}
    for window in WINDOWS:
        for blocks in G_BLOCKS:
            ways[f"combs, window {window}, base table of {blocks}"] = partial(comb, window=window, g_blocks=blocks)
    met: dict[str, set[tuple[bool, int]]] = {name: set() for name in ways}
    for case in EXCEPTIONS:
        name = case["name"].partition(":")[0]
        s, t = int(case["signature"][64:], 16), (int(case["signature"][:64], 16) + int(case["signature"][64:], 16)) % N
        assert times(int(case["secret"], 16), G) == (int(case["public"][:64], 16), int(case["public"][64:], 16))
        met[name] |= meets(list(ways[name](s=s, t=t)), int(case["secret"], 16))
    both = {(is_key, sign) for is_key in (True, False) for sign in (1, -1)}
    assert all(found >= both for found in met.values())
    assert met["ladder"] >= both | {(True, 0), (True, 2), (False, 0)}


@given(s=st.integers(1, N - 1), t=st.integers(1, N - 1), window=st.sampled_from(WINDOWS), g=st.sampled_from(G_BLOCKS))
def test_the_walks_add_up_to_what_is_verified(s: int, t: int, window: int, g: int) -> None:
    for steps in (list(ladder(s, t)), list(comb(s, t, window, g))):
        last: Step = steps[-1]
        of_key = last.of_key + (last.multiple if last.is_key else 0)
        of_base = last.of_base + (0 if last.is_key else last.multiple)
        assert (of_key % N, of_base % N) == (t, s)


def test_the_vectors_of_exceptions_are_what_their_module_makes() -> None:
    assert document() == (ROOT / "tests/vectors/sm2-exceptions.json").read_text()


def test_keys_next_to_the_base_point_verify_like_any_other() -> None:
    for factor in (1, 2, 3, 15, 16, 17, 1 << 32, 1 << 224, N - 17, N - 2, N - 1):
        public = times(factor, G)
        e, signature = consistent(public, 0x123456789ABCDEF << 180, 0xFEDCBA987654321 << 170)
        assert answers(encoded(public), e, signature) == {True}, factor


@pytest.mark.parametrize("key", [1, N - 1, 2, int(KEY.secret)])
def test_scalars_at_the_ends_of_their_range_run_through_every_formula(key: int) -> None:
    public = times(key, G)
    ends = (1, 2, 3, 16, 31, 32, (1 << 128) + 1, 1 << 255, N // 2, N - 32, N - 2, N - 1)
    for s in ends:
        for t in ends[::3] if s % 2 else ends[1::3]:
            if (s + t * key) % N == 0 or (t - s) % N == 0:
                continue  # infinity, and r = 0: other tests
            e, signature = consistent(public, s, t)
            assert answers(encoded(public), e, signature) == {True}, (s, t)


def test_infinity_is_refused_whatever_e_says() -> None:
    for key in (1, 2, 5, N - 1, int(KEY.secret)):
        public = times(key, G)
        for t in (1, 7, N // 3, N - 5):
            s = -t * key % N
            r = (t - s) % N
            if r == 0:
                continue
            signature = r.to_bytes(32) + s.to_bytes(32)
            for e in (r, 0, (r - 1) % N):
                assert answers(encoded(public), e.to_bytes(32), signature) == {False}


def test_an_r_or_s_that_is_zero_or_not_below_n_is_refused_though_the_equation_holds() -> None:
    public = times(int(KEY.secret), G)
    e, signature = consistent(public, 5, 5)  # r = 0
    assert answers(encoded(public), e, signature) == {False}
    e, signature = consistent(public, 0, 5)
    assert answers(encoded(public), e, signature) == {False}
    e, signature = consistent(public, 5, 0)
    assert answers(encoded(public), e, signature) == {False}
    for s, t in ((5, 9), (1 << 90, (1 << 90) + 77)):
        e, signature = consistent(public, s, t)
        assert answers(encoded(public), e, signature) == {True}
        r_bytes, s_bytes = signature[:32], signature[32:]
        above_r, above_s = ((int.from_bytes(part) + N).to_bytes(32) for part in (r_bytes, s_bytes))
        for alias in (above_r + s_bytes, r_bytes + above_s, above_r + above_s):
            assert answers(encoded(public), e, alias) == {False}


@pytest.mark.parametrize("difference", [1 << 200, 1 << 224, (1 << 256) - N, P - N, P - N - 1, 1 << 255])
def test_an_x_beyond_p_is_no_second_candidate(difference: int) -> None:
    """Of r - e and r - e + n, the second counts only if it is below p; no point here has either as its x."""
    e, r = (5).to_bytes(32), (difference + 5) % N
    signature = r.to_bytes(32) + (77).to_bytes(32)
    assert not sm2.verify_digest(KEY.public, e, signature)
    assert answers(KEY.public, e, signature) == {False}


BAD_KEYS = {
    "empty": b"",
    "32 bytes": KEY.public[:32],
    "34 bytes": KEY.compressed + b"\x00",
    "tag 00": b"\x00" + KEY.public[:32],
    "tag 04 on a compressed key": b"\x04" + KEY.public[:32],
    "tag 05": b"\x05" + KEY.public[:32],
    "tag 02 on an uncompressed key": b"\x02" + KEY.public,
    "tag 06, the hybrid form": b"\x06" + KEY.public,
    "x not below p": b"\x02" + P.to_bytes(32),
    "x all ones": b"\x03" + bytes([255] * 32),
    "x + p for an x that is on the curve": b"\x02" + (P + 1).to_bytes(32),
    "x of no point": b"\x02" + (2).to_bytes(32),
    "y not below p": KEY.public[:32] + P.to_bytes(32),
    "y off by one": KEY.public[:63] + bytes([KEY.public[63] ^ 1]),
    "x and y exchanged": KEY.public[32:] + KEY.public[:32],
    "all zero": bytes(64),
    "all zero, compressed": b"\x02" + bytes(32) + b"\x00",
}


@pytest.mark.parametrize("name", BAD_KEYS)
def test_what_is_no_key_is_a_value_error(name: str) -> None:
    for kernel in KERNELS:
        with pytest.raises(ValueError, match="not a public key"):
            _core.sm2_parse_key(BAD_KEYS[name], kernel)
        with pytest.raises(ValueError, match="not a public key"):
            _core.sm2_verify_digest(BAD_KEYS[name], bytes(32), ANNEX_A, kernel)
        with pytest.raises(ValueError, match="not a public key"):
            _core.Sm2Key(BAD_KEYS[name], 0, kernel)


@given(
    x=st.one_of(st.integers(0, 2**256 - 1), st.integers(0, 1000), st.integers(P - 1000, P + 1000)), odd=st.booleans()
)
def test_any_x_is_decompressed_as_the_integers_say(x: int, odd: bool) -> None:
    compressed = bytes([2 + odd]) + x.to_bytes(32)
    expected = sm2.decompress(compressed)
    for kernel in KERNELS:
        if expected is None:
            with pytest.raises(ValueError, match="not a public key"):
                _core.sm2_parse_key(compressed, kernel)
        else:
            assert _core.sm2_parse_key(compressed, kernel) == expected
            assert _core.sm2_parse_key(expected, kernel) == expected


@pytest.mark.timeout(120 + RANDOM_SIGNATURES // 50)
def test_random_signatures_are_judged_as_libcrypto_does() -> None:
    source = random.Random(2026)
    for number in range(RANDOM_SIGNATURES):
        if number % 10 == 0:
            key = SigningKey.from_int(source.randrange(1, N - 1))
        message = source.randbytes(source.randrange(300))
        signature = key.sign(message)
        broken = bytearray(signature)
        broken[source.randrange(64)] ^= 1 << source.randrange(8)
        window = WINDOWS[number % len(WINDOWS)]
        assert sm2.verify(key.public, message, signature)
        expected = sm2.verify(key.public, message, bytes(broken))
        for kernel in KERNELS:
            tabled = _core.Sm2Key(key.public, window, kernel)
            assert _core.sm2_verify(key.compressed, message, signature, kernel), (key, message, signature)
            assert tabled.verify(message, signature), (key, message, signature)
            assert _core.sm2_verify(key.compressed, message, bytes(broken), kernel) is expected
            assert tabled.verify(message, bytes(broken)) is expected


@settings(max_examples=60)
@given(e=st.binary(min_size=32, max_size=32), signature=st.binary(min_size=64, max_size=64))
def test_any_bytes_as_signature_are_judged_alike_by_all_and_by_libcrypto(e: bytes, signature: bytes) -> None:
    assert answers(KEY.public, e, signature) == {sm2.verify_digest(KEY.public, e, signature)}


@given(public=st.binary(max_size=70), message=st.binary(max_size=100), signature=st.binary(max_size=70))
def test_any_bytes_anywhere_give_an_answer_or_a_value_error(public: bytes, message: bytes, signature: bytes) -> None:
    seen = set()
    for kernel in KERNELS:
        try:
            seen.add(str(_core.sm2_verify(public, message, signature, kernel)))
        except ValueError as error:
            seen.add(str(error))
    assert len(seen) == 1


def test_wrong_lengths_windows_and_kernels_are_value_errors() -> None:
    with pytest.raises(ValueError, match="a signature is 64 bytes, not 63"):
        _core.sm2_verify(KEY.public, b"", bytes(63))
    with pytest.raises(ValueError, match="a digest is 32 bytes, not 31"):
        _core.sm2_verify_digest(KEY.public, bytes(31), bytes(64))
    for window in (-1, 0, 3, 9, 1 << 30):
        with pytest.raises(ValueError, match="no table of window"):
            _core.sm2_verify_table(KEY.public, window, bytes(32), bytes(64))
    for window in (-1, 3, 9):
        with pytest.raises(ValueError, match="no table of window"):
            _core.Sm2Key(KEY.public, window)
    with pytest.raises(ValueError, match="no SM2 kernel '128'"):
        _core.sm2_verify(KEY.public, b"", bytes(64), "128")


def test_a_key_object_judges_as_the_function_does() -> None:
    for window in (0, *WINDOWS):
        key = _core.Sm2Key(KEY.compressed, window)
        assert key.verify(b"message digest", ANNEX_A)
        assert not key.verify(b"message digest", bytes(64))
        with pytest.raises(ValueError, match="64 bytes"):
            key.verify(b"message digest", ANNEX_A + b"\x00")


def test_the_table_of_the_base_point_is_what_its_script_makes(capsys: pytest.CaptureFixture[str]) -> None:
    core = ROOT / "validator" / "core"
    script: dict[str, Any] = {"__name__": "gen_table"}
    exec(compile((core / "gen_table.py").read_text(), "gen_table.py", "exec"), script)
    script["main"]()
    assert capsys.readouterr().out == (core / "sm2_table.h").read_text()
