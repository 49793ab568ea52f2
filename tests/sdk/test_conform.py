"""yima.sdk.conform: vectors of any keys are judged by the core, and one that cannot be judged is never passed over."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.sdk.cli.main import main
from yima.sdk.conform import VectorError, load_folder, load_vector, run
from yima.sdk.issuer import RootAuthority

LAB = Path(__file__).parents[1] / "vectors" / "lab"


@pytest.fixture
def vector(code: bytes, root: RootAuthority, now: int) -> dict[str, Any]:
    """A vector of our own keys, with everything that may be left out left out."""
    return {
        "clock": now,
        "roots": [{"certificate": root.certificate.hex()}],
        "whitelist": [["00083010", "50083010"]],
        "gate": {},
        "code": code.hex(),
        "expect": {"accepted": True, "case": None},
    }


@pytest.fixture
def write(tmp_path: Path) -> Callable[[dict[str, Any]], Path]:
    """Writes one vector into a folder of its own."""

    def written(vector: dict[str, Any]) -> Path:
        path = tmp_path / "v.json"
        path.write_text(json.dumps(vector))
        return path

    return written


def test_all_vectors_of_the_lab_agree() -> None:
    outcomes = list(run(load_folder(LAB)))
    assert len(outcomes) == 77
    assert [outcome.vector.file for outcome in outcomes if not outcome.agrees] == []


def test_a_vector_may_leave_out_every_key_of_the_gate(
    vector: dict[str, Any], write: Callable[[dict[str, Any]], Path]
) -> None:
    (outcome,) = run([load_vector(write(vector))])
    assert outcome.agrees
    assert outcome.verdict.fare_fen == 0


@pytest.mark.parametrize(
    ("gate", "accepted", "case"),
    [
        ({"mode": "metro", "fare_fen": 300}, True, None),
        ({"fare_fen": 2001}, False, 5578),
        ({"account_types": [1]}, False, 5577),
        ({"max_validity_s": 60}, False, 5501),
        ({"versions": [0x81]}, False, 5499),
        ({"city": 320500}, True, None),
    ],
)
def test_the_gate_of_a_vector_is_the_gate_it_is_judged_at(
    gate: dict[str, Any],
    accepted: bool,
    case: int | None,
    vector: dict[str, Any],
    write: Callable[[dict[str, Any]], Path],
) -> None:
    (outcome,) = run([load_vector(write(vector | {"gate": gate, "expect": {"accepted": accepted, "case": case}}))])
    assert outcome.agrees, outcome.verdict


@pytest.mark.parametrize("expect", [{"accepted": False, "case": 5583}, {"accepted": True, "case": 5583}])
def test_a_vector_that_expects_otherwise_differs(
    expect: dict[str, Any], vector: dict[str, Any], write: Callable[[dict[str, Any]], Path]
) -> None:
    (outcome,) = run([load_vector(write(vector | {"expect": expect}))])
    assert not outcome.agrees


def test_the_same_code_twice_is_no_repetition_for_each_is_judged_alone(
    vector: dict[str, Any], write: Callable[[dict[str, Any]], Path]
) -> None:
    loaded = load_vector(write(vector))
    assert [outcome.agrees for outcome in run([loaded, loaded])] == [True, True]


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"code": "8"}, "code"),
        ({"code": "zz"}, "code"),
        ({"code": None}, "code"),
        ({"clock": "now"}, "clock"),
        ({"clock": -1}, "clock"),
        ({"clock": True}, "clock"),
        ({"roots": {}}, "roots"),
        ({"roots": [{}]}, "roots.1.certificate"),
        ({"roots": [{"certificate": "21"}]}, "roots.1.certificate"),
        ({"whitelist": [["00083010"]]}, "whitelist.1"),
        ({"whitelist": [["00083010", 1]]}, "whitelist.1.platform"),
        ({"gate": []}, "gate"),
        ({"gate": {"mode": "ferry"}}, "gate.mode"),
        ({"gate": {"fare_fen": -1}}, "gate.bus"),
        ({"gate": {"max_validity_s": "long"}}, "gate.max_validity_s"),
        ({"gate": {"colour": 1}}, "gate.colour"),
        ({"expect": {"accepted": 1, "case": None}}, "expect.accepted"),
        ({"expect": {"accepted": True}}, "expect.case"),
        ({"expect": {"accepted": False, "case": "5583"}}, "expect.case"),
    ],
    ids=str,
)
def test_a_malformed_vector_is_named_by_file_and_key(
    change: dict[str, Any], key: str, vector: dict[str, Any], write: Callable[[dict[str, Any]], Path]
) -> None:
    with pytest.raises(VectorError) as refused:
        load_vector(write(vector | change))
    assert refused.value.thing.endswith(f"v.json: {key}")


@pytest.mark.parametrize("key", ["clock", "roots", "whitelist", "gate", "code", "expect"])
def test_a_missing_key_is_named(key: str, vector: dict[str, Any], write: Callable[[dict[str, Any]], Path]) -> None:
    del vector[key]
    with pytest.raises(VectorError, match=f"{key}: is missing"):
        load_vector(write(vector))


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_what_is_no_json_object_is_refused(text: bytes, tmp_path: Path) -> None:
    (tmp_path / "v.json").write_bytes(text)
    with pytest.raises(VectorError, match=r"v\.json"):
        load_folder(tmp_path)


def test_a_folder_without_vectors_or_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VectorError, match="holds no vector"):
        load_folder(tmp_path)
    with pytest.raises(VectorError, match="is no folder"):
        load_folder(tmp_path / "nowhere")


@given(
    content=st.dictionaries(
        st.sampled_from(["clock", "roots", "whitelist", "gate", "code", "expect"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=8),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
        ),
    )
)
def test_any_json_is_a_vector_or_the_one_error(
    content: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("vectors") / "v.json"
    path.write_text(json.dumps(content))
    with pytest.raises(VectorError):
        load_vector(path)


def test_a_vector_larger_than_it_may_be_is_refused_and_not_cut(
    vector: dict[str, Any], write: Callable[[dict[str, Any]], Path]
) -> None:
    """A bug found: what stood behind the first MiB was not looked at, and blanks there made a vector of anything."""
    path = write(vector)
    path.write_text(path.read_text() + " " * (1 << 20) + "no JSON")
    with pytest.raises(VectorError, match="larger than 1 MiB"):
        load_vector(path)


def test_a_title_commands_no_terminal_and_makes_no_line_of_its_own(
    vector: dict[str, Any], write: Callable[[dict[str, Any]], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """A bug found: a vector's title could write over the line that says what came of it."""
    path = write(vector | {"title": "\x1b[1A\x1b[2Kok\nDIFF"})
    assert main(["conform", str(path.parent)]) == 0
    first, _ = capsys.readouterr().out.splitlines()
    assert first.endswith("\\x1b[1A\\x1b[2Kok\\nDIFF")
