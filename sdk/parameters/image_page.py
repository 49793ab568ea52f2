"""The page of the parameter image, made from the core's table (validator/core/parameters.def).

`python -m yima.sdk.parameters.image_page > docs/parameter-image.md` renews it; a test holds the page against the table.
"""

import sys

from yima.validator.parameters.sections import BY_NUMBER, ENTRY, HEADER, Field, Section

_LARGEST = {1: 0xFF, 2: 0xFFFF, 4: 0xFFFFFFFF}
_ANY = 0xFFFFFFFF

_FRONT = """\
# The parameter image

<!-- Made from validator/core/parameters.def: python -m yima.sdk.parameters.image_page > docs/parameter-image.md -->

What [parameters](parameters.md) are compiled to: the bytes that the core reads in place, from a file or from a board's
flash. A [package](packages.md) carries one. Everything is big-endian and without padding: the header, the directory
with an entry for each section, then the rows. An unknown section is refused: it could hold a rule, and a rule that is
not understood must not be passed over. Numbers of sections are never used again.

How the rows of a section stand:

| rows | |
|---|---|
| one | exactly one row |
| sorted | they ascend strictly by their key, the first bytes of a row, which is how they are searched |
| dated | as sorted, but a key may be repeated for times that do not overlap |
| ranges | the key is a range's first value, its last one follows; ranges ascend and do not overlap |
| listed | a row is known by its number |
| large | as sorted or listed, but not walked when the image is opened: who reads a row checks its numbers |

In dated rows `FROM_S` (inclusive) and `TO_S` (exclusive; FFFFFFFF: open), unix seconds, follow the key.

Forms of fields:

| form | |
|---|---|
| number | unsigned |
| signed | two's complement, not 0 |
| bytes | anything |
| set | 256 bits; the first byte holds 0 to 7, its lowest bit 0 |
| name | ASCII without blanks, at least one character, filled up with zeros, of which there is at least one |
| text | UTF-8, filled up with zeros |
| key | x and y of a point on the SM2 curve |
| zero | zeros |

What «allowed» says is checked when an image is opened, except in large sections; so is what one field demands of
another, such as a line that needs its city. Where nothing stands, every value may be.
"""


def _allowed(field: Field) -> str:
    if field.form != "NUMBER" or (field.least == 0 and field.most >= _LARGEST[field.size]):
        return ""
    if field.most == _ANY:
        return f"from {field.least}"
    return str(field.least) if field.least == field.most else f"{field.least} to {field.most}"


def _fields(section: Section) -> list[str]:
    rows = []
    for field in section.fields:
        name = "" if field.form == "ZERO" else f"`{field.name.upper()}`"
        cells = (str(field.offset), str(field.size), name, field.form.lower(), _allowed(field), field.meaning)
        rows.append(f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |"))
    return ["| offset | bytes | field | form | allowed | what |", "|---|---|---|---|---|---|", *rows]


def _heading(section: Section) -> list[str]:
    key = f", key {section.key_size}" if section.key_size else ""
    return [
        f"## {section.number} {section.name}",
        "",
        f"{section.meaning}.",
        f"Bytes a row: {section.row_size}{key}; rows: {section.order.lower()}.",
        "",
    ]


def page() -> str:
    """The page in Markdown."""
    lines = [_FRONT]
    for title, part in (("Header", HEADER), ("Directory", ENTRY)):
        lines += [f"## {title}", "", f"{part.meaning}; {part.row_size} bytes.", "", *_fields(part), ""]
    for section in BY_NUMBER.values():
        lines += [*_heading(section), *_fields(section), ""]
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
