"""The lab's cases agree through a signed package as they do through the plain form: there is one kind of image."""

from pathlib import Path
from typing import Any

from yima.sdk.parameters.signing import Envelope, sign_package
from yima.sdk.sm2 import SigningKey
from yima.validator.judging import GateContext, Validator
from yima.validator.packages import Trust
from yima.validator.parameters import from_image, from_rules, load
from yima.validator.parameters.rules import Fare, Limits, Mode, Pair, Root, Rules


def rules_of(vector: dict[str, Any]) -> Rules:
    gate = vector["gate"]
    certificates = [bytes.fromhex(root["certificate"]) for root in vector["roots"]]
    expiries = [(2000 + int(data[11:13].hex()[2:]), int(data[11:13].hex()[:2])) for data in certificates]
    return Rules(
        environment="test",
        version=1,
        limits=Limits(
            account_types=gate["account_types"],
            max_validity_s=gate["max_validity_s"],
            future_tolerance_s=gate["future_tolerance_s"],
        ),
        fares=[Fare(rule="lab", mode=Mode(gate["mode"]), fen=gate["fare_fen"])],
        roots={
            data[10]: Root(index=data[10], key=data[16:80], expires=expires)
            for data, expires in zip(certificates, expiries, strict=True)
        },
        whitelist=[Pair(organisation=pair[0], platform=pair[1]) for pair in vector["whitelist"]],
    )


def test_every_lab_case_agrees_through_a_signed_package(lab: dict[int, dict[str, Any]], tmp_path: Path) -> None:
    key = SigningKey.generate()
    trust = Trust(environment="test", keys=(key.compressed,))
    different = {}
    for case, vector in lab.items():
        now = vector["clock"]
        envelope = Envelope(environment="test", version=1, not_before=now - 1, expiry=now + 1)
        path = tmp_path / f"{case}.ymp"
        image = bytes(from_rules(rules_of(vector), "lab").image)
        path.write_bytes(sign_package(image, envelope, [key]))
        parameters = load(path, trust=trust, now=now)
        gate = GateContext(mode=Mode(vector["gate"]["mode"]))
        verdict = Validator(parameters, gate).judge(bytes.fromhex(vector["code"]), now)
        expect = vector["expect"]
        if (verdict.accepted, verdict.case, verdict.rule) != (
            expect["accepted"],
            expect["case"],
            "lab" if expect["accepted"] else "",
        ):
            different[case] = verdict.reason
    assert different == {}


def test_an_image_is_judged_where_it_lies(lab: dict[int, dict[str, Any]]) -> None:
    vector = lab[5716]
    image = from_rules(rules_of(vector), "lab").image
    held = memoryview(b"\xff" * 64 + bytes(image) + b"\xff" * 64)[64:]
    parameters = from_image(held, "flash")
    gate = GateContext(mode=Mode(vector["gate"]["mode"]))
    assert Validator(parameters, gate).judge(bytes.fromhex(vector["code"]), vector["clock"]).accepted
