"""yima.sdk.dissection.code: says what a code carries and what is wrong, beside the core, with none of its code."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yima.sdk.bench.capture import Level, kept
from yima.sdk.dissection.code import dissect
from yima.sdk.dissection.families import FAMILIES
from yima.sdk.roots import RootKeys, parse_roots
from yima.validator import _core
from yima.validator.judging import GateContext, Moment, Reason, Stage, StageResult, Validator, Verdict
from yima.validator.parameters import Mode, from_mapping

# What the lab broke, and at which byte dissect must say so; cases without an entry are whole in form.
BROKEN_AT = {
    5498: 364, 5499: 0, 5500: 1, 5573: 134, 5574: 136, 5579: 158, 5581: 197, 5582: 197, 5683: 146, 5728: 331,
    5755: 19, 5756: 20, 6035: 146, 6053: 21, 6335: 4, 6336: 3, 6337: 9,
}  # fmt: skip


def roots_of(vector: dict[str, Any]) -> RootKeys:
    certificates = b"".join(bytes.fromhex(entry["certificate"]) for entry in vector["roots"])
    return RootKeys(tuple(parse_roots(certificates, "vector")))


def verdict_of(vector: dict[str, Any]) -> Verdict:
    gate = vector["gate"]
    parameters = from_mapping(
        {
            "environment": "test",
            "version": 1,
            "limits": {key: gate[key] for key in ("account_types", "max_validity_s", "future_tolerance_s")},
            "fares": {gate["mode"]: gate["fare_fen"]},
            "roots": vector["roots"],
            "whitelist": [{"organisation": pair[0], "platform": pair[1]} for pair in vector["whitelist"]],
        }
    )
    validator = Validator(parameters, GateContext(mode=Mode(gate["mode"])))
    return validator.judge(bytes.fromhex(vector["code"]), Moment.at(vector["clock"]))


def test_dissect_and_core_agree_on_every_signature_of_the_lab(lab: dict[int, dict[str, Any]]) -> None:
    """Two implementations: where the core reached a stage by its signature, dissect found the same."""
    for case, vector in lab.items():
        verdict = verdict_of(vector)
        found = dissect(bytes.fromhex(vector["code"]), roots=roots_of(vector)).signatures
        stages = verdict.stages
        if stages[Stage.CERTIFICATE] is StageResult.PASSED or verdict.reason == Reason.CERTIFICATE_EXPIRED:
            assert found["certificate"] == "valid", case
        if verdict.reason == Reason.CERTIFICATE_INVALID:
            assert found["certificate"] == "invalid", case
        assert (found["certificate"] == "unknown root") == (verdict.reason == Reason.ROOT_NOT_LOADED), case
        for stage, name in ((Stage.ISSUER_SIGNATURE, "issuer"), (Stage.RIDER_SIGNATURE, "rider")):
            if stages[stage] is not StageResult.NOT_REACHED:
                assert (found[name] == "valid") == (stages[stage] is StageResult.PASSED), (case, name)


def test_dissect_and_core_agree_on_what_has_the_right_form(lab: dict[int, dict[str, Any]]) -> None:
    for case, vector in lab.items():
        problems = dissect(bytes.fromhex(vector["code"]), roots=roots_of(vector)).problems
        if case in BROKEN_AT:
            assert BROKEN_AT[case] in [problem.offset for problem in problems], case
        else:
            assert problems == (), case


def test_dissect_and_core_agree_on_the_lab_s_times(lab: dict[int, dict[str, Any]]) -> None:
    by_case = {
        5754: ("certificate", "expired"),
        5580: ("authorisation", "expired"),
        5501: ("validity", "too long"),
        5584: ("code", "from the future"),
        5757: ("code", "expired"),
    }
    for case, vector in lab.items():
        times = dissect(bytes.fromhex(vector["code"]), at=vector["clock"]).times
        expected = dict.fromkeys(("certificate", "authorisation", "validity", "code"), "valid")
        if case in by_case:
            expected[by_case[case][0]] = by_case[case][1]
        if case in (6046,):
            expected["validity"] = "too long"
        assert times == expected, case


def test_the_document_of_a_good_code_has_the_keys_and_values_of_the_interface(
    new_code: Callable[..., bytes], root_keys: RootKeys, now: int
) -> None:
    code = new_code(card_account="3104870000000001999", issuer_data=b"\x00\xffab", account_type=0x41)
    assert dissect(code, roots=root_keys, reveal=True).document == {
        "family": "ministry",
        "version": 128,
        "certificate": {"root_index": 1, "issuer": "00083010", "expires": "2049-12", "serial": "000001"},
        "payment_account": "6228480402564890",
        "card_account": "3104870000000001999",
        "organisation": "00083010",
        "platform": "50083010",
        "account_type": 0x41,
        "cap_fen": 2000,
        "authorised_until": now + 86400,
        "validity_s": 120,
        "issuer_data": "00ff6162",
        "generated_at": now,
        "signatures": {"certificate": "valid", "issuer": "valid", "rider": "valid"},
        "problems": [],
    }


def test_every_field_of_a_code_has_a_row_with_its_place(code: bytes, root_keys: RootKeys) -> None:
    fields = dissect(code, roots=root_keys, reveal=True).fields
    numbered = [field for field in fields if field.number]
    assert [field.number for field in numbered] == [str(number) for number in range(1, 18)]
    assert sum(field.size for field in numbered) == len(code)
    for field in fields:
        if field.raw:
            assert code[field.offset : field.offset + field.size].hex() == field.raw


def test_without_its_root_a_certificate_is_unknown_and_the_code_still_sound(code: bytes) -> None:
    dissection = dissect(code)
    assert dissection.signatures == {"certificate": "unknown root", "issuer": "valid", "rider": "valid"}
    assert dissection.sound


def test_one_of_several_roots_of_an_index_is_enough(code: bytes, root_keys: RootKeys, lab: dict[int, Any]) -> None:
    strangers = roots_of(lab[5716])
    assert dissect(code, roots=strangers).signatures["certificate"] == "invalid"
    both = RootKeys(strangers.keys + root_keys.keys)
    assert dissect(code, roots=both).signatures["certificate"] == "valid"


def test_the_public_certificates_check_by_bare_keys(public_certificates: dict[str, Any], code: bytes) -> None:
    """Put into a code, each public certificate is valid under its root's key given as `index hexkey`."""
    for entry in public_certificates["issuer_certificates"]:
        signed, signature = bytes.fromhex(entry["signed"]), bytes.fromhex(entry["signature"])
        certificate = bytes.fromhex("240101000007") + signed + signature
        roots = RootKeys(tuple(parse_roots(f"7 {entry['key']}".encode(), "keys")))
        found = dissect(code[:3] + certificate + code[120:], roots=roots)
        assert found.signatures["certificate"] == "valid"
        assert found.signatures["issuer"] == "invalid"


def test_a_code_of_the_unified_platform_is_dissected_one_byte_on(code: bytes, root_keys: RootKeys) -> None:
    dissection = dissect(b"\x55" + code, roots=root_keys)
    assert dissection.document["family"] == "unified"
    assert dissection.fields[0].offset == 1
    assert set(dissection.signatures.values()) == {"valid"}


@pytest.mark.parametrize("before", [b"", b"\x55"])
def test_of_a_code_that_a_capture_masked_all_else_is_shown_and_nothing_is_damaged(
    before: bytes, new_code: Callable[..., bytes], root_keys: RootKeys
) -> None:
    code = before + new_code(issuer_data=b"\x00\xffab")
    masked = kept(code, Level.MASKED)
    assert masked is not None
    whole, found = dissect(code, roots=root_keys), dissect(masked, roots=root_keys)
    left_out = {"payment_account", "card_account", "issuer_data", "signatures"}
    assert {name: value for name, value in found.document.items() if name not in left_out} == {
        name: value for name, value in whole.document.items() if name not in left_out
    }
    assert found.document["payment_account"] == "*" * 16
    assert found.signatures == {"certificate": "valid", "issuer": "not kept", "rider": "not kept"}
    assert found.sound
    assert len(found.fields) == len(whole.fields)


def test_a_truncated_code_says_where_it_ends(code: bytes) -> None:
    for size in (4, 60, 121, 140, 150, 160, 200, 260, 300, len(code) - 1):
        dissection = dissect(code[:size])
        assert not dissection.sound
        assert size in [problem.offset for problem in dissection.problems], size
        assert dissection.document["generated_at"] is None or size > 274


def test_bytes_behind_a_code_are_pointed_at(code: bytes) -> None:
    dissection = dissect(code + b"\r\n")
    assert len(code) in [problem.offset for problem in dissection.problems]
    assert dissection.signatures["rider"] == "valid"


def test_a_code_behind_a_scanners_prefix_is_found_but_not_shown(code: bytes) -> None:
    dissection = dissect(b"]Q1" + code)
    assert dissection.document["family"] == "unknown"
    assert "begin at byte 3" in dissection.problems[0].text.en
    assert dissection.fields == ()


@pytest.mark.parametrize(
    ("payload", "family"),
    [
        (b"https://example.com/x", "suishen-hall"),
        (b"\x02\x01\x00\x00\x00", "alipay"),
        (b"\x54\x01\x00\x00", "city-card"),
        (b"TX123", "wechat"),
        (b"6212345678901234567", "unionpay"),
    ],
)
def test_other_families_are_named_with_what_is_known_and_nothing_of_them_is_shown(payload: bytes, family: str) -> None:
    dissection = dissect(payload)
    assert dissection.document == {"family": family, "size": len(payload), "problems": []}
    assert dissection.note == FAMILIES[family]
    assert dissection.sound


def test_every_family_of_the_core_is_known_by_name() -> None:
    assert set(FAMILIES) == set(_core.FAMILIES)


@settings(deadline=None)
@given(data=st.binary(max_size=500), at=st.none() | st.integers(0, 0xFFFFFFFF), reveal=st.booleans())
def test_any_bytes_have_a_dissection(data: bytes, at: int | None, reveal: bool) -> None:
    dissect(data, at=at, reveal=reveal)


@settings(deadline=None, max_examples=200)
@given(data=st.data(), reveal=st.booleans())
def test_any_damage_to_a_code_has_a_dissection(data: st.DataObject, reveal: bool, code: bytes) -> None:
    broken = bytearray(code[: data.draw(st.integers(4, len(code)))])
    for _ in range(data.draw(st.integers(0, 6))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    dissection = dissect(bytes(broken), at=0, reveal=reveal)
    assert all(0 <= problem.offset <= len(broken) for problem in dissection.problems)
    for field in dissection.fields:
        assert field.offset + field.size <= len(broken)


@settings(deadline=None, max_examples=60)
@given(bit=st.integers(24, 8 * 339 - 1))
def test_no_flipped_bit_leaves_a_code_sound(bit: int, code: bytes, root_keys: RootKeys) -> None:
    """Of the 339 bytes, those before the certificate's signed part are checked by value, the rest by signature."""
    flipped = bytearray(code)
    flipped[bit // 8] ^= 1 << bit % 8
    assert not dissect(bytes(flipped), roots=root_keys).sound
