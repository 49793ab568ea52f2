"""Where a code comes from: the arguments of the verbs that look at one."""

import argparse

from yima.sdk.payloads import Payload, payload_of_hex, read_payload

_FILE = "raw bytes, a dump or text of them, or a picture of a code; - reads stdin 原始字节、转储或文本、图片"


def add_payload_arguments(parser: argparse.ArgumentParser, *, several: bool = False) -> None:
    """FILE, `-` or --hex HEX; exactly one of them. several: any number of files and folders, as a list."""
    source = parser.add_mutually_exclusive_group(required=True)
    if several:
        source.add_argument(
            "files", nargs="*", default=[], metavar="FILE", help=f"{_FILE}; a folder: those in it 或文件夹；可多个"
        )
    else:
        source.add_argument("file", nargs="?", metavar="FILE", help=_FILE)
    source.add_argument(
        "--hex", nargs="+", metavar="HEX", help="the bytes in hex, spaces allowed 十六进制数据，可含空格"
    )


def payload_of(arguments: argparse.Namespace) -> Payload:
    """The payload that the arguments name. Raises PayloadError."""
    return payload_of_hex(" ".join(arguments.hex)) if arguments.hex else read_payload(arguments.file)
