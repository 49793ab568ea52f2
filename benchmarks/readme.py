"""Writes the READMEs' performance table from a run of `benchmarks.verify`: `python -m benchmarks.readme`.

The table stands between two markers and says when and where it was measured; nothing else of a README is touched.
The Chinese one has the same figures.
"""

import sys
import tempfile
from pathlib import Path

from benchmarks.measurement import machine
from benchmarks.pages import ROOT, write_between
from benchmarks.verify import figures, measure

_CHINESE = {
    ", all in one run on one core.": "，均在同一次运行、同一个核心上。",
    "Python to Python, median": "Python 到 Python，中位数",
    "libcrypto (EVP)": "libcrypto（EVP）",
    "| ratio |": "| 倍数 |",
    "one signature, fresh key": "单次验签，新密钥",
    "one signature, known issuer": "单次验签，已知机构",
    "a whole code, issuer known": "整码，机构已知",
    "Measured ": "测于 ",
    " shared cores, Python": " 个共享核心，Python",
    " on ": "，",
    ", kernel ": "，内核 ",
    "Ratios are what carries over.": "可以推广的是倍数。",
}

BEGIN, END = "<!-- performance: made by python -m benchmarks.readme -->", "<!-- end of performance -->"


def table(found: dict[str, object], where: dict[str, object]) -> str:
    """The table in Markdown. found: `benchmarks.verify.figures`; where: `benchmarks.measurement.machine`."""
    libcrypto = f"{found['libcrypto_fresh_us']:.0f} µs"
    rows = [
        ("one signature, fresh key", "fresh_us", "ratio_fresh", libcrypto),
        ("one signature, known issuer", "known_issuer_us", "ratio_known_issuer", libcrypto),
        ("a whole code, issuer known", "code_us_p50", "ratio_code", f"3 × {libcrypto}"),
    ]
    kernels = found["kernels"]
    assert isinstance(kernels, dict)
    for name, own in list(kernels.items())[1:]:
        found |= {f"{name}_us": own["fresh_us"], f"{name}_ratio": own["ratio_fresh"]}
        rows.append((f"one signature, fresh key, kernel `{name}`", f"{name}_us", f"{name}_ratio", libcrypto))
    lines = [
        "| Python to Python, median | Yima | libcrypto (EVP) | ratio |",
        "|---|---|---|---|",
        *(f"| {what} | {found[us]:.1f} µs | {other} | {found[ratio]:.1f} |" for what, us, ratio, other in rows),
        "",
        f"Measured {str(where['date'])[:10]} on {where['processor']}, {where['cores']} shared cores, Python"
        f" {where['python']}, kernel `{found['kernel']}`, all in one run on one core.",
        "Ratios are what carries over.",
    ]
    return "\n".join(lines) + "\n"


def chinese(written: str) -> str:
    """The table for README.zh.md, from the one for README.md."""
    for english, translated in _CHINESE.items():
        written = written.replace(english, translated)
    return written


def main() -> None:
    """Measures and writes. Raises YimaError."""
    found = figures(measure(1000))
    with tempfile.TemporaryDirectory(prefix="yima-bench-") as directory:
        written = table(found, machine(Path(directory)))
    write_between(ROOT / "README.md", BEGIN, END, written)
    write_between(ROOT / "README.zh.md", BEGIN, END, chinese(written))
    sys.stdout.write(written)


if __name__ == "__main__":
    main()
