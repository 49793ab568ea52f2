"""Changes to a C source, found by its tokens.

The rules: what stands in comments, strings and preprocessor lines is left alone, for the tables that macros make are
tested by what they make. An operator is binary when blanks stand on both sides of it, which clang-format sees to; so no
pointer's star is taken for a product. Whether a change compiles is the compiler's to say."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.mutation.mutant import Mutant, made, numbered

_TOKEN = re.compile(
    r"""(?P<blank>\s+|/\*.*?\*/|//[^\n]*)
      | (?P<directive>^[ \t]*\#(?:\\\n|[^\n])*)
      | (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
      | (?P<number>(?:0[xX][0-9a-fA-F]+|[0-9]+)[uUlL]*)
      | (?P<word>[A-Za-z_]\w*)
      | (?P<sign><<=|>>=|\.\.\.|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|[^\w\s])""",
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)
# What stands between two blanks, and what takes its place.
_BINARY = {
    "<": ("<=", ">="),
    "<=": ("<", ">"),
    ">": (">=", "<="),
    ">=": (">", "<"),
    "==": ("!=",),
    "!=": ("==",),
    "&&": ("||",),
    "||": ("&&",),
    "+": ("-",),
    "-": ("+",),
    "*": ("+",),
    "/": ("*",),
    "%": ("/",),
    "<<": (">>",),
    ">>": ("<<",),
    "&": ("|",),
    "|": ("&",),
    "^": ("|",),
    "+=": ("-=",),
    "-=": ("+=",),
    "|=": ("&=",),
    "&=": ("|=",),
    "^=": ("|=",),
}
_NEUTRAL = {"&&": "1", "||": "0"}
_OPENING, _CLOSING = {"(", "[", "{"}, {")", "]", "}"}
_ASSIGNING = {"=", "+=", "-=", "*=", "|=", "&=", "^=", "<<=", ">>=", "(", "[", ".", "->", "++", "--"}
_KEYWORDS = {"if", "while", "for", "switch", "return", "sizeof", "do", "else", "case", "default", "goto"}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def c_mutants(path: str, source: str) -> list[Mutant]:
    """Every change to this file, in its order."""
    return numbered(made(path, source, function, change) for function, change in _changes(_tokens(source), source))


def _tokens(source: str) -> list[_Token]:
    found = (_Token(match.lastgroup or "", match[0], match.start()) for match in _TOKEN.finditer(source))
    return [token for token in found if token.kind not in ("blank", "directive")]


def _changes(tokens: list[_Token], source: str) -> Iterator[tuple[str, tuple[int, int, str]]]:
    """(function, (start, end, what stands there instead))."""
    partners = _partners(tokens)
    functions = _functions(tokens, partners)
    for i, token in enumerate(tokens):
        function = functions[i]
        for text in _in_place(token, source, bool(function)):
            yield function, (token.start, token.end, text)
        if function:
            for change in _of_structure(tokens, partners, source, i):
                yield function, change


def _in_place(token: _Token, source: str, in_function: bool) -> Iterator[str]:
    """What may stand in place of this one token."""
    if token.kind == "number":
        yield from _neighbours(token.text)
    if token.kind == "sign" and in_function:
        if source[token.start - 1].isspace() and source[token.end].isspace():
            yield from _BINARY.get(token.text, ())
        if token.text == "!":
            yield ""
        if token.text in ("++", "--"):
            yield {"++": "--", "--": "++"}[token.text]


def _neighbours(number: str) -> Iterator[str]:
    digits = number.rstrip("uUlL")
    suffix = number[len(digits) :]
    base = 16 if digits[:2].lower() == "0x" else 10
    value = int(digits, base)
    for other in (value + 1, value - 1):
        if other >= 0:
            yield (f"0x{other:x}" if base == 16 else str(other)) + suffix


def _of_structure(
    tokens: list[_Token], partners: dict[int, int], source: str, i: int
) -> Iterator[tuple[int, int, str]]:
    """Changes to conditions, operands and statements that begin with, or turn on, token `i`."""
    token = tokens[i]
    end = _end_of_statement(tokens, partners, i)
    if token.text in ("if", "while") and tokens[i + 1].text == "(":
        opened, closed = tokens[i + 1], tokens[partners[i + 1]]
        for text in ("0", "1") if token.text == "if" else ("0",):
            yield opened.end, closed.start, text
    if token.text in _NEUTRAL:
        for first, last in (_operand_before(tokens, partners, i), _operand_behind(tokens, partners, i)):
            yield tokens[first].start, tokens[last].end, _NEUTRAL[token.text]
    if end and token.text == "return" and tokens[i + 1].text != ";" and source[tokens[i + 1].start : end] != "0":
        yield tokens[i + 1].start, end, "0"
    if end and _begins_statement(tokens, partners, i):
        yield token.start, end, ""


def _operand_before(tokens: list[_Token], partners: dict[int, int], i: int) -> tuple[int, int]:
    """First and last token of what stands before the && or || at `i`."""
    ends = _OPENING | {",", ";", "?", ":", "=", "&&", "||"}
    first = i
    while tokens[first - 1].text not in ends and tokens[first - 1].text != "return":
        first = partners.get(first - 1, first - 1)
    return first, i - 1


def _operand_behind(tokens: list[_Token], partners: dict[int, int], i: int) -> tuple[int, int]:
    ends = _CLOSING | {",", ";", "?", ":", "&&", "||"}
    last = i
    while tokens[last + 1].text not in ends:
        last = partners.get(last + 1, last + 1)
    return i + 1, last


def _begins_statement(tokens: list[_Token], partners: dict[int, int], i: int) -> bool:
    """Whether a statement begins here that does something: an assignment, a call, a break or a continue."""
    before = tokens[i - 1]
    opens = before.text in ("{", "}", ";", "else") or (before.text == ")" and _is_head(tokens, partners, i - 1))
    if not opens or _inside_round_brackets(tokens, partners, i):
        return False
    if tokens[i].text in ("break", "continue"):
        return True
    at = i
    while tokens[at].text in ("*", "++", "--"):
        at += 1
    if at > i:
        return tokens[at].kind == "word" or tokens[at].text == "("
    return tokens[i].kind == "word" and tokens[i].text not in _KEYWORDS and tokens[i + 1].text in _ASSIGNING


def _is_head(tokens: list[_Token], partners: dict[int, int], closing: int) -> bool:
    return tokens[partners[closing] - 1].text in ("if", "while", "for")


def _inside_round_brackets(tokens: list[_Token], partners: dict[int, int], i: int) -> bool:
    """As the second and third part of a for are."""
    at = i - 1
    while at >= 0 and tokens[at].text not in _OPENING:
        at = partners.get(at, at) - 1
    return at >= 0 and tokens[at].text != "{"


def _end_of_statement(tokens: list[_Token], partners: dict[int, int], i: int) -> int | None:
    """Where its semicolon stands. None: it is no statement but the first value between braces."""
    while i < len(tokens) and tokens[i].text not in _CLOSING:
        if tokens[i].text == ";":
            return tokens[i].start
        i = partners.get(i, i) + 1
    return None


def _partners(tokens: list[_Token]) -> dict[int, int]:
    """Each bracket's other half, both ways."""
    partners: dict[int, int] = {}
    opened: list[int] = []
    for i, token in enumerate(tokens):
        if token.kind == "sign" and token.text in _OPENING:
            opened.append(i)
        elif token.kind == "sign" and token.text in _CLOSING:
            other = opened.pop()
            partners[i], partners[other] = other, i
    return partners


def _functions(tokens: list[_Token], partners: dict[int, int]) -> list[str]:
    """For each token the function whose body it lies in: the one whose parameters stand before the brace."""
    names = [""] * len(tokens)
    i = 0
    while i < len(tokens):
        if tokens[i].text != "{":
            i += 1
            continue
        name = tokens[partners[i - 1] - 1].text if i and tokens[i - 1].text == ")" else ""
        for inside in range(i, partners[i]):
            names[inside] = name
        i = partners[i] + 1
    return names
