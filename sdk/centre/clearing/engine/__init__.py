"""Relational steps on an engine that exists: DuckDB on one machine, Spark beyond it."""

from pathlib import Path

from yima.sdk.centre.clearing.engine.duck import DuckEngine
from yima.sdk.centre.clearing.engine.port import Engine, EngineError, EngineMissingError

ENGINES = ("duckdb", "spark")

__all__ = ["ENGINES", "DuckEngine", "Engine", "EngineError", "EngineMissingError", "open_engine"]


def open_engine(name: str, scratch: Path, *, memory: str = "2GB") -> Engine:
    """The engine of that name. scratch: for what does not fit in memory. Raises EngineError."""
    if name == "spark":
        from yima.sdk.centre.clearing.engine.spark import SparkEngine  # noqa: PLC0415

        return SparkEngine(scratch)
    return DuckEngine(scratch, memory=memory)
