"""`python -m benchmarks.verify`: our SM2 verification beside libcrypto's, from Python to Python, on one core.

Rules it keeps:
- Everything is measured in one run, in batches that take turns, so that what disturbs the machine disturbs all.
- The same inputs for everybody: 32 compressed keys, messages of 120 bytes, r and s. "Fresh" is one call with all three;
  "known issuer" is a parsed key with its table; "whole code" is validator.judge on a code not seen before whose issuer
  is known. A ratio is libcrypto's median over ours; the whole code is held against three of libcrypto's verifications,
  which is what the same code costs without a memory of issuers.
- Every answer is checked: a benchmark of wrong answers would be worth nothing.
- It reports and never judges.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import rivals
from benchmarks.measurement import machine
from yima.hwsim.latency import spread
from yima.sdk import sm2
from yima.sdk.cli.arguments import WholeNumber
from yima.sdk.issuer import make_issuer, make_rider, make_root
from yima.validator import _core
from yima.validator.judging import GateContext, Mode, Validator
from yima.validator.parameters import from_mapping
from yima.validator.texts import Text, say

KEYS = 32
MESSAGE_SIZE = 120
TABLE_WINDOW = 8
_BATCH = 10
_WARM_CODES = 64
_CODE_VERIFICATIONS = 3
_NOW = 1790000000
_ISSUER = "00083010"
_LOG_WIDTH = 130


@dataclass(slots=True)
class Contest:
    """One thing to measure: work(i) for i = 0, 1, 2... must be true."""

    name: str
    what: Text
    work: Callable[[int], bool]
    rounds: int
    values_us: list[float] = field(default_factory=list)

    def batch(self) -> None:
        """Measures the next few, each on its own."""
        for number in range(len(self.values_us), min(len(self.values_us) + _BATCH, self.rounds)):
            begun = time.perf_counter_ns()
            right = self.work(number)
            self.values_us.append((time.perf_counter_ns() - begun) / 1000)
            if not right:
                raise AssertionError(f"{self.name} refused a valid input")

    @property
    def median_us(self) -> float:
        """Of everything measured so far."""
        return spread(self.values_us).p50

    @property
    def p99_us(self) -> float:
        """The 99th percentile."""
        return spread(self.values_us).p99


def inputs() -> list[tuple[bytes, bytes, bytes]]:
    """Compressed keys, messages, signatures: four of each key, all different."""
    found = []
    for _ in range(KEYS):
        key = sm2.SigningKey.generate()
        for _ in range(4):
            message = os.urandom(MESSAGE_SIZE)
            found.append((key.compressed, message, key.sign(message)))
    return found


def signature_contests(rounds: int) -> list[Contest]:
    """Ours with every kernel, libcrypto's, and the packages that are installed."""
    given = inputs()
    known = {key: _core.Sm2Key(key, TABLE_WINDOW) for key, _, _ in given[:: len(given) // 4]}
    of_known = [one for one in given if one[0] in known]
    contests = [
        Contest(
            "libcrypto",
            Text("libcrypto, fresh key", "libcrypto，新密钥"),
            lambda i: sm2.verify(*given[i % len(given)]),
            rounds,
        ),
        Contest(
            "fresh",
            Text("Yima, fresh key", "Yima，新密钥"),
            lambda i: _core.sm2_verify(*given[i % len(given)]),
            rounds,
        ),
        Contest(
            "known",
            Text("Yima, known issuer", "Yima，已知机构"),
            lambda i: known[of_known[i % len(of_known)][0]].verify(*of_known[i % len(of_known)][1:]),
            rounds,
        ),
    ]
    for kernel in _core.sm2_kernels()[1:]:
        tabled = {key: _core.Sm2Key(key, TABLE_WINDOW, kernel) for key in known}
        contests += [_with_kernel(given, kernel, rounds), _known_with_kernel(of_known, tabled, kernel, rounds)]
    for rival in rivals.installed()[0]:
        contests.append(_of_rival(given, rival, max(_BATCH, int(rounds * rival.rounds_share))))
    return contests


def _with_kernel(given: Sequence[tuple[bytes, bytes, bytes]], kernel: str, rounds: int) -> Contest:
    what = Text(f"Yima, kernel {kernel}, fresh key", f"Yima，内核 {kernel}，新密钥")
    return Contest(f"fresh_{kernel}", what, lambda i: _core.sm2_verify(*given[i % len(given)], kernel), rounds)


def _known_with_kernel(
    given: Sequence[tuple[bytes, bytes, bytes]], keys: dict[bytes, _core.Sm2Key], kernel: str, rounds: int
) -> Contest:
    what = Text(f"Yima, kernel {kernel}, known issuer", f"Yima，内核 {kernel}，已知机构")

    def work(number: int) -> bool:
        key, message, signature = given[number % len(given)]
        return keys[key].verify(message, signature)

    return Contest(f"known_{kernel}", what, work, rounds)


def _of_rival(given: Sequence[tuple[bytes, bytes, bytes]], rival: rivals.Rival, rounds: int) -> Contest:
    what = Text(f"{rival.name}, fresh key", f"{rival.name}，新密钥")
    return Contest(f"rival_{rival.name}", what, lambda i: rival.verify(*given[i % len(given)]), rounds)


def code_contest(rounds: int) -> Contest:
    """Codes of one issuer's riders, each with a key of its own, judged once after the issuer has earned its table."""
    root = make_root()
    issuer = make_issuer(root, _ISSUER)
    codes = [
        make_rider(
            issuer,
            payment_account="TEST-BENCH",
            card_account=f"99{serial:018}",
            platform=_ISSUER,
            authorised_until=_NOW + 86400,
        ).code(_NOW)
        for serial in range(_WARM_CODES + rounds)
    ]
    parameters = from_mapping(
        {
            "environment": "test",
            "version": 1,
            "fares": {"bus": 200},
            "roots": [{"certificate": root.certificate.hex()}],
            "whitelist": [{"organisation": _ISSUER, "platform": _ISSUER}],
        },
        source="benchmarks.verify",
    )
    gate = Validator(parameters, GateContext(mode=Mode.BUS), memory_entries=1 << 16)
    for code in codes[:_WARM_CODES]:
        verdict = gate.judge(code, _NOW)
        if not verdict.accepted:
            raise AssertionError(f"a good code was refused: {verdict.reason.english}")
        gate.idle()
    while gate.idle():
        pass
    del codes[:_WARM_CODES]
    what = Text("Yima, whole code, issuer known", "Yima，整码，已知机构")
    return Contest("code", what, lambda i: gate.judge(codes[i], _NOW).accepted, rounds)


def measure(rounds: int) -> list[Contest]:
    """Runs all contests in turns, on one core where the system can hold a process there."""
    contests = [*signature_contests(rounds), code_contest(rounds)]
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        while any(len(contest.values_us) < contest.rounds for contest in contests):
            for contest in contests:
                contest.batch()
    finally:
        os.sched_setaffinity(0, allowed)
    return contests


def figures(contests: Sequence[Contest]) -> dict[str, object]:
    """What `--json` prints, without the machine. Times in microseconds, ratios of medians."""
    by_name = {contest.name: contest for contest in contests}
    libcrypto = by_name["libcrypto"].median_us
    fresh, known, code = by_name["fresh"], by_name["known"], by_name["code"]
    names = _core.sm2_kernels()
    kernels = {}
    for kernel in names:
        own = "" if kernel == names[0] else f"_{kernel}"
        times = {path: by_name[path + own].median_us for path in ("fresh", "known")}
        kernels[kernel] = {
            "fresh_us": round(times["fresh"], 2),
            "known_issuer_us": round(times["known"], 2),
            "ratio_fresh": round(libcrypto / times["fresh"], 2),
            "ratio_known_issuer": round(libcrypto / times["known"], 2),
        }
    others = {
        contest.name.removeprefix("rival_"): {
            "fresh_us": round(contest.median_us, 2),
            "p99_us": round(contest.p99_us, 2),
            "ratio_fresh": round(contest.median_us / fresh.median_us, 2),
        }
        for contest in contests
        if contest.name.startswith("rival_")
    }
    return {
        "fresh_us": round(fresh.median_us, 2),
        "fresh_us_p99": round(fresh.p99_us, 2),
        "known_issuer_us": round(known.median_us, 2),
        "known_issuer_us_p99": round(known.p99_us, 2),
        "code_us_p50": round(code.median_us, 2),
        "code_us_p99": round(code.p99_us, 2),
        "libcrypto_fresh_us": round(libcrypto, 2),
        "libcrypto_fresh_us_p99": round(by_name["libcrypto"].p99_us, 2),
        "ratio_fresh": round(libcrypto / fresh.median_us, 2),
        "ratio_known_issuer": round(libcrypto / known.median_us, 2),
        "ratio_code": round(_CODE_VERIFICATIONS * libcrypto / code.median_us, 2),
        "kernel": names[0],
        "kernels": kernels,
        "others": others,
        "not_installed": rivals.installed()[1],
    }


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.verify",
        description="times our SM2 verification beside libcrypto's and others' 与 libcrypto 等并排测量 SM2 验签",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object 输出 JSON")
    rounds = "values a series, default 1000 每项次数"
    parser.add_argument("--rounds", type=WholeNumber(10, 50_000), default=1000, metavar="N", help=rounds)
    arguments = parser.parse_args()
    with Console(stderr=True).status(say(Text("measuring", "测量中"))):
        contests = measure(arguments.rounds)
    found = figures(contests)
    with tempfile.TemporaryDirectory(prefix="yima-bench-") as directory:
        there = machine(Path(directory))
    if arguments.json:
        print(json.dumps({**found, "rounds": arguments.rounds, "machine": there}, ensure_ascii=False, indent=1))
    else:
        _show(there, contests, found)


def _show(there: dict[str, object], contests: Sequence[Contest], found: dict[str, object]) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _LOG_WIDTH
    for name in ("date", "processor", "load", "python", "yima"):
        console.print(f"{name:12}{there[name]}", style="dim")
    libcrypto = next(contest for contest in contests if contest.name == "libcrypto").median_us
    table = Table(box=None, padding=(0, 2))
    table.add_column(say(Text("what", "项目")))
    columns = (
        Text("values", "次数"),
        Text("p50 us", "p50 us"),
        Text("p99 us", "p99 us"),
        Text("against libcrypto", "相对 libcrypto"),
    )
    for heading in columns:
        table.add_column(say(heading), justify="right")
    for contest in contests:
        against = libcrypto * (_CODE_VERIFICATIONS if contest.name == "code" else 1) / contest.median_us
        numbers = (str(len(contest.values_us)), f"{contest.median_us:.1f}", f"{contest.p99_us:.1f}", f"{against:.1f}x")
        table.add_row(say(contest.what), *numbers)
    console.print()
    console.print(table)
    console.print(say(Text("a whole code is held against three verifications", "整码与三次验签相比")), style="dim")
    if found["not_installed"]:
        names = ", ".join(rivals.installed()[1])
        left_out = Text(f"not installed: {names} (extra: bench)", f"未安装：{names}（bench 附加项）")
        console.print(say(left_out), style="dim")


if __name__ == "__main__":
    main()
