"""What each field and tag is called, in the standard's order: keys are layouts.py's names and a record's tags."""

from yima.validator.texts import Text

CODE_NAMES = {
    "version": Text("version", "版本号"),
    "length": Text("length of fields 3 to 17", "数据长度"),
    "certificate": Text("issuer certificate", "发卡机构公钥证书"),
    "payment_account": Text("payment account", "支付账户号"),
    "card_account": Text("card account", "卡账户号"),
    "organisation": Text("issuing institution", "发卡机构号"),
    "platform": Text("code-issuing platform", "发码平台编号"),
    "account_type": Text("account type", "卡账户类型"),
    "cap": Text("cap on one trip", "单次消费金额上限"),
    "rider_key": Text("rider's public key", "支付账户用户公钥"),
    "authorised_until": Text("authorisation expiry", "支付账户系统授权过期时间"),
    "validity": Text("validity of one code", "二维码有效时间"),
    "issuer_data_length": Text("length of issuer's data", "发卡机构自定义域长度"),
    "issuer_data": Text("issuer's own data", "发卡机构自定义域"),
    "issuer_signature": Text("issuer authorisation signature", "发卡机构授权签名"),
    "generated_at": Text("generation time", "二维码生成时间"),
    "rider_signature": Text("rider signature", "支付账户用户私钥签名"),
}

CERTIFICATE_NAMES = {
    "header": Text("record header", "记录头"),
    "service_id": Text("service id", "服务标识"),
    "root_index": Text("root CA index", "根 CA 公钥索引"),
    "format": Text("certificate format", "证书格式"),
    "issuer_id": Text("issuer id", "发卡机构标识"),
    "expiry": Text("expiry", "证书失效日期"),
    "serial": Text("serial number", "证书序列号"),
    "signature_algorithm": Text("signature algorithm", "签名算法标识"),
    "encryption_algorithm": Text("encryption algorithm", "加密算法标识"),
    "curve_parameter": Text("curve parameter", "公钥参数标识"),
    "key_length": Text("key length", "公钥长度"),
    "issuer_key": Text("issuer's public key", "发卡机构公钥"),
    "ca_signature": Text("CA signature", "CA 签名"),
}

TAG_NAMES = {
    0x0000: Text("record version", "记录版本"),
    0x0001: Text("code", "二维码数据"),
    0x0002: Text("terminal vendor", "终端厂商"),
    0x0003: Text("terminal id", "终端编号"),
    0x0004: Text("terminal software", "终端软件版本"),
    0x0005: Text("record id", "记录编号"),
    0x0006: Text("merchant type", "商户类型"),
    0x0007: Text("consumption type", "消费类型"),
    0x0008: Text("currency", "币种"),
    0x0009: Text("amount (fen)", "金额（分）"),
    0x000A: Text("vehicle", "车辆编号"),
    0x000B: Text("plate", "车牌号"),
    0x000C: Text("driver", "司机编号"),
    0x000D: Text("line", "线路"),
    0x000E: Text("station", "站点"),
    0x000F: Text("position", "位置"),
    0x0010: Text("terminal time", "终端时间"),
    0x0011: Text("integrity (SM3)", "完整性校验（SM3）"),
    0x2001: Text("reason", "判定原因"),
    0x2002: Text("time trusted", "时间可信"),
    0x2003: Text("rules that set the fare", "票价规则"),
    0x2004: Text("vouched for by (1 issuer, 2 nobody)", "核验方（1 发码方，2 未核验）"),
    0x2005: Text("transaction (1 entry, 2 exit, 3 over-time exit)", "交易类型（1 进站，2 出站，3 超时出站）"),
}

# Tags whose value is text; others are numbers or bytes.
TEXT_TAGS = frozenset({0x0002, 0x0003, 0x0004, 0x0005, 0x0006, 0x0008, *range(0x000A, 0x0010), 0x2003})
NUMBER_TAGS = frozenset({0x0009, 0x0010})
