"""Fares from an image whose tables do not fit each other: the door does not walk them, so who reads them checks."""

import struct
from collections.abc import Callable

import pytest

from yima.sdk.issuer import Rider, RootAuthority
from yima.validator.judging import Direction, GateContext, Mode, Reason, Validator, Verdict
from yima.validator.parameters import Parameters
from yima.validator.parameters.image import build
from yima.validator.parameters.rules import Decoder, Fare, FareKind, Matrix, Pair, Root, Rules

FARES, NAMES, MATRICES, AXES, CELLS = 2, 8, 15, 16, 17
LONGEST = "x" * 31
Exit = Callable[..., Verdict]


@pytest.fixture
def image(root: RootAuthority) -> bytes:
    return build(
        Rules(
            environment="test",
            version=1,
            roots={1: Root(index=1, key=root.key.public)},
            whitelist=[Pair(organisation="00083010", platform="50083010", city=310000)],
            fares=[Fare(rule=LONGEST, mode=Mode.METRO, kind=FareKind.MATRIX, table="network")],
            matrices={"network": Matrix(stations=(1, 2), fares=((100, 200), (300, 400)))},
            decoders=[Decoder(organisation="00083010", state_at=0, inside=(1,), station_at=1)],
        )
    )


@pytest.fixture
def leave(image: bytes, new_rider: Callable[..., Rider], now: int) -> Exit:
    """Rides from station 1 to 2 after bytes of some section's rows were replaced."""

    def judged(section: int = NAMES, at: int = 0, value: bytes = b"") -> Verdict:
        starts = dict(struct.unpack_from(">H6xI", image, 20 + 12 * i) for i in range(image[7]))
        start = starts[section] + at
        changed = image[:start] + value + image[start + len(value) :]
        parameters = Parameters(environment="test", version=1, image=changed, fares_fen={}, roots={}, source="changed")
        gate = GateContext(mode=Mode.METRO, city=320500, station=2, direction=Direction.EXIT)
        validator = Validator(parameters, gate, table_bytes=0)
        return validator.judge(new_rider(issuer_data=b"\1\0\1").code(now), now)

    return judged


def test_the_whole_image_has_the_fare_and_the_longest_name(leave: Exit) -> None:
    verdict = leave()
    assert (verdict.reason, verdict.fare_fen, verdict.rule) == (Reason.ACCEPTED, 200, LONGEST)


@pytest.mark.parametrize(
    ("section", "at", "value"),
    [
        (MATRICES, 0, b"\0\x09"),
        (AXES, 4, b"\0\2"),
        (AXES, 8 + 4, b"\0\2"),
        (AXES, 4, b"\xff\xff"),
        (MATRICES, 4, b"\0\0\0\3"),
        (MATRICES, 4, b"\xff\xff\xff\xff"),
        (CELLS, 2, b"\xff\xff"),
    ],
    ids=[
        "the fare names a matrix that is not there",
        "the entry's place lies outside the matrix",
        "the exit's place lies outside the matrix",
        "the entry's place lies far outside",
        "the cell lies behind the last one",
        "the cells begin where no sum of 32 bits can",
        "there is no such ride",
    ],
)
def test_a_matrix_that_does_not_hold_together_has_no_fare(leave: Exit, section: int, at: int, value: bytes) -> None:
    verdict = leave(section, at, value)
    assert (verdict.reason, verdict.fare_fen, verdict.rule) == (Reason.RIDE_NOT_PRICED, 0, "")


def test_a_rule_without_a_number_or_beyond_the_names_has_no_name(leave: Exit) -> None:
    for number in (0, 2, 0xFFFF):
        verdict = leave(FARES, 18, number.to_bytes(2))
        assert (verdict.accepted, verdict.fare_fen, verdict.rule) == (True, 200, "")
