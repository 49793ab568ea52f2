"""The register: a name is one key's until it is released, and whatever is done to it is kept."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection
from typing import cast

import pytest

from yima.sdk.centre.fleet import devices
from yima.sdk.centre.fleet.database import Database, FleetError, Statements, open_fleet
from yima.sdk.centre.fleet.devices import Device, Register, State, Verb, lines_of

A, B, C = "aa" * 32, "bb" * 32, "cc" * 32


@pytest.fixture
def register(database: Database) -> Register:
    return Register(database, now=lambda: 1000.0)


def test_the_life_of_a_device_from_enrolment_to_release(register: Register) -> None:
    assert register.enrol("gate-7", A, who="user wang") == Device("gate-7", A, State.ENROLLED, 1000)
    assert register.keys() == {"gate-7": A}, "at once"
    register.rotate("gate-7", B, who="user wang", why="the board was changed")
    assert register.keys() == {"gate-7": B}
    register.revoke("gate-7", who="key 3f9a0c1e", why="stolen")
    assert register.keys() == {}
    assert [(one.device, one.key, one.state) for one in register.listed()] == [("gate-7", B, State.REVOKED)]
    register.release("gate-7", who="user wang", why="scrapped")
    assert register.listed() == []
    register.enrol("gate-7", C, who="user wang")
    assert register.keys() == {"gate-7": C}
    assert [(done.number, done.verb, done.key, done.who, done.why) for done in register.log("gate-7")] == [
        (1, Verb.ENROL, A, "user wang", ""),
        (2, Verb.ROTATE, B, "user wang", "the board was changed"),
        (3, Verb.REVOKE, B, "key 3f9a0c1e", "stolen"),
        (4, Verb.RELEASE, B, "user wang", "scrapped"),
        (5, Verb.ENROL, C, "user wang", ""),
    ]
    assert lines_of(register.all_keys()) == f"gate-7 {A}\ngate-7 {B}\ngate-7 {C}\n", "what was signed stays checkable"


def test_a_device_that_is_enrolled_while_the_register_is_read_counts_at_the_next_question(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen as a 403 for half a second, one in a hundred runs: the reading wrote over what the enrolment had marked."""

    register = Register(database)
    register.enrol("gate-6", B, who="w")
    undisturbed, between = database.reading, [lambda: register.enrol("gate-7", A, who="w")]

    @contextmanager
    def interrupted() -> Iterator[Statements]:
        with undisturbed() as rows:
            yield rows
        if between:
            between.pop()()

    monkeypatch.setattr(database, "reading", interrupted)
    assert register.keys() == {"gate-6": B}, "as they were read"
    assert register.keys() == {"gate-6": B, "gate-7": A}


def test_enrolling_what_is_enrolled_changes_nothing(register: Register) -> None:
    register.enrol("gate-7", A.upper(), who="one")
    register.enrol("gate-7", A, who="two")
    assert [done.who for done in register.log()] == ["one"]


@pytest.mark.parametrize(
    ("verb", "says"),
    [
        (lambda r: r.enrol("gate-7", B, who="w"), "is enrolled with another key"),
        (lambda r: r.enrol("gate-8", A, who="w"), "its key is that of gate-7"),
        (lambda r: r.rotate("gate-6", A, who="w"), "its key is that of gate-7"),
        (lambda r: r.rotate("gate-8", B, who="w"), "is not in the register"),
        (lambda r: r.revoke("gate-8", who="w", why="x"), "is not in the register"),
        (lambda r: r.release("gate-8", who="w", why="x"), "is not in the register"),
        (lambda r: r.release("gate-7", who="w", why="  "), "without a reason"),
        (lambda r: r.revoke("gate-7", who="w", why=""), "without a reason"),
        (lambda r: r.enrol("gate 8", B, who="w"), "is no name of a device"),
        (lambda r: r.enrol("gate-8", "xyz", who="w"), "its key is none"),
        (lambda r: r.enrol("gone", B, who="w"), "is revoked"),
        (lambda r: r.rotate("gone", B, who="w"), "is revoked"),
        (lambda r: r.revoke("gone", who="w", why="x"), "is revoked"),
        (lambda r: r.enrol_all({"gate-9": B, "gate-7": B}, who="w"), "gate-7"),
    ],
)
def test_what_may_not_be_done_says_why_and_changes_nothing(
    register: Register, verb: Callable[[Register], object], says: str
) -> None:
    register.enrol("gate-7", A, who="w")
    register.enrol("gone", C, who="w")
    register.revoke("gone", who="w", why="lost")
    before = register.listed(), register.log()
    with pytest.raises(FleetError, match=says):
        verb(register)
    assert (register.listed(), register.log()) == before


def test_another_process_hears_of_a_change(store: str, register: Register, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "LOOK_EVERY_S", 0.0)
    elsewhere = open_fleet(store)
    Register(elsewhere).enrol("gate-7", A, who="w")
    elsewhere.close()
    assert register.keys() == {"gate-7": A}


def test_it_is_not_read_for_every_batch(store: str, register: Register, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "LOOK_EVERY_S", 3600.0)
    elsewhere = open_fleet(store)
    assert register.keys() == {}
    Register(elsewhere).enrol("gate-7", A, who="w")
    elsewhere.close()
    assert register.keys() == {}
    register.read_again()
    assert register.keys() == {"gate-7": A}, "when it is told to"


def test_a_list_is_taken_whole(register: Register) -> None:
    assert register.enrol_all({"gate-7": A, "gate-8": B}, who="w") == 2
    assert register.enrol_all({"gate-7": A, "gate-9": C}, who="w") == 1
    assert register.keys() == {"gate-7": A, "gate-8": B, "gate-9": C}


def test_no_two_names_of_a_list_have_one_key_and_no_name_the_key_of_another(register: Register) -> None:
    register.enrol("gate-1", "1" * 64, who="w")
    for listed in ({"gate-2": "2" * 64, "gate-3": "2" * 64}, {"gate-2": "1" * 64}, {"gate-1": "1" * 64, "a": "1" * 64}):
        with pytest.raises(FleetError, match="its key is that of gate-"):
            register.enrol_all(listed, who="w")
    assert [one.device for one in register.listed()] == ["gate-1"]


def test_a_list_of_a_whole_city_costs_as_much_for_each_device_as_a_short_one(tmp_path: Path) -> None:
    """Each device was looked for among all keys: 8,000 took three seconds, and everybody else waited for their end."""
    costs = []
    for count in (400, 800):
        database = open_fleet(tmp_path / f"{count}.db")
        steps: list[int] = []

        def stepped(steps: list[int] = steps) -> int:
            steps.append(1)
            return 0

        with database.transaction() as rows:
            cast("Connection", rows).set_progress_handler(stepped, 100)
        Register(database).enrol_all({f"gate-{number}": f"{number:064x}" for number in range(count)}, who="w")
        costs.append(len(steps))
        database.close()
    assert costs[1] < 3 * costs[0]


def test_on_a_bench_the_first_key_of_a_name_counts_until_it_is_released(register: Register) -> None:
    """A stranger's empty batch took the name gate-7, and no verb freed it."""
    register.trust("gate-7", C)
    register.trust("gate-7", A)
    assert register.keys() == {"gate-7": C}
    register.release("gate-7", who="user wang", why="a stranger's")
    register.trust("gate-7", A)
    assert register.keys() == {"gate-7": A}


def test_on_a_bench_a_name_that_another_process_gave_away_is_known_once_somebody_else_wants_it(
    store: str, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "LOOK_EVERY_S", 3600.0)
    assert register.keys() == {}
    elsewhere = open_fleet(store)
    Register(elsewhere).enrol("gate-7", A, who="w")
    elsewhere.close()
    register.trust("gate-7", C)
    assert register.keys() == {"gate-7": A}


def test_strangers_on_a_bench_take_no_endless_number_of_names(
    register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "NAMES_MOST", 2)
    for number in range(4):
        register.trust(f"gate-{number}", f"{number:064x}")
    assert len(register.keys()) == 2


def test_a_reason_is_one_line_of_bounded_length(register: Register) -> None:
    register.enrol("gate-7", A, who="w", why="one\ntwo\x1b[2J" + "x" * 1000)
    (done,) = register.log()
    assert done.why.startswith("one two [2J")
    assert len(done.why) == devices.WHY_MAX


def test_a_register_that_cannot_be_read_again_keeps_what_it_had(
    store: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "LOOK_EVERY_S", 0.0)
    told: list[object] = []
    register = Register(database, on_trouble=told.append)
    register.enrol("gate-7", A, who="w")
    assert register.keys() == {"gate-7": A}
    with database.transaction() as rows:
        rows.execute("ALTER TABLE device_log RENAME TO elsewhere")
    assert [register.keys() for _ in range(3)] == [{"gate-7": A}] * 3
    assert len(told) == 1, store
