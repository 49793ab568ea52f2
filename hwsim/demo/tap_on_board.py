"""The demonstration's tap on the gate controller: counted on the emulated board, or a word about why it was not.

Rules it keeps:
- The board and the firmware are optional extras: what needs them is imported only when it is asked for.
- Whatever keeps it from measuring ends here, as a sentence: a demonstration does not fail by it.
"""

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from yima.sdk.page import both, heading
from yima.validator.errors import YimaError
from yima.validator.remedies import missing_module
from yima.validator.texts import Text

TITLE = Text("A tap on the gate controller", "闸机控制器上的一次刷码")
_EXTRAS = ("board", "firmware")
_VARIES = Text(
    "Keys are made anew for each demonstration, and move these figures by a percent or two; counts that repeat to the "
    "instruction: python -m benchmarks.board",
    "密钥每次演示重新生成，数字会有百分之一二的出入；可逐条复现的统计：python -m benchmarks.board",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TapOnBoard:
    """What came of it. section: HTML with its heading. said: in one line, what a tap costs or why nobody knows."""

    section: str
    said: Text
    measured: bool


def tap_on_board(directory: Path) -> TapOnBoard:
    """Builds the firmware, runs some taps on the emulated board and counts. directory: for what it needs meanwhile;
    nothing stays there. Never fails; takes about two seconds, some more where the compiler starts from nothing."""
    try:
        from yima.hwsim.board.cost_report import brief, section  # noqa: PLC0415 - optional extras
        from yima.hwsim.board.measurement import RATES_MHZ, measure_new_riders, model_ms  # noqa: PLC0415

        with tempfile.TemporaryDirectory(prefix="board-", dir=directory) as scratch:
            measured = measure_new_riders(Path(scratch))
    except ModuleNotFoundError as missing:
        problem, remedy = missing_module(missing, wanted=_EXTRAS)
        return _unmeasured(Text(f"Not measured: {problem.en}. {remedy.en}", f"未测量：{problem.zh}。{remedy.zh}"))
    except YimaError as error:
        problem, remedy = error.problem, error.remedy
        return _unmeasured(
            Text(
                f"Not measured: {error.thing}: {problem.en}. {remedy.en}",
                f"未测量：{error.thing}：{problem.zh}。{remedy.zh}",
            )
        )
    except (OSError, subprocess.SubprocessError) as error:
        return _unmeasured(Text(f"Not measured: {error}", f"未测量：{error}"))
    tap, mhz = measured.costs.known_issuer.instructions, RATES_MHZ[-1]
    known = f"{brief(tap)}", f"{model_ms(tap, mhz):.1f} ms", f"{mhz} MHz"
    said = Text(
        f"{known[0]} instructions a tap, {known[1]} at {known[2]} (a model: one instruction a cycle)",
        f"每次刷码 {known[0]} 条指令，{known[2]} 下 {known[1]}（模型：每周期一条指令）",
    )
    return TapOnBoard(
        section=f"{heading(TITLE)}\n{section(measured)}\n<p>{both(_VARIES)}</p>", said=said, measured=True
    )


def _unmeasured(why: Text) -> TapOnBoard:
    return TapOnBoard(section=f"{heading(TITLE)}\n<p>{both(why)}</p>", said=why, measured=False)
