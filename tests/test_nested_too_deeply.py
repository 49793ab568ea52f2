"""Files and lines of JSON or TOML, nested so deeply that Python's own parsers give up: refused in the project's words
wherever they come in, and no thread ends of them."""

import json
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from yima.firmware_images.hardware import read as read_hardware
from yima.firmware_images.signing import MANIFEST, read_manifest
from yima.hwsim.board.backend import BoardReader
from yima.hwsim.commands import BadLineError, parse_receipt
from yima.hwsim.processes import Process
from yima.sdk.centre.clearing.taps.stores import SqliteSource
from yima.sdk.centre.clearing.toml_rows import read as read_rows
from yima.sdk.centre.clearing.workspace import parse_state
from yima.sdk.centre.fleet.exporting import CURSOR, Form, export
from yima.sdk.centre.packages.folder import Folder
from yima.sdk.conform import load_vector
from yima.sdk.keyring import Keyring
from yima.sdk.parameters.source import read_source
from yima.validator.errors import ReaderError, YimaError
from yima.validator.journal.cursor import QUARANTINE, Cursor
from yima.validator.journal.files import FolderFiles
from yima.validator.packages.publication import INDEX, parse_document
from yima.validator.parameters.loading import load
from yima.validator.readers.replay import open_reader

DEEP = "[" * 100_000
TOML = f"a = {DEEP}"

# What is read, as what file under a folder, and how.
FILES: dict[str, tuple[str, str, Callable[[Path], object]]] = {
    "parameters": ("city.toml", TOML, lambda folder: load(folder / "city.toml")),
    "a source of parameters": ("package.toml", TOML, read_source),
    "a board": ("board.toml", TOML, lambda folder: read_hardware(folder / "board.toml")),
    "a centre's rules": ("rules.toml", TOML, lambda folder: read_rows(folder / "rules.toml")),
    "a manifest of firmware": (MANIFEST, DEEP, read_manifest),
    "a workspace": ("state.json", DEEP, lambda folder: parse_state((folder / "state.json").read_bytes(), folder)),
    "a place of an export": (CURSOR, DEEP, lambda folder: export(SqliteSource(folder / "a.db"), folder, Form.JSONL)),
    "a plan": ("plans/1.json", DEEP, lambda folder: Folder(folder).plans()),
    "an index": ("index.json", DEEP, lambda folder: parse_document((folder / "index.json").read_bytes(), INDEX)),
    "a vector": ("1.json", DEEP, lambda folder: load_vector(folder / "1.json")),
    "a keyring": ("keys.json", DEEP, lambda folder: Keyring.load(folder / "keys.json")),
    "a recorded session": ("taps.jsonl", DEEP, lambda folder: open_reader(str(folder / "taps.jsonl"))),
}


@pytest.mark.parametrize("what", FILES)
def test_a_file_is_refused_by_its_name(what: str, tmp_path: Path) -> None:
    name, content, read = FILES[what]
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(YimaError) as refused:
        read(tmp_path)
    assert len(str(refused.value)) < 1000


def test_of_what_the_collector_refused_the_lines_that_are_none_are_passed_over(tmp_path: Path) -> None:
    whole = json.dumps({"sequence": 7, "why": "no such key", "at": None})
    (tmp_path / QUARANTINE).write_text(f"{DEEP}\n{whole}\n", encoding="utf-8")
    (entry,) = Cursor(FolderFiles(tmp_path)).quarantined()
    assert entry.sequence == 7


def test_a_gates_receipt_is_no_receipt() -> None:
    with pytest.raises(BadLineError):
        parse_receipt(DEEP[:4000].encode())


def test_a_boards_scanner_that_says_so_is_gone(tmp_path: Path) -> None:
    place = tmp_path / "board"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(place))
        listening.listen()

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(100)
                connection.sendall(b'{"scanner": true}\n' + DEEP[:60_000].encode() + b"\n")
                connection.recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        reader = BoardReader(str(place))
        with pytest.raises(ReaderError, match="the board is gone"):
            reader.read(30)
        reader.close()
        thread.join()


def test_a_process_that_says_so_is_heard_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho '{DEEP}'\necho '{{\"event\": \"listening\"}}'\nsleep 60\n", encoding="utf-8")
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    process = Process("collector", ["collect"])
    try:
        assert process.said(30) == {"event": "listening"}
    finally:
        process.kill()
