"""Taking apart what was scanned or recorded, for an engineer's eyes: fields, places, what is wrong, accounts masked."""

from sdk.dissection.code import dissect
from sdk.dissection.record import dissect_record
from sdk.dissection.shape import Dissection, Field

__all__ = ["Dissection", "Field", "dissect", "dissect_record"]
