"""Tables in the documentation that a benchmark writes: each stands between two markers, the rest is not touched."""

from pathlib import Path

from yima.validator.errors import YimaError
from yima.validator.texts import Text

ROOT = Path(__file__).parent.parent


def write_between(path: Path, begin: str, end: str, text: str) -> None:
    """Puts `text` (whole lines) between the lines `begin` and `end`. Raises YimaError where a marker is gone."""
    head, found_begin, rest = path.read_text(encoding="utf-8").partition(f"{begin}\n")
    _, found_end, tail = rest.partition(end)
    if not found_begin or not found_end:
        raise YimaError(
            path,
            Text("the markers of a measured table are gone", "测量表的标记缺失"),
            Text(f"Put {begin} and {end} where it belongs", f"请在相应位置写入 {begin} 与 {end}"),
        )
    path.write_text(head + found_begin + text + found_end + tail, encoding="utf-8")


def read_between(path: Path, begin: str, end: str) -> str:
    """What stands there; empty where a marker is gone."""
    return path.read_text(encoding="utf-8").partition(f"{begin}\n")[2].partition(end)[0]
