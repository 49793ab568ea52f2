"""The corpora notice what they are there for: with one rule taken out of the source, a target fails on its own corpus.

Here without sanitizers and with any compiler, which is also how a machine without clang replays.
"""

import subprocess
from pathlib import Path

import pytest

from tests.fuzz import world
from tests.fuzz.seeds import write_seeds
from tests.fuzz.targets import INCLUDES, ROOT, TARGETS, Compiler, Target, find_compiler

_MOST_BYTES = 1 << 20
_NAMED = {target.name: target for target in TARGETS}

# target, source, what stands there, what stands there instead
FAULTS = [
    ("record", "validator/core/record.c", "length > size - at - HEAD_SIZE || (integrity_at && tag < TAG_OWN)", "0"),
    ("record", "validator/core/record.c", "r.failed || !verdict->accepted", "r.failed"),
    ("facts", "validator/core/facts.c", "return at == size;", "return at <= size;"),
    ("deny", "validator/core/deny.c", "if (has_account(layer->allowed, 0, layer->allowed.count, mixed)) return 0;", ""),
    (
        "deny",
        "validator/core/deny.c",
        "<= 0) {\n            low = middle + 1;",
        "< 0) {\n            low = middle + 1;",
    ),
    ("flashlog", "validator/core/flashlog.c", "(opens && !can_open(log, 2))", "0"),
    (
        "flashlog",
        "validator/core/flashlog.c",
        "can_open(log, 1) ? open_next(log) : open_again(log)",
        "can_open(log, 1) && open_next(log)",
    ),
    ("flashlog", "validator/core/flashlog.c", "if (state == ENTRY_LOST) {", "if (0) {"),
    ("framing", "firmware_images/app/framing.c", "if (!silent) break;", ""),
    ("framing", "firmware_images/app/framing.c", "f->checked = 0;", ""),
    ("cbor", "firmware_images/app/cbor.c", "of->major != MAJOR_MAP || k % 2 == 0", "1"),
    ("cbor", "firmware_images/app/cbor.c", "piece.major != major ||", ""),
    ("cbor", "firmware_images/app/cbor.c", "size > out->capacity - out->size", "size > out->capacity"),
    (
        "judge",
        "validator/core/replay.c",
        "if (entry) {\n        unname",
        "if (0) {\n        unname",
    ),
    ("parameters", "validator/core/rules.c", "(uint64_t)at + i", "at"),
    ("smp", "firmware_images/app/smp.c", "if (answer.full) result = SMP_EINVAL;", ""),
]


def built(target: Target, folder: Path, changed: dict[Path, Path]) -> Path:
    """The target without sanitizers, with some of its sources replaced."""
    compiler = Compiler(command=find_compiler().command, fuzzes=False)
    (folder / "world.h").write_text(world.header())
    sources = [changed.get(source, ROOT / source) for source, _ in target.objects(compiler)]
    program = folder / target.name
    subprocess.run(
        [
            *(*compiler.command, "-std=c11", "-O0", "-w"),
            *(f"-I{place}" for place in (folder, *(ROOT / include for include in INCLUDES))),
            *(f"-D{define}" for define in target.defines),
            *(*map(str, sources), "-o", str(program)),
        ],
        check=True,
    )
    return program


def replayed(program: Path, target: Target) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(program), *map(str, target.files)], capture_output=True, text=True, check=False, timeout=100
    )


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_every_target_has_a_corpus_of_inputs_that_it_takes(target: Target) -> None:
    assert target.files
    assert all(path.stat().st_size <= target.max_len for path in target.files)


def test_the_corpora_stay_small() -> None:
    assert sum(path.stat().st_size for target in TARGETS for path in target.files) < _MOST_BYTES


def test_every_target_has_seeds(tmp_path: Path) -> None:
    for target in TARGETS:
        write_seeds(target.name, tmp_path / target.name)
        assert all(path.stat().st_size <= target.max_len for path in (tmp_path / target.name).iterdir()), target.name


def test_the_world_is_the_same_whenever_it_is_made() -> None:
    assert world.header() == world.header()


@pytest.mark.parametrize("name", ["record", "deny", "flashlog", "framing", "cbor"])
def test_without_a_fault_the_corpus_holds(name: str, tmp_path: Path) -> None:
    done = replayed(built(_NAMED[name], tmp_path, {}), _NAMED[name])
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize(
    ("name", "source", "there", "instead"), FAULTS, ids=[f"{f[0]}-{n}" for n, f in enumerate(FAULTS)]
)
def test_a_rule_taken_out_is_noticed(name: str, source: str, there: str, instead: str, tmp_path: Path) -> None:
    text = (ROOT / source).read_text()
    assert there in text
    changed = tmp_path / "changed.c"
    changed.write_text(text.replace(there, instead))
    done = replayed(built(_NAMED[name], tmp_path, {Path(source): changed}), _NAMED[name])
    assert done.returncode != 0
    assert "demanded:" in done.stderr
