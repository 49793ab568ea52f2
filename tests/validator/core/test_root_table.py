"""A root's key has a table too: certificates get the same verdict with it and without, whichever kernel computes."""

from collections.abc import Callable
from typing import Any

import pytest

from yima.sdk.issuer import Issuer, Rider, RootAuthority, make_issuer, make_root
from yima.validator import _core
from yima.validator.judging import GateContext, Mode, Reason, Validator
from yima.validator.parameters import from_mapping

NewRider = Callable[..., Rider]
GATE = GateContext(mode=Mode.BUS)
SECOND = 2  # index of another root
TABLES = 2 * 32768 + 63


def with_roots(mapping: dict[str, Any], *roots: RootAuthority) -> dict[str, Any]:
    return mapping | {"roots": [{"certificate": root.certificate.hex()} for root in roots]}


def idle(validator: Validator) -> None:
    for _ in range(20):
        if not validator.idle():
            return
    raise AssertionError("work without end")


@pytest.mark.parametrize("kernel", _core.sm2_kernels())
def test_new_issuers_are_judged_with_the_table_as_without(
    kernel: str, root: RootAuthority, new_rider: NewRider, mapping: dict[str, Any], now: int
) -> None:
    parameters = from_mapping(with_roots(mapping, root))
    plain = Validator(parameters, GATE, table_bytes=0, kernel=kernel)
    for window, table_bytes in ((4, 2 * 2048 + 63), (7, 2 * 16384 + 63), (8, 2 * 32768 + 63)):
        validator = Validator(parameters, GATE, table_bytes=table_bytes, kernel=kernel)
        idle(validator)
        assert validator.core.root == (root.index, window)
        for serial in range(3):
            code = new_rider(make_issuer(root, serial=serial)).code(now)
            certificate = code.index(make_issuer(root, serial=serial).certificate[:8])
            forged = bytearray(code)
            forged[certificate + 117 - 1 - serial] ^= 1 << serial
            assert validator.judge(bytes(forged), now).reason is plain.judge(bytes(forged), now).reason
            assert validator.judge(bytes(forged), now).reason is Reason.CERTIFICATE_INVALID
            assert validator.judge(code, now).accepted
        stranger = new_rider(make_issuer(make_root(index=root.index))).code(now)
        assert validator.judge(stranger, now).reason is Reason.CERTIFICATE_INVALID


def test_the_table_is_of_the_newest_issuers_root(
    root: RootAuthority, issuer: Issuer, new_rider: NewRider, mapping: dict[str, Any], now: int
) -> None:
    other = make_root(index=SECOND)
    validator = Validator(from_mapping(with_roots(mapping, root, other)), GATE, table_bytes=TABLES)
    idle(validator)
    assert validator.core.root == (root.index, 8), "the first of the parameters, before anybody comes"
    assert validator.judge(new_rider(make_issuer(other)).code(now), now).accepted
    assert validator.core.root == (SECOND, 0)
    assert validator.judge(new_rider(make_issuer(other, serial=2)).code(now), now).accepted
    idle(validator)
    assert validator.core.root == (SECOND, 8)
    assert validator.judge(new_rider(make_issuer(other, serial=3)).code(now), now).accepted
    assert validator.core.root == (SECOND, 8)
    assert validator.judge(new_rider(issuer).code(now + 1), now + 1).accepted


def test_other_parameters_have_another_root_of_the_same_index(
    root: RootAuthority, issuer: Issuer, new_rider: NewRider, mapping: dict[str, Any], now: int
) -> None:
    other = make_root(index=root.index)
    validator = Validator(from_mapping(with_roots(mapping, root)), GATE, table_bytes=TABLES)
    idle(validator)
    validator.use(from_mapping(with_roots(mapping, other)))
    assert validator.core.root == (root.index, 0)
    assert validator.judge(new_rider(issuer).code(now), now).reason is Reason.CERTIFICATE_INVALID
    idle(validator)
    assert validator.judge(new_rider(issuer).code(now), now).reason is Reason.CERTIFICATE_INVALID
    assert validator.judge(new_rider(make_issuer(other)).code(now + 1), now + 1).accepted


@pytest.mark.parametrize(
    ("table_bytes", "window"), [(0, 0), (4095, 0), (4096 + 63, 4), (32768 + 63, 7), (65536 + 63, 8), (1 << 20, 8)]
)
def test_the_root_takes_half_of_the_memory_at_most(mapping: dict[str, Any], table_bytes: int, window: int) -> None:
    validator = Validator(from_mapping(mapping), GATE, table_bytes=table_bytes)
    assert validator.idle() is bool(window)
    assert validator.core.root[1] == window
    assert not validator.idle()


def test_without_roots_there_is_no_table(mapping: dict[str, Any]) -> None:
    assert not Validator(from_mapping(mapping | {"roots": []}), GATE, table_bytes=TABLES).idle()
