"""From issuers' signed statements to what a gate charges offline, and to who pays for it: one senior, two codes."""

from pathlib import Path

import pytest

from tests.sdk.centre.clearing import world
from tests.sdk.centre.clearing.centre import rows
from tests.sdk.centre.clearing.folders import RATES_TEXT
from tests.sdk.centre.clearing.world import DAY, NOON, SHANGHAI, SUZHOU, Device
from yima.sdk.centre.clearing.day import Centre
from yima.sdk.centre.clearing.days import shifted
from yima.sdk.centre.clearing.folder import CentreFolder
from yima.sdk.centre.clearing.money.tables import FUNDED, POSTINGS
from yima.sdk.centre.clearing.report.figures import faults
from yima.sdk.centre.clearing.tables import CHECKS, REDUCTIONS, RIDES
from yima.sdk.centre.identity.statements import Link, Membership, Statement, sign_statements
from yima.sdk.cli import main as command
from yima.sdk.sm2 import SigningKey
from yima.validator.packages import Trust, read_pins
from yima.validator.parameters import Parameters, load

KEYS = {SHANGHAI: SigningKey.from_int(41), SUZHOU: SigningKey.from_int(42)}
ORDINARY, SENIOR = 1, 90_000_000_000_002  # cards of one person: of Shanghai, and of Suzhou, whose issuer knows her age
STRANGER = 3
EVE = shifted(DAY, -1)


def account(card: int) -> str:
    return f"310487{card:014d}"


def statements(folder: Path, issuer: str, *said: Statement) -> None:
    content = sign_statements(said, KEYS[issuer], environment="test", issuer=issuer, number=1, issued=EVE)
    (folder / "statements" / f"{issuer}-1").write_bytes(content)


@pytest.fixture
def region(tmp_path: Path) -> Path:
    """A centre's folder: Shanghai's and Suzhou's issuers say that two accounts are one person's, Suzhou's that she is a
    senior; one more account is nobody's."""
    folder = tmp_path / "region"
    for name in ("stores", "parameters", "statements"):
        (folder / name).mkdir(parents=True)
    (folder / "rules.toml").write_text('[taps]\nunsigned = "count"\n[rides]\nclose_after_days = 1\n')
    (folder / "rates.toml").write_text(RATES_TEXT)
    heard = "".join(
        f'[[issuer]]\norganisation = "{name}"\naccounts = ["{begin}"]\n'
        f'[[issuer.keys]]\nkey = "{KEYS[name].compressed.hex()}"\n'
        for name, begin in ((SHANGHAI, "3104870"), (SUZHOU, "3104879"))
    )
    (folder / "identity.toml").write_text('environment = "test"\n' + heard)
    one_person = Link(accounts=(account(ORDINARY), account(SENIOR)))
    statements(folder, SHANGHAI, one_person)
    statements(folder, SUZHOU, one_person, Membership(account=account(SENIOR), group="senior"))
    return folder


def package_of(source: Path, region: Path, keys: Path) -> Parameters:
    """The source as a signed package in the centre's folder, and as a device takes it from there."""
    key, pins, package = keys / "signer.key", keys / "signers.txt", region / "parameters" / "city.ymp"
    assert command.main(["params", "new-key", str(key), "--pins", str(pins)]) == 0
    assert command.main(["params", "build", str(source), "--key", str(key), "-o", str(package)]) == 0
    return load(package, trust=Trust(environment="test", city=world.CITY, keys=read_pins(pins).keys), now=NOON)


def test_a_senior_is_one_whatever_code_she_shows_and_clearing_finds_the_gates_fare(
    region: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["centre", "day", str(region), "--day", str(EVE)]) == 0
    source = tmp_path / "city"
    concessions = "rule,group,riding_city,percent,funded_by\nsenior-half,senior,320500,50,issuer-city\n"
    world.parameters(source, concessions=concessions, groups="account,group\n")
    asked = ["--city", str(world.CITY), "--groups", "senior", "--out", str(source / "groups.csv")]
    assert command.main(["centre", "groups", str(region), *asked]) == 0
    assert (source / "groups.csv").read_text(encoding="utf-8").splitlines()[1:] == [
        "account,group", f"{account(ORDINARY)},senior", f"{account(SENIOR)},senior",
    ]  # fmt: skip

    bus = Device("bus-1", package_of(source, region, tmp_path))
    hers = bus.tap(world.rider(ORDINARY, account_type=0).code(NOON), NOON)
    assert (hers.accepted, hers.account_type, hers.fare_fen, hers.rule) == (True, 0, 100, "bus-flat+senior-half")
    other = bus.tap(world.rider(SENIOR, SUZHOU, account_type=0).code(NOON + 60), NOON + 60)
    stranger = bus.tap(world.rider(STRANGER, account_type=0).code(NOON + 120), NOON + 120)
    assert (other.fare_fen, stranger.fare_fen, stranger.rule) == (100, 200, "bus-flat")

    world.store(region / "stores" / "one.db", world.all_rows(bus))
    assert command.main(["centre", "day", str(region), "--day", str(shifted(DAY, 2))]) == 0
    capsys.readouterr()
    with Centre(CentreFolder(region)) as centre:
        found = centre.workspace
        assert {row["why"] for row in rows(found, CHECKS)} == {"NONE"}
        fares = sorted((row["moment"], row["gate_fare_fen"], row["core_fare_fen"]) for row in rows(found, RIDES))
        assert fares == [(NOON, 100, 100), (NOON + 60, 100, 100), (NOON + 120, 200, 200)]
        assert {row["cause"] for row in rows(found, RIDES)} == {"NONE"}
        reductions = sorted((row["rule"], row["fen"], row["funder_id"]) for row in rows(found, REDUCTIONS))
        assert reductions == [("senior-half", -100, "310000"), ("senior-half", -100, "320500")]
        subsidies = [row for row in rows(found, POSTINGS) if row["cause"] == "SUBSIDY" and row["fen"] < 0]
        for paid in (subsidies, rows(found, FUNDED)):
            assert sorted((row["party"], row["fen"]) for row in paid) == [("00310000", -100), ("00320500", -100)]
        assert [fault for day in (DAY, shifted(DAY, 1)) for fault in faults(centre.figures(day))] == []
