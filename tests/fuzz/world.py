"""The world of the fuzz targets: parameters with every family and every kind of rule, and what a board holds.

It is the same bytes whenever it is made, so that an input means the same on every machine: keys come from fixed
numbers, the code that stands for all others from the lab's vectors. The C targets include it as `world.h`.
"""

import hashlib
import json
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from yima.firmware_images.hardware import board
from yima.firmware_images.provision import Settings, parameters_copy, settings_copy
from yima.sdk.ministry_226 import Issuer226
from yima.sdk.parameters.denylist import Changes, accounts_of, build
from yima.sdk.sm2 import SigningKey
from yima.sdk.suishen import SuishenIssuer
from yima.validator.parameters import from_rules
from yima.validator.parameters.family_rules import FamilyRules, Ministry226Key, Resolved, SuishenKey, TransportKey, rows
from yima.validator.parameters.rules import (
    Acceptance,
    By,
    Calendar,
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

NOW = 1_790_000_000
BOARD = board("posix")
CARD = bytes.fromhex("31048700000000019999")  # of the codes that other families' seeds are
SUZHOU, SHANGHAI = 320500, 310000
ORGANISATION, PLATFORM = "00083010", "50083010"
SUISHEN = SuishenIssuer(key=SigningKey.from_int(11), transport_key=SigningKey.from_int(12), index=3, transport_index=7)
ISSUER_226 = Issuer226(key=SigningKey.from_int(13), key_id="0a000001")
RIDER_226 = SigningKey.from_int(14)
VECTORS = Path(__file__).parents[1] / "vectors"


def lab_vectors() -> list[dict[str, object]]:
    """The lab's vectors, by case number."""
    return [json.loads(path.read_text()) for path in sorted((VECTORS / "lab").glob("*.json"))]


def _lab_code(case: int) -> bytes:
    (code,) = (vector["code"] for vector in lab_vectors() if vector["case"] == case)
    return bytes.fromhex(str(code))


def _lab_roots() -> dict[int, Root]:
    roots = json.loads((VECTORS / "lab" / "5165.json").read_text())["roots"]
    keys = {root["index"]: bytes.fromhex(root["certificate"])[16:80] for root in roots}
    return {index: Root(index=index, key=key, expires=(2049, 12)) for index, key in keys.items()}


def rules() -> Rules:
    """A region where everything occurs: three ways to a fare, every reduction, both policies of an unclear journey."""
    metro: dict[str, Any] = {"mode": Mode.METRO, "city": SUZHOU}
    families = FamilyRules(
        suishen_keys=[SuishenKey(index=3, key=SUISHEN.key.public)],
        transport_keys=[TransportKey(index=7, key=SUISHEN.transport_key.public, modes=(Mode.BUS, Mode.METRO))],
        ministry_226_keys=[Ministry226Key(key_id="0a000001", key=ISSUER_226.key.public, cap_fen=1000, city=SHANGHAI)],
        resolved=[
            Resolved(family="sufu", prefix=b"SF", city=SUZHOU),
            Resolved(family="sufu", prefix=b"SFX1", city=SUZHOU, remember_s=20),
            Resolved(family="anhui", prefix=b"https://ah.example/", at_risk_fen=500, at_risk_rides=2),
            Resolved(family="zhejiang", prefix=b"ZJ" * 16, modes=(Mode.METRO,)),
        ],
    )
    return Rules(
        environment="test",
        version=7,
        limits=Limits(
            families=("ministry", "unified", "ministry-226", "suishen", "sufu", "anhui", "zhejiang", "alipay"),
            account_types=(0, 1, 2, 3, 4),
            account_interval_s=5,
            lists_max_age_s=30 * 86400,
            lists_issued_at=NOW - 86400,
            taps_per_minute=1,  # codes of a shifted time base are good for long, and a board has room for 1024
        ),
        roots=_lab_roots(),
        whitelist=[
            Pair(organisation=ORGANISATION, platform=PLATFORM, city=SHANGHAI),
            Pair(organisation="01011000", platform="01011000"),
            Pair(organisation="01523990", platform="50023301", city=SUZHOU, modes=(Mode.BUS,)),
        ],
        revoked=[
            Revocation(root=1, organisation=ORGANISATION, serial="abcdef"),
            Revocation(root=1, organisation="01523990", from_s=NOW - 60, to_s=NOW),
            Revocation(root=2, serial="000001", from_s=NOW + 600),
            Revocation(root=9),
        ],
        acceptance=[
            Acceptance(riding_city=SUZHOU, mode=mode, issuer_city=city, from_s=from_s)
            for mode in Mode
            for city, from_s in ((SHANGHAI, 0), (SUZHOU, NOW))
        ]
        + [
            Acceptance(riding_city=SHANGHAI, mode=Mode.METRO, issuer_city=SHANGHAI, family="suishen"),
            Acceptance(riding_city=SHANGHAI, mode=Mode.METRO, issuer_city=SHANGHAI, family="ministry", from_s=NOW + 60),
        ],
        deny=[(bytes.fromhex("3104ffffffffffffff01"), bytes.fromhex("3104ffffffffffffff7f"))],
        time_shifts={ORGANISATION: (-28800, 28800)},
        fares=[
            Fare(rule="bus-flat", mode=Mode.BUS, fen=200),
            Fare(rule="bus-old", mode=Mode.BUS, city=SUZHOU, fen=150, to_s=NOW),
            Fare(rule="bus-new", mode=Mode.BUS, city=SUZHOU, fen=180, from_s=NOW + 600),
            Fare(rule="bus-stages", mode=Mode.BUS, city=SUZHOU, line=7, kind=FareKind.STAGES, table="distance"),
            Fare(rule="metro-flat", mode=Mode.METRO, fen=300),
            Fare(rule="metro-stages", line=1, kind=FareKind.STAGES, table="distance", **metro),
            Fare(rule="metro-night", line=2, fen=100, when=When((), ("night",), By.ENTRY), **metro),
            Fare(rule="metro-matrix", line=2, kind=FareKind.MATRIX, table="network", **metro),
        ],
        stages={"distance": [Stage(up_to_m=4000, fen=200), Stage(up_to_m=9000, fen=300), Stage(up_to_m=None, fen=400)]},
        stations=[
            *(Station(line=1, station=n, metres=3000 * n, **metro) for n in range(1, 6)),
            *(Station(mode=Mode.BUS, city=SUZHOU, line=7, station=n, metres=2500 * n) for n in range(1, 5)),
        ],
        matrices={"network": Matrix(stations=(1, 2, 3), fares=((200, 300, 500), (300, 200, 400), (500, 400, None)))},
        concessions=[
            Concession(rule="senior-half", account_type=2, percent=50),
            Concession(rule="senior-night", account_type=2, percent=12.5, when=When(("work",), ("night",), By.ENTRY)),
            Concession(rule="rest", percent=90, when=When(("rest",), (), By.TAP)),
            Concession(rule="own", organisation=ORGANISATION, riding_city=SUZHOU, line=7, percent=33.3),
            Concession(rule="suzhou-cap", riding_city=SUZHOU, mode=Mode.METRO, fen=350),
            Concession(rule="staff-free", account_type=4, issuer_city=SHANGHAI, percent=0),
            Concession(rule="veteran-free", group="veteran", riding_city=SUZHOU, mode=Mode.BUS, percent=0),
            Concession(rule="senior-less", group="senior", riding_city=SUZHOU, percent=25),
            Concession(rule="resident-cap", group="resident-320505", riding_city=SUZHOU, mode=Mode.METRO, fen=100),
        ],
        habits=Habits(rounding=Rounding.UP, unit_fen=10, day_begins_min=240),
        calendar=Calendar(week=(*("work",) * 5, "rest", "rest"), exceptions=[(20717, 20718, "rest")]),
        bands={"night": [(0, 60), (1320, 1380)], "noon": [(720, 780)]},
        members=[
            Member(CARD, CARD, ("resident-320505", "senior")),
            Member(bytes.fromhex("3104ffffffffffffff80"), bytes.fromhex("3104ffffffffffffff8f"), ("senior", "veteran")),
        ],
        journeys=[
            Journey(
                rule="journey",
                longest_s=7200,
                over_time_fen=250,
                missing_exit=True,
                missing_entry_fen=350,
                unpriced=True,
                entry_cap_fen=200,
                **metro,
            )
        ],
        decoders=[
            Decoder(
                organisation=ORGANISATION,
                state_at=0,
                inside=(1, 5),
                station_at=1,
                time_at=3,
                time_form=Form.BINARY,
            ),
            Decoder(
                organisation="01011000",
                state_at=9,
                inside=(2,),
                station_at=7,
                station_form=Form.BCD,
                time_form=Form.BCD,
            ),
        ],
        reader=ReaderProfile(),
        labels={LabelKey(LabelKind.CITY, SUZHOU): "苏州"},
        other=rows(families),
    )


def image() -> bytes:
    """The parameter image of these rules."""
    return bytes(from_rules(rules(), "the world of the fuzz targets").image)


def deny_list() -> bytes:
    """A deny-list of national size, though a small one."""
    denied = accounts_of([bytes.fromhex(f"3104870000000000{n:04x}") for n in range(1, 40)])
    ranges = ((bytes.fromhex("310499ffffffffffff00"), bytes.fromhex("310499ffffffffffffff")),)
    changes = Changes(denied=denied, denied_ranges=ranges)
    return build(changes, environment="test", version=3, issued_at=NOW - 3600)


def firmware(slot: int, version: tuple[int, int, int, int], product: bytes = b"yima-bus-validator") -> bytes:
    """An image as the firmware looks at it, without the signature that only the boot ROM asks for."""
    texts = ((0x50, bytes(4)), (0xA0, product), (0xA1, b"test"), (0xA2, BOARD.name.encode()))
    tlvs = b"".join(struct.pack("<HH", tlv, len(text)) + text for tlv, text in texts)
    header = struct.pack("<IIHHIIBBHI4x", 0x96F3B83D, slot, 0x200, 4 + len(tlvs), 64, 0x100, *version)
    signed = header.ljust(0x200, b"\xff") + bytes(range(64)) + struct.pack("<HH", 0x6908, 4 + len(tlvs)) + tlvs
    digest = hashlib.sha256(signed).digest()
    return signed + struct.pack("<HHHH", 0x6907, 40, 0x10, 32) + digest


def parts() -> Mapping[str, bytes]:
    """What the C targets include, by name."""
    settings = Settings(terminal="FUZZ0001", city=SUZHOU, line_text="1", keys=[SigningKey.from_int(15).compressed])
    return {
        "world_image": image(),
        "world_deny": deny_list(),
        "world_code": _lab_code(5676),
        "world_running_image": firmware(BOARD.slots[0].start, (0, 1, 0, 0)),
        "world_settings": settings_copy(settings, hardware=BOARD),
        "world_parameters": parameters_copy(image(), hardware=BOARD),
    }


def header() -> str:
    """`world.h`."""
    return "".join(_lines())


def _lines() -> Iterator[str]:
    yield "/* world.h - made by tests/fuzz/world.py. */\n#include <stdint.h>\n"
    for name, data in parts().items():
        # A target takes what it needs of these.
        yield f"__attribute__((unused)) static const uint8_t {name}[{len(data)}] = {{{','.join(map(str, data))}}};\n"
