"""What happens to a code on its way, done to it: the opposite of what yima.sdk.bench undoes, and written without it."""

import base64
import bz2
import gzip
import html
import json
import lzma
import zlib
from collections.abc import Callable
from functools import reduce
from itertools import pairwise
from urllib.parse import quote_from_bytes, quote_plus

from yima.sdk.bench.rewritten import LAYOUTS

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


def pieces(code: bytes, size: int) -> list[bytes]:
    """In packets."""
    return [code[at : at + size] for at in range(0, len(code), size)]


def escaped(code: bytes, escapes: dict[int, bytes]) -> bytes:
    """Each of these bytes as a protocol sends it."""
    return b"".join(escapes.get(byte, bytes([byte])) for byte in code)


def base45(code: bytes) -> bytes:
    """RFC 9285."""
    letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
    text = ""
    for pair in pieces(code, 2):
        number = int.from_bytes(pair)
        text += "".join(letters[number // 45**place % 45] for place in range(len(pair) + 1))
    return text.encode()


def keyboard(detail: str, encoding: str = "utf-8") -> Callable[[str], bytes]:
    """What comes of a text that was typed so."""
    came, meant = next((came, meant) for said, came, meant in LAYOUTS if said == detail)
    letters = dict(zip(meant, came, strict=True))
    return lambda text: "".join(letters.get(letter, letter) for letter in text).encode(encoding)


def spelled(code: bytes, written: Callable[[int], str]) -> bytes:
    """All but printable ASCII, and backslashes, written by a rule; the rest as it is."""
    return "".join(chr(byte) if 32 <= byte < 127 and byte != 0x5C else written(byte) for byte in code).encode()


def with_its_check(code: bytes) -> bytes:
    """Between STX and ETX, and the block check character: all of it xored."""
    sent = code + b"\x03"
    return b"\x02" + sent + bytes([reduce(int.__xor__, sent)])


_SLIP = {0xC0: b"\xdb\xdc", 0xDB: b"\xdb\xdd"}
_HDLC = {0x7D: b"\x7d\x5d", 0x7E: b"\x7d\x5e"}

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
    "control-bytes-replaced by names": lambda code: code.replace(b"\x1d", b"<GS>").replace(b"\x04", b"<EOT>"),
    "charset-reencoded cp850": lambda code: code.decode("cp850").encode(),
    "charset-reencoded utf16 with a mark": lambda code: code.decode("latin-1").encode("utf-16"),
    "utf8-reencoded in hex": lambda code: code.decode("latin-1").encode().hex().encode(),
    "utf8-reencoded percent": lambda code: quote_plus(code.decode("latin-1")).encode(),
    "percent-encoded form": lambda code: quote_plus(code).encode(),
    "base64-text url": lambda code: base64.urlsafe_b64encode(code).rstrip(b"="),
    "base64-text of hex": lambda code: base64.b64encode(code.hex().encode()),
    "base32-text": base64.b32encode,
    "base45-text": base45,
    "hex-text brackets": lambda code: "".join(f"[{byte:02X}]" for byte in code).encode(),
    "hex-text of hex": lambda code: code.hex().encode().hex().encode(),
    "escaped-text html": lambda code: html.escape(code.decode("latin-1")).encode("latin-1"),
    "escaped-text xml": lambda code: code.decode("latin-1").encode("ascii", "xmlcharrefreplace"),
    "framed log": lambda code: b"2026-11-27 09:00:00.123 RX: " + code.hex(" ").encode(),
    "framed link": lambda code: b"https://example.org/q?code=" + base64.urlsafe_b64encode(code),
    "framed tag": lambda code: b"<barcode>" + code.hex().encode() + b"</barcode>",
    "framed DataMatrix": lambda code: b"]d2" + code,
    "framed echo": lambda code: bytes.fromhex("7e000801000201abcd02000001003331") + code,
    "framed sum": lambda code: b"\x02" + code + b"\x03" + bytes([sum(code) & 0xFF]),
    "repeated-piece every byte": lambda code: bytes(byte for byte in code for _ in range(2)),
    "repeated-piece whole": lambda code: code + code,
    "byte-order": lambda code: code[::-1],
    "byte-order pairs": lambda code: b"".join(piece[::-1] for piece in pieces(code, 2)),
    "byte-order words": lambda code: b"".join(piece[::-1] for piece in pieces(code, 4)),
    "byte-order bits": lambda code: bytes(int(f"{byte:08b}"[::-1], 2) for byte in code),
    "byte-order packets": lambda code: code[:64] + code[128:192] + code[64:128] + code[192:],
    "byte-stuffing SLIP": lambda code: b"\xc0" + escaped(code, _SLIP) + b"\xc0",
    "byte-stuffing HDLC": lambda code: b"\x7e" + escaped(code, _HDLC) + b"\x7e",
    "byte-stuffing DLE": lambda code: b"\x10\x02" + escaped(code, {0x10: b"\x10\x10"}) + b"\x10\x03",
    "byte-stuffing telnet": lambda code: escaped(code, {0xFF: b"\xff\xff"}),
    "keyboard-layout AZERTY": lambda code: keyboard("typed for QWERTY, read as AZERTY")(code.hex()),
    "keyboard-layout AZERTY cp1252": lambda code: keyboard("typed for QWERTY, read as AZERTY", "cp1252")(code.hex(" ")),
    "keyboard-layout QWERTZ": lambda code: keyboard("typed for QWERTY, read as QWERTZ")(
        base64.b64encode(code).decode()
    ),
    "keyboard-layout set to AZERTY": lambda code: keyboard("typed for AZERTY, read as QWERTY")(code.hex()),
    "keyboard-layout caps lock": lambda code: base64.b64encode(code).swapcase(),
    "keyboard-layout shift held": lambda code: code.hex().translate(str.maketrans("1234567890", "!@#$%^&*()")).encode(),
    "flow-control-dropped one": lambda code: code.replace(b"\x13", b"", 1) if code.count(b"\x13") == 1 else code,
    "compressed raw, stored": lambda code: zlib.compress(code, level=0, wbits=-15),
    "repeated-piece with CR": lambda code: code + b"\r" + code + b"\r",
    "repeated-piece beginning": lambda code: code[:150] + code,
    "repeated-piece end": lambda code: code + code[-64:],
    "repeated-piece hex lines": lambda code: 2 * (code.hex().encode() + b"\r\n"),
    "length-prefixed digits": lambda code: b"%04d" % len(code) + code,
    "length-prefixed hex digits": lambda code: b"%04X" % len(code) + code,
    "length-prefixed netstring": lambda code: b"%d:" % len(code) + code + b",",
    "length-prefixed and checked": lambda code: b"\x02\x01" + len(code).to_bytes(2) + code + b"\x5a\xa5",
    "framed BCC": with_its_check,
    "framed AIM in small letters": lambda code: b"]q1" + code,
    "framed symbology letter": lambda code: b"Q" + code + b"\r",
    "framed telnet's offers": lambda code: bytes.fromhex("fffb01fffd03") + code,
    "framed answer to a command": lambda code: b"TRIGGER ON\r\nOK\r\n" + code,
    "framed padding FF": lambda code: code.ljust(384, b"\xff"),
    "framed padding 00": lambda code: code.ljust(384, b"\0"),
    "framed chunk": lambda code: b"%x\r\n" % len(code) + code + b"\r\n0\r\n\r\n",
    "framed csv": lambda code: f'2026-11-27,09:00,"{code.hex()}",QR'.encode(),
    "byte-order hex digits": lambda code: code.hex()[::-1].encode(),
    "newline-translated 0D 0D0D0A": lambda code: code.replace(b"\r", b"\r\r\n"),
    "newline-translated 0A 0D0D0A": lambda code: code.replace(b"\n", b"\r\r\n"),
    "byte-stuffing telnet with 00": lambda code: escaped(code, {0xFF: b"\xff\xff", 0x0D: b"\r\0"}),
    "byte-stuffing backslash": lambda code: escaped(code, {0x5C: b"\\\\"}),
    "byte-stuffing flow control": lambda code: escaped(code, _HDLC | {0x11: b"\x7d\x31", 0x13: b"\x7d\x33"}),
    "hid-pos ids left in": lambda code: b"".join(b"\x02" + piece for piece in pieces(code, 63)),
    "escaped-text printf": lambda code: spelled(code, "\\x{:02x}".format),
    "escaped-text brackets": lambda code: spelled(code, "<0x{:02X}>".format),
    "escaped-text where no UTF-8": lambda code: code.decode("utf-8", "backslashreplace").encode(),
    "escaped-text JSON": lambda code: json.dumps(code.decode("latin-1")).encode(),
    "base64-text + a blank": lambda code: base64.b64encode(code).replace(b"+", b" "),
    "percent-encoded twice": lambda code: quote_from_bytes(quote_from_bytes(code).encode()).encode(),
    "bit-inverted base64": lambda code: base64.b64encode(bytes(255 - byte for byte in code)),
    "byte-order words in hex": lambda code: b"".join(piece[::-1] for piece in pieces(code, 4)).hex().encode(),
    "charset-reencoded koi8-r": lambda code: code.decode("koi8-r").encode(),
    "double-utf8 percent": lambda code: quote_plus(code.decode("latin-1").encode().decode("latin-1")).encode(),
    "utf8-reencoded base64": lambda code: base64.b64encode(code.decode("latin-1").encode()),
}
"""What can be undone to the last byte: the code comes out again, and its signatures prove it."""

LOST: dict[str, Damage] = {
    "charset-replaced utf8": lambda code: code.decode("utf-8", "replace").encode(),
    "charset-replaced gbk": lambda code: code.decode("gbk", "replace").encode(),
    "charset-replaced sjis": lambda code: code.decode("shift-jis", "replace").encode(),
    "charset-replaced ?": lambda code: bytes(byte if byte < 128 else 63 for byte in code),
    "charset-replaced gbk ?": lambda code: code.decode("latin-1").encode("gbk", "replace"),
    "charset-replaced gb18030 left out": lambda code: code.decode("gb18030", "ignore").encode(),
    "charset-replaced utf8 left out": lambda code: code.decode("utf-8", "ignore").encode(),
    "charset-replaced big5": lambda code: code.decode("big5", "replace").encode(),
    "charset-replaced cp437 to cp1252": lambda code: code.decode("cp437").encode("cp1252", "replace"),
    "charset-replaced dots": lambda code: bytes(byte if 32 <= byte < 127 else 46 for byte in code),
    "utf8-reencoded and cut at 255": lambda code: code.decode("latin-1").encode()[:255],
    "control-bytes-replaced by blanks": lambda code: bytes(max(byte, 32) for byte in code),
    "control-bytes-replaced 00 by a blank": lambda code: code.replace(b"\0", b" "),
    "bit-stuck high": lambda code: bytes(byte | 0x40 for byte in code),
    "bit-stuck low": lambda code: bytes(byte & ~0x20 for byte in code),
    "compressed gzip": lambda code: gzip.compress(code, mtime=0),
    "compressed zlib": zlib.compress,
    "seven-bit mark parity": lambda code: bytes(byte | 0x80 for byte in code),
    "seven-bit and a suffix": lambda code: bytes(byte & 127 for byte in code) + b"\r\n",
    "seven-bit keyboard": lambda code: bytes(byte for byte in code if 32 <= byte < 127) + b"\n",
    "seven-bit": lambda code: bytes(byte & 127 for byte in code),
    "seven-bit parity": even_parity,
    "seven-bit dropped": lambda code: bytes(byte for byte in code if byte < 128),
    "control-bytes-dropped": without(*range(32)),
    "control-bytes-dropped but line ends": without(*set(range(32)) - {9, 10, 13}),
    "nul-dropped": without(0),
    "nul-dropped in hex": lambda code: code.replace(b"\0", b"").hex().encode(),
    "case-folded to capitals": bytes.upper,
    "case-folded to small letters": bytes.lower,
    "case-folded text": lambda code: code.decode("latin-1").upper().encode(),
    "compressed xz": lzma.compress,
    "compressed bzip2": bz2.compress,
    "compressed and in base64": lambda code: base64.b64encode(gzip.compress(code, mtime=0)),
    "seven-bit odd parity": lambda code: bytes(byte ^ 0x80 for byte in even_parity(code)),
    "seven-bit parity and a suffix": lambda code: even_parity(code + b"\r\n"),
    "seven-bit in hex": lambda code: bytes(byte & 127 for byte in code).hex().encode(),
    "control-bytes-dropped in base64": lambda code: base64.b64encode(without(*range(32))(code)),
    "charset-replaced cp437 ?": lambda code: code.decode("latin-1").encode("cp437", "replace"),
    "charset-replaced in UTF-16": lambda code: code.decode("gbk", "replace").encode("utf-16-le"),
    "cut by a signature": lambda code: code[:-64],
    "cut and ended": lambda code: code[:127] + b"\r\n",
    "cut in a digit": lambda code: code.hex()[:301].encode(),
    "cut percent": lambda code: quote_from_bytes(code)[:300].encode(),
    "cut": lambda code: code[:100],
    "cut at the end": lambda code: code[:-3],
    "cut hex": lambda code: code[:20].hex().encode(),
    "cut at 64": lambda code: code[:64],
    "cut at 128": lambda code: code[:128],
    "cut at 256": lambda code: code[:256],
    "cut at the start": lambda code: code[1:],
    "cut at the first 00": lambda code: code.split(b"\0")[0],
    "cut hex at 255": lambda code: code.hex().encode()[:255],
    "cut base64 at 128": lambda code: base64.b64encode(code)[:128],
    "cut and filled": lambda code: code[:128].ljust(len(code), b"\0"),
    "cut by Node": lambda code: f"<Buffer {code[:50].hex(' ')} ... {len(code) - 50} more bytes>".encode(),
    "cut hex line": lambda code: b"\n".join(piece.hex(" ").encode() for piece in pieces(code[:64] + code[80:], 16)),
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

OPEN: dict[str, Damage] = {
    "one byte changed": lambda code: code[:99] + bytes([code[99] ^ 4]) + code[100:],
    "sixty bytes changed": lambda code: bytes(byte ^ (place % 5 == 0) for place, byte in enumerate(code)),
    "a packet of zeros": lambda code: code[:64] + bytes(64) + code[128:],
    "bytes put in": lambda code: code[:70] + b"\x9c" + code[70:140] + b"\x07\xe1" + code[140:],
    "one packet of the middle": lambda code: code[64:128],
    "shifted by a bit": lambda code: (int.from_bytes(code) << 1).to_bytes(len(code) + 1),
    "xor 55": lambda code: bytes(byte ^ 0x55 for byte in code),
    "three bytes lost": lambda code: code[:37] + code[38:88] + code[89:240] + code[241:],
    "every sixteenth lost": lambda code: b"".join(piece[:15] for piece in pieces(code, 16)),
    "a heartbeat in the middle": lambda code: code[:100] + b"\x06" + code[100:],
    "halves swapped": lambda code: code[len(code) // 2 :] + code[: len(code) // 2],
    "one added": lambda code: bytes(byte + 1 & 255 for byte in code),
    "two bits stuck": lambda code: bytes(byte | 3 for byte in code),
    "raw deflate of digits": lambda code: zlib.compress(code.hex().encode(), wbits=-15),
    "base85": base64.b85encode,
    "hex digits without their zeros": lambda code: "".join(f"{byte:x}" for byte in code).encode(),
    "base64 in small letters": lambda code: base64.b64encode(code).lower(),
    "cat -v": lambda code: "".join(
        ("M-" if byte > 127 else "") + (f"^{chr(byte % 128 + 64)}" if byte % 128 < 32 else chr(byte % 128))
        for byte in code
    ).encode(),
}
"""What has no cause of its own, or leaves too little: nothing may be named for it but that it is open."""
