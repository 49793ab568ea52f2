"""A few small parameter images that together hold every section twice over: for the door's tests and as seeds to fuzz.

`python -m tests.parameter_images` writes them into tests/fuzz/corpus/parameters, where a test holds them. Keys are made
from fixed numbers, so the same images come out every time.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from yima.sdk.parameters.parts import cut_image
from yima.sdk.sm2 import SigningKey
from yima.validator.parameters.family_rules import FamilyRules, Ministry226Key, Resolved, SuishenKey, TransportKey, rows
from yima.validator.parameters.image import build
from yima.validator.parameters.own_part import Spot
from yima.validator.parameters.rules import (
    Acceptance,
    By,
    Calendar,
    Choice,
    Concession,
    Decoder,
    Fare,
    FareKind,
    Form,
    Habits,
    Journey,
    LabelKey,
    LabelKind,
    Limits,
    Matrix,
    Member,
    Mode,
    Pair,
    ReaderProfile,
    Revocation,
    Root,
    Rounding,
    Rules,
    Stage,
    Station,
    When,
)

CORPUS = Path(__file__).parent / "fuzz" / "corpus" / "parameters"

SUZHOU, SHANGHAI = 320500, 310000
KEYS = [SigningKey.from_int(number).public for number in (11, 12)]

LEAST = Rules(environment="production", version=1, limits=Limits(versions=(), account_types=(), families=()))

MINISTRY = Rules(
    environment="test",
    version=0x01020304,
    limits=Limits(account_interval_s=1, lists_max_age_s=2, lists_issued_at=3, offline_max_s=4, taps_per_minute=5),
    habits=Habits(choice=Choice.BEST, rounding=Rounding.DOWN, unit_fen=10, day_begins_min=240),
    calendar=Calendar(
        week=("work", "work", "work", "work", "work", "rest", "rest"),
        exceptions=[(20_454, 20_456, "rest"), (20_457, 20_457, "work")],
    ),
    bands={"peak": [(420, 510), (1020, 1110)], "early": [(0, 420)]},
    fares=[
        Fare(rule="early", mode=Mode.METRO, city=SUZHOU, fen=100, when=When(("work",), ("early",), By.ENTRY)),
        Fare(rule="bus", mode=Mode.BUS, fen=200, to_s=1_700_000_000),
        Fare(rule="bus", mode=Mode.BUS, fen=300, from_s=1_700_000_000),
        Fare(rule="by-km", mode=Mode.BUS, city=SUZHOU, line=7, kind=FareKind.STAGES, table="by-km"),
        Fare(rule="network", mode=Mode.METRO, city=SUZHOU, kind=FareKind.MATRIX, table="network"),
    ],
    roots={
        1: Root(index=1, key=KEYS[0], expires=(2049, 12)),
        2: Root(index=2, key=KEYS[1], expires=(2050, 1)),
    },
    whitelist=[
        Pair(organisation="00083010", platform="50083010", city=SHANGHAI),
        Pair(organisation="01011000", platform="50083010", modes=[Mode.METRO]),
    ],
    revoked=[
        Revocation(root=1),
        Revocation(root=1, organisation="00083010", from_s=7),
        Revocation(root=2, organisation="00083010", serial="0000ff", to_s=8),
        Revocation(root=2, serial="800000"),
    ],
    acceptance=[
        Acceptance(riding_city=SUZHOU, mode=Mode.BUS, issuer_city=SHANGHAI, from_s=5, to_s=9),
        Acceptance(riding_city=SUZHOU, mode=Mode.METRO, issuer_city=SHANGHAI),
        Acceptance(riding_city=SUZHOU, mode=Mode.METRO, issuer_city=SHANGHAI, family="suishen", from_s=3),
    ],
    deny=[(b"\x31" * 10, b"\x33" * 10), (b"\x41" * 10, b"\x43" * 10)],
    time_shifts={"00083010": (-28800, 28800)},
    concessions=[
        Concession(rule="senior", account_type=2, issuer_city=SHANGHAI, riding_city=SUZHOU, line=7, percent=50),
        Concession(rule="peak", organisation="00083010", when=When((), ("peak",), By.TAP), percent=62.5),
        Concession(rule="staff", account_type=3, mode=Mode.BUS, fen=1, from_s=1, to_s=2),
        Concession(rule="old", group="senior", percent=0),
        Concession(rule="young", group="student", percent=25),
    ],
    members=[
        Member(b"\x31" * 10, b"\x31" * 10, ("senior",)),
        Member(b"\x41" * 10, b"\x43" * 10, ("senior", "student")),
    ],
    journeys=[
        Journey(rule="city", mode=Mode.METRO, city=SUZHOU, longest_s=7200, over_time_fen=700, missing_entry_fen=5),
        Journey(rule="rest", mode=Mode.METRO, missing_exit=True, unreadable_fen=6, entry_cap_fen=300),
    ],
    decoders=[
        Decoder(organisation="00083010", state_at=0, inside=(1, 2), station_at=1),
        Decoder(
            organisation="01011000", state_at=1, inside=(255,), station_at=28, station_size=4, station_form=Form.BCD,
            time_at=25, time_form=Form.BCD,
        ),
    ],
    stations=[
        Station(mode=Mode.BUS, city=SUZHOU, line=7, station=1, metres=0),
        Station(mode=Mode.BUS, city=SUZHOU, line=7, station=2, metres=9000),
    ],
    stages={"by-km": [Stage(up_to_m=5000, fen=100), Stage(up_to_m=None, fen=200)]},
    matrices={
        "network": Matrix(stations=(5, 3), fares=((1, None), (0xFFFE, 4))),
        "other": Matrix(stations=(9,), fares=((8,),)),
    },
    reader=ReaderProfile(baud=9600, gap_ms=30, prefix=b"\x02", suffix=b"\r\n"),
    labels={
        LabelKey(LabelKind.CITY, SUZHOU): "苏州",
        LabelKey(LabelKind.STATION, SUZHOU, Mode.BUS, 7, 2): "乐桥",
    },
)  # fmt: skip

FAMILIES = Rules(
    environment="test",
    version=2,
    limits=Limits(families=("ministry-226", "suishen", "sufu", "anhui", "zhejiang")),
    fares=[Fare(rule="metro", mode=Mode.METRO, fen=300)],
    other=rows(
        FamilyRules(
            suishen_keys=[SuishenKey(index=1, key=KEYS[0]), SuishenKey(index=2, key=KEYS[1])],
            transport_keys=[
                TransportKey(index=1, key=KEYS[0], modes=[Mode.BUS]),
                TransportKey(index=2, key=KEYS[1]),
            ],
            ministry_226_keys=[
                Ministry226Key(key_id="0a000001", key=KEYS[0], cap_fen=1000, city=SHANGHAI),
                Ministry226Key(key_id="0a000002", key=KEYS[1], cap_fen=2000, modes=[Mode.BUS]),
            ],
            resolved=[
                Resolved(family="anhui", prefix=b"ah:0123456789abcdef0123456789ab:"),
                Resolved(family="sufu", prefix=b"js:", city=320000, at_risk_fen=1000, at_risk_rides=3),
                Resolved(family="zhejiang", prefix=b"\xff", deadline_ms=10_000, remember_s=604_800),
            ],
        )
    ),
)

EVERYTHING = replace(MINISTRY, limits=FAMILIES.limits, other=FAMILIES.other)


def images() -> Mapping[str, bytes]:
    """The images by the names of their files."""
    found = {"least": LEAST, "ministry": MINISTRY, "families": FAMILIES, "everything": EVERYTHING}
    whole = {f"{name}.bin": build(rules) for name, rules in found.items()}
    station = next(iter(MINISTRY.matrices.values())).stations[0]
    return whole | {"gate.bin": cut_image(whole["ministry.bin"], Spot(Mode.METRO, station=station), "ministry")}


def main() -> None:
    """Writes the seeds anew."""
    CORPUS.mkdir(parents=True, exist_ok=True)
    for name, image in images().items():
        (CORPUS / name).write_bytes(image)


if __name__ == "__main__":
    main()
