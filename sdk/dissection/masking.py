"""Hides account numbers in everything that is shown of a payload, so that no view of it can leak what another masks.

Rules:
- Whatever is shown of a payload's bytes is cut from here, by offset: hexadecimal and text, of a field or of the whole.
- Of an account the first 4 and last 4 characters stay, the rest is `*`; one of 8 or fewer is hidden whole, one that was
  cut off keeps its first 4 only.
- The same number anywhere else in the payload (issuer's data, an acquirer's tag; as text or as packed digits) is hidden
  as well. Accounts of 8 or fewer characters are hidden in their place only: short numbers occur by chance.
"""

KEPT = 4
"""Characters of an account that stay at either end."""


class Veil:
    """One payload as it may be shown. reveal: shows all of it."""

    def __init__(self, payload: bytes, *, reveal: bool = False) -> None:
        self._payload = payload
        self._hex = payload.hex()
        self._hidden = bytearray(len(self._hex))  # one flag a nibble
        self.revealed = reveal

    def hide(self, offset: int, size: int) -> None:
        """These bytes are not shown at all."""
        self._hide_nibbles(2 * offset, 2 * (offset + size))

    def hide_text_account(self, offset: int, size: int, *, whole: bool) -> None:
        """An account in ASCII, space padded (field 4). whole: False where the payload ends before it does."""
        account = self._payload[offset : offset + size].rstrip(b" ")
        self._hide_middle(2 * offset, len(account), 2, whole=whole)
        if whole and _is_telling(account):
            self._hide_copies(account.hex(), 2)
            if account.isdigit():
                self._hide_copies(account.decode(), 1)

    def hide_packed_account(self, offset: int, size: int, *, whole: bool) -> None:
        """An account in packed digits, F padded (field 5). whole: False where the payload ends before it does."""
        account = self._payload[offset : offset + size].hex().rstrip("f")
        self._hide_middle(2 * offset, len(account), 1, whole=whole)
        if whole and _is_telling(account.encode()):
            self._hide_copies(account, 1)
            self._hide_copies(account.encode().hex(), 2)

    def hex(self, offset: int, size: int) -> str:
        """Bytes of the payload in hexadecimal, `*` for each hidden digit."""
        shown = self._hex[2 * offset : 2 * (offset + size)]
        if self.revealed:
            return shown
        hidden = self._hidden[2 * offset : 2 * (offset + size)]
        return "".join("*" if flag else digit for digit, flag in zip(shown, hidden, strict=True))

    def text(self, offset: int, size: int) -> str:
        """Bytes of the payload as UTF-8, `*` for each hidden byte; what a terminal would not print is escaped."""
        shown = bytearray(self._payload[offset : offset + size])
        if not self.revealed:
            for i in range(len(shown)):
                if any(self._hidden[2 * (offset + i) : 2 * (offset + i) + 2]):
                    shown[i] = ord("*")
        text = shown.decode("utf-8", "backslashreplace")
        return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)

    def is_hidden(self, offset: int, size: int) -> bool:
        """Whether any of these bytes may not be shown."""
        return not self.revealed and any(self._hidden[2 * offset : 2 * (offset + size)])

    def _hide_nibbles(self, start: int, end: int) -> None:
        end = min(end, len(self._hidden))
        if start < end:
            self._hidden[start:end] = b"\x01" * (end - start)

    def _hide_middle(self, start: int, length: int, width: int, *, whole: bool) -> None:
        """Hides within `length` characters of `width` nibbles from nibble `start` on."""
        short = whole and length <= 2 * KEPT
        first = 0 if short else KEPT
        last = length if short or not whole else length - KEPT
        self._hide_nibbles(start + first * width, start + last * width)

    def _hide_copies(self, pattern: str, width: int) -> None:
        at = self._hex.find(pattern)
        while at >= 0:
            if at % width == 0:
                self._hide_middle(at, len(pattern) // width, width, whole=True)
            at = self._hex.find(pattern, at + 1)


def _is_telling(account: bytes) -> bool:
    """Whether finding it elsewhere means something: long enough, and no filler such as all zeros."""
    return len(account) > 2 * KEPT and len(set(account)) > 1
