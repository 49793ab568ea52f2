"""Codes that only their issuer can verify: from the issuer's answer, or its silence, to the final verdict.

Rules it keeps:
- The core classifies and judges all that can be judged here; then the issuer is asked, once, with a deadline.
- An issuer that answers is obeyed. One that cannot be reached is not guessed at: the ride is refused, or, if the
  parameters say so, accepted at risk, up to a number of rides and an amount that this device has out within 24 hours.
- At an entry nothing is charged yet: such a ride counts with the most it may come to by the parameters, else an amount
  would limit nothing there. What it cost in the end is known where it ends, often at another device.
- What is out is counted from the journal, over all such families together, so it survives a restart; a ride counts from
  the moment it is recorded, and no longer once it is reversed.
- A device that does not know the time takes no risk: it could not say what lies within 24 hours.
- Who vouched stands in the facts of the tap, so the centre can ask the issuer later about rides at risk.

`decide` is pure; `Resolving` is the one place that asks.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import NamedTuple

from yima.validator.errors import YimaError
from yima.validator.guarding.guards import answer_of
from yima.validator.journal.facts import FactsError, OutcomeFacts, TapFacts, parse
from yima.validator.journal.kept import kept_tap
from yima.validator.journal.older import OlderEntry
from yima.validator.judging import Direction, Moment, Reason, Validator, Verdict, Vouched
from yima.validator.parameters.family_rules import Resolved, resolved_for
from yima.validator.ports import Answer, Question, Resolver

RISK_WINDOW_S = 24 * 3600


class Exposure(NamedTuple):
    """What a device has out at risk: rides, and what they cost together in fen."""

    rides: int = 0
    fen: int = 0


class Decision(NamedTuple):
    """The final reason, and who vouched if it is ACCEPTED."""

    reason: Reason
    vouched: Vouched = Vouched.HERE


def decide(answer: Answer, policy: Resolved, out: Exposure, fare_fen: int, *, time_trusted: bool) -> Decision:
    """What becomes of a ride: by the issuer's answer, else by the policy and what is out already."""
    if answer is Answer.ACCEPT:
        return Decision(Reason.ACCEPTED, Vouched.ISSUER)
    if answer is Answer.REFUSE:
        return Decision(Reason.RESOLVER_REFUSED)
    if policy.at_risk_rides == 0 or not time_trusted:
        return Decision(Reason.RESOLVER_UNREACHABLE)
    if out.rides >= policy.at_risk_rides or out.fen + fare_fen > policy.at_risk_fen:
        return Decision(Reason.AT_RISK_LIMIT)
    return Decision(Reason.ACCEPTED, Vouched.NOBODY)


class _Ride(NamedTuple):
    """at: unix seconds. code: what names it, None once a later ride has it: a reversal then means that one."""

    at: int
    fen: int
    code: bytes | None


class RidesAtRisk:
    """The rides of the last 24 hours that nobody vouched for."""

    def __init__(self) -> None:
        self._rides: list[_Ride] = []

    def refill(self, accepted: Iterable[bytes | OlderEntry], entry_fen: int = 0) -> None:
        """Begins anew with such rides among the journal's accepted taps and what reverses some, in their order.
        entry_fen: what one counts that has begun."""
        self._rides = []
        for entry in accepted:
            tap, facts = kept_tap(entry), _facts_of(entry)
            code = facts.digest if isinstance(facts, TapFacts) else None
            if isinstance(facts, OutcomeFacts) and facts.reverses:
                self.reverse(facts.code)
            elif tap and tap.vouched is Vouched.NOBODY:
                self.add(tap.at, entry_fen if tap.is_entry else tap.fare_fen, code)
            elif tap:
                self.ridden(code)

    def add(self, at: int, fen: int, code: bytes | None = None) -> None:
        """One more ride. code: what names it (Verdict.digest)."""
        self.ridden(code)
        self._rides.append(_Ride(at, fen, code))

    def ridden(self, code: bytes | None) -> None:
        """Another ride has this code, whoever vouched for it: earlier ones stay."""
        if code is not None and self._rides:
            self._rides = [ride._replace(code=None) if ride.code == code else ride for ride in self._rides]

    def reverse(self, code: bytes | None) -> None:
        """The last ride of this code is void: nobody owes anything for it."""
        if code is not None:
            self._rides = [ride for ride in self._rides if ride.code != code]

    def out(self, now: int) -> Exposure:
        """What is out at `now`. A clock that was set back leaves rides in the future: they count."""
        self._rides = [ride for ride in self._rides if ride.at > now - RISK_WINDOW_S]
        return Exposure(len(self._rides), sum(ride.fen for ride in self._rides))


def _facts_of(entry: bytes | OlderEntry) -> object:
    """None where there are none that can be read."""
    if isinstance(entry, OlderEntry):
        return None
    with suppress(FactsError):
        return parse(entry)[0]
    return None


class Resolving:
    """Asks about codes that need it, and keeps what is out at risk.

    resolvers: whom to ask, by family; a family without one keeps the reason NEEDS_RESOLVER. Policies are those of the
    validator's own parameters. on_trouble: told of a resolver that raises or answers what it must not, once until it
    is something else.
    """

    def __init__(self, resolvers: Mapping[str, Resolver]) -> None:
        self._resolvers = dict(resolvers)
        self._told = ""
        self.on_trouble: Callable[[YimaError], None] = lambda error: None
        self.at_risk = RidesAtRisk()

    def refill(self, validator: Validator, accepted: Iterable[bytes | OlderEntry]) -> None:
        """What is out, by the taps accepted within RISK_WINDOW_S."""
        if self._resolvers:
            self.at_risk.refill(accepted, validator.dearest_ride_fen)

    def decided(self, validator: Validator, verdict: Verdict, moment: Moment) -> Decision:
        """What becomes of a verdict with the reason NEEDS_RESOLVER; that reason itself where there is nobody to ask."""
        policy = resolved_for(validator.families, verdict.family, verdict.code)
        resolver = self._resolvers.get(verdict.family)
        if policy is None or resolver is None:
            return Decision(Reason.NEEDS_RESOLVER)
        question = Question(
            token=verdict.code,
            family=verdict.family,
            gate=validator.gate,
            fare_fen=verdict.fare_fen,
            at=moment.unix_s,
            deadline_ms=policy.deadline_ms,
        )
        answer = answer_of(resolver, question, self._tell)
        out = self.at_risk.out(moment.unix_s)
        return decide(answer, policy, out, _risk_fen(validator, verdict), time_trusted=moment.trusted)

    def _tell(self, error: YimaError) -> None:
        if str(error) != self._told:
            self._told = str(error)
            self.on_trouble(error)

    def recorded(self, validator: Validator, verdict: Verdict, moment: Moment) -> None:
        """A verdict's record is durable: a ride at risk counts from now on."""
        if verdict.accepted and verdict.vouched is Vouched.NOBODY:
            self.at_risk.add(moment.unix_s, _risk_fen(validator, verdict), verdict.digest)
        elif verdict.accepted:
            self.at_risk.ridden(verdict.digest)

    def outcome(self, facts: OutcomeFacts) -> None:
        """What the gate did is durable: a ride that it reverses is out no longer."""
        if facts.reverses:
            self.at_risk.reverse(facts.code)

    def close(self) -> None:
        """Ends every resolver's connections; one that several families share is closed once."""
        for resolver in {id(resolver): resolver for resolver in self._resolvers.values()}.values():
            with suppress(Exception):
                resolver.close()


def _risk_fen(validator: Validator, verdict: Verdict) -> int:
    """What this ride counts if nobody vouches for it."""
    return validator.dearest_ride_fen if validator.gate.direction is Direction.ENTRY else verdict.fare_fen
