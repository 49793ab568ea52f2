"""A day's share in a folder: flows for everybody, and a package for each riding city. Once and for all.

    DIR/20260914/flows.csv, flows.parquet
    DIR/20260914/tides-310000/datapackage.json, devices.csv, fare_transactions.csv, station_activities.csv

A day that was shared is not shared again: the same bytes are left as they are, others are refused, since what differs
between two shares tells of single riders.
"""

from collections.abc import Mapping
from pathlib import Path

from yima.sdk.centre.clearing.exported import csv_of, parquet_of
from yima.sdk.centre.clearing.workspace import Workspace
from yima.sdk.centre.sharing.flows import flows
from yima.sdk.centre.sharing.pseudonyms import Pseudonyms
from yima.sdk.centre.sharing.rides import booked, standing
from yima.sdk.centre.sharing.tides import package
from yima.validator.errors import Kind, YimaError
from yima.validator.journal.files import write_whole
from yima.validator.texts import Text


class ShareError(YimaError):
    """A day that cannot be shared so."""

    kind = Kind.STATE


def share(workspace: Workspace, service_date: int, out: Path, keys: Path, *, wait_days: int, k: int) -> dict[str, int]:
    """Writes the day's share; how many bookings and flows are in it. Raises OrderError, PseudonymError, ShareError."""
    bookings = booked(workspace, service_date, wait_days)
    live = standing(bookings)
    table = flows(live, service_date, k)
    names = Pseudonyms.of(keys, service_date // 100)
    files = {"flows.csv": csv_of(table), "flows.parquet": parquet_of(table)}
    for city in sorted(set(bookings["city"].to_pylist())):
        found = package(bookings, live, city, service_date, names)
        files |= {f"tides-{city:06}/{name}": content for name, content in found.items()}
    _put(out / str(service_date), files)
    return {"bookings": len(bookings), "flows": len(table)}


def _put(folder: Path, files: Mapping[str, bytes]) -> None:
    there = (
        {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} if folder.is_dir() else set()
    )
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
