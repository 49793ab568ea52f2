"""How batches and answers go over a broker (MQTT 5): topics, properties, status.

    yima/v1/batches/<device>    a batch, as HTTP has it; its headers are user properties. correlation data: of this
                                exchange alone
    yima/v1/answers/<device>    the collector's answer, with the same correlation data, its status in a user property

A broker that has a message has stored no record: only an answer moves a cursor. Both ends treat the other's bytes, and
the broker's, as hostile.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

BATCHES = "yima/v1/batches/"
ANSWERS = "yima/v1/answers/"
SHARED = f"$share/yima-collectors/{BATCHES}+"
"""What collectors subscribe to: the broker gives each batch to one of them."""
STATUS, RETRY_AFTER = "status", "retry-after"
CORRELATION_MAX = 64
PACKET_MAX = 3 << 20
_PORTS = {"mqtt": 1883, "mqtts": 8883}


class Broker(NamedTuple):
    """Where a broker listens, and who comes."""

    host: str
    port: int
    is_tls: bool
    username: str | None
    password: str | None


def broker_of(url: str) -> Broker:
    """The parts of mqtt[s]://[USER[:PASSWORD]@]HOST[:PORT]. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(url)
    username = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password else None
    port = _PORTS[parts.scheme] if parts.port is None else parts.port
    return Broker(parts.hostname, port, parts.scheme == "mqtts", username, password)


def is_broker(url: str) -> bool:
    """Whether the address is a broker's."""
    return url.lower().startswith(("mqtt:", "mqtts:"))


def status_of(properties: Iterable[Sequence[str]]) -> tuple[int, float | None]:
    """Status of an answer, and the seconds it asks for, if it asks. Status 0: it has none."""
    said = {str(name): str(value) for name, value in properties}
    status, later = said.get(STATUS, ""), said.get(RETRY_AFTER, "")
    seconds = float(later) if later.isascii() and later.isdecimal() and len(later) < 6 else None
    return int(status) if status.isascii() and status.isdecimal() and len(status) == 3 else 0, seconds
