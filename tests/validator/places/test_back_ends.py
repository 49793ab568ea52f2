"""A stop announcer on a serial line and on the bus's network: heard, gone, opened by name."""

import socket

import pytest

from yima.hwsim.announcer import StopAnnouncer, sentence
from yima.validator.errors import PlaceError
from yima.validator.judging import Direction
from yima.validator.places.serial import SerialPlace
from yima.validator.places.udp import UdpPlace
from yima.validator.ports import Whereabouts, open_place

WITHIN_S = 5.0


def test_a_serial_announcer_is_heard_beside_other_units_and_noise() -> None:
    with StopAnnouncer() as announcer:
        place = open_place(f"serial:{announcer.path}?baud=9600")
        assert isinstance(place, SerialPlace)
        assert place.read(0.0) is None
        announcer.say(b"\xff\x00$GPGGA,,,,,,0,,,,,,,,*66\r\n$YIMAP,101,7,*00\r\n")
        announcer.announce(101, 7)
        announcer.announce(stop=8, direction="exit")
        assert place.read(WITHIN_S) == Whereabouts(line=101, stop=7)
        assert place.read(WITHIN_S) == Whereabouts(stop=8, direction=Direction.EXIT)
        place.close()


def test_a_line_that_is_pulled_is_an_error_that_says_so() -> None:
    announcer = StopAnnouncer()
    place = open_place(f"serial:{announcer.path}")
    announcer.close()
    with pytest.raises(PlaceError, match=r"line is gone.*cable"):
        place.read(WITHIN_S)
    place.close()
    with pytest.raises(PlaceError, match="cannot be opened"):
        open_place(f"serial:{announcer.path}")


def test_datagrams_are_heard_at_this_machine_alone() -> None:
    place = UdpPlace("127.0.0.1", 0)
    assert place.read(0.0) is None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for datagram in (b"", b"\xff" * 2000, sentence(1, 2).rstrip(), sentence(3, 4) + sentence(None, 5)):
            sender.sendto(datagram, ("127.0.0.1", place.port))
    heard = [place.read(WITHIN_S) for _ in range(3)]
    assert heard == [Whereabouts(line=1, stop=2), Whereabouts(line=3, stop=4), Whereabouts(stop=5)]
    with pytest.raises(PlaceError, match="cannot be listened at"):
        UdpPlace("127.0.0.1", place.port)
    place.close()
    with pytest.raises(PlaceError, match="socket fails"):
        place.read(WITHIN_S)


def test_a_system_without_ipv6_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def made(family: int, kind: int) -> socket.socket:
        raise OSError(97, "Address family not supported by protocol")

    monkeypatch.setattr(socket, "socket", made)
    with pytest.raises(PlaceError, match=r"cannot be listened at .*not supported"):
        open_place("udp:[::1]:4010")


@pytest.mark.parametrize(
    ("specification", "reason"),
    [
        ("udp:", "names no port"),
        ("udp:70000", "names no port"),
        ("udp:host:x", "names no port"),
        ("udp:192.0.2.1:4010", "cannot be listened at"),
        ("serial:", "names no device"),
        ("serial:/dev/null?parity=odd", "is not an option"),
        ("serial:/dev/nowhere", "cannot be opened"),
        ("announcer", "no such place"),
    ],
)
def test_what_cannot_be_opened_is_named_with_what_to_do(specification: str, reason: str) -> None:
    with pytest.raises(PlaceError, match=reason):
        open_place(specification)
