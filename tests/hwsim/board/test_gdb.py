"""gdb's remote serial protocol, against a processor that is a table of registers and 256 bytes of RAM."""

from contextlib import suppress
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.hwsim.board.gdb import PACKET_MAX, TARGET_XML, Packets, ProtocolError, Sign, Stub

RAM = 0x2000_0000
SIZE = 256


class Table:
    """A processor that is only state; what was asked of it is kept in `asked`."""

    def __init__(self) -> None:
        self.values = [0x1000_0000 + number for number in range(17)]
        self.ram = bytearray(range(SIZE))
        self.breakpoints: set[int] = set()
        self.asked: list[str] = []

    def attach(self) -> None:
        self.asked.append("attach")

    def registers(self) -> list[int]:
        return list(self.values)

    def set_register(self, number: int, value: int) -> None:
        assert 0 <= value < 1 << 32
        self.values[number] = value

    def read(self, address: int, size: int) -> bytes:
        start = address - RAM
        return bytes(self.ram[start : start + size]) if 0 <= start < SIZE else b""

    def write(self, address: int, data: bytes) -> bool:
        start = address - RAM
        if start < 0 or start + len(data) > SIZE:
            return False
        self.ram[start : start + len(data)] = data
        return True

    def set_breakpoint(self, address: int, there: bool) -> bool:
        if address >= RAM:
            return False
        (self.breakpoints.add if there else self.breakpoints.discard)(address)
        return True

    def halt(self) -> None:
        self.asked.append("halt")

    def resume(self, *, step: bool) -> None:
        self.asked.append("step" if step else "continue")

    def detach(self) -> None:
        self.asked.append("detach")

    def kill(self) -> None:
        self.asked.append("kill")


def packet(body: bytes) -> bytes:
    return b"$%s#%02x" % (body, sum(body) & 0xFF)


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.fixture
def stub(table: Table) -> Stub:
    """One that does not acknowledge, as gdb asks for at once."""
    made = Stub(table)
    assert made.receive(packet(b"QStartNoAckMode")) == b"+" + packet(b"OK")
    assert made.receive(b"+") == b""
    return made


@pytest.mark.parametrize(
    ("said", "answered"),
    [
        (b"?", b"S05"),
        (b"qAttached", b"1"),
        (b"Hg0", b"OK"),
        (b"m20000010,4", b"10111213"),
        (b"m200000fe,8", b"feff"),  # memory ends there
        (b"m20000100,1", b"E0e"),
        (b"m20000000,0", b""),
        (b"m20000000", b"E01"),
        (b"m-1,4", b"E01"),
        (b"m100000000,4", b"E01"),
        (b"M200000ff,2:0000", b"E0e"),
        (b"M20000000,2:00", b"E01"),
        (b"M20000000,1:0", b"E01"),
        (b"M20000000,1:zz", b"E01"),
        (b"P11=00000000", b"E01"),
        (b"P0=0000", b"E01"),
        (b"G00", b"E01"),
        (b"Z0,20000000,2", b"E0e"),
        (b"Z0,x,2", b"E01"),
        (b"Z2,20000000,4", b""),  # no watchpoints
        (b"vCont?", b""),
        (b"X20000000,0:", b""),
        (b"qRcmd,00", b""),
        (b"qXfer:features:read:target.xml:0", b"E01"),
        (b"", b""),
        (b"c17878", b""),
    ],
)
def test_every_packet_has_its_answer(stub: Stub, said: bytes, answered: bytes) -> None:
    assert stub.receive(packet(said)) == packet(answered)


def test_registers_are_r0_to_r15_and_xpsr_little_endian(stub: Stub, table: Table) -> None:
    whole = b"".join(value.to_bytes(4, "little") for value in table.values).hex().encode()
    assert stub.receive(packet(b"g")) == packet(whole)
    assert stub.receive(packet(b"Pf=78780100")) == packet(b"OK")
    assert stub.receive(packet(b"P19=00000041")) == packet(b"OK")  # 25 is gdb's number of xPSR
    assert table.values[15:] == [0x17878, 0x4100_0000]
    assert stub.receive(packet(b"G" + whole)) == packet(b"OK")
    assert table.values[15:] == [0x1000_000F, 0x1000_0010]


def test_memory_is_written_and_breakpoints_come_and_go(stub: Stub, table: Table) -> None:
    assert stub.receive(packet(b"M20000004,3:aabbcc")) == packet(b"OK")
    assert table.ram[3:8].hex() == "03aabbcc07"
    for kind in (b"0", b"1"):
        assert stub.receive(packet(b"Z%s,17879,2" % kind)) == packet(b"OK")
        assert table.breakpoints == {0x17878}
        assert stub.receive(packet(b"z%s,17878,2" % kind)) == packet(b"OK")
        assert table.breakpoints == set()


def test_the_first_packet_stops_the_processor_and_noise_does_not(table: Table) -> None:
    stub = Stub(table)
    assert stub.receive(b"GET / HTTP/1.1\r\n\r\n\x03+-") == b""
    assert (table.asked, stub.begun) == ([], False)
    assert stub.receive(packet(b"qSupported:xmlRegisters=i386")).startswith(b"+$PacketSize=1000;QStartNoAckMode+;")
    assert (table.asked, stub.begun) == (["attach"], True)


def test_going_on_is_answered_when_the_processor_stops(stub: Stub, table: Table) -> None:
    assert stub.receive(packet(b"s")) == b""
    assert stub.stopped() == packet(b"S05")
    assert stub.stopped() == b""  # told once
    assert stub.receive(packet(b"c")) == b""
    assert stub.receive(packet(b"g")) == b""  # nothing but an interrupt is heard while it runs
    assert stub.receive(b"\x03") == packet(b"S02")
    assert stub.receive(b"\x03") == b""  # it had stopped
    assert stub.receive(packet(b"?")) == packet(b"S02")
    assert table.asked == ["attach", "step", "continue", "halt"]


def test_a_board_that_ends_while_it_runs_is_told(stub: Stub) -> None:
    stub.receive(packet(b"c"))
    assert stub.ended() == packet(b"X0b")
    assert stub.left


@pytest.mark.parametrize(("said", "answered", "asked"), [(b"D", packet(b"OK"), "detach"), (b"k", b"", "kill")])
def test_who_leaves_is_heard_no_more(stub: Stub, table: Table, said: bytes, answered: bytes, asked: str) -> None:
    assert stub.receive(packet(said) + packet(b"g")) == answered
    assert (stub.left, table.asked[-1]) == (True, asked)


def test_the_description_is_read_in_pieces_and_names_the_m_profile(stub: Stub) -> None:
    read = b""
    more = b"m"
    while more == b"m":
        answer = stub.receive(packet(b"qXfer:features:read:target.xml:%x,40" % len(read)))
        more, read = answer[1:2], read + answer[2:-3]
    assert read == TARGET_XML
    feature = ElementTree.fromstring(read).find("feature")
    assert feature is not None
    assert feature.get("name") == "org.gnu.gdb.arm.m-profile"
    registers = [(register.get("name"), register.get("regnum")) for register in feature]
    assert [name for name, _ in registers[:13]] == [f"r{number}" for number in range(13)]
    assert registers[13:] == [("sp", None), ("lr", None), ("pc", None), ("xpsr", "25")]


def test_damage_is_asked_for_again_until_acknowledging_is_off(table: Table) -> None:
    stub = Stub(table)
    assert stub.receive(b"$?#00") == b"-"
    assert stub.receive(b"$?#zz") == b"-"
    assert stub.receive(packet(b"?")) == b"+$S05#b8"
    assert stub.receive(b"-") == b"$S05#b8"
    stub.receive(packet(b"QStartNoAckMode"))
    assert stub.receive(b"$?#00-") == b""


def test_escaped_characters_come_through() -> None:
    body = b"X0,2:}\x03}\x04\x03"
    assert list(Packets().feed(packet(body))) == [b"X0,2:#$\x03"]


def test_a_packet_may_be_as_long_as_said_and_no_longer() -> None:
    longest = b"m" * PACKET_MAX
    assert list(Packets().feed(packet(longest))) == [longest]
    with pytest.raises(ProtocolError):
        list(Packets().feed(packet(longest + b"m")))


_ITEMS = st.one_of(
    st.binary(max_size=40)
    .map(lambda data: bytes(byte for byte in data if byte not in b"#$}"))
    .map(lambda body: (packet(body), body)),
    st.just((b"\x03", Sign.INTERRUPT)),
    st.just((b"-", Sign.REPEAT)),
    st.just((b"+", None)),
    st.just((b"$m0,4#00", Sign.DAMAGED)),
)


@given(items=st.lists(_ITEMS, max_size=12), cuts=st.lists(st.integers(1, 9), min_size=1, max_size=50))
def test_packets_are_found_however_the_bytes_are_cut(
    items: list[tuple[bytes, bytes | Sign | None]], cuts: list[int]
) -> None:
    whole = b"".join(sent for sent, _ in items)
    packets, found, at = Packets(), list[bytes | Sign](), 0
    for cut in cuts * (len(whole) + 1):
        found += packets.feed(whole[at : at + cut])
        at += cut
    assert found == [item for _, item in items if item is not None]


@given(pieces=st.lists(st.one_of(st.binary(max_size=60), st.binary(max_size=60).map(packet)), max_size=20))
def test_any_bytes_are_answered_in_packets_or_not_at_all(pieces: list[bytes]) -> None:
    stub = Stub(Table())
    with suppress(ProtocolError):
        for piece in pieces:
            answer = stub.receive(piece)
            for item in Packets().feed(answer):
                assert item is not Sign.DAMAGED
            assert not answer.replace(b"+", b"").replace(b"-", b"") or answer.rstrip(b"+-")[-3:-2] == b"#"


_WORDS = st.sampled_from([b"m", b"M", b"Z0,", b"z1,", b"P", b"G", b"qXfer:features:read:target.xml:", b"H", b"s", b"?"])
_TAILS = st.text("0123456789abcdef,:=;-x", max_size=24).map(str.encode)


@given(said=st.lists(st.builds(lambda word, tail: packet(word + tail), _WORDS, _TAILS), max_size=20))
def test_commands_with_any_numbers_are_answered_once_each(said: list[bytes]) -> None:
    stub = Stub(Table())
    for one in said:
        answers = [item for item in Packets().feed(stub.receive(one)) if isinstance(item, bytes)]
        answers += [item for item in Packets().feed(stub.stopped()) if isinstance(item, bytes)]
        assert len(answers) == 1
