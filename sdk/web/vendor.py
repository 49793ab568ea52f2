"""What the page holds of others: zxing-wasm's reader (MIT, around zxing-cpp, Apache-2.0), pinned by its published hash.

`python -m yima.sdk.web.vendor PACKAGE.tgz` takes it out of the archive that `npm pack zxing-wasm@VERSION` gives.
"""

import base64
import hashlib
import sys
import tarfile
from pathlib import Path
from typing import Final

from yima.sdk.web.build import PAGE, script

VERSION: Final = "3.1.4"
INTEGRITY: Final = "1+v8p7sauddySVNG+ye7GD/0TS95BG2ycdkrC+EnBrFBFkHeIghzUt2yVjtx3NucJeNrQnhT8yGAIz60Vx9o0w=="
"""SHA-512 of the archive, as npm's registry names it."""
MODULE_SHA256: Final = "e8af31edb56d0522f4de74495839385ef019ba8bc90d38e5ecb2f18795d86fb2"
SCRIPT_SHA256: Final = "d33d09ce132a692faffbed0dce656c36cb2573b4b843885a6e036390d1071d95"


def take(archive: Path) -> None:
    """Writes the reader's script, its packed module and its licence into the page. Raises ValueError for another
    archive than the pinned one."""
    if hashlib.sha512(archive.read_bytes()).digest() != base64.b64decode(INTEGRITY):
        raise ValueError(f"{archive} is not zxing-wasm {VERSION} as it was published")
    with tarfile.open(archive) as opened:
        files = {
            name: file.read()
            for name in ("dist/iife/reader/index.js", "dist/reader/zxing_reader.wasm", "LICENSE")
            if (file := opened.extractfile(f"package/{name}"))
        }
    (PAGE / "zxing_reader.js").write_bytes(files["dist/iife/reader/index.js"])
    (PAGE / "zxing_wasm.js").write_text(script("zxing", files["dist/reader/zxing_reader.wasm"]), encoding="utf-8")
    (PAGE / "zxing_LICENSE.txt").write_bytes(files["LICENSE"])


if __name__ == "__main__":
    take(Path(sys.argv[1]))
