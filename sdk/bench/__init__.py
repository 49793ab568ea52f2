"""The bench: what a scanner or a person handed over, what happened to it on the way, and what cures it."""

from yima.sdk.bench.causes import CAUSES, Cause, Explained
from yima.sdk.bench.diagnosis import Diagnosis, diagnose

__all__ = ["CAUSES", "Cause", "Diagnosis", "Explained", "diagnose"]
