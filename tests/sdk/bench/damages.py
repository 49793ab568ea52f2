"""What happens to a code on its way, done to it: the opposite of what yima.sdk.bench undoes, and written without it."""

import base64
from collections.abc import Callable
from itertools import pairwise
from urllib.parse import quote_from_bytes

Damage = Callable[[bytes], bytes]


def hid_reports(code: bytes) -> bytes:
    """Reports of 64 bytes: id, length, AIM identifier, 56 bytes, two of the maker's, whether more follow."""
    pieces = [code[at : at + 56] for at in range(0, len(code), 56)]
    return b"".join(
        (bytes([2, len(piece)]) + b"]Q1" + piece).ljust(63, b"\0") + bytes([place + 1 < len(pieces)])
        for place, piece in enumerate(pieces)
    )


def ssi(code: bytes) -> bytes:
    """Two packets of Zebra's SSI: length, F3, source, status, symbology, data, the sum's complement."""
    sent = b""
    for piece in (code[:200], code[200:]):
        packet = bytes([5 + len(piece), 0xF3, 0, 2, 0x1C]) + piece
        sent += packet + (-sum(packet) & 0xFFFF).to_bytes(2)
    return sent


def codewords(code: bytes) -> bytes:
    """Mode 4, a count of 16 bits, the bytes, the terminator, then EC 11 to the symbol's capacity."""
    bits = f"0100{len(code):016b}" + "".join(f"{byte:08b}" for byte in code) + "0000"
    data = int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8))
    return data + b"\xec\x11" * 30


def without(*values: int) -> Damage:
    """Every byte of these values is lost."""
    return lambda code: bytes(byte for byte in code if byte not in values)


def windows(code: bytes) -> bytes:
    """Taken for Windows-1252, whose five empty places are the control characters of their numbers."""
    return "".join(
        bytes([byte]).decode("cp1252") if byte not in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else chr(byte) for byte in code
    ).encode()


def even_parity(code: bytes) -> bytes:
    """Seven bits and a parity bit, read as eight."""
    return bytes(byte & 127 | (byte & 127).bit_count() % 2 << 7 for byte in code)


def line(code: bytes, sent: int, read: int, *, waits_for_idle: bool = False) -> bytes:
    """What a receiver at one speed makes of a line at another: it takes a fall for a start, looks again half a bit
    later, samples each bit in its middle, and goes on at the next fall behind the stop bit."""
    levels = [1, 1, 1]
    for byte in code:
        levels += [0, *(byte >> bit & 1 for bit in range(8)), 1]
    levels += [1] * (20 * max(1, sent // read))
    falls = [place + 1 for place, (now, then) in enumerate(pairwise(levels)) if now > then]
    came: list[int] = []
    moment = 0.0  # in bits as sent
    while True:
        fall = next((fall for fall in falls if fall >= moment), None)
        if fall is None or fall + 10 * sent / read >= len(levels):
            return bytes(came)
        samples = [levels[int(fall + sent / read * (place + 0.5))] for place in range(10)]
        if samples[0]:
            moment = fall + 0.5 * sent / read
            continue
        came.append(sum(bit << place for place, bit in enumerate(samples[1:9])))
        moment = fall + 9.5 * sent / read
        while waits_for_idle and not samples[9] and int(moment) < len(levels) and not levels[int(moment)]:
            moment = int(moment) + 1


UNDONE: dict[str, Damage] = {
    "whole": lambda code: code,
    "utf8-reencoded": lambda code: code.decode("latin-1").encode(),
    "double-utf8": lambda code: code.decode("latin-1").encode().decode("latin-1").encode(),
    "charset-reencoded cp437": lambda code: code.decode("cp437").encode(),
    "charset-reencoded cp1252": windows,
    "charset-reencoded mac": lambda code: code.decode("mac-roman").encode(),
    "charset-reencoded utf16": lambda code: code.decode("latin-1").encode("utf-16-be"),
    "charset-reencoded gb18030": lambda code: code.decode("latin-1").encode("gb18030"),
    "hid-pos": hid_reports,
    "ssi-packets": ssi,
    "codewords": codewords,
    "length-prefixed": lambda code: len(code).to_bytes(2) + code,
    "length-prefixed little": lambda code: len(code).to_bytes(4, "little") + code,
    "bit-inverted": lambda code: bytes(255 - byte for byte in code),
    "nibble-swapped": lambda code: bytes.fromhex(
        "".join(code.hex()[at : at + 2][::-1] for at in range(0, 2 * len(code), 2))
    ),
    "repeated-piece": lambda code: code[:128] + code[64:],
    "framed": lambda code: b"\x02" + code + b"\x03",
    "framed aim": lambda code: b"]Q1" + code + b"\r\n",
    "framed at": lambda code: b"AT\r" + code,
    "framed more": lambda code: b"a banner of some length: " + code,
    "hex-text": lambda code: code.hex().encode(),
    "hex-text colons": lambda code: code.hex(":").encode(),
    "hex-text dashes": lambda code: code.hex("-").upper().encode(),
    "hex-text 0x": lambda code: ", ".join(f"0x{byte:02x}" for byte in code).encode(),
    "hex-text h": lambda code: " ".join(f"{byte:02X}h" for byte in code).encode(),
    "base64-text": base64.b64encode,
    "base64-text uri": lambda code: b"data:application/octet-stream;base64," + base64.b64encode(code),
    "percent-encoded": lambda code: quote_from_bytes(code).encode(),
    "number-list": lambda code: str(list(code)).encode(),
    "escaped-text": lambda code: repr(code).encode(),
    "bom": lambda code: b"\xef\xbb\xbf" + code.hex().encode(),
    "bom binary": lambda code: b"\xef\xbb\xbf" + code,
    "newline-translated 0D 0D0A": lambda code: code.replace(b"\r", b"\r\n"),
    "newline-translated 0D 0A": lambda code: code.replace(b"\r", b"\n"),
    "newline-translated 0A 0D": lambda code: code.replace(b"\n", b"\r"),
    "newline-translated 0A 0D0A": lambda code: code.replace(b"\n", b"\r\n"),
    "control-bytes-replaced": lambda code: code.replace(b"\x1d", b"]"),
}
"""What can be undone to the last byte: the code comes out again, and its signatures prove it."""

LOST: dict[str, Damage] = {
    "charset-replaced utf8": lambda code: code.decode("utf-8", "replace").encode(),
    "charset-replaced gbk": lambda code: code.decode("gbk", "replace").encode(),
    "charset-replaced sjis": lambda code: code.decode("shift-jis", "replace").encode(),
    "charset-replaced ?": lambda code: bytes(byte if byte < 128 else 63 for byte in code),
    "charset-replaced gbk ?": lambda code: code.decode("latin-1").encode("gbk", "replace"),
    "seven-bit": lambda code: bytes(byte & 127 for byte in code),
    "seven-bit parity": even_parity,
    "seven-bit dropped": lambda code: bytes(byte for byte in code if byte < 128),
    "control-bytes-dropped": without(*range(32)),
    "control-bytes-dropped but line ends": without(*set(range(32)) - {9, 10, 13}),
    "nul-dropped": without(0),
    "cut": lambda code: code[:100],
    "cut at the end": lambda code: code[:-3],
    "cut hex": lambda code: code[:20].hex().encode(),
    "cut packet": lambda code: code[:64] + code[128:],
    "baud-mismatch 9600 at 115200": lambda code: line(code, 9600, 115200),
    "baud-mismatch 115200 at 9600": lambda code: line(code, 115200, 9600),
    "baud-mismatch 57600 at 115200": lambda code: line(code, 57600, 115200, waits_for_idle=True),
    "baud-mismatch 115200 at 57600": lambda code: line(code, 115200, 57600),
    "baud-mismatch 19200 at 115200": lambda code: line(code, 19200, 115200),
    "baud-mismatch 115200 at 19200": lambda code: line(code, 115200, 19200),
    "baud-mismatch 9600 at 38400": lambda code: line(code, 9600, 38400),
}
"""What is lost for good, or cannot be undone: the cause is named without a proof."""
