"""A collector in a process of its own, as `yima collect` starts it."""

import json
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit


class Service:
    """`yima collect` on a store. pid, host and port as it runs."""

    def __init__(self, store: str, log: Path, *options: str) -> None:
        words = ["collect", "--listen", "127.0.0.1:0", "--store", store, "--json", *options]
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "yima.sdk.cli.main", *words], stdout=out, stderr=out
            )
        self.pid = self._process.pid
        self._log = log
        parts = urlsplit(self._listening())
        assert parts.hostname and parts.port
        self.host, self.port = parts.hostname, parts.port

    def _listening(self) -> str:
        while self._process.poll() is None:
            for line in self._log.read_text(encoding="utf-8").splitlines():
                if '"listening"' in line:
                    return str(json.loads(line)["url"])
            time.sleep(0.05)
        raise SystemExit(self._log.read_text(encoding="utf-8"))

    def kill(self) -> None:
        """As the kernel would."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Ends it."""
        self._process.terminate()
        self._process.wait()
