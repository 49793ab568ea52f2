"""A gate's own part of a package: 500 stations, one column, the same signatures; and nothing that can be left out to
open a gate."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.network_world import CHANCE, CITY, STATIONS, exit_code, in_parts, network, network_image, spot
from tests.packages_world import NOW, PINS, A, Disk, rule_of
from yima.firmware_images.hardware import PARAMETERS_HEADER, board
from yima.sdk import layouts_package as layouts
from yima.sdk import sm2
from yima.sdk.centre.clearing.taps.parameters import load_folder
from yima.sdk.cli.gate_place import refuse_useless
from yima.sdk.cli.main import main
from yima.sdk.parameters.parts import columns, cut, cut_image, images_in, is_part, list_of_parts
from yima.sdk.parameters.rotation import reissued, rotate_keys
from yima.sdk.parameters.signing import Envelope, add_signature, sign_package
from yima.sdk.sm2 import SigningKey
from yima.validator import _core
from yima.validator.errors import ParametersError
from yima.validator.judging import Direction, GateContext, Mode, Reason, Validator
from yima.validator.packages import PackageError, image_is_intact, parse_package
from yima.validator.packages.store import PackageStore, Taken
from yima.validator.parameters import from_image, from_rules, sections
from yima.validator.parameters.own_part import Content, content_of, image_of
from yima.validator.parameters.rules import Journey, Matrix, Rules


@cache
def package() -> bytes:
    return in_parts()


ROOM = board().parameters.size // 2 - PARAMETERS_HEADER  # of a copy in the emulated board's flash


def gate_at(image: Any, station: int) -> Validator:
    gate = GateContext(mode=Mode.METRO, city=CITY, station=station, direction=Direction.EXIT)
    parameters = from_image(image, "part")
    return Validator(parameters, refuse_useless(gate, parameters))


def test_a_gate_of_500_stations_has_room_on_a_board_and_charges_as_by_the_whole() -> None:
    assert len(package()) > 500_000
    for station in (101, 350, 600):
        part = cut(package(), spot(station))
        assert len(part) < ROOM // 2
        ours, whole = gate_at(parse_package(part).image, station), gate_at(network_image(), station)
        reasons = set()
        for entry in [*CHANCE.sample(STATIONS, 20), 99, 601, 65535]:
            verdict, expected = ours.judge(exit_code(entry), NOW), whole.judge(exit_code(entry), NOW)
            assert (verdict.reason, verdict.fare_fen) == (expected.reason, expected.fare_fen)
            reasons.add(verdict.reason)
        assert {Reason.ACCEPTED} < reasons


def test_a_gate_with_anothers_part_does_not_start_and_lets_nobody_ride() -> None:
    part = parse_package(cut(package(), spot(101))).image
    with pytest.raises(ParametersError, match="no fare table has station 102"):
        gate_at(part, 102)
    gate = GateContext(mode=Mode.METRO, city=CITY, station=102, direction=Direction.EXIT)
    assert not Validator(from_image(part, "part"), gate).judge(exit_code(200), NOW).accepted


def test_what_is_left_out_opens_no_gate_also_where_rides_without_a_price_are_let_through() -> None:
    rules = replace(small_network(), journeys=[Journey(rule="j", mode=Mode.METRO, city=CITY, unpriced=True)])
    image = bytes(from_rules(rules, "open").image)
    gate = GateContext(mode=Mode.METRO, city=CITY, station=3, direction=Direction.EXIT)

    def answer(image: bytes) -> tuple[Reason, int]:
        verdict = Validator(from_image(image, "x"), gate).judge(exit_code(1), NOW)
        return verdict.reason, verdict.fare_fen

    own = content_of(image)
    assert answer(image) == answer(cut_image(image, spot(3), "x")) == (Reason.ACCEPTED, 0), (
        "no ride from 1 to 3: as it says"
    )
    for left_out in ({15, 16, 17}, {15}, {16}, {17}, {16, 17}):
        lacking = {number: rows for number, rows in own.items() if number not in left_out}
        assert answer(image_of(image, lacking)) == (Reason.RIDE_NOT_PRICED, 0)
    for other in (spot(1), spot(None)):
        assert answer(cut_image(image, other, "x")) == (Reason.RIDE_NOT_PRICED, 0)


def test_a_bus_goes_without_the_metros_matrix() -> None:
    part = parse_package(cut(package(), spot(None)))
    assert len(part.data) < 20_000
    assert {15, 16, 17, 19, 40}.isdisjoint(content_of(bytes(part.image)))
    assert from_image(part.image, "part").version == 1


def test_every_part_is_one_package_under_the_same_signatures() -> None:
    whole = parse_package(package())
    for station in (101, 102, None):
        store = PackageStore(Disk(), PINS, "test")
        part = cut(package(), spot(station))
        assert parse_package(part).id == whole.id
        assert store.take(part, NOW) is Taken.ACTIVATED
        assert store.take(package(), NOW) is Taken.ALREADY
    with pytest.raises(ParametersError, match="no matrix has station 99"):
        cut(package(), spot(99))
    with pytest.raises(ParametersError, match="not in parts"):
        envelope = Envelope(environment="test", version=1, not_before=0, expiry=1)
        cut(sign_package(network_image(), envelope, [A]), spot(101))


def with_image(image: bytes) -> bytes:
    """The package's front with another image."""
    return package()[: len(package()) - len(network_image())] + image


def test_no_rule_can_be_left_out_and_none_changed() -> None:
    own = content_of(cut_image(network_image(), spot(101), "x"))
    sections_of_rules = content_of(network_image()).keys() - {15, 16, 17, 19}
    assert len(sections_of_rules) > 5
    for section in sections_of_rules:
        without: Content = {number: rows for number, rows in own.items() if number != section}
        changed = own | {section: own[section][:-1] + bytes([own[section][-1] ^ 1])}
        for content in (without, changed):
            with pytest.raises(PackageError) as refused:
                PackageStore(Disk(), PINS, "test").take(with_image(image_of(network_image(), content)), NOW)
            assert refused.value.rule == "BAD_IMAGE", section


def test_no_fare_can_be_changed_and_none_brought_from_elsewhere() -> None:
    own = content_of(cut_image(network_image(), spot(101), "x"))
    column = own[40]
    store = PackageStore(Disk(), PINS, "test")
    for other in (column[:-1] + b"\1", column[8:], column + columns(content_of(network_image()), 102)[102], b""):
        with pytest.raises(PackageError, match="other content than was signed"):
            store.take(with_image(image_of(network_image(), own | {40: other})), NOW)
    with pytest.raises(PackageError, match="mixes versions"):
        store.take(with_image(network_image().replace(b"YIMP\0", b"YIMQ\0", 1)), NOW)
    newer = bytearray(cut_image(network_image(), spot(101), "x"))
    newer[16:20] = (2).to_bytes(4)
    assert rule_of(lambda: store.take(with_image(bytes(newer)), NOW)) == "MIXED"


def test_a_directory_that_points_outside_is_not_followed() -> None:
    image = bytearray(cut_image(network_image(), spot(101), "x"))
    for at, value in ((20, b"\xff\xff"), (24, b"\xff" * 4), (28, b"\xff" * 4), (6, b"\xff\xff")):
        bad = bytes(image[:at] + value + image[at + len(value) :])
        assert not image_is_intact(parse_package(with_image(bad)))
    for size in (0, 19, 20):
        short = bytes(image[:8] + size.to_bytes(4) + image[12:])[: max(size, 20)]
        with pytest.raises(ParametersError):
            PackageStore(Disk(), PINS, "test").take(with_image(short), NOW)


def test_the_list_is_as_the_second_description_has_it() -> None:
    """construct takes the package apart, and libcrypto's SM3 agrees with every part."""
    parsed = layouts.PACKAGE.parse(package())
    signed = parsed.signed
    assert (signed.in_parts, signed.digest) == (1, sm2.sm3(list_of_parts(network_image())))
    inner = layouts.PARTS.parse(parsed.image, count=signed.image_size // 34)
    assert inner.image == network_image()
    assert set(inner.padding) <= {0}
    listed = [(row.section, row.digest) for row in inner.parts]
    assert listed == sorted(set(listed))
    assert sum(section == 40 for section, _ in listed) == len(STATIONS)
    for section, rows in content_of(network_image()).items():
        size = sections.BY_NUMBER[section].row_size
        named = section.to_bytes(2) + size.to_bytes(2) + (len(rows) // size).to_bytes(4)
        assert (section, sm2.sm3(named + rows)) in listed


def test_forms_that_are_none() -> None:
    """Each with the byte at which it is seen."""
    good, listed = package(), len(list_of_parts(network_image()))
    at = parse_package(good).data.nbytes - len(network_image())
    front = at - listed - (-listed % 64)
    swapped = good[:front] + good[front + 34 : front + 68] + good[front : front + 34] + good[front + 68 :]
    sized = good[:20] + (35).to_bytes(4) + good[24:]
    for data, error in (
        (swapped, "BAD_VALUE"),
        (sized, "BAD_VALUE"),
        (good[:20] + bytes(4) + good[24:], "BAD_VALUE"),
        (good[:20] + (34 * 30_841).to_bytes(4) + good[24:], "BAD_VALUE"),  # more than a megabyte of them
        (good[:7] + b"\3" + good[8:], "BAD_VALUE"),  # a deny-list in parts
        (good[: at - 1] + b"\1" + good[at:], "BAD_VALUE"),
        (good[:at], "TRUNCATED"),
        (good[:-1], "TRUNCATED"),
        (good + b"x", "TRAILING"),
    ):
        assert rule_of(lambda data=data: parse_package(data)) == error  # type: ignore[misc]
    assert _core.package_size(package()) == 0, "each device may have another image"


def test_signing_and_reissuing_keep_the_parts() -> None:
    both = add_signature(package(), SigningKey.from_int(5))
    assert parse_package(both).parts == parse_package(package()).parts
    again = reissued(parse_package(package()), version=4, keys=[A], not_before=NOW)
    assert PackageStore(Disk(), PINS, "test").take(cut(again, spot(101)), NOW) is Taken.ACTIVATED


def test_a_gates_own_part_is_not_signed_anew_as_the_whole_of_a_city() -> None:
    """A bug found: the way back out of a gate's part was a package that no other gate had a fare by."""
    part = parse_package(cut(package(), spot(350)), "gate-350.ymp")
    with pytest.raises(ParametersError, match=r"gate-350\.ymp: is a gate's own part"):
        reissued(part, version=9, keys=[A], not_before=NOW)
    with pytest.raises(ParametersError, match="is a gate's own part"):
        rotate_keys(part, old=[A], new=[SigningKey.from_int(9)])
    # What is in force tells its version and keys, whichever part of it is at hand.
    whole = parse_package(package())
    assert not is_part(parse_package(reissued(whole, version=9, keys=[A], not_before=NOW, current=part)))


@pytest.mark.parametrize("verb", ["fare PART --from 101 --to 205", "try PART TRIPS", "lint PART", "diff WHOLE PART"])
def test_what_asks_for_every_fare_refuses_a_gates_own_part(
    verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bug found: a KeyError, and warnings of what other gates have."""
    (tmp_path / "whole.ymp").write_bytes(package())
    (tmp_path / "part.ymp").write_bytes(cut(package(), spot(350)))
    (tmp_path / "trips.csv").write_text("from,to,when\n101,205,2026-01-01\n")
    files = {"PART": "part.ymp", "WHOLE": "whole.ymp", "TRIPS": "trips.csv"}
    words = [str(tmp_path / files[word]) if word in files else word for word in verb.split()]
    assert main(["params", *words]) == 6
    assert "part.ymp: is a gate's own part, and not the whole package" in capsys.readouterr().err
    assert main(["params", "check", str(tmp_path / "part.ymp")]) == 0
    assert "nobody has a fare" not in capsys.readouterr().out


def test_the_centre_knows_each_gates_image_by_the_digest_that_its_taps_name(tmp_path: Path) -> None:
    small = bytes(from_rules(small_network(), "small").image)
    (tmp_path / "city.ymp").write_bytes(in_parts(small))
    images = load_folder(tmp_path).images
    assert set(images) == set(images_in(parse_package(in_parts(small))))
    assert cut_image(small, spot(2), "x") in images
    assert len(images) == 1 + 1 + 3


def small_network() -> Rules:
    rules = network()
    fares: list[list[int | None]] = [[200, 300, None], [300, 200, 400], [None, 400, 200]]
    return Rules(
        environment="test", version=1, fares=rules.fares, roots=rules.roots, whitelist=rules.whitelist,
        matrices={"network": Matrix(stations=(1, 2, 3), fares=fares)}, decoders=rules.decoders,
    )  # fmt: skip


def test_a_part_is_made_on_the_command_line_without_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    verbs: Callable[..., int] = lambda *words: main(["params", *words])  # noqa: E731
    assert verbs("example", "city") == 0
    assert verbs("new-key", "signer.key", "--pins", "signers.txt") == 0
    assert verbs("build", "city", "--key", "signer.key", "--parts", "-o", "city.ymp") == 0
    assert verbs("cut", "city.ymp", "--station", "205", "-o", "gate.ymp") == 0
    assert verbs("verify", "gate.ymp", "--trust", "signers.txt") == 0
    assert verbs("show", "gate.ymp") == 0
    assert verbs("cut", "city.ymp", "--station", "7", "-o", "gate.ymp") == 6
    assert "no matrix has station 7" in capsys.readouterr().err
