"""Root certificate files: whole certificates only, each checked as a device checks it, an index once."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.sdk.issuer import make_root
from yima.sdk.parameters.root_files import RootFileError, bundle, merge, parse_root_file, read_root_files
from yima.sdk.roots import parse_roots

FIRST, SECOND = make_root(2), make_root(0x17, (2030, 6))
BOTH = FIRST.certificate + SECOND.certificate


def changed(at: int, value: int) -> bytes:
    return FIRST.certificate[:at] + bytes([value]) + FIRST.certificate[at + 1 :]


def test_the_roots_of_several_files_come_by_index(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(SECOND.certificate)
    (tmp_path / "b.bin").write_bytes(FIRST.certificate)
    roots = read_root_files([tmp_path / "a.bin", tmp_path / "b.bin"])
    assert [(root.index, root.expires, root.key) for root in roots] == [
        (2, (2049, 12), FIRST.key.public),
        (0x17, (2030, 6), SECOND.key.public),
    ]
    assert bundle(roots) == BOTH
    assert len({root.fingerprint for root in roots}) == 2


def test_hex_digits_are_read_as_the_bytes_they_name() -> None:
    text = "\r\n".join(BOTH.hex(" ")[at : at + 48] for at in range(0, 3 * len(BOTH), 48))
    assert [root.certificate for root in parse_root_file(text.encode(), "x")] == [
        FIRST.certificate,
        SECOND.certificate,
    ]
    marked = parse_root_file(BOTH.hex().encode("utf-8-sig"), "x")  # as an editor on Windows saves it
    assert [root.index for root in marked] == [2, 0x17]


def test_the_public_root_certificate_is_taken_over_as_sdk_roots_reads_it(public_certificates: dict[str, Any]) -> None:
    data = bytes.fromhex(public_certificates["root_certificate"]["hex"])
    (root,), (other,) = parse_root_file(data, "public"), parse_roots(data, "public")
    assert (root.index, root.key) == (other.index, other.key) == (2, data[16:80])
    assert "{}-{:02}".format(*root.expires) == other.expires


@pytest.mark.parametrize(
    ("at", "value", "reason"),
    [
        (0, 0x22, "its record header is 22, not 21"),
        (2, 0x02, "its service id is 01020000, not 01010000"),
        (9, 0x33, "its RID is a000000633, not a000000632"),
        (11, 0x13, "its expiry 1349 is no month"),
        (11, 0x00, "its expiry 0049 is no month"),
        (12, 0x4A, "its expiry 124a is no month"),
        (13, 0x01, "its algorithm is 01, not 04"),
        (15, 0x21, "its key length is 21, not 40"),
        (10, 0x03, "self signature is wrong"),
        (20, 0x00, "off the curve or its self signature"),
        (143, 0x00, "self signature is wrong"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_offset(at: int, value: int, reason: str) -> None:
    data = SECOND.certificate + (changed(at, value) if FIRST.certificate[at] != value else changed(at, value ^ 1))
    with pytest.raises(RootFileError, match=reason) as refused:
        parse_root_file(data, "roots.bin")
    assert refused.value.thing == "roots.bin, byte 144"
    assert refused.value.problem.zh


@pytest.mark.parametrize("data", [b"", b"\n", BOTH[:-1], BOTH + b"\0", b"21 01", b"no hex at all", b"0"])
def test_what_is_no_whole_certificates_is_refused(data: bytes) -> None:
    with pytest.raises(RootFileError, match=r"^roots\.bin"):
        parse_root_file(data, "roots.bin")


def test_an_index_stands_once() -> None:
    other = parse_root_file(make_root(2).certificate, "b.bin")
    mine = parse_root_file(FIRST.certificate, "a.bin")
    assert merge([*mine, *mine]) == mine
    with pytest.raises(RootFileError, match="taken by another root") as refused:
        merge([*mine, *other])
    assert "a.bin" in str(refused.value)
    assert "b.bin" in str(refused.value)


def test_a_file_that_is_not_there_or_far_too_large_is_named(tmp_path: Path) -> None:
    with pytest.raises(RootFileError, match="cannot be read"):
        read_root_files([tmp_path / "nowhere"])
    (tmp_path / "large").write_bytes(bytes(1 << 20))
    with pytest.raises(RootFileError, match="too large"):
        read_root_files([tmp_path / "large"])


@given(data=st.binary(max_size=300))
def test_any_bytes_are_refused_with_the_one_error(data: bytes) -> None:
    with pytest.raises(RootFileError):
        parse_root_file(data, "any")


@given(at=st.integers(0, 143), flip=st.integers(1, 255))
def test_no_changed_byte_goes_unnoticed(at: int, flip: int) -> None:
    with pytest.raises(RootFileError):
        parse_root_file(changed(at, FIRST.certificate[at] ^ flip), "any")
