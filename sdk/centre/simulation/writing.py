"""A simulation in a folder, for whoever decides: sums as CSV and Parquet, all of it as JSON.

    pairs.csv, pairs.parquet        see sums.py
    funders.csv, funders.parquet
    refused.csv, refused.parquet    rides by name: the centre's own, not to be handed on
    simulation.json                 which parameters and days, totals, the same rows, refusals counted by reason

Small sums stand in it as they are: what of it may be shown to everybody is for sharing to say.
"""

import json
from collections import Counter
from pathlib import Path

from yima.sdk.centre.clearing.exported import csv_of, parquet_of
from yima.sdk.centre.simulation.settling import Simulation
from yima.sdk.centre.simulation.sums import funders, pairs, refused
from yima.validator.errors import Kind, YimaError
from yima.validator.system.disk import write_whole
from yima.validator.texts import Text

FORM = 1


class SimulationPlaceError(YimaError):
    """A folder into which a simulation cannot be written."""

    kind = Kind.STATE


def described(simulation: Simulation) -> dict[str, object]:
    """What simulation.json says."""
    tables = {"pairs": pairs(simulation), "funders": funders(simulation)}
    gone = refused(simulation)
    columns = ("settled_gross_fen", "settled_fen", "other_gross_fen", "other_fen", "difference_fen")
    sums = {name: sum(tables["pairs"][name].to_pylist()) for name in ("rides", *columns)}
    return {
        "simulation": FORM,
        "parameters": {
            "version": simulation.other.version,
            "digest": simulation.other.digest,
            "city": simulation.other.city or None,
        },
        "since": simulation.since,
        "until": simulation.until,
        "totals": {
            **sums,
            "refused": gone.num_rows,
            "refused_fen": sum(gone["settled_fen"].to_pylist()),
            "settled_in_all_fen": sum(simulation.rides["settled_fen"].to_pylist()),
        },
        "reasons": dict(sorted(Counter(gone["reason"].to_pylist()).items())),
        **{name: table.to_pylist() for name, table in tables.items()},
    }


def write(simulation: Simulation, out: Path) -> None:
    """All files, over such as are there. Raises SimulationPlaceError."""
    tables = {"pairs": pairs(simulation), "funders": funders(simulation), "refused": refused(simulation)}
    files = {"simulation.json": json.dumps(described(simulation), ensure_ascii=False, indent=1).encode() + b"\n"}
    for name, table in tables.items():
        files |= {f"{name}.csv": csv_of(table), f"{name}.parquet": parquet_of(table)}
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            write_whole(out / name, content)
    except OSError as error:
        raise SimulationPlaceError(
            out,
            Text(f"cannot be written: {error.strerror}", f"无法写入：{error.strerror}"),
            Text("Name a folder that can be written with --out", "请用 --out 指定可写的文件夹"),
        ) from error
