"""Who has run what, since when: from the statements that devices signed and a collector keeps.

It reads the collector's store beside `yima collect` that writes it: the table `statements` (what was said, the
signature, when it was heard first and last). Each line rests on a signature by the device's key, which is verified here
again; `since` is the device's own word, `heard` the collector's clock.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from yima.sdk.centre.collector.arrivals import Statement
from yima.validator.packages import Label
from yima.validator.state.keys import is_signed
from yima.validator.uplink.versions import parse_versions, signed_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """A device under one version. since: when it came into force, by the device; heard, heard_last: when it said so, by
    the collector; all unix seconds, 0: not told. proven: every statement in it is signed by a key of the device's."""

    device: str
    version: int
    package: str
    since: int
    heard: int
    heard_last: int
    software: str
    deny: int
    waiting: tuple[Label, ...]
    proven: bool


def spells(statements: Iterable[Statement], keys: Mapping[str, frozenset[str]] | None = None) -> list[Spell]:
    """By device, then in order of coming. keys: every key that each device has had; None: the one it came with."""
    found: dict[str, list[Spell]] = {}
    for one in statements:
        said = parse_versions(one.said)
        known = keys is None or one.key in keys.get(one.device, ())
        spell = Spell(
            device=one.device,
            version=said.parameters,
            package=said.parameters_id.hex(),
            since=said.since,
            heard=one.first,
            heard_last=one.last,
            software=said.software,
            deny=said.deny,
            waiting=said.waiting,
            proven=known and said.device == one.device and is_signed(one.key, one.signature, signed_bytes(one.said)),
        )
        of = found.setdefault(one.device, [])
        last = of[-1] if of else None
        if last and (last.version, last.package, last.since) == (spell.version, spell.package, spell.since):
            of[-1] = replace(spell, heard=last.heard, proven=last.proven and spell.proven)
        else:
            of.append(spell)
    return [spell for device in sorted(found) for spell in found[device]]
