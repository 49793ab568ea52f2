"""`yima centre ingest`, `rides`, `identity` and so on: one step of clearing, for every day it is due."""

import argparse

from yima.sdk.cli.centre_arguments import Verbs, add_common, add_day, bar, opened, say_done, yesterday

STEPS = {
    "rides": "close days, check their taps, make rides of them 关闭日期、复核刷码、合成行程",
    "identity": "take in what issuers state of their accounts 受理发码机构的身份声明",
    "disputes": "take in files of institutions, decide disputes 受理机构文件、裁决差错",
    "settle": "book rides, net the day 入账并轧差",
    "files": "write what each institution gets 生成各机构的文件",
}


def add_verbs(verbs: Verbs) -> None:
    """A verb for each step."""
    text = "read what collectors have, from where it was left 读取采集库的新增部分"
    ingest = verbs.add_parser("ingest", help=text, description=text)
    add_common(ingest)
    ingest.set_defaults(run=_ingest)
    for step, text in STEPS.items():
        parser = verbs.add_parser(step, help=text, description=text)
        add_common(parser)
        add_day(parser)
        parser.set_defaults(run=_step, step=step)


def _ingest(arguments: argparse.Namespace) -> int:
    with opened(arguments) as centre, bar(arguments) as progress:
        for done in centre.ingest(progress):
            say_done(arguments, done)
    return 0


def _step(arguments: argparse.Namespace) -> int:
    with opened(arguments) as centre, bar(arguments) as progress:
        for day in centre.days(arguments.step, until=yesterday(), named=arguments.day):
            progress.day = str(day)
            say_done(arguments, centre.run(arguments.step, day, progress))
    return 0
