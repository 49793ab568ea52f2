"""Relational steps on an engine that exists: DuckDB on one machine, Spark beyond it."""
