"""What `benchmarks.latency` is held against: a program that answers a code's last byte, with or without one flush.

`python -m benchmarks.latency_peers PORT SIZE [FILE]`: reads SIZE bytes from the port, again and again, and after each
writes a line to standard error; with a file it writes 1 KB into it first, over zeros that are there, and flushes that.
"""

import os
import sys

_FILE_SIZE, _WRITE = 2 << 20, bytes(range(256)) * 4


def main() -> None:
    """Runs until it is ended."""
    port = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)
    size = int(sys.argv[2])
    file = os.open(sys.argv[3], os.O_RDWR | os.O_CREAT, 0o600) if len(sys.argv) > 3 else None
    if file is not None:
        os.write(file, bytes(_FILE_SIZE))
        os.fsync(file)
    at = 0
    while True:
        got = 0
        while got < size:
            got += len(os.read(port, size - got))
        if file is not None:
            os.pwrite(file, _WRITE, at)
            os.fdatasync(file)
            at = (at + len(_WRITE)) % _FILE_SIZE
        os.write(2, b".\n")


if __name__ == "__main__":
    main()
