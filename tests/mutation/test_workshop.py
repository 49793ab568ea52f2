"""A change is put in place, judged by the tests and taken out again; what is known of changes is kept."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.mutation import ledger
from tests.mutation.__main__ import Judged, summed_up
from tests.mutation.mutant import Mutant
from tests.mutation.notes import Notes
from tests.mutation.plan import Measured, choose_tests, measured, read_tests
from tests.mutation.state import State, state_of
from tests.mutation.targets import LANGUAGES, ROOT, Language, mutants_of, sources_of
from tests.mutation.workshop import EXTENSION, Build, Outcome, Run, Workshop

RECORD, DENY = "validator/judging/record.py", "validator/core/deny.c"


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """Without a core of its own: building one takes seconds."""
    made = Workshop(tmp_path_factory.mktemp("mutation") / "workshop")
    (made.root / "validator/_core.abi3.so").symlink_to(ROOT / "validator/_core.abi3.so")
    return made


def the(path: str, change: str, line: str) -> Mutant:
    (found,) = [one for one in mutants_of(path) if one.change == change and line in one.line and one.occurrence == 1]
    return found


@pytest.mark.slow
@pytest.mark.long
def test_a_change_is_noticed_by_the_test_of_its_rule_and_by_no_other(workshop: Workshop) -> None:
    takes_unprintable = the(RECORD, "not value.isprintable() → False", "> most")
    with workshop.holding(takes_unprintable) as nothing_to_run:
        assert nothing_to_run is None
        assert "if False or len(value.encode()) > most" in (workshop.root / RECORD).read_text()
        run = workshop.run_tests(["tests/validator/judging/test_record.py"])
        assert workshop.run_tests(["tests/validator/readers/test_address.py"]).outcome is Outcome.SURVIVED
    assert run.outcome is Outcome.NOTICED
    assert run.by.startswith("tests/validator/judging/test_record.py::")
    assert (workshop.root / RECORD).read_bytes() == (ROOT / RECORD).read_bytes()
    assert workshop.run_tests(["tests/validator/judging/test_record.py"]).outcome is Outcome.SURVIVED


@pytest.mark.long
def test_a_test_that_does_not_end_has_noticed_the_change(workshop: Workshop) -> None:
    test = workshop.root / "tests" / "test_of_patience.py"
    test.write_text("def test_ends():\n    pass\n\n\ndef test_does_not():\n    while True:\n        pass\n")
    name = "tests/test_of_patience.py::test_does_not"
    run = workshop.run_tests(["tests/test_of_patience.py"], patience_s=lambda test: 0.5)
    test.unlink()
    assert (run.outcome, run.by) == (Outcome.HUNG, name)


def test_only_what_is_asked_for_runs_in_its_order_with_what_nobody_has_measured(workshop: Workshop) -> None:
    test = workshop.root / "tests" / "test_of_order.py"
    test.write_text("".join(f"def test_{name}():\n    assert {name!r} not in 'dc'\n\n\n" for name in "abcd"))
    order = {"tests": ["tests/test_of_order.py::test_b"], "known": [f"tests/test_of_order.py::test_{x}" for x in "abc"]}
    asked = str(workshop.write_json("order.json", order))
    run = workshop.run_tests(["tests/test_of_order.py"], variables={"YIMA_MUTATION_ORDER": asked})
    log = (workshop.root / "build" / "tests.log").read_text().splitlines()
    test.unlink()
    assert (run.outcome, run.by) == (Outcome.NOTICED, "tests/test_of_order.py::test_d")
    assert [line.rpartition("_")[2] for line in log if line.startswith("begun")] == ["b", "d"]


FIXTURES = """\
import pytest
from yima.validator.judging.record import Terminal, record_is_intact

AT_IMPORT = Terminal(terminal="T")

@pytest.fixture(scope="module")
def shared():
    return not record_is_intact(b"")

def test_one(shared):
    assert shared

def test_two(shared):
    assert shared
"""


@pytest.mark.long
def test_a_test_reaches_what_it_calls_and_what_its_imports_and_its_shared_fixtures_call(workshop: Workshop) -> None:
    test = workshop.root / "tests" / "test_of_reach.py"
    test.write_text(FIXTURES)
    out = workshop.root / "build" / "measured.jsonl"
    run = workshop.run_tests(
        ["tests/validator/judging/test_record.py", "tests/test_of_reach.py"],
        variables={"YIMA_MUTATION_MEASURE": str(out)},
    )
    test.unlink()
    assert run.outcome is Outcome.SURVIVED
    tests = read_tests(out)
    assert all(one.took_s > 0 for one in tests)
    assert all(f"{RECORD} | Terminal.__post_init__" in one.at_import for one in tests)
    asks = {one.name for one in tests if f"{RECORD} | record_is_intact" in one.functions}
    assert {"tests/test_of_reach.py::test_one", "tests/test_of_reach.py::test_two"} < asks
    assert "tests/validator/judging/test_record.py::test_any_bytes_can_be_asked_whether_they_are_a_record" in asks


SHARING = """\
import subprocess
import pytest
from tests.once import once

@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return once(tmp_path_factory, "library", lambda _: subprocess.run(["cc", "--version", "deny.c"], check=True))

def test_one(library):
    assert library.exists()
"""


@pytest.mark.long
def test_a_test_rests_on_what_its_file_shares_with_others_whoever_has_made_it(workshop: Workshop) -> None:
    names = ["tests/test_of_sharing.py", "tests/test_of_sharing_too.py"]
    out = workshop.root / "build" / "measured.jsonl"
    out.unlink(missing_ok=True)
    for name in names:
        (workshop.root / name).write_text(SHARING)
    run = workshop.run_tests(names, variables={"YIMA_MUTATION_MEASURE": str(out)})
    for name in names:
        (workshop.root / name).unlink()
    assert run.outcome is Outcome.SURVIVED, workshop.output()
    assert [(one.file, "deny.c" in one.compiled) for one in read_tests(out)] == [(name, True) for name in names]


@pytest.mark.long
def test_the_core_says_which_of_its_functions_a_test_reached(workshop: Workshop) -> None:
    workshop.build(Build.COUNTING)
    out = workshop.root / "build" / "measured.jsonl"
    out.unlink(missing_ok=True)
    run = workshop.run_tests(
        ["tests/validator/core/test_deny.py", "tests/validator/core/test_flashlog.py", "-k", "like_a_set or zlib"],
        variables={"YIMA_MUTATION_MEASURE": str(out), "YIMA_MUTATION_EXTENSION": str(workshop.root / EXTENSION)},
        patience_s=lambda test: 60,
    )
    assert run.outcome is Outcome.SURVIVED, workshop.output()
    for one in read_tests(out):
        is_deny = "test_deny.py" in one.name
        assert (" | has_account" in one.functions) is is_deny
        assert ("flashlog.c" in one.compiled) is not is_deny


@pytest.mark.long
def test_a_c_change_is_compiled_in_and_one_that_comes_to_the_same_code_is_none(workshop: Workshop) -> None:
    core = workshop.root / "validator" / "_core.abi3.so"
    workshop.build()
    original = core.read_bytes()
    with workshop.holding(the(DENY, 'memcmp(image, "YIMD", 4) != 0 → 1', "size >= 4")) as nothing_to_run:
        assert nothing_to_run is None
        assert core.read_bytes() != original
        run = workshop.run_tests(["tests/validator/core/test_deny.py"])
    assert run.outcome is Outcome.NOTICED
    source = (ROOT / DENY).read_text()
    at = source.index("uint32_t low = bucket ?")
    for text, outcome in (("uint32_t low = !!bucket ?", Outcome.SAME), ("uint32_t low = sometimes ?", Outcome.INVALID)):
        end = at + len("uint32_t low = bucket ?")
        mutant = Mutant(path=DENY, function="", line="", change="", start=at, end=end, text=text)
        with workshop.holding(mutant) as nothing_to_run:
            assert nothing_to_run is outcome
    workshop.build()
    assert core.read_bytes() == original


def test_a_change_in_a_function_needs_the_tests_that_reach_it_those_of_its_name_and_of_the_last_time_first() -> None:
    def test(name: str, took_s: float, *functions: str) -> Measured:
        return Measured(name=name, took_s=took_s, functions=frozenset(f"{RECORD} | {one}" for one in functions))

    tests = [
        test("tests/test_device.py::test_a", 0.1, "Terminal.__post_init__"),
        test("tests/test_device.py::test_b", 0.1, "other"),
        test("tests/test_gate.py::test_slow", 0.5, "Terminal.__post_init__"),
        test("tests/test_gate.py::test_quick", 0.1, "Terminal.__post_init__"),
        test("tests/test_record.py::test_c", 0.9),
    ]

    def names(mutant: Mutant, before: str = "") -> list[list[str]]:
        return [[one.name.rpartition("_")[2] for one in lot] for lot in choose_tests(mutant, tests, before)]

    inside, outside = the(RECORD, "> → >=", "> most"), the(RECORD, "255 → 254", "_STRING_MAX")
    assert names(inside) == [["c"], ["a", "quick", "slow"]]
    assert names(inside, before="tests/test_gate.py::test_slow") == [["slow", "quick"], ["c", "a"]]
    assert names(outside) == [["c"], ["a", "b", "quick", "slow"]]


def test_a_change_in_what_runs_at_an_import_needs_the_tests_of_whoever_imports_it() -> None:
    def test(name: str, function: str) -> Measured:
        at_import = frozenset({f"{RECORD} | Terminal", f"{RECORD} | Terminal.__post_init__"})
        return Measured(name=f"{name}::test_x", took_s=0.1, functions=frozenset({function}), at_import=at_import)

    tests = [
        test("tests/test_a.py", f"{RECORD} | Terminal.__post_init__"),
        test("tests/test_b.py", f"{RECORD} | other"),
        test("tests/test_c.py", "validator/device.py | Device._record"),
        test("tests/test_d.py", "validator/uplink/http.py | HttpUplink.send"),
        test("tests/validator/judging/test_loop.py", "sdk/issuer.py | make_root"),
        test("tests/test_e.py", "sdk/issuer.py | make_root"),
    ]

    def files(mutant: Mutant) -> list[str]:
        return [one.file.rpartition("_")[2] for lot in choose_tests(mutant, tests) for one in lot]

    assert files(the(RECORD, "> → >=", "> most")) == ["a.py", "b.py", "c.py", "loop.py"]
    assert files(the(RECORD, "255 → 254", "_STRING_MAX")) == ["a.py", "b.py", "c.py", "loop.py"]


@pytest.fixture
def reasons_file(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "without_effect.toml"
    path.write_text('[[without_effect]]\nmutant = "a.c | f | x | 1 → 2"\nreason = "Nobody counts."\n')
    yield path


def test_a_reason_belongs_to_one_change_and_is_missed_when_the_change_is_gone(reasons_file: Path) -> None:
    mutant = the(RECORD, "> → >=", "> most")
    assert ledger.reasons(reasons_file) == {"a.c | f | x | 1 → 2": "Nobody counts."}
    assert ledger.gone(["a.c | f | x | 1 → 2", mutant.name], [mutant]) == ["a.c | f | x | 1 → 2"]
    again = reasons_file.read_text()
    for wrong in (again + again, again.replace("Nobody counts.", " ")):
        reasons_file.write_text(wrong)
        with pytest.raises(ValueError, match="no reason, or a second one"):
            ledger.reasons(reasons_file)


def test_an_outcome_holds_while_what_it_rests_on_does_and_who_noticed_it_is_a_hint_beyond(tmp_path: Path) -> None:
    mutant, other, path = the(RECORD, "> → >=", "> most"), the(RECORD, "255 → 254", "_STRING_MAX"), tmp_path / "n"
    noticed, survived = Run(outcome=Outcome.NOTICED, by="test_a.py::test_x"), Run(outcome=Outcome.SURVIVED)
    notes = Notes(path, State("sources", {"test_a.py": "1", "test_b.py": "1"}))
    assert notes.outcome(mutant) is None
    notes.add(mutant, noticed)
    notes.add(other, survived)

    def kept(base: str, tests: dict[str, str]) -> tuple[Run | None, Run | None]:
        again = Notes(path, State(base, tests))
        assert again.noticed_by(mutant) == "test_a.py::test_x"
        return again.outcome(mutant), again.outcome(other)

    assert kept("sources", {"test_a.py": "1", "test_b.py": "1"}) == (noticed, survived)
    assert kept("sources", {"test_a.py": "1", "test_b.py": "2"}) == (noticed, None)
    assert kept("sources", {"test_a.py": "1", "test_b.py": "1", "test_c.py": "1"}) == (noticed, None)
    assert kept("sources", {"test_a.py": "2", "test_b.py": "1"}) == (None, None)
    assert kept("others", {"test_a.py": "1", "test_b.py": "1"}) == (None, None)
    notes.add(mutant, Run(outcome=Outcome.SAME))
    again = Notes(path, State("sources", {}))
    assert again.outcome(mutant) == Run(outcome=Outcome.SAME)
    assert again.noticed_by(mutant) == ""


def test_the_state_of_a_test_is_another_once_a_source_a_fixture_itself_or_what_it_imports_is(tmp_path: Path) -> None:
    root = tmp_path / "copy"

    def state(path: str, text: str, language: Language = LANGUAGES[0]) -> tuple[str, str, str]:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
        found = state_of(root, language)
        assert state_of(root, language) == found
        return found.of_test("tests/test_a.py::test_x"), found.of_test("tests/test_b.py::test_x"), found.whole

    a, b, all_of_it = state("tests/test_b.py", "from tests.test_c import X")
    a, b, all_of_it = state("tests/test_a.py", "import os")
    assert len({a, b, all_of_it}) == 3
    for path in ("validator/a.c", "sdk/a.py", "tests/conftest.py", "tests/a.json"):
        before = {a, b, all_of_it}
        a, b, all_of_it = state(path, "1")
        assert not before & {a, b, all_of_it}
    assert state("tests/test_c.py", "X = 1")[0] == a
    a, b, all_of_it = state("tests/test_c.py", "X = 2")
    assert state("tests/test_c.py", "X = 3")[1] != b
    a, b, all_of_it = state("tests/test_a.py", "import sys")
    assert state("tests/test_a.py", "import os")[:2] != (a, b)
    assert state("tests/test_a.py", "import sys") == (a, b, all_of_it)
    assert state("tests/test_a.py", "import sys", LANGUAGES[1])[0] != a


@pytest.mark.long
def test_only_the_files_of_tests_that_have_changed_are_measured_anew(workshop: Workshop, tmp_path: Path) -> None:
    folder = workshop.root / "tests" / "measured"
    folder.mkdir()
    files = {name: folder / f"test_{name}.py" for name in "abc"}
    language = replace(LANGUAGES[1], tests=("tests/measured",), tests_left_out=("tests/measured/test_c.py",))

    def run() -> dict[str, float]:
        state = State("sources", {str(path.relative_to(workshop.root)): path.read_text() for path in folder.iterdir()})
        found = measured(workshop, language, state, tmp_path / "kept.json")
        return {one.name.rpartition("/")[2]: one.took_s for one in found}

    for path in files.values():
        path.write_text("def test_x():\n    pass\n")
    before = run()
    assert before.keys() == {"test_a.py::test_x", "test_b.py::test_x"}
    files["a"].write_text("def test_y():\n    sum(range(1000000))\n")
    after = run()
    assert after.keys() == {"test_a.py::test_y", "test_b.py::test_x"}
    assert after["test_b.py::test_x"] == before["test_b.py::test_x"]
    files["a"].unlink()
    assert run().keys() == {"test_b.py::test_x"}
    files["b"].write_text("import pytest\n\n\n@pytest.mark.long\ndef test_x():\n    pass\n")
    assert run() == {}
    files["b"].write_text("def test_x():\n    raise ValueError\n")
    with pytest.raises(RuntimeError, match=r"without any mutant tests/measured/test_b\.py::test_x fails"):
        run()


def test_a_rate_is_a_share_of_what_matters_and_is_kept_by_language(tmp_path: Path) -> None:
    path = tmp_path / "rates.json"
    assert ledger.rates(path) == {}
    ledger.write_rate("c", ledger.Rate(noticed=9, of=10), path)
    ledger.write_rate("python", ledger.Rate(noticed=3, of=4), path)
    ledger.write_rate("c", ledger.Rate(noticed=10, of=10), path)
    assert ledger.rates(path) == {"c": ledger.Rate(noticed=10, of=10), "python": ledger.Rate(noticed=3, of=4)}
    assert str(ledger.rates(path)["python"]) == "3 of 4, 75.0 %"


def test_what_is_kept_is_no_less_than_the_goals() -> None:
    assert ledger.GOALS.keys() == {language.name for language in LANGUAGES} == ledger.rates().keys()
    for language, goal in ledger.GOALS.items():
        assert ledger.least(language) == ledger.rates()[language].share >= goal


def test_a_run_of_the_whole_draw_fails_below_the_goal_and_below_what_is_kept_which_only_rises(tmp_path: Path) -> None:
    path, mutant = tmp_path / "rates.json", the(RECORD, "> → >=", "> most")

    def run(noticed: int, survived: int, *, is_whole: bool = True, write: bool = True) -> bool:
        outcomes = [*[Outcome.NOTICED] * (noticed - 1), Outcome.HUNG, *[Outcome.SURVIVED] * survived, Outcome.SAME]
        judged = [Judged(mutant=mutant, run=Run(outcome=outcome), took_s=1) for outcome in outcomes]
        return summed_up("c", judged, is_whole, write, path)

    assert not run(96, 4)
    assert run(96, 4, is_whole=False)
    assert run(98, 2, write=False)
    assert ledger.rates(path) == {}
    assert run(98, 2)
    assert run(99, 1, write=False)
    assert not run(97, 3)
    assert ledger.rates(path) == {"c": ledger.Rate(noticed=98, of=100)}
    assert run(99, 1)
    assert not run(98, 2)
    assert ledger.rates(path) == {"c": ledger.Rate(noticed=99, of=100)}


def test_the_reasons_that_are_kept_can_be_read_and_every_pattern_finds_something() -> None:
    assert all(len(reason) > 20 for reason in ledger.reasons().values())
    for language in LANGUAGES:
        assert len(sources_of(language)) > 25
        assert all((ROOT / one.partition("::")[0]).exists() for one in (*language.tests, *language.tests_left_out))
        assert all(list(ROOT.glob(pattern)) for pattern in language.sources)
