"""Seeds: inputs made by the project's own builders, so that a search begins behind the first lengths and signatures.

Each has the form that its target's head comment describes. What is signed is signed with the keys of `world`, so that
seeds made on different days differ in their signatures and in nothing else.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import cbor2

from tests.fuzz import world
from tests.fuzz.world import NOW
from tests.parameter_images import images
from yima.sdk.parameters.denylist import Changes, accounts_of
from yima.sdk.parameters.denylist import build as build_deny_list
from yima.sdk.parameters.parts import cut
from yima.sdk.parameters.signing import Envelope, sign_package
from yima.sdk.sm2 import SigningKey
from yima.validator.deny.denylist import DenyList
from yima.validator.parameters import from_rules
from yima.validator.parameters.image import with_version
from yima.validator.parameters.own_part import Spot
from yima.validator.parameters.rules import Mode, Rules

_CARD = "31048700000000019999"
_COUNTERFEIT, _UNTRUSTED, _WITH_DENY = 1, 16, 32
_ANEW, _RETRACT, _RESTART, _IDLE = bytes([1]), bytes([4]), bytes([6, 0, 0]), bytes([7])


def write_seeds(target: str, folder: Path) -> None:
    """Writes the seeds of a target, numbered, into a folder made for them."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for number, seed in enumerate(_SEEDS[target]()):
        (folder / f"{number:03}").write_bytes(seed)


def _shown(code: bytes) -> bytes:
    return b"\x00" + len(code).to_bytes(2) + code


def _after(seconds: int) -> bytes:
    return b"\x02" + seconds.to_bytes(2)


def _settled(answer: int) -> bytes:
    return bytes([5, answer])


def _taps(choices: int, *steps: bytes, now: int = NOW) -> bytes:
    return bytes([choices]) + now.to_bytes(4) + b"".join(steps)


def _lab_codes() -> list[bytes]:
    return [bytes.fromhex(str(vector["code"])) for vector in world.lab_vectors()]


def _with_data(code: bytes, data: bytes, account_type: int = 0, cap_fen: int = 2000) -> bytes:
    """The lab's code with 32 bytes of issuer's data, with other fields; to be signed by the counterfeit kernel."""
    changed = bytearray(code)
    changed[155:158] = cap_fen.to_bytes(3)
    changed[198:230] = data.ljust(32, b"\0")
    changed[154] = account_type
    return bytes(changed)


def _of_another(code: bytes) -> bytes:
    """The same code by the institution 01011000, in its certificate too."""
    other = bytes.fromhex("01011000")
    return code.replace(bytes.fromhex(world.ORGANISATION + world.PLATFORM), other * 2).replace(
        bytes.fromhex(world.ORGANISATION), other
    )


def _families() -> list[bytes]:
    suishen: dict[str, Any] = {"card_account": _CARD, "generated_at": NOW, "expires_at": NOW + 3600}
    old: dict[str, Any] = {
        "payment_account": "6228480402564890",
        "card_account": _CARD,
        "authorised_until": NOW + 86400,
        "generated_at": NOW,
    }
    return [
        world.SUISHEN.code(**suishen),
        world.SUISHEN.code(**suishen, user_type=2, enabled=0),
        world.ISSUER_226.code(world.RIDER_226, **old),
        *(b"SF0001 only the issuer knows", b"SFX1?", b"https://ah.example/t?1", b"ZJ" * 16 + b"1"),
        *(b"TX0123456789", b"6212345678901234567", b"\x54\x01" + bytes(20), b"\x02\x01" + bytes(150), b"weather"),
        *(b"https://s.sh.gov.cn/token", b"", b"\x80\x01\x49\x24"),
    ]


def _judge() -> Iterator[bytes]:
    lab = {int(str(vector["case"])): bytes.fromhex(str(vector["code"])) for vector in world.lab_vectors()}
    good = lab[5676]
    codes = [*lab.values(), *_families()]
    for number, code in enumerate(codes):
        yield _taps(number % 2 * _WITH_DENY, _shown(code))
    for place in range(8):
        choices = place << 1
        yield _taps(choices, *(_shown(code) for code in _families()))
        yield _taps(choices, _shown(good), _IDLE, _shown(lab[5684]), _shown(lab[5685]), _IDLE, _shown(lab[5686]), _IDLE)
        yield _taps(choices, _shown(b"SF1"), _settled(0), _shown(b"SF1"), _after(400), _shown(b"SF1"), _settled(2))
        yield _taps(choices, _shown(b"SF2"), _settled(1), _RESTART, _shown(b"SF2"))
        for signed in (good, b"\x55" + good, *_families()[:3]):
            taps = [_shown(signed), _after(3), _ANEW, _after(300), _ANEW, _RETRACT, _ANEW, _after(900), _ANEW, _RESTART]
            yield _taps(choices | _COUNTERFEIT, *taps)
        for station, account_type in ((1, 0), (2, 2), (3, 4), (9, 1)):
            inside = b"\x01" + station.to_bytes(2) + (NOW - 900).to_bytes(4)
            late = b"\x05" + station.to_bytes(2) + (NOW - 9000).to_bytes(4)
            for data in (inside, late, b"\x00", b"\x09"):
                taps = [_shown(_with_data(good, data, account_type)), _after(60), _ANEW]
                yield _taps(choices | _COUNTERFEIT | _WITH_DENY, *taps)
                yield _taps(choices | _COUNTERFEIT, _shown(_with_data(good, data, cap_fen=150)))
        digits = bytes.fromhex("20260921120000" + f"{101:04}" + "02")
        yield _taps(choices | _COUNTERFEIT, _shown(_of_another(_with_data(good, digits))))
    yield _taps(_UNTRUSTED, _shown(good))
    yield _taps(_COUNTERFEIT, _shown(good), now=NOW - 28800)
    yield _taps(_COUNTERFEIT, _shown(good), now=NOW + 28800)
    yield _taps(0, _shown(good), now=0xFFFFFFFF)


def _chosen(image: bytes, choices: int, fitted: int = 0) -> bytes:
    return image[:13] + bytes([choices, fitted]) + image[15:]


def _parameters() -> Iterator[bytes]:
    whole = world.image()
    for choices in (0, 0x55, 0xAB):
        yield _chosen(whole, choices, choices & 1)
    count = int.from_bytes(whole[6:8])
    entries = {whole[at : at + 2]: whole[at : at + 12] for at in range(20, 20 + 12 * count, 12)}
    for name, entry in entries.items():  # each section alone beside the limits
        kept = [entries[b"\0\1"], *([entry] if name != b"\0\1" else [])]
        rows = [whole[int.from_bytes(e[8:12]) :][: int.from_bytes(e[2:4]) * int.from_bytes(e[4:8])] for e in kept]
        yield _chosen(whole[:6] + len(kept).to_bytes(2) + whole[8:20] + b"".join(kept) + b"".join(rows), 0, 1)


def _package() -> Iterator[bytes]:
    keys = [SigningKey.from_int(15), SigningKey.from_int(16)]
    envelope: dict[str, Any] = {"environment": "test", "version": 7, "not_before": NOW, "expiry": NOW + 86400}
    small = bytes(from_rules(Rules(environment="test", version=7), "the least").image)
    for signers in ([], keys[:1], keys):
        signed = sign_package(small, Envelope(**envelope, next_keys=[key.compressed for key in keys]), signers)
        yield from (bytes([choices]) + signed for choices in range(4))
    yield b"\0" + sign_package(small, Envelope(**envelope, city=world.SUZHOU, previous=2), keys)[:-1]
    keyed = Envelope(**envelope, next_keys=[key.compressed for key in keys], replaces=True)
    whole = sign_package(with_version(images()["ministry.bin"], 7), keyed, keys, in_parts=True)
    station = sign_package(with_version(images()["gate.bin"], 7), keyed, keys, in_parts=True)
    for spot in (Spot(Mode.BUS), Spot(Mode.METRO)):
        yield from (bytes([choices]) + cut(whole, spot) for choices in (0, 5, 7))
    yield from (bytes([choices]) + station for choices in (0, 7))


def _deny() -> Iterator[bytes]:
    full = world.deny_list()
    changes = Changes(
        denied=accounts_of([bytes.fromhex("31048700000000000100"), bytes.fromhex("3104990000000000ffff")]),
        allowed=accounts_of([bytes.fromhex("31048700000000000001")]),
        allowed_ranges=((bytes.fromhex("310499ffffffffffff10"), bytes.fromhex("310499ffffffffffff2f")),),
    )
    plain: dict[str, Any] = {"environment": "test", "version": 4, "issued_at": NOW}
    increment = build_deny_list(changes, **plain, base=DenyList(full))
    many = build_deny_list(Changes(denied=accounts_of(n.to_bytes(10) for n in range(47))), **plain)
    for choices in (1, 3):
        yield bytes([choices]) + len(full).to_bytes(2) + full + increment
        yield bytes([choices]) + len(many).to_bytes(2) + many
        yield bytes([choices]) + len(increment).to_bytes(2) + increment
        yield bytes([choices]) + len(full).to_bytes(2) + full + full
    accounts = bytes(range(40))
    for layers in range(3):
        layer = b"\x05" + accounts[:10] + b"\x03" + accounts[4:10] + b"\x02" + accounts[10:18] + b"\x02"
        yield bytes([0, layers]) + layer + (accounts + b"\x01" + accounts[:8] + b"\x04\x00\x60" + layer) * 2


def _flashlog() -> Iterator[bytes]:
    append, large, acknowledge = b"\x01\x30", b"\x00\xc8", b"\x02\x01"
    cut = [b"\x04" + bytes([after]) + (after * 40503 + 1).to_bytes(4) for after in range(1, 160, 3)]
    for geometry in range(4):
        head = bytes([geometry])
        yield head + append * 9 + b"\x05\x00" + acknowledge * 4 + append * 40
        yield head + (large + acknowledge) * 12 + b"\x03\x80" + (large + acknowledge) * 12
        yield head + b"".join(one + large + acknowledge + large for one in cut)
        yield head + b"".join(large + acknowledge + one + b"\x03\xff" + large + acknowledge for one in cut)
    yield b"\x10" + large * 30 + b"\x02\x81" + large * 20
    header = b"YLG1" + (1).to_bytes(4, "little") + (1).to_bytes(4, "little") + bytes(4 + 32)
    yield b"\x80" + bytes(3) + (64).to_bytes(2) + header.ljust(56, b"\0") + b"\xff" * 8


def _facts() -> Iterator[bytes]:
    for vector in sorted((world.VECTORS / "facts").glob("*.json")):
        entry = bytes.fromhex(json.loads(vector.read_text(encoding="utf-8"))["entry"])
        yield entry
        yield b"\xff" + entry[1:]


def _record() -> Iterator[bytes]:
    strings = [
        b"yima",
        b"FUZZ0001",
        b"0.1",
        b"FUZZ0001-0000000001",
        b"4131",
        b"",
        b"\xe8\x8b\x8f",
        b"driver",
        b"1",
        b"2",
    ]
    texts = b"".join(bytes([len(text)]) + text for text in [*strings, b"31.3,120.6"])
    code = _lab_codes()[0]
    for facts in (0x01, 0x03, 0x05, 0x02):
        head = bytes([0, facts]) + (200).to_bytes(4) + NOW.to_bytes(4)
        yield head + texts + code
        yield head + b"\xff" * 11 + code
        yield head + b"\xfe" + b"x" * 299 + b"\xff" * 10
    record = bytes.fromhex("0000000100") + b"\x00\x01" + len(code).to_bytes(2) + code + b"\x00\x08\x00\x03156"
    for choices in (1, 3):
        yield bytes([choices, 7]) + record + b"\x00\x11\x00\x20" + bytes(32)
        yield bytes([choices, 99]) + record + b"\x00\x11\x00\x20" + bytes(32) + b"\x20\x10\x00\x02ok"


def _sm2() -> Iterator[bytes]:
    key = SigningKey.from_int(17)
    signature = key.sign(b"message")
    for kind in (0, 2, 3, 7, 11, 15, 19):
        yield bytes([kind]) + key.compressed + bytes(32) + signature
    yield b"\1" + key.compressed
    yield b"\1" + key.public
    yield b"\1\4" + key.public
    yield b"\0" + b"\xff" * 64


def _run(data: bytes, silence: int = 4, piece: int = 64) -> bytes:
    return bytes([silence, piece]) + len(data).to_bytes(2) + data


def _framing() -> Iterator[bytes]:
    codes = _lab_codes()
    first, second = codes[0], codes[-1]
    lines = [b"https://example.cn/x\r\n", b"6212345678901234567\r", b"]Q1\\000026TX0123\n", b"\x02text\x03"]
    for code in (
        first,
        second,
        b"\x55" + first,
        first[:200],
        world.SUISHEN.code(card_account=_CARD, generated_at=NOW, expires_at=NOW + 3600),
    ):
        yield _run(code)
        yield _run(b"\x02]Q1" + code + b"\r\n\x03") + _run(code + b"\r", 2, 7)
    yield _run(first + second + first, 4, 1)
    yield _run(first[:100] + second + b"\r\n", 3, 30) + _run(first[100:], 1, 200)
    yield b"".join(_run(line, silence) for silence, line in enumerate(lines))
    yield _run(b"\x90" * 3800 + first, 0, 255) + _run(second)
    yield _run(first[:-1], 3) + _run(first[-1:], 2)


def _requests() -> Iterable[tuple[int, int, int, object]]:
    """Operation, group, command, map: what stations ask."""
    image, parameters = world.firmware(world.BOARD.slots[1].start, (0, 2, 0, 0)), world.image()
    newer = parameters[:16] + (8).to_bytes(4) + parameters[20:]
    first, rest = (
        {"off": 0, "data": image[:400], "len": len(image), "sha": bytes(32)},
        {"off": 400, "data": image[400:]},
    )
    return (
        *((2, 0, 0, {"d": "hello"}), (0, 0, 4, {}), (2, 0, 4, {"datetime": "2026-11-23T03:38:28.5+00:00"})),
        *((2, 0, 5, {}), (0, 0, 6, {}), (0, 0, 8, {"query": "mode"}), (0, 0, 8, {}), (0, 1, 0, {})),
        *((2, 1, 1, first), (2, 1, 1, first), (2, 1, 1, {"off": 8, "data": b"x"}), (2, 1, 1, rest)),
        *((2, 1, 0, {"confirm": True}), (2, 1, 0, {"hash": bytes(32)}), (2, 1, 5, {}), (0, 64, 0, {})),
        *((0, 64, 2, {"from": 1}), (0, 64, 2, {}), (2, 64, 3, {"n": 1, "h": bytes(32)}), (9, 9, 9, {})),
        *(
            (2, 64, 1, {"off": 0, "data": newer[:1200], "len": len(newer)}),
            (2, 64, 1, {"off": 1200, "data": newer[1200:]}),
        ),
    )


def _message(operation: int, group: int, command: int, body: object, version: int = 1) -> bytes:
    encoded = cbor2.dumps(body)
    return (
        bytes([operation | version << 3, 0])
        + len(encoded).to_bytes(2)
        + group.to_bytes(2)
        + bytes([5, command])
        + encoded
    )


def _smp() -> Iterator[bytes]:
    messages = [_message(*request) for request in _requests()]
    upload = _message(2, 1, 1, {"off": 0, "len": 648, "data": world.firmware(world.BOARD.slots[1].start, (0, 2, 0, 0))})
    state = _message(0, 1, 0, {})
    for kind in (1, 2, 3):
        steps = [bytes([kind]) + len(message).to_bytes(2) + message for message in messages]
        yield from steps
        yield b"".join(steps[:9])
        yield b"".join(steps[8:])
        yield b"".join(bytes([kind]) + len(one).to_bytes(2) + one for one in (upload[:8] + upload[8:], state))
    yield b"\x07\x01\x07\x02" + b"\x02" + len(messages[16]).to_bytes(2) + messages[16]
    echo = _message(2, 0, 0, {"d": "x" * 2034})
    yield b"\x02" + len(echo).to_bytes(2) + echo
    yield b"\x00\x00\x0c\x06\x09AAAAAAAA\n\n"
    older = [_message(*request, version=0) for request in _requests()]
    yield b"".join(b"\x02" + len(message).to_bytes(2) + message for message in older[:16])


def _piece(kind: int, which: int, data: bytes, *numbers: tuple[int, int]) -> bytes:
    """A step of the target flash: its numbers, each with its width, then the bytes with their length."""
    told = b"".join(number.to_bytes(width) for number, width in numbers)
    return bytes([kind, which]) + told + len(data).to_bytes(2) + data


def _flash() -> Iterator[bytes]:
    parts = world.parts()
    settings, parameters = parts["world_settings"][16:], parts["world_parameters"][64:]
    runs, cut = b"\x07\x00", b"\x07\x05"
    entries = b"".join(_piece(3, 0, entry[1:]) for entry in _facts())
    for begin in (b"\0", b"\1"):
        yield begin + _piece(1, 0, settings, (1, 1)) + runs
        yield begin + _piece(2, 0, parameters, (9, 1)) + runs
        yield begin + _piece(1, 1, settings, (2, 1)) + _piece(2, 1, parameters, (9, 1)) + cut + runs
        yield begin + entries[:5000] + cut + runs
        yield begin + _piece(3, 0, bytes(range(256)) * 8) + b"\x04\x00\x01" + runs
        yield begin + b"\x06\x04\x00\x00" + runs
        for which in range(9):
            yield begin + _piece(0, which, bytes(64), (0, 2)) + runs
            yield begin + b"\x05" + bytes([which]) + b"\x00\x09\x03" + runs


def _scanner() -> Iterator[bytes]:
    def shown(code: bytes, silence: int = 200) -> bytes:
        return bytes([1, silence]) + len(code).to_bytes(2) + code

    good, passes, wait = b"\x02\x32", b"\x03\x01\x03\x00", b"\x04\x14"
    jams, off = b"\x03\x02", b"\x07\x00"
    codes = [*_lab_codes()[::40], *_families()]
    for code in codes:
        yield shown(code) + shown(code[:40]) + wait + shown(code)
    yield good + passes + wait + good + off + good
    yield jams + good + wait + b"\x03\x00" + good + passes
    yield good + shown(_lab_codes()[3]) + wait * 3
    for operation in range(0, 120, 7):
        yield bytes([6, operation]) + good + wait + good + passes + off
    for seconds in (0, 1 << 23, 1 << 22):
        yield b"\x05\x00" + seconds.to_bytes(3) + good + b"\x05\x01" + (1 << 23).to_bytes(3) + good
    yield from (bytes([kind, 0]) + data[2:] for data in _framing() for kind in (0, 1))


def _cbor() -> Iterator[bytes]:
    for *_, body in _requests():
        yield b"\1" + cbor2.dumps(body)[:500]
    nested: object = 1
    for _ in range(8):
        nested = [nested]
        yield b"\1" + cbor2.dumps({"x": nested, "n": 5})
    yield b"\1\xbf\x61n\x05\x61d\x7f\x61a\x61b\xff\x61h\x42ab\xff"
    yield b"\1" + cbor2.dumps({"a": cbor2.CBORTag(1, 2.5), "b": -7, "c": None, "confirm": True, "": 2**40})
    yield b"\0\x03\xff" + (2**40).to_bytes(8) + b"\1\x30\x00\x20" + b"text" * 8
    yield b"\0\x00\x20" + bytes(8) + b"\0\1\x00\x20" + b"text" * 8


_SEEDS: dict[str, Callable[[], Iterable[bytes]]] = {
    "judge": _judge,
    "parameters": _parameters,
    "package": _package,
    "deny": _deny,
    "flashlog": _flashlog,
    "facts": _facts,
    "record": _record,
    "sm2": _sm2,
    "framing": _framing,
    "cbor": _cbor,
    "smp": _smp,
    "flash": _flash,
    "scanner": _scanner,
}
