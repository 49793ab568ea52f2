"""What a service may see of a rider: what issuers' statements of consent come to on a day.

Rules:

- A consent holds if the account's own issuer states it, from its first day to the day before its last, until its issuer
  revokes it. It opens rides of its own days alone: who consents in May shows nobody their April.
- Several consents add up, each for its own days and scope.
- Where none holds, the last of them says why: revoked, over, not begun. Without any the answer is the same for an
  account that there is and for one that there is not.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from yima.sdk.centre.identity.issuers import Issuers
from yima.sdk.centre.identity.statements import Consent, Revocation, Said, Scope


class Lacking(StrEnum):
    """Why a service may not see an account."""

    NONE = "NO_CONSENT"
    NOT_BEGUN = "CONSENT_NOT_BEGUN"
    OVER = "CONSENT_OVER"
    REVOKED = "CONSENT_REVOKED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """What a service may see on a day: rides of the service dates from since to the day before until, by scope. Empty
    `spans`: nothing, `lacking` says why."""

    spans: tuple[tuple[Scope, int, int], ...]
    lacking: Lacking = Lacking.NONE

    def allows(self, scope: Scope, service_date: int) -> bool:
        """Whether rides of that date may be seen so far."""
        enough = (scope, Scope.CHARGES)
        return any(one in enough and since <= service_date < until for one, since, until in self.spans)


class Consents:
    """All consents that were taken in, by account and service."""

    def __init__(self, said: Iterable[Said], issuers: Issuers) -> None:
        self._by: dict[tuple[str, str], list[tuple[Consent, bool]]] = {}
        all_said = list(said)
        revoked = {
            (one.issuer, one.statement.number, one.statement.place)
            for one in all_said
            if isinstance(one.statement, Revocation)
        }
        for one in all_said:
            consent = one.statement
            if isinstance(consent, Consent) and issuers.owner_of(consent.account) == one.issuer:
                is_revoked = (one.issuer, one.number, one.place) in revoked
                self._by.setdefault((consent.account, consent.service), []).append((consent, is_revoked))

    def permission(self, account: str, service: str, day: int) -> Permission:
        """What a service may see of an account on that day."""
        given = self._by.get((account, service), [])
        spans = [
            (scope, consent.since, consent.until)
            for consent, is_revoked in given
            if not is_revoked and consent.since <= day < consent.until
            for scope in consent.scopes
        ]
        if spans or not given:
            return Permission(spans=tuple(sorted(spans)))
        last, is_revoked = max(given, key=lambda one: (one[0].until, one[0].since, one[1]))
        if is_revoked:
            return Permission(spans=(), lacking=Lacking.REVOKED)
        return Permission(spans=(), lacking=Lacking.NOT_BEGUN if day < last.since else Lacking.OVER)
