"""Statements taken in day by day: what becomes of each file, which rows follow, and that fares hold over all codes."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sdk.centre.clearing.money.test_settle import RATES, compare, settled
from tests.sdk.centre.clearing.money.world import DAYS, moment, ride, workspace_of, world
from tests.sdk.centre.identity.said import DAY, ISSUERS, JIAXING, KEYS, SHANGHAI, SUZHOU, account, file_of
from yima.sdk.centre.clearing.engine import open_engine
from yima.sdk.centre.clearing.money.tables import CLEARED, PERSONS
from yima.sdk.centre.clearing.workspace import Workspace
from yima.sdk.centre.identity.issuers import Issuers, parse_issuers
from yima.sdk.centre.identity.persons import PERSON_MAX
from yima.sdk.centre.identity.statements import Consent, Link, Membership, Revocation, Scope, Statement
from yima.sdk.centre.identity.taking import HEARD, MEMBERS, REFUSALS, STATEMENTS, said_of, take_statements

A, A2, B, C = account(SHANGHAI, 1), account(SHANGHAI, 2), account(SUZHOU, 1), account(JIAXING, 1)


class Desk:
    """A centre's workspace, and the folder into which issuers put their files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "statements").mkdir(parents=True)
        self.workspace = Workspace(folder / "workspace")

    def put(self, name: str, content: bytes) -> None:
        (self.folder / "statements" / name).write_bytes(content)

    def take(self, day: int, issuers: Issuers = ISSUERS) -> dict[str, str]:
        paths = (self.folder / "statements").iterdir()
        return dict(take_statements(self.workspace, day, paths, issuers).files)

    def persons(self) -> list[tuple[int, str, str]]:
        return [(row["day"], row["account"], row["person"]) for row in self.workspace.read(PERSONS).to_pylist()]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.workspace.close()


def test_a_file_is_taken_once_and_its_rows_say_who_is_one_person(desk: Desk) -> None:
    desk.put("s", file_of(SHANGHAI, 1, Link(accounts=(A, A2)), Membership(account=A, group="senior")))
    assert desk.take(DAY) == {"s": "TAKEN"}
    assert desk.persons() == [(DAY, A2, A)]
    assert desk.workspace.read(MEMBERS).to_pylist() == [
        {"account": A, "group_name": "senior", "is_member": True, "day": DAY, "since": DAY // 100 * 100 + 1}
    ]
    assert desk.take(DAY + 1) == {"s": "AGAIN"}
    assert len(desk.persons()) == len(desk.workspace.read(MEMBERS)) == 1
    assert len(desk.workspace.read(STATEMENTS)) == 2


def test_the_step_run_again_writes_the_same(desk: Desk) -> None:
    desk.put("s", file_of(SHANGHAI, 1, Link(accounts=(A, A2))))
    first = desk.take(DAY), desk.persons()
    assert (desk.take(DAY), desk.persons()) == first


def test_a_file_that_is_gone_after_a_cut_is_taken_when_it_comes_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It counted as taken from the moment its rows were written; the step was done again without it, and without them,
    and the file was not heard any more: a whole month's groups were lost."""
    content = file_of(SHANGHAI, 1, Link(accounts=(A, A2)), Membership(account=A, group="senior"))
    desk.put("s", content)
    with monkeypatch.context() as patched:
        patched.setattr(Workspace, "done", lambda *_: pytest.exit("cut"))
        with pytest.raises(pytest.exit.Exception):
            desk.take(DAY)
    desk.workspace.close()
    (desk.folder / "statements" / "s").unlink()
    desk.workspace = Workspace(desk.folder / "workspace")
    assert desk.take(DAY) == {}
    assert (desk.persons(), len(desk.workspace.read(STATEMENTS))) == ([], 0)
    desk.put("s again", content)
    assert desk.take(DAY + 1) == {"s again": "TAKEN"}
    assert desk.persons() == [(DAY + 1, A2, A)]
    assert not (desk.workspace.path / "answers" / str(DAY) / "statements.txt").exists()


def test_a_file_of_a_later_day_waits_for_it(desk: Desk) -> None:
    desk.put("s", file_of(SHANGHAI, 1, Link(accounts=(A, A2)), issued=DAY + 1))
    assert desk.take(DAY) == {}
    assert desk.take(DAY + 1) == {"s": "TAKEN"}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"nothing\n", "MALFORMED"),
        (file_of(SHANGHAI, 1, environment="production"), "ENVIRONMENT"),
        (file_of("00089999", 1, key=KEYS[SHANGHAI]), "UNKNOWN_ISSUER"),
        (file_of(SHANGHAI, 1, key=KEYS[SUZHOU]), "SIGNATURE"),
        (file_of(SHANGHAI, 1, Link(accounts=(A, A2)), Membership(account=B, group="free")), "NOT_YOURS"),
        (file_of(SHANGHAI, 1, Link(accounts=(A, A2)), Link(accounts=(A, "9" * 20))), "NOBODYS"),
    ],
)
def test_a_file_that_may_not_be_is_refused_whole(desk: Desk, content: bytes, why: str) -> None:
    desk.put("s", content)
    assert desk.take(DAY) == {"s": why}
    answer = (desk.folder / "workspace" / "answers" / str(DAY) / "statements.txt").read_text(encoding="utf-8")
    assert answer.startswith(f"s\t{why}\t") and REFUSALS[why].zh in answer
    assert len(desk.workspace.read(STATEMENTS)) == 0
    assert desk.persons() == []


def test_a_file_that_is_not_in_the_form_is_answered_with_its_line_and_what_is_wrong_there(desk: Desk) -> None:
    """Only that it was malformed was said: its issuer had to find the line among a million, and the reason, alone."""
    lines = file_of(SHANGHAI, 1, Link(accounts=(A, A2)), Membership(account=A, group="free")).splitlines(keepends=True)
    lines[2] = lines[2].replace(b"free", b"sailor")
    desk.put("s", b"".join(lines))
    lines[1] = lines[1].replace(A.encode(), A.upper().encode() + b"1")
    desk.put("t", b"".join(lines))
    desk.take(DAY)
    answer = (desk.folder / "workspace" / "answers" / str(DAY) / "statements.txt").read_text(encoding="utf-8")
    first, second = (line.split("\t") for line in answer.splitlines())
    assert [line[1] for line in (first, second)] == 2 * ["MALFORMED"]
    assert first[3].startswith("s:3: group: 'sailor' is not") and "s:3：group：'sailor' 不是" in first[3]
    assert "Write a text like" in first[3] and "请写" in first[3]
    assert second[3].startswith("t:2: link: ") and A not in second[3] and A[:4] + "*" in second[3]


def test_other_bytes_under_a_number_that_was_taken_change_nothing(desk: Desk) -> None:
    desk.put("s", file_of(SHANGHAI, 1, Link(accounts=(A, A2))))
    desk.take(DAY)
    desk.put("t", file_of(SHANGHAI, 1, Revocation(number=1, place=1)))
    assert desk.take(DAY + 1) == {"s": "AGAIN", "t": "NUMBER_TAKEN"}
    assert desk.persons() == [(DAY, A2, A)]


def test_of_two_files_under_one_number_on_one_day_the_first_by_name_is_taken_whenever_it_is_run(desk: Desk) -> None:
    desk.put("s", file_of(SHANGHAI, 1, Link(accounts=(A, A2))))
    desk.put("t", file_of(SHANGHAI, 1, Membership(account=A, group="free")))
    first = desk.take(DAY)
    assert first == {"s": "TAKEN", "t": "NUMBER_TAKEN"}
    assert desk.take(DAY) == first


def test_whichever_way_a_folder_is_listed_the_first_by_name_is_taken(desk: Desk) -> None:
    desk.put("s", file_of(SHANGHAI, 1, Link(accounts=(A, A2))))
    desk.put("t", file_of(SHANGHAI, 1, Membership(account=A, group="free")))
    paths = [desk.folder / "statements" / name for name in ("t", "s")]
    taken = take_statements(desk.workspace, DAY, paths, ISSUERS)
    assert taken.files == {"s": "TAKEN", "t": "NUMBER_TAKEN"}


def test_one_file_under_two_names_states_everything_once(desk: Desk) -> None:
    content = file_of(SHANGHAI, 1, Link(accounts=(A, A2)))
    for name in ("s", "t"):
        desk.put(name, content)
    assert desk.take(DAY) == {"s": "TAKEN", "t": "TAKEN"}
    assert len(desk.workspace.read(STATEMENTS)) == 1


def test_a_key_that_is_rotated_in_the_middle_of_a_month_ends_no_statement_and_signs_no_new_one(desk: Desk) -> None:
    old, new = KEYS[SHANGHAI], KEYS[JIAXING]
    rotated = parse_issuers(
        f'environment = "test"\n[[issuer]]\norganisation = "{SHANGHAI}"\naccounts = ["310000"]\n'
        f'[[issuer.keys]]\nkey = "{old.compressed.hex()}"\nto = 2026-09-15\n'
        f'[[issuer.keys]]\nkey = "{new.compressed.hex()}"\nfrom = 2026-09-15\n'
    )
    desk.put("s", file_of(SHANGHAI, 1, Link(accounts=(A, A2))))
    assert desk.take(DAY, rotated) == {"s": "TAKEN"}
    desk.put("t", file_of(SHANGHAI, 2, Revocation(number=1, place=1)))  # dated back: it names the day before
    assert desk.take(DAY + 1, rotated) == {"s": "AGAIN", "t": "SIGNATURE"}
    assert desk.persons() == [(DAY, A2, A)]
    desk.put("t", file_of(SHANGHAI, 2, Revocation(number=1, place=1), key=new))
    assert desk.take(DAY + 2, rotated) == {"s": "AGAIN", "t": "TAKEN"}
    assert desk.persons() == [(DAY, A2, A), (DAY + 2, A2, A2)]


def test_what_ends_by_itself_is_written_on_the_day_it_ends(desk: Desk) -> None:
    days = {"since": DAY + 1, "until": DAY + 3}
    desk.put("s", file_of(SHANGHAI, 1, Link(accounts=(A, A2), **days), Membership(account=A, group="free", **days)))
    for day in range(DAY, DAY + 5):
        desk.take(day)
    assert desk.persons() == [(DAY + 1, A2, A), (DAY + 3, A2, A2)]
    assert [(row["day"], row["is_member"]) for row in desk.workspace.read(MEMBERS).to_pylist()] == [
        (DAY + 1, True),
        (DAY + 3, False),
    ]


def test_a_person_who_grows_too_large_is_let_go_whole(desk: Desk) -> None:
    many = [account(SHANGHAI, number) for number in range(PERSON_MAX + 1)]
    pairs: list[Statement] = [Link(accounts=pair) for pair in itertools.pairwise(many)]
    desk.put("s", file_of(SHANGHAI, 1, *pairs[:-1]))
    desk.take(DAY)
    assert {person for _, _, person in desk.persons()} == {many[0]}
    desk.put("t", file_of(SHANGHAI, 2, pairs[-1]))
    desk.take(DAY + 1)
    assert [(one, person) for day, one, person in desk.persons() if day == DAY + 1] == [
        (one, one) for one in many[1:-1]
    ]


def consent(whose: str) -> Consent:
    return Consent(account=whose, service="travel-app", scopes=(Scope.RIDES,), since=DAY, until=DAY + 5)


def test_a_consent_is_a_statement_of_the_accounts_own_issuer_and_makes_nobody_a_person(desk: Desk) -> None:
    desk.put("s", file_of(SHANGHAI, 1, consent(A), Revocation(number=1, place=1)))
    desk.put("t", file_of(SHANGHAI, 2, consent(B)))
    desk.put("u", file_of(SHANGHAI, 3, consent("9" * 20)))
    assert desk.take(DAY) == {"s": "TAKEN", "t": "NOT_YOURS", "u": "NOBODYS"}
    assert desk.persons() == []
    said = [said_of(row) for row in desk.workspace.read(STATEMENTS).to_pylist()]
    assert [one.statement for one in said] == [consent(A), Revocation(number=1, place=1)]


def test_what_became_of_each_file_is_kept_by_the_issuer_that_it_names(desk: Desk) -> None:
    desk.put("s", file_of(SHANGHAI, 1, consent(A)))
    desk.put("t", file_of(SUZHOU, 1, key=KEYS[SHANGHAI]))
    desk.put("u\n", b"nothing")
    for day in (DAY, DAY + 1):
        desk.take(day)
    heard = [tuple(row.values()) for row in desk.workspace.read(HEARD).to_pylist()]
    assert heard == [
        ("s", SHANGHAI, 1, "TAKEN", DAY), ("t", SUZHOU, 1, "SIGNATURE", DAY), ("u\\n", None, None, "MALFORMED", DAY),
        ("t", SUZHOU, 1, "SIGNATURE", DAY + 1), ("u\\n", None, None, "MALFORMED", DAY + 1),
    ]  # fmt: skip


RULES = {
    "monthly_total": [
        {"rule": "month", "city": 310000, "modes": [1], "by": "fen", "tiers": [(500, 50)], "funder": "RIDING_CITY"}
    ]
}


def test_one_person_on_codes_of_three_issuers_gets_the_monthly_total_and_loses_it_with_the_statement(
    tmp_path: Path,
) -> None:
    """Four rides of 2.00 yuan in one month, on three codes: beyond 5.00 yuan half is taken off. Then Suzhou takes its
    word back, its ride leaves the sum, and what was settled is taken back and booked anew."""
    codes = [A, B, C, A]
    first, second = DAYS[2], DAYS[3]
    rides = [
        ride(
            number,
            moment_s=moment(first, number * 4000),
            day=first,
            service_date=first,
            mode=1,
            account=one,
            gross_fen=200,
        )
        for number, one in enumerate(codes, 1)
    ]
    pairs = [Link(accounts=(A, B)), Link(accounts=(A, C))]
    desk = Desk(tmp_path)
    for issuer, links in ((SHANGHAI, pairs), (SUZHOU, pairs[:1]), (JIAXING, pairs[1:])):
        desk.put(f"{issuer}-1", file_of(issuer, 1, *links, issued=first))
    desk.put("revokes", file_of(SUZHOU, 2, Revocation(number=1, place=1), issued=second))
    for day in DAYS:
        desk.take(day)
    persons = [(one, person, day) for day, one, person in desk.persons()]
    desk.workspace.close()
    assert persons == [(B, A, first), (C, A, first), (B, B, second)]
    said = world(rides, persons=persons, rules=RULES, rates=RATES)
    workspace = workspace_of(tmp_path / "money", said)
    engine = open_engine("duckdb", workspace.scratch, memory="200MB")
    settled(workspace, engine, said)
    compare(workspace, said)
    booked = [(row["day"], row["ride_id"][-1:], row["fare_fen"]) for row in workspace.read(CLEARED).to_pylist()]
    engine.close()
    workspace.close()
    assert sorted(booked) == [
        (first, "1", 200), (first, "2", 200), (first, "3", 200), (first, "4", 100),
        (second, "4", -100), (second, "4", 200),
    ]  # fmt: skip
