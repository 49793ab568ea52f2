"""A day's share in a folder: tables for everybody, and a package for each riding city. Once and for all.

    DIR/20260914/flows.csv, flows.parquet
    DIR/20260914/subsidies.csv, subsidies.parquet
    DIR/20260914/equal-treatment.csv, equal-treatment.parquet       where other parameters were named
    DIR/20260914/report.html                                        the same as a page
    DIR/20260914/tides-310000/datapackage.json, devices.csv, fare_transactions.csv, station_activities.csv

A day that was shared is not shared again: the same bytes are left as they are, others are refused, since what differs
between two shares tells of single riders.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from yima.sdk.centre.clearing.exported import csv_of, parquet_of
from yima.sdk.centre.clearing.workspace import Workspace
from yima.sdk.centre.sharing.flows import flows
from yima.sdk.centre.sharing.money import equal_treatment, subsidies
from yima.sdk.centre.sharing.pseudonyms import Pseudonyms
from yima.sdk.centre.sharing.report import Public, shared_page
from yima.sdk.centre.sharing.rides import booked, paid_for, standing, with_persons
from yima.sdk.centre.sharing.tides import package
from yima.sdk.centre.simulation.settling import Simulation
from yima.validator.errors import Kind, YimaError
from yima.validator.system.disk import write_whole
from yima.validator.texts import Text


class ShareError(YimaError):
    """A day that cannot be shared so."""

    kind = Kind.STATE


def share(
    workspace: Workspace,
    service_date: int,
    out: Path,
    keys: Path,
    *,
    wait_days: int,
    k: int,
    simulated: Callable[[], Simulation] | None = None,
) -> dict[str, int]:
    """Writes the day's share; how many bookings and flows are in it. simulated: that date, and no other, under other
    parameters; asked once the date may be shared. Raises OrderError, PseudonymError, ShareError."""
    bookings = booked(workspace, service_date, wait_days)
    live = with_persons(workspace, standing(bookings), service_date, wait_days)
    names = Pseudonyms.of(keys, service_date // 100)
    public = _public(workspace, live, service_date, wait_days, k)
    if simulated:
        public = _with_simulation(public, live, simulated())
    tables = {"flows": public.flows, "subsidies": public.subsidies}
    if public.equal_treatment is not None:
        tables["equal-treatment"] = public.equal_treatment
    files = {"report.html": shared_page(public).encode()}
    for name, table in tables.items():
        files |= {f"{name}.csv": csv_of(table), f"{name}.parquet": parquet_of(table)}
    for city in sorted(set(bookings["city"].to_pylist())):
        found = package(bookings, live, city, service_date, names)
        files |= {f"tides-{city:06}/{name}": content for name, content in found.items()}
    _put(out / str(service_date), files)
    return {"bookings": len(bookings), **{name: len(table) for name, table in tables.items()}}


def _public(workspace: Workspace, live: pa.Table, service_date: int, wait_days: int, k: int) -> Public:
    paid = paid_for(workspace, live, service_date, wait_days)
    return Public(
        service_date=service_date,
        k=k,
        flows=flows(live, service_date, k),
        subsidies=subsidies(live, paid, service_date, k),
    )


def _with_simulation(public: Public, live: pa.Table, simulation: Simulation) -> Public:
    """Two periods that overlap would tell of the rides in which they differ, so there is no other than the day."""
    if (simulation.since, simulation.until) != (public.service_date, public.service_date):
        raise ValueError("a day is shared with a simulation of that day")
    rides = live["ride_id"].to_pylist()
    return replace(
        public,
        equal_treatment=equal_treatment(simulation, rides, public.service_date, public.k),
        version=simulation.other.version,
        digest=simulation.other.digest,
    )


def _put(folder: Path, files: Mapping[str, bytes]) -> None:
    there = (
        {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} if folder.is_dir() else set()
    )
    left = {name for name in there if name.endswith(".new") and name.removesuffix(".new") in files}  # by a power cut
    there -= left
    for name in sorted(there | files.keys()):
        path = folder / name
        if name in there and (name not in files or path.read_bytes() != files[name]):
            raise ShareError(
                path,
                Text("was shared with other content", "已以不同内容共享"),
                Text(
                    "A day is shared once; keep that, or give the share another folder and nobody both",
                    "每日只共享一次；请保留原件，或另选文件夹且勿同时提供",
                ),
            )
    try:
        for name in left:
            (folder / name).unlink()
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if name not in there:
                write_whole(path, content)
    except OSError as error:
        raise ShareError(
            folder,
            Text(f"cannot be written: {error.strerror}", f"无法写入：{error.strerror}"),
            Text("Name a folder that can be written with --out", "请用 --out 指定可写的文件夹"),
        ) from error
