"""Many entries a call: the columns say of each what reading it alone says; what is no entry is a row of zeros."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.packages_world import package
from tests.sdk.centre.clearing import centre, world
from tests.sdk.centre.clearing.test_against_plain import tariff
from tests.sdk.centre.clearing.world import CITY, NOON, Device
from tests.validator.journal.test_facts import TAPS as TAP_FACTS
from yima.sdk.centre.clearing.columns import integers, numbers, pieces, texts
from yima.sdk.centre.clearing.days import day_of, days_of, shifted
from yima.sdk.centre.clearing.tables import TAPS
from yima.sdk.centre.clearing.taps.ingest import ingest
from yima.sdk.centre.clearing.taps.parameters import load_folder
from yima.sdk.centre.clearing.taps.stores import SqliteSource
from yima.sdk.centre.clearing.workspace import Workspace
from yima.sdk.layouts_facts import ENTRY
from yima.validator import _core
from yima.validator.errors import ParametersError
from yima.validator.journal.facts import write
from yima.validator.judging import Direction, Mode, Reason
from yima.validator.parameters import from_rules
from yima.validator.parameters.rules import By, Concession, When

VECTORS = sorted((Path(__file__).parents[3] / "vectors" / "facts").glob("*.json"))
FUNDERS = ("NONE", "RIDING_CITY", "ISSUER_CITY", "OPERATOR", "REGION")


def columns(entries: list[bytes]) -> dict[str, list[Any]]:
    answer = _core.entry_columns(*pieces(pa.array(entries, pa.binary())))
    wide = {
        name: (texts if isinstance(value, tuple) else integers)(answer, name, len(entries))
        for name, value in answer.items()
    }
    return {name: column.to_pylist() for name, column in wide.items()}


def wrapped(number: int) -> int:
    """As a signed number of 64 bits holds it."""
    return number - (1 << 64) if number >= 1 << 63 else number


@given(st.lists(TAP_FACTS.map(write) | st.binary(max_size=200), max_size=6))
def test_columns_are_what_the_second_description_reads(entries: list[bytes]) -> None:
    got = columns(entries)
    for row, entry in enumerate(entries):
        try:
            read = ENTRY.parse(entry)
        except Exception:
            assert got["kind"][row] == 0
            assert got["account"][row] == ""
            continue
        assert got["kind"][row] == read.kind
        if read.kind != 1:
            continue
        of = read.of
        for name in ("at", "trust", "run", "tick_ms"):
            assert got[name][row] == wrapped(read[name])
        for name in ("reason", "mode", "city", "operator_id", "gross_fen", "fare_fen", "deny_version", "entry_at"):
            assert got[name][row] == of[name]
        for name in ("digest", "account", "parameters_digest"):
            assert got[name][row] == (of[name].hex() if any(of[name]) else "")
        assert json.loads(got["rules"][row]) == [
            {
                "fen": rule.fen,
                "funder": FUNDERS[rule.funder],
                "funder_id": rule.funder_id,
                "kind": rule.kind,
                "name": name.text.decode(),
                "number": rule.number,
            }
            for rule, name in zip(of.rules, of.names, strict=True)
        ]


def test_the_vectors_bad_and_good_in_one_call() -> None:
    files = [json.loads(path.read_text(encoding="utf-8")) for path in VECTORS]
    entries = [bytes.fromhex(next(v for k, v in file.items() if k in {"entry", "bytes", "hex"})) for file in files]
    assert [kind > 0 for kind in columns(entries)["kind"]] == [not path.stem.startswith("bad-") for path in VECTORS]


def test_a_slice_of_a_column_is_read_where_it_lies() -> None:
    whole = pa.array([b"x" * 9, b"", write_of(1), write_of(2), b"y"], pa.binary())
    answer = _core.entry_columns(*pieces(whole.slice(2, 2)))
    assert integers(answer, "kind", 2).to_pylist() == [1, 1]
    assert bytes(numbers(pa.array([1, 2, 3], pa.int64()).slice(1, 1))) == (2).to_bytes(8, "little")
    assert columns([]) == {name: [] for name in columns([])}


def write_of(card: int) -> bytes:
    bus = Device("bus", tariff())
    bus.tap(world.rider(card).code(NOON), NOON)
    entry: bytes = bus.entries[0]["entry"]
    return entry


def test_a_price_is_what_the_core_says_at_a_gate_that_knows_that_entry() -> None:
    """Every pair of stations and both sides of the longest stay, against codes that tell the entry themselves."""
    entries, stations, moments, expected = [], [], [], []
    for number, (start, end) in enumerate((a, b) for a in world.STATIONS for b in world.STATIONS):
        for stay in (14400, 14401):
            gate = Device("out", tariff(), Mode.METRO, Direction.EXIT, end)
            told = gate.tap(
                world.rider(number, data=world.inside(start, NOON), account_type=3).code(NOON + stay), NOON + stay
            )
            blind = Device("out", tariff(), Mode.METRO, Direction.EXIT, end)
            blind.tap(world.rider(number, data=b"", account_type=3).code(NOON + stay), NOON + stay)
            entries.append(blind.entries[0]["entry"])
            stations.append(start)
            moments.append(NOON)
            expected.append((told.gross_fen, told.fare_fen, int(told.transaction)))
    judge = _core.Judge((bytes(tariff().image),), ())
    sums = [pa.array(column, pa.int64()) for column in (stations, moments)]
    answer = judge.price(*pieces(pa.array(entries, pa.binary())), *map(numbers, sums))
    got = [integers(answer, name, len(entries)).to_pylist() for name in ("gross_fen", "fare_fen", "transaction")]
    assert list(zip(*got, strict=True)) == expected
    assert len(set(expected)) > 6
    with pytest.raises(ValueError, match="lengths"):
        judge.price(*pieces(pa.array(entries, pa.binary())), bytes(8), bytes(8))


def test_the_centres_own_entry_decides_the_hour_of_a_fare() -> None:
    early = Concession(rule="early", percent=50, when=When((), ("early",), By.ENTRY))
    plain = replace(tariff().rules, concessions=[], bands={"early": [(0, 420)]})
    parameters = from_rules(replace(plain, concessions=[early]), "early birds")
    seven = NOON - (NOON + 28800) % 86400 + 25200  # 07:00 in UTC+8
    entries, fares = [], []
    for number, entered in enumerate((seven - 1, seven)):
        gate = Device("out", parameters, Mode.METRO, Direction.EXIT, world.STATIONS[1])
        gate.tap(world.rider(number, data=b"").code(seven + 600), seven + 600)  # the code tells no entry
        entries.append(gate.entries[0]["entry"])
        whole = Device("out", from_rules(plain, "plain"), Mode.METRO, Direction.EXIT, world.STATIONS[1])
        code = world.rider(number, data=world.inside(world.STATIONS[0], entered)).code(seven + 600)
        fares.append(whole.tap(code, seven + 600).fare_fen)
    judge = _core.Judge((bytes(parameters.image),), ())
    stations, moments = [world.STATIONS[0]] * 2, [seven - 1, seven]
    sums = [pa.array(column, pa.int64()) for column in (stations, moments)]
    answer = judge.price(*pieces(pa.array(entries, pa.binary())), *map(numbers, sums))
    assert integers(answer, "fare_fen", 2).to_pylist() == [(fares[0] + 1) // 2, fares[1]]
    assert fares[0] > 0


def test_a_refused_tap_that_names_no_account_has_none_in_its_row(tmp_path: Path) -> None:
    bus = Device("bus", tariff())
    bus.tap(b"no code", NOON)
    bus.tap(world.rider(1).code(NOON - 9999), NOON + 5)
    workspace = Workspace(tmp_path / "w")
    ingest(workspace, SqliteSource(world.store(tmp_path / "store.db", bus.entries)))
    unknown, late = centre.rows(workspace, TAPS)
    assert (unknown["reason"], unknown["account"]) == (Reason.UNKNOWN_FAMILY, None)
    assert (late["fare_fen"], late["account"]) == (0, "31048700000000000001")
    workspace.close()


def test_days_are_local_dates() -> None:
    moments = [NOON, NOON + 43199, NOON + 43200, -1, -(1 << 62), 1 << 62]
    assert days_of(pa.array(moments)).to_pylist() == [day_of(moment) for moment in moments]
    assert [day_of(moment) for moment in moments[:3]] == [20260922, 20260922, 20260923]
    assert (shifted(20260301, -1), shifted(20261231, 1)) == (20260228, 20270101)


def test_a_folder_of_what_was_published(tmp_path: Path) -> None:
    (tmp_path / "one.bin").write_bytes(bytes(tariff().image))
    (tmp_path / "again.bin").write_bytes(bytes(tariff().image))
    (tmp_path / "plain.toml").write_text('environment = "test"\nversion = 9\n[fares]\nbus = 100\n')
    found = load_folder(tmp_path)
    assert sorted(version for version, _ in found.judge().packages) == [1, 9]
    assert CITY
    (tmp_path / "other.bin").write_bytes(b"junk")
    with pytest.raises(ParametersError, match=r"other\.bin"):
        load_folder(tmp_path)


def test_a_package_whose_image_is_damaged_is_named_and_not_read(tmp_path: Path) -> None:
    good = package(1)
    (tmp_path / "one.bin").write_bytes(good)
    assert len(load_folder(tmp_path).images) == 1
    (tmp_path / "one.bin").write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(ParametersError, match=r"one\.bin.*image is damaged"):
        load_folder(tmp_path)
