"""What is known of each family of codes that a reader meets, for an engineer who wonders what he has scanned.

The ids are the core's (yima_family_name); only it tells families apart.
"""

from yima.validator._core import FAMILIES as _IDS
from yima.validator._core import family_of as _family_of
from yima.validator.texts import Text

FAMILIES = {
    "ministry": Text(
        "ministry code, JT/T 1179: offline, three SM2 signatures", "部标码（JT/T 1179）：离线，三个 SM2 签名"
    ),
    "unified": Text(
        "unified-platform code: 55, then the ministry's layout; offline", "统一发码平台的码：55 后接部标码数据；离线"
    ),
    "ministry-226": Text(
        "the ministry's older form of about 226 bytes, without certificate, met on terminals of 2019; the issuer's key "
        "is looked up by its id",
        "旧版部标码（约 226 字节，无证书，见于 2019 年的终端）；按密钥编号查找发卡机构公钥",
    ),
    "suishen": Text(
        "随申码 (Shanghai), transit form: offline, two SM2 signatures. Its layout is known from a metro reader's "
        "structures, not from a sample",
        "随申码（上海）交通形态：离线，两个 SM2 签名。其结构来自地铁读码器，未经样码验证",
    ),
    "suishen-hall": Text(
        "a web address, such as 随申码's service-hall form: can be verified online only",
        "网址（如随申码政务大厅形态）：只能联网核验",
    ),
    "alipay": Text("Alipay ride code: offline, ECDSA", "支付宝乘车码：离线，ECDSA"),
    "city-card": Text(
        "a city card's own code: offline, body as Alipay's", "城市一卡通自有码：离线，数据同支付宝乘车码"
    ),
    "wechat": Text("WeChat ride code: needs the vendor's SDK", "微信乘车码：需厂商 SDK"),
    "unionpay": Text("UnionPay code: all digits, verified online", "银联码：纯数字，联网核验"),
    "sufu": Text(
        "苏服码 (Jiangsu): only its issuer can verify it, online; known by a prefix in the parameters, since no public "
        "form of it exists",
        "苏服码（江苏）：只能由发码方联网核验；无公开格式，按参数中的前缀识别",
    ),
    "anhui": Text(
        "安徽码 (Anhui): only its issuer can verify it, online; known by a prefix in the parameters",
        "安徽码：只能由发码方联网核验；按参数中的前缀识别",
    ),
    "zhejiang": Text(
        "浙江码 (Zhejiang): only its issuer can verify it, online; known by a prefix in the parameters",
        "浙江码：只能由发码方联网核验；按参数中的前缀识别",
    ),
    "unknown": Text("no family that is known here", "未知码类"),
}

assert set(FAMILIES) == set(_IDS), "families.c and this table name the same families"


def family_of(payload: bytes) -> str:
    """The id of a payload's family, by its first bytes; nothing is verified."""
    return _family_of(payload)
