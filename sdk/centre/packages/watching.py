"""One round of watching what was published: stop what does harm, give more devices what does none, renew the index."""

from collections import Counter
from collections.abc import Callable, Set
from functools import partial
from typing import NamedTuple

from yima.sdk.centre.collector.arrivals import Ledger
from yima.sdk.centre.packages.canary import jump
from yima.sdk.centre.packages.folder import VALID_S, Folder, Plan, next_step, stopped
from yima.sdk.sm2 import SigningKey


class Watched(NamedTuple):
    """What a round did: (release, what), in English."""

    changes: tuple[tuple[str, str], ...]
    renewed: bool


class Watch:
    """Watches a publication by a collector's store. What has been counted is counted once; key: the publisher's."""

    def __init__(self, folder: Folder, store: Ledger, key: SigningKey) -> None:
        self._folder, self._store, self._key = folder, store, key
        self._cursor = 0
        self._taps: dict[bytes, Counter[int]] = {}  # by the image that judged them, and by reason
        self._of_steps: dict[tuple[str, int], tuple[int, int]] = {}  # up to which place how many were counted

    def round(self, now: int) -> Watched:
        """Looks once. Raises PublicationError, StoreError."""
        rows, self._cursor = self._store.taps_by_image(self._cursor)
        for image, reason, count in rows:
            self._taps.setdefault(image, Counter())[reason] += count
        changes: dict[str, Callable[[Plan], Plan]] = {}
        told: list[tuple[str, str]] = []
        for name, plan in self._folder.plans().items():
            if plan.stopped:
                continue
            images = set(map(bytes.fromhex, plan.digests))
            under: Counter[int] = sum((found for key, found in self._taps.items() if key in images), Counter())
            elsewhere: Counter[int] = sum((found for key, found in self._taps.items() if key not in images), Counter())
            harm = jump(under, elsewhere)
            if harm:
                changes[name] = partial(stopped, why=f"stopped by itself: {harm}")
                told.append((name, f"stopped: {harm}"))
            elif (
                not plan.is_done
                and now - plan.since >= plan.hold_s
                and self._taps_of_step(name, plan, images) >= plan.taps
            ):
                wider = partial(next_step, now=now, place=self._cursor)
                changes[name] = wider
                told.append((name, f"given to {wider(plan).share / 100:g} %"))
        index = self._folder.index()
        renewed = (index is not None and index.until - now < VALID_S // 2) or self._folder.is_behind()
        if changes or renewed:
            self._folder.steer(changes, self._key, now)
        return Watched(tuple(told), renewed)

    def _taps_of_step(self, name: str, plan: Plan, images: Set[bytes]) -> int:
        """How many taps came under it since the step began, whoever watched meanwhile."""
        after, taps = self._of_steps.get((name, plan.step), (plan.place, 0))
        rows, place = self._store.taps_by_image(after)
        taps += sum(count for image, _, count in rows if image in images)
        self._of_steps[name, plan.step] = place, taps
        return taps
