"""Makes revoked.json anew: two certificates of one institution, of which the older is to be withdrawn.

`python tests/vectors/make_revoked.py`. Keys come from fixed numbers and are nobody's; signatures differ each time.
"""

import json
from pathlib import Path

from yima.sdk.issuer import make_issuer, make_rider, make_root
from yima.sdk.sm2 import SigningKey

NOW = 1_790_000_000
ORGANISATION = "99000106"


def main() -> None:
    """Writes the file."""
    root = make_root(1, key=SigningKey.from_int(106))
    codes = {}
    for serial, number in ((1, 107), (2, 108)):
        issuer = make_issuer(root, ORGANISATION, key=SigningKey.from_int(number), serial=serial)
        rider = make_rider(
            issuer, payment_account="TEST-RIDER", card_account=f"9900010600000000000{serial}",
            platform=ORGANISATION, authorised_until=NOW + 86400,
        )  # fmt: skip
        codes[f"{serial:06x}"] = rider.code(NOW).hex()
    vector = {
        "clock": NOW,
        "root": root.certificate.hex(),
        "organisation": ORGANISATION,
        "platform": ORGANISATION,
        "codes": codes,
    }
    Path(__file__).with_name("revoked.json").write_text(json.dumps(vector, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
