"""yima issue, inspect, judge, conform, params: what a bench engineer types, and what he gets."""

import base64
import json
import shlex
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.install_commands import commands_in
from yima.sdk.cli.main import main
from yima.sdk.issuer import RootAuthority
from yima.sdk.qr import LEVELS
from yima.validator.parameters import load

Run = Callable[..., tuple[int, str, str]]
PLACES = ("raw", "hex", "base64", "url")
VECTORS = Path(__file__).parents[2] / "vectors"


@pytest.fixture
def yima(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs one command line in this process: (status, stdout, stderr)."""

    def run(*words: object) -> tuple[int, str, str]:
        status = main([str(word) for word in words])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def json_of(answer: tuple[int, str, str]) -> Any:
    return json.loads(answer[1])


# issue


def test_what_is_issued_is_accepted_at_once_as_bytes_and_as_picture(yima: Run, tmp_path: Path, now: int) -> None:
    status, out, _ = yima("issue", "--out", tmp_path / "bench", "--count", 3, "--roots", 2, "--at", now)
    assert status == 0
    assert "yima judge" in out
    bench = tmp_path / "bench"
    for number in (1, 2, 3):
        for ending in ("bin", "png"):
            code = bench / f"code-{number:03}.{ending}"
            assert yima("judge", code, "--params", bench / "params.toml", "--at", now)[0] == 0
            checked = json_of(yima("inspect", code, "--roots", bench / "roots.bin", "--json"))
            assert set(checked["signatures"].values()) == {"valid"}
    accounts = {
        json_of(yima("inspect", path, "--reveal", "--json"))["card_account"] for path in bench.glob("code-*.bin")
    }
    assert len(accounts) == 3


@pytest.mark.parametrize("level", LEVELS)
def test_a_picture_of_each_level_is_inspected(level: str, yima: Run, tmp_path: Path, now: int) -> None:
    yima("issue", "--out", tmp_path, "--level", level, "--at", now)
    status, out, _ = yima("inspect", tmp_path / "code-001.png", "--roots", tmp_path / "roots.bin", "--json")
    assert status == 0
    assert json.loads(out)["generated_at"] == now


def test_kept_keys_make_codes_that_fit_yesterdays_parameters(yima: Run, tmp_path: Path, now: int) -> None:
    keys = tmp_path / "world.keys"
    _, out, _ = yima("issue", "--out", tmp_path / "a", "--keys", keys, "--at", now)
    assert "TEST KEYS" in out
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    yima("issue", "--out", tmp_path / "b", "--keys", keys, "--at", now + 60)
    judged = yima(
        "judge", tmp_path / "b" / "code-001.bin", "--params", tmp_path / "a" / "params.toml", "--at", now + 60
    )
    assert judged[0] == 0
    yima("issue", "--out", tmp_path / "c", "--at", now)
    stranger = yima("judge", tmp_path / "c" / "code-001.bin", "--params", tmp_path / "a" / "params.toml", "--at", now)
    assert stranger[0] == 1


def test_what_was_asked_for_is_in_the_code(yima: Run, tmp_path: Path, now: int) -> None:
    asked = {
        "--organisation": "01011000",
        "--platform": "01011000",
        "--cap": 155,
        "--validity": 60,
        "--authorised": 90,
        "--account-type": 65,
        "--payment-account": "ACCT-7",
        "--card-account": 77,
        "--issuer-data": "00ff",
        "--version": 81,
    }
    words = [word for option in asked.items() for word in option]
    assert yima("issue", "--out", tmp_path, "--at", now, *words)[0] == 0
    found = json_of(yima("inspect", tmp_path / "code-001.bin", "--reveal", "--json"))
    expected = {
        "version": 0x81, "organisation": "01011000", "platform": "01011000", "cap_fen": 155, "validity_s": 60,
        "authorised_until": now + 90, "account_type": 65, "payment_account": "ACCT-7", "card_account": "77",
        "issuer_data": "00ff", "generated_at": now,
    }  # fmt: skip
    assert {key: found[key] for key in expected} == expected


@pytest.mark.parametrize(("first", "most"), [("--card-account=5", 10), ("--payment-account=ACCT-7", 1)])
def test_no_two_riders_share_an_account(first: str, most: int, yima: Run, tmp_path: Path, now: int) -> None:
    asked = ("issue", "--out", tmp_path / "codes", "--at", now, first, "--count")
    status, _, said = yima(*asked, most + 1)
    assert (status, (tmp_path / "codes").exists()) == (2, False)
    assert f"tells {most} of the {most + 1} riders apart" in said
    assert yima(*asked, most)[0] == 0


@pytest.mark.parametrize("validity", [1200, 1201, 65535])
def test_codes_of_any_validity_are_accepted_under_their_parameters_until_the_moment_told(
    validity: int, yima: Run, tmp_path: Path, now: int
) -> None:
    """With --validity 65535 the parameters refused the codes beside them (5501)."""
    status, out, _ = yima("issue", "--out", tmp_path, "--at", now, "--validity", validity)
    told = next(line for line in out.splitlines() if line.startswith("good until"))
    until = int(told.split("--at ")[1].rstrip(")"))
    assert (status, until) == (0, now + validity)
    words = ("judge", tmp_path / "code-001.bin", "--params", tmp_path / "params.toml", "--at")
    assert [yima(*words, moment)[0] for moment in (now, until, until + 1)] == [0, 0, 1]


def test_the_line_to_try_can_be_typed_as_it_is(
    yima: Run, tmp_path: Path, now: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """README calls .venv/bin/yima; the hint said `yima`, which such a shell does not find."""
    out = tmp_path / "two words"
    hints = []
    for path in ("/usr/bin", str(Path(sys.executable).parent)):
        monkeypatch.setenv("PATH", path)
        monkeypatch.setattr(sys, "argv", [".venv/bin/yima"])
        hints.append(shlex.split(yima("issue", "--out", out, "--at", now)[1].splitlines()[-1].partition(": ")[2]))
    assert [hint[0] for hint in hints] == [".venv/bin/yima", "yima"]
    assert yima(*hints[0][1:])[0] == 0


def test_parameters_that_someone_else_wrote_are_not_overwritten(yima: Run, tmp_path: Path) -> None:
    (tmp_path / "params.toml").write_text("mine")
    status, _, said = yima("issue", "--out", tmp_path)
    assert status == 3
    assert "params.toml" in said
    assert (tmp_path / "params.toml").read_text() == "mine"
    assert yima("issue", "--out", tmp_path / "new")[0] == 0
    assert yima("issue", "--out", tmp_path / "new")[0] == 0


@pytest.mark.parametrize(
    "wrong",
    [
        ("--payment-account", "支付"),
        ("--payment-account", "x" * 17),
        ("--card-account", "12x"),
        ("--issuer-data", "00" * 33),
        ("--count", "0"),
        ("--organisation", "1"),
        ("--version", "181"),
        ("--at", "4294967295"),  # an authorisation after it does not fit
    ],
    ids=str,
)
def test_what_cannot_be_issued_is_said_and_writes_no_code(wrong: tuple[str, str], yima: Run, tmp_path: Path) -> None:
    assert yima("issue", "--out", tmp_path / "bench", *wrong)[0] in {2, 3}  # the command line, or what it names
    assert not list(tmp_path.rglob("*.bin"))


def test_what_cannot_be_issued_is_said_in_chinese(yima: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIMA_LANG", "zh")
    wrong = ("--payment-account", "支付", "最多 16 个可打印的"), ("--at", "4294967295", "到期时间过晚")
    for option, value, said in wrong:
        assert said in yima("issue", "--out", tmp_path / "bench", option, value)[2]


def test_a_place_that_cannot_be_written_is_named(yima: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    status, _, said = yima("issue", "--out", tmp_path / "file" / "bench")
    assert status == 3
    assert "cannot be written" in said


# inspect


def test_every_form_of_a_code_gives_the_same_object(yima: Run, code: bytes, tmp_path: Path) -> None:
    (tmp_path / "raw").write_bytes(code)
    (tmp_path / "hex").write_text(code.hex(" ") + "\r\n")
    (tmp_path / "base64").write_bytes(base64.b64encode(code))
    (tmp_path / "url").write_bytes(base64.urlsafe_b64encode(code))
    answers = [yima("inspect", tmp_path / name, "--json") for name in PLACES]
    answers += [
        yima("inspect", "--json", "--hex", code.hex()),
        yima("inspect", "--json", "--hex", *code.hex(" ").split()),
    ]
    objects = [json.loads(out) for _, out, _ in answers]
    assert {one.pop("diagnosis")["cause"] for one in objects} == {"whole", "hex-text", "base64-text"}
    assert {one.pop("form") for one in objects} == {"raw", "hex", "base64"}
    assert {one.pop("source") for one in objects} == {*(str(tmp_path / name) for name in PLACES), "--hex"}
    assert all(one == objects[0] for one in objects)
    assert {status for status, _, _ in answers} == {0}


def test_the_table_names_every_field_in_both_languages(yima: Run, code_file: Path) -> None:
    _, out, _ = yima("inspect", code_file)
    for said in (
        "payment account 支付账户号",
        "cap on one trip",
        "单次消费金额上限",
        "¥20.00",
        "rider signature",
        "根证书未知",
    ):
        assert said in out


def test_accounts_show_in_no_output_without_reveal(yima: Run, code_file: Path, record: bytes, tmp_path: Path) -> None:
    (tmp_path / "record").write_bytes(record)
    payment, card = "6228480402564890", "31048700000000019999"
    for path in (code_file, tmp_path / "record"):
        for form in ((), ("--json",)):
            _, hidden, _ = yima("inspect", path, *form)
            _, shown, _ = yima("inspect", path, "--reveal", *form)
            for account in (payment, card):
                assert account in shown
                assert account not in hidden
                assert account.encode().hex() not in hidden


def test_at_a_moment_the_times_are_said(yima: Run, code_file: Path, now: int) -> None:
    _, out, _ = yima("inspect", code_file, "--at", now + 121)
    assert "code 二维码: expired 已过期" in out
    time = json_of(yima("inspect", code_file, "--json", "--at", now + 120))["time"]
    assert time == {"certificate": "valid", "authorisation": "valid", "validity": "valid", "code": "valid"}


def test_roots_may_be_certificates_or_lines_and_several_files(
    yima: Run, code_file: Path, root: RootAuthority, tmp_path: Path, public_certificates: dict[str, Any]
) -> None:
    (tmp_path / "keys.txt").write_text(f"1 {root.key.public.hex()}\n")
    (tmp_path / "lab.txt").write_text(
        "".join(f"{index} {key}\n" for index, key in public_certificates["lab_test_root_keys"].items())
    )
    for files, said in ((("keys.txt",), "valid"), (("lab.txt",), "invalid"), (("lab.txt", "keys.txt"), "valid")):
        words = [word for file in files for word in ("--roots", tmp_path / file)]
        assert json_of(yima("inspect", code_file, "--json", *words))["signatures"]["certificate"] == said


def test_damage_is_status_1_with_its_offset(yima: Run, code: bytes, tmp_path: Path) -> None:
    (tmp_path / "cut").write_bytes(code[:250])
    status, out, _ = yima("inspect", tmp_path / "cut")
    assert status == 1
    assert "offset 偏移 250: cut off within" in out
    forged = code[:-1] + bytes([code[-1] ^ 1])
    (tmp_path / "forged").write_bytes(forged)
    status, out, _ = yima("inspect", tmp_path / "forged", "--json")
    assert (status, json.loads(out)["signatures"]["rider"]) == (1, "invalid")


def test_what_is_no_code_is_status_1_and_what_cannot_be_read_status_2(yima: Run, tmp_path: Path) -> None:
    (tmp_path / "note").write_text("hello there")
    status, out, _ = yima("inspect", tmp_path / "note")
    assert status == 1
    assert "no code of any known family" in out
    (tmp_path / "empty").write_bytes(b"")
    assert yima("inspect", tmp_path / "empty")[0] == 3
    assert yima("inspect", tmp_path / "nowhere")[0] == 3
    assert yima("inspect", "--hex", "8001", "--roots", tmp_path / "empty")[0] == 3


def test_a_record_shows_tags_integrity_and_the_code(yima: Run, record: bytes, tmp_path: Path) -> None:
    (tmp_path / "record").write_bytes(record)
    status, out, _ = yima("inspect", tmp_path / "record", "--json")
    found = json.loads(out)
    assert (status, found["integrity"], found["tags"]["0003"]) == (0, True, "30000001")
    assert found["code"]["family"] == "ministry"
    status, out, _ = yima("inspect", tmp_path / "record")
    assert (status, "integrity 完整性: true" in out) == (0, True)


def test_pictures_without_the_camera_extra_say_what_to_install(
    yima: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "code.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    monkeypatch.setitem(__import__("sys").modules, "zxingcpp", None)
    status, _, said = yima("inspect", tmp_path / "code.png")
    assert status == 3
    assert commands_in(said) == [["-e", ".[camera]"]]


# judge


def test_a_verdict_is_one_object_with_every_stage(yima: Run, code_file: Path, params_file: Path, now: int) -> None:
    status, out, _ = yima("judge", code_file, "--params", params_file, "--at", now, "--json")
    found = json.loads(out)
    assert status == 0
    assert (found["accepted"], found["reason"], found["case"], found["fare_fen"]) == (True, "ACCEPTED", None, 200)
    assert list(found["stages"].values()) == ["passed"] * 7


def test_a_refusal_says_how_far_it_got(yima: Run, code_file: Path, params_file: Path, now: int) -> None:
    status, out, _ = yima("judge", code_file, "--params", params_file, "--at", now + 121, "--json")
    found = json.loads(out)
    assert (status, found["reason"], found["case"], found["fare_fen"]) == (1, "CODE_EXPIRED", 5584, 0)
    assert found["stages"] == {
        "format": "passed",
        "certificate": "passed",
        "issuer_signature": "passed",
        "rider_signature": "passed",
        "time": "failed",
        "permission": "not reached",
        "repetition": "not reached",
    }


def test_mode_and_city_are_the_gates(yima: Run, code_file: Path, params_file: Path, now: int) -> None:
    judged = json_of(yima("judge", code_file, "--params", params_file, "--at", now, "--mode", "metro", "--json"))
    assert judged["reason"] == "NO_FARE"
    params_file.write_text(params_file.read_text() + "city = 310000\n[acceptance]\n320500 = [310000]\n")
    words = ("judge", code_file, "--params", params_file, "--at", now, "--city")
    assert [yima(*words, city)[0] for city in (320500, 330200)] == [0, 1]


def test_the_human_verdict_is_in_both_languages(yima: Run, code_file: Path, params_file: Path, now: int) -> None:
    _, out, _ = yima("judge", code_file, "--params", params_file, "--at", now)
    assert "ACCEPTED 通过" in out
    assert "请通行" in out
    assert "31048700000000019999" not in out


def test_what_cannot_be_judged_is_status_2(yima: Run, code_file: Path, tmp_path: Path, now: int) -> None:
    (tmp_path / "broken.toml").write_text("environment = ")
    assert yima("judge", code_file, "--params", tmp_path / "broken.toml", "--at", now)[0] == 6
    assert yima("judge", code_file, "--params", tmp_path / "nowhere.toml", "--at", now)[0] == 6


# conform


def test_the_lab_conforms(yima: Run) -> None:
    status, out, _ = yima("conform", VECTORS / "lab")
    assert status == 0
    assert "77 agree" in out
    found = json_of(yima("conform", VECTORS / "lab", "--json"))
    assert (found["vectors"], found["agree"], found["differ"]) == (77, 77, 0)


def test_a_vector_that_differs_is_status_1_and_shown(yima: Run, tmp_path: Path) -> None:
    vector = json.loads((VECTORS / "lab" / "5583.json").read_text())
    (tmp_path / "5583.json").write_text(json.dumps(vector))
    vector["expect"] = {"accepted": True, "case": None}
    (tmp_path / "wrong.json").write_text(json.dumps(vector))
    status, out, _ = yima("conform", tmp_path)
    assert status == 1
    assert "DIFF  wrong.json" in out
    assert "expected 应为 accepted" in out
    results = json_of(yima("conform", tmp_path, "--json"))["results"]
    assert [(result["file"], result["agrees"]) for result in results] == [("5583.json", True), ("wrong.json", False)]


def test_no_vectors_or_a_malformed_one_is_status_2(yima: Run, tmp_path: Path) -> None:
    assert yima("conform", tmp_path)[0] == 3
    (tmp_path / "bad.json").write_text('{"gate": {}, "expect": {}}')
    status, _, said = yima("conform", tmp_path)
    assert status == 3
    assert "bad.json" in said


# params


def test_the_example_of_parameters_loads_as_it_is(yima: Run, tmp_path: Path) -> None:
    status, out, _ = yima("params", "example")
    assert status == 0
    path = tmp_path / "example.toml"
    path.write_text(out)
    parameters = load(path)
    assert (parameters.environment, list(parameters.roots)) == ("test", [1])
    status, out, _ = yima("params", "check", path)
    assert status == 0
    assert "bus ¥2.00, metro ¥3.00" in out


def test_the_examples_root_is_the_labs_public_one(yima: Run, public_certificates: dict[str, Any]) -> None:
    assert public_certificates["lab_test_root_keys"]["1"] in yima("params", "example")[1]


def test_unusable_parameters_are_named(yima: Run, tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text('environment = "test"\nversion = 1\nfare = 2\n')
    status, _, said = yima("params", "check", tmp_path / "p.toml")
    assert status == 6
    assert "fare" in said
    assert yima("params")[0] == 2
