"""The words of the tables as people read them, in both languages."""

from enum import StrEnum

from yima.sdk.centre.clearing.money.tables import Booked, DecidedBy, Decision, PartyKind, Posted, Reason
from yima.sdk.centre.clearing.tables import Cause, Kind, Source, Verdict, Why
from yima.validator.texts import Text

# By enumeration: words of two of them may be the same text, which is one key.
WORDS: dict[type[StrEnum], dict[str, Text]] = {
    PartyKind: {
        PartyKind.ISSUER: Text("issuer", "发码机构"),
        PartyKind.OPERATOR: Text("operator", "运营单位"),
        PartyKind.CITY: Text("city", "城市"),
        PartyKind.REGION: Text("the region's fund", "区域基金"),
        PartyKind.CENTRE: Text("the centre", "清分中心"),
    },
    Posted: {
        Posted.FARE: Text("fare: issuer to operator", "票款：发码机构付运营单位"),
        Posted.SUBSIDY: Text("reduction at the gate: funder to operator", "闸机优惠：出资方付运营单位"),
        Posted.REDUCTION: Text("reduction by the centre: funder to issuer", "中心优惠：出资方付发码机构"),
        Posted.FEE: Text("fee: operator to centre", "手续费：运营单位付清分中心"),
        Posted.ISSUER_SHARE: Text("share of the fee: centre to issuer", "分成：清分中心付发码机构"),
        Posted.ACQUIRER_SHARE: Text("share of the fee: centre to operator", "分成：清分中心付运营单位"),
    },
    Booked: {
        Booked.RIDE: Text("rides of this day", "当日行程"),
        Booked.LATE: Text("late: of an earlier day", "迟到：此前日期的行程"),
        Booked.RULES: Text("another ride came or went, and the rules give something else", "其他行程变动，规则重算"),
        Booked.VOID: Text("there was no ride after all", "行程作废"),
        Booked.PAIRED: Text("a leg came late, and legs belong to others", "迟到进出站，重新配对"),
        Booked.DISPUTE: Text("a dispute", "差错"),
    },
    Cause: {
        Cause.NONE: Text("the gate's fare stands", "与闸机一致"),
        Cause.ENTRY_UNKNOWN_AT_GATE: Text("the code told no entry; the centre has it", "码内无进站，中心有记录"),
        Cause.OTHER_ENTRY: Text("the code told another entry than the latest", "码内进站信息并非最近一次"),
        Cause.GATE: Text("the gate's sum is not what its parameters say", "闸机计价与其参数不符"),
        Cause.MISSING_EXIT: Text("no exit: closed by rule", "缺出站，按规则结算"),
        Cause.NO_SUCH_RIDE: Text("the centre's entry gives no fare: the gate's stands", "中心进站无对应票价，按闸机"),
        Cause.OVER_CAP: Text("over the code's cap: the gate's stands", "中心票价超出码限额，按闸机"),
    },
    Kind: {
        Kind.BUS: Text("bus", "公交"),
        Kind.METRO: Text("metro", "地铁"),
        Kind.METRO_OVER_TIME: Text("metro, over time", "地铁，超时"),
        Kind.METRO_NO_ENTRY: Text("metro, no entry", "地铁，缺进站"),
        Kind.METRO_NO_EXIT: Text("metro, no exit", "地铁，缺出站"),
    },
    Source: {
        Source.GATE: Text("at the gate", "闸机"),
        Source.CENTRE: Text("by the centre", "清分中心"),
    },
    Verdict: {
        Verdict.OK: Text("counts", "有效"),
        Verdict.EVIDENCE: Text("kept, not paid", "留证，不清算"),
        Verdict.VOID: Text("no ride", "未成行"),
    },
    Why: {
        Why.NONE: Text("in order", "正常"),
        Why.CHAIN: Text("the chain does not hold", "哈希链不符"),
        Why.DEVICE_SIGNATURE: Text("the device's signature does not hold", "终端签名无效"),
        Why.UNSIGNED: Text("no device has signed it", "没有终端签名"),
        Why.FACTS: Text("facts cannot be read, or say other than the record", "要素无法读取或与记录不符"),
        Why.RECORD: Text("the ministry's record is not whole", "部标记录不完整"),
        Why.CONFLICT: Text("another entry is held under its key", "同一序号已有其他记录"),
        Why.PARAMETERS_UNKNOWN: Text("its parameters are not at hand", "缺少所用参数"),
        Why.CA_SIGNATURE: Text("the CA's signature does not hold", "CA 签名无效"),
        Why.ISSUER_SIGNATURE: Text("the issuer's signature does not hold", "发码机构签名无效"),
        Why.RIDER_SIGNATURE: Text("the rider's signature does not hold", "乘客签名无效"),
        Why.OVER_CAP: Text("over the code's cap", "超出码限额"),
        Why.CORE_REFUSES: Text("the core refuses it", "判定为拒绝"),
        Why.DUPLICATE: Text("the same again", "重复"),
        Why.DOUBLE_USE: Text("the code has paid already", "码已使用"),
        Why.REVERSED: Text("the gate did not open", "闸机未放行"),
        Why.NOT_PASSED: Text("nobody passed, and the rider tapped again", "未通过，已重新刷码"),
    },
    Decision: {
        Decision.WAITING: Text("waits for the other party", "待对方确认"),
        Decision.UPHELD: Text("upheld", "成立"),
        Decision.REFUSED: Text("refused", "不成立"),
    },
    DecidedBy: {
        DecidedBy.NONE: Text("nobody yet", "尚未裁决"),
        DecidedBy.SIGNATURES: Text("by the signatures", "由签名裁决"),
        DecidedBy.RULE: Text("by rule", "由规则裁决"),
        DecidedBy.HAND: Text("by the other party", "由对方确认"),
    },
    Reason: {
        Reason.NOT_MINE: Text("not my ride", "非本人"),
        Reason.TWICE: Text("billed twice", "重复扣款"),
        Reason.NO_PASSAGE: Text("not let through", "未放行"),
        Reason.AMOUNT: Text("another fare", "金额"),
        Reason.NO_REDUCTION: Text("a reduction is missing", "未享优惠"),
        Reason.MISSING: Text("a record that is not paid", "漏清"),
        Reason.OTHER: Text("other", "其他"),
    },
}


def word(kind: type[StrEnum], value: str) -> Text:
    """The words for a value of a table's column; the value itself where nobody gave it words."""
    return WORDS[kind].get(value, Text(value, value))
