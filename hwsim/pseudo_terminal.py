"""A serial line between two programs of this machine: the simulator's end, and a path that a reader opens.

The system gives the number of a pseudo-terminal to the next one as soon as it is closed. A program that comes back to
/dev/pts/N after its line was pulled would then read a stranger's. So the path is a link of the line's own, which goes
before the terminal does: whoever comes back finds nothing there, as where a USB scanner was pulled out.
"""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

_PREFIX: Final = "yima-line-"


class PseudoTerminal:
    """One line. master: the simulator's end, non-blocking. path: what the other program opens, `name` in a folder of
    its own. Both ends are held open here, so that the line stays raw and alive while nobody else is there."""

    def __init__(self, name: str = "line") -> None:
        """Raises OSError where the system has no terminal left."""
        import tty  # noqa: PLC0415 - Windows has none, and must be able to list the verbs

        self.master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self.master, False)
        self._folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        link = self._folder / name
        link.symlink_to(os.ttyname(self._slave))
        self.path = str(link)

    def close(self) -> None:
        """Pulls the plug: whoever has the line sees it vanish. A second call does nothing."""
        if self._slave < 0:
            return
        shutil.rmtree(self._folder, ignore_errors=True)
        for descriptor in (self.master, self._slave):
            os.close(descriptor)
        self._slave = -1


class Name:
    """A name that stays, for a line whose path is another one each time: a symbolic link that goes with the line.

    What lies there already is somebody's. Only a link to a line, as a program that was killed leaves it behind, is
    taken over; and what another program has taken over since is not taken away.
    """

    def __init__(self, link: Path, path: str) -> None:
        """path: of the line. Raises OSError, also where something lies there."""
        self._link, self._path = link, path
        if _leads_to_a_line(link):
            link.unlink()
        try:
            link.symlink_to(path)
        except OSError as error:  # Python's names both ends
            raise OSError(error.errno, error.strerror or str(error), str(link)) from error

    def remove(self) -> None:
        """Takes it away, if it is still ours."""
        if self._link.is_symlink() and self._link.readlink() == Path(self._path):
            self._link.unlink()


def _leads_to_a_line(link: Path) -> bool:
    return link.is_symlink() and link.readlink().parent.name.startswith(_PREFIX)
