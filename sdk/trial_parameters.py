"""Parameters under which test codes are accepted, as `yima issue` and `yima phone` give them out."""

from collections.abc import Sequence

from yima.sdk.issuer import RootAuthority

FARES = {"bus": 200, "metro": 300}
"""In fen."""


def mapping(
    roots: Sequence[RootAuthority], organisation: str = "00083010", platform: str = "50083010"
) -> dict[str, object]:
    """As yima.validator.parameters.from_mapping takes them, the roots' certificates within."""
    return {
        "environment": "test",
        "version": 1,
        "fares": FARES,
        "roots": [{"certificate": root.certificate.hex()} for root in roots],
        "whitelist": [{"organisation": organisation, "platform": platform}],
    }


def toml(
    roots: Sequence[RootAuthority],
    organisation: str,
    platform: str,
    *,
    made_by: str,
    roots_file: str | None = None,
    max_validity_s: int | None = None,
) -> str:
    """The same as a file. made_by: its first line, a comment. roots_file: where the certificates lie; None: within.
    max_validity_s: for how many seconds a code may be good; None: as a device has it."""
    lines = [made_by, 'environment = "test"', "version = 1"]
    if max_validity_s is not None:
        lines += ["[limits]", f"max_validity_s = {max_validity_s}"]
    lines += ["[fares]  # fen 分"]
    lines += [f"{mode} = {fen}" for mode, fen in FARES.items()]
    if roots_file is not None:
        lines += ["[[roots]]", f'file = "{roots_file}"']
    else:
        for root in roots:
            lines += ["[[roots]]", f'certificate = "{root.certificate.hex()}"']
    lines += ["[[whitelist]]", f'organisation = "{organisation}"', f'platform = "{platform}"']
    return "\n".join(lines) + "\n"
