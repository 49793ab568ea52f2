"""The corpora notice what they are there for: with one rule taken out of the source, a target fails on its own corpus.

Here without sanitizers and with any compiler, which is also how a machine without clang replays.
"""

import subprocess
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import pytest

from tests.fuzz import world
from tests.fuzz.seeds import write_seeds
from tests.fuzz.targets import INCLUDES, ROOT, TARGETS, Compiler, Target, find_compiler
from tests.once import once
from yima.firmware_images.hardware import write_map

_MOST_BYTES = 1 << 20
Build = Callable[[Target, dict[Path, Path]], Path]


@cache
def compiler() -> Compiler:
    return Compiler(command=find_compiler().command, fuzzes=False)


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
    (
        "flashlog",
        "validator/core/flashlog.c",
        "end_of(log, block, header.sequence) - 1 <= log->acknowledged",
        "log->next > 0",
    ),
    ("flashlog", "validator/core/flashlog.c", "can_open(log, 1) ? open_next(log, 0) : !has_room", "0"),
    (
        "flashlog",
        "validator/core/flashlog.c",
        "if (state < ENTRY_ROTTEN) continue;",
        "if (state < ENTRY_TORN) continue;",
    ),
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
    ("package", "validator/core/package.c", "if (!is_part(p, entry)) return 0;", ""),
    ("package", "validator/core/package.c", "if (memcmp(p->parts + i * YIMA_PACKAGE_PART, row, sizeof row) == 0)", ""),
    ("parameters", "validator/core/rules.c", "(uint64_t)at + i", "at"),
    ("parameters", "validator/core/rules.c", "its_own || within", "its_own"),
    ("parameters", "validator/core/rules.c", "told <= both", "told < both"),
    ("smp", "firmware_images/app/smp.c", "if (answer.full) result = SMP_EINVAL;", ""),
    ("flash", "firmware_images/app/status.c", "*value > ' ' && *value < 0x7F ? *value : '?'", "*value"),
    ("flash", "firmware_images/app/main.c", "+ station_run()", ""),
    ("scanner", "firmware_images/app/device.c", "yima_log_append(&device.log, l->entry, l->entry_size, number);", "1;"),
    ("scanner", "firmware_images/app/main.c", "framing_silence(&scanner, port_ms());", ";"),
]
BRIEF = {0, 3, 8, 10}
"""One each of targets that are compiled soon."""


def compiled(sources: Sequence[Path], target: Target, folder: Path) -> None:
    """The objects of some sources of a target, without sanitizers: each in the folder of its name in `folder`."""
    (folder / "world.h").write_text(world.header())
    write_map(world.BOARD, folder)
    for parent in {source.parent for source in sources}:
        (folder / parent.name).mkdir(exist_ok=True)
        subprocess.run(
            [
                *(*compiler().command, "-std=c11", "-O0", "-w", "-c"),
                *(f"-I{place}" for place in (folder, *(ROOT / include for include in INCLUDES))),
                *(f"-D{define}" for define in target.defines),
                *(str(ROOT / source) for source in sources if source.parent == parent),
            ],
            cwd=folder / parent.name,
            check=True,
        )


def object_of(source: Path, folder: Path) -> Path:
    return folder / source.parent.name / f"{source.stem}.o"


@pytest.fixture
def build(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Links a target, some of whose sources are replaced; the others are compiled once a run."""

    def link(target: Target, changed: dict[Path, Path]) -> Path:
        sources = [source for source, _ in target.objects(compiler())]
        whole = once(tmp_path_factory, f"fuzz-{target.name}", lambda folder: compiled(sources, target, folder))
        if changed:
            compiled(list(changed.values()), target, tmp_path)
        objects = [object_of(changed[one], tmp_path) if one in changed else object_of(one, whole) for one in sources]
        program = tmp_path / target.name
        subprocess.run([*compiler().command, *map(str, objects), *target.link_flags, "-o", str(program)], check=True)
        return program

    return link


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


@pytest.mark.long  # `make fuzz` replays them too, and CI runs it
@pytest.mark.parametrize("name", ["record", "deny", "flashlog", "framing", "cbor", "judge", "smp", "flash", "scanner"])
def test_without_a_fault_the_corpus_holds(name: str, build: Build) -> None:
    done = replayed(build(_NAMED[name], {}), _NAMED[name])
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fault, id=f"{fault[0]}-{number}", marks=() if number in BRIEF else pytest.mark.long)
        for number, fault in enumerate(FAULTS)
    ],
)
def test_a_rule_taken_out_is_noticed(fault: tuple[str, str, str, str], tmp_path: Path, build: Build) -> None:
    name, source, there, instead = fault
    text = (ROOT / source).read_text()
    assert there in text
    changed = tmp_path / "changed.c"
    changed.write_text(text.replace(there, instead))
    done = replayed(build(_NAMED[name], {Path(source): changed}), _NAMED[name])
    assert done.returncode != 0
    assert "demanded:" in done.stderr
