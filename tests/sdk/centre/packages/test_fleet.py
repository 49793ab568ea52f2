"""A fleet pulls from a publication, in simulated time: an urgent package is everywhere within a minute, a canary stops
a bad one, the way back is taken, and the report proves who had what when.

Real are the packages and their signatures, the store and the puller of each gate, the core that judges, the collector's
store, the watch and the report; simulated are the clock, the disks and the wire between them.
"""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests import entries
from tests.packages_world import DAY, NOW, A, B, Disk
from tests.postgres import new_database, server
from tests.publication_world import PUBLISHER, TWO, FromFolder, both, publish, share_with
from tests.sdk.conftest import new_rider
from tests.uplinks import record
from yima.sdk.centre.collector.arrivals import Arrival, Ledger, Signed
from yima.sdk.centre.collector.opening import open_store
from yima.sdk.centre.collector.statements import DIGEST_AT
from yima.sdk.centre.collector.store import Store
from yima.sdk.centre.packages.folder import Folder
from yima.sdk.centre.packages.report import Spell, spells
from yima.sdk.centre.packages.watching import Watch
from yima.sdk.issuer import Issuer, Rider
from yima.sdk.parameters.rotation import reissued
from yima.validator.journal import chain
from yima.validator.journal.facts import parse
from yima.validator.judging import GateContext, Mode, Moment, Validator
from yima.validator.packages import Chain, parse_package
from yima.validator.packages.publication import Place, lot
from yima.validator.packages.store import PackageStore
from yima.validator.parameters import from_image, from_mapping
from yima.validator.ports import Entry, JournalKey
from yima.validator.state.keys import DeviceKey
from yima.validator.upkeep.pull_thread import HeldByStore
from yima.validator.upkeep.pulling import Puller
from yima.validator.uplink.batches import Batch
from yima.validator.uplink.versions import Versions, encode_versions, signed_bytes

TAP_EVERY_S = 10
__all__ = ["new_database", "server"]


@dataclass
class Gate:
    """One device. had: (version, since) as the simulation saw it come into force."""

    name: str
    store: PackageStore
    puller: Puller
    key: DeviceKey = field(default_factory=DeviceKey.generate)
    judge: Validator | None = None
    had: list[tuple[int, int]] = field(default_factory=list)
    sequence: int = 0
    last: bytes = bytes(32)

    def look(self, now: int) -> None:
        """Takes up what came into force."""
        active = self.store.active[-1] if self.store.active else None
        if active and (not self.had or self.had[-1][0] != active.version):
            self.had.append((active.version, now))
            self.judge = Validator(
                from_image(active.image, active.source), GateContext(mode=Mode.BUS), memory_entries=1200
            )

    def tap(self, code: bytes, now: int) -> Arrival:
        """A rider comes, and the entry goes to the collector with what the gate says of its versions."""
        assert self.judge is not None
        active = self.store.active[-1]
        verdict = self.judge.judge(code, now)
        digest = bytes(active.digest[:16])
        body = record(code[:40]) if verdict.accepted else code
        content = entries.tap(
            now, reason=int(verdict.reason), parameters_digest=digest, parameters_version=active.version, body=body,
            **({} if verdict.accepted else {"fare_fen": 0}),
        )  # fmt: skip
        self.sequence += 1
        key = JournalKey(self.name, 1, self.sequence)
        entry = Entry(key=key, content=content, previous=self.last, hash=chain(self.last, *key, content))
        self.last = entry.hash
        said = encode_versions(
            Versions(
                device=self.name, software="0.1.0", parameters=active.version, parameters_id=active.id,
                since=self.store.since, waiting=tuple(one.label for one in self.store.waiting),
            )
        )  # fmt: skip
        stated = Signed(said, self.key.sign(signed_bytes(said)))
        batch = Batch(device=self.name, epoch=1, entries=(entry,))
        return Arrival(batch, self.key.public, now, stated=stated)


class Fleet:
    """Gates, their centre and its collector, at one simulated clock."""

    def __init__(self, directory: Path, size: int, rider: Rider, store: Ledger) -> None:
        self.now = NOW
        self.folder = Folder(directory / "centre")
        self.store = store
        self.watch = Watch(self.folder, self.store, PUBLISHER)
        self.rider = rider
        chance = random.Random(1)
        self.gates = [self._gate(f"gate-{number}", directory, chance) for number in range(size)]
        self._due: list[tuple[float, int, Callable[[], float]]] = []
        for gate in self.gates:
            self._at(NOW + chance.random() * 5, lambda gate=gate: self._ask(gate))  # type: ignore[misc]
        self._at(NOW + 60, self._taps)
        self._at(NOW + 65, self._look)

    def run(self, seconds: int) -> None:
        """Lets so much time pass."""
        until = self.now + seconds
        while self._due[0][0] <= until:
            at, number, call = heapq.heappop(self._due)
            self.now = int(at)
            heapq.heappush(self._due, (at + call(), number, call))
        self.now = until

    def _at(self, at: float, call: Callable[[], float]) -> None:
        heapq.heappush(self._due, (at, len(self._due), call))

    def _gate(self, name: str, directory: Path, chance: random.Random) -> Gate:
        store = PackageStore(Disk(), TWO, "test")
        holding = HeldByStore(store, lambda data, source: store.take(data, self.now, source) and None)
        fetch = FromFolder(self.folder.www)
        puller = Puller(fetch, directory / name, Place(name), {Chain.PARAMETERS: holding}, roll=chance.random)
        return Gate(name, store, puller)

    def _ask(self, gate: Gate) -> float:
        gate.puller.step(Moment.at(self.now), pytest.fail)  # type: ignore[arg-type]
        gate.look(self.now)
        return gate.puller.wait_s()

    def _taps(self) -> float:
        code = self.rider.code(self.now)  # one rider shows a new code at every gate: what is counted is the verdict
        self.store.accept_all([gate.tap(code, self.now) for gate in self.gates])
        return TAP_EVERY_S

    def _look(self) -> float:
        self.watch.round(self.now)
        return TAP_EVERY_S


def package_of(mapping: dict[str, Any], version: int, **changes: Any) -> bytes:
    """A package of the test world's parameters, with other rules."""
    rules = mapping | {"version": version, "environment": "test"} | changes
    return both(version, inside=bytes(from_mapping(rules).image), not_before=NOW - DAY)


@pytest.mark.parametrize(
    ("size", "kind"),
    [
        (16, "sqlite"),
        pytest.param(200, "sqlite", marks=pytest.mark.long),
        pytest.param(16, "postgresql", marks=pytest.mark.long),
    ],
)
def test_an_urgent_package_is_everywhere_in_a_minute_and_a_canary_stops_a_bad_one(
    *, size: int, kind: str, tmp_path: Path, mapping: dict[str, Any], issuer: Issuer, request: pytest.FixtureRequest
) -> None:
    where = str(tmp_path / "trips.db") if kind == "sqlite" else request.getfixturevalue("new_database")()
    rider = new_rider(issuer, authorised_until=NOW + DAY, validity_s=600)
    fleet = Fleet(tmp_path, size, rider, open_store(where))
    first = package_of(mapping, 1)
    publish(fleet.folder, first)
    fleet.run(120)
    assert {gate.had[0][0] for gate in fleet.gates} == {1}

    # urgent: for everybody at once
    published = fleet.now
    publish(fleet.folder, package_of(mapping, 2, fares={"bus": 300}), fleet.now)
    fleet.run(60)
    assert all(gate.had[-1][0] == 2 for gate in fleet.gates), "within a minute"
    assert max(gate.had[-1][1] for gate in fleet.gates) - published <= 60

    # a bad one: a typing error leaves nobody whose codes are taken
    bad = package_of(mapping, 3, whitelist=[{"organisation": "99999999", "platform": "99999999"}])
    share = share_with(bad, [gate.name for gate in fleet.gates], 4 if size < 100 else 10)
    name = publish(fleet.folder, bad, fleet.now, steps=(share, 10_000))
    began = fleet.now
    fleet.run(590)
    plan = fleet.folder.plans()[name]
    assert plan.stopped.startswith("stopped by itself: NOT_WHITELISTED"), plan
    canary = {gate.name for gate in fleet.gates if lot(name, gate.name) < share}
    assert len(canary) == (4 if size < 100 else 10)
    assert {gate.name for gate in fleet.gates if gate.had[-1][0] == 3} == canary
    fleet.run(600)
    assert {gate.name for gate in fleet.gates if gate.had[-1][0] == 3} == canary, "and nobody takes it later"

    # the way back: the second one's content, for everybody
    back = reissued(
        parse_package(package_of(mapping, 2, fares={"bus": 300})), version=4, keys=[A, B], not_before=fleet.now,
        current=parse_package(bad),
    )  # fmt: skip
    publish(fleet.folder, back, fleet.now)
    fleet.run(90)
    assert {gate.had[-1][0] for gate in fleet.gates} == {4}

    # who had what when
    found = spells(fleet.store.statements(), {gate.name: frozenset([gate.key.public]) for gate in fleet.gates})
    told = {
        gate.name: [(spell.version, spell.since) for spell in found if spell.device == gate.name]
        for gate in fleet.gates
    }
    assert told == {gate.name: gate.had for gate in fleet.gates}
    assert all(spell.proven and spell.since <= spell.heard <= spell.heard_last for spell in found)
    assert {spell.device for spell in found if spell.version == 3} == canary
    assert {spell.device for spell in found if spell.version == 4} == {gate.name for gate in fleet.gates}
    last_bad = max(spell.heard_last for spell in found if spell.version == 3)
    assert last_bad - began >= 600, "a device under the bad one said so until it had the way back"
    fleet.store.close()


def test_a_statement_under_another_key_proves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "trips.db")
    key, other = DeviceKey.generate(), DeviceKey.generate()
    said = encode_versions(Versions(device="gate-1", software="0.1.0", parameters=3))
    for signer in (key, other):
        stated = Signed(said, signer.sign(signed_bytes(said)))
        store.accept_all([Arrival(Batch(device="gate-1", epoch=1, entries=()), key.public, NOW, stated=stated)])
        store.close()
        store = Store(tmp_path / "trips.db")
    (spell,) = spells(store.statements())
    assert spell.proven, "the second said nothing new, and was not kept"
    (row,) = store.statements()
    forged = row._replace(signature=other.sign(signed_bytes(said)))
    assert [one.proven for one in spells([forged])] == [False]
    assert [one.proven for one in spells([row], {"gate-1": frozenset([other.public])})] == [False]
    assert isinstance(spell, Spell)
    store.close()


def test_a_tap_names_its_image_where_the_collector_looks_for_it() -> None:
    content = entries.tap(parameters_digest=bytes(range(16)))
    facts, _ = parse(content)
    assert content[DIGEST_AT : DIGEST_AT + 16] == facts.parameters_digest == bytes(range(16))  # type: ignore[union-attr]
