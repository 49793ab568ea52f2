"""yima.sdk.keyring: a test world's keys outlive a run, and only their owner may read them."""

import json
import os
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.sdk import layouts
from yima.sdk.keyring import Keyring, KeyringError
from yima.validator.system.locks import HeldError, hold


def test_keys_are_made_once_and_come_back_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "world.keys"
    keyring = Keyring.load(path)
    root = keyring.root(2)
    issuer = keyring.issuer(root, "00083010")
    keyring.save(path)
    again = Keyring.load(path)
    assert again.root(2) == root
    assert again.issuer(again.root(2), "00083010") == issuer


def test_the_file_grows_and_keeps_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "world.keys"
    first = Keyring()
    root = first.root(1)
    first.save(path)
    second = Keyring.load(path)
    second.root(2)
    second.issuer(root, "01011000")
    second.save(path)
    assert Keyring.load(path).root(1) == root


def test_two_programs_that_make_keys_for_one_file_at_once_lose_none(tmp_path: Path) -> None:
    """Each wrote what it had read and made, and the second one took the first one's issuer away."""
    path = tmp_path / "world.keys"
    reading, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        with Keyring.kept(path) as keyring:
            reading.set()
            go_on.wait(200)
            keyring.root(1)

    def other() -> None:
        with Keyring.kept(path) as keyring:
            keyring.root(2)

    threads = [threading.Thread(target=slow), threading.Thread(target=other)]
    threads[0].start()
    assert reading.wait(200)
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join(200)
    content = json.loads(path.read_text(encoding="utf-8"))
    assert len(content["roots"]) == 2


def test_who_keeps_a_file_has_its_turn_until_the_keys_are_written(tmp_path: Path) -> None:
    path = tmp_path / "world.keys"
    with Keyring.kept(path) as keyring:
        keyring.root(1)
        with pytest.raises(HeldError):
            hold(tmp_path / ".world.keys.lock")
        assert not path.exists()
    os.close(hold(tmp_path / ".world.keys.lock"))
    assert path.exists()


def test_no_two_issuers_of_a_file_have_one_serial(tmp_path: Path) -> None:
    """A certificate is withdrawn by its serial."""
    path = tmp_path / "world.keys"
    made = []
    for number in ("00083010", "01011000", "01021000"):
        with Keyring.kept(path) as keyring:
            made.append(keyring.issuer(keyring.root(1), number).certificate)
    assert len({layouts.CERTIFICATE.parse(one).serial for one in made}) == 3


def test_only_the_owner_may_read_it_and_its_first_line_warns(tmp_path: Path) -> None:
    path = tmp_path / "world.keys"
    path.write_text(json.dumps({"roots": [], "issuers": []}))
    path.chmod(0o644)
    keyring = Keyring.load(path)
    keyring.root(1)
    keyring.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "TEST KEYS" in path.read_text().splitlines()[1]
    assert [entry.name for entry in tmp_path.iterdir()] == ["world.keys"]


def test_a_key_that_does_not_fit_its_certificate_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "world.keys"
    keyring = Keyring()
    keyring.issuer(keyring.root(1), "00083010")
    keyring.save(path)
    for kind in ("roots", "issuers"):
        content = json.loads(path.read_text())
        content[kind][0]["secret"] = "07" * 32
        (tmp_path / "other").write_text(json.dumps(content))
        with pytest.raises(KeyringError, match="no file of test keys"):
            Keyring.load(tmp_path / "other")


@pytest.mark.parametrize("kind", ["roots", "issuers"])
def test_a_certificate_with_more_behind_it_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "world.keys"
    keyring = Keyring()
    keyring.issuer(keyring.root(1), "00083010")
    keyring.save(path)
    content = json.loads(path.read_text())
    content[kind][0]["certificate"] += "00"
    path.write_text(json.dumps(content))
    with pytest.raises(KeyringError, match="no file of test keys"):
        Keyring.load(path)


def test_a_place_that_cannot_be_read_or_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyringError, match="cannot be read"):
        Keyring.load(tmp_path)
    with pytest.raises(KeyringError, match="cannot be written"):
        Keyring().save(tmp_path / "nowhere" / "world.keys")


@given(
    content=st.binary(max_size=200)
    | st.recursive(
        st.none() | st.integers() | st.text(max_size=70),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(st.sampled_from(["roots", "issuers", "certificate", "secret"]), inner, max_size=4)
        ),
    )
)
def test_any_file_gives_keys_or_the_one_error(content: object, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("keys") / "world.keys"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    try:
        Keyring.load(path)
    except KeyringError as error:
        assert error.thing == str(path)
