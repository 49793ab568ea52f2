"""A bundle of evidence, checked by whoever was sent it: without the centre, its store or its tables.

What holds by itself: the entry's hash is the chain's over its bytes and the hash before; the facts are in its bytes;
the entry is in the body of its batch, and the device's signature is over that body. Whose key signed is asked of a list
of the devices' keys, if there is one; the code's own signatures and the fare are asked of the core, if the parameters
that the facts name are at hand. Nothing in a bundle is believed.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from yima.sdk.centre.clearing import columns
from yima.sdk.centre.clearing.disputes.evidence import FORM, SIGNERS
from yima.sdk.centre.clearing.tables import ENTRIES
from yima.sdk.centre.clearing.taps.batches import Keys
from yima.sdk.centre.clearing.taps.parameters import Published
from yima.validator.journal.facts import FactsError, TapFacts, parse
from yima.validator.ports import JournalKey
from yima.validator.state.keys import is_signed
from yima.validator.texts import Text
from yima.validator.uplink.batches import BatchError, parse_batch

_CHAINED = ("device", "epoch", "sequence")


def check_evidence(bundle: object, *, keys: Keys | None = None, published: Published | None = None) -> list[Text]:
    """What does not hold in a bundle, in words; nothing: all of it holds. keys: of the devices that may sign, None: any
    key may. published: by which codes and fares are judged again, None: they are not."""
    if not isinstance(bundle, dict) or bundle.get("form") != FORM or not isinstance(bundle.get("entries"), list):
        return [Text(f"no bundle of form {FORM}", f"不是格式 {FORM} 的证据")]
    wrong = [] if bundle["entries"] else [Text("there is no entry in it", "其中没有条目")]
    for place, shown in enumerate(bundle["entries"]):
        try:
            faults = list(_faults(shown, keys, published))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, pa.ArrowException) as error:
            said = f"{type(error).__name__}: {error}"
            faults = [Text(f"cannot be read ({said})", f"无法读取（{said}）")]
        wrong += [Text(f"entry {place}: {why.en}", f"条目 {place}：{why.zh}") for why in faults]
    return wrong


def _faults(shown: Mapping[str, Any], keys: Keys | None, published: Published | None) -> Iterator[Text]:
    entry, previous = bytes.fromhex(shown["entry"]), bytes.fromhex(shown["previous"])
    yield from _faults_of_batch(shown, entry, previous, keys)
    if shown["form"] != 2:
        return  # an older record: its hash covers a row, not these bytes alone, and has been compared in the batch
    row = {**{name: shown[name] for name in _CHAINED}, "entry": entry, "previous": previous}
    schema = pa.schema([(name, ENTRIES.schema.field(name).type) for name in row])
    if columns.hashes(pa.RecordBatch.from_pylist([row], schema))[0].as_py().hex() != shown["hash"]:
        yield Text("the hash is of other bytes", "哈希与内容不符")
    try:
        facts, _ = parse(entry)
    except FactsError as error:
        yield Text(str(error), f"内容无效（{error}）")
        return
    if not isinstance(facts, TapFacts):
        yield Text("no tap", "不是刷码记录")
        return
    if shown["parameters"]["digest"] not in (None, facts.parameters_digest.hex()):
        yield Text("names other parameters", "所列参数与记录不符")
    if published is not None and facts.reason == 0:
        yield from _faults_of_code(shown, entry, published)


def _faults_of_batch(shown: Mapping[str, Any], entry: bytes, previous: bytes, keys: Keys | None) -> Iterator[Text]:
    batch = shown["batch"]
    if batch is None:
        yield Text("no device has signed it", "没有终端签名")
        return
    body = batch["body"].encode()
    if not is_signed(batch["key"], batch["signature"], body):
        yield Text("the device's signature is not over this body", "终端签名与批次内容不符")
    if keys is not None and batch["key"] not in keys.get(shown["device"], frozenset()):
        yield Text(
            f"no listed key of device {shown['device']} has signed it", f"签名者不在终端 {shown['device']} 的公钥之列"
        )
    try:
        sent = {one.key: one for one in parse_batch(body).entries}
    except BatchError as error:
        yield Text(f"its batch is none: {error}", f"批次无效：{error}")
        return
    one = sent.get(JournalKey(*(shown[name] for name in _CHAINED)))
    if one is None or (one.content, one.previous, one.hash.hex()) != (entry, previous, shown["hash"]):
        yield Text("it is not in the body of its batch", "批次中没有该条目")


def _faults_of_code(shown: Mapping[str, Any], entry: bytes, published: Published) -> Iterator[Text]:
    answer = published.judge().judge(*columns.pieces(pa.array([entry], pa.binary())))
    reason, fare, held = (columns.integers(answer, name, 1)[0].as_py() for name in ("reason", "fare_fen", "signatures"))
    if reason < 0:
        yield Text("its parameters are not at hand", "缺少其所用参数")
        return
    if {name: bool(held & bit) for name, bit in SIGNERS.items()} != shown["signatures"]:
        yield Text("the code's signatures hold otherwise than it says", "码的签名核验结果与所述不符")
    if fare != shown["core_fare_fen"]:
        yield Text(f"the core's fare is {fare} fen", f"核心算得的票价为 {fare} 分")
