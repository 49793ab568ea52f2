"""Paths for issuers, operators and funders: their feeds, nets, sums and files."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi import Path as InPath
from starlette.responses import FileResponse, Response

from yima.sdk.centre.interfaces import models, parties
from yima.sdk.centre.interfaces.conditional import answer, headers, is_held, tag
from yima.sdk.centre.interfaces.desk import (
    REFUSALS,
    After,
    AnyKey,
    DayPath,
    Desk,
    From,
    Limit,
    To,
    number_of,
    only,
    span,
)
from yima.sdk.centre.interfaces.keys import Key, Role
from yima.sdk.centre.interfaces.paging import of_parquet
from yima.sdk.centre.interfaces.problems import not_found
from yima.validator.texts import Text

_CHARGE = (
    "clearing", "ride_id", "number", "reverses", "cause", "dispute_id", "account", "code_digest", "fare_fen",
    "gross_fen", "gate_fen", *parties.REDUCED, "issuer_share_fen", "kind", "operator", "city", "moment", "service_date",
    "day",
)  # fmt: skip
_RECORD = tuple(models.Record.model_fields)

Issuer = Annotated[Key, Depends(only(Role.ISSUER))]
Operator = Annotated[Key, Depends(only(Role.OPERATOR))]
Institution = Annotated[Key, Depends(only(Role.ISSUER, Role.OPERATOR))]
Party = Annotated[Key, Depends(only(Role.ISSUER, Role.OPERATOR, Role.CITY, Role.REGION))]
Funder = Annotated[Key, Depends(only(Role.OPERATOR, Role.CITY, Role.REGION))]


def routes(desk: Desk) -> APIRouter:  # noqa: PLR0915 - a path each
    """The paths."""
    api = APIRouter(prefix="/v1", responses=REFUSALS)

    @api.get("/me", response_model=models.Me)
    def me(request: Request, key: AnyKey) -> Response:
        """Who this key is, and how far days are cleared."""
        snapshot = desk.snapshot()
        newest = snapshot.days[-1] if snapshot.days else None

        def make() -> models.Me:
            found = {"role": key.role, "of": key.of, "cleared_until": newest, "days": len(snapshot.days)}
            return models.Me.model_validate(found)

        return answer(request, tag(request, key.role, key.of, snapshot.version), make)

    @api.get("/charges", response_model=models.Charges)
    def charges(request: Request, key: Issuer, after: After = None, limit: Limit = 100) -> Response:
        """What to debit the issuer's riders: every booking and reversal exactly once, as days are cleared."""
        snapshot = desk.snapshot()
        rows = of_parquet(parties.issued(snapshot, key.of), _CHARGE)
        return desk.feed(
            request, key, "charges", rows, models.Charges,
            after=after, limit=limit, snapshot=snapshot, shape=parties.booked,
        )  # fmt: skip

    @api.get("/records", response_model=models.Records)
    def records(request: Request, key: Operator, after: After = None, limit: Limit = 100) -> Response:
        """Bookings and reversals of rides at the operator's gates, each exactly once."""
        snapshot = desk.snapshot()
        rows = of_parquet(parties.acquired(snapshot, key.of), _RECORD)
        return desk.feed(
            request, key, "records", rows, models.Records, after=after, limit=limit, snapshot=snapshot
        )  # fmt: skip

    @api.get("/feedback", response_model=models.Feedbacks)
    def feedback(request: Request, key: Operator, after: After = None, limit: Limit = 100) -> Response:
        """What became of each tap at the operator's gates, with the reason."""
        snapshot = desk.snapshot()
        rows = parties.feedback(snapshot, key.of)
        return desk.feed(
            request, key, "feedback", rows, models.Feedbacks,
            after=after, limit=limit, snapshot=snapshot, shape=parties.feedback_row,
        )  # fmt: skip

    @api.get("/reconciliation", response_model=models.Totals)
    def reconciliation(request: Request, key: Institution, after: After = None, limit: Limit = 100) -> Response:
        """Counts and sums by day, operator, issuer, type and error, to hold one's own against."""
        snapshot = desk.snapshot()
        rows = parties.totals(snapshot, key)
        return desk.feed(
            request, key, "reconciliation", rows, models.Totals, after=after, limit=limit, snapshot=snapshot
        )  # fmt: skip

    @api.get("/statements", response_model=models.StatementAnswers)
    def statements(request: Request, key: Issuer, after: After = None, limit: Limit = 100) -> Response:
        """What became of the issuer's files of statements."""
        snapshot = desk.snapshot()
        rows = parties.statements(snapshot, key.of)
        return desk.feed(
            request, key, "statements", rows, models.StatementAnswers, after=after, limit=limit, snapshot=snapshot
        )  # fmt: skip

    @api.get("/disputes", response_model=models.DisputeAnswers)
    def disputes(request: Request, key: Institution, after: After = None, limit: Limit = 100) -> Response:
        """What was decided of disputes that the caller raised, or that were raised against it."""
        snapshot = desk.snapshot()
        rows = parties.disputes(snapshot, key.of)
        return desk.feed(
            request, key, "disputes", rows, models.DisputeAnswers, after=after, limit=limit, snapshot=snapshot
        )  # fmt: skip

    @api.get("/net", response_model=models.Nets)
    def net(request: Request, key: Party, since: From = None, to: To = None) -> Response:
        """The caller's own net, by day."""
        snapshot = desk.snapshot()
        days = span(snapshot, since, to)

        def make() -> models.Nets:
            rows = parties.nets(snapshot, key, days)
            return models.Nets.model_validate({"items": rows, "net_fen": sum(row["net_fen"] for row in rows)})

        return answer(request, tag(request, key.role, key.of, snapshot.version), make)

    @api.get("/sums", response_model=models.FundedSums)
    def sums(request: Request, key: Funder, since: From = None, to: To = None) -> Response:
        """What the caller pays for reductions, by rule: sums, no rides."""
        snapshot = desk.snapshot()
        days = span(snapshot, since, to)

        def make() -> models.FundedSums:
            rows = parties.sums(snapshot, key, days)
            return models.FundedSums.model_validate({"items": rows, "fen": sum(row["fen"] for row in rows)})

        return answer(request, tag(request, key.role, key.of, snapshot.version), make)

    @api.get("/files/{day}", response_model=models.Files)
    def files(request: Request, key: Institution, day: DayPath) -> Response:
        """The caller's files of a cleared day."""
        snapshot = desk.snapshot()
        number = number_of(day)
        if number not in snapshot.days:
            raise not_found(Text(f"day {day}", f"日期 {day}"))

        def make() -> models.Files:
            found = parties.files(snapshot, key, number)
            rows = [{"name": path.name, "bytes": path.stat().st_size, "day": day} for path in found]
            return models.Files.model_validate({"items": rows})

        return answer(request, tag(request, key.role, key.of, snapshot.version), make)

    @api.get(
        "/files/{day}/{name}",
        response_class=FileResponse,
        responses={200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}},
    )
    def file(
        request: Request, key: Institution, day: DayPath, name: Annotated[str, InPath(max_length=100)]
    ) -> Response:
        """One of them, byte for byte."""
        snapshot = desk.snapshot()
        number = number_of(day)
        found = parties.files(snapshot, key, number) if number in snapshot.days else []
        path = next((path for path in found if path.name == name), None)
        if path is None:
            raise not_found(Text(f"a file of that name on {day}", f"{day} 的同名文件"))
        etag = tag(request, key.role, key.of)
        if is_held(request, etag):
            return Response(status_code=304, headers=headers(etag))
        return FileResponse(path, media_type="application/octet-stream", headers=headers(etag), filename=path.name)

    return api
