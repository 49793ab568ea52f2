"""What is asked of every entry of a journal: a few facts at their places, without making values of all of them.

The places are those of facts.def; a test holds them against it. Bytes that are no entry have nothing to tell; whoever
needs to know why asks `facts.parse`.
"""

import struct

from yima.validator.journal.form import Summary

_TAP, _OUTCOME = 1, 2
_HEAD = struct.Struct(">HBBqB3xI")  # size, form, kind, at, trust, run
_REASON, _GOOD_UNTIL, _REVERSES = 32, 132, 41


def summary_of(entry: bytes) -> Summary:
    """What a segment keeps of an entry in its seal; of bytes that are no entry nothing."""
    if len(entry) < 32:
        return Summary()
    _, _, _, at, trust, run = _HEAD.unpack_from(entry)
    return Summary(at, at if trust else 0, good_until_of(entry), run)


def good_until_of(entry: bytes) -> int:
    """The last second at which an accepted tap's code can be accepted, 0 for any other entry."""
    if len(entry) < 148 or entry[3] != _TAP or entry[_REASON : _REASON + 2] != b"\0\0":
        return 0
    return int.from_bytes(entry[_GOOD_UNTIL : _GOOD_UNTIL + 4])


def reverses(entry: bytes) -> bool:
    """Whether it is an outcome that voids a tap."""
    return len(entry) >= 44 and entry[3] == _OUTCOME and entry[_REVERSES] == 1
