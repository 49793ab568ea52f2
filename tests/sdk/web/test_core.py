"""The page's core against Python's: the same bytes get the same verdict, and the same signatures hold."""

import json
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.validator.test_lab_vectors import parameters_of
from yima.sdk import layouts
from yima.sdk.bench.capture import Level, kept
from yima.sdk.bench.wholeness import is_proved
from yima.sdk.dissection.code import dissect
from yima.sdk.dissection.families import family_of
from yima.sdk.roots import RootKeys, parse_roots
from yima.sdk.web.build import BUILT, PAGE, module, script
from yima.validator.judging import GateContext, Mode, Moment, Reason, Validator
from yima.validator.parameters import Parameters

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(
    NODE is None, reason="node runs the page's core outside of a browser: apt install nodejs"
)


def damaged(code: bytes, rng: random.Random) -> bytes:
    """One byte of it is another."""
    at = rng.randrange(len(code))
    return code[:at] + bytes([code[at] ^ rng.randrange(1, 256)]) + code[at + 1 :]


@pytest.fixture(scope="module")
def presentations(lab: dict[int, dict[str, Any]]) -> list[tuple[dict[str, Any], bytes]]:
    """Every vector whole and with a tail; of one vector every fourth byte damaged, of the others one byte each; and one
    as a capture keeps it."""
    rng = random.Random(1179)
    shown = []
    for vector in lab.values():
        code = bytes.fromhex(vector["code"])
        shown += [(vector, code), (vector, code + b"\r\n"), (vector, damaged(code, rng))]
    good = bytes.fromhex(lab[5716]["code"])
    masked = kept(good, Level.MASKED)
    assert masked
    shown.append((lab[5716], masked))
    return shown + [(lab[5716], good[:at] + bytes([good[at] ^ 0x20]) + good[at + 1 :]) for at in range(0, len(good), 4)]


@pytest.fixture(scope="module")
def told(presentations: list[tuple[dict[str, Any], bytes]], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the page's core says of all that."""
    roots = {root["certificate"] for vector, _ in presentations for root in vector["roots"]}
    images: dict[str, int] = {}
    judged = []
    for vector, code in presentations:
        image = bytes(parameters_of(vector).image).hex()
        mode = 2 if vector["gate"]["mode"] == "metro" else 1
        judged.append([images.setdefault(image, len(images)), mode, code.hex(), vector["clock"]])
    task = {"images": list(images), "roots": "".join(sorted(roots)), "judged": judged}
    task["signed"] = [code.hex() for _, code in presentations]
    file: Path = tmp_path_factory.mktemp("web") / "task.json"
    file.write_text(json.dumps(task))
    assert NODE is not None
    runner = Path(__file__).with_name("run_core.js")
    done = subprocess.run([NODE, runner, PAGE, file], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer | {"roots": task["roots"]}


def judged_here(vector: dict[str, Any], code: bytes, cache: dict[int, Parameters]) -> list[object]:
    parameters = cache.setdefault(vector["case"], parameters_of(vector))
    validator = Validator(parameters, GateContext(mode=Mode(vector["gate"]["mode"])))
    verdict = validator.judge(code, Moment(unix_s=vector["clock"], tick_ms=0, trusted=True))
    stages = [{"not reached": 0, "passed": 1, "failed": 2}[str(result)] for result in verdict.stages.values()]
    return [verdict.accepted, verdict.reason.name, stages, verdict.fare_fen, verdict.rule]


def test_every_verdict_is_that_of_the_core_in_python(
    presentations: list[tuple[dict[str, Any], bytes]], told: dict[str, Any]
) -> None:
    cache: dict[int, Parameters] = {}
    assert told["judged"] == [judged_here(vector, code, cache) for vector, code in presentations]
    whole = [
        row for (vector, code), row in zip(presentations, told["judged"], strict=True) if code.hex() == vector["code"]
    ]
    assert len(whole) == 77
    assert sum(row[0] for row in whole) > 20


def test_the_same_signatures_hold_as_libcrypto_says(
    presentations: list[tuple[dict[str, Any], bytes]], told: dict[str, Any]
) -> None:
    roots = RootKeys(tuple(parse_roots(bytes.fromhex(told["roots"]), "roots")))
    for (_, code), (family, signatures, whole) in zip(presentations, told["signed"], strict=True):
        assert family == family_of(code)
        assert whole == is_proved(code)
        if family == "ministry":
            assert signatures == list(dissect(code, roots=roots).signatures.values())


def test_reasons_and_layout_are_the_cores(told: dict[str, Any]) -> None:
    assert {(row[0], row[1], row[3], row[4]) for row in told["reasons"]} == {
        (reason.value, reason.name, reason.english, reason.chinese) for reason in Reason
    }
    code = [row["name"] for row in told["layout"]["code"]]
    assert code == [part.name for part in layouts.CODE.subcons]
    assert [row["name"] for row in told["layout"]["certificate"]] == [part.name for part in layouts.CERTIFICATE.subcons]


@pytest.mark.long
def test_the_page_has_the_core_as_its_sources_are(tmp_path: Path) -> None:
    pytest.importorskip("ziglang")
    assert BUILT.read_text() == script("core", module())
