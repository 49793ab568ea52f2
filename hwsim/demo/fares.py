"""What a ride of the demonstration must cost and which rules must say so, worked out beside the core.

It is a second reading of the profile's fare tables, written down as a person at the counter would: the demonstration
holds every device's fare and rules against it.

Rules it keeps:
- Two gates, two tariffs: a bus in Suzhou, flat; an exit of Shanghai's metro, by the station of entry.
- Seniors ride at half fare where they live. Shanghai, Suzhou and Jiaxing are one demonstration zone: a neighbour's
  senior is treated as a local there. Seniors from elsewhere pay in full.
"""

from typing import NamedTuple

from yima.sdk.profiles.yangtze_delta.plan import City
from yima.validator.judging import Direction, GateContext
from yima.validator.parameters import Mode
from yima.validator.texts import Text

SENIOR = 2  # the account type that the profile's concessions take for seniors
GATES = {
    Mode.BUS: GateContext(mode=Mode.BUS, city=320500, operator=99320501),
    Mode.METRO: GateContext(
        mode=Mode.METRO, city=310000, line=1, station=106, direction=Direction.EXIT, operator=99310002
    ),
}
JIAXING = GateContext(mode=Mode.BUS, city=330400, line=1, operator=99330401)
OPERATORS = {Mode.BUS: Text("Suzhou's buses", "苏州公交"), Mode.METRO: Text("Shanghai's metro", "上海地铁")}
NAMES = {
    Mode.BUS: Text("a bus in Suzhou", "苏州公交"),
    Mode.METRO: Text("an exit of Shanghai's metro", "上海地铁出站"),
}
_ZONE = (310000, 320500, 330400)
_TO_106_FEN = {101: 500, 102: 500, 103: 400, 104: 400, 105: 300}
_LONGEST_S = 4 * 3600
_OVER_TIME_FEN = 300


class Price(NamedTuple):
    """A fare in fen, and the names of the rules that set it, joined by `+`."""

    fen: int
    rule: str


NO_FARE = Price(0, "")


def price(mode: Mode, home: City, *, account_type: int, entered_at: int, station: int, now: int) -> Price:
    """What this rider pays at the gate of this mode. now, entered_at: unix seconds; station: of the metro's entry."""
    if mode is Mode.BUS:
        fen, rules, place, town = 200, ["suzhou-bus"], 320500, "suzhou"
    else:
        fen, rules, place, town = _TO_106_FEN[station], ["shanghai-metro-1"], 310000, "shanghai"
    if account_type == SENIOR and home.division in _ZONE:
        fen = (fen + 1) // 2
        rules.append(f"{town}-senior" if home.division == place else f"{town}-senior-zone")
    if mode is Mode.METRO and now - entered_at > _LONGEST_S:
        fen += _OVER_TIME_FEN
        rules.append("shanghai-metro-over-time")
    return Price(fen, "+".join(rules))
