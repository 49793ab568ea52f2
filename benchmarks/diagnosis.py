"""`python -m benchmarks.diagnosis`: how many causes of damaged captures are named, wrong or left open.

What is counted:
- Every damage of benchmarks.damages is done to codes of riders of several sizes, which are made anew; --seed chooses
  their data. A damage that leaves a code as it is (it has no byte of the kind) counts for nothing.
- Named: the cause that the damage is listed under. Wrong: any other. Open: `undetermined` or `not-a-code`, and for
  damages that have no cause of their own `whole` with signatures that do not hold, too, is open.
It reports and never judges.
"""

import argparse
import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator

from benchmarks.damages import LOST, OPEN, UNDONE
from yima.sdk.bench import Cause, diagnose
from yima.sdk.cli.arguments import WholeNumber
from yima.sdk.issuer import make_issuer, make_rider, make_root
from yima.validator.texts import Text, say

NOW = 1_790_000_000
_LEFT_OPEN = (Cause.UNDETERMINED, Cause.NOT_A_CODE)


def codes(rounds: int, seed: int) -> Iterator[bytes]:
    """Codes of one issuer."""
    chance = random.Random(seed)
    issuer = make_issuer(make_root(1))
    for _ in range(rounds):
        rider = make_rider(
            issuer, payment_account="6228480402564890", card_account="31048700000000019999", platform="50083010",
            authorised_until=NOW + 86400, issuer_data=chance.randbytes(chance.randrange(33)),
        )  # fmt: skip
        yield rider.code(NOW)


def judged(name: str, code: bytes, came: bytes) -> tuple[str, Cause]:
    """(named, wrong or open; the cause that was given)."""
    found = diagnose(came)
    if name in OPEN:
        is_open = found.cause in _LEFT_OPEN or (found.cause is Cause.WHOLE and not found.proved)
        return "open" if is_open else "wrong", found.cause
    if found.proved and found.payload != code:
        return "wrong", found.cause
    wanted = name.split(maxsplit=1)[0]
    return "named" if found.cause == wanted else "open" if found.cause in _LEFT_OPEN else "wrong", found.cause


def count(given: Iterable[bytes]) -> dict[str, object]:
    """All damages over all of these codes."""
    tally: Counter[str] = Counter()
    misses: Counter[tuple[str, str, str]] = Counter()
    damages = UNDONE | LOST | OPEN
    for code in given:
        for name, damage in damages.items():
            came = damage(code)
            if came == code and name != "whole":
                continue
            answer, cause = judged(name, code, came)
            tally[answer] += 1
            if answer == "wrong" or (answer == "open" and name not in OPEN):
                misses[name, answer, str(cause)] += 1
    return {
        "damages": len(damages),
        "without_a_cause": len(OPEN),
        "captures": sum(tally.values()),
        **{answer: tally[answer] for answer in ("named", "wrong", "open")},
        "missed": [
            {"damage": name, "answer": answer, "cause": cause, "captures": times}
            for (name, answer, cause), times in sorted(misses.items())
        ],
    }


def main() -> None:
    """Counts and prints."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.diagnosis",
        description="counts the damaged captures whose cause is named; reports, never judges 统计能判明原因的受损采集",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object 输出 JSON")
    parser.add_argument("--rounds", type=WholeNumber(1, 1000), default=3, metavar="N", help="codes, default 3 码数")
    parser.add_argument("--seed", type=WholeNumber(0, 1 << 32), default=1, metavar="N", help="of their data 随机种子")
    arguments = parser.parse_args()
    found = count(codes(arguments.rounds, arguments.seed))
    if arguments.json:
        print(json.dumps(found, indent=1))
        return
    heads = {
        "captures": Text("captures", "采集数"), "named": Text("named", "判明"), "wrong": Text("wrong", "判错"),
        "open": Text("left open", "未判明"),
    }  # fmt: skip
    for key, head in heads.items():
        print(f"{say(head)}: {found[key]}")
    for miss in found["missed"] if isinstance(found["missed"], list) else ():
        print("  {damage}: {cause} ({captures})".format(**miss))


if __name__ == "__main__":
    main()
