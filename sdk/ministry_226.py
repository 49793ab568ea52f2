"""The ministry code's form of 2019, 226 bytes without certificate: test codes of it.

Met on terminals of that year. What stands between the known places is not known; here it is zero, and the core reads
none of it (`validator/core/ministry_226.c`).
"""

from dataclasses import dataclass

from yima.sdk import layouts
from yima.sdk.sm2 import SigningKey

SIZE = 226
SIGNATURE_TAG = bytes([layouts.SIGNATURE_TAG])


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer226:
    """An issuer of that form, known by the id of its key (8 hex digits)."""

    key: SigningKey
    key_id: str = "0a000001"

    def code(
        self,
        rider: SigningKey,
        *,
        payment_account: str,
        card_account: str,
        authorised_until: int,
        generated_at: int,
        validity_s: int = 120,
        version: int = 0x80,
        kind: int = 1,
    ) -> bytes:
        """One code of a rider's. Times in unix seconds UTC."""
        code = bytearray(SIZE)
        code[0], code[1:3], code[3] = version, (SIZE - 3).to_bytes(2), kind
        code[4:8] = bytes.fromhex(self.key_id)
        code[18:34] = payment_account.encode("ascii").ljust(16)
        code[34:44] = layouts.packed(card_account, 10)
        code[51:84] = rider.compressed
        code[84:88], code[88:90] = authorised_until.to_bytes(4), validity_s.to_bytes(2)
        code[90:155] = SIGNATURE_TAG + self.key.sign(bytes(code[10:90]))
        code[157:161] = generated_at.to_bytes(4)
        code[161:226] = SIGNATURE_TAG + rider.sign(bytes(code[8:161]))
        assert len(code) == SIZE
        return bytes(code)
