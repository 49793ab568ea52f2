"""Changes to a Python source, found by its syntax tree and made in its text.

The rules: annotations, decorators, docstrings and texts are left alone, and so is what only a type checker reads. A
loop's condition never becomes true for good: that would only show that tests end."""

import ast
import itertools
import re
from types import CodeType

from tests.mutation.mutant import Mutant, made, numbered

_COMPARISONS: dict[type[ast.cmpop], tuple[str, ...]] = {
    ast.Lt: ("<=", ">="),
    ast.LtE: ("<", ">"),
    ast.Gt: (">=", "<="),
    ast.GtE: (">", "<"),
    ast.Eq: ("!=",),
    ast.NotEq: ("==",),
    ast.Is: ("is not",),
    ast.IsNot: ("is",),
    ast.In: ("not in",),
    ast.NotIn: ("in",),
}
_ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "+",
    ast.Div: "*",
    ast.FloorDiv: "*",
    ast.Mod: "*",
    ast.LShift: ">>",
    ast.RShift: "<<",
    ast.BitAnd: "|",
    ast.BitOr: "&",
    ast.BitXor: "|",
}
_SIGN = re.compile(r"(?:#[^\n]*|[\s()\\])*((?:not\s+in|is\s+not|is|in|and|or)\b|[-+*/%<>=!&|^@]+)")


def python_mutants(path: str, source: str) -> list[Mutant]:
    """Every change to this file, in its order."""
    finder = _Finder(source)
    finder.visit(ast.parse(source))
    return numbered(made(path, source, function, change) for function, change in finder.found)


def same_code(one: str, other: str) -> bool:
    """Whether two sources come to the same instructions, wherever they stand in the text."""
    return _instructions(compile(one, "", "exec")) == _instructions(compile(other, "", "exec"))


def _instructions(code: object) -> object:
    if not isinstance(code, CodeType):
        return type(code), repr(code)
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    return code.co_code, names, [_instructions(constant) for constant in code.co_consts]


class _Finder(ast.NodeVisitor):
    """Collects (function, (start, end, what stands there instead))."""

    def __init__(self, source: str) -> None:
        self.found: list[tuple[str, tuple[int, int, str]]] = []
        self._source = source
        lines = source.splitlines(keepends=True)
        self._lines = lines
        self._starts = [0, *itertools.accumulate(len(line) for line in lines)]
        self._within: list[str] = []

    def _at(self, line: int, column: int) -> int:
        """A place of the tree, whose columns count bytes, as an offset in the text."""
        return self._starts[line - 1] + len(self._lines[line - 1].encode()[:column].decode())

    def _start(self, node: ast.expr | ast.stmt) -> int:
        return self._at(node.lineno, node.col_offset)

    def _end(self, node: ast.expr | ast.stmt) -> int:
        return self._at(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def _note(self, start: int, end: int, text: str) -> None:
        self.found.append((".".join(self._within), (start, end, text)))

    def _replace(self, node: ast.expr | ast.stmt, text: str) -> None:
        self._note(self._start(node), self._end(node), text)

    def _replace_sign(self, before: ast.expr, after: ast.expr, *texts: str) -> None:
        """The operator between two expressions."""
        found = _SIGN.match(self._source, self._end(before), self._start(after))
        assert found, self._source[self._end(before) : self._start(after)]
        for text in texts:
            self._note(found.start(1), found.end(1), text)

    def _walk_body(self, node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._within.append(node.name)
        if not isinstance(node, ast.ClassDef):
            for default in [*node.args.defaults, *node.args.kw_defaults]:
                if default is not None:
                    self.visit(default)
        for statement in node.body:
            self.visit(statement)
        self._within.pop()

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._walk_body(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._walk_body(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._walk_body(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)
            if not isinstance(node.target, ast.Name):
                self._replace(node, "pass")

    def visit_Compare(self, node: ast.Compare) -> None:
        sides = [node.left, *node.comparators]
        for (before, after), operator in zip(itertools.pairwise(sides), node.ops, strict=True):
            self._replace_sign(before, after, *_COMPARISONS[type(operator)])
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        is_and = isinstance(node.op, ast.And)
        for before, after in itertools.pairwise(node.values):
            self._replace_sign(before, after, "or" if is_and else "and")
        for value in node.values:
            self._replace(value, "True" if is_and else "False")
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        texts = any(isinstance(side, ast.JoinedStr) or _is_text(side) for side in (node.left, node.right))
        if type(node.op) in _ARITHMETIC and not texts:
            self._replace_sign(node.left, node.right, _ARITHMETIC[type(node.op)])
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not):
            start, inner = self._start(node), self._start(node.operand)
            after = self._source[start + 3 : inner]
            self._note(start, inner, after.lstrip())
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool):
            self._replace(node, str(not node.value))
        elif isinstance(node.value, int):
            is_hex = self._source[self._start(node) :][:2].lower() == "0x"
            for value in (node.value + 1, node.value - 1):
                if value >= 0:
                    self._replace(node, hex(value) if is_hex else str(value))

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Texts are left alone, and the tree does not know the places within them."""

    def visit_If(self, node: ast.If) -> None:
        if ast.unparse(node.test) not in ("TYPE_CHECKING", "__name__ == '__main__'"):
            self._replace(node.test, "True")
            self._replace(node.test, "False")
            self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._replace(node.test, "True")
        self._replace(node.test, "False")
        self.generic_visit(node)

    def visit_While(self, node: ast.While) -> None:
        if not isinstance(node.test, ast.Constant):
            self._replace(node.test, "False")
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for condition in node.ifs:
            self._replace(condition, "True")
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call | ast.Await | ast.Yield | ast.YieldFrom):
            self._replace(node, "pass")
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        if isinstance(node.targets[0], ast.Attribute | ast.Subscript):
            self._replace(node, "pass")
        if not _is_for_the_language(node):
            self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._replace(node, "pass")
        self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> None:
        self._replace(node, "pass")
        self.generic_visit(node)

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None and not isinstance(node.value, ast.Constant):
            self._replace(node.value, "None")
        self.generic_visit(node)

    def visit_Continue(self, node: ast.Continue) -> None:
        self._replace(node, "pass")

    def visit_Break(self, node: ast.Break) -> None:
        self._replace(node, "pass")

    def visit_Delete(self, node: ast.Delete) -> None:
        self._replace(node, "pass")


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)


def _is_for_the_language(node: ast.Assign) -> bool:
    return isinstance(node.targets[0], ast.Name) and node.targets[0].id.startswith("__")
