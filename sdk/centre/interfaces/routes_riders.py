"""Paths that tell of a rider: for the rider's issuer, and for a service to which the rider consents."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from yima.sdk.centre.identity.consents import Lacking, Permission
from yima.sdk.centre.identity.statements import Scope
from yima.sdk.centre.interfaces import cursors, models
from yima.sdk.centre.interfaces.committed import Snapshot
from yima.sdk.centre.interfaces.conditional import answer, tag
from yima.sdk.centre.interfaces.desk import REFUSALS, Account, After, Desk, Limit, MonthText, month_number, only
from yima.sdk.centre.interfaces.keys import Key, Role
from yima.sdk.centre.interfaces.months import RideOfMonth, month_of
from yima.sdk.centre.interfaces.problems import RefusedError
from yima.validator.texts import Text

Rider = Annotated[Key, Depends(only(Role.ISSUER, Role.SERVICE))]
_LACKING = {
    Lacking.NONE: Text("is not opened to this service by any consent", "未授权此服务查看"),
    Lacking.NOT_BEGUN: Text("is opened to this service by a consent that has not begun", "授权尚未生效"),
    Lacking.OVER: Text("was opened to this service by a consent that is over", "授权已到期"),
    Lacking.REVOKED: Text("was opened to this service by a consent that is revoked", "授权已撤销"),
}
_EVERYTHING = Permission(spans=((Scope.CHARGES, 0, 99999999),))


def routes(desk: Desk) -> APIRouter:
    """The paths."""
    api = APIRouter(prefix="/v1", responses=REFUSALS)

    @api.get("/accounts/{account}/rides", response_model=models.Month)
    def rides(
        request: Request, key: Rider, account: Account, *, month: MonthText, after: After = None, limit: Limit = 100
    ) -> Response:
        """A rider's month. For a service: what the rider's consent opens, as long as it holds."""
        snapshot = desk.snapshot()
        issuer, permission = _opened(desk, snapshot, key, account)
        feed = f"month {month} {account} {key.role} {key.of}"
        place = cursors.read(after, feed)
        as_of = place.day or (snapshot.days[-1] if snapshot.days else 0)
        if place.day and place.day not in snapshot.days:
            raise cursors.refused()

        def make() -> models.Month:
            found = month_of(snapshot, issuer, account, month_number(month), as_of) if as_of else []
            seen = [one for one in found if permission.allows(Scope.RIDES, one.ride["service_date"])]
            costs = [permission.allows(Scope.CHARGES, one.ride["service_date"]) for one in seen]
            end = min(place.rows + limit, len(seen))
            return models.Month.model_validate(
                {
                    "account": account,
                    "month": month,
                    "as_of": as_of or None,
                    "rides": len(seen),
                    "fare_fen": sum(one.fare_fen for one in seen) if all(costs) else None,
                    "items": [
                        _ride(one, shows) for one, shows in list(zip(seen, costs, strict=True))[place.rows : end]
                    ],
                    "next": cursors.written(cursors.Place(day=as_of, rows=max(end, place.rows)), feed),
                    "more": end < len(seen),
                }
            )

        return answer(request, tag(request, key.role, key.of, snapshot.version, permission.spans), make)

    return api


def _opened(desk: Desk, snapshot: Snapshot, key: Key, account: str) -> tuple[str, Permission]:
    """Whose rider it is, and what of the rides may be seen. Raises RefusedError."""
    owner = desk.owner_of(account)
    if key.role is Role.ISSUER:
        if owner not in (None, key.of):
            raise RefusedError(
                403,
                "NOT_YOURS",
                Text("this account", "此账户"),
                Text("is of another issuer", "属于其他发码机构"),
                Text("Ask for accounts of your own riders", "请只查询本机构乘客的账户"),
            )
        return key.of, _EVERYTHING
    permission = desk.consents(snapshot).permission(account, key.of, desk.today())
    if owner is None or not permission.spans:
        raise RefusedError(
            403,
            str(permission.lacking),
            Text("this account", "此账户"),
            _LACKING[permission.lacking],
            Text("Ask the rider to consent at the rider's issuer", "请让乘客在其发码机构授权"),
        )
    return owner, permission


def _ride(one: RideOfMonth, shows_cost: bool) -> dict[str, Any]:
    return {
        **one.ride,
        "stands": one.stands,
        "fare_fen": one.fare_fen if shows_cost else None,
        "reductions_fen": one.reductions_fen if shows_cost else None,
        "charges": one.charges if shows_cost else [],
    }
