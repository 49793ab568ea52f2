"""A PostgreSQL server of one's own on a socket in a temporary folder, durable as in a city."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from yima.validator.texts import Text, say

USER = "postgres" if os.getuid() == 0 else None  # PostgreSQL runs for nobody who may do everything
LACKING = Text(
    "PostgreSQL is not installed: apt-get install postgresql (make setup does it as root)",
    "未安装 PostgreSQL：apt-get install postgresql（make setup 以 root 运行时会安装）",
)


class Cluster:
    """A server that runs. pid: the process that begins all others."""

    def __init__(self, home: Path, place: Path) -> None:
        self._home, self._place = home, place

    @property
    def pid(self) -> int:
        """Of the server as it runs now."""
        return int((self._home / "data/postmaster.pid").read_text(encoding="utf-8").split()[0])

    def make(self, name: str) -> str:
        """A new database; its address as an URL."""
        self._run(self._place / "createdb", "-h", self._home, "-U", "yima", name)
        return f"postgresql://yima@/{name}?host={self._home}"

    def start(self, settings: str = "") -> None:
        """Begins to answer."""
        options = f"-k {self._home} -c listen_addresses='' {settings}"
        self._control("-l", self._home / "log", "-o", options, "start")

    def kill(self) -> None:
        """As a power cut would: nothing is written any more."""
        self._control("-m", "immediate", "stop")

    def _control(self, *words: Path | str) -> None:
        self._run(self._place / "pg_ctl", "-D", self._home / "data", "-w", *words)

    def make_files(self) -> None:
        """What a server needs on its disk."""
        said = ("--auth=trust", "--username=yima", "--encoding=UTF8", "--no-sync", "--pgdata")
        self._run(self._place / "initdb", *said, self._home / "data")

    def _run(self, *command: Path | str) -> None:
        # The server inherits standard output, so that is no pipe.
        with (self._home / "out").open("w+", encoding="utf-8", errors="replace") as out:
            done = subprocess.run(command, user=USER, cwd=self._home, check=False, stdout=out, stderr=out)
            out.seek(0)
            if done.returncode:
                raise RuntimeError(f"{command[0]}: {out.read()}")


def programs() -> Path | None:
    """Where PostgreSQL's programs are, as Debian puts them or on PATH; None: not installed."""
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return places[-1] if places and (places[-1] / "initdb").exists() else None


@contextmanager
def cluster(directory: Path | None = None, settings: str = "") -> Iterator[Cluster]:
    """A server below `directory`, gone at the end. The path of its socket has to be short. SystemExit where PostgreSQL
    is not installed."""
    place = programs()
    if place is None:
        raise SystemExit(say(LACKING))
    home = Path(tempfile.mkdtemp(prefix="yima-pg-", dir=directory or "/tmp"))
    made = Cluster(home, place)
    try:
        if USER:
            shutil.chown(home, USER)
        made.make_files()
        made.start(settings)
        yield made
        made.kill()
    finally:
        shutil.rmtree(home)
