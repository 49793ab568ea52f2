"""A page of Markdown from a C header: its comments become text, what they stand above becomes code.

A header of this project is written to be read from the top: a comment that introduces the file, headings of the form
`/* ---- Judging ---- */`, and above each declaration a comment that says what it does. The page keeps that order and
leaves nothing out but include guards and the C++ braces. A test holds that every declaration is on its page.
"""

import re

_HEADING = re.compile(r"/\* -{3,} (.+?) -{3,} \*/")
_PLUMBING = re.compile(
    r"#ifndef \w+_H\n#define \w+_H\n|#ifdef __cplusplus\n(?:extern \"C\" \{|\})\n#endif\n?|(?<=\n)#endif\s*\Z"
)
_COMMENT = re.compile(r"^/\*(.*?)\*/\n?", re.DOTALL)


def prose(comment: str) -> str:
    """The text of a comment, without the stars at its lines' beginnings; names get code font."""
    lines = [re.sub(r"^ ?\* ?", "", line.strip()) for line in comment.strip().splitlines()]
    text = re.sub(r"(?<!^)(?<!\n)\n(?=- )", "\n\n", "\n".join(lines).strip(), count=1)
    text = re.sub(r"([\\<>*|])", r"\\\1", text)
    return re.sub(r"\b(yima_\w+|YIMA_\w+|NULL)\b", r"`\1`", text)


def page_of(header: str, name: str, where: str) -> str:
    """The page. header: the text of the file. name: its title. where: its path in the repository."""
    source = _PLUMBING.sub("", header)
    out = [f"# {name}", f"From `{where}`, which has nothing more to say."]
    code: list[str] = []

    def flush() -> None:
        text = "\n".join(code).strip("\n")
        code.clear()
        if text.strip():
            out.append(f"```c\n{text}\n```")

    rest = source.lstrip()
    while rest:
        if heading := _HEADING.match(rest):
            flush()
            out.append(f"## {heading[1]}")
            rest = rest[heading.end() :].lstrip("\n")
        elif comment := _COMMENT.match(rest):
            flush()
            out.append(prose(comment[1]))
            rest = rest[comment.end() :]
        else:
            line, _, rest = rest.partition("\n")
            code.append(line)
    flush()
    return "\n\n".join(out) + "\n"
