"""Taking apart what was scanned or recorded, for an engineer's eyes: fields, places, what is wrong, accounts masked."""

from yima.sdk.dissection.code import dissect
from yima.sdk.dissection.entry import dissect_entry
from yima.sdk.dissection.record import dissect_record
from yima.sdk.dissection.shape import Dissection, Field

__all__ = ["Dissection", "Field", "dissect", "dissect_entry", "dissect_record"]
