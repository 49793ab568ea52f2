"""The six digits with which feedback says what became of a record. Ours: the national table of them is not public."""

import pyarrow as pa

from yima.sdk.centre.clearing.tables import Why

NO_ERROR = "000000"
CODES: dict[str, str] = {
    Why.NONE: NO_ERROR,
    Why.CHAIN: "010001",
    Why.DEVICE_SIGNATURE: "010002",
    Why.FACTS: "010003",
    Why.RECORD: "010004",
    Why.CONFLICT: "010005",
    Why.UNSIGNED: "010006",
    Why.PARAMETERS_UNKNOWN: "020001",
    Why.CA_SIGNATURE: "030001",
    Why.ISSUER_SIGNATURE: "030002",
    Why.RIDER_SIGNATURE: "030003",
    Why.OVER_CAP: "040001",
    Why.CORE_REFUSES: "040002",
    Why.DUPLICATE: "050001",
    Why.DOUBLE_USE: "050002",
    Why.REVERSED: "060001",
    Why.NOT_PASSED: "060002",
}


def relation() -> pa.Table:
    """The codes as a small table (why, error)."""
    return pa.table({"why": [str(why) for why in CODES], "error": list(CODES.values())})
