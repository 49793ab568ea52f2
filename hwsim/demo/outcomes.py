"""What became of one presentation: what the world showed, what the device said, and whether that was right."""

from collections.abc import Iterable
from dataclasses import dataclass

from yima.hwsim.demo.accounts import Tap
from yima.hwsim.demo.fares import Price
from yima.hwsim.demo.world import Presentation
from yima.validator.judging import Reason
from yima.validator.texts import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """tap: the device's answer; None when it gave none in time."""

    presentation: Presentation
    tap: Tap | None

    @property
    def accepted(self) -> bool:
        """Whether the rider could pass."""
        return self.tap is not None and self.tap.reason is Reason.ACCEPTED

    @property
    def as_expected(self) -> bool:
        """Whether a correct validator would have said the same."""
        shown, tap = self.presentation, self.tap
        return (
            tap is not None
            and (tap.reason, tap.again, tap.trouble is not None) == (shown.expects, shown.again, shown.jams)
            and Price(tap.fare_fen, tap.rule) == shown.price
        )

    @property
    def difference(self) -> Text | None:
        """What is wrong with it, if anything is."""
        if self.as_expected:
            return None
        shown, tap = self.presentation, self.tap
        if tap is None:
            return Text(f"tap {shown.number} got no answer", f"第 {shown.number} 次刷码无应答")
        if tap.trouble is not None and not shown.jams:
            return Text(f"tap {shown.number}: {tap.trouble}", f"第 {shown.number} 次刷码：{tap.trouble}")
        if (tap.reason, tap.again) == (shown.expects, shown.again):
            said, due = _priced(Price(tap.fare_fen, tap.rule)), _priced(shown.price)
            return Text(
                f"tap {shown.number} should cost {due.en}, cost {said.en}",
                f"第 {shown.number} 次刷码应收 {due.zh}，实收 {said.zh}",
            )
        again = Text(" (again)", "（同一次出示）") if tap.again != shown.again else Text("", "")
        return Text(
            f"tap {shown.number} should be '{shown.expects.english}', was '{tap.reason.english}'{again.en}",
            f"第 {shown.number} 次刷码应为“{shown.expects.chinese}”，实为“{tap.reason.chinese}”{again.zh}",
        )


def fares_by_rule(outcomes: Iterable[Outcome]) -> dict[str, list[int]]:
    """What each set of rules charged, in fen, one a ride; sorted by the rules' names."""
    fares: dict[str, list[int]] = {}
    for outcome in outcomes:
        if outcome.accepted and outcome.tap is not None and not outcome.tap.again:
            fares.setdefault(outcome.tap.rule, []).append(outcome.tap.fare_fen)
    return dict(sorted(fares.items()))


def _priced(price: Price) -> Text:
    rule = price.rule or "–"
    return Text(f"{price.fen} fen by {rule}", f"{price.fen} 分（规则 {rule}）")
