"""The bench's page, opened in Chromium: what a test does to it, and what it shows."""

import shutil
import time
from typing import Any

CHROMIUM = shutil.which("chromium")
PATIENCE_S = 120  # of a machine that does much else: a page has opened by then, or never will
PORT = """
const port = {
  async open(options) {
    this.options = options;
    this.readable = new ReadableStream({ start: (sink) => { this.sink = sink; } });
  },
  async close() { this.closed = true; },
};
Object.defineProperty(navigator, 'serial', { value: { requestPort: async () => port } });
window.line = async (bytes, size) => {
  for (let at = 0; at < bytes.length; at += size) {
    port.sink.enqueue(Uint8Array.from(bytes.slice(at, at + size)));
    await new Promise((next) => setTimeout(next, 1));
  }
};
window.port = port;
"""


class Opened:
    """A page that is ready, and all that it asked for and got."""

    def __init__(self, browser: Any, address: str, scripts: str = PORT) -> None:
        self.context = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 900})
        self.context.set_default_timeout(PATIENCE_S * 1000)
        self.context.add_init_script(scripts)
        self.got: list[str] = []
        self.wrong: list[str] = []
        self.context.on("requestfinished", lambda request: self.got.append(request.url))
        self.page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.goto(address)
        self.page.wait_for_selector("html[data-ready]")

    def paste(self, text: str) -> None:
        """Types into the box and asks for it."""
        self.page.fill("#pasted", text)
        self.page.click("#judge")

    def give(self, name: str, content: bytes, kind: str = "") -> None:
        """A file by the picker."""
        self.page.set_input_files("#file", {"name": name, "mimeType": kind, "buffer": content})

    def shown(self) -> int:
        """How many presentations the page lists; it lists the last hundred."""
        count: int = self.page.locator("#history li").count()
        return count

    def waits_for(self, number: int) -> None:
        """Until so many presentations were shown, and what happened to the last was found."""
        self.until(f"document.querySelectorAll('#history li').length === {number}")
        self.until("!document.documentElement.hasAttribute('data-searching')")

    def until(self, expression: str) -> None:
        """Asks from outside until it is so: the page's policy lets nobody evaluate inside."""
        deadline = time.monotonic() + PATIENCE_S
        while not self.page.evaluate(expression):
            assert time.monotonic() < deadline, (expression, self.page.inner_text("#says"))
            self.page.wait_for_timeout(20)

    def signatures(self) -> dict[str, str]:
        """What is shown of each of the three."""
        found: dict[str, str] = self.page.eval_on_selector_all(
            "#signatures li", "all => Object.fromEntries(all.map(one => [one.dataset.signature, one.dataset.answer]))"
        )
        return found


def roots_of(vector: dict[str, Any]) -> bytes:
    return b"".join(bytes.fromhex(root["certificate"]) for root in vector["roots"])
