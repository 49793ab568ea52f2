"""Evidence of real rides: real codes, the steps of the centre from the store on, and a bundle that holds by itself."""

import json
import shutil
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.sdk.centre.clearing import centre, world
from tests.sdk.centre.clearing.disputes.test_day import booked, file
from tests.sdk.centre.clearing.test_against_plain import tariff
from tests.sdk.centre.clearing.test_signatures import KEY, OTHER, collected
from tests.sdk.centre.clearing.world import DAY, NOON, Device
from tests.sdk.centre.example.region_at_work import cleared_example
from yima.sdk.centre.clearing.day import Centre
from yima.sdk.centre.clearing.disputes import evidence
from yima.sdk.centre.clearing.disputes.answering import answer_disputes
from yima.sdk.centre.clearing.disputes.checking import check_evidence
from yima.sdk.centre.clearing.disputes.intake import take_files
from yima.sdk.centre.clearing.disputes.settling import settle_disputes
from yima.sdk.centre.clearing.engine import open_engine
from yima.sdk.centre.clearing.files.reconciling import Side, reconcile
from yima.sdk.centre.clearing.files.writing import write_files
from yima.sdk.centre.clearing.folder import CentreFolder
from yima.sdk.centre.clearing.money.tables import CLEARED, DISPUTES, NET
from yima.sdk.centre.clearing.tables import RIDES
from yima.sdk.centre.clearing.workspace import Workspace
from yima.validator.state.keys import is_signed

Bundle = dict[str, Any]
STRANGER, OPERATOR = "99990000", f"{world.OPERATOR:08}"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, dict[str, Bundle]]]:
    """Two bus rides; their issuer says that the first was not its rider's. Its code is shown on a second bus, too. Of
    both, the operator and somebody else raise what they can. The bundles by dispute."""
    folder = tmp_path_factory.mktemp("evidence")
    bus = Device("bus-1", tariff())
    for place, card in enumerate((1, 2)):
        assert bus.tap(world.rider(card).code(NOON + place * 60), NOON + place * 60).accepted
    second = Device("bus-2", tariff())
    second.tap(world.rider(1).code(NOON), NOON + 30)
    workspace = Workspace(folder / "w")
    engine = open_engine("duckdb", folder / "scratch")
    stores = [collected(folder / "s.db", bus, [(1, 2, 60)]), collected(folder / "t.db", second, [(1, 1, 90)])]
    centre.run(workspace, stores, centre.published(tariff()), [DAY, DAY + 1], engine=engine)
    settle_disputes(workspace, engine, DAY)
    booked(workspace, engine, DAY)
    write_files(workspace, engine, DAY)
    record: dict[str, str | int] = {"dispute_id": "n-1", "reference": "bus-1/7/1", "raised_by": world.SHANGHAI}
    record |= {"reason": "NOT_MINE", "claimed_fen": -1}
    files = {world.SHANGHAI: [record]}
    for by, letter in ((STRANGER, "s"), (OPERATOR, "o")):
        asked = {"reference": "bus-1/7/1", "reason": "MISSING"}, {"reference": "bus-2/7/1", "reason": "MISSING"}
        files[by] = [
            {**record, **more, "raised_by": by, "dispute_id": f"{letter}-{place}"}
            for place, more in enumerate(({}, *asked), 1)
        ]
    take_files(workspace, DAY + 1, [file(folder, "ED", DAY + 1, by, rows) for by, rows in files.items()])
    settle_disputes(workspace, engine, DAY + 1)
    booked(workspace, engine, DAY + 1)
    paths = answer_disputes(workspace, engine, DAY + 1)
    bundles = [json.loads(path.read_text()) for path in paths if path.suffix == ".json"]
    mine = pa.table(
        {"reference": ["bus-1/7/1", "bus-1/7/2"], "fen": workspace.read(RIDES)["gate_fare_fen"].to_pylist()}
    )
    matched = reconcile(workspace, engine, mine, side=Side.OPERATOR, party=OPERATOR, since=DAY, until=DAY)
    assert matched["state"].to_pylist() == ["SAME", "SAME"]
    yield workspace, {bundle["dispute"]["dispute_id"]: bundle for bundle in bundles}
    engine.close()
    workspace.close()


def test_real_rides_are_cleared(found: tuple[Workspace, dict[str, Bundle]]) -> None:
    workspace, _ = found
    rows = workspace.read(CLEARED).to_pylist()
    assert [(row["issuer"], row["operator"]) for row in rows] == 2 * [(world.SHANGHAI, f"{world.OPERATOR:08}")]
    assert all(row["fare_fen"] > 0 for row in rows)
    assert sum(workspace.read(NET)["net_fen"].to_pylist()) == 0


def test_signatures_answer_that_it_was_the_rider(found: tuple[Workspace, dict[str, Bundle]]) -> None:
    workspace, bundles = found
    row = next(row for row in workspace.read(DISPUTES).to_pylist() if row["dispute_id"] == "n-1")
    assert (row["decision"], row["decided_by"]) == ("REFUSED", "SIGNATURES")
    (entry,) = bundles["n-1"]["entries"]
    assert entry["signatures"] == {"ca": True, "issuer": True, "rider": True}
    assert check_evidence(bundles["n-1"]) == []
    assert world.rider(1).code(NOON)[:-80].hex() in entry["entry"]  # all that is signed the same each time


def test_nobody_is_told_of_rides_and_records_of_others(found: tuple[Workspace, dict[str, Bundle]]) -> None:
    """Who guessed the name of a ride was sent its entries: whole codes, with the accounts of others' riders."""
    workspace, bundles = found
    rows = {row["dispute_id"]: row for row in workspace.read(DISPUTES).to_pylist() if row["raised_by"] == STRANGER}
    assert {name: row["reply"] for name, row in rows.items()} == {
        "s-1": "NOT_A_PARTY", "s-2": "NOT_A_PARTY", "s-3": "DOUBLE_USE"
    }  # fmt: skip
    for name, row in rows.items():
        assert bundles[name]["entries"] == []
        assert (row["against"], row["entry_tap"], row["other"]) == ("00000000", None, None)


def test_an_operator_is_answered_with_its_own_records_paid_or_not(found: tuple[Workspace, dict[str, Bundle]]) -> None:
    workspace, bundles = found
    rows = {row["dispute_id"]: row["reply"] for row in workspace.read(DISPUTES).to_pylist()}
    assert [rows[name] for name in ("o-1", "o-2", "o-3")] == ["SIGNED_BY_RIDER", "PAID", "DOUBLE_USE"]
    shown = {name: [entry["device"] for entry in bundles[name]["entries"]] for name in ("o-1", "o-2", "o-3")}
    assert shown == {"o-1": ["bus-1"], "o-2": ["bus-1"], "o-3": ["bus-2"]}


def test_a_bundle_alone_tells_who_signed_what(found: tuple[Workspace, dict[str, Bundle]]) -> None:
    """Another city has the bundle, the list of the devices' keys and what was published, and nothing else."""
    bundle = found[1]["n-1"]
    (entry,) = bundle["entries"]
    assert is_signed(KEY.public, entry["batch"]["signature"], entry["batch"]["body"].encode())
    assert check_evidence(bundle, keys={"bus-1": frozenset({KEY.public})}, published=centre.published(tariff())) == []
    assert check_evidence(bundle, keys={"bus-1": frozenset({OTHER.public})}) == [
        ("entry 0: no listed key of device bus-1 has signed it", "条目 0：签名者不在终端 bus-1 的公钥之列")
    ]
    assert check_evidence(bundle, keys={}) != []


def signed_anew(entry: Bundle, change: Any) -> None:
    """A batch with something changed in it, under a good signature of somebody else's."""
    body = json.loads(entry["batch"]["body"])
    change(body)
    text = json.dumps(body, separators=(",", ":"))
    entry["batch"] |= {"body": text, "key": OTHER.public, "signature": OTHER.sign(text.encode())}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda entry: entry["batch"].update(body=entry["batch"]["body"] + " "), "not over this body"),
        (lambda entry: entry["batch"].update(body=""), "its batch is none"),
        (lambda entry: entry["batch"].update(key=OTHER.public), "not over this body"),
        (lambda entry: entry["batch"].update(signature="00" * 64), "not over this body"),
        (lambda entry: entry.update(batch=None), "no device has signed it"),
        (lambda entry: entry["batch"].pop("body"), "cannot be read"),
        (lambda entry: signed_anew(entry, lambda body: body["entries"].pop(0)), "not in the body"),
        (lambda entry: signed_anew(entry, lambda body: body.update(epoch=8)), "not in the body"),
        (lambda entry: entry["signatures"].update(rider=False), "hold otherwise"),
        (lambda entry: entry.update(core_fare_fen=1), "fare is"),
    ],
)
def test_a_bundle_says_what_was_changed_in_it(
    found: tuple[Workspace, dict[str, Bundle]], change: Any, says: str
) -> None:
    bundle = deepcopy(found[1]["n-1"])
    change(bundle["entries"][0])
    found_wrong = check_evidence(bundle, published=centre.published(tariff()))
    assert any(says in why.en for why in found_wrong)
    assert not any(says in why.zh for why in found_wrong)


@pytest.mark.parametrize("bundle", [None, [], {}, {"form": 2}, {"form": 1, "entries": []}, {"form": 2, "entries": {}}])
def test_what_is_no_bundle_does_not_hold(bundle: Any) -> None:
    assert check_evidence(bundle) == [("no bundle of form 2", "不是格式 2 的证据")]


def test_a_bundle_without_entries_does_not_hold() -> None:
    assert check_evidence({"form": 2, "entries": []}) == [("there is no entry in it", "其中没有条目")]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("entry", lambda text: text[:-2] + ("00" if text[-2:] != "00" else "01")),
        ("previous", lambda text: "11" * 32),
        ("device", lambda text: "bus-2"),
        ("hash", lambda text: "00" * 32),
        ("entry", lambda text: text[:40]),
        ("entry", lambda text: "no bytes"),
        ("parameters", lambda named: named | {"digest": "00" * 16}),
    ],
)
def test_evidence_that_was_changed_does_not_hold(
    found: tuple[Workspace, dict[str, Bundle]], name: str, change: Any
) -> None:
    bundle = deepcopy(found[1]["n-1"])
    bundle["entries"][0][name] = change(bundle["entries"][0][name])
    assert check_evidence(bundle) != []


def test_however_few_bundles_are_made_at_once_they_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day of a large region has thousands, with the batches of each; here its fullest day is made in portions."""
    folder = Path(shutil.copytree(cleared_example(tmp_path_factory), tmp_path / "region"))
    with Centre(CentreFolder(folder), memory="500MB") as region:
        days = [int(path.name) for path in (folder / "workspace" / "answers").iterdir()]
        of_day = {day: list((folder / "workspace" / "answers" / str(day)).glob("evidence-*.json")) for day in days}
        day = max(days, key=lambda day: len(of_day[day]))
        answers = {path: path.read_bytes() for path in of_day[day]}
        assert len(answers) > 10
        for path in answers:
            path.unlink()
        monkeypatch.setattr(evidence, "AT_ONCE", len(answers) // 4 + 1)
        answer_disputes(region.workspace, region.engine, day)
        assert {path: path.read_bytes() for path in answers} == answers
