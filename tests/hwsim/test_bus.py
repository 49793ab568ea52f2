"""The bus validator's face: what a rider sees and hears, and for how long."""

from yima.hwsim.bus import INVITATION, BusValidator, Buzzer, Lamp, yuan
from yima.hwsim.commands import Command, Verb
from yima.validator.texts import Text

ACCEPTED = Text("Accepted", "请通行")


def told(verb: Verb, reason: int = 0, fare_fen: int = 0, text: Text = ACCEPTED) -> Command:
    return Command(number=1, verb=verb, reason=reason, text=text, fare_fen=fare_fen)


def test_it_invites_in_both_languages_until_somebody_comes() -> None:
    assert BusValidator().face == INVITATION
    assert INVITATION.text.en
    assert INVITATION.text.zh


def test_an_accepted_rider_sees_green_hears_one_beep_and_reads_the_fare() -> None:
    bus = BusValidator(shown_ms=1500)
    assert bus.obey(told(Verb.OPEN, fare_fen=200), 0).done
    assert (bus.face.lamp, bus.face.buzzer, bus.face.fare) == (Lamp.GREEN, Buzzer.ONE_BEEP, "¥2.00")
    assert bus.face.text == ACCEPTED


def test_a_refused_rider_sees_red_hears_three_beeps_and_reads_why() -> None:
    bus = BusValidator()
    why = Text("Zero balance", "余额为零")
    bus.obey(told(Verb.REFUSE, reason=75, text=why), 0)
    assert (bus.face.lamp, bus.face.buzzer, bus.face.text, bus.face.fare) == (Lamp.RED, Buzzer.THREE_BEEPS, why, "")


def test_the_answer_stands_for_its_time_and_then_gives_way() -> None:
    bus = BusValidator(shown_ms=1500)
    bus.obey(told(Verb.OPEN), 1000)
    assert bus.advance(2499).lamp is Lamp.GREEN
    assert bus.advance(2500) == INVITATION


def test_the_next_rider_reads_an_answer_of_their_own_at_once() -> None:
    bus = BusValidator(shown_ms=1500)
    bus.obey(told(Verb.OPEN, fare_fen=200), 0)
    bus.obey(told(Verb.REFUSE, reason=64, text=Text("Code expired", "二维码已过期")), 100)
    assert (bus.face.lamp, bus.face.fare) == (Lamp.RED, "")
    assert bus.advance(1599).lamp is Lamp.RED


def test_the_same_answer_shown_again_is_silent_and_keeps_its_colour() -> None:
    bus = BusValidator()
    bus.obey(told(Verb.SHOW_AGAIN, reason=80), 0)
    assert (bus.face.lamp, bus.face.buzzer) == (Lamp.RED, Buzzer.SILENT)


def test_fen_are_read_as_yuan() -> None:
    assert [yuan(0), yuan(5), yuan(200), yuan(16_777_215)] == ["¥0.00", "¥0.05", "¥2.00", "¥167772.15"]
