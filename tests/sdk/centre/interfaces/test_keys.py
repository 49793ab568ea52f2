"""Keys: shown once, kept as digests, ended at once; a file of them that is wrong is named and lets nobody in."""

import re
import threading
from pathlib import Path

import pytest

from yima.sdk.centre.clearing.toml_rows import TermsError
from yima.sdk.centre.interfaces.keys import KEYS, KeysError, Role, make_key, read_keys, revoke_key

DAY = 20260914


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / KEYS


def test_a_key_is_found_by_itself_alone_and_only_its_digest_is_kept(path: Path) -> None:
    key, shown = make_key(path, Role.ISSUER, "99310000", since=DAY)
    book = read_keys(path)
    assert book.find(shown, DAY) == key
    assert re.fullmatch(r"yima_[0-9a-f]{8}_[A-Za-z0-9_-]{43}", shown)
    assert shown.split("_", 2)[2] not in path.read_text()
    assert key.digest not in repr(key)
    for other in (shown[:-1], shown[:-1] + ("A" if shown[-1] != "A" else "B"), shown + "A", shown.upper(), "", "yima"):
        assert book.find(other, DAY) is None
    assert path.stat().st_mode & 0o077 == 0


def test_a_key_of_one_id_does_not_open_another(path: Path) -> None:
    (one, first), (other, second) = (make_key(path, Role.AUDITOR, "", since=DAY) for _ in range(2))
    mixed = f"yima_{one.id}_{second.split('_', 2)[2]}"
    assert read_keys(path).find(mixed, DAY) is None
    assert {key.id for key in read_keys(path)} == {one.id, other.id} and first != second


def test_it_holds_from_its_first_day_to_the_day_before_its_last_and_not_once_it_is_revoked(path: Path) -> None:
    key, shown = make_key(path, Role.CITY, "310000", since=DAY, until=DAY + 2)
    book = read_keys(path)
    assert [book.find(shown, day) is not None for day in range(DAY - 1, DAY + 3)] == [False, True, True, False]
    assert revoke_key(path, key.id).revoked
    assert read_keys(path).find(shown, DAY) is None
    assert [one.id for one in read_keys(path)] == [key.id], "it stays in the list"


def test_many_at_once_lose_none(path: Path) -> None:
    threads = [threading.Thread(target=make_key, args=(path, Role.CLERK, ""), kwargs={"since": DAY}) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(list(read_keys(path))) == 8


@pytest.mark.parametrize(
    ("role", "of", "says"),
    [
        (Role.ISSUER, "9931000", "8 digits"), (Role.ISSUER, "", "8 digits"), (Role.CITY, "00310000", "6 digits"),
        (Role.SERVICE, "Travel App", "as consents have it"), (Role.AUDITOR, "99310000", "nobody's in particular"),
        (Role.OPERATOR, "89310000", "last seven digits of 99310000"),
        (Role.ISSUER, "8931000０", "8 digits"),
    ],
)  # fmt: skip
def test_a_key_of_nobody_is_not_made(path: Path, role: Role, of: str, says: str) -> None:
    make_key(path, Role.ISSUER, "99310000", since=DAY)
    before = path.read_bytes()
    with pytest.raises(KeysError, match=says):
        make_key(path, role, of, since=DAY)
    assert path.read_bytes() == before


def test_one_organisation_may_be_issuer_and_operator(path: Path) -> None:
    for role in (Role.ISSUER, Role.OPERATOR, Role.ISSUER):
        make_key(path, role, "99310000", since=DAY)
    assert len(list(read_keys(path))) == 3


def test_a_key_that_is_over_before_it_begins_and_one_that_is_not_there(path: Path) -> None:
    with pytest.raises(KeysError, match="over already"):
        make_key(path, Role.CLERK, "", since=DAY, until=DAY)
    with pytest.raises(KeysError, match="no key of this id"):
        revoke_key(path, "00000000")
    with pytest.raises(KeysError, match="cannot be written"):
        make_key(path.parent / "none" / KEYS, Role.CLERK, "", since=DAY)


GOOD = f'[[key]]\nid = "00000001"\nrole = "clerk"\ndigest = "{"0" * 64}"\nfrom = 2026-09-14\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GOOD.replace("clerk", "king"), "role"), (GOOD.replace("00000001", "1"), "id"), (GOOD + GOOD, "twice"),
        (GOOD.replace("digest", "digets"), "digest"), (GOOD + 'of = "99310000"\n', "not known"),
        (GOOD.replace("clerk", "issuer"), "of"), (GOOD + "revoked = 1\n", "revoked"), ("[[key]\n", "no TOML"),
        (GOOD.replace("0" * 64, "0" * 63), "digest"), (GOOD + "to = 2026-09-14\n", "to"), ("keys = []\n", "not known"),
    ],
)  # fmt: skip
def test_a_file_of_keys_that_is_wrong_is_named_with_what_belongs_there(path: Path, text: str, says: str) -> None:
    path.write_text(text)
    with pytest.raises(TermsError, match=says):
        read_keys(path)
