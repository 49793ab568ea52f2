"""`yima centre export`: what a collector holds, into a folder, from where the last time left off."""

import argparse
from pathlib import Path

from yima.sdk.centre.fleet.exporting import Form, export
from yima.sdk.centre.fleet.sources import source_of
from yima.sdk.cli.centre_fleet import add_store, say_one
from yima.validator.texts import Text, say

CHUNK = 1 << 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares its arguments."""
    add_store(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a folder for it alone 输出目录")
    parser.add_argument(
        "--form", choices=[str(form) for form in Form], default="jsonl",
        help="jsonl (default): facts by name; parquet: for a centre's stores/; records: the ministry's 输出格式",
    )  # fmt: skip
    parser.add_argument("--reveal", action="store_true", help="jsonl: whole accounts and records 不掩码账户")
    parser.set_defaults(run=_export)


def _export(arguments: argparse.Namespace) -> int:
    source = source_of(arguments.store, chunk=CHUNK)
    count = export(source, arguments.out, Form(arguments.form), reveal=arguments.reveal)
    found: dict[str, object] = {"records": count, "form": arguments.form, "out": str(arguments.out)}
    line = Text(f"{count} new records, in {arguments.out}", f"新增 {count} 条，位于 {arguments.out}")
    say_one(arguments, found, say(line))
    return 0
