"""Writes the README's performance table from a run of `benchmarks.verify`: `python -m benchmarks.readme`.

The table stands between two markers and says when and where it was measured; nothing else of the README is touched.
"""

import sys
import tempfile
from pathlib import Path

from benchmarks.measurement import machine
from benchmarks.pages import ROOT, write_between
from benchmarks.verify import figures, measure

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


def main() -> None:
    """Measures and writes. Raises YimaError."""
    found = figures(measure(1000))
    with tempfile.TemporaryDirectory(prefix="yima-bench-") as directory:
        written = table(found, machine(Path(directory)))
    write_between(ROOT / "README.md", BEGIN, END, written)
    sys.stdout.write(written)


if __name__ == "__main__":
    main()
