"""Which entries of a journal its device has signed: later, by whoever holds the store and trusts the device's key.

A batch was signed as it came over the wire. What is held of it makes the same bytes again, so a store that was changed
afterwards no longer agrees with the signature.
"""

from typing import NamedTuple

from yima.sdk.centre.collector.arrivals import Ledger, Proof
from yima.validator.state.keys import is_signed
from yima.validator.uplink.batches import encode_batch, parse_batch


class Proven(NamedTuple):
    """What the signatures say. entries: sequences under a good one. broken: proofs that do not agree with the store."""

    entries: frozenset[int]
    broken: tuple[Proof, ...]


def proven(store: Ledger, device: str, epoch: int, key: str) -> Proven:
    """Holds every signature of one journal against the store. key: the device's, 64 hex digits. Raises StoreError."""
    entries: set[int] = set()
    broken: list[Proof] = []
    for proof in store.proofs(device, epoch):
        held = store.held(device, epoch, proof.first, proof.last)
        body = encode_batch(device, epoch, held) if proof.body is None else proof.body
        if proof.key != key or not is_signed(key, proof.signature, body):
            broken.append(proof)
            continue
        sent = {entry.key.sequence: entry for entry in parse_batch(body).entries}
        entries |= {entry.key.sequence for entry in held if sent.get(entry.key.sequence) == entry}
    return Proven(frozenset(entries), tuple(broken))
