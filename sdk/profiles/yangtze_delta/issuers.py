"""Synthetic issuing institutions of the profile, one a city: their ids, and how each keeps a rider's metro state.

The plan names no institutions. These are plainly none: an id is 99 and the city's division code, a platform 98 and the
same. What an issuer writes into its own data (field 14) is its own affair, and every issuer does it another way; here
each province has a form of its own, so that whoever reads them needs the table in the parameters.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from yima.sdk.profiles.yangtze_delta.plan import City
from yima.validator.parameters.rules import Decoder, Form

OUTSIDE = 0  # a state that no form below lists as inside
LOCAL = timezone(timedelta(hours=8))
_BY_PROVINCE = {
    31: Decoder(organisation="", state_at=0, inside=(0x01,), station_at=1, time_at=3, time_form=Form.BINARY),
    32: Decoder(
        organisation="", time_at=0, time_form=Form.BCD, station_at=7, station_form=Form.BCD, state_at=9, inside=(0x11,)
    ),
    33: Decoder(
        organisation="", station_at=0, station_size=4, state_at=4, inside=(0x01, 0x03), time_at=5, time_form=Form.BINARY
    ),
    34: Decoder(organisation="", state_at=0, inside=(ord("I"),), station_at=1, station_form=Form.BCD),
}


def organisation(city: City) -> str:
    """The id of this city's institution, 8 digits (field 6)."""
    return f"99{city.division:06}"


def platform(city: City) -> str:
    """The id of its code-issuing platform, 8 digits (field 7)."""
    return f"98{city.division:06}"


def root_index(city: City) -> int:
    """Which root signs its certificate: 1 in Shanghai and Jiangsu, 2 in Zhejiang and Anhui."""
    return 1 if city.division < 330000 else 2


def decoder(city: City) -> Decoder:
    """How this city's institution writes field 14."""
    return replace(_BY_PROVINCE[city.division // 10000], organisation=organisation(city))


def rider_data(city: City, *, station: int = 0, entered_at: int = 0) -> bytes:
    """Field 14 of a rider of this city: inside since `entered_at` (unix seconds) at `station`; station 0: outside."""
    form = decoder(city)
    entered = _time(form.time_form, entered_at)
    place = _number(form.station_form, station, form.station_size)
    size = max(form.state_at + 1, form.station_at + len(place), form.time_at + len(entered))
    data = bytearray(size)
    data[form.state_at] = form.inside[0] if station else OUTSIDE
    data[form.station_at : form.station_at + len(place)] = place
    data[form.time_at : form.time_at + len(entered)] = entered
    return bytes(data)


def _number(form: Form, value: int, size: int) -> bytes:
    return value.to_bytes(size) if form is Form.BINARY else bytes.fromhex(f"{value:0{2 * size}}")


def _time(form: Form, unix_s: int) -> bytes:
    if form is Form.NONE:
        return b""
    if form is Form.BINARY:
        return unix_s.to_bytes(4)
    return bytes.fromhex(datetime.fromtimestamp(unix_s, UTC).astimezone(LOCAL).strftime("%Y%m%d%H%M%S"))
