"""How often a key may ask: a bucket of tokens each, filled at a steady rate. Who has none left is told how long."""

import threading
from collections.abc import Callable


class RateLimit:
    """So many requests a minute for each key, as many at once. clock: seconds, monotonic. Any thread may ask.

    Only keys that exist have a bucket, so that nobody from outside makes it grow.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float]) -> None:
        self._most, self._per_s, self._clock = float(per_minute), per_minute / 60, clock
        self._buckets: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def wait_s(self, key: str) -> float:
        """0: go on, a token is taken. Else the seconds until there is one again."""
        now = self._clock()
        with self._lock:
            tokens, at = self._buckets.get(key, (self._most, now))
            tokens = min(self._most, tokens + (now - at) * self._per_s)
            if tokens >= 1:
                self._buckets[key] = (tokens - 1, now)
                return 0.0
            self._buckets[key] = (tokens, now)
            return (1 - tokens) / self._per_s
