"""What a ride costs by parameters, asked of the real core: a code is made for the question and shown to a gate of its.

Rules it keeps:
- No second calculator: whatever a gate would say is said here, refusals too.
- The question's own root, institution, decoder and account are added to a copy of the rules, so that the answer is the
  tariff's and not that of one issuer's form. All else, acceptance and account types too, is as it stands.
"""

from dataclasses import dataclass, replace

from yima.sdk.groups import GROUP
from yima.sdk.issuer import Issuer, RootAuthority, make_issuer, make_rider, make_root
from yima.validator.errors import ParametersError
from yima.validator.judging import Direction, GateContext, Mode, Reason, Validator, Verdict
from yima.validator.parameters import Parameters, from_rules
from yima.validator.parameters.rules import Decoder, Form, Member, Pair, Root, Rules
from yima.validator.texts import Text

ORDINARY = ("", "adult")
_ACCOUNT = "99999999999999999901"
_PLATFORM = "99999999"
_INSIDE = 1
_CAP_FEN = 0xFFFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Ride:
    """A question.

    start, end: stations; a bus where one taps once has no end. line 0: the gate does not know its own. at: unix
    seconds, of the tap that is charged. who: see `riders`. issuer_city 0: of the riding city itself. organisation: of
    the code's issuer, 8 digits; empty: one that no rule names. entered: unix seconds; 0: `ridden_s` before.
    """

    mode: Mode
    city: int
    start: int
    end: int = 0
    line: int = 0
    at: int
    who: str = ""
    issuer_city: int = 0
    organisation: str = ""
    entered: int = 0
    ridden_s: int = 600


@dataclass(frozen=True, slots=True)
class Rider:
    """Of which groups, and of which account type."""

    groups: tuple[str, ...]
    account_type: int


def riders(who: str) -> Rider:
    """`senior`, `0x41`, `senior+2`: groups and an account type; empty or `adult`: an ordinary rider.

    Raises ParametersError.
    """
    groups: list[str] = []
    kinds: list[int] = []
    for word in who.replace("+", " ").split():
        if word in ORDINARY:
            continue
        if GROUP.fullmatch(word):
            groups.append(word)
            continue
        try:
            kinds.append(int(word, 0))
        except ValueError:
            kinds.append(-1)
        if not 0 <= kinds[-1] <= 255:
            raise ParametersError(
                f"--as {word}",
                Text(f'"{word[:40]}" is neither a group nor an account type', f"“{word[:40]}”既不是群体也不是账户类型"),
                Text(
                    "Write a group (senior), an account type (0x41) or both (senior+2)", "请写 senior、0x41 或 senior+2"
                ),
            )
    if len(set(kinds)) > 1:
        raise ParametersError(
            f"--as {who}",
            Text(f'"{who[:40]}" names several account types', f"“{who[:40]}”含多个账户类型"),
            Text("A code shows one: leave one of them", "一个码只有一种账户类型，请只保留一个"),
        )
    return Rider(tuple(sorted(set(groups))), kinds[0] if kinds else 0)


class Asker:
    """Asks the core. One object for many questions of one set of rules."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._root: RootAuthority = make_root(next((n for n in range(256) if n not in rules.roots), 255))
        taken = {pair.organisation for pair in rules.whitelist} | {row.organisation for row in rules.decoders}
        taken |= {row.organisation for row in rules.concessions} | set(rules.time_shifts)
        self._organisation = next(f"{n:08}" for n in range(99999999, 0, -1) if f"{n:08}" not in taken)
        self._issuers: dict[str, Issuer] = {}
        self._made: dict[tuple[int, str, tuple[str, ...]], Parameters] = {}

    def ask(self, ride: Ride) -> Verdict:
        """What a gate there would say. Raises ParametersError."""
        rider = riders(ride.who)
        leaves = ride.mode is Mode.METRO or ride.end > 0
        entered = ride.entered or max(ride.at - ride.ridden_s, 1)
        inside = bytes([_INSIDE]) + ride.start.to_bytes(2) + entered.to_bytes(4) if leaves else b""
        organisation = ride.organisation or self._organisation
        if organisation not in self._issuers:
            self._issuers[organisation] = make_issuer(self._root, organisation)
        code = make_rider(
            self._issuers[organisation], payment_account="QUESTION", card_account=_ACCOUNT, platform=_PLATFORM,
            authorised_until=min(ride.at + 3600, 0xFFFFFFFF), account_type=rider.account_type, cap_fen=_CAP_FEN,
            validity_s=1, issuer_data=inside,
        ).code(ride.at)  # fmt: skip
        gate = GateContext(
            mode=ride.mode, city=ride.city, line=ride.line, station=ride.end if leaves else ride.start,
            direction=Direction.EXIT if leaves else Direction.NONE,
        )  # fmt: skip
        parameters = self._parameters(ride.issuer_city or ride.city, organisation, rider.groups)
        return Validator(parameters, gate).judge(code, ride.at)

    def _parameters(self, city: int, organisation: str, groups: tuple[str, ...]) -> Parameters:
        made = self._made.get((city, organisation, groups))
        if made is None:
            rules, account = self._rules, bytes.fromhex(_ACCOUNT)
            made = from_rules(
                replace(
                    rules,
                    roots={**rules.roots, self._root.index: Root(index=self._root.index, key=self._root.key.public)},
                    # Rows outlive their root, and this one bears a number that is free.
                    revoked=[row for row in rules.revoked if row.root != self._root.index],
                    whitelist=[
                        *(pair for pair in rules.whitelist if pair.organisation != organisation),
                        Pair(organisation=organisation, platform=_PLATFORM, city=city),
                    ],
                    decoders=[
                        *(row for row in rules.decoders if row.organisation != organisation),
                        _decoder(organisation),
                    ],
                    members=[*rules.members, *([Member(account, account, groups)] if groups else [])],
                    limits=replace(rules.limits, families=tuple({*rules.limits.families, "ministry"})),
                ),
                "question",
            )
            self._made[city, organisation, groups] = made
        return made


def _decoder(organisation: str) -> Decoder:
    return Decoder(
        organisation=organisation, state_at=0, inside=(_INSIDE,), station_at=1, time_at=3, time_form=Form.BINARY
    )


def is_gap(verdict: Verdict) -> bool:
    """Whether the operator's tables have no fare for the ride."""
    return verdict.reason in {Reason.NO_FARE, Reason.RIDE_NOT_PRICED} or verdict.rule.endswith("-unpriced")
