"""`python -m sdk.profiles.yangtze_delta`: draws the plan for the docs."""

import argparse
import sys
from pathlib import Path

from sdk.profiles.yangtze_delta import picture
from sdk.profiles.yangtze_delta.plan import load_plan
from validator.errors import YimaError


def main() -> int:
    """0; 1 when something could not be read or written, which it names."""
    parser = argparse.ArgumentParser(
        prog="python -m sdk.profiles.yangtze_delta", description="the Yangtze-delta plan 长三角“一码通行”方案"
    )
    parser.add_argument(
        "--picture", type=Path, required=True, metavar="FILE", help="draw who may ride where, by year 按年绘制互通矩阵"
    )
    arguments = parser.parse_args()
    try:
        picture.write(load_plan(), arguments.picture)
    except YimaError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
