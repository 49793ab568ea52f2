"""What a tap costs on the board, in instructions, by part.

Rules it keeps:
- A part is a function of the firmware with all it calls, except what is a part itself (a stack of parts is kept by the
  emulator at every call and return). Interrupt handlers are a part of their own, wherever they strike.
- Counts are exact and repeat; they hold for one compiler and one set of sources, and for the codes that were used.
- Waiting (the main loop, which looks around every 5 ms) and idle work (an issuer's table) are shown, and not the tap's.
- Milliseconds are a model: one instruction a cycle, at the clock rate that is named. No cache, no flash wait states, no
  time for flash operations, no bus.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from yima.hwsim.board.emulator import Board
from yima.hwsim.board.errors import BoardError
from yima.hwsim.board.layout import PIN_GATE, SCANNER
from yima.validator.texts import Text


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the cost. functions: names, or file.c:name where a name is used by several. of_tap: counts as the
    tap's cost."""

    name: str
    text: Text
    functions: tuple[str, ...]
    of_tap: bool = True


PARTS = (
    Part("waiting", Text("main loop, waiting", "主循环等待"), (), of_tap=False),  # number 0: what nobody claims
    Part("interrupts", Text("interrupts (bytes in and out, ticks)", "中断（收发字节、节拍）"), ()),  # number 1
    Part("framing", Text("framing", "分帧"), ("framing_feed", "deliver_frame", "deliver_codes")),
    Part("device", Text("the tap's own steps", "刷码流程"), ("device_tap",)),
    Part("format", Text("format", "格式"), ("ministry.c:judge_format",)),
    Part("certificate", Text("certificate, and whose it is", "机构证书"), ("ministry.c:judge_certificate",)),
    Part("issuer_signature", Text("issuer's signature", "机构签名"), ("ministry.c:judge_issuer_signature",)),
    Part("rider_signature", Text("rider's signature", "乘客签名"), ("ministry.c:judge_rider_signature",)),
    Part("policy", Text("policy: time, permission, fare, repetition", "规则：时间、许可、票价、重复"), ("yima_judge",)),
    Part(
        "record",
        Text("facts and trip record", "事实与行程记录"),
        ("yima_facts_of_tap", "yima_facts_write", "yima_record_write"),
    ),
    Part("log", Text("flash log", "闪存日志"), ("yima_log_append",)),
    Part("pins", Text("pins", "引脚"), ("gate_open", "gate_refuse", "gate_show_again")),
    Part("status", Text("status line", "状态行"), ("status_begin", "status_text", "status_number", "status_end")),
    Part("table", Text("issuer table, in idle time", "空闲时建机构表"), ("yima_idle",), of_tap=False),
    Part("log_idle", Text("log: next block, in idle time", "空闲时准备日志块"), ("yima_log_idle",), of_tap=False),
)


def functions(elf: Path) -> dict[str, tuple[int, int]]:
    """Address and size of every function, by name and by file.c:name."""
    found: dict[str, tuple[int, int]] = {}
    source = ""
    with elf.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        for symbol in table.iter_symbols() if isinstance(table, SymbolTableSection) else ():
            kind = symbol["st_info"]["type"]
            if kind == "STT_FILE":
                source = Path(symbol.name).name
            elif kind == "STT_FUNC":
                place = symbol["st_value"] & ~1, symbol["st_size"]
                found[f"{source}:{symbol.name}"] = found[symbol.name] = place
    return found


def marks(elf: Path) -> dict[int, int]:
    """Function addresses and the part that each begins. Raises BoardError for a function that the image has not."""
    addresses = functions(elf)
    missing = [name for part in PARTS for name in part.functions if name not in addresses]
    if missing:
        raise BoardError(
            elf,
            Text(f"has no function {', '.join(missing)}", f"缺少函数 {', '.join(missing)}"),
            Text("Bring hwsim/board/costs.py up to date with the firmware", "请使 hwsim/board/costs.py 与固件一致"),
        )
    return {addresses[name][0]: number for number, part in enumerate(PARTS) for name in part.functions}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tap:
    """The cost of one tap. parts: instructions by the name of the part. to_gate: instructions from the last byte's
    arrival to the gate pin, everything included."""

    parts: Mapping[str, int]
    to_gate: int
    flash_operations: int

    @property
    def instructions(self) -> int:
        """What the tap costs."""
        return sum(self.parts[part.name] for part in PARTS if part.of_tap)


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What was counted. boot: instructions from reset to ready. new_issuer: the first code of an issuer. known_issuer:
    a code after the issuer's table was built."""

    boot: int
    new_issuer: Tap
    known_issuer: Tap


def measure(flash: Path, elf: Path, codes: Sequence[bytes], clock: int) -> Costs:
    """Counts on a board that was never used. codes: of one issuer, enough to earn its table, and one more."""
    with Board(flash) as board:
        board.set_rtc(clock)
        board.power_on()
        board.mark(marks(elf))
        boot = board.run(2000, until=b"ready terminal").insns
        board.run(200)
        taps = [_tap(board, code) for code in codes]
    return Costs(boot=boot, new_issuer=taps[0], known_issuer=taps[-1])


def _tap(board: Board, code: bytes) -> Tap:
    board.parts(clear=True)
    before = board.run(0.001)
    board.feed(SCANNER, code)
    line_ms = len(code) * 10 * 217 / 25_000  # 8N1 at 25 MHz / 217, as the port sets it
    arrived = board.run(line_ms)
    outcome = board.run(2500)
    opened = [change.insns for change in (arrived + outcome).pins if change.pins & PIN_GATE]
    if not opened:
        raise BoardError(
            "tap",
            Text(f"the gate stayed shut: {outcome.status.strip()}", f"闸机未开：{outcome.status.strip()}"),
            Text("Measure with codes that are good at the given clock", "请使用在该时刻有效的码"),
        )
    spent, _ = board.parts()
    return Tap(
        parts={part.name: spent[number] for number, part in enumerate(PARTS)},
        to_gate=opened[0] - arrived.insns,
        flash_operations=outcome.operations - before.operations,
    )
