"""Paths for auditors and clerks: everything that the tables hold of bookings and postings, row by row.

An auditor sees a name in the place of each account, the same within a month of service, another in the next; a clerk
sees the account.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from yima.sdk.centre.clearing.money.tables import CLEARED, FUNDED, NET, POSTINGS
from yima.sdk.centre.clearing.tables import Table
from yima.sdk.centre.interfaces import models
from yima.sdk.centre.interfaces.committed import Snapshot
from yima.sdk.centre.interfaces.desk import REFUSALS, After, Desk, Limit, only
from yima.sdk.centre.interfaces.keys import Key, Role
from yima.sdk.centre.interfaces.paging import Row, Rows, of_parquet

Auditor = Annotated[Key, Depends(only(Role.AUDITOR, Role.CLERK))]
WHOLE_REGION = 0  # in the place of the city in which a name is one


def routes(desk: Desk) -> APIRouter:
    """The paths."""
    api = APIRouter(prefix="/v1/audit", responses=REFUSALS)

    @api.get("/bookings", response_model=models.AuditBookings)
    def bookings(request: Request, key: Auditor, after: After = None, limit: Limit = 100) -> Response:
        """Every booking and every reversal of the region."""
        snapshot = desk.snapshot()

        def named(row: Row) -> dict[str, Any]:
            return row | {"account": desk.names(row["service_date"] // 100).rider(WHOLE_REGION, row["account"])}

        return desk.feed(
            request, key, "bookings", _rows(snapshot, CLEARED), models.AuditBookings,
            after=after, limit=limit, snapshot=snapshot,
            shape=named if key.role is Role.AUDITOR else dict, etag_of=desk.keys_of_names(),
        )  # fmt: skip

    @api.get("/reductions", response_model=models.AuditReductions)
    def reductions(request: Request, key: Auditor, after: After = None, limit: Limit = 100) -> Response:
        """Every reduction as it was booked, with who pays for it."""
        snapshot = desk.snapshot()
        return desk.feed(
            request, key, "reductions", _rows(snapshot, FUNDED), models.AuditReductions,
            after=after, limit=limit, snapshot=snapshot,
        )  # fmt: skip

    @api.get("/postings", response_model=models.AuditPostings)
    def postings(request: Request, key: Auditor, after: After = None, limit: Limit = 100) -> Response:
        """Every posting; those of one clearing number sum to 0."""
        snapshot = desk.snapshot()
        return desk.feed(
            request, key, "postings", _rows(snapshot, POSTINGS), models.AuditPostings,
            after=after, limit=limit, snapshot=snapshot,
        )  # fmt: skip

    @api.get("/net", response_model=models.AuditNets)
    def net(request: Request, key: Auditor, after: After = None, limit: Limit = 100) -> Response:
        """Every party's net of every day."""
        snapshot = desk.snapshot()
        return desk.feed(
            request, key, "net", _rows(snapshot, NET), models.AuditNets, after=after, limit=limit, snapshot=snapshot
        )  # fmt: skip

    return api


def _rows(snapshot: Snapshot, table: Table) -> Rows:
    return of_parquet(lambda day: snapshot.of_table(table, day), tuple(table.columns))
