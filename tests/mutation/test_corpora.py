"""The fuzz corpora against a mutant: what was changed is compiled, and everything is found where it was compiled to."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.fuzz import targets
from tests.mutation import corpora


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The compiler's command lines; in its place something writes empty files, and links only what is there."""
    called: list[list[str]] = []

    def call(command: Sequence[str]) -> None:
        called.append(list(command))
        for name in command:
            assert not name.endswith(".o") or command[-1] == name or (tmp_path / name).exists(), name
        (tmp_path / command[-1]).write_bytes(b"")

    for module in (targets, corpora):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(targets, "_call", call)
    monkeypatch.setattr(corpora, "write_headers", lambda: None)
    monkeypatch.setattr(corpora, "replay", lambda target: None)
    return called


def compiled(commands: list[list[str]]) -> list[str]:
    """Which sources were compiled since the last time it was asked."""
    found = [next(word for word in command if word.endswith(".c")) for command in commands if "-c" in command]
    commands.clear()
    return found


def test_every_target_is_linked_of_objects_that_were_compiled(commands: list[list[str]]) -> None:
    assert corpora.main(["validator/core/sm3.c"]) == 0
    linked = [command[-1] for command in commands if "-c" not in command]
    assert f"{targets.BUILD}/smp" in linked and len(linked) > 8


def test_a_source_that_was_changed_is_compiled_anew_and_nothing_else(commands: list[list[str]]) -> None:
    corpora.main(["validator/core/sm3.c"])
    assert {"validator/core/sm3.c", "validator/core/deny.c"} <= set(compiled(commands))
    corpora.main(["validator/core/deny.c"])
    assert set(compiled(commands)) == {"validator/core/deny.c", "validator/core/sm3.c"}, "as they are without a mutant"
    corpora.main(["validator/core/deny.c"])
    assert compiled(commands) == ["validator/core/deny.c"]
