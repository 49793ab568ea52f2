"""yima.sdk.bench.pasted: the forms in which people pass bytes on, made by the tools that make them, where one does."""

import base64
import json
import shutil
import subprocess
from collections.abc import Callable
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.sdk.bench.pasted import SlipError, text_of, unpaste
from yima.sdk.payloads import PayloadError, payload_in

FORMS: dict[str, Callable[[bytes], str]] = {
    "hex": bytes.hex,
    "upper hex": lambda data: data.hex().upper(),
    "spaced": lambda data: data.hex(" "),
    "colons": lambda data: data.hex(":"),
    "dashes": lambda data: data.hex("-"),
    "0x": lambda data: ",".join(f"0x{byte:x}" for byte in data),
    "h": lambda data: " ".join(f"{byte:02X}h" for byte in data),
    "one 0x": lambda data: "0x" + data.hex(),
    r"\x": lambda data: "".join(f"\\x{byte:02x}" for byte in data),
    "C array": lambda data: (
        "static const uint8_t code[] = {\n  " + ", ".join(f"0x{byte:02x}" for byte in data) + "\n};"
    ),
    "xxd -i": lambda data: (
        "unsigned char c[] = {\n" + ",".join(f"0x{b:02x}" for b in data) + f"}};\nunsigned int n = {len(data)};"
    ),
    "Java": lambda data: "byte[] c = {" + ", ".join(str(byte - 256 * (byte > 127)) for byte in data) + "};",
    "base64": lambda data: base64.b64encode(data).decode(),
    "base64url": lambda data: base64.urlsafe_b64encode(data).decode().rstrip("="),
    "MIME": lambda data: base64.encodebytes(data).decode(),
    "armour": lambda data: f"-----BEGIN CODE-----\n{base64.encodebytes(data).decode()}-----END CODE-----",
    "data URI": lambda data: "data:;base64," + base64.b64encode(data).decode(),
    "Python": repr,
    "bytes.fromhex": lambda data: f"bytes.fromhex('{data.hex()}')",
    "bytearray": lambda data: repr(bytearray(data)),
    "JSON list": lambda data: json.dumps(list(data)),
    "JSON string": lambda data: json.dumps(data.decode("latin-1")),
    "JSON object": lambda data: json.dumps({"time": 1, "payload": data.hex()}),
    "Node Buffer": lambda data: json.dumps({"type": "Buffer", "data": list(data)}),
    "decimal": lambda data: " ".join(map(str, data)),
    "quoted": lambda data: f'"{data.hex()}"',
    "percent": lambda data: "".join(f"%{byte:02X}" for byte in data),
    "SQL": lambda data: f"X'{data.hex()}'",
    "PostgreSQL": lambda data: "\\x" + data.hex(),
    "NSData": lambda data: f"<{data.hex()}>",
    "base32": lambda data: base64.b32encode(data).decode(),
    "Node": lambda data: f"<Buffer {data.hex(' ')}>",
    "[80]": lambda data: "".join(f"[{byte:02X}]" for byte in data),
    "<80>": lambda data: " ".join(f"<{byte:02x}>" for byte in data),
    "form": lambda data: quote_plus(data, safe=""),
    "C string": lambda data: '"' + "".join(f"\\{byte:03o}" for byte in data) + '"',
}
TOOLS = {
    "xxd": ["xxd"], "xxd -g1": ["xxd", "-g1"], "xxd -c24": ["xxd", "-c24"], "hexdump -C": ["hexdump", "-C"],
    "hexdump": ["hexdump"], "od": ["od", "-tx1"], "od -A x": ["od", "-A", "x", "-tx1"],
    "od -An": ["od", "-An", "-tx1", "-v"],
}  # fmt: skip
BYTES = st.binary(min_size=30, max_size=400).filter(lambda data: max(data) > 127)


@pytest.mark.parametrize("form", FORMS)
def test_a_form_gives_its_bytes(form: str, code: bytes) -> None:
    assert payload_in(FORMS[form](code).encode(), "x").data == code
    assert payload_in(f"\n{FORMS[form](code)}\r\n".encode(), "x").data == code


@pytest.mark.parametrize("form", FORMS)
@given(data=BYTES)
def test_any_bytes_come_back_from_a_form(form: str, data: bytes) -> None:
    found = unpaste(FORMS[form](data))
    assert found is not None
    assert found.data == data


@pytest.mark.parametrize("tool", TOOLS)
def test_a_tools_dump_gives_its_bytes(tool: str, code: bytes) -> None:
    """Repeated lines, too, which some leave out with a star."""
    if shutil.which(TOOLS[tool][0]) is None:
        pytest.fail(f"{TOOLS[tool][0]} is not installed: run make setup as root")
    for data in (code, code[:16], code[:5], code + bytes(80) + code[:7], b"abcdef" * 40 + code):
        dumped = subprocess.run(TOOLS[tool], input=data, stdout=subprocess.PIPE, check=True).stdout
        found = unpaste(dumped.decode())
        assert found is not None
        assert found.data == data


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_text_of_another_encoding_is_a_text(encoding: str, code: bytes) -> None:
    assert text_of(code.hex().encode(encoding)) == code.hex()
    assert payload_in(code.hex().encode(encoding), "x").data == code


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(lambda code: code.hex()[:-1], id="odd hex"),
        pytest.param(lambda code: f"data:;base64,{base64.b64encode(code).decode()}!", id="cut URI"),
        pytest.param(
            lambda code: "\n".join(dump(code).splitlines()[:3] + dump(code).splitlines()[4:]), id="missing line"
        ),
        pytest.param(lambda _: "00000000: 00\n*\nffffffffffffffff", id="a star up to an address far away"),
        pytest.param(lambda code: repr(code).replace("\\x80", "\\80", 1), id="an escape that lost its letter"),
    ],
)
def test_a_slip_is_told_and_never_read_as_something_else(text: Callable[[bytes], str], code: bytes) -> None:
    """Dashes and odd hex became base64 in silence."""
    with pytest.raises(SlipError):
        unpaste(text(code))
    with pytest.raises(PayloadError, match="x: "):
        payload_in(text(code).encode(), "x")


@given(text=st.text(max_size=300))
def test_any_text_is_a_form_or_none_or_has_a_slip(text: str) -> None:
    try:
        found = unpaste(text)
    except SlipError:
        return
    assert found is None or found.data


@pytest.mark.parametrize(
    "text", ["hello", "TICKET-2026-11", "WIFI:S:x;;", "你好", "(", "{}", "[]", '"', "b'", "data:,", '"data:,\\ud800"']
)
def test_words_are_no_form(text: str) -> None:
    assert unpaste(text) is None or not unpaste(text)


def dump(data: bytes) -> str:
    """As xxd prints it."""
    return "\n".join(f"{at:08x}: {data[at : at + 16].hex(' ', 2)}  letters" for at in range(0, len(data), 16))
