"""The lab's 77 vectors, and what happens to a good code when any part of it changes."""

from typing import Any

import pytest

from yima.validator import _core
from yima.validator.judging import GateContext, Mode, Reason, Stage, StageResult, Validator, Verdict
from yima.validator.parameters import Parameters, from_mapping

VECTORS = 77


def parameters_of(vector: dict[str, Any], **limits: int) -> Parameters:
    """What the lab loads into a terminal for one vector."""
    gate = vector["gate"]
    settings = {key: gate[key] for key in ("account_types", "max_validity_s", "future_tolerance_s")}
    return from_mapping(
        {
            "environment": "test",
            "version": 1,
            "limits": settings | limits,
            "fares": {gate["mode"]: gate["fare_fen"]},
            "roots": vector["roots"],
            "whitelist": [{"organisation": pair[0], "platform": pair[1]} for pair in vector["whitelist"]],
        },
        source=f"lab case {vector['case']}",
    )


def validator_of(vector: dict[str, Any], kernel: str | None = None, **limits: int) -> Validator:
    """A validator that has seen nothing yet."""
    gate = GateContext(mode=Mode(vector["gate"]["mode"]))
    return Validator(parameters_of(vector, **limits), gate, kernel=kernel)


def agrees(verdict: Verdict, expect: dict[str, Any]) -> bool:
    return (verdict.accepted, verdict.case) == (expect["accepted"], expect["case"])


@pytest.mark.parametrize("kernel", _core.sm2_kernels())
def test_every_vector_gets_the_labs_verdict_and_case_number(lab: dict[int, dict[str, Any]], kernel: str) -> None:
    assert len(lab) == VECTORS
    different = {}
    for case, vector in lab.items():
        verdict = validator_of(vector, kernel).judge(bytes.fromhex(vector["code"]), vector["clock"])
        if not agrees(verdict, vector["expect"]):
            different[case] = verdict.reason
    assert different == {}


def test_the_order_in_which_vectors_come_changes_no_verdict(lab: dict[int, dict[str, Any]]) -> None:
    by_settings: dict[str, list[dict[str, Any]]] = {}
    for vector in lab.values():
        by_settings.setdefault(str((vector["gate"], vector["roots"], vector["whitelist"])), []).append(vector)
    for vectors in by_settings.values():
        validator = validator_of(vectors[0])
        for vector in (*vectors, *reversed(vectors)):
            verdict = validator.judge(bytes.fromhex(vector["code"]), vector["clock"])
            assert agrees(verdict, vector["expect"]) or verdict.reason is Reason.REPEATED
            validator.idle()


def test_an_accepted_code_passes_every_stage(lab: dict[int, dict[str, Any]]) -> None:
    vector = lab[5716]
    verdict = validator_of(vector).judge(bytes.fromhex(vector["code"]), vector["clock"])
    assert set(verdict.stages.values()) == {StageResult.PASSED}
    assert list(verdict.stages) == list(Stage)
    assert verdict.fare_fen == 200
    assert verdict.family == "ministry"


@pytest.mark.parametrize("case", [5715, 5691, 5676])
def test_a_code_with_any_one_bit_changed_is_refused_and_leaves_no_trace(
    lab: dict[int, dict[str, Any]], case: int
) -> None:
    vector = lab[case]
    code = bytes.fromhex(vector["code"])
    validator = validator_of(vector)
    for bit in range(len(code) * 8):
        changed = bytearray(code)
        changed[bit // 8] ^= 1 << bit % 8
        verdict = validator.judge(bytes(changed), vector["clock"])
        assert not verdict.accepted, bit
        assert verdict.digest is None, bit
    assert validator.core.issuers == []
    assert validator.judge(code, vector["clock"]).accepted


@pytest.mark.parametrize("case", [5715, 5676])
def test_a_code_cut_short_anywhere_is_refused_by_its_format(lab: dict[int, dict[str, Any]], case: int) -> None:
    vector = lab[case]
    code = bytes.fromhex(vector["code"])
    validator = validator_of(vector)
    for size in range(len(code)):
        verdict = validator.judge(code[:size], vector["clock"])
        assert verdict.reason.stage is Stage.FORMAT, size
        assert verdict.reason is (Reason.UNKNOWN_FAMILY if size < 4 else Reason.TOO_SHORT) or size >= 332


@pytest.mark.parametrize("case", [5715, 5676])
def test_a_code_with_a_tail_is_refused_by_its_format(lab: dict[int, dict[str, Any]], case: int) -> None:
    vector = lab[case]
    code = bytes.fromhex(vector["code"])
    validator = validator_of(vector)
    for tail in (b"\n", b"\r\n", b"\0", bytes(31), bytes(33), bytes(5000), code):
        verdict = validator.judge(code + tail, vector["clock"])
        assert verdict.reason in {Reason.LENGTH_FIELD, Reason.TOO_LONG}
        assert not verdict.accepted


def test_public_certificates_of_test_environments_verify(public_certificates: dict[str, Any]) -> None:
    assert _core.root_certificate_valid(bytes.fromhex(public_certificates["root_certificate"]["hex"]))
    for certificate in public_certificates["issuer_certificates"]:
        key, signed, signature = (bytes.fromhex(certificate[part]) for part in ("key", "signed", "signature"))
        assert _core.sm2_verify(key, signed, signature)
        assert not _core.sm2_verify(key, signed[:-1] + bytes([signed[-1] ^ 1]), signature)


def test_a_root_certificate_with_any_one_byte_changed_is_none(public_certificates: dict[str, Any]) -> None:
    certificate = bytes.fromhex(public_certificates["root_certificate"]["hex"])
    for at in range(len(certificate)):
        changed = bytearray(certificate)
        changed[at] ^= 0xFF
        assert not _core.root_certificate_valid(bytes(changed)), at
    assert not _core.root_certificate_valid(certificate[:-1])
    assert not _core.root_certificate_valid(certificate + b"\0")
