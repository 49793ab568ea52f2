"""Three real tariffs as sources, each with a table of expected fares: `yima params example DIR --tariff NAME`.

Each directory's README.md names the public figures it is written from, and what in it is ours.
"""

from pathlib import Path
from shutil import copytree

from yima.validator.errors import ParametersError
from yima.validator.texts import Text

HERE = Path(__file__).parent
NAMES = ("beijing-bus", "beijing-metro", "hangzhou-metro")


def tariff(name: str) -> Path:
    """The source directory of a tariff in NAMES."""
    return HERE / name.replace("-", "_")


def write_tariff(name: str, directory: Path) -> None:
    """Copies a tariff into a directory that is not there yet. Raises ParametersError."""
    try:
        copytree(tariff(name), directory)
    except OSError as error:
        raise ParametersError(
            directory,
            Text(f"cannot be made: {error.strerror}", f"无法创建：{error.strerror}"),
            Text("Name a directory that is not there yet", "请指定尚不存在的目录"),
        ) from error
