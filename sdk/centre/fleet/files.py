"""Files that are written for others, named when the system does not take them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from yima.sdk.centre.fleet.database import FleetError
from yima.validator.system.disk import write_whole
from yima.validator.texts import Text


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Around what writes that file or makes that folder. Raises FleetError for what the system says against it."""
    try:
        yield
    except OSError as error:
        said = error.strerror or error
        raise FleetError(
            path,
            Text(f"cannot be written: {said}", f"无法写入：{said}"),
            Text(
                "Free space, see that this user may write there, and run it again",
                "请释放空间并确认当前用户有写入权限，然后重新运行",
            ),
        ) from error


def put(path: Path, content: bytes) -> None:
    """A private file (0600), whole and durable, or as it was. Raises FleetError."""
    with writing(path):
        write_whole(path, content)
