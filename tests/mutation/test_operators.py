"""Which changes are made to a source, and what they are called."""

import pytest

from tests.mutation.c_operators import c_mutants
from tests.mutation.mutant import Mutant
from tests.mutation.python_operators import python_mutants, same_code
from tests.mutation.targets import ROOT, draw, mutants_of

C_SOURCE = """\
/* if (a < b) return 1; */
#define LESS(a, b) ((a) < (b) + 1)
enum { MOST = 7 };
static int fits(const uint8_t *row, int size) {
    if (size > 0 && row[0] != 2) return MOST;
    note(row, "1 < 2");
    return 0;
}
"""

PYTHON_SOURCE = '''\
"""Not 1 < 2."""
MOST: int = 7


@dataclass(frozen=True)
class Row:
    def fits(self, size: int = 3) -> bool | None:
        """Whether 1 < 2."""
        if size > 0 and not self.full:
            self.count += 1
            return size
        raise ValueError(f"{size + 1} < {1}")
'''


def changes(mutants: list[Mutant], function: str) -> list[str]:
    return [mutant.change for mutant in mutants if mutant.function == function]


def test_a_c_source_is_changed_in_its_comparisons_constants_conditions_operands_and_statements() -> None:
    mutants = c_mutants("a.c", C_SOURCE)
    assert changes(mutants, "") == ["7 → 6", "7 → 8"]
    assert changes(mutants, "fits") == [
        *("size > 0 → 1", "size > 0 && row[0] != 2 → 0", "size > 0 && row[0] != 2 → 1"),
        *("> → <=", "> → >=", "0 → 1", "&& → ||", "row[0] != 2 → 1", "0 → 1", "!= → ==", "2 → 1", "2 → 3", "MOST → 0"),
        *('note(row, "1 < 2") → nothing', "0 → 1"),
    ]


def test_a_python_source_is_changed_in_the_same_ways() -> None:
    mutants = python_mutants("a.py", PYTHON_SOURCE)
    assert changes(mutants, "") == ["7 → 6", "7 → 8"]
    assert changes(mutants, "Row.fits") == [
        *("3 → 2", "3 → 4", "size > 0 → True", "size > 0 and not self.full → False"),
        *("size > 0 and not self.full → True", "> → <=", "> → >=", "0 → 1", "and → or", "not → nothing"),
        *("not self.full → True", "self.count += 1 → pass", "1 → 0", "1 → 2", "size → None"),
        'raise ValueError(f"{size + 1} < {1}") → pass',
    ]


def test_nothing_in_a_comment_a_text_or_a_macro_is_changed() -> None:
    assert c_mutants("a.c", '/* x < 1 */ // 2 > 1\n#define A 1 \\\n    + 2\nconst char *a = "3 && 4";\n') == []
    assert python_mutants("a.py", '"""1 < 2"""\n# 3 > 4\na = "5 and 6"\n') == []


def test_a_pointer_is_no_product_and_a_minus_in_front_no_difference() -> None:
    source = "void f(void) {\n    const int *p = (const int *)q;\n    a = b * -c;\n}\n"
    assert changes(c_mutants("a.c", source), "f") == ["a = b * -c → nothing", "* → +"]


def test_an_operand_ends_where_its_brackets_and_its_alternative_do() -> None:
    source = "int f(void) {\n    return g(a && b) || c[d && e] ? 2 : h;\n}\n"
    assert {"g(a && b) → 0", "c[d && e] → 0", "a → 1", "b → 1", "d → 1", "e → 1"} <= set(
        changes(c_mutants("", source), "f")
    )


def test_what_an_initialiser_calls_is_no_statement() -> None:
    assert changes(c_mutants("", "int f(void) {\n    const row r = {*at, g(x)};\n    h(r);\n}\n"), "f") == [
        "h(r) → nothing"
    ]


@pytest.mark.parametrize("path", ["validator/core/deny.c", "validator/readers/framing.py"])
def test_each_change_can_be_told_from_every_other_and_changes_just_what_it_says(path: str) -> None:
    source = (ROOT / path).read_text()
    mutants = mutants_of(path)
    assert len(mutants) > 300
    assert len({mutant.name for mutant in mutants}) == len(mutants)
    for mutant in mutants:
        changed = mutant.applied(source)
        assert changed != source
        assert changed == source[: mutant.start] + mutant.text + source[mutant.end :]


def side_by_side(mutants: list[Mutant]) -> list[list[Mutant]]:
    """All of them, in lots of which no two touch each other."""
    lots: list[list[Mutant]] = []
    for mutant in sorted(mutants, key=lambda mutant: (mutant.start, mutant.end)):
        for lot in lots:
            if lot[-1].end < mutant.start:
                lot.append(mutant)
                break
        else:
            lots.append([mutant])
    return lots


def test_every_change_of_a_python_source_is_python() -> None:
    for path in ("validator/readers/framing.py", "validator/uplink/sender.py", "validator/device.py"):
        source = (ROOT / path).read_text()
        for lot in side_by_side(python_mutants(path, source)):
            changed = source
            for mutant in reversed(lot):
                changed = mutant.applied(changed)
            compile(changed, path, "exec")


def test_a_name_holds_when_the_line_moves_and_ends_when_it_is_rewritten() -> None:
    moved = {mutant.name for mutant in c_mutants("a.c", "int other;\n\n" + C_SOURCE)}
    rewritten = {mutant.name for mutant in c_mutants("a.c", C_SOURCE.replace("row[0] != 2", "row[1] != 2"))}
    names = {mutant.name for mutant in c_mutants("a.c", C_SOURCE)}
    assert moved == names
    assert {name for name in names if "row[0]" not in name} == names & rewritten


def test_changes_alike_on_one_line_are_told_apart_by_their_number() -> None:
    names = [mutant.name for mutant in c_mutants("a.c", "int f(void) {\n    return g(1, 1);\n}\n")]
    assert names[1:] == [
        "a.c | f | return g(1, 1); | 1 → 0",
        "a.c | f | return g(1, 1); | 1 → 2",
        "a.c | f | return g(1, 1); | 1 → 0 (no. 2)",
        "a.c | f | return g(1, 1); | 1 → 2 (no. 2)",
    ]


def test_code_is_the_same_wherever_it_stands_and_however_a_constant_is_written() -> None:
    assert same_code("a = 1 + 1  # two\n", "\n\na = 2\n")
    assert not same_code("a = 1\n", "a = True\n")
    assert not same_code("def f():\n    return 1\n", "def f():\n    return 2\n")


def test_a_draw_depends_on_its_seed_and_takes_from_every_file_and_from_every_line_first() -> None:
    files = {"a.c": c_mutants("a.c", C_SOURCE), "b.c": c_mutants("b.c", C_SOURCE * 20), "c.c": []}
    drawn = draw(files, 12, seed=1)
    assert draw(files, 12, seed=1) == drawn
    assert draw(files, 12, seed=2) != drawn
    taken = [[mutant.line for mutant in drawn if mutant.path == path] for path in ("a.c", "b.c")]
    assert len(taken[0]) >= 2
    assert len(taken[1]) > len(taken[0])
    for lines in taken:
        assert len(set(lines)) == min(len(lines), 4)
    assert len(draw(files, 10_000, seed=1)) == sum(len(mutants) for mutants in files.values())


def test_an_edit_of_one_line_leaves_the_draw_of_the_others_as_it_was() -> None:
    source = (ROOT / "validator/core/deny.c").read_text()
    before = draw({"d": c_mutants("d", source)}, 40, seed=1)
    after = draw({"d": c_mutants("d", source.replace("end < row", "end < (row)"))}, 40, seed=1)
    assert len({mutant.name for mutant in before} & {mutant.name for mutant in after}) >= 38
