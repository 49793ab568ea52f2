"""A world to demonstrate in: a bus in Suzhou, an exit of Shanghai's metro, riders of the whole Yangtze delta, and a
script of who shows what at which gate.

Everything in it is plainly synthetic: keys are made with the world, riders are named after plants, institutions have
ids that begin with 99, and accounts say TEST.

Rules it keeps:
- A presentation says beforehand what a correct validator must answer, what the ride costs and which rules say so; the
  demonstration holds every verdict against it.
- Codes are made when they are shown, so that they are fresh; a screenshot is the same bytes as before.
- The same seed gives the same script (keys and signatures differ).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from random import Random

from yima.hwsim.demo.cast import ODD, Act, Cast, Person, make_cast
from yima.hwsim.demo.fares import NO_FARE, Price, price
from yima.validator.judging import Reason
from yima.validator.parameters import Mode
from yima.validator.texts import Text

_REST_S = 2.4  # after this pause the same bytes are no longer the same presentation, whatever the machine's load
_GOOD = Text("a fresh code", "新码")
_SENIOR = Text("a senior's code", "老年人的码")
_HELD = Text("the phone is held still", "手机未移开")
_STOOD_STILL = Text("this machine stood still", "本机曾停顿")
_SCREENSHOT = Text("a screenshot of a friend", "截图转发给朋友")
_JAMMED = Text("the gate stands in alarm", "闸机处于报警状态")
_TRIED_AGAIN = Text("the same code, after reset", "复位后再次出示")


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """One thing shown at one gate.

    number: from 1. story: what somebody is up to. expects: the reason a correct validator gives. price: the fare, and
    the rules that it names for it. again: it must take it for the same presentation as a moment ago. repeats: number of
    the presentation whose bytes are shown again. rest_s: how long that one must have been out of view, in seconds.
    jams: the gate does not open for it, so the ride must be reversed.
    """

    number: int
    mode: Mode
    person: Person
    story: Text
    expects: Reason
    price: Price = NO_FARE
    again: bool = False
    repeats: int | None = None
    rest_s: float = 0.0
    act: Act | None = None
    jams: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Who is there, and what will happen."""

    cast: Cast
    script: Sequence[Presentation]

    def payload(self, presentation: Presentation, now: int, shown: Mapping[int, bytes]) -> bytes:
        """The bytes to show. now: unix seconds UTC, for fresh codes. shown: what was shown so far, by number."""
        if presentation.repeats is not None:
            return shown[presentation.repeats]
        if presentation.act is not None:
            return presentation.act.make(self.cast, presentation.person, now)
        assert presentation.person.rider is not None
        return presentation.person.rider.code(now)


def make_world(taps: int, seed: int, now: int) -> World:
    """A world and a script of `taps` presentations. now: unix seconds UTC, from which authorisations are counted."""
    cast = make_cast(now)
    return World(cast=cast, script=write_script(cast, taps, Random(seed), now))  # noqa: S311  a story, no secret


def write_script(cast: Cast, taps: int, chance: Random, now: int) -> list[Presentation]:
    """About half good codes, the rest everything a gate must refuse, spread evenly; repeats follow their originals."""
    script: list[Presentation] = []
    acts = _acts(taps, chance)
    # Riders come in turn: two codes that one phone makes within a second are one code to a gate, and refused as such.
    turn = cycle(chance.sample(cast.riders, len(cast.riders)))
    for number in range(1, taps + 1):
        mode = Mode.METRO if number // 2 % 2 else Mode.BUS  # two and two, so that both gates see good and bad
        act = acts.get(number)
        if script and script[-1].jams:
            script.append(_priced(_tried_again(number, script[-1]), now))
        elif act == "held" and script and script[-1].expects is Reason.ACCEPTED:
            script.append(_repeat(number, script[-1], _HELD, again=True))
        elif act == "screenshot" and (original := _original(script)):
            script.append(_repeat(number, original, _SCREENSHOT, again=False))
        elif act == "jammed":
            who = next(turn)
            script.append(
                Presentation(
                    number=number, mode=Mode.METRO, person=who, story=_JAMMED, expects=Reason.GATE_FAILED, jams=True
                )
            )
        elif isinstance(act, Act):
            place = act.only or mode
            person = cast.person(act, chance)
            one = Presentation(number=number, mode=place, person=person, story=act.story, expects=act.expects, act=act)
            script.append(_priced(one, now))
        else:
            person = next(turn)
            story = _SENIOR if person.senior else _GOOD
            one = Presentation(number=number, mode=mode, person=person, story=story, expects=Reason.ACCEPTED)
            script.append(_priced(one, now))
    return script


def came_back(held: Presentation, *, still_there: bool) -> Presentation:
    """What a phone that was to be held still is to a gate that has lost sight of it: its code a second time.
    still_there: the answer is that to the second time, shown again, as a camera sees the phone on and on."""
    return replace(held, story=_STOOD_STILL, expects=Reason.REPEATED, price=NO_FARE, again=still_there)


def begun_anew(script: Sequence[Presentation], held: Presentation) -> Presentation:
    """The presentation before one that is held still, under its number and with a fresh code."""
    original = next(one for one in script if one.number == held.repeats)
    return replace(original, number=held.number, repeats=None, rest_s=0.0)


def _acts(taps: int, chance: Random) -> dict[int, Act | str]:
    """Which presentations are no ordinary ones: every second from the fourth on, in rounds of all there is."""
    unusual: list[Act | str] = []
    while len(unusual) < taps:
        rest: list[Act | str] = list(ODD[8:])
        chance.shuffle(rest)
        unusual += ["held", "jammed", "screenshot", *ODD[:8], *rest, "held", "screenshot"]
    return dict(zip(range(4, taps + 1, 2), unusual, strict=False))


def _original(script: Sequence[Presentation]) -> Presentation | None:
    """The oldest accepted code that nobody has repeated yet: by now its gate has seen others."""
    repeated = {one.repeats for one in script}
    fresh = (one for one in script if one.expects is Reason.ACCEPTED and one.repeats is None)
    return next((one for one in fresh if one.number not in repeated), None)


def _priced(one: Presentation, now: int) -> Presentation:
    """With the fare that is due at `now`, if it is to be accepted."""
    if one.expects is not Reason.ACCEPTED:
        return one
    who = one.person
    cost = price(
        one.mode, who.city, account_type=who.account_type, entered_at=who.entered_at, station=who.station, now=now
    )
    return replace(one, price=cost)


def _tried_again(number: int, jammed: Presentation) -> Presentation:
    """The ride was reversed, so the very same code is as good as before."""
    return replace(
        jammed, number=number, story=_TRIED_AGAIN, expects=Reason.ACCEPTED, jams=False, repeats=jammed.number,
        rest_s=_REST_S,
    )  # fmt: skip


def _repeat(number: int, original: Presentation, story: Text, *, again: bool) -> Presentation:
    return Presentation(
        number=number,
        mode=original.mode,
        person=original.person,
        story=story,
        expects=original.expects if again else Reason.REPEATED,
        price=original.price if again else NO_FARE,
        again=again,
        repeats=original.number,
        rest_s=0.0 if again else _REST_S,
    )
