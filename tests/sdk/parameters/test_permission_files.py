"""acceptance.csv by family and revoked.csv: read, shown, compared; a slip in them is named."""

from pathlib import Path

import pytest

from yima.sdk.parameters.compile import open_any
from yima.sdk.parameters.diff import report
from yima.sdk.parameters.example import SOURCE, write_source
from yima.sdk.parameters.permission_files import revoked_of
from yima.sdk.parameters.show import page
from yima.validator.errors import ParametersError
from yima.validator.parameters.rules import OPEN, Revocation

HEAD = "root,organisation,serial,from,to,why\n"
LOCAL_MIDNIGHT_2026_10 = 1_790_784_000


def revoked(tmp_path: Path, text: str) -> list[Revocation]:
    (tmp_path / "revoked.csv").write_text(text, encoding="utf-8")
    return revoked_of(tmp_path / "revoked.csv")


def test_a_certificate_is_named_by_root_institution_serial_and_date(tmp_path: Path) -> None:
    found = revoked(
        tmp_path,
        f"{HEAD}1,,,,,the root is lost\n1,00083010,00A0ff,2026-10-01,,stolen 私钥泄露\n2.0,,000001,,2026-10-01,\n",
    )
    assert found == [
        Revocation(root=1),
        Revocation(root=1, organisation="00083010", serial="00a0ff", from_s=LOCAL_MIDNIGHT_2026_10),
        Revocation(root=2, serial="000001", from_s=0, to_s=LOCAL_MIDNIGHT_2026_10),
    ]
    assert found[0].to_s == OPEN


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (",,000001,,,\n", "line 2, root: is empty"),
        ("256,,000001,,,\n", "line 2, root: .* from 0 to 255"),
        ("1,83010,,,,\n", "line 2, organisation: .* such as 00083010"),
        ("1,,1,,,\n", 'line 2, serial: "1" is no serial of a certificate.* 6 hex digits, such as 000001'),
        ("1,,0x0001,,,\n", "line 2, serial: .* no serial"),
        ("1,,000001,2026-10-01,2026-10-01,\n", "line 2, to: does not lie behind from"),
        ("1,,00a0ff,,,\n1,,00A0FF,2026-10-01,,\n", "line 3: says of the same time what line 2 says"),
        ("1,,,,,\n1,,,,,again\n", "line 3: says of the same time"),
        ("1,,,,,\n01,,,,,again\n", "line 3: says of the same time"),
    ],
)
def test_a_slip_is_named_by_line_and_column(tmp_path: Path, lines: str, reason: str) -> None:
    with pytest.raises(ParametersError, match=reason):
        revoked(tmp_path, HEAD + lines)


def test_page_and_comparison_tell_families_and_what_is_withdrawn(tmp_path: Path) -> None:
    for name in ("old", "new"):
        write_source(tmp_path / name)
    new = tmp_path / "new"
    (new / "revoked.csv").write_text("root,serial,from\n1,000001,2026-10-01\n")
    rows = SOURCE["acceptance.csv"].replace("from,to", "from,to,family") + "320500,metro,330100,,,suishen\n"
    (new / "acceptance.csv").write_text(rows, encoding="utf-8")
    shown = page(open_any(new))
    assert "root 根证书 1, serial 序列号 000001 from 自 2026-10-01" in shown
    assert "suishen only 仅, always 始终: 330100" in shown
    changes = report(open_any(tmp_path / "old"), open_any(new))
    assert "withdrawn 吊销\n    + root 根证书 1, serial 序列号 000001 from 自 2026-10-01" in changes
    assert "+ 330100 → 苏州 320500 metro 地铁, suishen only 仅" in changes
