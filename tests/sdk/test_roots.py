"""yima.sdk.roots: certificates or bare keys, from bytes or lines; what is no root is named with its place."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.sdk.issuer import RootAuthority, make_root
from yima.sdk.roots import RootKeys, RootsError, load_roots, parse_roots


def test_a_file_of_certificates_gives_each_with_index_key_and_expiry(root: RootAuthority) -> None:
    other = make_root(0x17, (2030, 6))
    first, second = parse_roots(root.certificate + other.certificate, "roots.bin")
    assert (first.index, first.key, first.expires) == (1, root.key.public, "2049-12")
    assert (second.index, second.key, second.expires) == (0x17, other.key.public, "2030-06")


def test_lines_give_bare_keys_by_index(public_certificates: dict[str, Any]) -> None:
    keys: dict[str, str] = public_certificates["lab_test_root_keys"]
    text = "# lab\r\n\r\n" + "".join(f"{index}\t{key}  # root {index}\r\n" for index, key in keys.items())
    assert {str(root.index): root.key.hex().upper() for root in parse_roots(text.encode(), "keys.txt")} == keys


def test_an_index_may_be_decimal_or_hex(root: RootAuthority) -> None:
    key = root.key.public.hex()
    assert [found.index for found in parse_roots(f"23 {key}\n0x17 {key}\n007 {key}".encode(), "x")] == [23, 23, 7]


def test_the_same_index_of_two_files_keeps_both_keys(root: RootAuthority, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(root.certificate)
    (tmp_path / "b").write_bytes(make_root(1).certificate)
    assert len(load_roots([tmp_path / "a", tmp_path / "b"]).of(1)) == 2
    assert load_roots([]).of(1) == ()


def test_the_public_root_certificate_loads(public_certificates: dict[str, Any]) -> None:
    (found,) = parse_roots(bytes.fromhex(public_certificates["root_certificate"]["hex"]), "public")
    assert RootKeys((found,)).of(2) == (found,)


def test_what_is_no_root_is_refused_with_its_place(root: RootAuthority) -> None:
    forged = bytearray(root.certificate)
    forged[20] ^= 1
    other_kind = b"\x22" + root.certificate[1:80]
    key = root.key.public.hex()
    for data, said in (
        (root.certificate + bytes(forged), "at byte 144"),
        (other_kind + root.key.sign(other_kind), "at byte 0"),
        (root.certificate[:-1], "143 bytes"),
        (b"", "no root key"),
        (b"# nothing\n", "no root key"),
        (f"1 {key}\nsecond".encode(), "line 2"),
        (f"256 {key}".encode(), "line 1"),
        (f"1 {key[:-1]}0".encode() if key[-1] != "0" else f"1 {key[:-1]}1".encode(), "curve"),
    ):
        with pytest.raises(RootsError, match=said) as refused:
            parse_roots(data, "roots.bin")
        assert refused.value.thing == "roots.bin"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RootsError, match=r"nowhere.*cannot be read"):
        load_roots([tmp_path / "nowhere"])


@given(data=st.binary(max_size=600))
def test_any_bytes_give_roots_or_the_one_error(data: bytes) -> None:
    try:
        roots = parse_roots(data, "any")
    except RootsError:
        return
    assert all(len(root.key) == 64 and 0 <= root.index <= 255 for root in roots)
