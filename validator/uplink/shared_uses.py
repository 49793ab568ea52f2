"""Codes used at the other gates of a station: heard from the collector, put into this gate's own memory of used codes.

Rules it keeps:
- No tap waits for it. A thread asks and listens; the loop of a tap takes over what has come, a few at a time, between
  taps. Without the collector the gate goes by its own memory, as it always does.
- The memory is made larger for it, and what comes from elsewhere never takes the room of the gate's own taps: a memory
  that is full refuses riders, so what finds no room is left out, and told.
- Whoever answers can shut a code out for as long as codes last, and no longer; he can open no gate. What this gate let
  through itself nobody takes back.
"""

import random
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from yima.validator.errors import CollectorBusyError, UplinkError, YimaError
from yima.validator.guarding.watched import ThreadState, Watched
from yima.validator.journal.facts import FactsError, TapFacts, write
from yima.validator.judging import Direction, GateContext, Mode, Transaction, Validator, Vouched
from yima.validator.parameters import Parameters
from yima.validator.texts import Text
from yima.validator.uplink.http import HttpUplink
from yima.validator.uplink.refusals import nonsense
from yima.validator.uplink.sender import waiting_s
from yima.validator.uplink.uses_wire import ANSWER_MAX, Question, Used, UsesError, encode_question, parse_answer

PATH = "/v1/uses"
ASK_FOR_S = 20
"""Seconds for which an answer may be kept until there is something to say."""
HASTY_S = 1.0
"""An answer that says nothing and was kept for less than this is not asked for again at once."""
TIMES_MORE = 16
"""How many times what its own taps need a gate's memory has room for those of others,"""
ROOM_MOST = 100_000
"""and at most for how many: some 6 MB."""
A_TURN = 32
WAITING_MOST = 4000


def with_room(parameters: Parameters, gate: GateContext) -> Validator:
    """A judge whose memory of used codes has room for those of other gates."""
    own = _own_need(parameters, gate)
    return Validator(parameters, gate, memory_entries=own + min(own * TIMES_MORE, ROOM_MOST))


def _own_need(parameters: Parameters, gate: GateContext) -> int:
    return Validator(parameters, gate, table_bytes=0).memory.most


class SharedUses:
    """Hears of used codes through `uplink`, which it closes, and gives them to `validator` at each `turn`.

    now: unix seconds. on_trouble is told an error once until it changes, on_recovered that it works again; both on any
    thread.
    """

    def __init__(
        self,
        uplink: HttpUplink,
        *,
        device: str,
        validator: Validator,
        parameters: Parameters,
        now: Callable[[], int],
        on_trouble: Callable[[YimaError], None],
        on_recovered: Callable[[], None],
    ) -> None:
        self._uplink, self._device, self._validator = uplink, device, validator
        self._now, self._on_trouble, self._on_recovered = now, on_trouble, on_recovered
        limits = parameters.limits
        # No code lasts longer, so nothing that comes from elsewhere stays longer than this.
        self._lasts_s = limits.max_validity_s + limits.future_tolerance_s + limits.account_interval_s
        self._room = validator.memory.most - _own_need(parameters, validator.gate)
        self._came: deque[Used] = deque()
        self._taken: deque[tuple[float, bytes]] = deque()  # when, monotonic seconds; and which code
        self._theirs: set[bytes] = set()
        self._stop = threading.Event()
        self._told = ""
        self.left_out = 0
        self._watched = Watched("yima-uses", self._listen, on_trouble=on_trouble)

    @property
    def thread(self) -> ThreadState:
        """How its thread stands."""
        return self._watched.state

    def stop(self) -> None:
        """Ends; what is being waited for is not waited for any longer."""
        self._stop.set()
        self._uplink.close()

    def __enter__(self) -> None:
        """Begins to listen."""
        self._watched.start()

    def __exit__(self, *_: object) -> None:
        """See stop."""
        self.stop()

    def turn(self) -> None:
        """On the loop's own thread, between taps: takes over a few of the codes that have come."""
        self._watched.look()
        if not self._came:
            return
        now, tick = self._now(), time.monotonic()
        while self._taken and self._taken[0][0] <= tick - self._lasts_s:
            self._theirs.discard(self._taken.popleft()[1])
        for _ in range(min(A_TURN, len(self._came))):
            self._take(self._came.popleft(), now, tick)

    def _take(self, used: Used, now: int, tick: float) -> None:
        core = self._validator.core
        if used.taken_back:
            if used.code in self._theirs:
                self._theirs.discard(used.code)
                core.retract(used.code)
            return
        if used.good_until < now or used.at > now + self._lasts_s or core.holds(used.code):
            return
        if len(self._taken) >= self._room:
            self.left_out += 1
            if self.left_out == 1:
                self._tell(_no_room(self._uplink.url, self._room))
            return
        with suppress(FactsError):
            self._validator.remember(_as_tap(used, until=min(used.good_until, now + self._lasts_s)))
            self._taken.append((tick, used.code))
            self._theirs.add(used.code)

    # ---- its own thread --------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        after = failures = 0
        while not self._stop.is_set():
            pause, asked = 0.0, time.monotonic()
            try:
                after, count = self._asked(after)
                failures = 0
                if not count and time.monotonic() - asked < HASTY_S:
                    pause = HASTY_S  # whoever keeps no answer would be asked a thousand times a second
                self._works()
            except YimaError as error:
                if self._stop.is_set():
                    return
                failures += 1
                pause = waiting_s(failures, random.random())  # noqa: S311 - spreads a fleet, hides nothing
                if isinstance(error, CollectorBusyError) and error.retry_after_s is not None:
                    pause = max(pause, error.retry_after_s)
                self._tell(error)
            while len(self._came) > WAITING_MOST and not self._stop.is_set():
                self._stop.wait(0.1)
            self._stop.wait(pause)

    def _asked(self, after: int) -> tuple[int, int]:
        """Where to go on, and how many came."""
        gate = self._validator.gate
        question = Question(
            device=self._device, at=max(0, self._now()), after=after, wait_s=ASK_FOR_S, city=gate.city,
            line=gate.line, station=gate.station,
        )  # fmt: skip
        answer = self._uplink.exchange(PATH, encode_question(question), answer_max=ANSWER_MAX)
        try:
            number, uses = parse_answer(answer)
        except UsesError as error:
            raise nonsense(self._uplink.url, str(error)) from error
        self._came.extend(uses)
        return number, len(uses)

    def _tell(self, error: YimaError) -> None:
        if str(error) != self._told:
            self._told = str(error)
            self._on_trouble(error)

    def _works(self) -> None:
        if self._told:
            self._told = ""
            self._on_recovered()


def _as_tap(used: Used, *, until: int) -> bytes:
    """As the journal would have it, for the core's memory. Whose account it was is not told to other gates."""
    return write(
        TapFacts(
            at=used.at, trusted=True, run=0, tick_ms=0, reason=0, family=used.family, mode=Mode.BUS,
            direction=Direction.NONE, transaction=Transaction.NONE, vouched=Vouched.HERE, account_type=0, city=0,
            operator=0, line=0, station=0, issuer_city=0, gross_fen=0, fare_fen=0, parameters_version=0,
            parameters_digest=bytes(16), deny_version=0, digest=used.code, account=None, good_until=until, entry_at=0,
            entry_station=0, entry_line=0, rules=(),
        )
    )  # fmt: skip


def _no_room(url: str, room: int) -> UplinkError:
    return UplinkError(
        url,
        Text(f"more than {room} codes were used at other gates: no room", f"其他闸机的已用码超过上限 {room} 个"),
        Text(
            "What is beyond is left out: this gate goes by its own taps. Raise `taps_per_minute` in the parameters",
            "超出部分被忽略，本机仅凭自己的记录判断；请提高参数 taps_per_minute",
        ),
    )  # fmt: skip
