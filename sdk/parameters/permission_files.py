"""The files of a source directory that say whose codes ride: whitelist, acceptance, withdrawn certificates.

Every file is one function from its path to values of yima.validator.parameters.rules; docs/parameters.md describes each
for those who write it.
"""

import re
from pathlib import Path

from yima.sdk.parameters.cells import Cell, Row, read_rows, refuse_repeated
from yima.sdk.parameters.fare_files import period, refuse_overlaps
from yima.sdk.parameters.problems import tell
from yima.validator.parameters.image import LABEL_SIZE
from yima.validator.parameters.permissions import FAMILIES
from yima.validator.parameters.rules import Acceptance, LabelKey, LabelKind, Mode, Pair, Revocation
from yima.validator.texts import Text

_WHY_MAX = 200  # bytes of what a person writes beside a row


def whitelist_of(path: Path) -> tuple[list[Pair], dict[LabelKey, str]]:
    """`whitelist.csv`: the institutions, and what people call them."""
    found = read_rows(path, ["organisation", "platform"], ["city", "modes", "name"])
    pairs = found.into(
        lambda row: Pair(
            organisation=row["organisation"].digits(), platform=row["platform"].digits(), city=row["city"].city(),
            modes=row["modes"].modes(),
        )
    )  # fmt: skip
    refuse_repeated(found, lambda row: (row["organisation"].value, row["platform"].value))
    names = {
        LabelKey(LabelKind.ORGANISATION, int(row["organisation"].value)): row["name"].name(LABEL_SIZE)
        for row in found
        if row["name"].value
    }
    return pairs, names


def acceptance_of(path: Path) -> list[Acceptance] | None:
    """`acceptance.csv`: whose codes ride where, one row for each mode."""
    found = read_rows(path, ["riding_city", "issuer_city"], ["mode", "family", "from", "to"])
    accepted = [one for several in found.into(_accepted) for one in several]
    for mode in Mode:
        refuse_overlaps(
            [row for row in found if mode in row["mode"].modes()],
            lambda row: (row["riding_city"].numeral(), row["issuer_city"].numeral(), row["family"].value),
        )
    return accepted


def _accepted(row: Row) -> list[Acceptance]:
    begin, end = period(row)
    return [
        Acceptance(
            riding_city=row["riding_city"].city(needed=True), mode=mode,
            issuer_city=row["issuer_city"].city(needed=True), family=_family(row["family"]), from_s=begin, to_s=end,
        )
        for mode in row["mode"].modes()
    ]  # fmt: skip


def _family(cell: Cell) -> str:
    if not cell.value or cell.value in FAMILIES:
        return cell.value
    names = ", ".join(FAMILIES)
    error = cell.error(
        Text(f'"{cell.value[:40]}" is no family that acceptance goes by', f"“{cell.value[:40]}”不能作为受理的码类"),
        Text(f"Write one of {names}, or nothing for all", f"请写 {names} 之一；留空为全部"),
    )
    if cell.value == "unified":
        error = cell.error(
            Text("the unified platform's form is the ministry's code", "统一发码平台的码就是部标码"),
            Text("Write ministry", "请写 ministry"),
        )
    tell(error)
    return ""


def revoked_of(path: Path) -> list[Revocation]:
    """`revoked.csv`: issuer certificates that are withdrawn, by root, institution and serial."""
    found = read_rows(path, ["root"], ["organisation", "serial", "from", "to", "why"])
    revoked = found.into(_revoked)
    refuse_overlaps(found, lambda row: (row["root"].numeral(), row["organisation"].value, _serial(row["serial"])))
    return revoked


def _revoked(row: Row) -> Revocation:
    begin, end = period(row)
    row["why"].name(_WHY_MAX)
    return Revocation(
        root=row["root"].number(0, 255), organisation=row["organisation"].digits() if row["organisation"].value else "",
        serial=_serial(row["serial"]), from_s=begin, to_s=end,
    )  # fmt: skip


def _serial(cell: Cell) -> str:
    if re.fullmatch(r"(?:[0-9A-Fa-f]{6})?", cell.value):
        return cell.value.lower()
    whole = cell.whole()
    shown = f", such as {whole:0>6}" if re.fullmatch(r"[0-9]{1,5}", whole) else ""
    example = f"，例如 {whole:0>6}" if shown else ""
    tell(
        cell.error(
            Text(f'"{cell.value[:40]}" is no serial of a certificate', f"“{cell.value[:40]}”不是证书序列号"),
            Text(
                f"Write its 3 bytes as 6 hex digits{shown}; `yima inspect` shows them",
                f"请写 3 字节的 6 位十六进制数{example}；yima inspect 会显示",
            ),
        )
    )
    return ""
