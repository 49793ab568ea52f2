"""yima.sdk.layouts: the second description of the layout, held against the core's table and against real bytes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.sdk import layouts
from yima.validator import _core


def table_of(layout: Any, base: dict[str, int], **sizes: int) -> list[tuple[str, int, int]]:
    """(name, offset, size) of every field of a construct layout."""
    rows, offset = [], 0
    for field in layout.subcons:
        size = field.sizeof(**base, **sizes)
        rows.append((field.name, offset, size))
        offset += size
    return rows


@pytest.mark.parametrize("data_size", [0, 1, 31, 32])
def test_the_core_and_construct_put_every_field_of_a_code_in_the_same_place(data_size: int) -> None:
    core = [
        (name.lower(), offset + data_size * after_data, data_size if name == "ISSUER_DATA" else size)
        for name, _, offset, size, after_data in _core.CODE_LAYOUT
    ]
    assert table_of(layouts.CODE, {"issuer_data_length": data_size}) == core


def test_the_core_and_construct_agree_on_the_certificate() -> None:
    core = [(name.lower(), offset, size) for name, _, offset, size, _ in _core.CERTIFICATE_LAYOUT]
    assert table_of(layouts.CERTIFICATE, {}) == core


def test_a_fields_number_is_its_place() -> None:
    assert [number for _, number, *_ in _core.CODE_LAYOUT] == list(range(1, 18))


def test_sizes_are_those_of_the_standard() -> None:
    assert layouts.CERTIFICATE.sizeof() == layouts.CERTIFICATE_SIZE
    assert layouts.ROOT_CERTIFICATE.sizeof() == layouts.ROOT_CERTIFICATE_SIZE


def test_every_lab_code_of_sound_size_builds_again_from_its_fields(lab: dict[int, dict[str, Any]]) -> None:
    for case, vector in lab.items():
        code = bytes.fromhex(vector["code"])
        if case not in (5498, 5581, 5582, 5728):  # sizes and field 13 contradict each other
            assert layouts.CODE.build(layouts.CODE.parse(code)) == code, case


def test_the_public_root_certificate_parses(public_certificates: dict[str, Any]) -> None:
    root = layouts.ROOT_CERTIFICATE.parse(bytes.fromhex(public_certificates["root_certificate"]["hex"]))
    assert (root.header, root.service_id, root.rid) == (0x21, layouts.SERVICE_ID, layouts.RID)
    assert (root.index, layouts.expiry_month(root.expiry), root.parameter) == (2, "2040-12", 0x11)
    assert root.public_key.hex().upper() == public_certificates["lab_test_root_keys"]["2"]


@given(fields=st.binary(min_size=364, max_size=364), data_size=st.integers(0, 32))
def test_any_bytes_of_a_codes_size_round_trip(fields: bytes, data_size: int) -> None:
    code = fields[:197] + bytes([data_size]) + fields[198 : 332 + data_size]
    assert layouts.CODE.build(layouts.CODE.parse(code)) == code


@given(certificate=st.binary(min_size=117, max_size=117), root=st.binary(min_size=144, max_size=144))
def test_any_certificates_round_trip(certificate: bytes, root: bytes) -> None:
    assert layouts.CERTIFICATE.build(layouts.CERTIFICATE.parse(certificate)) == certificate
    assert layouts.ROOT_CERTIFICATE.build(layouts.ROOT_CERTIFICATE.parse(root)) == root


@given(tags=st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=400))))
def test_any_tags_round_trip_as_a_record(tags: list[tuple[int, bytes]]) -> None:
    built = layouts.RECORD.build([{"tag": tag, "value": value} for tag, value in tags])
    assert [(entry.tag, entry.value) for entry in layouts.RECORD.parse(built)] == tags


@given(data=st.binary(max_size=400))
def test_walking_any_bytes_covers_them_in_order_until_they_end(data: bytes) -> None:
    pieces = list(layouts.walk(layouts.CODE, data))
    covered = b"".join(piece.raw for piece in pieces)
    assert data.startswith(covered)
    assert all(piece.value is not None for piece in pieces[:-1])
    if pieces[-1].value is None:
        assert covered == data


@given(number=st.from_regex(r"[0-9]{0,20}", fullmatch=True))
def test_packed_digits_read_back(number: str) -> None:
    assert layouts.digits(layouts.packed(number, 10)) == number


@pytest.mark.parametrize("number", ["1" * 21, "12a", "１２"])
def test_what_is_no_number_cannot_be_packed(number: str) -> None:
    with pytest.raises(ValueError, match="20 digits"):
        layouts.packed(number, 10)


@pytest.mark.parametrize(
    ("raw", "month"),
    [("1249", "2049-12"), ("0100", "2000-01"), ("0026", None), ("1349", None), ("1a49", None), ("12f0", None)],
)
def test_an_expiry_names_a_month_or_nothing(raw: str, month: str | None) -> None:
    assert layouts.expiry_month(bytes.fromhex(raw)) == month


@given(year=st.integers(2000, 2099), month=st.integers(1, 12))
def test_every_month_of_the_century_reads_back(year: int, month: int) -> None:
    assert layouts.expiry_month(layouts.expiry(year, month)) == f"{year}-{month:02}"
