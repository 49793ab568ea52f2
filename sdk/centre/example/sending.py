"""What a store of the example holds, sent again as its devices sent it, through the collector's own code."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from yima.sdk.centre.collector.arrivals import Proof, Signed
from yima.sdk.centre.collector.store import Store
from yima.validator.uplink.batches import encode_batch, parse_batch


def send_again(source: Path, target: Path, *, times: int = 1) -> int:
    """Sends every batch of a store, in the order in which they came, to a new store at `target`; each so many times
    over, as devices do that get no answer. Returns how many batches there were."""
    held, store = Store(source), Store(target)
    count = 0
    try:
        for device, epoch, proof in _proofs(source):
            body = proof.body
            if body is None:
                body = encode_batch(device, epoch, held.held(device, epoch, proof.first, proof.last))
            for again in range(times):
                store.accept(
                    parse_batch(body), proof.key, received=proof.received + again, signed=Signed(body, proof.signature)
                )
            count += 1
    finally:
        held.close()
        store.close()
    return count


def _proofs(source: Path) -> Iterator[tuple[str, int, Proof]]:
    """Of all journals, as they came."""
    with closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        rows = connection.execute(
            "SELECT device, epoch, first, last, form, key, signature, body, received FROM batches ORDER BY id"
        )
        for device, epoch, *rest in rows.fetchall():
            yield device, epoch, Proof(*rest)
