"""Each of the lab's cases as a live code gets the lab's verdict, under the parameters that belong to it."""

import json
from pathlib import Path

import pytest

from yima.sdk.keyring import Keyring
from yima.sdk.phone.lab import LAB, Phones
from yima.sdk.trial_parameters import mapping
from yima.validator.judging import GateContext, Moment, Reason, Validator
from yima.validator.parameters import Mode, Parameters, from_mapping

NOW = 1_790_000_000
VECTORS = Path(__file__).parents[2] / "vectors" / "lab"


@pytest.fixture(scope="module")
def phones() -> Phones:
    return Phones(Keyring())


@pytest.fixture(scope="module")
def parameters(phones: Phones) -> Parameters:
    return from_mapping(mapping(phones.roots))


def reason(code: bytes, parameters: Parameters) -> Reason:
    return Validator(parameters, GateContext(mode=Mode.BUS)).judge(code, Moment.at(NOW)).reason


def test_every_case_gets_its_reason_and_no_other(phones: Phones, parameters: Parameters) -> None:
    said = {number: reason(phones.code(number, 1, NOW), parameters) for number in LAB}
    assert said == {number: case.expects for number, case in LAB.items()}


def test_the_cases_and_their_verdicts_are_those_of_the_labs_vectors() -> None:
    vectors = [json.loads(path.read_text()) for path in VECTORS.glob("*.json")]
    expected = {one["case"]: (one["expect"]["accepted"], one["expect"]["case"]) for one in vectors}
    expected |= dict.fromkeys((5717, 5718, 5719), (True, None))  # of the symbol, not of its bytes
    assert {number: (case.expects is Reason.ACCEPTED, case.expects.case) for number, case in LAB.items()} == expected


def test_riders_differ_and_a_rider_keeps_their_key(phones: Phones, parameters: Parameters) -> None:
    first, again, other = (phones.code(0, *when) for when in ((1, NOW), (1, NOW + 1), (2, NOW)))
    assert first[120:162] == again[120:162] != other[120:162]
    assert reason(first, parameters) is reason(other, parameters) is Reason.ACCEPTED
