"""`python -m yima.sdk.profiles.yangtze_delta`: writes the profile as a source, or draws its plan."""

import argparse
import sys
from datetime import datetime
from pathlib import Path

from yima.sdk.parameters.root_files import read_root_files
from yima.sdk.profiles.yangtze_delta import issuers, picture
from yima.sdk.profiles.yangtze_delta.build import write_source
from yima.sdk.profiles.yangtze_delta.plan import load_plan
from yima.validator.errors import YimaError

EPILOG = """\
examples 示例:
  python -m yima.sdk.profiles.yangtze_delta --picture docs/images/yangtze-delta.svg
  python -m yima.sdk.profiles.yangtze_delta --source suzhou --city Suzhou --roots r.bin \\
    --from 2025-01-01 --to 2026-01-01
  yima params build suzhou -o suzhou.ymp --key signer.key
"""


def main() -> int:
    """0; 1 when something could not be read or written, which it names; 2 for arguments that do not fit."""
    plan = load_plan()
    parser = argparse.ArgumentParser(
        prog="python -m yima.sdk.profiles.yangtze_delta",
        description="the Yangtze-delta profile; its issuers and fares are synthetic 长三角“一码通行”参数方案",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--picture", type=Path, metavar="FILE", help="draw who may ride where, by year 按年绘制互通矩阵")
    what.add_argument("--source", type=Path, metavar="DIR", help="write a parameter source to edit 生成参数源目录")
    parser.add_argument(
        "--roots", type=Path, nargs="+", default=[], metavar="FILE", help="root certificates 根证书文件"
    )
    parser.add_argument("--from", dest="begins", type=_day, metavar="DAY", help="the package's first day 生效日期")
    parser.add_argument("--to", dest="ends", type=_day, metavar="DAY", help="the day on which it expires 失效日期")
    parser.add_argument(
        "--city", choices=[city.name.en for city in plan.cities], metavar="NAME", help="for one city only 仅限一城"
    )
    arguments = parser.parse_args()
    if arguments.source and not (arguments.roots and arguments.begins and arguments.ends):
        parser.error("--source needs --roots, --from and --to 还需 --roots、--from 和 --to")
    try:
        if arguments.picture:
            picture.write(plan, arguments.picture)
        else:
            write_source(
                arguments.source,
                [root.certificate for root in read_root_files(arguments.roots)],
                not_before=arguments.begins,
                expiry=arguments.ends,
                city=plan.city(arguments.city) if arguments.city else None,
            )
    except YimaError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=issuers.LOCAL)
    except ValueError:
        raise argparse.ArgumentTypeError("a day such as 2025-01-01 日期，例如 2025-01-01") from None


if __name__ == "__main__":
    sys.exit(main())
