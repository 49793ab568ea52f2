"""`yima params` from the files a person edits to the package a gate judges by, and `yima judge` on it."""

import json
import re
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from yima.sdk.cli.main import main
from yima.sdk.cli.params import EXAMPLES
from yima.sdk.issuer import Issuer, RootAuthority, make_issuer, make_rider, make_root
from yima.sdk.parameters.example import SOURCE
from yima.sdk.parameters.signing import make_key_file
from yima.sdk.sm2 import SigningKey
from yima.validator.errors import ParametersError
from yima.validator.packages import Trust, pins_as_text, read_pins
from yima.validator.parameters import load
from yima.validator.system.locks import HeldError, hold

NOW = 1_790_000_000  # 2026-09-21
DAY = 86400
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def yima(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs one command line in this process: (status, stdout, stderr)."""

    def run(*words: object) -> tuple[int, str, str]:
        status = main([str(word) for word in words])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture(scope="module")
def root() -> RootAuthority:
    return make_root(1)


@pytest.fixture
def source(yima: Run, tmp_path: Path, root: RootAuthority) -> Path:
    """The example with a root whose key this test has."""
    directory = tmp_path / "city"
    assert yima("params", "example", directory)[0] == 0
    lines = SOURCE["package.toml"].splitlines()
    changed = [f'key = "{root.key.public.hex()}"' if line.startswith("key =") else line for line in lines]
    (directory / "package.toml").write_text("\n".join(changed))
    return directory


@pytest.fixture
def signer(yima: Run, tmp_path: Path) -> tuple[Path, Path]:
    """A signing key and the pins for devices."""
    key, pins = tmp_path / "signer.key", tmp_path / "signers.txt"
    assert yima("params", "new-key", key, "--pins", pins)[0] == 0
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    return key, pins


def built(yima: Run, source: Path, key: Path, name: str = "one.ymp") -> Path:
    package = source.parent / name
    status, out, err = yima("params", "build", source, "--key", key, "-o", package)
    assert (status, err) == (0, "")
    assert str(package) in out
    return package


def test_the_example_is_checked_shown_and_built(yima: Run, source: Path, signer: tuple[Path, Path]) -> None:
    assert yima("params", "check", source)[0] == 0
    package = built(yima, source, signer[0])
    shown = {name: yima("params", "show", path)[1].splitlines()[1:] for name, path in (("a", source), ("b", package))}
    assert set(shown["a"]) <= set(shown["b"])
    page = "\n".join(shown["b"])
    for said in (
        "苏州 320500",
        "bus-flat",
        "快线1号",
        "up to 至 10000 m: ¥1.00",
        "senior-shanghai",
        "2024-01-01",
        "¥5.00",
    ):
        assert said in page
    assert "31048700000000019990" not in page


def test_a_slip_is_one_line_with_file_line_and_column(yima: Run, source: Path) -> None:
    (source / "fares.csv").write_text("rule,mode,kind,fen\nbus,bus,flat,2.50\n")
    status, out, err = yima("params", "check", source)
    assert (status, out) == (6, "")
    assert f"{source / 'fares.csv'}: line 2, fen" in err
    assert len(err.splitlines()) == 1


def test_what_is_signed_is_taken_and_what_is_not_is_not(
    yima: Run, source: Path, signer: tuple[Path, Path], tmp_path: Path
) -> None:
    key, pins = signer
    package = built(yima, source, key)
    assert yima("params", "verify", package, "--trust", pins, "--at", NOW)[0] == 0
    status, out, _ = yima("params", "verify", package, "--trust", pins, "--at", NOW + 365 * DAY)
    assert status == 1
    assert "NOT TAKEN" in out
    assert yima("params", "verify", package, "--trust", pins, "--at", NOW, "--environment", "production")[0] == 1
    draft = tmp_path / "draft.ymp"
    status, _, err = yima("params", "build", source, "-o", draft)
    assert (status, "nobody signs" in err, draft.exists()) == (6, True, False)
    status, out, _ = yima("params", "build", source, "--next-pins", pins, "-o", draft)
    assert (status, "unsigned" in out) == (0, True)
    assert yima("params", "verify", draft, "--trust", pins, "--at", NOW)[0] == 1
    assert yima("params", "sign", draft, "--key", key, "-o", draft)[0] == 0
    assert yima("params", "verify", draft, "--trust", pins, "--at", NOW)[0] == 0


def test_a_second_signature_is_added(yima: Run, source: Path, signer: tuple[Path, Path], tmp_path: Path) -> None:
    key, pins = signer
    other = tmp_path / "other.key"
    assert yima("params", "new-key", other, "--pins", pins)[0] == 0
    pins.write_text("needed 2\n" + pins.read_text())
    package, both = built(yima, source, key), tmp_path / "both.ymp"
    assert yima("params", "verify", package, "--trust", pins, "--at", NOW)[0] == 1
    yima("params", "build", source, "--key", key, "--next-pins", pins, "-o", package)
    assert yima("params", "sign", package, "--key", other, "-o", both)[0] == 0
    status, out, _ = yima("params", "verify", both, "--trust", pins, "--at", NOW)
    assert (status, out.count("holds")) == (0, 2)


def test_of_two_who_make_keys_for_one_file_of_pins_one_waits(
    yima: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both read the file before the other had written it, and the devices never heard of one of the keys."""
    pins = tmp_path / "signers.txt"

    def meanwhile(path: Path) -> SigningKey:
        with pytest.raises(HeldError):
            hold(tmp_path / ".signers.txt.lock")
        return make_key_file(path)

    monkeypatch.setattr("yima.sdk.cli.params.make_key_file", meanwhile)
    for name in ("a", "b"):
        assert yima("params", "new-key", tmp_path / f"{name}.key", "--pins", pins)[0] == 0
    assert len(read_pins(pins).keys) == 2
    status, _, errors = yima("params", "new-key", tmp_path / "c.key", "--pins", tmp_path / "nowhere" / "signers.txt")
    assert (status, "cannot be written" in errors, (tmp_path / "c.key").exists()) == (6, True, False)


def test_a_new_key_stands_behind_what_others_wrote_of_theirs(yima: Run, tmp_path: Path) -> None:
    """A bug found: the file of pins was written anew, without the notes that say whose keys they are."""
    key, pins = SigningKey.generate().compressed.hex(), tmp_path / "signers.txt"
    pins.write_text(f"# the module in room 3\n{key} # Li\nneeded 1", encoding="utf-8")
    status, out, _ = yima("params", "new-key", tmp_path / "own.key", "--pins", pins)
    own = out.splitlines()[0]
    assert status == 0
    assert pins.read_text(encoding="utf-8") == f"# the module in room 3\n{key} # Li\nneeded 1\n{own}\n"
    assert len(read_pins(pins).keys) == 2


def test_pins_that_cannot_take_the_key_leave_no_key_behind(yima: Run, tmp_path: Path) -> None:
    """A bug found: the key was made first, and the same command could not be given again."""
    key, pins = tmp_path / "own.key", tmp_path / "signers.txt"
    pins.write_text(pins_as_text([SigningKey.generate().compressed for _ in range(16)]))
    status, out, err = yima("params", "new-key", key, "--pins", pins)
    assert (status, out, key.exists()) == (6, "", False)
    assert "signers.txt: has 16 keys, and no room for another" in err
    status, out, err = yima("params", "new-key", key, "--pins", tmp_path / "nowhere" / "signers.txt")
    assert (status, out, key.exists(), "cannot be written" in err) == (6, "", False, True)
    status, out, err = yima("params", "new-key", key, "--pins", key)  # the pins took the place of the key
    assert (status, out, key.exists(), "another file with --pins" in err) == (6, "", False, True)
    assert yima("params", "new-key", key)[0] == 0


def test_diff_tells_what_waits_is_given_up_and_how_many_must_sign(
    yima: Run, source: Path, signer: tuple[Path, Path], tmp_path: Path
) -> None:
    key, pins = signer
    package, other = built(yima, source, key), tmp_path / "other.key"
    assert yima("params", "new-key", other, "--pins", pins)[0] == 0
    yima("params", "build", source, "--key", key, "--next-pins", pins, "-o", tmp_path / "one-of-two.ymp")
    pins.write_text("needed 2\n" + pins.read_text())
    yima("params", "build", source, "--key", key, "--next-pins", pins, "-o", tmp_path / "two-of-two.ymp")
    status, out, _ = yima("params", "diff", tmp_path / "one-of-two.ymp", tmp_path / "two-of-two.ymp")
    assert (status, "+ next signatures needed 下次所需签名数 2" in out) == (1, True)
    with (source / "package.toml").open("r+", encoding="utf-8") as file:
        text = file.read()
        file.seek(0)
        file.write(f"replaces = true\n{text}")
    status, out, _ = yima("params", "diff", package, source)
    assert (status, "+ gives up what waits on devices" in out) == (1, True)
    assert "replaces 取代" in yima("params", "show", built(yima, source, key, "urgent.ymp"))[1]


def test_a_moment_that_changes_by_seconds_changes(yima: Run, source: Path) -> None:
    (source / "fares.csv").write_text("rule,mode,from,kind,fen\nf,bus,2026-10-01 05:30:10,flat,200\n")
    before = source.with_name("before")
    shutil.copytree(source, before)
    (source / "fares.csv").write_text("rule,mode,from,kind,fen\nf,bus,2026-10-01 05:30:20,flat,200\n")
    status, out, _ = yima("params", "diff", before, source)
    assert (status, "2026-10-01 05:30:20" in out) == (1, True)


def test_diff_says_what_a_rider_and_what_an_operator_would_notice(
    yima: Run, source: Path, signer: tuple[Path, Path]
) -> None:
    package = built(yima, source, signer[0])
    status, out, _ = yima("params", "diff", package, source)
    assert (status, "nothing that anybody would notice" in out) == (0, True)
    (source / "concessions.csv").write_text("rule,account_type,percent\nsenior-half,2,50\n")
    text = (source / "matrix-network.csv").read_text()
    (source / "matrix-network.csv").write_text(text.replace("205,300,200,400", "205,300,200,450"))
    (source / "package.toml").write_text((source / "package.toml").read_text().replace("version = 1", "version = 2"))
    status, out, _ = yima("params", "diff", package, source)
    rider, operator = out.split("An operator notices")
    assert status == 1
    assert "- network: 乐桥 205 → 钟南街 309 ¥4.00" in rider
    assert "+ network: 乐桥 205 → 钟南街 309 ¥4.50" in rider
    assert "+ senior-half" in rider
    assert "- student-half" in rider
    assert "bus-flat" not in rider
    assert "+ version 版本 2" in operator
    # Names alone change nothing that a rule says.
    (source / "cities.csv").write_text("city,name\n320500,Suzhou\n310000,Shanghai\n")
    assert "bus-flat" not in yima("params", "diff", package, source)[1]


def test_the_examples_of_help_work_as_typed(yima: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """rotate-keys named next.key, which nothing before it had made."""
    monkeypatch.chdir(tmp_path)
    lines = [re.split(r"\s{3,}", line.strip())[0] for line in EXAMPLES.splitlines() if line.startswith("  yima ")]
    assert len(lines) > 8
    for line in lines:
        command, _, into = line.partition(" > ")
        status, out, said = yima(*command.split()[1:])
        assert status == 0, (line, said)
        if into:
            Path(into).write_text(out)


def test_keys_are_rotated_by_two_packages_of_which_each_is_taken_after_the_one_before(
    yima: Run, source: Path, signer: tuple[Path, Path], tmp_path: Path
) -> None:
    key, pins = signer
    package = built(yima, source, key)
    new = tmp_path / "new.key"
    yima("params", "new-key", new)
    assert yima("params", "rotate-keys", package, "--old", key, "--new", new, "-o", tmp_path / "rotated")[0] == 0
    overlap, final = tmp_path / "rotated-1.ymp", tmp_path / "rotated-2.ymp"
    assert yima("params", "verify", overlap, "--trust", pins, "--at", NOW, "--newest", package)[0] == 0
    assert yima("params", "verify", final, "--trust", pins, "--at", NOW, "--newest", package)[0] == 1
    assert yima("params", "verify", final, "--trust", pins, "--at", NOW, "--newest", overlap)[0] == 0


def issuer_of(root: RootAuthority) -> Issuer:
    return make_issuer(root, "00083010")


def test_a_code_is_judged_by_the_package_and_the_verdict_names_the_rules(
    yima: Run, source: Path, signer: tuple[Path, Path], root: RootAuthority, tmp_path: Path
) -> None:
    key, pins = signer
    package = built(yima, source, key)
    rider = make_rider(
        issuer_of(root),
        payment_account="6228480402564890",
        card_account="31048700000000012345",
        platform="50083010",
        authorised_until=NOW + DAY,
        account_type=3,
        issuer_data=b"\1" + (101).to_bytes(2) + (NOW - 14401).to_bytes(4),
    )
    code = tmp_path / "code.bin"
    code.write_bytes(rider.code(NOW))
    common = ("judge", code, "--trust", pins, "--at", NOW, "--city", 320500, "--json", "--params")
    for params in (package, source):
        bus = json.loads(yima(*common, params, "--mode", "bus")[1])
        assert (bus["fare_fen"], bus["rule"], bus["transaction"]) == (100, "bus-flat+student-half", "none")
        exit_ = json.loads(yima(*common, params, "--mode", "metro", "--station", 309, "--direction", "exit")[1])
        assert (exit_["fare_fen"], exit_["transaction"]) == (250 + 200, "over_time_exit")
        assert exit_["rule"] == "metro-distance+student-half+suzhou-over-time"
    status, out, _ = yima("judge", code, "--trust", pins, "--at", NOW, "--city", 320500, "--params", package)
    assert status == 0
    assert "¥1.00  bus-flat+student-half" in out


def test_a_package_without_trust_and_a_deny_list_are_no_parameters(
    yima: Run, source: Path, signer: tuple[Path, Path], tmp_path: Path
) -> None:
    package = built(yima, source, signer[0])
    with pytest.raises(ParametersError, match="no keys to trust"):
        load(package)
    pins = read_pins(signer[1])
    trust = Trust(environment="test", city=320500, keys=pins.keys)
    assert load(package, trust=trust, now=NOW).version == 1
    with pytest.raises(ParametersError):
        load(package, trust=trust, now=NOW + 1000 * DAY)
    status, _, err = yima("params", "show", tmp_path / "none.ymp")
    assert (status, "cannot be read" in err) == (6, True)


def test_a_plain_file_is_built_to_its_image_which_no_key_signs(yima: Run, tmp_path: Path, root: RootAuthority) -> None:
    plain = tmp_path / "params.toml"
    plain.write_text(
        f'environment = "test"\nversion = 3\n[fares]\nbus = 200\n[[roots]]\ncertificate = "{root.certificate.hex()}"\n'
    )
    status, out, _ = yima("params", "build", plain, "-o", tmp_path / "params.bin")
    assert status == 0
    assert "no device takes it" in out
    assert (tmp_path / "params.bin").read_bytes() == bytes(load(plain).image)
    yima("params", "new-key", tmp_path / "signer.key")
    status, _, err = yima("params", "build", plain, "--key", tmp_path / "signer.key", "-o", tmp_path / "city.ymp")
    assert status == 6
    assert "package.toml" in err
