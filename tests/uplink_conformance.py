"""What holds of every uplink, whatever carries it: a suite that HTTP and MQTT each run, with real sockets, journal,
sender and store.

Networks do what they do between the uplink and the store: a request that never arrives, comes twice, comes after the
next one, or waits; an answer that is lost. Which, a seeded choice says.
"""

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests import entries
from tests.forked import server_of, silent
from tests.uplinks import append, cutting, until
from yima.sdk.centre.collector.app import Collector
from yima.sdk.centre.collector.store import Store
from yima.sdk.centre.collector.taking import Taking
from yima.validator.errors import UplinkError
from yima.validator.journal import SegmentJournal
from yima.validator.state.keys import DeviceKey
from yima.validator.uplink import sender as sending_module
from yima.validator.uplink.sender import BatchPolicy, Sender
from yima.validator.uplink.signed import SignedUplink

FAULTS = ("dropped", "duplicated", "reordered", "delayed", "answer lost")
TOTAL_S = 2.0
PATIENCE_S = 0.4
"""An uplink's in a network that is in trouble."""


class Network:
    """Takes the place of a collector's `taking`: the same questions and answers, some of them in trouble."""

    def __init__(self, taking: Taking, faults: Sequence[str], *, chance: float, seed: int) -> None:
        self._taking, self._faults, self._chance = taking, faults, chance
        self._random = random.Random(seed)
        self._old: list[tuple[Any, Any, Any]] = []
        self.struck = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        status, body, headers = await self.answer(dict(scope["headers"]), receive, lambda device: "")
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def answer(self, headers: Any, receive: Any, allowed: Any) -> Any:
        parts = []
        while True:
            message = await receive()
            parts.append(message.get("body", b""))
            if not message.get("more_body"):
                break

        async def again() -> Any:
            return {"type": "http.request", "body": b"".join(parts), "more_body": False}

        request = (headers, again, allowed)
        kind = self._random.choice(self._faults) if self._faults and self._random.random() < self._chance else ""
        self.struck += bool(kind)
        if kind == "dropped":
            await self._silence()
        if kind == "delayed":
            await asyncio.sleep(self._random.choice((0.01, PATIENCE_S * 1.2)))
        if kind == "reordered" and self._old:
            await self._taking.answer(*self._random.choice(self._old))
        if kind == "duplicated":
            await asyncio.gather(self._taking.answer(*request), self._taking.answer(*request))
        self._old = [*self._old[-20:], request]
        answer = await self._taking.answer(*request)
        if kind == "answer lost":
            await self._silence()
        return answer

    @staticmethod
    async def _silence() -> None:
        """The device waits in vain; what it does then is tested."""
        await asyncio.sleep(PATIENCE_S * 1.5)
        raise asyncio.CancelledError


class Told:
    """What a sender says."""

    def __init__(self) -> None:
        self.trouble: list[str] = []
        self.recovered = 0
        self.answers: list[tuple[int, dict[int, str]]] = []

    def back(self) -> None:
        self.recovered += 1


class UplinkConformance(ABC):
    """Subclassed for each carrier."""

    @abstractmethod
    def collecting(self, taking: Any) -> AbstractContextManager[None]:
        """A collector whose batches `taking` takes, at this carrier's address, the same each time."""

    @abstractmethod
    def uplink(self, key: DeviceKey, device: str, epoch: int, total_s: float = TOTAL_S, port: int = 0) -> SignedUplink:
        """One to that address, which gives up after total_s. port: of this machine, in the place of the address's."""

    @property
    @abstractmethod
    def port(self) -> int:
        """Of this machine, at which whoever carries the batches takes them."""

    @property
    @abstractmethod
    def collect_words(self) -> list[str]:
        """With what `yima collect` takes batches at that address."""

    @pytest.fixture(autouse=True)
    def hurry(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sending_module, "WAIT_MIN_S", 0.01)
        monkeypatch.setattr(sending_module, "WAIT_MAX_S", 0.3)

    @pytest.fixture(autouse=True)
    def key(self) -> DeviceKey:
        self._key = DeviceKey.generate()
        return self._key

    @contextmanager
    def sending(self, journal: SegmentJournal, total_s: float = TOTAL_S, **policy: Any) -> Iterator[Told]:
        told = Told()
        sender = Sender(
            journal=journal,
            uplink=self.uplink(self._key, journal.device, journal.epoch, total_s),
            policy=BatchPolicy(**({"age_s": 0.02} | policy)),
            now=lambda: 1_790_000_000,
            on_trouble=lambda error: told.trouble.append(str(error)),
            on_recovered=told.back,
            on_answer=lambda through, rejected: told.answers.append((through, rejected)),
        )
        sender.start()
        try:
            yield told
        finally:
            sender.stop(5)

    @contextmanager
    def taking_into(self, store: Store) -> Iterator[None]:
        with self.collecting(Collector(store).taking):
            yield

    def held(self, store: Store, journal: SegmentJournal) -> list[int]:
        return [row["sequence"] for row in store.entries(journal.device, journal.epoch, after=0, limit=10_000)]

    def test_a_backlog_goes_at_once_batch_by_batch(self, journal: SegmentJournal, store: Store) -> None:
        append(journal, 250)
        with self.taking_into(store), self.sending(journal, age_s=0) as told:
            until(lambda: journal.acknowledged() == 250)
        assert [through for through, _ in told.answers] == [100, 200, 250]
        assert self.held(store, journal) == list(range(1, 251))

    def test_offline_means_waiting_and_online_means_everything_arrives_once(
        self, journal: SegmentJournal, store: Store
    ) -> None:
        append(journal, 3)
        with self.sending(journal) as told:
            until(lambda: bool(told.trouble))
            append(journal, 4)
            assert journal.acknowledged() == 0
            with self.taking_into(store):
                until(lambda: journal.acknowledged() == 7 and told.recovered == 1)
        assert all("cannot be reached" in trouble for trouble in told.trouble)
        assert self.held(store, journal) == [1, 2, 3, 4, 5, 6, 7]

    def test_a_lost_acknowledgement_leaves_no_double(self, journal: SegmentJournal, store: Store) -> None:
        append(journal, 3)
        with self.taking_into(store):
            uplink = self.uplink(self._key, journal.device, journal.epoch)
            uplink.send(journal.pending(3))  # committed there; the answer never reached the journal
            uplink.close()
            append(journal, 2)
            with self.sending(journal):
                until(lambda: journal.acknowledged() == 5)
        assert self.held(store, journal) == [1, 2, 3, 4, 5]

    def test_a_connection_cut_in_a_body_leaves_no_half_of_a_batch(self, journal: SegmentJournal, store: Store) -> None:
        append(journal, 50)
        chance = random.Random(3)
        cuts = sorted(chance.randrange(1500, 20_000) for _ in range(8))
        with self.taking_into(store), cutting(self.port) as line:
            for cut in cuts:
                line.cut_after = cut
                uplink = self.uplink(self._key, journal.device, journal.epoch, port=line.port)
                with pytest.raises(UplinkError):
                    uplink.send(journal.pending(50))
                uplink.close()
                assert self.held(store, journal) == []
            line.cut_after, line.passed = None, 0
            uplink = self.uplink(self._key, journal.device, journal.epoch, port=line.port)
            assert uplink.send(journal.pending(50)) == (50, {})
            uplink.close()
        assert cuts[-1] < line.passed, "the last of the cuts came behind the batch"
        assert self.held(store, journal) == list(range(1, 51))

    def test_a_collector_killed_again_and_again_loses_nothing_and_doubles_nothing(
        self, journal: SegmentJournal, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        server = server_of(tmp_path_factory)
        append(journal, 500)
        collect = ["collect", "--store", str(tmp_path / "killed.db"), "--bench", "--json", *self.collect_words]
        with self.sending(journal, count=2, age_s=0):
            for _ in range(2):
                enough = journal.acknowledged() + 10
                with silent(server, collect) as process:
                    until(lambda enough=enough: journal.acknowledged() > enough)  # type: ignore[misc]
                    process.kill()
            assert journal.acknowledged() < 500
            with silent(server, collect):
                until(lambda: journal.acknowledged() == 500)
        with closing(Store(tmp_path / "killed.db")) as store:
            assert self.held(store, journal) == list(range(1, 501))
            assert [journey.conflicts for journey in store.journeys()] == [0]

    def test_a_collector_restored_from_a_backup_gets_everything_again(
        self, journal: SegmentJournal, tmp_path: Path
    ) -> None:
        append(journal, 5)
        lost = Store(tmp_path / "lost.db")
        with self.taking_into(lost), self.sending(journal):
            until(lambda: journal.acknowledged() == 5)
        lost.close()
        empty = Store(tmp_path / "restored.db")
        # Nobody taps: the question alone finds out.
        with self.taking_into(empty), self.sending(journal) as told:
            until(lambda: self.held(empty, journal) == [1, 2, 3, 4, 5] and journal.acknowledged() == 5)
        assert told.answers[0] == (0, {})
        empty.close()

    def test_a_poison_record_goes_to_quarantine_and_does_not_hold_up_the_rest(
        self, journal: SegmentJournal, store: Store
    ) -> None:
        append(journal, 2)
        journal.append(entries.tap(body=b"no trip record"))
        append(journal, 2)
        with self.taking_into(store), self.sending(journal) as told:
            until(lambda: journal.acknowledged() == 5)
        (refused,) = journal.quarantined()
        assert (refused.sequence, refused.at) == (3, 1_790_000_000)
        assert "not intact" in refused.why
        assert told.answers == [(5, {3: refused.why})]
        assert self.held(store, journal) == [1, 2, 3, 4, 5]

    def test_a_full_disk_acknowledges_nothing_and_room_lets_everything_in(
        self, journal: SegmentJournal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("yima.sdk.centre.collector.taking.RETRY_AFTER_S", (0, 0))
        append(journal, 400)
        full = Store(tmp_path / "trips.db", max_bytes=48 << 10)
        with self.sending(journal, count=400) as told:
            with self.taking_into(full):
                until(lambda: any("answers 503" in trouble for trouble in told.trouble))
            full.close()
            assert journal.acknowledged() == 0
            roomy = Store(tmp_path / "trips.db")
            with self.taking_into(roomy):
                until(lambda: journal.acknowledged() == 400)
        assert self.held(roomy, journal) == list(range(1, 401))
        roomy.close()

    def test_a_device_that_is_not_enrolled_is_told_its_line(self, journal: SegmentJournal, store: Store) -> None:
        append(journal, 1)
        collector = Collector(store, enrolled=dict)
        with self.collecting(collector.taking), self.sending(journal) as told:
            until(lambda: any("answers 403" in trouble for trouble in told.trouble))
        assert any(f"Enrol this device there: gate-7 {self._key.public}" in trouble for trouble in told.trouble)
        assert journal.acknowledged() == 0

    def test_a_device_that_was_flashed_anew_begins_a_journal_of_its_own(
        self, journal: SegmentJournal, store: Store, tmp_path: Path
    ) -> None:
        append(journal, 3)
        keys = {"gate-7": self._key.public}
        with self.collecting(Collector(store, enrolled=lambda: keys).taking):
            with self.sending(journal):
                until(lambda: journal.acknowledged() == 3)
            fresh = SegmentJournal(tmp_path / "flashed", "gate-7", epoch_for_new=8)
            append(fresh, 2)
            self._key = DeviceKey.generate()
            with self.sending(fresh) as told:
                until(lambda: bool(told.trouble))
                assert fresh.acknowledged() == 0
                keys["gate-7"] = self._key.public
                until(lambda: fresh.acknowledged() == 2)
        assert (self.held(store, journal), self.held(store, fresh)) == ([1, 2, 3], [1, 2])
        fresh.close()

    @pytest.mark.parametrize("answer", [b'{"acknowledged":99}', b"garbage", b'{"acknowledged":3,"rejected":{"9":"?"}}'])
    def test_a_lying_collector_moves_no_cursor(self, journal: SegmentJournal, answer: bytes) -> None:
        append(journal, 3)
        journal.acknowledge(1, {})
        with self.collecting(_Scripted(answer)), self.sending(journal) as told:
            until(lambda: bool(told.trouble))
        assert journal.acknowledged() == 1
        assert journal.quarantined() == []

    def test_an_answer_without_end_is_none(self, journal: SegmentJournal) -> None:
        append(journal, 1)
        with self.collecting(_Scripted(b'{"acknowledged":1}' + b" " * (1 << 20))):
            uplink = self.uplink(self._key, journal.device, journal.epoch)
            with pytest.raises(UplinkError, match="endless"):
                uplink.send(journal.pending(1))
            uplink.close()

    def test_whatever_the_network_does_everything_arrives_once(self, journal: SegmentJournal, store: Store) -> None:
        self.through_trouble(journal, store, count=24, chance=0.3, seed=7)

    @pytest.mark.long
    @pytest.mark.parametrize("seed", range(3))
    @pytest.mark.parametrize("kind", FAULTS)
    def test_whatever_one_kind_of_fault_does_everything_arrives_once(
        self, journal: SegmentJournal, store: Store, kind: str, seed: int
    ) -> None:
        self.through_trouble(journal, store, faults=(kind,), count=60, chance=0.5, seed=seed)

    def through_trouble(
        self,
        journal: SegmentJournal,
        store: Store,
        *,
        faults: Sequence[str] = FAULTS,
        count: int,
        chance: float,
        seed: int,
    ) -> None:
        append(journal, count)
        network = Network(Collector(store).taking, faults, chance=chance, seed=seed)
        with self.collecting(network), self.sending(journal, PATIENCE_S, count=3):
            until(lambda: journal.acknowledged() == count)
        assert network.struck > 0
        assert self.held(store, journal) == list(range(1, count + 1))
        assert [journey.conflicts for journey in store.journeys()] == [0]

    @pytest.mark.long
    def test_thirty_days_offline_are_200_000_records_and_all_arrive(self, tmp_path: Path, store: Store) -> None:
        journal = SegmentJournal(tmp_path / "offline", "gate-7", epoch_for_new=7)
        append(journal, 200_000)
        with self.taking_into(store), self.sending(journal, count=1000):
            until(lambda: journal.acknowledged() == 200_000)
        (journey,) = store.journeys()
        assert (journey.acknowledged, journey.rejected, journey.conflicts) == (200_000, 0, 0)
        journal.close()


class _Scripted:
    """Answers everything alike."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": self._answer})

    async def answer(self, headers: Any, receive: Any, allowed: Any) -> Any:
        return 200, self._answer, []
